// A volume that is full, too slow or gone while the page of the storage is open, in Chromium: each has its red card.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { buildFaultyCalls, FaultyCalls, faultyCallsProblem } from '../support/faulty-calls.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { mount, mountProblem, unmount, Volume } from '../support/volume.ts';
import { cardGoes, isOneCard } from '../support/web-cards.ts';
import { DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web storage problems', { timeoutMs: 120_000 });
const problem = serviceProblem() ?? browserProblem() ?? mountProblem() ?? faultyCallsProblem();
const MIB = 2 ** 20;
const dataDir = join(tempDir('mount'), 'data');
/** The first is always recorded; the second sends so much that what waits for the volume is soon too much. */
const UNIT_BYTES = [20_000, 400_000];

const cameras: Camera[] = [];
let browser: Browser;
let service: Service;
let volume: Volume;
let calls: FaultyCalls;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  volume = new Volume(96);
  mkdirSync(dataDir);
  if (!mount('--bind', volume.folder, dataDir)) throw new Error('the volume cannot be bound');
  calls = new FaultyCalls(await buildFaultyCalls(), dataDir);
  service = await Service.start({ dataDir, env: calls.env });
  await service.patch('/api/settings', { storage: { floorBytes: 16 * MIB, leastKeptPercent: 80 } });
  for (const [index, unitBytes] of UNIT_BYTES.entries()) {
    const camera = await Camera.start({ clips: [{ fps: 10, seconds: 10, gop: 10, unitBytes, audio: false }] });
    cameras.push(camera);
    const name = ['Yard', 'Porch'][index];
    const body = { name, main: { url: camera.url }, record: { segmentMs: 5000 }, enabled: index === 0 };
    await service.post('/api/cameras', body);
  }
  await recorded(1);
});
test.after(async () => {
  calls?.lift();
  await browser?.close();
  await service?.stop();
  unmount(dataDir);
  for (const camera of cameras) await camera.stop();
});

async function recorded(camera: number): Promise<void> {
  await service.until<{ segments: unknown[] }>(
    `/api/segments?camera=${camera}`,
    ({ segments }) => segments.length > 0,
    30_000,
  );
}

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', `check 38: ${name}`, body);
}

needs('a volume that is full has its card, and what helps', async () => {
  const { page } = await openPage(browser, service, '#/set/storage', PHONE);
  // What retention frees is taken, too.
  const filling = setInterval(() => volume.fill(), 200);
  try {
    await isOneCard(page, /filled the storage volume|volume is full of/, /Delete other files/);
    await isOneCard(page, /Yard is not being recorded: the storage volume is full/, /Delete footage/);
  } finally {
    clearInterval(filling);
  }
  volume.makeRoom();
  await cardGoes(page, /volume is full|filled the storage/);
  await page.context().close();
});

needs('a volume that is too slow has its card, and what helps', async () => {
  const { page } = await openPage(browser, service, '#/set/storage', DESKTOP);
  await service.patch('/api/cameras/2', { enabled: true });
  await recorded(2);
  calls.hold('pwritev');
  await isOneCard(page, /Porch is not being recorded: the storage volume is too slow/, /Use a faster volume/);
  calls.lift();
  await cardGoes(page, /too slow/);
  await service.patch('/api/cameras/2', { enabled: false });
  await page.context().close();
});

needs('a volume that is gone has its card, and what helps', async () => {
  const { page } = await openPage(browser, service, '#/set/storage', PHONE);
  assert.ok(unmount(dataDir));
  await isOneCard(page, /The storage volume of .* is not there/, /Mount it again/);
  assert.ok(mount('--bind', volume.folder, dataDir));
  await cardGoes(page, /not there/);
  await page.context().close();
});

test.run();
