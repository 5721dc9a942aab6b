// What is read of fragmented MP4, also of bytes that are none.
import * as assert from 'uvu/assert';
import { fragmentsOf, fragmentTimes, tracksOf } from '../../web/src/player/mp4-boxes.ts';
import { suite } from '../support/suite.ts';

const test = suite('web player: boxes');

type Bytes = Uint8Array<ArrayBuffer>;

function joined(...parts: (Uint8Array | readonly number[])[]): Bytes {
  return new Uint8Array(parts.flatMap(part => [...part]));
}

function u32(...values: number[]): Bytes {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (const [index, value] of values.entries()) view.setInt32(index * 4, value | 0);
  return new Uint8Array(view.buffer);
}

function box(type: string, ...parts: (Uint8Array | readonly number[])[]): Bytes {
  const content = joined(...parts);
  return joined(
    u32(content.length + 8),
    [...type].map(letter => letter.charCodeAt(0)),
    content,
  );
}

function trak(id: number, timescale: number, handler: string, version = 0): Bytes {
  const times = version === 1 ? [0, 0, 0, 0] : [0, 0];
  const letters = [...handler].map(letter => letter.charCodeAt(0));
  const mdia = box('mdia', box('mdhd', u32(version << 24, ...times, timescale)), box('hdlr', u32(0, 0), letters));
  return box('trak', box('tkhd', u32(version << 24, ...times, id)), mdia);
}

const INIT = joined(
  box('ftyp', [1, 2, 3, 4]),
  box('moov', box('mvhd', u32(0)), trak(1, 90_000, 'vide'), trak(2, 16_000, 'soun', 1)),
);
const TRACKS = tracksOf(INIT) ?? [];

/** Samples of [duration, flags, offset]; times in units of the track. */
function traf(id: number, time: number, samples: [number, number, number][]): Bytes {
  const fields = samples.flatMap(([duration, flags, offset]) => [duration, 100, flags, offset]);
  const trun = box('trun', u32(0x01000f01, samples.length, 0, ...fields));
  return box('traf', box('tfhd', u32(0x020000, id)), box('tfdt', u32(0, time)), trun);
}

const KEY = 0;
const OTHER = 0x10000;

test('tracks are told apart, whatever version their boxes have', () => {
  assert.equal(TRACKS, [
    { id: 1, timescale: 90_000, video: true },
    { id: 2, timescale: 16_000, video: false },
  ]);
  assert.is(tracksOf(new Uint8Array()), undefined);
  assert.is(tracksOf(box('moov', box('trak', [1, 2, 3]))), undefined);
});

test('pictures are listed in the order of showing', () => {
  // I P B: the second to be decoded is shown last.
  const video = traf(1, 9000, [
    [9000, KEY, 9000],
    [9000, OTHER, 18_000],
    [9000, OTHER, 0],
  ]);
  const bytes = joined(box('moof', box('mfhd', u32(0, 1)), traf(2, 0, [[1024, KEY, 0]]), video), box('mdat', [0]));
  assert.equal(fragmentTimes(bytes, TRACKS), { video: true, key: true, shownS: [0.2, 0.3, 0.4], endS: 0.5 });
});

test('pictures may come before their own time', () => {
  const bytes = box('moof', traf(1, 9000, [[9000, KEY, -4500]]));
  assert.equal(fragmentTimes(bytes, TRACKS)?.shownS, [0.05]);
});

test('durations and flags of the header hold where samples have none', () => {
  const tfhd = box('tfhd', u32(0x020028, 1, 4500, OTHER));
  const trun = box('trun', u32(0x000005, 2, 0, KEY));
  const bytes = box('moof', box('traf', tfhd, box('tfdt', u32(0x01000000, 1, 0)), trun));
  const times = fragmentTimes(bytes, TRACKS);
  assert.is(times?.key, true, 'the first has flags of its own');
  assert.equal(
    times?.shownS.map(time => Math.round((time * 90_000 - 2 ** 32) / 4500)),
    [0, 1],
  );
});

test('sound alone has times too, and is no picture', () => {
  const bytes = box('moof', traf(2, 16_000, [[1024, KEY, 0]]));
  assert.equal(fragmentTimes(bytes, TRACKS), { video: false, key: true, shownS: [1], endS: 1.064 });
  assert.is(fragmentTimes(box('moof', traf(7, 0, [[1, KEY, 0]])), TRACKS), undefined, 'a track that nobody told of');
});

test('fragments are told apart by their boxes, and their times go together', () => {
  const first = joined(box('moof', traf(1, 0, [[9000, KEY, 0]])), box('mdat', [1, 2]));
  const second = joined(box('moof', traf(1, 9000, [[9000, OTHER, 0]])), box('mdat', [3]));
  const both = joined(first, second);
  assert.equal(
    fragmentsOf(both).map(part => part.length),
    [first.length, second.length],
  );
  assert.equal(fragmentTimes(both, TRACKS), { video: true, key: true, shownS: [0, 0.1], endS: 0.2 });
});

test('damage is told of, or at least bounded', () => {
  const bytes = joined(box('moof', traf(1, 0, Array(50).fill([3000, OTHER, 0]))), box('mdat', [0]));
  const seed = Date.now() % 1_000_000;
  let state = seed;
  const random = (most: number) => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % most;
  for (let round = 0; round < 3000; round++) {
    const hurt = bytes.slice(0, 1 + random(bytes.length));
    for (let count = random(6); count > 0; count--) hurt[random(hurt.length)] = random(256);
    const times = fragmentTimes(hurt, TRACKS);
    assert.ok(!times || times.shownS.length <= 20_000, `seed ${seed}, round ${round}`);
    fragmentsOf(hurt);
    tracksOf(hurt);
  }
  const endless = box(
    'moof',
    box('traf', box('tfhd', u32(0, 1)), box('tfdt', u32(0, 0)), box('trun', u32(0, 2 ** 31))),
  );
  assert.is(fragmentTimes(endless, TRACKS), undefined, 'two thousand million samples without a byte');
});

test.run();
