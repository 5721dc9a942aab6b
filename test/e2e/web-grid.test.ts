// The grid in Chromium with thirty-two cameras: pages, sockets only for what is seen, stills that move when something happens, groups.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera, GroupList } from '../../src/api/contract.ts';
import { Browser, browserProblem, type View } from '../support/browser.ts';
import { watchLiveSockets } from '../support/live-gate.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, PHONE } from '../support/web-page.ts';

const test = suite('web grid in a browser', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const CAMERAS = 32;
/** A busy machine drops frames, and tiles would stand still for that. */
const KEEPS_UP = `Object.defineProperty(VideoPlaybackQuality.prototype, 'droppedVideoFrames', { get: () => 0 })`;

let browser: Browser;
let service: Service;
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  const { cameras } = await service.get<{ cameras: Camera[] }>('/api/cameras');
  const { sub } = cameras[0] as Camera;
  for (let number = cameras.length + 1; number <= CAMERAS; number++)
    await service.post('/api/cameras', {
      name: `Camera ${number}`,
      main: { url: sub?.url },
      record: { mode: 'off' },
    });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

/** A page that is logged in and shows the grid, and the cameras whose live pictures it gets. */
async function openGrid(
  view: View = DESKTOP,
): Promise<{ page: Page; live: () => number[]; asked: Set<number>; errors: string[] }> {
  const { page, errors } = await browser.open(`${service.ready.url}/#/login`, { ...view, script: KEEPS_UP });
  const live = watchLiveSockets(page);
  await page.fill('input[name=username]', ACCOUNT.name);
  await page.fill('input[name=password]', ACCOUNT.password);
  await page.click('button[type=submit]');
  await page.locator('.grid-cell').first().waitFor();
  return { page, errors, live: live.cameras, asked: live.asked };
}

async function until(what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function pick(page: Page, menu: RegExp, item: string): Promise<void> {
  await page.locator('.grid-bar').getByRole('button', { name: menu }).click();
  await page.locator('.menu-list').getByText(item, { exact: true }).click();
}

const shown = (page: Page) =>
  page.locator('.grid-cell').evaluateAll(cells => cells.map(cell => Number((cell as HTMLElement).dataset.camera)));

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

needs('check 7: of 32 cameras 16 move, the others are a page further, and only what is seen has a socket', async () => {
  const { page, live, asked, errors } = await openGrid();
  // A busy machine may give up on one of them meanwhile and show stills of it.
  const moves = (wanted: number[]) => wanted.every(id => asked.has(id)) && live().every(id => wanted.includes(id));
  const [first, second] = [numbers(1, 16), numbers(17, 32)];
  assert.equal(await shown(page), first);
  await until('live pictures of the first page', () => moves(first));
  asked.clear();
  await page.keyboard.press('PageDown');
  assert.equal(await shown(page), second);
  await until('live pictures of the second page only', () => moves(second));
  asked.clear();
  await page.getByRole('button', { name: 'Page 1 of 2' }).first().click();
  assert.equal(await shown(page), first);
  await until('the first page again', () => moves(first));
  asked.clear();
  await pick(page, /^Layout/, '2 × 2');
  await until('four pictures', () => live().every(id => id <= 4));
  await page.keyboard.press('PageUp');
  await until('the last page', () => moves([29, 30, 31, 32]));
  // A list shows all of them, and as many move as may.
  await pick(page, /^Layout/, 'List');
  assert.is((await shown(page)).length, CAMERAS);
  await until('some pictures', () => live().length > 0);
  assert.ok(live().length <= 16, `${live().length} move`);
  assert.equal(errors, []);
  await page.context().close();
});

needs('check 7: a swipe turns the page on a phone, which shows stills', async () => {
  const { page, live } = await openGrid(PHONE);
  assert.equal(await shown(page), numbers(1, 16));
  const fingers = await page.context().newCDPSession(page);
  const swipe = async (fromX: number, toX: number) => {
    await fingers.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x: fromX, y: 300 }] });
    await fingers.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: toX, y: 304 }] });
    await fingers.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  await swipe(320, 60);
  await page.waitForFunction(() => document.querySelector('.grid-cell[data-camera="17"]'));
  assert.equal(await shown(page), numbers(17, 32));
  await page.locator('.grid-cell canvas[data-drawn]').first().waitFor({ state: 'attached' });
  await swipe(60, 320);
  await page.waitForFunction(() => document.querySelector('.grid-cell[data-camera="1"]'));
  assert.equal(live(), []);
  assert.is(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
  await page.context().close();
});

needs('check 8: stills move where something happens, and stand again afterwards', async () => {
  await service.patch('/api/cameras/2', { events: { postRollMs: 0, mergeMs: 0 } });
  const { page, live } = await openGrid();
  await until('live pictures', () => live().length > 0);
  await pick(page, /^More/, 'Stills, moving when something happens');
  await until('no live picture', () => live().length === 0);
  await page.locator('.grid-cell canvas[data-drawn]').first().waitFor({ state: 'attached' });
  await service.post('/api/cameras/2/trigger', { action: 'start', label: 'person' });
  await until('the picture of camera 2 alone', () => live().join() === '2');
  await service.post('/api/cameras/2/trigger', { action: 'stop', label: 'person' });
  await until('no live picture again', () => live().length === 0, 30_000);
  await page.context().close();
});

needs('groups are made, ordered, opened and taken back', async () => {
  const { page } = await openGrid();
  await pick(page, /^More/, 'Edit groups');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'New group' }).click();
  // Without a name it is refused, in words at the field.
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Name').fill('Front');
  await dialog.getByRole('button', { name: 'Put Camera 5 into it' }).click();
  await dialog.getByRole('button', { name: 'Put Camera 3 into it' }).click();
  await dialog.getByRole('button', { name: 'Camera 3 further up' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Edit Front' }).waitFor();
  const { groups } = await service.get<GroupList>('/api/groups');
  assert.equal(groups[0]?.cameras, [3, 5]);
  await dialog.getByRole('button', { name: 'Remove Front' }).click();
  await dialog.getByText('No group yet').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('.grid-bar').getByRole('link', { name: 'Front' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.grid-cell').length === 2);
  assert.equal(await shown(page), [3, 5]);
  await page.reload();
  await page.locator('.grid-cell').first().waitFor();
  assert.equal(await shown(page), [3, 5]);
  await page.context().close();
});

needs('a snapshot is kept by its key, and why there is none is said', async () => {
  const { page } = await openGrid();
  const refusal = { error: { kind: 'busy', message: 'No picture at this moment.' } };
  await page.locator('.grid-cell').first().waitFor();
  await page.keyboard.press('ArrowRight');
  await page.route('**/snapshot.jpg*', route => route.fulfill({ status: 503, json: refusal }));
  await page.keyboard.press('s');
  await page.getByText(refusal.error.message).waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
  assert.match(download.suggestedFilename(), /^Demo 1 .*\.jpg$/);
  await page.context().close();
});

needs('a wall display is left by Escape, and by a button that shows when somebody comes near', async () => {
  const { page } = await openGrid();
  const bars = page.locator('.grid-bar');
  await pick(page, /^More/, 'Wall display');
  await bars.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await bars.waitFor();
  await pick(page, /^More/, 'Wall display');
  await bars.waitFor({ state: 'detached' });
  await page.mouse.move(200, 200);
  await page.mouse.move(210, 210);
  await page.getByRole('button', { name: 'Leave the wall display' }).click();
  await bars.waitFor();
  await page.context().close();
});

test.run();
