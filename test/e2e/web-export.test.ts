// Exporting a range in Chromium: its two ends by every means, what is said of it, and what is in the file.
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Segment } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { listSegments, segmentPath, timelineOf } from '../support/footage.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage } from '../support/web-page.ts';

const test = suite('web export', { timeoutMs: 90_000 });
const problem = serviceProblem() ?? browserProblem();
const GOP_MS = 1000;
const PICTURE_MS = 40;
/** 5 hours and 45 minutes ahead of UTC. */
const ZONE = 'Asia/Kathmandu';
const AHEAD_MS = 345 * 60_000;

let browser: Browser;
let service: Service;
let camera: Camera;
let before: Segment;
let behind: Segment;
/** Of the gap between the two. */
let gap = { startMs: 0, endMs: 0 };

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start();
  camera = await Camera.start({ clips: [await clipFile(CLIPS.smallSilent)] });
  await service.post('/api/cameras', { name: 'Gate', main: { url: camera.url } });
  await recorded(0, 5500);
  await service.patch('/api/cameras/1', { record: { mode: 'off' } });
  await new Promise(resolve => setTimeout(resolve, 2500));
  await service.patch('/api/cameras/1', { record: { mode: 'continuous' } });
  await recorded(1, 4500);
  await service.patch('/api/cameras/1', { record: { mode: 'off' } });
  await service.until<{ segments: Segment[] }>('/api/segments?camera=1', ({ segments }) =>
    segments.every(({ open }) => !open),
  );
  [before, behind] = (await listSegments(service, 1)) as [Segment, Segment];
  const found = (await timelineOf(service, 1)).gaps.find(one => one.startMs >= before.endMs - 100);
  if (found?.endMs === undefined) throw new Error('there is no gap');
  gap = { startMs: found.startMs, endMs: found.endMs };
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await camera?.stop();
});

/** Waits until the segment of this number is so long. */
async function recorded(number: number, ms: number): Promise<void> {
  await service.until<{ segments: Segment[] }>(
    '/api/segments?camera=1',
    ({ segments }) => {
      const one = segments[number];
      return one !== undefined && one.endMs - one.startMs > ms;
    },
    30_000,
  );
}

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', `check 32: ${name}`, body);
}

async function openRange(inMs: number, outMs: number): Promise<Page> {
  const hash = `#/time?c=1&t=${gap.startMs}&z=1m&in=${inMs}&out=${outMs}`;
  const { page } = await openPage(browser, service, hash, { ...DESKTOP, timeZone: ZONE });
  await page.locator('.tl-handle').nth(1).waitFor();
  return page;
}

const ends = (page: Page) =>
  page.evaluate<[number, number]>(
    `[...document.querySelectorAll('.tl-handle')].map(one => Number(one.getAttribute('aria-valuenow')))`,
  );

/** Milliseconds that a pixel of the lanes stands for. */
const pixelMs = (page: Page) =>
  page.evaluate<number>(`60_000 / document.querySelector('.tl-stage').getBoundingClientRect().width`);

async function drag(page: Page, handle: number, byPx: number): Promise<void> {
  const box = await page.locator('.tl-handle').nth(handle).boundingBox();
  if (!box) throw new Error('no handle');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + byPx, y, { steps: 5 });
  await page.mouse.up();
}

const near = (ms: number, wanted: number, mostMs: number) =>
  assert.ok(Math.abs(ms - wanted) <= mostMs, `${ms - wanted}`);

needs('both ends are put by the mouse, by keys and by typing, and change their places when they cross', async () => {
  const [inMs, outMs] = [before.startMs + 2000, before.startMs + 5000];
  const page = await openRange(inMs, outMs);
  const oneMs = await pixelMs(page);
  assert.equal(await ends(page), [inMs, outMs]);
  await drag(page, 0, -20);
  near((await ends(page))[0], inMs - 20 * oneMs, 1.5 * oneMs);
  const [movedMs] = await ends(page);
  await page.locator('.tl-handle').nth(1).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await ends(page), [movedMs, outMs + 1000]);
  const typedMs = Math.floor(outMs / 1000) * 1000;
  const to = page.getByLabel('To', { exact: true });
  await to.fill(new Date(typedMs + AHEAD_MS).toISOString().slice(11, 19));
  await to.press('Enter');
  assert.equal(await ends(page), [movedMs, typedMs]);
  // Over the other end by the mouse.
  await drag(page, 0, Math.round((typedMs - movedMs) / oneMs) + 40);
  const [crossedMs, lastMs] = await ends(page);
  assert.is(crossedMs, typedMs);
  near(lastMs, typedMs + 40 * oneMs, 2 * oneMs);
  // And back by keys: what is held keeps the focus.
  await page.locator('.tl-handle').nth(1).focus();
  for (const key of ['Shift+ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
  assert.equal(await ends(page), [lastMs - 11_000, typedMs]);
  await page.context().close();
});

needs(
  'the note says how much is there and why the rest is not, the file has just that, and its name says where and when',
  async () => {
    const [inMs, outMs] = [before.startMs + 2380, behind.startMs + 2500];
    const page = await openRange(inMs, outMs);
    const item = page.locator('.tl-export li', { hasText: 'about' });
    await item.waitFor();
    const text = (await item.textContent()) ?? '';
    const said = /(\d+):(\d\d) of (\d+):(\d\d), (\d+) s recording switched off, about \d/.exec(text);
    assert.ok(said, text);
    const [, , there = 0, , all = 0, absent = 0] = said.map(Number);
    near(all, (outMs - inMs) / 1000, 1);
    near(absent, (gap.endMs - gap.startMs) / 1000, 0.51);
    near(there + absent, all, 1.01);
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('.tl-export a[download]').click()]);
    const { video } = await probe(await file.path());
    const [first, last] = [await wallTime(before, video[0]?.sha256), await wallTime(behind, video.at(-1)?.sha256)];
    assert.ok(first <= inMs && first > inMs - GOP_MS - 1, `begins ${inMs - first} ms before`);
    assert.ok(Math.abs(last - outMs) <= PICTURE_MS + 1, `ends ${last - outMs} ms after`);
    const local = new Date(inMs + AHEAD_MS).toISOString();
    assert.is(file.suggestedFilename(), `Gate ${local.slice(0, 10)} ${local.slice(11, 19).replaceAll(':', '-')}.mp4`);
    await page.context().close();
  },
);

/** When the picture was taken, by the segment's own file. */
async function wallTime(segment: Segment, sha256: string | undefined): Promise<number> {
  const { video } = await probe(join(service.dataDir, 'segments', segmentPath(segment)));
  const found = video.find(packet => packet.sha256 === sha256);
  assert.ok(found, 'the picture is none of the segment');
  return segment.startMs + (found.ptsS - (video[0]?.ptsS ?? 0)) * 1000;
}

test.run();
