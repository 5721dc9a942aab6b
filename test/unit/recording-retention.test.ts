// What is deleted when: the rules together, their order, the guards, and the moments at which retention looks.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { ClockTrust } from '../../src/recording/clock-trust.ts';
import { floorOf, StorageSettingsKeeper } from '../../src/recording/storage-settings.ts';
import type { Segment } from '../../src/storage/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { DAY_MS, MB, RetentionWorld, T0 } from '../support/retention-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('retention');
const never = new AbortController().signal;

test('deletes nothing while the rules hold', async () => {
  const world = new RetentionWorld().camera(1, { days: 365, quotaBytes: 500 * MB });
  world.footage(1, 50);
  assert.equal(await world.look(), []);
  assert.is(world.clock.pending, 1, 'only age goes on, once an hour');
  await world.retention.stop();
  assert.is(world.clock.pending, 0);
});

test('the floor: the oldest of all cameras first, just enough, and says why', async () => {
  const world = new RetentionWorld().camera(1).camera(2);
  const [one, two] = [world.footage(1, 48), world.footage(2, 48)];
  const told: [camera: number, fromMs: number, untilMs: number][] = [];
  world.bus.on('footage.deleted', ({ camera, fromMs, untilMs }) => told.push([camera, fromMs, untilMs]));
  const startOf = (id: string | undefined) => Number(id?.split('-')[2]);
  assert.equal(await world.look(), [one[0], two[0], one[1], two[1], one[2], two[2]]);
  for (const [camera, ids] of [
    [1, one],
    [2, two],
  ] as const) {
    const own = told.filter(([id]) => id === camera);
    assert.is(Math.min(...own.map(([, fromMs]) => fromMs)), startOf(ids[0]));
    const untilMs = Math.max(...own.map(([, , until]) => until));
    assert.ok(untilMs > startOf(ids[2]) && untilMs <= startOf(ids[3]), `${untilMs}`);
  }
  assert.is(world.freeBytes, 100 * MB);
  assert.equal(world.retention.deleted.floor, { segments: 6, sizeBytes: 60 * MB });
  const line = world.log.lines.find(entry => entry.msg === 'footage deleted');
  assert.is(line?.cause, 'floor');
  assert.is(line?.sizeBytes, 60 * MB);
});

test('priority: twice the weight keeps footage longer, and none is spared for ever', async () => {
  const world = new RetentionWorld().camera(1, {}, 100).camera(2, {}, 0);
  world.footage(1, 90, 5);
  world.footage(2, 5, 5);
  world.otherBytes = 50 * MB;
  const gone = await world.look();
  assert.is(
    gone.filter(id => id.startsWith('2-')).length,
    5,
    'the unimportant ones are a quarter as old, and go first',
  );
  assert.is(gone.length, 10);
});

test('quotas of a camera and of all, age: each for its own reason, and together no more than needed', async () => {
  const world = new RetentionWorld()
    .camera(1, { days: 70 })
    .camera(2, { quotaBytes: 200 * MB })
    .camera(3);
  world.settings.totalQuotaBytes = 400 * MB;
  const [one, two, three] = [world.footage(1, 35), world.footage(2, 25, 40), world.footage(3, 10, 60)];
  const gone = await world.look();
  const { deleted } = world.retention;
  assert.is(deleted.age.segments, 30, 'older than 70 of 100 days');
  assert.is(deleted['camera-quota'].segments, 5);
  assert.equal(deleted['total-quota'], { segments: 0, sizeBytes: 0 }, 'what went by age and quota is room enough');
  assert.is(deleted.floor.segments, 0);
  assert.equal(gone.sort(), [...one.slice(0, 30), ...two.slice(0, 5)].sort());
  assert.is(three.length, 10);
  world.settings.totalQuotaBytes = 300 * MB;
  const again = new RetentionWorld().camera(1);
  again.settings.totalQuotaBytes = 300 * MB;
  const all = again.footage(1, 40);
  assert.equal(await again.look(), all.slice(0, 10));
});

test('nothing goes by its age while the clock is not trusted; space is freed all the same', async () => {
  const world = new RetentionWorld().camera(1, { days: 1 });
  world.trusted = false;
  const ids = world.footage(1, 50);
  assert.equal(await world.look(), []);
  world.otherBytes = 420 * MB;
  assert.equal(await world.look(), ids.slice(0, 2));
  assert.is(world.retention.deleted.age.segments, 0);
});

test('footage of a clock that had not been set is no older than what follows it', async () => {
  const world = new RetentionWorld().camera(1, { days: 10 });
  const old = world.add(1, T0, 0);
  const unset = world.add(1, 5000, 1);
  world.add(1, T0 + 95 * DAY_MS, 2);
  assert.equal(await world.look(), [old]);
  assert.ok(world.segments.get(unset));
});

test('locked footage stays, and when nothing else is left the owner is told', async () => {
  const world = new RetentionWorld().camera(1, { days: 1 });
  const ids = world.footage(1, 20);
  for (const id of ids.slice(0, 15)) world.segments.setLocked(world.segments.get(id) as Segment, true);
  world.otherBytes = 790 * MB;
  world.settings.leastKeptPercent = 0;
  assert.equal(await world.look(), ids.slice(15));
  assert.is(world.segments.totals().segments, 15);
  assert.ok(world.retention.problem?.cure.includes('Unlock'));
  world.otherBytes = 0;
  await world.look();
});

test('nothing of a volume that is not ours is touched', async () => {
  const world = new RetentionWorld().camera(1, { days: 1 });
  world.footage(1, 95);
  world.there = false;
  assert.equal(await world.look(), []);
});

test('a file that does not go stops nothing; many that do not go stop the marking', async () => {
  const world = new RetentionWorld().camera(1);
  const ids = world.footage(1, 95);
  world.stuck.add(ids[0] ?? '');
  const gone = await world.look();
  assert.not.ok(gone.includes(ids[0] ?? ''));
  assert.ok(world.freeBytes >= 100 * MB);
  const dead = new RetentionWorld().camera(1);
  for (const id of dead.footage(1, 95)) dead.stuck.add(id);
  assert.equal(await dead.look(), []);
  assert.is(dead.segments.streams().length, 1);
  assert.is(
    dead.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 100 }).segments.length,
    95,
    'none is marked',
  );
});

test('a volume that counts deleted files late does not make for more deletions', async () => {
  const world = new RetentionWorld().camera(1);
  world.late = true;
  world.footage(1, 95);
  assert.is((await world.look()).length, 5);
});

test('looks each 10 s when a rule is near, each minute when not, not at all while nothing records', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 10);
  await world.retention.start(never);
  assert.is(world.clock.pending, 0, 'nothing records: no timer');
  world.record(1);
  await world.clock.advance(10_000);
  world.looks.length = 0;
  await world.clock.advance(300_000);
  assert.is(world.looks.length, 5);
  world.otherBytes = 790 * MB;
  await world.clock.advance(60_000);
  world.looks.length = 0;
  await world.clock.advance(60_000);
  assert.ok(world.looks.length >= 6, `${world.looks.length} looks in a minute near the floor`);
  world.engine.open.clear();
  await world.clock.advance(60_000);
  assert.is(world.clock.pending, 0);
  await world.retention.stop();
});

test('the floor holds while cameras write: room is made ahead of them', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 89);
  await world.retention.start(never);
  world.record(1, 8_000_000);
  let lowest = Number.POSITIVE_INFINITY;
  for (let second = 0; second < 600; second++) {
    world.otherBytes += MB;
    await world.clock.advance(1000);
    lowest = Math.min(lowest, world.freeBytes);
  }
  assert.ok(lowest >= 100 * MB, `${lowest} bytes free at the lowest`);
  assert.ok(world.freeBytes < 150 * MB, 'and not much more than needed');
  await world.retention.stop();
});

test('the floor holds where deleting takes seconds and files take their blocks ahead', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 72);
  world.otherBytes = 30 * MB;
  world.slowMs = 6000;
  world.record(1, 8_000_000);
  const starting = world.retention.start(never);
  await world.clock.advance(60_000);
  await starting;
  let lowest = Number.POSITIVE_INFINITY;
  for (let second = 0; second < 600; second++) {
    // A quarter of a segment of 60 s.
    if (second % 15 === 0) world.otherBytes += 15 * MB;
    await world.clock.advance(1000);
    lowest = Math.min(lowest, world.freeBytes);
  }
  assert.ok(lowest >= 100 * MB, `${lowest} bytes free at the lowest`);
  await world.retention.stop();
});

test('a camera between two files is planned for like one in the middle of one', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 72);
  await world.retention.start(never);
  world.record(1, 80_000_000);
  await world.clock.advance(20_000);
  const closed = { camera: 1, stream: 'main', id: 'x', startMs: 0, endMs: 1, sizeBytes: 1 } as const;
  world.engine.open.delete(1);
  for (const [endReason, goesOn] of [['length', true] as const, ['mode', false] as const]) {
    // 10 MB a second need 200 MB above the floor, and the blocks that a file takes ahead.
    world.otherBytes += world.freeBytes - 250 * MB;
    world.bus.emit('segment.closed', { ...closed, endReason });
    const before = world.gone.length;
    await world.look();
    assert.is(world.gone.length > before, goesOn, endReason);
  }
  await world.retention.stop();
});

test('a volume that turned out to be slow gets room for longer', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 72);
  world.otherBytes = 30 * MB;
  world.slowMs = 40_000;
  world.record(1, 8_000_000);
  const starting = world.retention.start(never);
  await world.clock.advance(200_000);
  await starting;
  let lowest = Number.POSITIVE_INFINITY;
  for (let second = 0; second < 500; second++) {
    world.otherBytes += MB;
    await world.clock.advance(1000);
    // The first time comes as a surprise.
    if (second >= 220) lowest = Math.min(lowest, world.freeBytes);
  }
  assert.ok(lowest >= 100 * MB, `${lowest} bytes free at the lowest`);
  const stopping = world.retention.stop();
  await world.clock.advance(world.slowMs);
  await stopping;
});

test('a volume that hung for hours costs a few minutes of room, not as many hours', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 85);
  world.otherBytes = 60 * MB;
  world.slowMs = 8 * 3_600_000;
  world.record(1, 1_000_000);
  const starting = world.retention.start(never);
  await world.clock.advance(world.slowMs + 1000);
  await starting;
  world.slowMs = 0;
  await world.clock.advance(120_000);
  const left = world.segments.totals().segments;
  assert.ok(left >= 72 && left < 85, `${left} of 85 segments left`);
  await world.retention.stop();
});

test('the floor holds on the first look at a stream that writes much, too', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 72);
  const AHEAD = 32 * 2 ** 20;
  world.slowMs = 6000;
  await world.retention.start(never);
  world.record(1, 40_000_000);
  let lowest = Number.POSITIVE_INFINITY;
  let takenBytes = 0;
  for (let second = 1; second <= 100; second++) {
    for (; takenBytes < second * 5 * MB; takenBytes += AHEAD) world.otherBytes += AHEAD;
    await world.clock.advance(1000);
    lowest = Math.min(lowest, world.freeBytes);
  }
  const stopping = world.retention.stop();
  await world.clock.advance(world.slowMs);
  await stopping;
  assert.ok(lowest >= 100 * MB, `${lowest} bytes free at the lowest`);
  assert.ok(world.gone.length > 30);
});

test('looks at once when a disk is full and when a camera was changed', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 95);
  world.otherBytes = 0;
  world.totalBytes = 1200 * MB;
  await world.retention.start(never);
  world.totalBytes = 1000 * MB;
  world.bus.emit('gap.opened', { camera: 1, stream: 'main', startMs: 0, reason: 'disk-full' });
  await settle();
  await world.clock.advance(0);
  assert.is(world.gone.length, 5);
  const [camera] = world.cameras;
  if (camera) camera.retention.quotaBytes = 100 * MB;
  world.bus.emit('camera.changed', { camera: 1 });
  for (let n = 0; n < 20; n++) await settle();
  await world.retention.stop();
  assert.is(world.segments.totals().segments, 10);
});

test('the floor by itself fits the volume; chosen ones are kept within reason', () => {
  const none = {
    floorBytes: null,
    floorPercent: null,
    totalQuotaBytes: null,
    leastKeptPercent: 25,
    clockConfirmed: false,
  };
  const GIB = 2 ** 30;
  assert.is(floorOf(none, 64 * 2 ** 20), 16 * 2 ** 20);
  assert.is(floorOf(none, 2 * GIB), 256 * 2 ** 20);
  assert.is(floorOf(none, 100 * GIB), 5 * GIB);
  assert.is(floorOf(none, 4000 * GIB), 10 * GIB);
  assert.is(floorOf({ ...none, floorPercent: 10 }, 1000), 100);
  assert.is(floorOf({ ...none, floorBytes: 600 }, 1000), 500);
});

test('settings: one kind of floor replaces the other, damaged rows count as not chosen', async () => {
  let stored: unknown = { floorBytes: 'much' };
  const store = {
    settings: { get: () => stored, put: async (_: string, value: unknown) => void (stored = value) },
    volume: async () => ({ freeBytes: 0, totalBytes: 1000 * MB }),
  } as unknown as ConstructorParameters<typeof StorageSettingsKeeper>[0];
  const keeper = new StorageSettingsKeeper(store, fakeLog('settings').logger);
  assert.equal(keeper.get(), {
    floorBytes: null,
    floorPercent: null,
    totalQuotaBytes: null,
    leastKeptPercent: 25,
    clockConfirmed: false,
  });
  await keeper.update({ floorPercent: 10, clockConfirmed: true });
  assert.is((await keeper.update({ floorBytes: 200 * MB })).floorPercent, null);
  assert.is((await keeper.update({ floorPercent: 5 })).floorBytes, null);
  assert.equal(new StorageSettingsKeeper(store, fakeLog('settings').logger).get(), {
    floorBytes: null,
    floorPercent: 5,
    totalQuotaBytes: null,
    leastKeptPercent: 25,
    clockConfirmed: true,
  });
  for (const patch of [{ floorBytes: 600 * MB }, { floorBytes: 20 * MB, floorPercent: 3 }]) {
    try {
      await keeper.update(patch);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, NvrError);
    }
  }
  // Two at once do not undo each other.
  await Promise.all([keeper.update({ totalQuotaBytes: 5000 * MB }), keeper.update({ clockConfirmed: false })]);
  assert.equal([keeper.get().totalQuotaBytes, keeper.get().clockConfirmed], [5000 * MB, false]);
});

test('the clock is trusted when the kernel or the owner says so, never before its time, and not right after a step', async () => {
  const clock = new FakeClock(T0);
  let [synchronised, confirmed] = [false, false];
  const trust = new ClockTrust({ clock, synchronised: () => synchronised, confirmed: () => confirmed });
  assert.is(trust.trusted, false);
  synchronised = true;
  assert.is(trust.trusted, true);
  synchronised = false;
  confirmed = true;
  assert.is(trust.trusted, true);
  trust.stepped();
  assert.is(trust.trusted, false);
  await clock.advance(60_000);
  assert.is(trust.trusted, true);
  clock.step(-10_000 * DAY_MS);
  assert.is(trust.trusted, false);
});

test('a step of the clock is noticed by whoever asks first, also while nothing records that would tell of it', async () => {
  const clock = new FakeClock(T0);
  const trust = new ClockTrust({ clock, synchronised: () => false, confirmed: () => true });
  assert.is(trust.trusted, true);
  await clock.advance(3_600_000);
  assert.is(trust.trusted, true);
  clock.step(5000 * DAY_MS);
  assert.is(trust.trusted, false);
  await clock.advance(30_000);
  clock.step(-5000 * DAY_MS);
  await clock.advance(59_000);
  assert.is(trust.trusted, false);
  await clock.advance(60_000);
  assert.is(trust.trusted, true);
  clock.step(1500);
  assert.is(trust.trusted, true, 'no more than what a time server corrects');
});

test.run();
