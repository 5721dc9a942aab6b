// The page of one camera as a person uses it: on a phone and on a computer, by hand, by keys, while its camera goes away and comes back.
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { PageCounter, visitCamera } from '../support/page-facts.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE, until } from '../support/web-page.ts';

const test = suite('web camera page', { timeoutMs: 45_000 });
const problem = serviceProblem() ?? browserProblem();
const here = problem === undefined;

let browser: Browser;
let service: Service;
test.before(async () => {
  if (!here) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  await service.until<{ state: { name: string } }>('/api/cameras/1', ({ state }) => state.name === 'live');
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

const MOVES = "document.querySelector('video')?.dataset.shown === ''";
for (const [name, view] of Object.entries({ phone: PHONE, computer: DESKTOP })) {
  test.needs(here, problem ?? '', `shows a moving picture and has no fault on a ${name}`, async () => {
    const { page, errors, foreign } = await openPage(browser, service, '#/cam/1', view);
    try {
      await until(page, MOVES);
      await page.getByLabel('About this picture').click();
      assert.match((await page.locator('.info-list').textContent()) ?? '', /video over the board/);
      assert.equal(await axeFindings(page), []);
      assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
      assert.equal([errors, foreign], [[], []]);
    } finally {
      await page.context().close();
    }
  });
}

test.needs(
  here,
  problem ?? '',
  'check 12: the picture is looked at closely by buttons, keys, wheel and double click',
  async () => {
    const { page } = await openPage(browser, service, '#/cam/1', DESKTOP);
    try {
      await until(page, MOVES);
      const is = (wanted: number) =>
        until(
          page,
          `Math.abs(new DOMMatrix(getComputedStyle(document.querySelector('.stage-inside')).transform).a - ${wanted}) < 0.01`,
        );
      await page.getByLabel('Zoom in').click();
      await is(1.5);
      await page.keyboard.press('+');
      await is(2.25);
      for (let count = 0; count < 6; count++) await page.keyboard.press('+');
      await is(8);
      await page.keyboard.press('-');
      await is(8 / 1.5);
      await page.keyboard.press('0');
      await is(1);
      const box = await page.locator('.stage').boundingBox();
      assert.ok(box);
      await page.mouse.dblclick(box.x + box.width / 4, box.y + box.height / 4);
      await is(2);
      await page.mouse.dblclick(box.x + box.width / 4, box.y + box.height / 4);
      await is(1);
      await page.mouse.move(box.x + 50, box.y + 50);
      await page.mouse.wheel(0, -500);
      await until(page, "new DOMMatrix(getComputedStyle(document.querySelector('.stage-inside')).transform).a > 1.5");
      assert.is(await page.evaluate('location.hash'), '#/cam/1', 'a zoomed picture is not left by accident');
    } finally {
      await page.context().close();
    }
  },
);

test.needs(
  here,
  problem ?? '',
  'check 12: a swipe over the whole picture leads to the next camera, buttons and keys too',
  async () => {
    const { page } = await openPage(browser, service, '#/cam/1', PHONE);
    try {
      await until(page, MOVES);
      await page.evaluate(`(() => {
      const stage = document.querySelector('.stage');
      const box = stage.getBoundingClientRect();
      const send = (type, share) => stage.dispatchEvent(new PointerEvent(type, {
        pointerId: 7, pointerType: 'touch', button: 0, bubbles: true, clientX: box.left + box.width * share, clientY: box.top + box.height / 2,
      }));
      stage.setPointerCapture = () => {};
      send('pointerdown', 0.8);
      send('pointermove', 0.4);
      send('pointerup', 0.2);
    })()`);
      await until(page, "location.hash === '#/cam/2' && document.querySelector('h1').textContent === 'Demo 2'");
      await until(page, MOVES);
      await page.getByLabel('Next camera').click();
      await until(page, "document.querySelector('h1').textContent === 'Demo 1'");
      await page.keyboard.press('PageUp');
      await until(page, "document.querySelector('h1').textContent === 'Demo 2'");
      await page.keyboard.press('Escape');
      await until(page, "location.hash === '#/'");
    } finally {
      await page.context().close();
    }
  },
);

test.needs(here, problem ?? '', 'check 10: ten visits from the grid leave no video and no socket', async () => {
  const { page, errors } = await openPage(browser, service, '#/', DESKTOP);
  const counter = await PageCounter.of(page);
  for (let count = 0; count < 2; count++) await visitCamera(page);
  const before = await counter.facts();
  for (let count = 0; count < 10; count++) await visitCamera(page);
  // A socket that is closed goes when the service has answered, an element when nothing runs any more that knows it.
  const deadline = Date.now() + 15_000;
  let after = await counter.facts();
  while ((after.videos > before.videos || after.sockets > before.sockets) && Date.now() < deadline) {
    await page.waitForTimeout(200);
    after = await counter.facts();
  }
  assert.ok(after.videos <= before.videos && after.sockets <= before.sockets, JSON.stringify([before, after]));
  assert.equal(errors, []);
  await page.context().close();
});

test.needs(
  here,
  problem ?? '',
  'a snapshot is the picture on the screen; what is recorded by hand stands below',
  async () => {
    const { page } = await openPage(browser, service, '#/cam/1', DESKTOP);
    try {
      await until(page, MOVES);
      const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
      assert.match(download.suggestedFilename(), /^Demo 1 \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.jpg$/);
      const bytes = readFileSync(await download.path());
      assert.equal([...bytes.subarray(0, 2)], [0xff, 0xd8]);
      const refusal = { error: { kind: 'busy', message: 'Not at this moment.' } };
      await page.route('**/api/cameras/1/record', route => route.fulfill({ status: 503, json: refusal }), { times: 1 });
      await page.getByText('Record now').click();
      await page.getByText(refusal.error.message).waitFor();
      assert.is(await page.getByText('Stop recording').count(), 0, 'nothing began');
      await page.getByText('Record now').click();
      await page.locator('.today a[href^="#/event/"]').waitFor();
      await page.getByText('Stop recording').click();
      await page.getByText('Demo 1: recording ends.').waitFor();
    } finally {
      await page.context().close();
    }
  },
);

test.needs(
  here,
  problem ?? '',
  'check 9: a camera that goes keeps its last picture with the reason, and moves again by itself',
  async () => {
    const { page } = await openPage(browser, service, '#/cam/2', DESKTOP);
    try {
      await until(page, MOVES);
      await service.patch('/api/cameras/2', { enabled: false });
      await page.getByText('Camera disabled').waitFor();
      assert.ok(
        await page.evaluate("document.querySelector('.picture-still').dataset.drawn === ''"),
        'the last picture',
      );
      assert.is(await page.evaluate("document.querySelector('video').hasAttribute('src')"), false, 'no decoder');
      await service.patch('/api/cameras/2', { enabled: true });
      await until(page, MOVES);
      await page.getByText('Camera disabled').waitFor({ state: 'detached' });
    } finally {
      await page.context().close();
    }
  },
);

test.run();
