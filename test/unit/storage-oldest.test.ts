// What was recorded first, whatever the clock said; locks; and the gaps that deletion leaves.
import * as assert from 'uvu/assert';
import { Database } from '../../src/storage/database.ts';
import { GapTable } from '../../src/storage/gaps.ts';
import { DAY_MS, HOUR_MS, segmentPath } from '../../src/storage/layout.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { MemoryIndex } from './storage-memory-index.ts';

const test = suite('storage: oldest first');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const EARLIEST = Date.UTC(2025, 0, 1);

async function setUp(index = new MemoryIndex()) {
  const log = fakeLog('storage').logger;
  const none = () => undefined;
  const options = { open: () => index, clock: new FakeClock(), log, maxBytes: 1e9, onStep: none, onHealth: none };
  const database = new Database(options);
  database.start();
  const segments = new SegmentTable(database, log, none);
  const gaps = new GapTable(database, log);
  await segments.load();
  await gaps.load();
  return { index, database, segments, gaps };
}
type Tables = Awaited<ReturnType<typeof setUp>>;

function add({ segments }: Tables, startMs: number, clockGen = 0, camera = 1): string {
  const key = { camera, stream: 'main' as const, startMs, clockGen };
  const path = segmentPath(key, false);
  segments.record({ ...key, endMs: startMs + 60_000, sizeBytes: 1000, codecs: 'avc1', endReason: 'length', path });
  return `${camera}-main-${startMs}-${clockGen}`;
}

function oldest({ segments }: Tables, limit = 10, nowMs = T0 + DAY_MS, camera = 1): string[] {
  return segments
    .oldest({ camera: camera, stream: 'main', ofEvents: false, limit: limit, earliestMs: EARLIEST, nowMs: nowMs })
    .map(segment => segment.id);
}

/** Takes segments as retention does until there are none. */
function drain(tables: Tables, nowMs = T0 + DAY_MS): string[] {
  const ids: string[] = [];
  for (;;) {
    const [next] = tables.segments.oldest({
      camera: 1,
      stream: 'main',
      ofEvents: false,
      limit: 1,
      earliestMs: EARLIEST,
      nowMs: nowMs,
    });
    if (!next) return ids;
    tables.segments.take(next);
    ids.push(next.id);
  }
}

test('gives the oldest of a stream, through commits and a reload', async () => {
  const tables = await setUp();
  const ids = Array.from({ length: 200 }, (_, n) => add(tables, T0 + n * 60_000));
  assert.equal(oldest(tables, 3), ids.slice(0, 3));
  await tables.database.flush();
  const again = await setUp(tables.index);
  assert.equal(oldest(again, 200), ids);
  assert.equal(drain(again), ids);
  assert.equal(again.segments.streams(), [], 'nothing is left to look at');
});

test('what a clock before its setting recorded is as old as what follows, not as 1970', async () => {
  const tables = await setUp();
  const before = [add(tables, T0, 1), add(tables, T0 + 60_000, 1)];
  const unset = [add(tables, 5000, 2), add(tables, 65_000, 2)];
  const after = [add(tables, T0 + HOUR_MS * 2, 3), add(tables, T0 + HOUR_MS * 3, 3)];
  assert.equal(oldest(tables), [...before, ...unset, ...after]);
  const ages = tables.segments
    .oldest({ camera: 1, stream: 'main', ofEvents: false, limit: 10, earliestMs: EARLIEST, nowMs: T0 + DAY_MS })
    .map(segment => segment.recordedMs);
  assert.equal(ages.slice(2, 4), [T0 + HOUR_MS * 2, T0 + HOUR_MS * 2]);
  // While nothing with a true time follows, it counts as recorded now.
  const alone = await setUp();
  add(alone, 5000, 2);
  assert.is(
    alone.segments.oldest({ camera: 1, stream: 'main', ofEvents: false, limit: 1, earliestMs: EARLIEST, nowMs: T0 })[0]
      ?.recordedMs,
    T0,
  );
  // Boots that all begin in 1970 stay in the order in which they were.
  const never = await setUp();
  const boots = [add(never, 9000, 1), add(never, 1000, 2), add(never, 5000, 3)];
  assert.equal(drain(never, 100_000), boots);
});

test('what a clock that ran ahead recorded is as old as what came after it', async () => {
  const tables = await setUp();
  const before = add(tables, T0, 0);
  const ahead = add(tables, T0 + 400 * DAY_MS, 1);
  const after = add(tables, T0 + HOUR_MS * 2, 2);
  assert.equal(oldest(tables), [before, ahead, after]);
});

test('locked segments are passed over, and come back into the row when unlocked', async () => {
  const tables = await setUp();
  const ids = Array.from({ length: 50 }, (_, n) => add(tables, T0 + n * 1_800_000));
  const key = (n: number) => ({ camera: 1, stream: 'main' as const, startMs: T0 + n * 1_800_000, clockGen: 0 });
  for (const n of [0, 1, 2, 20]) assert.is(tables.segments.setLocked(key(n), true)?.locked, true);
  assert.is(tables.segments.lockedBytes(1), 4000);
  assert.equal(oldest(tables, 2), [ids[3], ids[4]]);
  await tables.database.flush();
  const again = await setUp(tables.index);
  assert.is(again.segments.lockedBytes(), 4000);
  assert.is(again.segments.get(ids[1] ?? '')?.locked, true);
  assert.is(drain(again).length, 46);
  assert.equal(oldest(again), []);
  const late = add(again, T0 + 60 * 1_800_000);
  again.segments.setLocked(key(1), false);
  assert.is(again.segments.lockedBytes(1), 3000);
  assert.equal(drain(again), [ids[1], late]);
  assert.is(again.segments.setLocked(key(7), true), undefined);
});

test('a stream with a clock generation per boot stays bounded and loses nothing', async () => {
  const tables = await setUp();
  const ids = Array.from({ length: 700 }, (_, n) => add(tables, T0 + n * 60_000, n));
  assert.equal(drain(tables), ids);
});

function deleted({ gaps, segments }: Tables, fromMs: number, toMs: number): void {
  const hasFootage = (a: number, b: number) => segments.footage(1, a, b, 'main').length > 0;
  gaps.addDeleted(1, 'main', { startMs: fromMs, endMs: toMs }, hasFootage);
}

function gapsOf({ gaps }: Tables): [number, number | undefined, string][] {
  return gaps
    .list(1, 0, T0 * 2, 'main')
    .map(gap => [gap.startMs - T0, gap.endMs === undefined ? undefined : gap.endMs - T0, gap.reason]);
}

test('deleted times next to each other are one gap, and fold what lay between', async () => {
  const tables = await setUp();
  for (let n = 0; n < 500; n++) {
    const startMs = T0 + n * 100_000;
    tables.gaps.add({
      camera: 1,
      stream: 'main',
      startMs: startMs + 60_000,
      endMs: startMs + 100_000,
      reason: 'offline',
    });
    deleted(tables, startMs, startMs + 60_000);
  }
  assert.equal(gapsOf(tables), [
    [0, 49_960_000, 'deleted'],
    [49_960_000, 50_000_000, 'offline'],
  ]);
});

test('footage between two deleted times keeps them apart until it goes, too', async () => {
  const tables = await setUp();
  add(tables, T0 + 60_000);
  deleted(tables, T0, T0 + 60_000);
  deleted(tables, T0 + 120_000, T0 + 180_000);
  assert.equal(gapsOf(tables), [
    [0, 60_000, 'deleted'],
    [120_000, 180_000, 'deleted'],
  ]);
  const [middle] = tables.segments.oldest({
    camera: 1,
    stream: 'main',
    ofEvents: false,
    limit: 1,
    earliestMs: EARLIEST,
    nowMs: T0 + DAY_MS,
  });
  assert.ok(middle && tables.segments.take(middle));
  deleted(tables, T0 + 60_000, T0 + 120_000);
  assert.equal(gapsOf(tables), [[0, 180_000, 'deleted']]);
});

test('a gap that goes on behind deleted footage keeps its reason', async () => {
  const tables = await setUp();
  tables.gaps.open(1, 'main', T0 + 60_000, 'offline');
  deleted(tables, T0, T0 + 60_100);
  assert.equal(gapsOf(tables), [
    [0, 60_000, 'deleted'],
    [60_000, undefined, 'offline'],
  ]);
});

test.run();
