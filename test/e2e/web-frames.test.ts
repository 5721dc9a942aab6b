// Single pictures in the timeline, and two cameras by one clock, in Chromium: what is judged is what the browser says that it showed.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { CLIPS, type ClipSpec, clipFile } from '../support/clips.ts';
import { startWithPast } from '../support/past-footage.ts';
import { type Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage, until } from '../support/web-page.ts';

const test = suite('web frames', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
/** A keyframe each second; the faster one shows its pictures in another order than it sends them. */
const FAST: ClipSpec = { ...CLIPS.smallBFrames, audioHz: 0 };
const SLOW: ClipSpec = { ...CLIPS.smallSilent, fps: 15, gop: 15 };
const CAMERAS = [
  { id: 1, fps: FAST.fps },
  { id: 2, fps: SLOW.fps },
];
/** More than from one keyframe to the next. */
const STEPS = 28;

let browser: Browser;
let service: Service;
const startMs = Math.floor(Date.now() / 1000) * 1000 - 600_000;
/** Of the second camera: so long after the start, for so long. */
const GAP = { afterMs: 20_000, lengthMs: 6000 };

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  const gapMs = startMs + GAP.afterMs;
  const endMs = startMs + 40_000;
  service = await startWithPast([
    { name: 'Fast', source: { clips: [await clipFile(FAST)] }, spans: [{ startMs, endMs }] },
    {
      ...{ name: 'Slow', source: { clips: [await clipFile(SLOW)] } },
      spans: [
        { startMs, endMs: gapMs },
        { startMs: gapMs + GAP.lengthMs, endMs },
      ],
    },
  ]);
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

/** From now on `shown[n]` of the page holds the media time of each picture that the `n`th camera's video showed. */
const NOTE = `
window.shown = [...document.querySelectorAll('.tl-picture video')].map(video => {
  const times = [];
  const note = (_, { mediaTime }) => { times.push(mediaTime); video.requestVideoFrameCallback(note); };
  video.requestVideoFrameCallback(note);
  return times;
});`;

async function openAt(cameras: string, ms: number): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(browser, service, `#/time?c=${cameras}&t=${ms}&z=1m`, DESKTOP);
  const count = cameras.split(',').length;
  await until(
    opened.page,
    `document.querySelectorAll('.tl-picture[data-state=paused] video[data-shown]').length === ${count}`,
  );
  await opened.page.evaluate(NOTE);
  return opened;
}

/** Presses it and resolves with the time of the picture that comes of it. */
async function step(page: Page, press: () => Promise<void>): Promise<number> {
  const before = await page.evaluate<number>('shown[0].length');
  await press();
  await until(page, `shown[0].length > ${before} && !!document.querySelector('.tl-picture[data-state=paused]')`);
  return page.evaluate<number>('shown[0].at(-1)');
}

for (const { id, fps } of CAMERAS)
  test.needs(
    problem === undefined,
    problem ?? '',
    `check 29: at ${fps} pictures a second a step is one picture, there and back, over keyframes too`,
    async () => {
      // In the middle of a picture, some before a keyframe.
      const { page, errors } = await openAt(String(id), Math.round(startMs + 4500 + 500 / fps));
      const times = [await step(page, () => page.keyboard.press('.'))];
      for (let count = 0; count < STEPS; count++) times.push(await step(page, () => page.keyboard.press('.')));
      for (let count = 0; count < STEPS; count++) times.push(await step(page, () => page.keyboard.press(',')));
      const pictures = times.map(seconds => Math.round((seconds - (times[0] ?? 0)) * fps * 100) / 100);
      const there = Array.from({ length: STEPS + 1 }, (_, index) => index);
      assert.equal(pictures, [...there, ...there.slice(0, -1).reverse()]);
      const button = page.getByRole('button', { name: 'One frame on' });
      const last = await step(page, () => button.click());
      assert.is(Math.round((last - (times[0] ?? 0)) * fps * 100) / 100, 1, 'the button does the same');
      assert.equal(errors, []);
      await page.context().close();
    },
  );

test.needs(
  problem === undefined,
  problem ?? '',
  'check 30: two cameras go by one clock, the one in a gap says so and joins again',
  async () => {
    const gapMs = startMs + GAP.afterMs;
    const { page, errors } = await openAt('1,2', gapMs - 2500);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await until(page, `!!document.querySelectorAll('.tl-picture')[1].querySelector('.tl-card')`);
    assert.is(await page.getAttribute('.tl-picture', 'data-state'), 'playing', 'the other one plays on');
    await until(page, `document.querySelectorAll('.tl-picture[data-state=playing] video[data-shown]').length === 2`);
    const back = await page.evaluate<number>(`Number(document.querySelector('.tl-needle').ariaValueNow)`);
    assert.ok(back >= gapMs + GAP.lengthMs - 500, `${back - gapMs} ms behind the start of the gap`);
    assert.equal(errors, []);
    await page.context().close();
  },
);

test.run();
