// What the timeline knows: requests and their answers, what is drawn of them, and what is said of a moment.
import * as assert from 'uvu/assert';
import { gapKind } from '../../web/src/components/reasons.ts';
import { drawLane, type LaneLook, type Pen } from '../../web/src/timeline/draw.ts';
import { eventAt, figuresOf, gapAt, hasFootage, marksOf } from '../../web/src/timeline/found.ts';
import {
  joined,
  type Lane,
  type LaneAnswer,
  type LaneQuery,
  LaneStore,
  type Piece,
} from '../../web/src/timeline/lane-store.ts';
import { suite } from '../support/suite.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A round day of UTC. */
const MIDNIGHT = Date.UTC(2026, 9, 14);
const DAY_VIEW = { startMs: MIDNIGHT, spanMs: DAY };
const test = suite('timeline lanes');

function lane(camera: number, fields: Partial<Lane> = {}): Lane {
  return { camera, footage: [], gaps: [], events: [], more: 0, ...fields };
}

interface Asked {
  query: LaneQuery;
  signal: AbortSignal;
  answer: (answer: LaneAnswer) => Promise<void>;
}

interface World {
  store: LaneStore;
  asked: Asked[];
  clock: { ms: number };
  changes: () => number;
  /** Lets time go on, and runs what waits for it. */
  pass: (ms: number) => void;
}

function world(): World {
  const asked: Asked[] = [];
  const clock = { ms: MIDNIGHT + 12 * HOUR };
  const waiting: (() => void)[] = [];
  let changes = 0;
  const store = new LaneStore(
    (query, signal) =>
      new Promise(resolve => {
        const answer = async (value: LaneAnswer) => {
          resolve(value);
          await new Promise<void>(done => setImmediate(done));
        };
        asked.push({ query, signal, answer });
      }),
    () => clock.ms,
    () => changes++,
    run => waiting.push(run),
  );
  const pass = (ms: number) => {
    clock.ms += ms;
    for (const run of waiting.splice(0)) run();
  };
  return { store, asked, clock, changes: () => changes, pass };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list.at(index);
  if (item === undefined) throw new Error(`no item ${index} of ${list.length}`);
  return item;
}

test('all cameras are asked for, however many; parts of an answer are one or none', async () => {
  const { store, asked } = world();
  const many = Array.from({ length: 40 }, (_, index) => index + 1);
  store.want(DAY_VIEW, many);
  assert.equal(at(asked, 0).query.cameras, many);
  const one: LaneAnswer = { is: 'ok', lanes: [lane(1)], etag: 'a' };
  assert.is(joined([one]), one);
  assert.equal(joined([one, { is: 'ok', lanes: [lane(2)], etag: 'b' }]), { is: 'ok', lanes: [lane(1), lane(2)] });
  assert.equal(joined([one, { is: 'error' }]), { is: 'error' });
});

test('a day is asked for once, whatever is done within it', async () => {
  const { store, asked, changes } = world();
  store.want(DAY_VIEW, [1, 2]);
  store.want(DAY_VIEW, [1, 2]);
  assert.is(asked.length, 1);
  const { query } = at(asked, 0);
  assert.equal(query, { cameras: [1, 2], startMs: MIDNIGHT, endMs: MIDNIGHT + DAY, buckets: 720 });
  await at(asked, 0).answer({ is: 'ok', lanes: [lane(1), lane(2)], etag: '"a"' });
  assert.is(changes(), 1);
  store.want({ ...DAY_VIEW, spanMs: 12 * HOUR }, [1, 2]);
  assert.is(asked.length, 1, 'half a day has the same grain');
  assert.ok(store.complete(DAY_VIEW));
});

test('what happened makes an answer old: it is asked for again with its ETag, others are not', async () => {
  const { store, asked, changes, pass } = world();
  store.want(DAY_VIEW, [1]);
  await at(asked, 0).answer({ is: 'ok', lanes: [lane(1)], etag: '"a"' });
  pass(2000);
  store.touch(2, MIDNIGHT, MIDNIGHT + 1);
  store.touch(1, MIDNIGHT + DAY, MIDNIGHT + DAY + 1);
  assert.is(asked.length, 1, 'another camera, another day');
  store.touch(1, MIDNIGHT + HOUR, MIDNIGHT + HOUR + 1);
  assert.is(asked.length, 2);
  assert.is(at(asked, 1).query.etag, '"a"');
  store.touch(1, MIDNIGHT + HOUR, MIDNIGHT + HOUR + 1);
  assert.is(asked.length, 2, 'one at a time');
  await at(asked, 1).answer({ is: 'same' });
  assert.is(changes(), 1, 'nothing new to draw');
  assert.is(asked.length, 2, 'not at once');
  pass(2000);
  assert.is(asked.length, 3, 'it was touched while the answer was under way');
  await at(asked, 2).answer({ is: 'same' });
  assert.is(asked.length, 3);
  assert.is(store.pieces(1, DAY_VIEW).length, 1);
});

test('what nobody looks at any more is given up, and what comes late is not taken', async () => {
  const { store, asked, changes } = world();
  store.want(DAY_VIEW, [1]);
  store.want({ startMs: MIDNIGHT, spanMs: HOUR }, [1]);
  assert.ok(at(asked, 0).signal.aborted);
  assert.not.ok(at(asked, 1).signal.aborted);
  await at(asked, 0).answer({ is: 'ok', lanes: [lane(1)] });
  assert.is(changes(), 0);
  store.want({ startMs: MIDNIGHT, spanMs: HOUR }, [1, 2]);
  assert.ok(at(asked, 1).signal.aborted, 'other cameras, other answers');
  store.close();
  assert.ok(at(asked, 2).signal.aborted);
});

test('no more than two requests are under way', () => {
  const { store, asked } = world();
  store.want({ startMs: MIDNIGHT + HOUR, spanMs: 6 * HOUR }, [1]);
  assert.is(asked.length, 2);
  store.want({ startMs: MIDNIGHT - HOUR, spanMs: 24 * HOUR }, [1]);
  assert.is(asked.filter(one => !one.signal.aborted).length, 2);
});

test('until a zoom is loaded, others show what they know of it, each for its part', async () => {
  const { store, asked } = world();
  store.want(DAY_VIEW, [1]);
  await at(asked, 0).answer({ is: 'ok', lanes: [lane(1, { footage: [[MIDNIGHT, MIDNIGHT + DAY]] })] });
  const near = { startMs: MIDNIGHT + HOUR, spanMs: HOUR };
  store.want(near, [1]);
  assert.not.ok(store.complete(near));
  const pieces = store.pieces(1, near);
  assert.is(at(pieces, 0).startMs, near.startMs);
  assert.is(at(pieces, -1).endMs, near.startMs + HOUR);
  assert.is(at(pieces, 0).bucketMs, 120_000);
  for (const [index, piece] of pieces.entries())
    assert.ok(piece.startMs >= (pieces[index - 1]?.endMs ?? 0), 'no two cover the same time');
});

test('a failure keeps what was known, is told, and is tried again after a while or when the connection is back', async () => {
  const { store, asked, clock, pass } = world();
  store.want(DAY_VIEW, [1]);
  await at(asked, 0).answer({ is: 'ok', lanes: [lane(1)], etag: '"a"' });
  pass(2000);
  store.touch(1, MIDNIGHT, MIDNIGHT + 1);
  await at(asked, 1).answer({ is: 'error' });
  assert.ok(store.failed(DAY_VIEW));
  assert.is(store.pieces(1, DAY_VIEW).length, 1);
  store.want(DAY_VIEW, [1]);
  assert.is(asked.length, 2, 'not at once');
  clock.ms += 5001;
  store.want(DAY_VIEW, [1]);
  assert.is(asked.length, 3);
  await at(asked, 2).answer({ is: 'error' });
  pass(2000);
  store.touchAll();
  assert.is(asked.length, 4);
  await at(asked, 3).answer({ is: 'ok', lanes: [lane(1)] });
  assert.not.ok(store.failed(DAY_VIEW));
});

test('answers that were not used for long are dropped', async () => {
  const { store, asked } = world();
  for (let hour = 0; hour < 100; hour++) {
    store.want({ startMs: MIDNIGHT + hour * 12 * 60_000, spanMs: 60_000 }, [1]);
    await at(asked, -1).answer({ is: 'ok', lanes: [lane(1)] });
  }
  assert.is(asked.length, 100);
  store.want({ startMs: MIDNIGHT + 99 * 12 * 60_000, spanMs: 60_000 }, [1]);
  assert.is(asked.length, 100);
  store.want({ startMs: MIDNIGHT, spanMs: 60_000 }, [1]);
  assert.is(asked.length, 101);
});

interface Stroke {
  colour: unknown;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Notes rectangles, letters and lines. */
function notingPen(): Pen & { rects: Stroke[]; texts: string[]; lines: number } {
  const pen = {
    ...{
      fillStyle: '' as unknown,
      strokeStyle: '' as unknown,
      lineWidth: 1,
      font: '',
      textAlign: '',
      textBaseline: '',
    },
    ...{ rects: [] as Stroke[], texts: [] as string[], lines: 0 },
    clearRect() {},
    fillRect(left: number, top: number, width: number, height: number) {
      pen.rects.push({ colour: pen.fillStyle, left, top, width, height });
    },
    fillText(text: string) {
      pen.texts.push(text);
    },
    ...{ beginPath() {}, moveTo() {}, rect() {}, stroke() {}, clip() {}, save() {}, restore() {} },
    lineTo() {
      pen.lines++;
    },
  };
  return pen;
}

const COLOURS = {
  ...{ footage: 'footage', fault: 'fault', intended: 'intended', text: 'text', surface: 'surface' },
  classes: { person: 'person', vehicle: 'vehicle', animal: 'animal', motion: 'motion' },
};

function look(fields: Partial<LaneLook> = {}): LaneLook {
  return {
    ...{ width: 1440, height: 32, view: DAY_VIEW, colours: COLOURS, nowMs: MIDNIGHT + 2 * DAY, growing: false },
    ...fields,
  };
}

function piece(fields: Partial<Lane>, range: Partial<Piece> = {}): Piece {
  const whole = {
    startMs: MIDNIGHT,
    endMs: MIDNIGHT + DAY,
    originMs: MIDNIGHT,
    bucketMs: 120_000,
    askedMs: MIDNIGHT + DAY,
  };
  return { ...whole, ...range, lane: lane(1, fields) };
}

function drawn(pieces: Piece[], fields: Partial<LaneLook> = {}): ReturnType<typeof notingPen> {
  const pen = notingPen();
  drawLane(pen, pieces, look(fields));
  return pen;
}

test('footage is a line at the bottom, where and as long as it is', () => {
  const { rects } = drawn([piece({ footage: [[MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR]] })]);
  assert.equal(rects, [{ colour: 'footage', left: 60, top: 28, width: 120, height: 4 }]);
});

test('footage that is being written reaches up to now, none reaches beyond', () => {
  const askedMs = MIDNIGHT + 2 * HOUR;
  const footage: [number, number][] = [[MIDNIGHT + HOUR, askedMs - 1000]];
  const nowMs = MIDNIGHT + 3 * HOUR;
  const width = (fields: Partial<LaneLook>, lanes: Partial<Lane> = {}) =>
    drawn([piece({ footage, ...lanes }, { askedMs })], { nowMs, ...fields }).rects[0]?.width ?? 0;
  assert.is(width({ growing: true }), 120);
  assert.ok(width({ growing: false }) < 60);
  assert.ok(width({ growing: true }, { gaps: [{ startMs: askedMs - 500, reason: 'offline' }] }) < 60);
  assert.is(drawn([piece({ footage: [[MIDNIGHT, MIDNIGHT + DAY]] })], { nowMs: MIDNIGHT + HOUR }).rects[0]?.width, 60);
});

test('activity is as high as it says, in hex and in numbers; what shares a pixel shows its highest', () => {
  const heights = (activity: string | number[], view = DAY_VIEW) =>
    drawn([piece({ activity })], { view }).rects.map(rect => rect.height);
  assert.equal(heights(`0f${'0'.repeat(718)}`), [16]);
  assert.equal(heights([0, 255, ...new Array<number>(718).fill(0)]), [16]);
  assert.equal(heights('1'), [1]);
  const narrow = drawn([piece({ activity: '3f7' })], { width: 100 });
  assert.equal(
    narrow.rects.map(rect => rect.height),
    [16],
  );
  assert.equal(heights('zz'), [], 'no digits, no bars');
});

test('gaps are told apart by their pattern, and each reason has one', () => {
  const gap = (reason: string) =>
    drawn([piece({ gaps: [{ startMs: MIDNIGHT, endMs: MIDNIGHT + HOUR, reason }] as never })]);
  assert.ok(gap('offline').lines > 5);
  assert.is(gap('offline').rects.length, 0);
  assert.is(gap('schedule').lines, 0);
  assert.ok(gap('schedule').rects.every(rect => rect.colour === 'intended' && rect.width === 2));
  assert.ok(gap('schedule').rects.length > 5);
  assert.equal([gap('deleted').lines, gap('deleted').rects.length], [0, 0]);
  assert.is(gapKind('a reason of tomorrow' as never), 'fault');
});

test('events have the colour and the letter of their class, each once, and only the chosen classes', () => {
  const events = [
    { id: '1-1-0', startMs: MIDNIGHT + HOUR, endMs: MIDNIGHT + HOUR + 18_000, label: 'person' },
    { id: '1-2-0', startMs: MIDNIGHT + 5 * HOUR, endMs: MIDNIGHT + 6 * HOUR, label: 'car' },
    { id: '1-3-0', startMs: MIDNIGHT + 9 * HOUR, label: 'http' },
  ];
  const all = drawn([piece({ events }), piece({ events })], { nowMs: MIDNIGHT + 10 * HOUR });
  assert.equal(all.texts, ['P', 'V', 'M']);
  assert.equal(
    all.rects.map(({ colour, left, width }) => [colour, left, width]),
    [
      ['person', 60, 3],
      ['vehicle', 300, 60],
      ['motion', 540, 60],
    ],
  );
  assert.equal(drawn([piece({ events })], { classes: new Set(['vehicle']) }).texts, ['V']);
});

test('5,000 events of eight lanes are drawn in strokes that a frame has time for', () => {
  const events = Array.from({ length: 60 }, (_, index) => ({
    ...{ id: `1-${index}-0`, label: 'person' },
    ...{ startMs: MIDNIGHT + index * 1_440_000, endMs: MIDNIGHT + index * 1_440_000 + 9000 },
  }));
  const pen = drawn([piece({ activity: '8'.repeat(720), footage: [[MIDNIGHT, MIDNIGHT + DAY]], events, more: 565 })]);
  assert.ok(pen.rects.length <= 720 + 60 + 1);
});

test('a moment: its gap, its footage, its event; unknown is not the same as absent', () => {
  const pieces = [
    piece({
      footage: [[MIDNIGHT, MIDNIGHT + HOUR]],
      gaps: [{ startMs: MIDNIGHT + HOUR, reason: 'offline' }],
      events: [{ id: '1-1-0', startMs: MIDNIGHT + 5000, endMs: MIDNIGHT + 9000, label: 'person' }],
    }),
  ];
  assert.is(gapAt(pieces, MIDNIGHT + 10), undefined);
  assert.is(gapAt(pieces, MIDNIGHT + HOUR)?.reason, 'offline');
  assert.equal(
    [10, HOUR, 2 * DAY].map(ms => hasFootage(pieces, MIDNIGHT + ms)),
    [true, false, undefined],
  );
  assert.is(eventAt(pieces, MIDNIGHT + 6000)?.id, '1-1-0');
  assert.is(eventAt(pieces, MIDNIGHT + 9001), undefined);
  assert.equal(marksOf(pieces, new Set(['animal'])), []);
});

test('a lane in figures: recorded time, gaps, events and the busiest hour', () => {
  const events = [1, 14, 14.5, 20].map((hour, index) => ({
    id: `1-${index}-0`,
    startMs: MIDNIGHT + hour * HOUR,
    endMs: MIDNIGHT + hour * HOUR + 1000,
    label: 'person',
  }));
  const figures = figuresOf(
    [
      piece({
        events,
        more: 3,
        footage: [[MIDNIGHT - HOUR, MIDNIGHT + HOUR]],
        gaps: [{ startMs: MIDNIGHT + HOUR, reason: 'crash' }],
      }),
    ],
    MIDNIGHT,
    MIDNIGHT + DAY,
  );
  assert.equal(figures, { footageMs: HOUR, gaps: 1, events: 7, busiestMs: MIDNIGHT + 14 * HOUR });
  assert.equal(figuresOf([], MIDNIGHT, MIDNIGHT + DAY), { footageMs: 0, gaps: 0, events: 0 });
});

test.run();
