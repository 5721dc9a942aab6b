// Events that a crash ended: who waits for their end is told of it at the next start, once.
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type CameraEventSummary, EventBus, systemClock } from '../../src/core/index.ts';
import { CameraEvents } from '../../src/events/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake, recordSegment } from './storage-segment-file.ts';

const test = suite('events that a crash ended', { timeoutMs: 60_000 });
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);

interface Run {
  store: Store;
  events: CameraEvents;
  told: CameraEventSummary[];
  stop: () => Promise<void>;
}

async function run(dir: string): Promise<Run> {
  const log = fakeLog('events').logger;
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 86_400_000 },
    log,
    boot: { bootId: 'boot', oomKills: 0 },
  });
  await store.start(new AbortController().signal);
  const told: CameraEventSummary[] = [];
  const bus = new EventBus(error => {
    throw error;
  });
  bus.on('event.closed', event => told.push(event));
  const events = new CameraEvents({
    ...{ store, log, bus, clock: new FakeClock(T0 + 86_400_000) },
    cameras: { get: () => undefined, list: () => [] },
    recording: {
      ...{ capture: () => undefined, coverage: () => undefined, hold: () => () => undefined },
      ...{ records: () => true, settled: async () => undefined },
    },
    engine: { footageMs: ms => ms, stats: () => ({ streams: [], writer: {} }) as never, on: () => () => undefined },
    pictures: { make: () => Promise.reject(new Error('none is asked for')) },
  });
  events.start();
  const stop = async () => {
    await events.stop();
    await store.stop();
  };
  return { store, events, told, stop };
}

/** What a crash right now would leave. */
async function crashed({ store }: Run, dir: string): Promise<string> {
  await store.flush();
  const left = join(tempDir('crashed'), 'data');
  cpSync(dir, left, { recursive: true });
  return left;
}

/** A store whose service was killed while an event went on, with another that had ended. */
async function left(): Promise<{ dir: string; id: string }> {
  const dir = tempDir('events');
  const first = await run(dir);
  recordSegment(first.store, T0);
  first.store.events.create(1, T0 + 1000, { endMs: T0 + 2000 });
  const { id } = first.store.events.create(1, T0 + 4000, { labels: ['person'], sources: ['http'] });
  const copy = await crashed(first, dir);
  await first.stop();
  return { dir: copy, id };
}

test('it is told of with the end of its footage, when that is known, and no other start tells again', async () => {
  const { dir, id } = await left();
  const second = await run(dir);
  assert.equal(second.told, []);
  await second.events.tellEnded();
  const summary = { camera: 1, id, startMs: T0 + 4000, endMs: T0 + 10_000, labels: ['person'], sources: ['http'] };
  assert.equal(second.told, [summary]);
  await second.events.tellEnded();
  assert.is(second.told.length, 1);
  const killed = await crashed(second, dir);
  await second.stop();
  for (const path of [dir, killed]) {
    const third = await run(path);
    await third.events.tellEnded();
    assert.equal(third.told, []);
    await third.stop();
  }
});

test('a start that is killed before it came to tell leaves that to the next one', async () => {
  const { dir, id } = await left();
  const second = await run(dir);
  await second.store.recovered();
  const copy = await crashed(second, dir);
  await second.stop();
  for (const path of [copy, dir]) {
    const third = await run(path);
    await third.events.tellEnded();
    assert.equal(
      third.told.map(event => event.id),
      [id],
    );
    await third.stop();
  }
});

test('what was removed, and what only an old copy of the index thinks to go on, is not told of', async () => {
  const { dir, id } = await left();
  const second = await run(dir);
  second.store.events.remove(id);
  await second.events.tellEnded();
  assert.equal(second.told, []);
  const { id: other } = second.store.events.create(1, T0 + 6000);
  await second.store.copyIndex();
  second.store.events.update(other, { endMs: T0 + 7000 });
  await second.stop();
  writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(70_000, 7));
  const third = await run(dir);
  assert.ok(third.store.events.get(other), 'the copy is in use');
  await third.events.tellEnded();
  assert.equal(third.told, []);
  await third.stop();
});

test('many are bounded: the newest are told of', async () => {
  const dir = tempDir('events');
  const first = await run(dir);
  const made = Array.from({ length: 100 }, (_, n) => first.store.events.create(1 + (n % 3), T0 + n * 1000).id);
  const copy = await crashed(first, dir);
  await first.stop();
  const second = await run(copy);
  await second.events.tellEnded();
  assert.equal(
    second.told.map(event => event.id),
    made.slice(-64),
  );
  assert.equal(second.store.events.ongoing(), []);
  await second.stop();
});

test.run();
