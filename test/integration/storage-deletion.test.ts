// Deletion by retention and locks over real LMDB: batches, files that cannot be removed, full volumes, lost indexes.
import { mkdirSync, readdirSync, rmdirSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { mountProblem, Volume } from '../support/volume.ts';
import { examineFake, recordSegment } from './storage-segment-file.ts';

const test = suite('storage: deletion');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);

async function started(dir: string): Promise<Store> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 86_400_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
  });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

function files(store: Store): string[] {
  return (readdirSync(store.segmentsFolder, { recursive: true }) as string[]).filter(name => name.endsWith('.mp4'));
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

test('locked segments stay, also when the index is lost and rebuilt from the files', async () => {
  const dir = tempDir('locks');
  const store = await started(dir);
  const [first = '', second = ''] = [recordSegment(store, T0), recordSegment(store, T0 + 10_000)];
  assert.is((await store.lockSegment(first, true)).locked, true);
  assert.is((await refusal(() => store.deleteSegment(first))).kind, 'failed-precondition');
  assert.is((await refusal(() => store.lockSegment('1-main-5-0', true))).kind, 'not-found');
  assert.equal(
    (await store.deleteSegments([first, second])).map(segment => segment.id),
    [second],
  );
  await store.stop();
  rmSync(join(dir, 'index'), { recursive: true });
  const again = await started(dir);
  assert.is(again.segments.get(first)?.locked, true);
  assert.is((await again.lockSegment(first, false)).locked, false);
  await again.deleteSegment(first);
  assert.equal(files(again), []);
  await again.stop();
});

test('a file that cannot be removed keeps no other, is reported, and goes as soon as it can', async () => {
  const store = await started(tempDir('stuck'));
  const ids = [0, 1, 2].map(n => recordSegment(store, T0 + n * 10_000));
  const stuck = store.pathOf(store.segments.get(ids[1] ?? '') ?? { path: '' });
  const total = store.segments.totals(1).sizeBytes;
  unlinkSync(stuck);
  mkdirSync(stuck);
  const gone = await store.deleteSegments(ids);
  assert.equal(
    gone.map(segment => segment.id),
    [ids[0], ids[2]],
  );
  assert.equal(
    store.problems().map(({ kind }) => kind),
    ['deletion-failed'],
  );
  assert.ok(store.problems()[0]?.cure);
  assert.is(store.segments.totals(1).sizeBytes, total / 3, 'bytes count as free when the file is gone');
  assert.is(await store.retryDeletions(), 1);
  rmdirSync(stuck);
  assert.is(await store.retryDeletions(), 0);
  assert.equal(store.problems(), []);
  assert.equal(store.segments.totals(1), { segments: 0, sizeBytes: 0 });
  await store.stop();
});

const problem = mountProblem();

test.needs(!problem, problem ?? '', 'footage of a volume without a free page can be deleted', async () => {
  const dir = new Volume(8).folder;
  const store = await started(dir);
  const ids = Array.from({ length: 400 }, (_, n) => recordSegment(store, T0 + n * 10_000));
  await store.flush();
  for (let free = 1; free > 0; ) {
    const { bavail, bsize } = statfsSync(dir);
    free = bavail * bsize;
    writeFileSync(join(dir, 'segments', `filler-${free}`), Buffer.alloc(free));
  }
  // Nothing can be committed any more, not even what is to be deleted.
  const gone = await store.deleteSegments(ids.slice(0, 300));
  assert.is(gone.length, 300);
  assert.is(files(store).length, 100);
  await store.flush();
  assert.equal(store.problems(), []);
  await store.stop();
  const again = await started(dir);
  assert.is(again.segments.totals(1).segments, 100);
  assert.equal(
    again.gaps.list(1, 0, T0 * 2).map(gap => [gap.startMs, gap.endMs, gap.reason]),
    [[T0, T0 + 3_000_000, 'deleted']],
  );
  await again.stop();
});

test.run();
