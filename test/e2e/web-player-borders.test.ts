// Recorded pictures that show their own number, in Chromium: which one is on the screen at borders of segments, after seeks over days,
// and what one answer holds while the needle is dragged.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { type BorderFootage, borderFootage, FPS, SEGMENT_S } from '../support/border-footage.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { READ_NUMBER } from '../support/numbered-clip.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { inPage, openPlayer, playerBundle } from '../support/web-player.ts';

const test = suite('web player: borders in Chromium', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const BORDERS = 20;
const PICTURE_MS = 1000 / FPS;

let browser: Browser;
let bundle = '';
let footage: BorderFootage;
test.before(async () => {
  if (problem !== undefined) return;
  footage = await borderFootage(BORDERS, [60, 30]);
  bundle = await playerBundle();
  browser = await Browser.start();
});
test.after(async () => {
  await browser?.close();
  await footage?.service.stop();
});

/** Runs in the page, as text. `answered` hears of each answer. */
const START = `${READ_NUMBER}
window.start = (startMs, answered = () => {}) => {
  const board = {
    ...web.httpBoard,
    async get(path, options) {
      const got = await web.httpBoard.get(path, options);
      answered(path, got);
      return got;
    },
  };
  const element = web.place(384, 192);
  const group = new web.PlaybackGroup(board, startMs);
  const player = web.watchSeeks(new web.RecordedPlayer(board, element, 1, 'main'));
  group.add(player);
  return { group, player, video: element.video, look: () => ({ number: numberOf(element.video), wallMs: player.wallMs() }) };
};
// At a moment, paused, with its picture shown.
window.at = async ({ group, player }, ms) => {
  group.seek(ms);
  await player.sought;
};
`;

interface Look {
  number: number;
  wallMs: number;
}

function recorded(title: string, body: (page: Page) => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', title, async () => {
    const { page } = await openPlayer(browser, footage.service, bundle);
    await page.evaluate(START);
    await body(page);
    await page.context().close();
  });
}

/** The picture that was recorded at a moment. */
function numberAt(startMs: number, wallMs: number): number {
  return Math.floor((wallMs - startMs + 0.5) / PICTURE_MS);
}

recorded('checks 21 and 29: over 20 borders no picture is left out, and the clock is right', async page => {
  const looks = await inPage<Look[][]>(
    page,
    `(async () => {
      const all = [];
      const shown = start(${footage.starts[0]});
      await web.is(shown.player, 'paused');
      for (const startMs of ${JSON.stringify(footage.starts.slice(1))}) {
        // The browser may paint a picture later than it tells of it: the one of the border before is another.
        const before = shown.look().number;
        await at(shown, startMs - 7 - 60);
        await web.until(() => shown.look().number !== before, 10_000);
        const looks = [shown.look()];
        for (let step = 0; step < 3; step++) {
          const last = shown.look().number;
          if (!(await shown.player.step(1))) continue;
          await web.until(() => shown.look().number !== last, 10_000);
          looks.push(shown.look());
        }
        all.push(looks);
      }
      return all;
    })()`,
    55_000,
  );
  assert.is(looks.length, BORDERS);
  const last = SEGMENT_S * FPS - 1;
  for (const [border, seen] of looks.entries()) {
    const told = `border ${border + 1}: ${JSON.stringify(seen)}`;
    assert.equal(
      seen.map(({ number }) => number),
      [last - 1, last, 0, 1],
      told,
    );
    for (const [index, { number, wallMs }] of seen.entries()) {
      const startMs = footage.starts[index < 2 ? border : border + 1] ?? 0;
      assert.ok(Math.abs(wallMs - startMs - number * PICTURE_MS) < PICTURE_MS, told);
    }
  }
});

recorded('checks 19 and 20: the first seek leads anywhere, days away too, and shows that picture', async page => {
  const wanted = [...footage.islands, ...footage.starts.filter((_, n) => n % 5 === 0)].map(startMs => ({
    startMs,
    ms: startMs + 2370,
  }));
  const [oldest, older, ...near] = wanted as [Wanted, Wanted, ...Wanted[]];
  // Each way once: far ahead of what is buffered within one window, further than a window, and back.
  const ways = [older, near[3], oldest, near[0], older, oldest, ...near].filter(way => way !== undefined);
  const looks = await inPage<Look[]>(
    page,
    `(async () => {
      const shown = start(${footage.starts[0]});
      await web.is(shown.player, 'paused');
      const looks = [];
      for (const ms of ${JSON.stringify(ways.map(({ ms }) => ms))}) {
        await at(shown, ms);
        looks.push(shown.look());
      }
      return looks;
    })()`,
  );
  for (const [index, { number, wallMs }] of looks.entries()) {
    const { startMs, ms } = ways[index] as Wanted;
    const told = `seek ${index}: ${JSON.stringify(looks[index])}, wanted ${numberAt(startMs, ms)} at ${ms}`;
    assert.is(number, numberAt(startMs, ms), told);
    assert.ok(Math.abs(wallMs - ms) <= PICTURE_MS, told);
  }
});

interface Wanted {
  startMs: number;
  ms: number;
}

recorded('check 24: while the needle is dragged, an answer is one key picture and nothing more', async page => {
  const seen = await inPage<{ samples: number[]; most: number; numbers: number[] }>(
    page,
    `(async () => {
      const samples = [];
      const numbers = new Set();
      let most = 0;
      const shown = start(${footage.starts[0]}, (path, got) => {
        if (!path.includes('/keyframe')) return;
        const bytes = got.is === 'ok' ? got.bytes : new Uint8Array();
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        let count = 0;
        for (let at = 4; at + 12 < bytes.length; at++) if (view.getUint32(at) === 0x7472756e) count += view.getUint32(at + 8);
        samples.push(count);
      });
      const { group, player } = shown;
      await web.is(player, 'paused');
      for (let ms = ${footage.starts[0]}; ms < ${footage.starts[8]}; ms += 211) {
        group.seek(ms, 'scrub');
        most = Math.max(most, player.figures.busy);
        const pictures = player.figures.keyPictures;
        await new Promise(resolve => setTimeout(resolve, 5));
        if (player.figures.keyPictures > pictures) numbers.add(numberOf(shown.video));
      }
      await web.until(() => samples.length > 0);
      return { samples, most, numbers: [...numbers] };
    })()`,
  );
  assert.ok(seen.samples.length > 0);
  assert.equal([...new Set(seen.samples)], [1], 'samples in an answer');
  assert.ok(seen.most <= 1, `${seen.most} requests at once`);
  assert.equal(
    seen.numbers.filter(number => number % FPS !== 0),
    [],
    'key pictures only',
  );
});

test.run();
