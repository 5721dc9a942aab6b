// Cameras in trouble on a board with little memory, in Chromium: each trouble is one card with a cure, which goes when it is over.
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { cardGoes, isOneCard } from '../support/web-cards.ts';
import { DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web problems', { timeoutMs: 90_000 });
const problem = serviceProblem() ?? browserProblem();
/** Of which a quarter is for the time before events. */
const MEMORY_BYTES = 32 * 2 ** 20;
const FRAMES = { fps: 10, seconds: 10, gop: 10, unitBytes: 20_000, audio: false };
/** What its settings promise was promised before anybody knew that it sends so much. */
const HEAVY = { ...FRAMES, unitBytes: 400_000 };
/** From one keyframe to the next it sends more than there is memory for. */
const LONG = { ...HEAVY, gop: 100 };

let browser: Browser;
let service: Service;
let cameras: Record<'yard' | 'porch' | 'hall', Camera>;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  const little = join(tempDir('memory'), 'little.cjs');
  writeFileSync(little, `process.constrainedMemory = () => ${MEMORY_BYTES};`);
  service = await Service.start({ env: { NODE_OPTIONS: `--require ${little}` } });
  const [yard, porch, hall] = await Promise.all([FRAMES, HEAVY, LONG].map(clip => Camera.start({ clips: [clip] })));
  if (!yard || !porch || !hall) throw new Error('a camera is missing');
  cameras = { yard, porch, hall };
  await service.post('/api/cameras', { name: 'Yard', main: { url: yard.url } });
  await service.post('/api/cameras', { name: 'Porch', main: { url: porch.url }, record: { mode: 'events' } });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  for (const camera of Object.values(cameras ?? {})) await camera.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });

/** Takes connections and says nothing. */
async function silentServer(): Promise<Server> {
  const server = createServer(socket => socket.on('error', () => {}).unref()).unref();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

needs('check 36: silence, too little memory and keyframes far apart each have their sentence and cure', async () => {
  const { page } = await openPage(browser, service, '#/set/cameras/add', PHONE);
  const main = page.locator('main');
  const silent = await silentServer();
  const ask = async (url: string) => {
    await field(page, 'Address').fill(url);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
  };
  await ask(`rtsp://127.0.0.1:${(silent.address() as AddressInfo).port}/stream`);
  await isOneCard(page, /The camera does not answer in time\./, /Check its network connection/);
  silent.close();
  await ask(cameras.hall.url);
  await main.getByText('The camera answers.').waitFor({ timeout: 40_000 });
  await field(page, 'Name').fill('Hall');
  await field(page, 'Record').selectOption('events only');
  await field(page, 'Before an event').fill('30');
  await page.getByRole('button', { name: 'Add a camera' }).click();
  const told = main.locator('.field-error', { hasText: 'MiB of memory' });
  await told.waitFor();
  assert.match((await told.textContent()) ?? '', /there are 8\.0 MiB for it\. Use a shorter/);
  assert.is(await field(page, 'Before an event').getAttribute('aria-invalid'), 'true');
  await field(page, 'Before an event').fill('0');
  await page.getByRole('button', { name: 'Add a camera' }).click();
  await main.getByText('Hall is added.').waitFor();
  await isOneCard(page, /its keyframes lie far apart/, /key frame interval of 1 to 4 seconds/);
  await service.delete('/api/cameras/3');
  await page.context().close();
});

needs('check 39: memory that is short is one problem, until it is enough', async () => {
  const { page, errors } = await openPage(browser, service, '#/health', PHONE);
  const short = /Porch: there is memory for \d\.\d of the 5\.0 seconds/;
  await isOneCard(page, short, /Use a shorter preRollMs .* lower bit rate/);
  await service.patch('/api/cameras/2', { events: { preRollMs: 1000 } });
  await cardGoes(page, short);
  await service.patch('/api/cameras/2', { enabled: false });
  assert.equal(errors, []);
  await page.context().close();
});

needs('check 39: a camera that freezes is one problem, until it moves', async () => {
  const { page, errors } = await openPage(browser, service, '#/health', DESKTOP);
  await page.getByRole('row', { name: /^Yard live/ }).waitFor();
  await cameras.yard.inject({ kind: 'freeze' });
  await isOneCard(page, /Yard: .*(no picture c|does not answer)/i, /network connection/);
  await cameras.yard.inject({ kind: 'thaw' });
  await cardGoes(page, /Yard/);
  await page.getByRole('row', { name: /^Yard live/ }).waitFor();
  assert.equal(errors, []);
  await page.context().close();
});

test.run();
