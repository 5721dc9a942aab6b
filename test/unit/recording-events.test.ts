// Recording of events: modes, schedules, gaps that say quiet, the memory that the past takes, and what a moment is covered by.
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/cameras/index.ts';
import { RingBudget } from '../../src/recording/index.ts';
import { intentOf, nextChangeMs } from '../../src/recording/schedule.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { suite } from '../support/suite.ts';
import { never, T0, World } from './recording-world.ts';

const test = suite('recording of events');
const HOUR = 3_600_000;
const MIB = 1024 * 1024;

async function eventWorld(): Promise<World> {
  const world = new World();
  await world.recording.start(never);
  await world.camera(1, { mode: 'events' });
  return world;
}

test('the licence stands and the ring holds the past, with nothing written', async () => {
  const world = await eventWorld();
  assert.equal(world.calls, ['open 1/main', 'record 1/main']);
  const plan = world.plans.get(1);
  assert.is(plan?.events?.preRollMs, 5000);
  assert.ok((plan?.events?.ringMaxBytes ?? 0) >= 8 * MIB);
  await world.camera(1, { mode: 'continuous' });
  assert.is(world.plans.get(1)?.events, undefined);
});

test('between events it is quiet, and a camera that is away is still a fault', async () => {
  const world = await eventWorld();
  assert.equal(world.gapList(), [], 'until the camera was there nothing is known');
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 1000 });
  world.opened(T0 + 20_000);
  world.closed(T0 + 20_000, T0 + 40_000, 'mode');
  world.engine.link(1, 'waiting', 'refused', { lastPacketMs: T0 + 60_000 });
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 90_000 });
  world.opened(T0 + 100_000);
  assert.equal(world.gapList(), [
    [1000, 20_000, 'quiet'],
    [40_000, 60_000, 'quiet'],
    [60_000, 90_000, 'offline'],
    [90_000, 100_000, 'quiet'],
  ]);
});

test('modes change: what follows is said by the gap', async () => {
  const world = await eventWorld();
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 });
  await world.camera(1, { mode: 'continuous' });
  world.opened(T0 + 30_000);
  await world.camera(1, { mode: 'events' });
  assert.is(world.gapList().at(-1)?.[1], 30_000, 'no gap while the segment goes on');
  world.closed(T0 + 30_000, T0 + 45_000, 'mode');
  assert.equal(world.gapList().at(-1), [45_000, undefined, 'quiet']);
  await world.clock.advance(60_000);
  await world.camera(1, { mode: 'off' });
  assert.equal(world.gapList().at(-1), [60_000, undefined, 'stopped']);
});

test('a disk that failed in an event has to prove itself before it is called quiet', async () => {
  const world = await eventWorld();
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 });
  world.opened(T0 + 10_000);
  const path = '1/2026-01-02/03-00-10.000Z-main.mp4';
  world.engine.emit({
    ...{ type: 'storage-failed', camera: 1, stream: 'main', path, code: 'EIO', step: 'write' },
    ...{ startMs: T0 + 12_000, lostBytes: 5 },
  });
  world.closed(T0 + 10_000, T0 + 12_000, 'suspect');
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 20_000 });
  assert.equal(world.gapList().at(-1), [12_000, undefined, 'no-volume']);
  world.opened(T0 + 30_000);
  world.closed(T0 + 30_000, T0 + 40_000, 'mode');
  assert.equal(world.gapList().slice(-2), [
    [12_000, 30_000, 'no-volume'],
    [40_000, undefined, 'quiet'],
  ]);
});

test('captures go to the streams that record, and to no other', async () => {
  const world = await eventWorld();
  await world.camera(2, { mode: 'off' });
  world.recording.capture(1, T0 + 0.4, T0 + 5000);
  world.recording.capture(2, T0, T0 + 5000);
  world.recording.capture(3, T0, T0 + 5000);
  assert.equal(world.engine.captures, [{ camera: 1, stream: 'main', fromMs: T0, untilMs: T0 + 5000 }]);
});

test('a camera whose settings say off records events while it is held, without a past', async () => {
  const world = new World();
  await world.recording.start(never);
  await world.camera(1, { mode: 'off' });
  const release = world.recording.hold(1);
  const second = world.recording.hold(1);
  await world.done();
  assert.is(world.plans.get(1)?.events?.preRollMs, 0);
  release();
  release();
  await world.done();
  assert.ok(world.plans.get(1), 'the other one still holds it');
  second();
  await world.done();
  assert.is(world.plans.get(1), null);
  await world.camera(1, { enabled: false });
  world.recording.hold(1);
  await world.done();
  assert.is(world.plans.get(1), null);
});

test('a schedule changes the mode with the hour of the board', async () => {
  const world = new World();
  await world.recording.start(never);
  const now = new Date(T0);
  const hour = ((now.getDay() + 6) % 7) * 24 + now.getHours();
  const letters = Array.from({ length: 168 }, () => 'c');
  letters[(hour + 1) % 168] = 'e';
  letters[(hour + 2) % 168] = '-';
  await world.camera(1, { schedule: letters.join('') });
  assert.is(world.plans.get(1)?.events, undefined);
  for (let n = 0; n < 4; n++) await world.clock.advance(HOUR / 4);
  await world.done();
  assert.is(world.plans.get(1)?.events?.preRollMs, 5000);
  for (let n = 0; n < 4; n++) await world.clock.advance(HOUR / 4);
  await world.done();
  assert.is(world.plans.get(1), null);
  assert.is(world.gapList().at(-1)?.[2], 'schedule');
  for (let n = 0; n < 4; n++) await world.clock.advance(HOUR / 4);
  await world.done();
  assert.ok(world.plans.get(1));
  assert.is(world.plans.get(1)?.events, undefined);
  await world.recording.stop();
  assert.is(world.clock.pending, 0);
});

test('a schedule says the same all week, in any zone, and over the days on which clocks are put back', () => {
  const own = process.env.TZ;
  for (const zone of ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/Santiago']) {
    process.env.TZ = zone;
    checkWeeks();
  }
  if (own === undefined) delete process.env.TZ;
  else process.env.TZ = own;
  const off = { enabled: true, record: { mode: 'off', schedule: 'c'.repeat(168) } } as unknown as Camera;
  assert.equal(intentOf(off, T0), { mode: 'off', off: 'stopped' });
  assert.equal(intentOf({ enabled: true, record: { mode: 'continuous', schedule: 'r'.repeat(168) } }, T0), {
    mode: 'events',
  });
});

function checkWeeks(): void {
  assert.is(nextChangeMs('e'.repeat(168), T0), undefined);
  const days = `${'c'.repeat(24)}${'-'.repeat(144)}`;
  for (let atMs = T0; atMs < T0 + 400 * 24 * HOUR; atMs += 7.3 * HOUR) {
    const changeMs = nextChangeMs(days, atMs);
    assert.ok(changeMs !== undefined && changeMs > atMs && changeMs <= atMs + 8 * 24 * HOUR);
    const at = (ms: number) =>
      intentOf({ enabled: true, record: { mode: 'events', schedule: days } } as unknown as Camera, ms).mode;
    assert.is.not(at(changeMs), at(atMs));
    assert.is(at(changeMs - 1), at(atMs));
  }
}

function user(id: number, preRollMs: number): Camera {
  const record = { mode: 'events', streams: 'main', segmentMs: 60_000 };
  return { id, name: `camera ${id}`, enabled: true, record, events: { preRollMs } } as unknown as Camera;
}

test('a past that does not fit is refused with the sum; making it smaller never is', () => {
  const engine = new FakeEngine();
  const budget = new RingBudget(64 * MIB);
  const stats = engine.stats();
  assert.not.throws(() => budget.check([], [user(1, 10_000)], stats));
  assert.throws(
    () => budget.check([user(1, 10_000)], [user(1, 10_000), user(2, 30_000)], stats),
    /would take 24\.8 MiB of memory \(camera 1 7\.6 MiB, camera 2 17\.2 MiB\), and there are 16\.0 MiB/,
  );
  assert.not.throws(() => budget.check([user(1, 30_000), user(2, 30_000)], [user(1, 30_000), user(2, 20_000)], stats));
  assert.ok(budget.boundOf(user(1, 5000), 'main', [user(1, 5000), user(2, 5000)], stats) >= 8 * MIB);
  const scheduled = (letter: string) => {
    const one = user(2, 30_000);
    return { ...one, record: { ...one.record, schedule: `${'c'.repeat(167)}${letter}` } };
  };
  for (const letter of 'er') assert.throws(() => budget.check([], [user(1, 10_000), scheduled(letter)], stats));
  assert.not.throws(() => budget.check([], [user(1, 10_000), scheduled('-')], stats));
});

test('rings keep to the memory there is when cameras send more than was thought, and sub streams count', () => {
  const engine = new FakeEngine();
  const budget = new RingBudget(256 * MIB);
  const all: [Camera, Camera] = [user(1, 10_000), user(2, 10_000)];
  for (const { id } of all) {
    for (const stream of ['main', 'sub'] as const) engine.setStream({ camera: id, stream } as never);
    engine.figures.set(id, { bitrateBps: 24_000_000, gopMs: 2000 });
  }
  const bounds = all.map(one => budget.boundOf(one, 'main', all, engine.stats()));
  assert.ok(Math.min(...bounds) > 24 * MIB, String(bounds));
  // The sub streams have their part.
  assert.ok(bounds.reduce((sum, bound) => sum + bound) < 63 * MIB, String(bounds));
  assert.is(budget.boundOf(all[0], 'sub', all, engine.stats()), 2 * MIB);
});

test('a quiet moment takes no memory from the ring that holds a busy time; a ring without pre-roll holds its GOPs', () => {
  const engine = new FakeEngine();
  const budget = new RingBudget(1024 * MIB);
  engine.setStream({ camera: 1, stream: 'main' } as never);
  const bound = (preRollMs: number) => budget.boundOf(user(1, preRollMs), 'main', [user(1, preRollMs)], engine.stats());
  engine.figures.set(1, { bitrateBps: 8_000_000, gopMs: 10_000 });
  assert.ok(bound(0) >= 12 * 1_000_000, String(bound(0)));
  budget.note(engine.stats());
  const busy = bound(30_000);
  assert.ok(busy >= 42 * 1_000_000);
  engine.figures.set(1, { bitrateBps: 100_000, gopMs: 1000 });
  for (let n = 0; n < 20; n++) budget.note(engine.stats());
  assert.ok(bound(30_000) >= 42 * 1_000_000, String(bound(30_000)));
  for (let n = 0; n < 240; n++) budget.note(engine.stats());
  assert.is(bound(30_000), 8 * MIB, 'for an hour nothing has come of it');
  engine.figures.set(1, { bitrateBps: 1e15, gopMs: 1000 });
  assert.ok(bound(30_000) <= 2 ** 31);
  assert.ok(new RingBudget(2 ** 40).boundOf(user(1, 1), 'main', [user(1, 1)], engine.stats()) <= 2 ** 31);
});

test('a ring that does not reach back as far as events are to is named, once it had the time', async () => {
  const world = await eventWorld();
  await world.camera(1, { mode: 'events', preRollMs: 10_000 });
  world.engine.setStream({ camera: 1, stream: 'main' } as never);
  world.engine.figures.set(1, { bitrateBps: 4_000_000, gopMs: 2000, ringMs: 9000 });
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 });
  const camera = world.cameras.get(1);
  assert.ok(camera);
  Object.assign(camera.state, { name: 'live', sinceMs: world.clock.nowMs() });
  const shortPastMs = () => world.recording.shortPastsMs([camera]).get(1);
  assert.is(shortPastMs(), undefined);
  await world.clock.advance(17_000);
  assert.is(shortPastMs(), 9000);
  world.engine.figures.set(1, { bitrateBps: 4_000_000, gopMs: 2000, ringMs: 10_000 });
  assert.is(shortPastMs(), undefined);
  world.engine.figures.set(1, { bitrateBps: 4_000_000, gopMs: 2000, ringMs: 9000 });
  camera.record.mode = 'continuous';
  assert.is(shortPastMs(), undefined);
});

test('what a camera really sends counts, once it plays', async () => {
  const world = await eventWorld();
  await world.camera(1, { mode: 'events', preRollMs: 20_000 });
  const before = world.plans.get(1)?.events?.ringMaxBytes ?? 0;
  world.engine.setStream({ camera: 1, stream: 'main' } as never);
  world.engine.figures.set(1, { bitrateBps: 16_000_000, gopMs: 2000 });
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 });
  await world.clock.advance(20_000);
  await world.done();
  const after = world.plans.get(1)?.events?.ringMaxBytes ?? 0;
  assert.ok(after >= 24 * 2_000_000, `${before} ${after}`);
});

test('a moment is covered by the stretch of footage around it', async () => {
  const world = await eventWorld();
  world.wrote(T0, T0 + 10_000);
  world.wrote(T0 + 10_000, T0 + 25_000, 'mode');
  world.wrote(T0 + 40_000, T0 + 50_000, 'mode');
  assert.equal(world.recording.coverage(1, T0 + 12_000), { startMs: T0, endMs: T0 + 25_000 });
  assert.equal(world.recording.coverage(1, T0 + 45_000), { startMs: T0 + 40_000, endMs: T0 + 50_000 });
  assert.is(world.recording.coverage(1, T0 + 30_000), undefined);
});

test.run();
