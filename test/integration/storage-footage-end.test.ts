// Where the footage of earlier runs ends: told with the licence, so that no burst of a camera overlaps it.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { openStore, type Store, type StoreOptions } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { CODECS, examineFake, tear, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: end of footage');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const MAIN = { camera: 1, stream: 'main' as const };

async function opened(dir: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 3_600_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
    ...more,
  });
  await store.start(new AbortController().signal);
  return store;
}

function record(store: Store, startMs: number, clockGen = 0): void {
  const key = { ...MAIN, startMs, clockGen };
  const path = writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, 10, true);
  store.segments.record({ ...key, endMs: startMs + 10_000, sizeBytes: 9, codecs: CODECS, endReason: 'length', path });
}

test('comes from the index, for the present clock generation, and never from the future', async () => {
  const store = await opened(tempDir('end'));
  assert.is(await store.openStream(1, 'main'), undefined);
  record(store, T0);
  assert.equal(await store.openStream(1, 'main'), { endMs: T0 + 10_000, clockGen: 0 });
  assert.is(await store.openStream(1, 'sub'), undefined);
  await store.setClockGeneration(1, -5000);
  assert.is(await store.openStream(1, 'main'), undefined);
  record(store, T0 - 600_000, 1);
  assert.equal(await store.openStream(1, 'main'), { endMs: T0 - 590_000, clockGen: 1 });
  record(store, T0 + 3_600_000, 1);
  assert.is(await store.openStream(1, 'main'), undefined, 'a clock that was wrong dates nothing');
  await store.stop();
});

test('of a file that is still to be adopted it is known before', async () => {
  const dir = tempDir('end');
  const first = await opened(dir);
  await first.openStream(1, 'main');
  record(first, T0 + 1_000_000);
  await first.stop();
  const key = { ...MAIN, clockGen: 0, store: first.uuid };
  // The licence of the run before was not given back: these are what it left.
  writeSegment(first.segmentsFolder, { ...key, startMs: T0 + 1_010_000 }, 5, true);
  tear(join(first.segmentsFolder, writeSegment(first.segmentsFolder, { ...key, startMs: T0 + 1_015_000 }, 7, false)));
  writeSegment(first.segmentsFolder, { ...key, startMs: T0 + 1_022_000 }, 0, false);
  let go = () => {};
  const gate = new Promise<void>(resolve => {
    go = resolve;
  });
  const store = await opened(dir, {
    examine: async (path, uuid, how) => {
      if (how.write) await gate;
      return examineFake(path, uuid, how);
    },
  });
  assert.equal(await store.openStream(1, 'main'), { endMs: T0 + 1_022_000, clockGen: 0 });
  go();
  await store.recovered();
  assert.equal(await store.openStream(1, 'main'), { endMs: T0 + 1_022_000, clockGen: 0 });
  await store.stop();
});

test.run();
