// Questions to the segments and gaps tables, over an index in memory.
import * as assert from 'uvu/assert';
import type { NvrError, StreamName } from '../../src/core/index.ts';
import { Database } from '../../src/storage/database.ts';
import { GapTable } from '../../src/storage/gaps.ts';
import { HOUR_MS, segmentPath } from '../../src/storage/layout.ts';
import { LicenceTable } from '../../src/storage/licences.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { MemoryIndex } from './storage-memory-index.ts';

const test = suite('storage: tables');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);

async function setUp(index = new MemoryIndex()) {
  const log = fakeLog('storage').logger;
  const database = new Database({
    open: () => index,
    clock: new FakeClock(),
    log,
    maxBytes: 1e9,
    onStep: () => undefined,
    onHealth: () => undefined,
  });
  database.start();
  let damaged = 0;
  const segments = new SegmentTable(database, log, () => damaged++);
  const gaps = new GapTable(database, log);
  await segments.load();
  await gaps.load();
  return { index, database, segments, gaps, log, damaged: () => damaged };
}

type Tables = Awaited<ReturnType<typeof setUp>>;

function add(tables: Tables, startMs: number, durationMs: number, stream: StreamName = 'main', clockGen = 0): void {
  const key = { camera: 1, stream, startMs, clockGen };
  const codecs = stream === 'main' ? 'avc1.64001f' : 'hvc1.1.6.L93.B0';
  const path = segmentPath(key, clockGen > 0);
  tables.segments.record({ ...key, endMs: startMs + durationMs, sizeBytes: 1000, codecs, endReason: 'length', path });
}

function starts(tables: Tables, more: Partial<Parameters<SegmentTable['list']>[0]> = {}): number[] {
  const query = { camera: 1, startMs: T0, endMs: T0 + 48 * HOUR_MS, limit: 1000, ...more };
  return tables.segments.list(query).segments.map(segment => (segment.startMs - T0) / 1000);
}

test('lists what overlaps a range, across rows, streams and commits', async () => {
  const tables = await setUp();
  add(tables, T0 - 100_000, 100_000);
  add(tables, T0 - 60_000, 60_001, 'sub');
  add(tables, T0, 300_000);
  add(tables, T0 + HOUR_MS - 1000, 7_000_000);
  await tables.database.flush();
  add(tables, T0 + 5 * HOUR_MS, 1000);
  assert.equal(starts(tables), [-60, 0, 3599, 18_000]);
  assert.equal(starts(tables, { stream: 'sub' }), [-60]);
  assert.equal(starts(tables, { newestFirst: true }), [18_000, 3599, 0, -60]);
  // The long one reaches into the second hour after its own.
  assert.equal(starts(tables, { startMs: T0 + 2.9 * HOUR_MS, endMs: T0 + 3 * HOUR_MS }), [3599]);
  assert.equal(starts(tables, { camera: 2 }), []);
  assert.equal(starts(tables, { startMs: T0 + HOUR_MS, endMs: T0 }), []);
});

test('pages forwards and backwards without loss or doubles, at equal starts too', async () => {
  const tables = await setUp();
  for (let n = 0; n < 300; n++) {
    add(tables, T0 + n * 400_000, 400_000);
    if (n % 3 === 0) add(tables, T0 + n * 400_000, 400_000, 'sub');
    if (n % 50 === 0) add(tables, T0 + n * 400_000, 400_000, 'main', 1);
    if (n === 150) await tables.database.flush();
  }
  const all = tables.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 10_000 }).segments;
  assert.is(all.length, 406);
  for (const newestFirst of [false, true]) {
    for (const limit of [1, 7, 100, 406]) {
      const paged: string[] = [];
      let cursor: string | undefined;
      do {
        const page = tables.segments.list({
          camera: 1,
          startMs: 0,
          endMs: T0 * 2,
          limit,
          newestFirst,
          ...(cursor === undefined ? {} : { cursor }),
        });
        assert.ok(page.segments.length <= limit);
        paged.push(...page.segments.map(segment => segment.id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      const expected = all.map(segment => segment.id);
      assert.equal(paged, newestFirst ? expected.reverse() : expected, `${limit} ${newestFirst}`);
    }
  }
});

test('refuses a cursor that is none', async () => {
  const tables = await setUp();
  for (const cursor of ['', 'x', '1-main', '1-third-0', '1-main-0; drop']) {
    try {
      starts(tables, { cursor });
      assert.unreachable();
    } catch (error) {
      assert.is((error as NvrError).kind, 'invalid-argument', cursor);
    }
  }
});

test('knows a segment by its id, with codecs, and keeps totals', async () => {
  const tables = await setUp();
  add(tables, T0, 300_000);
  add(tables, T0, 200_000, 'main', 2);
  const found = tables.segments.get(`1-main-${T0}-2`);
  assert.is(found?.endMs, T0 + 200_000);
  assert.is(found?.codecs, 'avc1.64001f');
  assert.match(found?.path ?? '', /-main-2\.mp4$/);
  for (const id of [`1-main-${T0}-1`, `2-main-${T0}-0`, 'x', `1-main-${'9'.repeat(15)}-0`, '']) {
    assert.is(tables.segments.get(id), undefined, id);
  }
  assert.equal(tables.segments.totals(1), { segments: 2, sizeBytes: 2000 });
  add(tables, T0, 250_000);
  assert.equal(tables.segments.totals(), { segments: 2, sizeBytes: 2000 }, 'replaced, not doubled');
  assert.is(tables.segments.last(1, 'main')?.clockGen, 2);
  assert.is(tables.segments.last(1, 'sub'), undefined);
  await tables.database.flush();
  const again = await setUp(tables.index);
  assert.equal(again.segments.totals(1), { segments: 2, sizeBytes: 2000 });
  assert.is(again.segments.get(`1-main-${T0}-2`)?.codecs, 'avc1.64001f');
});

test('footage is joined where segments touch, whatever the stream, and cut to the range', async () => {
  const tables = await setUp();
  add(tables, T0, 100_000);
  add(tables, T0 + 100_049, 100_000);
  add(tables, T0 + 150_000, 100_000, 'sub');
  add(tables, T0 + 250_051, 1000);
  add(tables, T0 + 300_000, 0);
  assert.equal(tables.segments.footage(1, T0 + 10_000, T0 + 900_000), [
    [T0 + 10_000, T0 + 250_000],
    [T0 + 250_051, T0 + 251_051],
  ]);
  assert.equal(tables.segments.footage(1, T0, T0 + 50, 'main'), [[T0, T0 + 50]]);
});

test('a damaged row is told and dropped, the others are read', async () => {
  const tables = await setUp();
  add(tables, T0, 1000);
  add(tables, T0 + HOUR_MS, 1000);
  await tables.database.flush();
  for (const { value } of tables.index.range('segments', { from: Buffer.of(0), to: Buffer.alloc(9, 0xff), limit: 1 })) {
    value[10] = (value[10] ?? 0) ^ 1;
  }
  const again = await setUp(tables.index);
  assert.is(again.damaged(), 1);
  assert.equal(starts(again), [3600]);
  assert.equal(again.segments.totals(1), { segments: 1, sizeBytes: 1000 });
});

test('refuses a segment whose file is not named like it', async () => {
  const tables = await setUp();
  const segment = { camera: 1, stream: 'main' as const, startMs: T0, clockGen: 0 };
  const rest = { endMs: T0 + 1, sizeBytes: 1, codecs: '', endReason: 'length' as const };
  for (const path of ['', '../x.mp4', segmentPath({ ...segment, camera: 2 }, false)]) {
    assert.throws(() => tables.segments.record({ ...segment, ...rest, path }), /not how this segment/);
  }
  assert.throws(() => tables.segments.record({ ...segment, ...rest, startMs: -1, path: '' }), /cannot start/);
});

test('a codec that changes all the time does not fill the dictionary for ever', async () => {
  const tables = await setUp();
  const key = { camera: 1, stream: 'main' as const, startMs: T0, clockGen: 0 };
  for (let n = 0; n < 5000; n++) {
    const path = segmentPath(key, false);
    tables.segments.record({ ...key, endMs: T0 + 1, sizeBytes: 1, codecs: `avc1.${n}`, endReason: 'length', path });
  }
  assert.is(tables.segments.get(`1-main-${T0}-0`)?.codecs, '');
});

function shown(tables: Tables, fromMs = 0, toMs = 1e6): unknown[] {
  return tables.gaps
    .list(1, T0 + fromMs, T0 + toMs, 'main')
    .map(gap => [gap.startMs - T0, gap.endMs === undefined ? undefined : gap.endMs - T0, gap.reason]);
}

test('gaps: open, close, too short ones, one at a time', async () => {
  const tables = await setUp();
  tables.gaps.open(1, 'main', T0, 'offline');
  assert.equal(shown(tables), [[0, undefined, 'offline']]);
  assert.equal(shown(tables, 500_000), [[0, undefined, 'offline']], 'goes on');
  tables.gaps.open(1, 'main', T0 + 1000, 'refused');
  assert.equal(shown(tables), [
    [0, 1000, 'offline'],
    [1000, undefined, 'refused'],
  ]);
  assert.is(tables.gaps.close(1, 'main', T0 + 1199), undefined);
  assert.equal(shown(tables), [[0, 1000, 'offline']]);
  assert.equal(shown(tables, 1000), []);
  assert.is(tables.gaps.close(1, 'main', T0), undefined);
  tables.gaps.open(1, 'main', T0 + 5000, 'stalled');
  await tables.database.flush();
  const again = await setUp(tables.index);
  assert.is(again.gaps.ongoing(1, 'main')?.reason, 'stalled');
  assert.equal(shown(again), shown(tables));
});

test('footage that is found takes its time out of the gaps', async () => {
  const tables = await setUp();
  tables.gaps.open(1, 'main', T0, 'crash');
  tables.gaps.cover(1, 'main', T0 - 1000, T0 + 4000, 'crash');
  assert.equal(shown(tables), [[4000, undefined, 'crash']]);
  // Two runs lie in one gap: the second one's footage proves that the first reason was over.
  tables.gaps.cover(1, 'main', T0 + 10_000, T0 + 20_000, 'power-cut');
  assert.equal(shown(tables), [
    [4000, 10_000, 'crash'],
    [20_000, undefined, 'power-cut'],
  ]);
  tables.gaps.close(1, 'main', T0 + 30_000);
  tables.gaps.cover(1, 'main', T0 + 3900, T0 + 10_000, 'crash');
  assert.equal(shown(tables), [[20_000, 30_000, 'power-cut']]);
});

test('licences that were not given back become backlogs, with the reason of each run', async () => {
  const index = new MemoryIndex();
  const first = await setUp(index);
  const licences = (tables: Tables, bootId: string, oomKills = 0) =>
    new LicenceTable(tables.database, { bootId, oomKills }, tables.log);
  licences(first, 'a').open(1, 'main', T0, 0);
  await first.database.flush();
  const second = licences(await setUp(index), 'b');
  assert.equal(
    second.load(() => undefined),
    [{ camera: 1, stream: 'main', footageEndMs: T0, reason: 'power-cut' }],
  );
  // The next run records too, and is killed for want of memory before the first backlog is done with.
  const third = await setUp(index);
  const table = licences(third, 'b', 3);
  table.load(() => undefined);
  table.open(1, 'main', T0 + HOUR_MS * 5, 0);
  table.lower(T0 + HOUR_MS * 4);
  await third.database.flush();
  const fourth = await setUp(index);
  const last = licences(fourth, 'b', 4);
  last.load(() => undefined);
  const [backlog] = last.backlogs();
  assert.equal(
    backlog?.runs.map(run => run.reason),
    ['power-cut', 'memory'],
  );
  assert.is(backlog?.fromMs, T0 - HOUR_MS);
  assert.not.ok(last.standing(1));
  last.adopted(1, 'main');
  await fourth.database.flush();
  assert.equal(licences(await setUp(index), 'b').backlogs(), []);
});

test('a damaged licence means that everything of the stream is looked at', async () => {
  const tables = await setUp();
  tables.database.put('open', Buffer.from([0, 0, 0, 1, 0]), Buffer.from('nonsense'));
  tables.database.put('open', Buffer.from([0, 0, 0, 1, 9]), Buffer.from('nonsense'));
  const licences = new LicenceTable(tables.database, { bootId: 'a', oomKills: 0 }, tables.log);
  licences.load(() => undefined);
  assert.is(licences.backlogs()[0]?.fromMs, 0);
  assert.is(licences.backlogs().length, 1);
});

test.run();
