// Retention where footage belongs to events: it stays longer, locked events hold theirs, and events go with the last of it.
import * as assert from 'uvu/assert';
import type { EventFields } from '../../src/storage/event.ts';
import { DAY_MS, MB, RetentionWorld, T0 } from '../support/retention-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('retention: events');

/** An event in the segment of a day. */
function eventOn(world: RetentionWorld, camera: number, day: number, fields: EventFields = {}): string {
  const startMs = T0 + day * DAY_MS + camera + 10_000;
  return world.events.create(camera, startMs, { endMs: startMs + 5000, ...fields }).id;
}

function events(world: RetentionWorld): string[] {
  return world.events.list({ limit: 1000 }).events.map(event => event.id);
}

test('footage of events has an age of its own, its pre- and post-roll with it', async () => {
  const world = new RetentionWorld().camera(1, { days: 50, eventDays: 80 });
  const ids = world.footage(1, 100);
  world.totalBytes = 1e12;
  const old = eventOn(world, 1, 10);
  eventOn(world, 1, 30);
  // Only the pre-roll of the first reaches into a segment, only the post-roll of the second.
  const before = T0 + 33 * DAY_MS + 1 + 60_000 + 2000;
  world.events.create(1, before, { endMs: before + 10, preRoll: { promisedMs: 3000, deliveredMs: 3000 } });
  const after = T0 + 36 * DAY_MS + 1 - 5000;
  world.events.create(1, after, { endMs: after + 1000, postRollMs: 4500 });
  world.events.create(1, T0 + 40 * DAY_MS - 5000, { endMs: T0 + 40 * DAY_MS - 4000, postRollMs: 1000 });
  await world.look();
  const kept = ids.filter(id => !world.gone.includes(id)).map(id => ids.indexOf(id));
  assert.equal(kept, [30, 33, 36, ...Array.from({ length: 50 }, (_, n) => 50 + n)]);
  assert.not.ok(events(world).includes(old), 'the event went with its footage');
  await world.clock.advance(31 * DAY_MS);
  await world.look();
  const later = ids.filter(id => !world.gone.includes(id)).map(id => ids.indexOf(id));
  assert.equal(
    later,
    Array.from({ length: 19 }, (_, n) => 81 + n),
  );
  assert.equal(events(world), []);
});

test('without an age of their own events go by that of the camera; it may be the shorter one, or the only one', async () => {
  const cases = [
    { days: 50, eventDays: null, left: [...range(50, 100)] },
    { days: null, eventDays: 50, left: [...range(0, 30), ...range(31, 100)] },
    { days: 90, eventDays: 50, left: [...range(10, 30), ...range(31, 100)] },
  ];
  for (const { days, eventDays, left } of cases) {
    const world = new RetentionWorld().camera(1, { days, eventDays });
    const ids = world.footage(1, 100);
    world.totalBytes = 1e12;
    eventOn(world, 1, 30);
    await world.look();
    const kept = ids.filter(id => !world.gone.includes(id)).map(id => ids.indexOf(id));
    assert.equal(kept, left, `days ${days}, eventDays ${eventDays}`);
  }
});

test('nothing of an event goes by age while the clock is not trusted', async () => {
  const world = new RetentionWorld().camera(1, { days: 1, eventDays: 1 });
  world.footage(1, 10);
  world.trusted = false;
  eventOn(world, 1, 3);
  assert.equal(await world.look(), []);
  assert.is(events(world).length, 1);
});

test('for want of room plain footage of all cameras goes first, until that of an event is four times as old', async () => {
  const world = new RetentionWorld().camera(1).camera(2);
  const [one, two] = [world.footage(1, 48), world.footage(2, 48, 52)];
  for (let day = 0; day < 40; day++) eventOn(world, 1, day);
  assert.equal(await world.look(), one.slice(40, 46), 'that of the event is 100 days old, the plain one 60');
  world.otherBytes += 50 * MB;
  // 54 days of plain footage; of an event 100 days count as 25.
  assert.equal(await world.look(), [...one.slice(46), ...two.slice(0, 3)]);
  assert.is(events(world).length, 40);
  const young = new RetentionWorld().camera(1).camera(2);
  const first = young.footage(1, 48);
  for (let n = 0; n < 48; n++) young.add(2, T0 + 99 * DAY_MS + n * 600_000);
  for (let day = 0; day < 48; day++) eventOn(young, 1, day);
  assert.equal(await young.look(), first.slice(0, 6), 'plain footage of a day is younger than a quarter of 100 days');
  assert.is(events(young).length, 42);
});

test('a locked event holds its footage; unlocked, or removed, it lets it go', async () => {
  const world = new RetentionWorld().camera(1, { days: 50 });
  const ids = world.footage(1, 100);
  world.totalBytes = 1e12;
  const locked = eventOn(world, 1, 10, { locked: true });
  const other = eventOn(world, 1, 10);
  const removed = eventOn(world, 1, 20, { locked: true });
  await world.look();
  assert.equal(ids.filter(id => !world.gone.includes(id)).slice(0, 3), [ids[10], ids[20], ids[50]]);
  assert.is(world.segments.lockedBytes(1), 20 * MB);
  assert.is(world.segments.lockedBytes(), 20 * MB);
  world.events.remove(removed);
  assert.equal(await world.look(), [ids[20]]);
  assert.is(world.segments.lockedBytes(1), 10 * MB);
  world.events.update(locked, { locked: false });
  assert.equal(await world.look(), [ids[10]]);
  assert.is(world.segments.lockedBytes(1), 0);
  assert.not.ok(events(world).includes(other));
  assert.equal(events(world), []);
});

test('plain footage behind much of events is found, also when more becomes plain', async () => {
  const world = new RetentionWorld().camera(1, { days: 10, eventDays: 1000 });
  const ids = world.footage(1, 90);
  world.totalBytes = 1e12;
  const made = Array.from({ length: 85 }, (_, day) => eventOn(world, 1, day));
  assert.equal(await world.look(), ids.slice(85, 90));
  world.events.remove(made[40] ?? '');
  world.events.remove(made[41] ?? '');
  assert.equal(await world.look(), [ids[40], ids[41]]);
  world.events.update(made[3] ?? '', { endMs: T0 + 3 * DAY_MS + 1 + 20_000 });
  assert.equal(await world.look(), []);
});

test('events before all footage go, locked ones and those of a camera without footage stay until their age', async () => {
  const world = new RetentionWorld().camera(1).camera(2).camera(3, { days: 30 });
  world.footage(1, 5, 50);
  const bare = eventOn(world, 1, 20);
  const locked = eventOn(world, 1, 21, { locked: true });
  const ahead = eventOn(world, 1, 80);
  const never = eventOn(world, 2, 20);
  const aged = eventOn(world, 3, 20);
  const young = eventOn(world, 3, 90);
  await world.look();
  assert.equal(events(world).sort(), [locked, ahead, never, young].sort());
  assert.ok(![bare, aged].some(id => events(world).includes(id)));
  assert.ok(world.log.lines.some(line => line.msg === 'events without footage removed' && line.events === 2));
});

test('what goes next, and what is locked, agree with a plain search while events and footage change', () => {
  const seed = Date.now() >>> 0;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const world = new RetentionWorld().camera(1);
  const { segments, events: table } = world;
  const known = () => segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 10_000 }).segments;
  const made = new Set<string>();
  const pick = () => [...made][random(made.size)] ?? '';
  const actions = [
    () => world.add(1, T0 + random(400) * 300_000, random(2)),
    () => world.add(1, T0 + random(400) * 300_000, random(2)),
    () => {
      const startMs = T0 + random(120_000_000);
      const rolls = { preRoll: { promisedMs: random(60_000), deliveredMs: 0 }, postRollMs: random(300_000) };
      const end = random(9) === 0 ? {} : { endMs: startMs + random(900_000) };
      made.add(table.create(1, startMs, { ...end, ...rolls, locked: random(4) === 0 }).id);
    },
    () => table.update(pick(), { locked: random(2) === 0 }),
    () => table.update(pick(), { endMs: T0 + random(120_000_000) }),
    () => {
      const id = pick();
      made.delete(id);
      table.remove(id);
    },
    () => {
      const all = known();
      const one = all[random(all.length)];
      if (one) segments.setLocked(one, random(3) === 0);
    },
    () => {
      const all = known();
      const one = all[random(all.length)];
      if (one) segments.drop(one);
    },
  ];
  for (let round = 0; round < 1500; round++) {
    actions[random(actions.length)]?.();
    if (round % 10 !== 0) continue;
    const where = `round ${round}, seed ${seed}`;
    const all = known().map(segment => {
      const around = table.overlapping(1, segment.startMs, segment.endMs);
      return { ...segment, ofEvent: around.length > 0, held: segment.locked || around.some(event => event.locked) };
    });
    for (const ofEvents of [false, true]) {
      const limit = 1 + random(20);
      const query = { camera: 1, stream: 'main' as const, ofEvents, limit, earliestMs: 0, nowMs: T0 + 365 * DAY_MS };
      const expected = all.filter(one => !one.held && one.ofEvent === ofEvents);
      // By clock generation as soon as both have footage: that is told elsewhere.
      const found = segments.oldest(query).map(one => one.id);
      const first = expected.toSorted((a, b) => a.startMs - b.startMs || a.clockGen - b.clockGen).slice(0, limit);
      assert.equal(
        found,
        first.map(one => one.id),
        `${ofEvents ? 'of events' : 'of none'}, ${where}`,
      );
    }
    const lockedBytes = all.filter(one => one.held).reduce((sum, one) => sum + one.sizeBytes, 0);
    assert.is(segments.lockedBytes(1), lockedBytes, where);
    assert.is(segments.lockedBytes(), lockedBytes, where);
    for (const one of all) assert.is(segments.isHeld(one), one.held, where);
  }
});

function* range(from: number, to: number): Generator<number> {
  for (let n = from; n < to; n++) yield n;
}

test('a file that goes on beyond its hour is found by an event there; so is one that only a later event reaches back to', () => {
  const world = new RetentionWorld().camera(1);
  const hourMs = Math.floor(T0 / 3_600_000) * 3_600_000 + 3_600_000;
  const oldest = () =>
    world.segments
      .oldest({ camera: 1, stream: 'main', ofEvents: true, limit: 9, earliestMs: 0, nowMs: T0 + DAY_MS })
      .map(({ id }) => id);
  const last = world.add(1, hourMs - 30_000);
  const late = world.events.create(1, hourMs + 10_000, {
    endMs: hourMs + 11_000,
    preRoll: { promisedMs: 5000, deliveredMs: 0 },
  });
  assert.equal(oldest(), [last]);
  world.events.remove(late.id);
  const before = world.add(1, hourMs - 90_000);
  world.segments.setLocked({ camera: 1, stream: 'main', startMs: hourMs - 30_000, clockGen: 0 }, true);
  world.events.create(1, hourMs - 20_000, { endMs: hourMs - 19_000 });
  world.events.create(1, hourMs - 18_000, {
    endMs: hourMs - 17_000,
    preRoll: { promisedMs: 30_000, deliveredMs: 30_000 },
  });
  assert.equal(oldest(), [before]);
});

test.run();
