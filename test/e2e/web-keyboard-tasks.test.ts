// What people come for, done with the keyboard alone in Chromium: what happened, a moment of yesterday, a file of it, a trouble and its
// cure, another camera. Looking around and logging in are in `web-keyboard`.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera as CameraShape, Event } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage, until } from '../support/web-page.ts';

const test = suite('web keyboard tasks', { timeoutMs: 90_000 });
const problem = serviceProblem() ?? browserProblem();

let browser: Browser;
let service: Service;
let camera: Camera;
let page: Page;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  await service.until<{ cameras: CameraShape[] }>('/api/cameras', ({ cameras }) =>
    cameras.every(({ state }) => state.name === 'live'),
  );
  await new Promise(resolve => setTimeout(resolve, 5000));
  const { event } = await service.post<{ event: string }>('/api/cameras/1/trigger', {
    ...{ action: 'pulse', label: 'person', durationMs: 1500 },
  });
  await service.until<Event>(`/api/events/${event}`, ({ picture }) => picture !== undefined);
  ({ page } = await openPage(browser, service, '#/', DESKTOP));
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await camera?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', `check 40: ${name}`, body);
}

/** What has the focus: how it is called, or how its field is. */
const focused = () =>
  page.evaluate<string>(`(() => {
    const { activeElement: one } = document;
    return one?.getAttribute('aria-label') ?? one?.labels?.[0]?.textContent?.trim() ?? one?.textContent?.trim() ?? '';
  })()`);

async function tabTo(name: RegExp, most = 60, key = 'Tab'): Promise<void> {
  const seen: string[] = [];
  for (let press = 0; press < most; press++) {
    await page.keyboard.press(key);
    const now = await focused();
    if (name.test(now)) return;
    seen.push(now.slice(0, 30));
  }
  throw new Error(`${name} cannot be reached by ${key}: ${seen.join(' | ')}`);
}

async function opened(hash: RegExp): Promise<void> {
  await page.waitForFunction(text => new RegExp(text).test(location.hash), hash.source);
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
}

needs('what happened is played, marked as seen and locked', async () => {
  await page.keyboard.press('3');
  await opened(/^#\/events/);
  await page.waitForSelector('.ev-card');
  const [id = ''] = await page.evaluate<string[]>(
    `[...document.querySelectorAll('.ev-card')].map(card => card.dataset.event)`,
  );
  await page.keyboard.press('j');
  await page.waitForSelector('.ev-clip video[data-shown]');
  await service.until<Event>(`/api/events/${id}`, ({ reviewed }) => reviewed, 30_000);
  await page.keyboard.press('l');
  await service.until<Event>(`/api/events/${id}`, ({ locked }) => locked);
});

needs('a moment is found, and a file of it made', async () => {
  await page.keyboard.press('2');
  await opened(/^#\/time/);
  await page.waitForSelector('.tl-needle');
  await page.keyboard.press('[');
  await until(page, `!!document.querySelector('.tl-picture:not([data-state=live]) video[data-shown]')`);
  await page.keyboard.press('i');
  await page.waitForSelector('.tl-export');
  await tabTo(/^End of the range/);
  const ends = () => page.evaluate<number>(`Number(document.activeElement.getAttribute('aria-valuenow'))`);
  const before = await ends();
  // Ten seconds with Shift would cross the beginning where the event is hardly older than that.
  await page.keyboard.press('ArrowLeft');
  assert.is(await ends(), before - 1000);
  await page.locator('.tl-export a[download]').waitFor();
  await tabTo(/^Download Demo 1/, 80, (await isBehind('.tl-export a[download]')) ? 'Tab' : 'Shift+Tab');
  const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.match(file.suggestedFilename(), /^Demo 1 .*\.mp4$/);
  // The browser's own word about a file that is there may take the keys for a moment.
  await file.path();
  await page.bringToFront();
  await page.keyboard.press('Escape');
  await page.locator('.tl-export').waitFor({ state: 'detached' });
});

/** Whether it comes behind what has the focus. */
const isBehind = (selector: string) =>
  page.evaluate<boolean>(
    `(document.activeElement.compareDocumentPosition(document.querySelector('${selector}')) & 4) !== 0`,
  );

needs('a camera is added', async () => {
  await page.keyboard.press('5');
  await opened(/^#\/set/);
  await tabTo(/^Cameras/);
  await page.keyboard.press('Enter');
  await opened(/^#\/set\/cameras$/);
  await tabTo(/^Add a camera/);
  await page.keyboard.press('Enter');
  await opened(/^#\/set\/cameras\/add/);
  await tabTo(/^Address/);
  await page.keyboard.type(camera.url);
  await page.keyboard.press('Enter');
  await page.getByText('The camera answers.').waitFor({ timeout: 40_000 });
  await tabTo(/^Name/);
  await page.keyboard.type('Gate');
  await page.keyboard.press('Enter');
  await page.getByText('Gate is added.').waitFor();
  const { cameras } = await service.get<{ cameras: CameraShape[] }>('/api/cameras');
  assert.ok(cameras.some(({ name }) => name === 'Gate'));
});

needs('a trouble leads to its cure', async () => {
  await camera.inject({ kind: 'die' });
  await page.keyboard.press('4');
  await opened(/^#\/health/);
  await page.locator('main .note', { hasText: 'Gate' }).waitFor({ timeout: 40_000 });
  await tabTo(/^Open the camera/);
  await page.keyboard.press('Enter');
  await opened(/^#\/set\/cameras\/3/);
  await page.locator('main .note', { hasText: 'Check' }).waitFor();
});

test.run();
