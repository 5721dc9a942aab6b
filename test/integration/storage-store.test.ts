// The store over real LMDB: data directories, what survives a restart, adoption, deletion, damaged and missing parts.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { type BootFacts, openStore, type Store, type StoreOptions } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { CODECS, examineFake, LOOK, tear, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: store');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const BOOT: BootFacts = { bootId: 'boot-1', oomKills: 0 };

function options(more: Partial<StoreOptions> = {}): StoreOptions {
  const locks = new Set<string>();
  return {
    examine: examineFake,
    lock: path => {
      if (locks.has(path)) return undefined;
      locks.add(path);
      return { unlock: () => locks.delete(path) };
    },
    clock: { ...systemClock, nowMs: () => T0 + 3_600_000 },
    log: fakeLog('storage').logger,
    boot: BOOT,
    ...more,
  };
}

async function started(dir: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore(dir, options(more));
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

/** Leaves the store as a killed process does: nothing is committed that was not, nothing is given back. */
async function killed(dir: string, work: (store: Store) => Promise<void>): Promise<void> {
  const copy = tempDir('killed');
  const store = await started(dir);
  await work(store);
  // What is on the volume at this moment is what the next process finds.
  rmSync(copy, { recursive: true });
  copyTree(dir, copy);
  await store.stop();
  rmSync(dir, { recursive: true });
  renameSync(copy, dir);
}

function copyTree(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else writeFileSync(target, readFileSync(source));
  }
}

function record(store: Store, startMs: number, fragments: number, camera = 1): string {
  const key = { camera, stream: 'main' as const, startMs, clockGen: 0 };
  const path = writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, fragments, true);
  const sizeBytes = statSync(join(store.segmentsFolder, path)).size;
  const endMs = startMs + fragments * 1000;
  store.segments.record({ ...key, endMs, sizeBytes, codecs: CODECS, endReason: 'length', path });
  return path;
}

function all(store: Store, camera = 1) {
  return store.segments.list({ camera, startMs: 0, endMs: T0 * 2, limit: 1000 }).segments;
}

function files(store: Store): string[] {
  return (readdirSync(store.segmentsFolder, { recursive: true }) as string[])
    .filter(name => name.endsWith('.mp4'))
    .sort();
}

async function refusal(action: () => Promise<unknown>): Promise<NvrError> {
  try {
    await action();
  } catch (error) {
    assert.instance(error, NvrError);
    return error as NvrError;
  }
  throw new Error('nothing was refused');
}

test('makes a data directory that only its user can read, and knows it again', async () => {
  const dir = join(tempDir('store'), 'deep', 'data');
  const first = await started(dir);
  const { uuid } = first;
  await first.stop();
  for (const name of ['index', 'segments', 'snapshots', 'exports', 'quarantine']) {
    assert.is(statSync(join(dir, name)).mode & 0o777, 0o700, name);
  }
  for (const name of ['identity.json', 'secret.key']) assert.is(statSync(join(dir, name)).mode & 0o777, 0o600, name);
  const second = await started(dir);
  assert.is(second.uuid, uuid);
  await second.stop();
});

test('leaves a directory that is not ours as it is', async () => {
  const dir = tempDir('foreign');
  writeFileSync(join(dir, 'thesis.txt'), 'years of work');
  const error = await refusal(() => openStore(dir, options()));
  assert.is(error.kind, 'failed-precondition');
  assert.match(error.message, 'thesis.txt');
  assert.ok(error.cure);
  assert.equal(readdirSync(dir), ['thesis.txt']);
});

test('takes the root of a fresh volume and what a killed first start left', async () => {
  const dir = tempDir('fresh');
  mkdirSync(join(dir, 'lost+found'));
  mkdirSync(join(dir, 'segments'));
  writeFileSync(join(dir, '.identity.json.0123456789ab.tmp'), 'half');
  const store = await started(dir);
  await store.stop();
});

test('refuses segments without an identity instead of making them foreign for ever', async () => {
  const dir = tempDir('lost-identity');
  const store = await started(dir);
  record(store, T0, 3);
  await store.stop();
  rmSync(join(dir, 'identity.json'));
  rmSync(join(dir, 'identity.json.previous'), { force: true });
  assert.is((await refusal(() => openStore(dir, options()))).kind, 'failed-precondition');
});

test('refuses a damaged identity, another format and another kind of machine', async () => {
  const dir = tempDir('identity');
  await (await started(dir)).stop();
  const path = join(dir, 'identity.json');
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, good.slice(0, 40));
  assert.is((await refusal(() => openStore(dir, options()))).kind, 'data-loss');
  const { writeChecked } = await import('../../src/storage/checked-file.ts');
  const { body } = JSON.parse(good) as { body: Record<string, unknown> };
  for (const change of [{ format: 99 }, { pointerBits: body.pointerBits === 64 ? 32 : 64 }, { endianness: 'BE' }]) {
    rmSync(`${path}.previous`, { force: true });
    await writeChecked(path, { ...body, ...change });
    const error = await refusal(() => openStore(dir, options()));
    assert.is(error.kind, 'failed-precondition', JSON.stringify(change));
    assert.ok(error.cure);
  }
});

test('uses the generation before of a damaged identity', async () => {
  const dir = tempDir('identity-previous');
  const store = await started(dir);
  await store.stop();
  const path = join(dir, 'identity.json');
  renameSync(path, `${path}.previous`);
  writeFileSync(path, '');
  const again = await started(dir);
  assert.is(again.uuid, store.uuid);
  await again.stop();
});

test('a second service on one directory is refused', async () => {
  const dir = tempDir('locked');
  const shared = options();
  const store = await openStore(dir, shared);
  const error = await refusal(() => openStore(dir, shared));
  assert.is(error.kind, 'failed-precondition');
  assert.match(error.message, 'in use');
  await store.stop();
  await (await openStore(dir, shared)).stop();
});

test('a directory that cannot be one is refused with a cure', async () => {
  const file = join(tempDir('file'), 'data');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below'), '/proc/thimble']) {
    const error = await refusal(() => openStore(path, options()));
    assert.ok(error.cure, path);
    assert.is.not(error.kind, 'internal', path);
  }
});

test('segments, gaps, cameras and counters survive a restart', async () => {
  const dir = tempDir('restart');
  const store = await started(dir);
  record(store, T0, 300);
  record(store, T0 + 300_000, 60);
  store.gaps.open(1, 'main', T0 + 360_000, 'offline');
  await store.cameras.put({ id: store.cameras.nextId() });
  await store.setClockGeneration(4, 0);
  const before = all(store);
  await store.stop();
  const again = await started(dir);
  assert.equal(all(again), before);
  assert.equal(again.segments.totals(1), store.segments.totals(1));
  assert.is(again.gaps.ongoing(1, 'main')?.startMs, T0 + 360_000);
  assert.equal(again.cameras.list(), [{ id: 1 }]);
  assert.is(again.cameras.nextId(), 2);
  assert.is(again.clockGeneration, 4);
  assert.equal(again.segments.footage(1, 0, T0 * 2), [[T0, T0 + 360_000]]);
  await again.stop();
});

test('adopts what a crash left: whole, cut, empty and foreign files, and closes the gap on them', async () => {
  const dir = tempDir('adopt');
  await killed(dir, async store => {
    await store.openStream(1, 'main');
    record(store, T0 + 3_600_000, 10);
    await store.flush();
    const key = { camera: 1, stream: 'main' as const, clockGen: 0, store: store.uuid };
    writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_610_000 }, 10, true);
    tear(join(store.segmentsFolder, writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_620_000 }, 7, false)));
    writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_627_000 }, 0, false);
    writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_628_000, store: 'f'.repeat(32) }, 5, true);
  });
  const store = await started(dir);
  assert.equal(
    all(store).map(({ startMs, endMs, endReason }) => [startMs - T0 - 3_600_000, endMs - startMs, endReason]),
    [
      [0, 10_000, 'length'],
      [10_000, 10_000, 'length'],
      [20_000, 7000, 'crash'],
    ],
  );
  assert.equal(
    files(store),
    all(store).map(segment => segment.path),
  );
  assert.is(readdirSync(join(dir, 'quarantine')).length, 1);
  const gap = store.gaps.ongoing(1, 'main');
  assert.is(gap?.startMs, T0 + 3_627_000);
  assert.is(gap?.reason, 'crash');
  await store.stop();
  // Adopted once, and for good.
  const again = await started(dir, { examine: () => Promise.reject(new Error('nothing is left to examine')) });
  assert.is(all(again).length, 3);
  await again.stop();
});

test('files that follow each other by another clock than that of their pictures neither overlap nor leave holes', async () => {
  const dir = tempDir('adopt-clock');
  // Where each begins, and its seconds.
  const files = { 0: 10, 9999: 10, 20040: 10, 90000: 3600, 3691000: 10 };
  await killed(dir, async store => {
    await store.openStream(1, 'main');
    const key = { camera: 1, stream: 'main' as const, clockGen: 0, store: store.uuid };
    for (const [at, seconds] of Object.entries(files))
      writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_600_000 + Number(at) }, seconds, true);
  });
  const store = await started(dir);
  assert.equal(
    all(store).map(({ startMs, endMs }) => [startMs, endMs].map(ms => ms - T0 - 3_600_000)),
    [
      [0, 9999],
      [9999, 20_040],
      [20_040, 30_040],
      [90_000, 3_690_000],
      [3_691_000, 3_701_000],
    ],
  );
  await store.stop();
});

for (const [reason, boot] of [
  ['power-cut', { bootId: 'boot-2', oomKills: 0 }],
  ['memory', { bootId: 'boot-1', oomKills: 1 }],
] as const) {
  test(`tells a ${reason} from a crash`, async () => {
    const dir = tempDir('reason');
    await killed(dir, async store => {
      await store.openStream(1, 'main');
      const key = { camera: 1, stream: 'main' as const, clockGen: 0, store: store.uuid };
      writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_600_000 }, 5, false);
    });
    const store = await started(dir, { boot });
    assert.is(all(store)[0]?.endReason, reason);
    assert.is(store.gaps.ongoing(1, 'main')?.reason, reason);
    await store.stop();
  });
}

test('a backlog that could not be read is tried again by the next start', async () => {
  const dir = tempDir('backlog');
  await killed(dir, async store => {
    await store.openStream(1, 'main');
    const key = { camera: 1, stream: 'main' as const, clockGen: 0, store: store.uuid };
    writeSegment(store.segmentsFolder, { ...key, startMs: T0 + 3_600_000 }, 5, false);
  });
  const failing = await started(dir, {
    examine: async path => ({ ...(await examineFake(path, '', LOOK)), state: 'error', code: 'EIO' }),
  });
  assert.is(all(failing).length, 0);
  await failing.openStream(1, 'main');
  await failing.closeStream(1, 'main');
  await failing.stop();
  const store = await started(dir);
  assert.is(all(store).length, 1);
  await store.stop();
});

test('a lost index is rebuilt from files and mirror, without using a number again', async () => {
  const dir = tempDir('lost-index');
  const store = await started(dir);
  for (let n = 0; n < 20; n++) record(store, T0 + n * 60_000, 60, 1 + (n % 2));
  record(store, T0, 60, 7);
  await store.cameras.put({ id: store.cameras.nextId(), name: 'Door' } as { id: number });
  await store.setClockGeneration(3, 0);
  const before = [...all(store, 1), ...all(store, 2), ...all(store, 7)];
  await store.stop();
  rmSync(join(dir, 'index'), { recursive: true });
  const again = await started(dir);
  assert.equal([...all(again, 1), ...all(again, 2), ...all(again, 7)], before);
  assert.equal(again.cameras.list(), [{ id: 1, name: 'Door' }]);
  assert.is(again.cameras.nextId(), 8);
  assert.ok(again.clockGeneration >= 3);
  assert.is(again.uuid, store.uuid);
  await again.stop();
});

test('a mirror cut short falls back on the one before', async () => {
  const dir = tempDir('mirror');
  const store = await started(dir);
  await store.cameras.put({ id: store.cameras.nextId() });
  await store.cameras.put({ id: store.cameras.nextId() });
  await store.stop();
  const path = join(dir, 'cameras.json');
  assert.is(statSync(path).mode & 0o777, 0o600);
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 30));
  rmSync(join(dir, 'index'), { recursive: true });
  const again = await started(dir);
  assert.equal(again.cameras.list(), [{ id: 1 }]);
  await again.stop();
});

test('an index cut short is found out by the probe, set aside and rebuilt', async () => {
  const dir = tempDir('cut-index');
  await killed(dir, async store => {
    for (let n = 0; n < 50; n++) record(store, T0 + n * 60_000, 60);
    await store.flush();
  });
  const data = join(dir, 'index', 'data.mdb');
  const bytes = readFileSync(data);
  writeFileSync(data, bytes.subarray(0, 3 * 4096));
  const store = await started(dir);
  assert.is(all(store).length, 50);
  assert.ok(existsSync(join(dir, 'quarantine', 'index.1')));
  await store.stop();
});

test('noise in place of the index is set aside even when the last run ended well', async () => {
  const dir = tempDir('noise-index');
  const store = await started(dir);
  record(store, T0, 60);
  await store.stop();
  writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(64 * 1024, 0x5a));
  const again = await started(dir);
  assert.is(all(again).length, 1);
  await again.stop();
});

test('the index of another store is not believed', async () => {
  const [dir, other] = [tempDir('mine'), tempDir('other')];
  const store = await started(dir);
  record(store, T0, 60);
  await store.stop();
  const stranger = await started(other);
  await stranger.cameras.put({ id: stranger.cameras.nextId() });
  await stranger.stop();
  rmSync(join(dir, 'index'), { recursive: true });
  copyTree(join(other, 'index'), join(dir, 'index'));
  const again = await started(dir);
  assert.equal(again.cameras.list(), []);
  assert.is(all(again).length, 1);
  await again.stop();
});

test('a damaged row is found again on the volume', async () => {
  const dir = tempDir('row');
  const store = await started(dir);
  record(store, T0, 60);
  record(store, T0 + 60_000, 60);
  await store.stop();
  const { openLmdb } = await import('../../src/storage/environment.ts');
  const { hourKey } = await import('../../src/storage/keys.ts');
  const index = openLmdb(join(dir, 'index'));
  const key = hourKey(1, 'main', T0 / 3_600_000);
  const row = Buffer.from(index.get('segments', key) ?? []);
  row[row.length - 1] = 0xff;
  await index.write([{ table: 'segments', key, value: row }]);
  await index.close();
  const again = await started(dir);
  assert.is(all(again).length, 2);
  assert.equal(again.problems(), []);
  await again.stop();
});

test('deletes a segment: file, record, bytes, empty folder; a gap says so', async () => {
  const dir = tempDir('delete');
  const store = await started(dir);
  record(store, T0 - 10 * 86_400_000, 60);
  record(store, T0, 60);
  const [old, kept] = all(store);
  assert.ok(old && kept);
  await store.deleteSegment(old.id);
  assert.equal(files(store), [kept.path]);
  assert.not.ok(existsSync(join(store.segmentsFolder, '1', '2025-12-23')));
  assert.equal(store.segments.totals(1), { segments: 1, sizeBytes: kept.sizeBytes });
  assert.is(store.segments.get(old.id), undefined);
  assert.is(store.gaps.list(1, old.startMs, old.endMs)[0]?.reason, 'deleted');
  assert.is((await refusal(() => store.deleteSegment(old.id))).kind, 'not-found');
  assert.is((await refusal(() => store.deleteSegment('../../etc/passwd'))).kind, 'not-found');
  await store.stop();
});

test('deletes all footage of a camera that does not record', async () => {
  const dir = tempDir('purge');
  const store = await started(dir);
  for (let n = 0; n < 600; n++) record(store, T0 + n * 10_000, 10, 1);
  record(store, T0, 60, 2);
  writeSegment(
    store.segmentsFolder,
    { camera: 1, stream: 'main', startMs: 5, clockGen: 0, store: store.uuid },
    1,
    true,
  );
  await store.openStream(1, 'main');
  assert.is((await refusal(() => store.deleteCamera(1))).kind, 'failed-precondition');
  await store.closeStream(1, 'main');
  store.gaps.open(1, 'main', T0, 'offline');
  assert.is((await store.deleteCamera(1)).deleted.segments, 600);
  assert.equal(readdirSync(store.segmentsFolder), ['2']);
  assert.equal(store.segments.totals().segments, 1);
  assert.equal(store.gaps.list(1, 0, T0 * 2), []);
  await store.stop();
});

test('links in place of folders lead nobody out of the store', async () => {
  const [dir, outside] = [tempDir('links'), tempDir('outside')];
  writeFileSync(join(outside, 'mine.txt'), 'kept');
  mkdirSync(join(outside, '2026-01-02'));
  writeFileSync(join(outside, '2026-01-02', 'mine.txt'), 'kept');
  const store = await started(dir);
  mkdirSync(join(store.segmentsFolder, '2'));
  symlinkSync(outside, join(store.segmentsFolder, '1'));
  symlinkSync(outside, join(store.segmentsFolder, '2', '2026-01-02'));
  await store.stop();
  rmSync(join(dir, 'index'), { recursive: true });
  const again = await started(dir);
  await again.deleteCamera(2);
  await again.stop();
  assert.equal(readdirSync(join(dir, 'quarantine')), []);
  assert.ok(existsSync(join(outside, 'mine.txt')));
  assert.ok(existsSync(join(outside, '2026-01-02', 'mine.txt')));
});

test('a clock that was set back while the service was off raises the clock generation', async () => {
  const dir = tempDir('clock');
  const store = await started(dir);
  record(store, T0 + 7_200_000, 60);
  await store.stop();
  const again = await started(dir);
  assert.is(again.clockGeneration, 1);
  await again.stop();
});

test('under a volume that is gone nothing may record', async () => {
  const dir = tempDir('unmounted');
  const store = await started(dir);
  renameSync(join(dir, 'identity.json'), join(dir, 'elsewhere'));
  assert.is((await refusal(() => store.openStream(1, 'main'))).kind, 'unavailable');
  await store.stop();
});

test('stops after a start that failed, and twice', async () => {
  const store = await openStore(tempDir('stop'), options());
  const aborted = new AbortController();
  aborted.abort();
  assert.is(
    await store.start(aborted.signal).then(
      () => 'started',
      () => 'failed',
    ),
    'failed',
  );
  await store.stop();
  await store.stop();
});

test.run();
