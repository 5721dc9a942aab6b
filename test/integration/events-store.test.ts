// Events over a real index: what triggers made is there after a restart and after a crash, with its picture in its place.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { EventBus, systemClock } from '../../src/core/index.ts';
import { CameraEvents, type Trigger } from '../../src/events/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake } from './storage-segment-file.ts';

const test = suite('events over a real index');

interface Run {
  store: Store;
  events: CameraEvents;
  clock: FakeClock;
  stop(): Promise<void>;
}

async function run(dir: string, nowMs?: number): Promise<Run> {
  const clock = new FakeClock(nowMs);
  const log = fakeLog('events').logger;
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => clock.nowMs() },
    log,
  });
  await store.start(new AbortController().signal);
  await store.recovered();
  const settings = { preRollMs: 5000, postRollMs: 3000, mergeMs: 4000, maxMs: 60_000, alsoTrigger: [] };
  const open = { startMs: 0, clockGen: 0, endMs: Number.MAX_SAFE_INTEGER, sizeBytes: 1, path: 'x', codecs: '' };
  const events = new CameraEvents({
    ...{ store, clock, log },
    cameras: { get: id => ({ id, enabled: true, record: { mode: 'events' }, events: settings }), list: () => [] },
    recording: {
      capture: () => undefined,
      coverage: (_, atMs) => ({ startMs: atMs - 4200, endMs: atMs + 9000 }),
      hold: () => () => undefined,
      records: () => true,
      settled: async () => undefined,
    },
    engine: {
      footageMs: systemMs => systemMs,
      stats: () => ({ streams: [{ camera: 1, stream: 'main', open: [open] }], writer: {} }) as never,
      on: () => () => undefined,
    },
    pictures: { make: async ({ atMs }) => ({ jpeg: Buffer.from('a jpeg'), atMs, width: 640, height: 360 }) },
    bus: new EventBus(error => {
      throw error;
    }),
  });
  events.start();
  const stop = async () => {
    await events.stop();
    await store.stop();
  };
  return { store, events, clock, stop };
}

function trigger({ events }: Run, rest: Partial<Trigger> = {}): string {
  return events.trigger({ camera: 1, source: 'http', action: 'pulse', ...rest }) as string;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2));
}

test('an event with all that grew, its picture and the changes of its owner outlive a restart', async () => {
  const dir = tempDir('events');
  const first = await run(dir);
  const id = trigger(first, { label: 'person', score: 0.5, zones: ['porch'], payload: [1] });
  trigger(first, { source: 'onvif', label: 'dog', score: 0.75, boxes: [{ box: [0, 0.25, 0.5, 0.75], score: 0.75 }] });
  await first.clock.advance(2000);
  await until(() => first.events.get(id).picture !== undefined);
  await first.clock.advance(8000);
  await first.events.change(id, { locked: true, note: 'keep' });
  const before = first.events.get(id);
  assert.equal(
    [before.labels, before.sources],
    [
      ['person', 'dog'],
      ['http', 'onvif'],
    ],
  );
  assert.equal(before.preRoll, { promisedMs: 5000, deliveredMs: 4200 });
  await first.stop();
  const second = await run(dir);
  assert.equal(second.events.get(id), before);
  const path = second.events.picturePath(id);
  assert.is(path, join(dir, 'snapshots', '1', '2026-01-02', `${id}.jpg`));
  assert.is(readFileSync(path, 'utf8'), 'a jpeg');
  await second.events.change(id, { locked: false });
  await second.events.remove(id);
  await second.stop();
  assert.not.ok(existsSync(path), 'the picture goes with its event');
});

test('what goes on ends with the service', async () => {
  const dir = tempDir('events');
  const first = await run(dir);
  const t0 = first.clock.nowMs();
  const id = trigger(first, { action: 'start' });
  await first.clock.advance(7000);
  await first.stop();
  const second = await run(dir);
  assert.is(second.events.get(id).endMs, t0 + 7000);
  assert.is.not(trigger(second), id);
  await second.stop();
});

test('what goes on when the process dies is over at the next start, and a change of the owner is not lost', async () => {
  const dir = tempDir('events');
  const first = await run(dir);
  const id = trigger(first, { action: 'start', label: 'person' });
  await first.events.change(id, { reviewed: true }, 3);
  const copy = join(tempDir('killed'), 'data');
  cpSync(dir, copy, { recursive: true });
  await first.stop();
  const second = await run(copy);
  const { endMs, reviewed, labels } = second.events.get(id, 3);
  assert.ok(endMs !== undefined, 'there is no footage of it, so it ends where it began');
  assert.equal([reviewed, labels], [true, ['person']]);
  assert.not.ok(second.events.get(id, 4).reviewed, 'each marks for itself');
  const unseen = (user: number) => second.events.list({ reviewed: false, limit: 5 }, user).events.length;
  assert.equal([unseen(3), unseen(4)], [0, 1]);
  await second.stop();
});

test.run();
