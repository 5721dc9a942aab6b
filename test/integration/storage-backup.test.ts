// The spare copy of the index: made whole, taken when the index is damaged, and brought up to date with the files since.
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Clock, systemClock } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake, recordSegment } from './storage-segment-file.ts';

const test = suite('storage: spare copy of the index', { timeoutMs: 30_000 });
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);

/** A start that is told to end before it has done anything with the index; it ends as it should. */
async function brokenOff(dir: string, steps: number): Promise<void> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: systemClock,
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
  });
  let asked = 0;
  const throwIfAborted = () => {
    if (asked++ === steps) throw new Error('the service stops');
  };
  let failure: unknown;
  await store.start({ throwIfAborted } as AbortSignal).catch(error => {
    failure = error;
  });
  assert.instance(failure, Error);
  await store.stop();
}

async function started(dir: string, clock: Clock = { ...systemClock, nowMs: () => T0 + 86_400_000 }): Promise<Store> {
  const log = fakeLog('storage').logger;
  const lock = () => ({ unlock: () => undefined });
  const store = await openStore(dir, { examine: examineFake, lock, clock, log, boot: { bootId: 'boot', oomKills: 0 } });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

function starts(store: Store): number[] {
  const { segments } = store.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 100 });
  return segments.map(segment => (segment.startMs - T0) / 10_000);
}

test('a damaged index: gaps and settings of the copy, cameras and files of now', async () => {
  const dir = tempDir('spare');
  const store = await started(dir);
  await store.cameras.put({ id: store.cameras.nextId() });
  const old = recordSegment(store, T0);
  const kept = recordSegment(store, T0 + 10_000);
  store.gaps.add({ camera: 1, stream: 'main', startMs: T0 - 60_000, endMs: T0 - 30_000, reason: 'offline' });
  await store.settings.put('storage', { floorPercent: 7 });
  await store.copyIndex();
  await store.deleteSegment(old);
  await store.cameras.remove(1);
  await store.cameras.put({ id: store.cameras.nextId() });
  recordSegment(store, T0 + 20_000);
  await store.stop();
  writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(70_000, 7));

  const again = await started(dir);
  assert.equal(starts(again), [1, 2], 'what was deleted since is gone, what was recorded since is there');
  assert.equal(
    again.cameras.list().map(camera => camera.id),
    [2],
  );
  assert.is(again.gaps.list(1, 0, T0 - 10)[0]?.reason, 'offline');
  assert.equal(again.settings.get('storage'), { floorPercent: 7 });
  assert.ok(again.segments.get(kept));
  assert.equal(readdirSync(join(dir, 'quarantine')), ['index.1']);
  await again.stop();
  const last = await started(dir);
  assert.equal(starts(last), [1, 2]);
  await last.stop();
});

test('a start that ends early takes nothing from the next one, whether there was a copy or none', async () => {
  for (const hasCopy of [true, false]) {
    for (const steps of [0, 1, 2]) {
      const dir = tempDir('spare');
      const store = await started(dir);
      recordSegment(store, T0);
      if (hasCopy) await store.copyIndex();
      await store.cameras.put({ id: store.cameras.nextId() });
      recordSegment(store, T0 + 10_000);
      const locked = store.events.create(1, T0, { endMs: T0 + 1000, locked: true }).id;
      await store.stop();
      writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(70_000, 7));
      await brokenOff(dir, steps);
      const again = await started(dir);
      const where = `${steps} steps ${hasCopy ? 'with' : 'without'} a copy`;
      assert.equal(starts(again), [0, 1], where);
      assert.equal(
        again.cameras.list().map(camera => camera.id),
        [1],
        where,
      );
      assert.is(again.events.get(locked)?.locked, true, where);
      await again.stop();
      assert.not.ok(existsSync(join(dir, 'index', 'spare')), where);
    }
  }
});

test('a copy that is damaged, too, or of another store is not taken', async () => {
  const [dir, other] = [tempDir('spare'), tempDir('other')];
  for (const path of [dir, other]) {
    const store = await started(path);
    recordSegment(store, path === dir ? T0 : T0 + 50_000);
    await store.copyIndex();
    await store.stop();
  }
  for (const damage of [
    () => writeFileSync(join(dir, 'index-backup', 'data.mdb'), Buffer.alloc(70_000, 7)),
    () => {
      rmSync(join(dir, 'index-backup'), { recursive: true });
      cpSync(join(other, 'index-backup'), join(dir, 'index-backup'), { recursive: true });
    },
  ]) {
    damage();
    writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(70_000, 7));
    const again = await started(dir);
    assert.equal(starts(again), [0]);
    await again.stop();
  }
});

test('is made once a day by itself', async () => {
  const dir = tempDir('daily');
  const clock = new FakeClock(Date.now());
  const store = await started(dir, clock);
  recordSegment(store, T0);
  assert.not.ok(existsSync(join(dir, 'index-backup')));
  await clock.advance(3_600_000);
  for (let n = 0; n < 100 && !existsSync(join(dir, 'index-backup')); n++) await systemClock.sleep(20);
  assert.ok(existsSync(join(dir, 'index-backup', 'data.mdb')));
  assert.not.ok(existsSync(join(dir, 'index-backup.new')));
  await store.stop();
});

test.run();
