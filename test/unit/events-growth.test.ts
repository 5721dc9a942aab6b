// How events begin, grow, merge, end and continue; what is asked of recording; cameras that set off each other.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import type { Trigger } from '../../src/events/index.ts';
import { EventWorld } from '../support/event-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('events: growth');

let world: EventWorld;
let t0 = 0;

test.before.each(() => {
  world = new EventWorld();
  world.camera(1);
  t0 = world.clock.nowMs();
});
test.after.each(() => world.events.stop());

function pulse(rest: Partial<Trigger> = {}): string | undefined {
  return world.events.trigger({ camera: 1, source: 'http', action: 'pulse', ...rest });
}

function start(rest: Partial<Trigger> = {}): string | undefined {
  return pulse({ action: 'start', ...rest });
}

function stop(rest: Partial<Trigger> = {}): string | undefined {
  return pulse({ action: 'stop', ...rest });
}

function all() {
  return world.events.list({ limit: 100 }).events.reverse();
}

test('a pulse is an event at the time of its cause, with pre- and post-roll asked for at once', async () => {
  const id = pulse({ label: 'person', score: 0.8, timeMs: t0 - 700 });
  assert.is(id, `1-${t0 - 700}-0`);
  const { labels, sources, score, endMs, startMs, preRoll, postRollMs } = world.events.get(id as string);
  assert.equal([labels, sources, score, endMs, startMs], [['person'], ['http'], 0.8, undefined, t0 - 700]);
  assert.equal([preRoll, postRollMs], [{ promisedMs: 5000, deliveredMs: 0 }, 3000]);
  assert.equal(world.captures, [{ camera: 1, fromMs: t0 - 5700, untilMs: t0 + 2300, atMs: 1000 }]);
  await world.clock.advance(6000);
  assert.is(world.events.get(id as string).endMs, t0 - 700);
  assert.equal(world.names(), ['event.opened', 'event.closed']);
  assert.is(world.captures.length, 1);
});

test('times are those of footage; a cause in the future is now, one more than a minute ago is refused in words', () => {
  world.offsetMs = 250;
  assert.is(pulse({ timeMs: t0 + 9000 }), `1-${t0 + 250}-0`);
  assert.is(pulse({ timeMs: t0 - 60_000 }), `1-${t0 + 250}-0`);
  try {
    pulse({ timeMs: t0 - 60_001 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, NvrError);
    const { kind, field, cure } = error as NvrError;
    assert.equal([kind, field], ['invalid-argument', 'timeMs']);
    assert.match(cure ?? '', String(t0));
  }
});

test('labels, zones, sources, score and the best boxes gather; lists are bounded', async () => {
  const box: [number, number, number, number] = [0.1, 0.1, 0.2, 0.2];
  const id = pulse({ kind: 'motion', payload: { rule: 7 } }) as string;
  pulse({ source: 'onvif', label: 'person', score: 0.4, zones: ['porch'], boxes: [{ box, score: 0.4 }] });
  pulse({ label: 'person', score: 0.9, payload: 'later', boxes: [{ box, score: 0.9 }, { box: [2, 0, 0, 0] }] });
  for (let n = 0; n < 40; n++)
    pulse({ label: `thing ${n}\n${'x'.repeat(90)}`, zones: [`z${n}`], boxes: [{ box, score: n / 100 }] });
  pulse({ score: Number.NaN, label: '\u0000' });
  await world.clock.advance(1000);
  const event = world.events.get(id);
  assert.equal(event.labels.slice(0, 2), ['motion', 'person']);
  assert.is(event.labels.length, 16);
  assert.ok(event.labels.every(label => label.length <= 32 && !label.includes('\n')));
  assert.is(event.zones.length, 16);
  assert.equal(event.sources, ['http', 'onvif']);
  assert.is(event.score, 0.9);
  assert.equal(
    event.boxes.map(one => one.score),
    [0.9, 0.4, 0.39, 0.38, 0.37, 0.36, 0.35, 0.34],
  );
  assert.is(event.boxes[0]?.label, 'person');
  assert.equal(event.payload, { rule: 7 });
});

test('within the merge window it is the same event, behind it another', async () => {
  const id = pulse();
  await world.clock.advance(3900);
  assert.is(pulse(), id);
  await world.clock.advance(4500);
  assert.is(world.events.get(id as string).endMs, t0 + 3900);
  assert.is.not(pulse(), id);
  assert.equal(
    world.captures.map(({ fromMs, untilMs }) => [fromMs - t0, untilMs - t0]),
    [
      [-5000, 3000],
      [-1100, 6900],
      [3400, 11_400],
    ],
  );
});

test('a trigger behind the merge window that comes before the next tick is another event, too', async () => {
  world.camera(2, { mergeMs: 0 });
  const id = pulse({ camera: 2 });
  assert.is(pulse({ camera: 2, timeMs: t0 }), id);
  await world.clock.advance(900);
  assert.is(pulse({ camera: 2 }), id, 'less than a second apart');
  await world.clock.advance(1050);
  const next = pulse({ camera: 2 });
  assert.is.not(next, id);
  assert.is(world.events.get(id as string).endMs, t0 + 900);
});

test('a start lasts until its stop: by source, kind and label', async () => {
  const id = start({ kind: 'motion' }) as string;
  await world.clock.advance(10_000);
  assert.is(stop({ kind: 'other' }), id);
  assert.is(stop({ kind: 'motion', source: 'onvif' }), id);
  await world.clock.advance(10_000);
  assert.is(world.events.get(id).endMs, undefined);
  stop({ kind: 'motion' });
  await world.clock.advance(3000);
  assert.is(world.events.get(id).endMs, undefined, 'the merge window is open');
  await world.clock.advance(2000);
  assert.is(world.events.get(id).endMs, t0 + 20_000);
  const untilMs = Math.max(...world.captures.map(capture => capture.untilMs));
  assert.ok(untilMs >= t0 + 23_000 && untilMs <= t0 + 26_000, String(untilMs - t0));
  for (const [index, { fromMs, atMs }] of world.captures.entries()) {
    const before = world.captures[index - 1];
    if (!before) continue;
    assert.ok(fromMs <= before.untilMs, 'without a hole');
    assert.ok(atMs - before.atMs >= 1000, 'at most once a second');
    assert.ok(before.untilMs >= t0 + (atMs - 1000) + 2000, 'ahead of time');
  }
});

test('a stop of nothing belongs to no event', () => {
  assert.is(stop(), undefined);
  assert.equal(all(), []);
  assert.is(world.clock.pending, 0);
});

test('a pulse with a duration is a start with its stop; another start of the same name is not ended by it', async () => {
  const id = pulse({ durationMs: 5000, label: 'a' }) as string;
  start({ label: 'a' });
  await world.clock.advance(2000);
  stop({ label: 'a' });
  await world.clock.advance(10_000);
  assert.is(world.events.get(id).endMs, t0 + 5000);
});

test('a start without a stop ends with the longest time of an event, one with a duration before', async () => {
  const id = start() as string;
  await world.clock.advance(70_000);
  assert.equal(
    all().map(event => [event.id, event.endMs]),
    [[id, t0 + 60_000]],
  );
  const fromMs = world.clock.nowMs();
  const short = start({ durationMs: 7000 }) as string;
  await world.clock.advance(20_000);
  assert.is(world.events.get(short).endMs, fromMs + 7000);
  await world.clock.advance(60_000);
  assert.is(world.clock.pending, 0, 'no timers while nothing goes on');
});

test('what goes on beyond the longest time continues in another event, without a hole', async () => {
  start({ label: 'dog' });
  await world.clock.advance(50_000);
  start({ label: 'dog' });
  await world.clock.advance(70_000);
  const [first, second, ...rest] = all();
  assert.equal(rest, []);
  assert.equal([first?.startMs, first?.endMs], [t0, t0 + 60_000]);
  assert.equal([second?.startMs, second?.endMs, second?.continues], [t0 + 60_000, t0 + 110_000, first?.id]);
  assert.equal(second?.labels, ['dog']);
  for (const [index, { fromMs }] of world.captures.entries()) {
    if (index > 0) assert.ok(fromMs <= (world.captures[index - 1]?.untilMs ?? 0));
  }
});

test('pulses that go on beyond the longest time continue as well', async () => {
  for (let n = 0; n < 65; n++) {
    pulse();
    await world.clock.advance(1000);
  }
  const [first, second, ...rest] = all();
  assert.equal(rest, []);
  assert.is(second?.continues, first?.id);
  assert.is(second?.startMs, first?.endMs);
});

test('starts are bounded: the oldest is given up, and the log says so once', async () => {
  for (let n = 0; n < 70; n++) start({ label: `l${n}` });
  assert.is(world.events.figures().droppedStarts, 6);
  assert.equal(world.log.messages('warn'), ['too many starts wait for their stops, the oldest are given up']);
  for (let n = 6; n < 70; n++) stop({ label: `l${n}` });
  await world.clock.advance(6000);
  assert.is(all()[0]?.endMs, t0);
});

test('a camera sets off others, which set off nobody', async () => {
  world.camera(1, { alsoTrigger: [2, 1, 3, 9] });
  world.camera(2, { alsoTrigger: [1, 4] });
  world.camera(3).enabled = false;
  world.camera(4);
  const id = start({ label: 'person', boxes: [{ box: [0, 0, 1, 1] }], zones: ['door'], timeMs: t0 - 100 });
  assert.equal(
    all().map(({ camera }) => camera),
    [1, 2],
  );
  const other = world.events.list({ cameras: [2], limit: 1 }).events[0];
  assert.equal(
    [other?.startMs, other?.sources, other?.labels, other?.zones, other?.boxes],
    [t0 - 100, ['camera'], ['person'], [], []],
  );
  assert.equal(world.events.get(id as string).sources, ['http']);
  await world.clock.advance(8000);
  stop({ label: 'person' });
  await world.clock.advance(6000);
  assert.equal(
    all().map(({ endMs }) => endMs),
    [t0 + 8000, t0 + 8000],
  );
});

test('what two cameras pass on to a third is told apart', async () => {
  world.camera(1, { alsoTrigger: [3] });
  world.camera(2, { alsoTrigger: [3] });
  world.camera(3);
  start();
  start({ camera: 2 });
  await world.clock.advance(2000);
  stop();
  await world.clock.advance(10_000);
  assert.is(world.events.list({ cameras: [3], limit: 1 }).events[0]?.endMs, undefined);
  stop({ camera: 2 });
  await world.clock.advance(6000);
  assert.is(world.events.list({ cameras: [3], limit: 1 }).events[0]?.endMs, t0 + 12_000);
});

test('cameras that record nothing have no events, unknown ones are refused', () => {
  world.camera(2).enabled = false;
  world.camera(3).record.mode = 'off';
  assert.is(pulse({ camera: 2 }), undefined);
  assert.is(pulse({ camera: 3 }), undefined);
  assert.throws(
    () => pulse({ camera: 4 }),
    (error: NvrError) => error.kind === 'not-found',
  );
  assert.equal([all(), world.captures], [[], []]);
});

test('recording by hand holds a camera that is off, until it is stopped and its post-roll is over', async () => {
  world.camera(1).record.mode = 'off';
  const { event, untilMs } = await world.events.record(1, 'start');
  assert.equal([world.held, untilMs], [[1], t0 + 60_000]);
  await world.clock.advance(5000);
  assert.equal(await world.events.record(1, 'stop'), { event });
  await world.clock.advance(2000);
  assert.equal(world.held, [1]);
  await world.clock.advance(8000);
  assert.equal(world.held, []);
  const { endMs, sources, preRoll } = world.events.get(event as string);
  assert.equal([endMs, sources], [t0 + 5000, ['manual']]);
  assert.equal(preRoll, { promisedMs: 0, deliveredMs: 0 }, 'nothing was kept of the time before');
  assert.is(pulse(), undefined);
});

test('recording by hand ends by itself; for longer than an event it continues', async () => {
  world.camera(1).record.mode = 'off';
  assert.is((await world.events.record(1, 'start', 90_000)).untilMs, t0 + 90_000);
  await world.clock.advance(110_000);
  assert.equal(
    all().map(({ startMs, endMs }) => [startMs - t0, (endMs ?? 0) - t0]),
    [
      [0, 60_000],
      [60_000, 90_000],
    ],
  );
  assert.equal(world.held, []);
  world.camera(1).enabled = false;
  const refused = await world.events.record(1, 'start').catch((error: NvrError) => error.kind);
  assert.is(refused, 'failed-precondition');
});

test('the pre-roll that is on disk is told as it gets there, and no more than was promised', async () => {
  const id = pulse() as string;
  world.footage.set(1, { startMs: t0 - 3000, endMs: t0 + 500 });
  world.bus.emit('segment.opened', { camera: 1, stream: 'main', id: '', startMs: 0 });
  await world.clock.advance(1000);
  assert.is(world.events.get(id).preRoll.deliveredMs, 3000);
  world.footage.set(1, { startMs: t0 - 9000, endMs: t0 + 500 });
  await world.clock.advance(6000);
  assert.equal(world.events.get(id).preRoll, { promisedMs: 5000, deliveredMs: 5000 });
});

test('the pre-roll that gets to the disk after the event is told as well; what never comes is not waited for', async () => {
  world.camera(1, { mergeMs: 0 });
  const id = pulse() as string;
  await world.clock.advance(3000);
  const { endMs, preRoll } = world.events.get(id);
  assert.equal([endMs, preRoll.deliveredMs], [t0, 0]);
  world.footage.set(1, { startMs: t0 - 9000, endMs: t0 + 500 });
  await world.clock.advance(1000);
  assert.equal(world.events.get(id).preRoll, { promisedMs: 5000, deliveredMs: 5000 });
  assert.equal(world.names(), ['event.opened', 'event.closed', 'event.updated']);

  world.footage.delete(1);
  const second = pulse() as string;
  await world.clock.advance(20_000);
  world.footage.set(1, { startMs: t0 - 9000, endMs: t0 + 90_000 });
  await world.clock.advance(60_000);
  assert.is(world.events.get(second).preRoll.deliveredMs, 0);
  assert.is(world.clock.pending, 0, 'nothing ticks any more');
});

test('the clock is set: the event ends as long as it lasted, and what goes on continues under the new time', async () => {
  const id = start() as string;
  await world.clock.advance(10_000);
  world.step(-3_600_000);
  const nowMs = world.clock.nowMs();
  await world.clock.advance(5000);
  stop();
  await world.clock.advance(6000);
  assert.is(world.events.get(id).endMs, t0 + 10_000);
  const other = world.events.list({ limit: 5 }).events.find(event => event.id !== id);
  assert.equal([other?.continues, other?.startMs, other?.endMs], [id, nowMs, nowMs + 5000]);
});

test('a camera that is switched off or removed ends its events; so does the end of the service', async () => {
  world.camera(2);
  world.camera(3);
  for (const camera of [1, 2, 3]) start({ camera });
  await world.clock.advance(2000);
  world.camera(1).enabled = false;
  world.bus.emit('camera.changed', { camera: 1 });
  world.cameras.delete(2);
  world.bus.emit('camera.removed', { camera: 2 });
  assert.equal(
    all().map(({ endMs }) => endMs),
    [t0 + 2000, t0 + 2000, undefined],
  );
  await world.events.stop();
  assert.is(all()[2]?.endMs, t0 + 2000);
  assert.throws(
    () => pulse({ camera: 3 }),
    (error: NvrError) => error.kind === 'unavailable',
  );
});

test('after a stand-still what goes on continues now, not in a time without footage', async () => {
  start({ durationMs: 600_000 });
  await world.clock.advance(1000);
  world.clock.step(300_000);
  await world.clock.advance(1000);
  const events = all();
  assert.equal(
    events.map(({ startMs, endMs }) => [startMs - t0, endMs === undefined ? 0 : endMs - t0]),
    [
      [0, 60_000],
      [302_000, 0],
    ],
  );
});

test('a store that refuses costs no footage: a trigger fails, what goes on is tried again', async () => {
  const { create } = world.table;
  const refuse = () => {
    throw new NvrError('resource-exhausted', 'the index is full');
  };
  world.table.create = refuse;
  assert.throws(() => pulse(), /full/);
  assert.is(world.captures.length, 1);
  world.table.create = create;
  start({ label: 'dog', durationMs: 90_000 });
  world.table.create = refuse;
  await world.clock.advance(70_000);
  assert.equal(world.log.messages('error').slice(0, 1), ['an event could not be followed']);
  assert.is(all().length, 1);
  for (const [index, { fromMs }] of world.captures.entries()) {
    if (index > 1) assert.ok(fromMs <= (world.captures[index - 1]?.untilMs ?? 0), 'without a hole');
  }
  world.table.create = create;
  await world.clock.advance(30_000);
  const [, second] = all();
  assert.equal([second?.startMs, second?.endMs, second?.labels], [t0 + 71_000, t0 + 90_000, ['dog']]);
});

test('a start that the store refuses is recorded until its stop all the same', async () => {
  world.table.create = () => {
    throw new NvrError('resource-exhausted', 'the index is full');
  };
  assert.throws(() => start({ label: 'cat' }), /full/);
  await world.clock.advance(30_000);
  assert.is(stop({ label: 'cat' }), undefined);
  await world.clock.advance(5000);
  const untilMs = Math.max(...world.captures.map(capture => capture.untilMs));
  assert.ok(untilMs >= t0 + 33_000 && untilMs <= t0 + 36_000, String(untilMs - t0));
  for (const [index, { fromMs }] of world.captures.entries()) {
    if (index > 0) assert.ok(fromMs <= (world.captures[index - 1]?.untilMs ?? 0), 'without a hole');
  }
  assert.is(world.clock.pending, 0);
});

test('the post-roll of the last trigger is asked for although the service stood still meanwhile', async () => {
  world.camera(1, { mergeMs: 0 });
  pulse();
  await world.clock.advance(900);
  pulse();
  world.clock.stall(1500);
  await world.clock.advance(0);
  assert.is(all()[0]?.endMs, t0 + 900);
  assert.is(world.captures.at(-1)?.untilMs, t0 + 3900);
});

test('an event that somebody removed is followed no more', async () => {
  const id = start() as string;
  world.table.remove(id);
  pulse({ label: 'new' });
  await world.clock.advance(2000);
  assert.equal(all(), []);
  assert.is.not(pulse(), undefined);
  assert.is(all().length, 1);
});

test('a recording by hand whose beginning takes a while is not given up meanwhile', async () => {
  world.camera(1).record.mode = 'off';
  let settled = () => {};
  world.settling = new Promise(resolve => {
    settled = resolve;
  });
  const recording = world.events.record(1, 'start');
  await world.clock.advance(3000);
  assert.equal(world.held, [1]);
  settled();
  const { event } = await recording;
  assert.is(event, `1-${t0 + 3000}-0`);
  await world.events.record(1, 'stop');
  await world.clock.advance(10_000);
  assert.equal(world.held, []);
});

test('a store that refuses the end of an event gets it later; nothing that comes meanwhile is lost', async () => {
  const { update, create } = world.table;
  const refuse = () => {
    throw new NvrError('unavailable', 'the index is not open');
  };
  const id = pulse() as string;
  world.table.update = refuse;
  await world.clock.advance(9000);
  assert.is(world.events.get(id).endMs, undefined);
  const asked = world.captures.length;
  const next = pulse() as string;
  assert.is.not(next, id);
  assert.is(world.captures.length, asked + 1);
  world.table.update = update;
  await world.clock.advance(1000);
  assert.is(world.events.get(id).endMs, t0);
  assert.is(world.told.filter(({ name, event }) => name === 'event.closed' && event.id === id).length, 1);
  await world.clock.advance(10_000);
  // What goes on cannot be continued, and still hears of its stop.
  start({ label: 'dog' });
  const fromMs = world.clock.nowMs();
  world.table.create = refuse;
  await world.clock.advance(59_500);
  world.clock.step(600);
  stop({ label: 'dog' });
  world.table.create = create;
  await world.clock.advance(10_000);
  assert.equal(
    all().map(event => event.endMs),
    [t0, t0 + 9000, fromMs + 60_000],
  );
  assert.is(world.clock.pending, 0);
});

test.run();
