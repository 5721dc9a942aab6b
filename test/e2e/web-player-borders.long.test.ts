// Recorded pictures as they follow each other in time: over twenty borders of segments while it plays, and while the needle is dragged
// for five seconds. Figures of time: for a quiet machine.
import * as assert from 'uvu/assert';
import { type BorderFootage, borderFootage, FPS, SEGMENT_S } from '../support/border-footage.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { READ_NUMBER } from '../support/numbered-clip.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { inPage, openPlayer, playerBundle } from '../support/web-player.ts';

const test = suite('web player: borders in time', { timeoutMs: 180_000 });
const problem = serviceProblem() ?? browserProblem();
const BORDERS = 20;
const PICTURE_MS = 1000 / FPS;
/** How far two files lie apart, beside their pictures. */
const APART_MS = 7;

let browser: Browser;
let bundle = '';
let footage: BorderFootage;
test.before(async () => {
  if (problem !== undefined) return;
  footage = await borderFootage(BORDERS);
  bundle = await playerBundle();
  browser = await Browser.start();
});
test.after(async () => {
  await browser?.close();
  await footage?.service.stop();
});

/** Runs in the page, as text. */
const START = `${READ_NUMBER}
window.start = startMs => {
  const element = web.place(384, 192);
  const group = new web.PlaybackGroup(web.httpBoard, startMs);
  const player = web.watchSeeks(new web.RecordedPlayer(web.httpBoard, element, 1, 'main'));
  group.add(player);
  return { group, player, video: element.video };
};
`;

interface Shown {
  mediaMs: number;
  number: number;
  wallMs: number;
}

test.needs(
  problem === undefined,
  problem ?? '',
  'check 21: playing over 20 borders never leaves a picture out',
  async () => {
    const { page } = await openPlayer(browser, footage.service, bundle);
    await page.evaluate(START);
    const [startMs = 0] = footage.starts;
    const endMs = (footage.starts.at(-1) ?? 0) + 1000;
    const { shown, states } = await inPage<{ shown: Shown[]; states: string[] }>(
      page,
      `(async () => {
      const { group, player, video } = start(${startMs} + 100);
      await player.sought;
      const shown = [];
      const states = new Set();
      const frame = (_, { mediaTime }) => {
        shown.push({ mediaMs: mediaTime * 1000, number: numberOf(video), wallMs: player.wallMs() });
        video.requestVideoFrameCallback(frame);
      };
      video.requestVideoFrameCallback(frame);
      group.play();
      player.state.subscribe(({ is }) => states.add(is));
      await web.until(() => group.nowMs.peek() > ${endMs}, 150000);
      const heard = [...states];
      group.pause();
      return { shown, states: heard };
    })()`,
      170_000,
    );
    const steps = shown.slice(1).map(({ mediaMs, number }, index) => {
      const before = shown[index] as Shown;
      return { ms: mediaMs - before.mediaMs, isBorder: number < before.number };
    });
    const atBorders = steps.filter(({ isBorder }) => isBorder).map(({ ms }) => ms);
    const [widest, wide] = [Math.max(...atBorders), steps.filter(({ ms }) => ms > 1.5 * PICTURE_MS).length];
    const off = shown.map(({ number, wallMs }) => {
      const start = footage.starts.findLast(one => one <= wallMs + PICTURE_MS) ?? 0;
      const away = Math.abs(wallMs - start - number * PICTURE_MS);
      return Math.min(away, Math.abs(away - SEGMENT_S * 1000));
    });
    process.stdout.write(
      `${shown.length} pictures, ${wide} left out, widest step at a border ${widest.toFixed(1)} ms, clock off by ${Math.max(...off).toFixed(1)} ms at most\n`,
    );
    assert.equal(states, ['playing']);
    assert.is(atBorders.length, BORDERS);
    assert.ok(widest < 1.5 * PICTURE_MS, `${widest} ms`);
    assert.ok(shown.length > BORDERS * SEGMENT_S * FPS * 0.95, `${shown.length} pictures`);
    // The callback comes up to a picture of the screen after it was shown.
    assert.ok(Math.max(...off) < 3 * PICTURE_MS + APART_MS, `${Math.max(...off)} ms`);
    await page.context().close();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'check 24: five seconds of dragging show 8 pictures a second',
  async () => {
    const { page } = await openPlayer(browser, footage.service, bundle);
    await page.evaluate(START);
    const { pictures, most } = await inPage<{ pictures: number; most: number }>(
      page,
      `(async () => {
      const { group, player } = start(${footage.starts[0]});
      await player.sought;
      const begun = performance.now();
      let most = 0;
      for (;;) {
        const passed = performance.now() - begun;
        if (passed > 5000) break;
        group.seek(${footage.starts[0]} + (passed / 5000) * ${BORDERS * SEGMENT_S * 1000}, 'scrub');
        most = Math.max(most, player.figures.busy);
        await new Promise(resolve => setTimeout(resolve, 16));
      }
      return { pictures: player.figures.keyPictures, most };
    })()`,
    );
    process.stdout.write(`${pictures / 5} pictures a second while the needle is dragged\n`);
    assert.ok(most <= 1, `${most} requests at once`);
    assert.ok(pictures >= 40, `${pictures} pictures in 5 s`);
    await page.context().close();
  },
);

test.run();
