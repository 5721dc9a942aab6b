// The store on volumes that are full or read-only. Needs the right to mount; each volume is a small tmpfs of its own.
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { openLmdb } from '../../src/storage/environment.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { mountProblem, Volume } from '../support/volume.ts';
import { CODECS, examineFake, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: volumes');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const problem = mountProblem();
const withVolume = (name: string, body: () => Promise<void>) => test.needs(!problem, problem ?? '', name, body);

function options(clock: FakeClock) {
  const log = fakeLog('storage').logger;
  return { examine: examineFake, lock: () => ({ unlock: () => undefined }), clock, log };
}

function record(store: Store, startMs: number): void {
  const key = { camera: 1, stream: 'main' as const, startMs, clockGen: 0 };
  const path = writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, 1, true);
  store.segments.record({ ...key, endMs: startMs + 1000, sizeBytes: 9, codecs: CODECS, endReason: 'length', path });
}

withVolume('a full volume refuses with words, loses nothing, and is used again', async () => {
  const volume = new Volume(2);
  const dir = volume.folder;
  const clock = new FakeClock(T0);
  const store = await openStore(dir, options(clock));
  await store.start(new AbortController().signal);
  await store.cameras.put({ id: store.cameras.nextId() });
  for (let n = 0; n < 20; n++) record(store, T0 + n * 4_000_000);
  volume.fill();
  let refused: unknown;
  await store.flush().catch(error => {
    refused = error;
  });
  assert.instance(refused, NvrError);
  assert.is((refused as NvrError).kind, 'resource-exhausted');
  assert.is(store.problems()[0]?.kind, 'index-unwritable');
  assert.is(store.segments.totals(1).segments, 20);
  let kept: unknown;
  await store.cameras.put({ id: 2 }).catch(error => {
    kept = error;
  });
  assert.is((kept as NvrError).kind, 'resource-exhausted');
  assert.equal(store.cameras.list(), [{ id: 1 }], 'what was refused is not there');
  volume.makeRoom();
  await store.flush();
  assert.equal(store.problems(), []);
  await store.stop();
  const again = await openStore(dir, options(clock));
  await again.start(new AbortController().signal);
  assert.is(again.segments.totals(1).segments, 20);
  assert.equal(again.cameras.list(), [{ id: 1 }]);
  await again.stop();
});

withVolume('a start on a full volume works, so that footage can be deleted', async () => {
  const volume = new Volume(2);
  const dir = volume.folder;
  const clock = new FakeClock(T0);
  const store = await openStore(dir, options(clock));
  await store.start(new AbortController().signal);
  record(store, T0);
  await store.stop();
  volume.fill();
  const again = await openStore(dir, options(clock));
  await again.start(new AbortController().signal);
  assert.is(again.segments.totals(1).segments, 1);
  volume.makeRoom();
  await again.stop();
});

for (const [what, harm] of [
  ['that a crash left', dir => writeFileSync(join(dir, 'index.open'), '')],
  ['that three crashes left', dir => writeFileSync(join(dir, 'index.open'), '3')],
  // As a copy of the directory has it.
  ['that others have touched', dir => utimesSync(join(dir, 'index', 'data.mdb'), 1, 1)],
] satisfies [string, (dir: string) => void][]) {
  withVolume(`an index ${what} is used on a full volume as it is`, async () => {
    const volume = new Volume(2);
    const dir = volume.folder;
    const clock = new FakeClock(T0);
    const store = await openStore(dir, options(clock));
    await store.start(new AbortController().signal);
    record(store, T0);
    const { id } = store.events.create(1, T0, { endMs: T0 + 1000, locked: true });
    await store.stop();
    harm(dir);
    volume.fill();
    const again = await openStore(dir, options(clock));
    await again.start(new AbortController().signal);
    assert.is(again.events.get(id)?.locked, true);
    assert.equal(readdirSync(join(dir, 'quarantine')), []);
    volume.makeRoom();
    await again.stop();
  });
}

withVolume('a new index on a full volume is refused with words', async () => {
  const volume = new Volume(2);
  volume.fill();
  try {
    openLmdb(volume.folder);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, NvrError);
    assert.is((error as NvrError).kind, 'resource-exhausted');
  }
  volume.makeRoom();
  await openLmdb(volume.folder).close();
});

withVolume('a read-only volume is refused with a cure', async () => {
  const volume = new Volume(2);
  const dir = volume.folder;
  volume.makeReadOnly();
  for (const path of [join(dir, 'data'), dir]) {
    try {
      await openStore(path, options(new FakeClock(T0)));
      assert.unreachable();
    } catch (error) {
      assert.instance(error, NvrError);
      assert.is((error as NvrError).kind, 'unavailable');
      assert.ok((error as NvrError).cure);
    }
  }
});

test.run();
