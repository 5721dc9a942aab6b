// Live pictures on the page of a camera in Chromium: how long after a click there is a picture, and how old it is. What the camera
// itself takes between light and sending is no part of it.
import type { Page } from 'playwright-core';
import type { Camera as CameraView } from '../../src/api/contract.ts';
import { Browser } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { NUMBER_OF } from '../support/picture-number.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { DESKTOP, openPage } from '../support/web-page.ts';
import type { Measured } from './budgets.ts';
import { percentile } from './percentile.ts';
import { addCameras, pause } from './recording.ts';

const PICTURES = CLIPS.fullNumbered.fps * CLIPS.fullNumbered.seconds;
/** Its page is not full when it has a small stream, which is then shown. */
const [CONNECTED, WITH_SUB] = [1, 2];

interface Clicked {
  /** A still picture was drawn; undefined when the moving one was first. */
  stillMs?: number;
  motionMs: number;
}

interface Seen {
  number: number;
  /** UTC. */
  atMs: number;
}

export async function measureLive(
  options: Pick<ServiceOptions, 'command'>,
  { clicks, seconds }: { clicks: number; seconds: number },
): Promise<Measured[]> {
  const main = await Camera.start({ clips: [await clipFile(CLIPS.fullNumbered)] });
  const other = await Camera.start({ clips: [await clipFile(CLIPS.full)] });
  const sub = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const service = await Service.start(options);
  const browser = await Browser.start();
  try {
    await addCameras(service, [main.url]);
    await addCameras(service, [other.url], { sub: { url: sub.url }, record: { streams: 'main' } });
    const { page } = await openPage(browser, service, '#/events', DESKTOP);
    await page.evaluate(IN_PAGE);
    // The first of each loads what all others find.
    await click(page, CONNECTED);
    await click(page, WITH_SUB);
    const connected: Clicked[] = [];
    const unconnected: Clicked[] = [];
    for (let round = 0; round < clicks; round++) {
      // So that the keyframe before the click is not always as old.
      await pause((round * 700) % 2000);
      connected.push(await click(page, CONNECTED));
      await service.until<CameraView>(`/api/cameras/${WITH_SUB}`, ({ state }) => state.sub?.name === 'idle', 60_000);
      unconnected.push(await click(page, WITH_SUB));
    }
    await open(page, CONNECTED);
    await pause(3000);
    const seen = await page.evaluate<Seen[]>(`watchNumbers(${seconds * 1000})`);
    const delays = seen.map(one => delayOf(one, main)).filter(delay => delay !== undefined);
    if (delays.length < seconds * 10) throw new Error(`${delays.length} pictures in ${seconds} s`);
    const motion = connected.map(({ motionMs }) => motionMs);
    const key = unconnected.map(({ stillMs, motionMs }) => Math.min(stillMs ?? Number.POSITIVE_INFINITY, motionMs));
    return [
      { id: 'liveFirst', value: percentile(motion, 0.5) },
      { id: 'liveFirstWorst', value: Math.max(...motion) },
      { id: 'liveSubKey', value: percentile(key, 0.5) },
      { id: 'liveSubMotion', value: Math.max(...unconnected.map(({ motionMs }) => motionMs)) },
      { id: 'liveDelay', value: percentile(delays, 0.5) },
      { id: 'liveDelayWorst', value: percentile(delays, 0.9) },
    ];
  } finally {
    await browser.close();
    await service.stop();
    await Promise.all([main, other, sub].map(camera => camera.stop()));
  }
}

/** Since the camera sent that picture, as it did last before it was seen. */
function delayOf({ number, atMs }: Seen, camera: Camera): number | undefined {
  const unit = camera.sent.findLast(
    ({ kind, index, sentAtMs }) => kind === 'video' && index % PICTURES === number && sentAtMs <= atMs,
  );
  return unit && atMs - unit.sentAtMs;
}

/** From another page to that of a camera. */
async function click(page: Page, camera: number): Promise<Clicked> {
  await open(page, undefined);
  await page.waitForSelector('.camera-picture', { state: 'detached' });
  await pause(500);
  const clicked = page.evaluate<Clicked>('watchClick()');
  await open(page, camera);
  return clicked;
}

async function open(page: Page, camera: number | undefined): Promise<void> {
  await page.evaluate(
    `document.querySelector('#bench').href = '${camera === undefined ? '#/events' : `#/cam/${camera}`}'`,
  );
  await page.click('#bench');
}

/** Runs in the page. */
const IN_PAGE = `
${NUMBER_OF}
document.body.append(Object.assign(document.createElement('a'), { id: 'bench', textContent: 'go' }));
Object.assign(document.querySelector('#bench').style, { position: 'fixed', insetInlineEnd: '0', insetBlockEnd: '0', zIndex: 999 });
window.watchClick = () => new Promise((resolve, reject) => {
  const seen = {};
  const videos = new WeakSet();
  let clickMs;
  addEventListener('click', event => { clickMs = event.timeStamp; }, { capture: true, once: true });
  const endMs = performance.now() + 20000;
  const look = () => {
    const nowMs = performance.now();
    for (const video of document.querySelectorAll('.camera-picture video')) {
      if (videos.has(video)) continue;
      videos.add(video);
      video.requestVideoFrameCallback(shownMs => { seen.motionMs ??= shownMs - clickMs; });
    }
    if (document.querySelector('.camera-picture canvas[data-drawn]')) seen.stillMs ??= nowMs - clickMs;
    if (seen.motionMs !== undefined) resolve(seen);
    else if (nowMs > endMs) reject(new Error('no picture within 20 s: ' + JSON.stringify(seen)));
    else requestAnimationFrame(look);
  };
  look();
});
window.watchNumbers = ms => new Promise(resolve => {
  const seen = [];
  const video = document.querySelector('.camera-picture video');
  const endMs = performance.now() + ms;
  const note = (nowMs, { expectedDisplayTime }) => {
    const number = numberOf(video);
    if (number !== undefined) seen.push({ number, atMs: performance.timeOrigin + Math.max(nowMs, expectedDisplayTime) });
    if (nowMs < endMs) video.requestVideoFrameCallback(note);
    else resolve(seen);
  };
  video.requestVideoFrameCallback(note);
});
`;
