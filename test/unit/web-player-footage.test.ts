// What is known of footage around the needle, and where it stands on the element's time line.
import * as assert from 'uvu/assert';
import type { Gap, Playback, PlaybackFragment, PlaybackSegment } from '../../src/api/contract.ts';
import { FootageIndex, type Found } from '../../web/src/player/footage-index.ts';
import { FrameTable } from '../../web/src/player/frame-table.ts';
import { mediaOf, runsOf, wallOf } from '../../web/src/player/hls-playlist.ts';
import { WallLine, WINDOW_S } from '../../web/src/player/wall-line.ts';
import { suite } from '../support/suite.ts';

const test = suite('web player: footage');
const FAR_MS = 1e12;

/** A fragment a second, every other one with a key picture. */
function segment(startMs: number, seconds: number, { open = false, from = 0, count = seconds } = {}): PlaybackSegment {
  const fragments = Array.from({ length: count }, (_, at): PlaybackFragment => {
    const second = from + at;
    return [startMs + second * 1000, 1000 + second * 100, 100, second % 2 === 0 ? 1 : 0];
  });
  const id = `1-main-${startMs}-0`;
  const endMs = startMs + seconds * 1000;
  return { id, startMs, endMs, open, init: 'a', url: `/api/segments/${id}/file`, firstPts90k: 0, fragments };
}

function answer(segments: PlaybackSegment[], endMs: number, gaps: Gap[] = []): Playback {
  return { endMs, inits: [{ id: 'a', codecs: 'avc1.4d4032', url: '/api/x', sizeBytes: 10 }], segments, gaps };
}

function startOf(found: Found): number | string {
  return found.is === 'piece' ? found.piece.startMs : found.is;
}

test('nothing is known before it was asked', () => {
  assert.equal(new FootageIndex().find(5000), { is: 'ask', fromMs: 5000 });
});

test('fragments are found by any moment in them, and followed over joined borders', () => {
  const index = new FootageIndex();
  index.add(answer([segment(10_000, 4), segment(14_030, 4)], 30_000), 10_000, FAR_MS);
  const found = index.find(12_700);
  assert.is(startOf(found), 12_000);
  assert.ok(found.is === 'piece');
  assert.is(found.piece.endMs, 13_000);
  assert.is(index.keyFor(found.piece).startMs, 12_000);
  const next = index.after(found.piece);
  assert.is(startOf(next), 13_000);
  assert.ok(next.is === 'piece' && !next.piece.key);
  assert.is(index.keyFor(next.piece).startMs, 12_000);
  assert.is(startOf(index.after(next.piece)), 14_030);
  assert.equal(Object.keys(index.neighbours(next.piece.segment)), ['behind']);
});

test('a hole has the reason of its gap and ends where footage begins', () => {
  const index = new FootageIndex();
  const gap: Gap = { startMs: 14_000, endMs: 20_000, reason: 'offline' };
  index.add(answer([segment(10_000, 4), segment(20_000, 4)], 24_000, [gap]), 10_000, FAR_MS);
  const last = index.find(13_500);
  assert.ok(last.is === 'piece');
  assert.equal(index.after(last.piece), { is: 'hole', hole: { startMs: 14_000, endMs: 20_000, reason: 'offline' } });
  assert.equal(index.find(17_000), { is: 'hole', hole: { startMs: 14_000, endMs: 20_000, reason: 'offline' } });
});

test('a hole that goes on beyond what was asked has no end, unless its gap has', () => {
  const index = new FootageIndex();
  index.add(answer([segment(10_000, 4)], 30_000), 10_000, FAR_MS);
  assert.equal(index.find(17_000), { is: 'hole', hole: { startMs: 14_000 } });
  index.addGap({ startMs: 14_000, endMs: 90_000, reason: 'schedule' });
  assert.equal(index.find(60_000), { is: 'hole', hole: { startMs: 14_000, endMs: 90_000, reason: 'schedule' } });
});

test('behind the newest fragment nothing is known, however far was asked', () => {
  const index = new FootageIndex();
  index.add(answer([segment(10_000, 4, { open: true })], 60_000), 10_000, FAR_MS);
  const last = index.find(13_999);
  assert.ok(last.is === 'piece');
  assert.is(startOf(index.after(last.piece)), 'ask');
  index.add(answer([segment(10_000, 6, { open: true, from: 2, count: 4 })], 60_000), 13_000, FAR_MS);
  assert.is(startOf(index.after(last.piece)), 14_000);
  // Of a camera that is away there is no open segment: the future is not known all the same.
  const away = new FootageIndex();
  away.add(answer([], 60_000, [{ startMs: 5000, reason: 'offline' }]), 10_000, 20_000);
  assert.equal([away.find(15_000).is, away.find(25_000).is], ['hole', 'ask']);
});

test('a file that has just ended is there to its end, and what follows it may only be late', () => {
  const index = new FootageIndex();
  index.add(answer([segment(10_000, 4)], 60_000), 10_000, 12_000);
  const last = index.find(13_900);
  assert.ok(last.is === 'piece');
  assert.equal([last.piece.startMs, index.after(last.piece).is], [13_000, 'ask']);
  index.add(answer([segment(10_000, 4)], 60_000), 10_000, 20_000);
  assert.is(index.after(last.piece).is, 'ask');
  // Whoever would tell of more has had the time.
  index.add(answer([segment(10_000, 4)], 60_000), 10_000, 50_000);
  assert.is(index.after(last.piece).is, 'hole');
});

test('answers about parts of a segment are put together; between them it is asked', () => {
  const index = new FootageIndex();
  index.add(answer([segment(10_000, 60, { from: 0, count: 10 })], 20_000), 10_000, FAR_MS);
  index.add(answer([segment(10_000, 60, { from: 30, count: 10 })], 50_000), 40_000, FAR_MS);
  const last = index.find(19_500);
  assert.ok(last.is === 'piece');
  assert.is(startOf(index.after(last.piece)), 'ask');
  assert.is(startOf(index.find(25_000)), 'ask');
  assert.is(startOf(index.find(45_500)), 45_000);
  index.add(answer([segment(10_000, 60, { from: 8, count: 24 })], 41_000), 19_000, FAR_MS);
  assert.is(startOf(index.after(last.piece)), 20_000);
});

test('what was deleted is asked for anew, and found to be gone', () => {
  const index = new FootageIndex();
  index.add(answer([segment(10_000, 4), segment(14_000, 4)], 18_000), 10_000, FAR_MS);
  index.deleted(14_000);
  assert.equal([index.find(11_000).is, index.find(15_000).is], ['ask', 'piece']);
});

test('however many segments are walked over, few are kept', () => {
  const index = new FootageIndex();
  for (let at = 0; at < 500; at++) {
    const startMs = at * 4000;
    index.add(answer([segment(startMs, 4)], startMs + 4000), startMs, FAR_MS);
  }
  assert.equal([index.find(1000).is, index.find(499 * 4000 + 1000).is], ['ask', 'piece']);
});

test('a segment stands where its time says, and nearly touching ones are joined', () => {
  const line = new WallLine(1_000_000);
  const middleS = WINDOW_S / 2;
  const a = { id: 'a', startMs: 1_000_000, endMs: 1_010_000, firstPts90k: 9000 };
  const b = { id: 'b', startMs: 1_010_040, endMs: 1_020_000, firstPts90k: 0 };
  const c = { id: 'c', startMs: 1_022_000, endMs: 1_030_000, firstPts90k: 0 };
  assert.ok(Math.abs(line.place(a, { behind: b }) - (middleS - 0.1)) < 1e-9);
  assert.ok(Math.abs(line.place(b, { before: a }) - (middleS + 10)) < 1e-9, 'no hole of 40 ms');
  assert.ok(Math.abs(line.place(c) - (middleS + 22)) < 1e-9);
  // The clock knows of the shift, in both directions.
  assert.is(Math.round(line.wallMs(middleS + 5)), 1_005_000);
  assert.is(Math.round(line.wallMs(middleS + 12)), 1_012_040);
  assert.is(Math.round(line.wallMs(middleS + 23)), 1_023_000);
  for (const ms of [1_000_000, 1_009_000, 1_012_040, 1_019_500, 1_025_000])
    assert.is(Math.round(line.wallMs(line.mediaS(ms))), ms);
});

test('a segment that is seen before the one in front of it does not move', () => {
  const line = new WallLine(1_000_000);
  const a = { id: 'a', startMs: 1_000_000, endMs: 1_010_000, firstPts90k: 0 };
  const b = { id: 'b', startMs: 1_010_040, endMs: 1_020_000, firstPts90k: 0 };
  const before = line.place(b, { before: a });
  assert.ok(Math.abs(line.place(a, { behind: b }) - (WINDOW_S / 2 + 0.04)) < 1e-9);
  assert.is(line.place(b, { before: a }), before);
});

test('shifts do not add up beyond half a second', () => {
  const line = new WallLine(1_000_000);
  let before = { id: '0', startMs: 1_000_000, endMs: 1_010_000, firstPts90k: 0 };
  line.place(before);
  for (let at = 1; at < 50; at++) {
    const startMs = before.endMs + 100;
    const next = { id: String(at), startMs, endMs: startMs + 10_000, firstPts90k: 0 };
    const offsetS = line.place(next, { before });
    const shiftS = offsetS - (WINDOW_S / 2 + (startMs - 1_000_000) / 1000);
    assert.ok(Math.abs(shiftS) <= 0.5 + 1e-9, `${shiftS}`);
    before = next;
  }
});

const PLAYLIST = `#EXTM3U
#EXTINF:9,
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T18:00:00.500Z
#EXTINF:4.00000,
#EXT-X-BYTERANGE:10@0
a.mp4
#EXTINF:2.50000,
a.mp4
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T18:01:00.000Z
#EXTINF:3.00000,
b.mp4
#EXT-X-PROGRAM-DATE-TIME:never
#EXT-X-ENDLIST
`;

test('a playlist tells which moment stands where, gaps left out', () => {
  const startMs = Date.parse('2026-11-21T18:00:00.500Z');
  const runs = runsOf(PLAYLIST);
  assert.equal(runs, [
    { mediaS: 0, startMs, endMs: startMs + 6500 },
    { mediaS: 6.5, startMs: startMs + 59_500, endMs: startMs + 62_500 },
  ]);
  assert.equal(
    [mediaOf(runs, startMs + 1000), mediaOf(runs, startMs + 30_000), mediaOf(runs, startMs + 60_500)],
    [1, undefined, 7.5],
  );
  assert.equal([wallOf(runs, 1), wallOf(runs, 7)], [startMs + 1000, startMs + 60_000]);
  assert.is(wallOf(runsOf('#EXTM3U'), 0), undefined);
});

test('a step is one picture, over the border of fragments too', () => {
  const frames = new FrameTable();
  frames.add([1, 1.04, 1.08]);
  frames.add([1.12, 1.16]);
  frames.add([1, 1.04, 1.08]);
  assert.is(frames.step(1.08, 1), 1.12);
  assert.is(frames.step(1.0809, -1), 1.04);
  assert.is(frames.step(1.1, 1), 1.12);
  assert.is(frames.step(1.16, 1), undefined);
  assert.is(frames.at(1.1), 1.08);
  frames.trim(1.08);
  assert.is(frames.step(1.12, -1), 1.08);
  assert.is(frames.step(1.08, -1), undefined);
});

test.run();
