// The schedule as a source of triggers: hours in which an event goes on, and all that ends it.
import * as assert from 'uvu/assert';
import { scheduledUntilMs } from '../../src/recording/index.ts';
import { recordsEvents, recordsOnlyEvents } from '../../src/recording/schedule.ts';
import { EventWorld, type WorldCamera } from '../support/event-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('events: schedule');

const HOUR = 3_600_000;

let world: EventWorld;
let t0 = 0;
/** Where the present hour ends. */
let hourEndMs = 0;

test.before.each(() => {
  world = new EventWorld();
  t0 = world.clock.nowMs();
  hourEndMs = new Date(t0).setMinutes(60, 0, 0);
});
test.after.each(() => world.events.stop());

/** A week of `rest` that says `letters` from the present hour on. */
function week(letters: string, rest = 'e'): string {
  const now = new Date(t0);
  const hour = ((now.getDay() + 6) % 7) * 24 + now.getHours();
  const week = Array.from({ length: 168 }, () => rest);
  for (const [n, letter] of [...letters].entries()) week[(hour + n) % 168] = letter;
  return week.join('');
}

function scheduled(schedule: string, changes: Partial<WorldCamera['events']> = {}): WorldCamera {
  const camera = world.camera(1, { maxMs: HOUR, ...changes });
  camera.record.schedule = schedule;
  world.bus.emit('camera.changed', { camera: 1 });
  return camera;
}

function changed(camera: WorldCamera, schedule: string): void {
  camera.record.schedule = schedule;
  world.bus.emit('camera.changed', { camera: 1 });
}

function all() {
  return world.events.list({ limit: 100 }).events.reverse();
}

/** [start, end] of each event. */
function times(): [number, number | undefined][] {
  return all().map(({ startMs, endMs }) => [startMs, endMs]);
}

test('an event begins with its hour, with its pre-roll, and ends with it', async () => {
  scheduled(week('er'));
  assert.equal(times(), []);
  await world.clock.advance(hourEndMs - t0);
  assert.equal(times(), [[hourEndMs, undefined]]);
  assert.equal(all()[0]?.sources, ['schedule']);
  assert.is(world.captures[0]?.fromMs, hourEndMs - 5000);
  await world.clock.advance(HOUR - 1);
  assert.equal(times(), [[hourEndMs, undefined]]);
  await world.clock.advance(10_000);
  assert.equal(times(), [[hourEndMs, hourEndMs + HOUR]]);
  const untilMs = Math.max(...world.captures.map(capture => capture.untilMs));
  assert.ok(untilMs >= hourEndMs + HOUR + 3000 && untilMs <= hourEndMs + HOUR + 6000, 'with its post-roll');
  assert.equal(world.events.figures().triggers, [{ camera: 1, source: 'schedule', count: 2 }], 'a start and a stop');
  await world.clock.advance(3 * HOUR);
  assert.is(all().length, 1);
});

test('hours that follow each other are one event; the longest time of one splits it', async () => {
  scheduled(week('-rr-'), { maxMs: 2_700_000 });
  await world.clock.advance(hourEndMs - t0 + 2 * HOUR + 10_000);
  const from = (minutes: number) => hourEndMs + minutes * 60_000;
  assert.equal(times(), [
    [from(0), from(45)],
    [from(45), from(90)],
    [from(90), from(120)],
  ]);
  const [first, second] = all();
  assert.equal([first?.continues, second?.continues], [undefined, first?.id]);
});

test('within such an hour it begins at once: at the start of the service and when the setting comes', async () => {
  const camera = scheduled(week('r'));
  assert.equal(times(), [[t0, undefined]]);
  await world.clock.advance(60_000);
  changed(camera, week('e'));
  await world.clock.advance(10_000);
  assert.equal(times(), [[t0, t0 + 60_000]]);
  changed(camera, week('rr'));
  await world.clock.advance(HOUR - 60_000);
  assert.is(times()[1]?.[1], undefined, 'the second hour');
  await world.events.stop();
  const other = new EventWorld();
  Object.assign(other.camera(1).record, { schedule: week('r') });
  await other.events.stop();
  other.bus.emit('camera.changed', { camera: 1 });
  assert.equal(other.events.list({ limit: 1 }).events, [], 'nothing begins behind the stop');
});

test('the setting makes it last longer, or less long', async () => {
  const camera = scheduled(week('r'), { maxMs: HOUR });
  changed(camera, week('rrrr'));
  await world.clock.advance(hourEndMs - t0 + 2.5 * HOUR);
  assert.is(all().at(-1)?.endMs, undefined);
  assert.is(all().length, 4, 'each of an hour');
  for (const [n, { startMs, endMs }] of all().entries()) if (n < 3) assert.is(endMs, all()[n + 1]?.startMs ?? startMs);
  changed(camera, week('rrr'));
  const endMs = hourEndMs + 2 * HOUR;
  assert.ok(world.clock.nowMs() > endMs);
  await world.clock.advance(10_000);
  assert.ok((all().at(-1)?.endMs ?? 0) > endMs, 'the third hour is over: at once');
});

test('disabling, removing and another mode end it at once', async () => {
  const camera = scheduled(week('rrr'));
  const end = async (change: () => void) => {
    await world.clock.advance(30_000);
    const nowMs = world.clock.nowMs();
    assert.is(all().at(-1)?.endMs, undefined);
    change();
    assert.is(all().at(-1)?.endMs, nowMs);
    await world.clock.advance(30_000);
    assert.is(all().at(-1)?.endMs, nowMs);
  };
  await end(() => {
    camera.enabled = false;
    world.bus.emit('camera.changed', { camera: 1 });
  });
  camera.enabled = true;
  world.bus.emit('camera.changed', { camera: 1 });
  await end(() => {
    camera.record.mode = 'off';
    world.bus.emit('camera.changed', { camera: 1 });
  });
  camera.record.mode = 'events';
  world.bus.emit('camera.changed', { camera: 1 });
  await end(() => {
    world.cameras.delete(1);
    world.bus.emit('camera.removed', { camera: 1 });
  });
  assert.is(all().length, 3);
  assert.is(world.clock.pending, 0);
});

test('a clock step ends it; where the new time lies in such an hour another one begins, for as long as that lasts', async () => {
  scheduled(week('rr'));
  await world.clock.advance(20_000);
  world.step(-120_000);
  const from = t0 + 20_000 - 120_000;
  assert.equal(times(), [
    [from, undefined],
    [t0, t0 + 20_000],
  ]);
  assert.is(all()[0]?.continues, undefined);
  await world.clock.advance(5000);
  world.step(3 * HOUR);
  assert.equal(times(), [
    [from, from + 5000],
    [t0, t0 + 20_000],
  ]);
  await world.clock.advance(60_000);
  assert.is(all().length, 2);
  world.step(-3 * HOUR);
  assert.is(all().filter(one => one.endMs === undefined).length, 1);
  await world.clock.advance(hourEndMs + HOUR + 10_000 - world.clock.nowMs());
  assert.is(all().at(-1)?.endMs, hourEndMs + HOUR);
});

test('a week of such hours has no end, and what somebody removed begins anew', async () => {
  const camera = scheduled('r'.repeat(168));
  const nowMs = () => world.clock.nowMs();
  assert.is(scheduledUntilMs(camera, nowMs()), nowMs() + 168 * HOUR);
  await world.clock.advance(5 * HOUR);
  const last = all().at(-1);
  assert.is(last?.endMs, undefined);
  world.table.remove(last?.id ?? '');
  // What is written of it is its growth: nobody notices before.
  world.events.trigger({ camera: 1, source: 'http', action: 'pulse', label: 'person' });
  await world.clock.advance(3000);
  assert.is(all().at(-1)?.endMs, undefined);
  assert.is.not(all().at(-1)?.id, last?.id);
  assert.equal(all().at(-1)?.sources, ['schedule']);
});

test('other triggers join it and end without it; it is not passed on', async () => {
  world.camera(2);
  scheduled(week('r'), { alsoTrigger: [2] });
  world.events.trigger({ camera: 1, source: 'http', action: 'start', label: 'person' });
  await world.clock.advance(1000);
  world.events.trigger({ camera: 1, source: 'http', action: 'stop', label: 'person' });
  await world.clock.advance(60_000);
  const [own, passed] = [all().filter(one => one.camera === 1), all().filter(one => one.camera === 2)];
  assert.equal([own.length, own[0]?.endMs, own[0]?.sources], [1, undefined, ['http', 'schedule']]);
  assert.equal(
    passed.map(one => one.sources),
    [['camera']],
  );
});

test('the letters say whether the time before events is kept, and whether all is of events', () => {
  const of = (schedule: string, mode: 'off' | 'continuous' | 'events' = 'continuous') => ({ mode, schedule });
  assert.equal(
    [of(week('r', 'c')), of(week('e', 'c')), of(week('-', 'c')), of(week('r', '-')), of(week('r'), 'off')].map(one => [
      recordsEvents(one),
      recordsOnlyEvents(one),
    ]),
    [
      [true, false],
      [true, false],
      [false, false],
      [true, true],
      [false, false],
    ],
  );
  assert.equal([recordsOnlyEvents({ mode: 'events' }), recordsOnlyEvents({ mode: 'continuous' })], [true, false]);
});

test.run();
