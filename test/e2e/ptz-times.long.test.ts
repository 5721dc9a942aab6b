// How long a camera goes on moving behind the last command, whatever ends the hold: measured at the camera, from its last move to its stop.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { percentile } from '../bench/percentile.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { stopChildren } from '../support/child.ts';
import { CAMERA_LOGIN, type OnvifWorld, startOnvifWorld } from '../support/onvif-world.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage } from '../support/web-page.ts';

const MOST_MS = 1000;
const ROUNDS = 10;
const WAIT_MS = 20_000;
/** Behind a stop: whatever moves it once more is seen. */
const QUIET_MS = 1500;
const HELD_MS = 500;

const test = suite('times of moving', { timeoutMs: 600_000 });
const problem = serviceProblem() ?? browserProblem();

let browser: Browser;
let service: Service;
let world: OnvifWorld;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start();
  world = await startOnvifWorld();
  const onvif = { address: world.address, events: false };
  await service.post('/api/cameras', { name: 'Gate', main: { url: world.main.url }, ...CAMERA_LOGIN, onvif });
  await service.until<Camera>('/api/cameras/1', ({ can }) => can.ptz, 60_000);
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await world?.stop();
  await stopChildren();
});

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
const since = (from: number) =>
  world.onvif.camera.seen.slice(from).filter(({ operation }) => /^(ContinuousMove|Stop)$/.test(operation));

async function until(what: string, done: () => boolean): Promise<void> {
  for (const deadline = Date.now() + WAIT_MS; !done(); await pause(5))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${WAIT_MS} ms`);
}

/** From the camera's last move to the stop behind it. */
async function movedMs(hold: () => Promise<unknown>, end: () => Promise<unknown>): Promise<number> {
  const from = world.onvif.camera.seen.length;
  await hold();
  await until('it moves', () => since(from).length >= 3);
  await end();
  await until('it stops', () => since(from).at(-1)?.operation === 'Stop');
  await pause(QUIET_MS);
  const told = since(from);
  const last = told.findLastIndex(({ operation }) => operation === 'ContinuousMove');
  const stop = told.slice(last).find(({ operation }) => operation === 'Stop');
  return (stop?.atMs ?? Number.POSITIVE_INFINITY) - (told[last]?.atMs ?? 0);
}

function judged(what: string, times: readonly number[]): void {
  const [median, most] = [percentile(times, 0.5), Math.max(...times)].map(Math.round);
  console.log(`${what}: ${times.length} times, median ${median} ms, worst ${most} ms`);
  assert.ok((most ?? Number.NaN) <= MOST_MS, `${what}: ${times.map(Math.round)}`);
}

test.needs(problem === undefined, problem ?? '', 'a program that falls silent, its connection cut', async () => {
  const times: number[] = [];
  for (let n = 0; n < 3 * ROUNDS; n++) {
    const hold = async () => {
      for (let moves = 0; moves < 3; moves++) {
        await service.ask('POST', '/api/cameras/1/ptz', { action: 'move', pan: 0.5 });
        await pause(HELD_MS * Math.random());
      }
    };
    times.push(await movedMs(hold, () => Promise.resolve()));
  }
  judged('silence', times);
});

async function openPad(): Promise<Page> {
  const { page } = await openPage(browser, service, '#/cam/1', DESKTOP);
  await page.getByRole('button', { name: 'Move the camera', exact: true }).click();
  await page.getByRole('button', { name: 'Right', exact: true }).waitFor();
  return page;
}

const ENDS: Record<string, (page: Page) => Promise<unknown>> = {
  release: page => page.mouse.up(),
  'a hidden tab': page =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
      document.dispatchEvent(new Event('visibilitychange')); delete document.hidden`),
  'the network cut': page => page.context().setOffline(true),
  'the page gone': page => page.close(),
};

for (const [what, end] of Object.entries(ENDS)) {
  test.needs(problem === undefined, problem ?? '', `held in the browser, ended by ${what}`, async () => {
    const times: number[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const page = await openPad();
      const hold = async () => {
        await page.getByRole('button', { name: 'Right', exact: true }).hover();
        await page.mouse.down();
      };
      times.push(
        await movedMs(hold, async () => {
          await pause(HELD_MS * Math.random());
          await end(page);
        }),
      );
      await page.context().close();
    }
    judged(what, times);
  });
}

test.run();
