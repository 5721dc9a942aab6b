// What may come between a live picture and its reader, on the pages themselves: bytes that are late or damaged, and a page that
// nobody looks at. There is always a picture or a word.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { GATE, watchLiveSockets } from '../support/live-gate.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage, until } from '../support/web-page.ts';

const test = suite('web live faults', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();

let browser: Browser;
let service: Service;
test.before(async () => {
  if (problem !== undefined) return;
  service = await Service.start({ args: ['--demo'] });
  const { cameras } = await service.get<{ cameras: Camera[] }>('/api/cameras');
  const url = cameras[0]?.sub?.url;
  for (const name of ['Third', 'Fourth']) await service.post('/api/cameras', { name, main: { url } });
  await service.until<{ cameras: Camera[] }>(
    '/api/cameras',
    answer => answer.cameras.every(({ state }) => state.name === 'live'),
    20_000,
  );
  browser = await Browser.start();
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

/** Runs in the page, as text. */
const LOOK = `
window.light = picture => {
  const context = new OffscreenCanvas(32, 18).getContext('2d');
  context.drawImage(picture, 0, 0, 32, 18);
  return context.getImageData(0, 0, 32, 18).data;
};
window.isBlack = picture => light(picture).every((value, at) => at % 4 === 3 || value < 24);
/** What a box shows: a picture of either kind, or nothing. */
window.pictureOf = box => box.querySelector('video[data-shown]') ?? box.querySelector('canvas[data-drawn]');
`;

const SCRIPT = `${GATE}${LOOK}`;

/** So many tiles show moving pictures. */
function moving(page: Page, count: number): Promise<void> {
  return until(page, `document.querySelectorAll('.tile video[data-shown]').length === ${count}`, 30_000);
}

needs('check 6: stills are there before any byte of video, and four tiles move after it', async () => {
  const script = `${SCRIPT}gate.mode = 'hold';`;
  const { page, errors } = await openPage(browser, service, '#/', { ...DESKTOP, script });
  await until(page, `document.querySelectorAll('.tile canvas[data-drawn]').length === 4`, 30_000);
  await until(page, 'gate.held > 0');
  assert.is(await page.evaluate(`document.querySelectorAll('.tile video[data-shown]').length`), 0);
  assert.equal(await page.evaluate(`[...document.querySelectorAll('.tile canvas')].map(isBlack)`), [
    false,
    false,
    false,
    false,
  ]);
  await page.evaluate('gate.release()');
  await moving(page, 4);
  await page.evaluate(
    `window.before = [...document.querySelectorAll('.tile video')].map(video => light(video).join())`,
  );
  await until(
    page,
    `[...document.querySelectorAll('.tile video')].every((video, at) => light(video).join() !== before[at])`,
  );
  assert.equal(errors, []);
  await page.context().close();
});

needs('check 16: damaged pictures: built anew once, then the small stream, then stills, never black', async () => {
  const { page } = await openPage(browser, service, '#/cam/2', { ...DESKTOP, script: SCRIPT });
  const { streams } = watchLiveSockets(page);
  await page.evaluate(`gate.mode = 'damage'`);
  await page.evaluate(`location.hash = '#/cam/1'`);
  await until(page, `document.querySelector('h1').textContent === 'Demo 1'`);
  await until(page, `!!pictureOf(document.querySelector('.camera-picture'))`);
  await page.evaluate(`
    window.black = [];
    setInterval(() => {
      const box = document.querySelector('.camera-picture');
      const picture = pictureOf(box);
      const words = document.querySelector('.camera-note, .tile-trouble')?.textContent;
      if (!words && (!picture || isBlack(picture))) black.push(picture ? picture.tagName : 'nothing');
    }, 20);
  `);
  await page
    .getByText('Moving pictures do not come through: one picture a second instead.')
    .waitFor({ timeout: 40_000 });
  assert.equal(streams, ['main', 'main', 'sub']);
  const still = (await page.evaluate(`light(document.querySelector('.camera-picture canvas')).join()`)) as string;
  await until(page, `light(document.querySelector('.camera-picture canvas')).join() !== '${still}'`);
  assert.equal(await page.evaluate('black'), []);
  await page.evaluate(`gate.mode = 'pass'`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await until(page, `!!document.querySelector('.camera-picture video[data-shown]')`);
  assert.is(streams.at(-1), 'main');
  assert.is(await page.locator('.camera-note').count(), 0);
  await page.context().close();
});

needs('moving pictures that did not come are tried again without a hand', async () => {
  // Nobody waits half a minute here: timers of that time, one of which tries again, are called by hand.
  const clock = `
    const later = setTimeout;
    window.halfMinutes = [];
    window.setTimeout = (run, ms, ...rest) => {
      if (ms === 30_000) halfMinutes.push(run);
      return later(run, ms, ...rest);
    };
  `;
  const { page } = await openPage(browser, service, '#/cam/2', { ...DESKTOP, script: `${SCRIPT}${clock}` });
  const { streams } = watchLiveSockets(page);
  await page.evaluate(`gate.mode = 'damage'`);
  await page.evaluate(`location.hash = '#/cam/1'`);
  await page
    .getByText('Moving pictures do not come through: one picture a second instead.')
    .waitFor({ timeout: 40_000 });
  await page.evaluate(`gate.mode = 'pass'`);
  await page.evaluate('halfMinutes.forEach(run => run())');
  await until(page, `!!document.querySelector('.camera-picture video[data-shown]')`);
  assert.is(streams.at(-1), 'main');
  assert.is(await page.locator('.camera-note').count(), 0);
  await page.context().close();
});

needs('check 18: a page that is hidden asks for no media, and is fresh when it is back', async () => {
  const { page, errors } = await openPage(browser, service, '#/set/me', DESKTOP);
  const sockets = watchLiveSockets(page);
  const asked: string[] = [];
  page.on('request', request => {
    if (/snapshot|keyframe|\/video|\/file/.test(request.url())) asked.push(request.url());
  });
  await page.evaluate(`location.hash = '#/'`);
  await moving(page, 4);
  const hide = (value: boolean) =>
    page.evaluate(`
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${value} });
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${value ? 'hidden' : 'visible'}' });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  await hide(true);
  const deadline = Date.now() + 30_000;
  while (sockets.cameras().length > 0 && Date.now() < deadline) await page.waitForTimeout(50);
  assert.equal(sockets.cameras(), []);
  const bytes = sockets.bytes();
  asked.length = 0;
  await page.waitForTimeout(3000);
  assert.is(sockets.bytes(), bytes);
  assert.equal(asked, []);
  // What was shown stays.
  assert.is(await page.evaluate(`document.querySelectorAll('.tile canvas[data-drawn]').length`), 4);
  await hide(false);
  await moving(page, 4);
  assert.ok(sockets.bytes() > bytes);
  assert.equal(errors, []);
  await page.context().close();
});

test.run();
