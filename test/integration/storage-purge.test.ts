// Deleting all footage of a camera over real LMDB: together with the camera, over restarts and failures, and never what is locked.
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { openStore, type Store, type StoreOptions } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { CODECS, examineFake, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: footage of removed cameras');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);

async function started(dir: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 86_400_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
    ...more,
  });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

function write(store: Store, camera: number, startMs: number): string {
  const key = { camera, stream: 'main' as const, startMs, clockGen: 0 };
  return writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, 10, true);
}

function record(store: Store, camera: number, startMs: number): string {
  const path = write(store, camera, startMs);
  const { size: sizeBytes } = statSync(join(store.segmentsFolder, path));
  const key = { camera, stream: 'main' as const, startMs, clockGen: 0 };
  store.segments.record({ ...key, endMs: startMs + 10_000, sizeBytes, codecs: CODECS, endReason: 'length', path });
  return `${camera}-main-${startMs}-0`;
}

function files(store: Store): string[] {
  return (readdirSync(store.segmentsFolder, { recursive: true }) as string[])
    .filter(name => name.endsWith('.mp4'))
    .sort();
}

test('a camera and the mark on its footage go with one commit, and the next start goes on with it', async () => {
  const dir = tempDir('purge');
  const commits: string[][] = [];
  const store = await started(dir);
  for (const id of [1, 2]) await store.cameras.put({ id });
  const [kept = ''] = [record(store, 1, T0), record(store, 1, T0 + 10_000), record(store, 2, T0)];
  await store.lockSegment(kept, true);
  await store.stop();
  const { openLmdb } = await import('../../src/storage/environment.ts');
  const dying = await started(dir, {
    openEnvironment: folder => {
      const environment = openLmdb(folder);
      const write = environment.write.bind(environment);
      environment.write = changes => {
        commits.push(changes.map(({ table, value }) => `${table} ${value ? 'put' : 'gone'}`));
        return write(changes);
      };
      return environment;
    },
  });
  commits.length = 0;
  await dying.cameras.remove(1, true);
  assert.equal(commits[0]?.filter(line => !line.startsWith('settings')).sort(), ['cameras gone', 'garbage put']);
  // It ends here, before anything was deleted.
  await dying.stop();
  assert.is(files(dying).length, 3);
  const again = await started(dir);
  assert.equal(again.cameras.list(), [{ id: 2 }]);
  assert.equal(
    again.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 10 }).segments.map(({ id }) => id),
    [kept],
  );
  assert.is(files(again).length, 2);
  // What was locked goes one by one.
  await again.lockSegment(kept, false);
  await again.deleteSegment(kept);
  assert.equal(
    files(again).map(name => name[0]),
    ['2'],
  );
  await again.stop();
  const last = await started(dir);
  assert.is(last.segments.totals().segments, 1, 'the mark is gone');
  await last.stop();
});

test('a camera that cannot be removed keeps its footage', async () => {
  const dir = tempDir('purge');
  let failing = false;
  const { openLmdb } = await import('../../src/storage/environment.ts');
  const store = await started(dir, {
    openEnvironment: folder => {
      const environment = openLmdb(folder);
      const write = environment.write.bind(environment);
      environment.write = changes =>
        failing ? Promise.reject(new NvrError('resource-exhausted', 'ENOSPC')) : write(changes);
      return environment;
    },
  });
  await store.cameras.put({ id: 1 });
  record(store, 1, T0);
  await store.flush();
  failing = true;
  const error = await store.cameras.remove(1, true).catch((reason: NvrError) => reason);
  assert.instance(error, NvrError);
  assert.equal(store.cameras.list(), [{ id: 1 }]);
  failing = false;
  await store.stop();
  const again = await started(dir);
  assert.equal([again.cameras.list(), again.segments.totals(1).segments], [[{ id: 1 }], 1]);
  await again.stop();
});

test('locked files that the index has lost are found and kept', async () => {
  const store = await started(tempDir('purge'));
  const [locked, plain] = [write(store, 1, T0), write(store, 1, T0 + 10_000)];
  chmodSync(join(store.segmentsFolder, locked), 0o440);
  const { kept } = await store.deleteCamera(1);
  assert.is(kept.segments, 1);
  assert.equal(files(store), [locked]);
  assert.is(store.segments.get(`1-main-${T0}-0`)?.locked, true);
  assert.not.ok(existsSync(join(store.segmentsFolder, plain)));
  await store.stop();
});

test('a file that does not go: said so, the rest goes, and it goes later', async () => {
  const dir = tempDir('purge');
  const store = await started(dir);
  await store.cameras.put({ id: 1 });
  for (let n = 0; n < 300; n++) record(store, 1, T0 + n * 10_000);
  const stuck = join(store.segmentsFolder, files(store)[100] ?? '');
  rmSync(stuck);
  mkdirSync(stuck);
  await store.cameras.remove(1, true);
  const error = await store.deleteCamera(1).catch((reason: NvrError) => reason);
  assert.instance(error, NvrError);
  assert.is(store.problems()[0]?.kind, 'deletion-failed');
  rmdirSync(stuck);
  assert.is(await store.retryDeletions(), 0);
  await store.deleteCamera(1);
  assert.equal([files(store), store.problems(), store.segments.totals()], [[], [], { segments: 0, sizeBytes: 0 }]);
  await store.stop();
});

test('a stop in the middle leaves the rest to the next start', async () => {
  const dir = tempDir('purge');
  let store: Store | undefined;
  let stopped: Promise<void> | undefined;
  store = await started(dir, {
    onStep: name => {
      if (name === 'delete-mark') stopped ??= store?.stop();
    },
  });
  for (let n = 0; n < 1000; n++) record(store, 1, T0 + n * 10_000);
  const error = await store.deleteCamera(1).catch((reason: NvrError) => reason);
  assert.is((error as NvrError).kind, 'unavailable');
  await stopped;
  const left = files(store).length;
  assert.ok(left > 0 && left < 1000, `${left} left`);
  const again = await started(dir);
  assert.equal(files(again), []);
  await again.stop();
});

test.run();
