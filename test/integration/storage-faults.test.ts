// How the store takes a volume that refuses while it is recorded to, and an index at its bound: words, nothing lost, and heals by itself.
import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { openLmdb } from '../../src/storage/environment.ts';
import { openStore, type Store, type StoreOptions } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { mount, mountProblem, unmount, Volume } from '../support/volume.ts';
import { examineFake, recordSegment } from './storage-segment-file.ts';

const test = suite('storage: faults');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const HOUR_MS = 3_600_000;

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

function listed(store: Store): string[] {
  return store.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 100_000 }).segments.map(({ id }) => id);
}

function files(store: Store): number {
  return (readdirSync(store.segmentsFolder, { recursive: true }) as string[]).filter(name => name.endsWith('.mp4'))
    .length;
}

async function refusal(action: Promise<unknown>): Promise<NvrError> {
  const error = await action.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  assert.instance(error, NvrError);
  return error as NvrError;
}

for (const code of ['EIO', 'EROFS']) {
  test(`commits that fail with ${code}: nothing is promised, deleted or lost, and all is well when it is over`, async () => {
    const dir = tempDir('faults');
    let failing = false;
    const store = await started(dir, {
      openEnvironment: folder => {
        const environment = openLmdb(folder);
        const write = environment.write.bind(environment);
        environment.write = changes =>
          failing ? Promise.reject(new NvrError('unavailable', code, { cure: 'Check the volume.' })) : write(changes);
        return environment;
      },
    });
    await store.openStream(1, 'main');
    const ids = [0, 1, 2].map(n => recordSegment(store, T0 + n * 10_000));
    await store.flush();
    failing = true;
    ids.push(recordSegment(store, T0 + 30_000));
    assert.is((await refusal(store.flush())).kind, 'unavailable');
    assert.equal(
      store.problems().map(({ kind, cure }) => [kind, cure]),
      [['index-unwritable', 'Check the volume.']],
    );
    assert.is((await refusal(store.openStream(2, 'main'))).kind, 'unavailable');
    assert.is((await refusal(store.cameras.put({ id: 1 }))).kind, 'unavailable');
    assert.equal(await store.deleteSegments([ids[0] ?? '']), []);
    assert.is(files(store), 4, 'without its mark no file goes');
    assert.is(store.gaps.list(1, 0, T0 * 2)[0]?.reason, 'deleted', 'all can be read meanwhile');
    assert.is((await refusal(store.deleteCamera(3))).kind, 'unavailable');
    failing = false;
    await store.flush();
    assert.is(await store.retryDeletions(), 0);
    assert.equal([store.problems(), listed(store), files(store)], [[], ids.slice(1), 3]);
    await store.stop();
    const again = await started(dir, { examine: () => Promise.reject(new Error('nothing is left to examine')) });
    assert.equal(listed(again), ids.slice(1));
    await again.stop();
  });
}

const problem = mountProblem();

test.needs(
  !problem,
  problem ?? '',
  'files on a volume that turned read-only: words, and they go when it is mended',
  async () => {
    const volume = new Volume(8);
    const store = await started(volume.folder);
    await store.cameras.put({ id: 1 });
    const ids = [0, 1, 2, 3].map(n => recordSegment(store, T0 + n * 10_000));
    await store.flush();
    // Only this mount of it: an index that is open for writing keeps the whole from being made read-only.
    const folder = store.segmentsFolder;
    assert.ok(mount('--bind', folder, folder) && mount('-o', 'remount,bind,ro', folder));
    try {
      assert.is((await refusal(store.lockSegment(ids[0] ?? '', true))).kind, 'unavailable');
      assert.equal(await store.deleteSegments(ids.slice(0, 2)), []);
      assert.is(store.problems()[0]?.kind, 'deletion-failed');
      assert.is(store.segments.totals(1).segments, 4, 'what is still there counts');
      await store.cameras.remove(1, true);
      assert.ok((await refusal(store.deleteCamera(1))).message);
      assert.is(await store.retryDeletions(), 4);
      assert.is(files(store), 4);
    } finally {
      unmount(folder);
    }
    assert.is(await store.retryDeletions(), 0);
    await store.deleteCamera(1);
    assert.equal([files(store), store.problems(), store.segments.totals()], [0, [], { segments: 0, sizeBytes: 0 }]);
    await store.stop();
  },
);

test('an index at its bound: recording goes on, files are found at the next start, and deleting makes room', async () => {
  const dir = tempDir('bound');
  const maxIndexBytes = 160 * 1024;
  const store = await started(dir, { maxIndexBytes });
  await store.cameras.put({ id: 1 });
  await store.openStream(1, 'main');
  const full = () => store.problems().some(({ kind }) => kind === 'index-full');
  let hours = 0;
  for (; !full() && hours < 5000; hours++) {
    recordSegment(store, T0 - hours * HOUR_MS);
    // A row of its own each; like what a year of a camera takes.
    if (hours % 50 === 0) await store.flush();
  }
  assert.ok(full(), 'the bound is met');
  assert.match(store.problems()[0]?.cure ?? '', /^Delete footage/);
  assert.is(listed(store).length, hours, 'everything is listed');
  await store.stop();

  const small = { maxIndexBytes: maxIndexBytes / 2 };
  const second = await started(dir, small);
  assert.is(listed(second).length, hours);
  await second.openStream(1, 'main');
  for (let more = 0; more < 20; more++) recordSegment(second, T0 - hours++ * HOUR_MS);
  await second.flush();
  assert.ok(second.problems().some(({ kind }) => kind === 'index-full'));
  assert.is(listed(second).length, hours);
  // What users do is kept all the same, and streams get their licences.
  await second.cameras.put({ id: 2 });
  await second.openStream(2, 'main');
  await second.closeStream(2, 'main');
  await second.closeStream(1, 'main');
  await second.stop();

  const third = await started(dir, small);
  assert.ok(third.adopted.adopted >= 20, 'files that the index had no room for');
  assert.is(listed(third).length, hours);
  assert.equal(third.cameras.list(), [{ id: 1 }, { id: 2 }]);
  assert.ok(third.problems().some(({ kind }) => kind === 'index-full'));
  const old = listed(third).slice(0, Math.floor(hours * 0.8));
  for (let at = 0; at < old.length; at += 100) await third.deleteSegments(old.slice(at, at + 100));
  await third.flush();
  await third.flush();
  assert.equal(third.problems(), []);
  await third.stop();
  const last = await started(dir, { ...small, examine: () => Promise.reject(new Error('nothing is left')) });
  assert.is(listed(last).length, hours - old.length);
  assert.is(files(last), hours - old.length);
  await last.stop();
});

test.run();
