// What was asked for before the moment that it is recorded: over changes of mode and volume, and in the gaps that said otherwise.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';
import { never, T0, World } from './recording-world.ts';

const test = suite('recording of the past');

async function world(mode: 'continuous' | 'events' | 'off'): Promise<World> {
  const made = new World();
  await made.recording.start(never);
  await made.camera(1, { mode });
  return made;
}

function asked(one: World): [fromMs: number, untilMs: number][] {
  return one.engine.captures.map(({ fromMs, untilMs }) => [fromMs - T0, untilMs - T0]);
}

test('footage of an event that a camera left while it was quiet is no gap', async () => {
  const one = await world('events');
  one.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 1000 });
  await one.clock.advance(61_000);
  one.engine.link(1, 'waiting', 'closed', { lastPacketMs: T0 + 60_000 });
  one.opened(T0 + 48_000);
  one.closed(T0 + 48_000, T0 + 60_000, 'reconnect');
  assert.equal(one.gapList(), [
    [1000, 48_000, 'quiet'],
    [60_000, undefined, 'offline'],
  ]);
  assert.equal(one.recording.coverage(1, T0 + 58_000), { startMs: T0 + 48_000, endMs: T0 + 60_000 });
});

test('a time in which the camera stood still stays a gap, within an event too', async () => {
  const one = await world('events');
  one.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 1000 });
  await one.clock.advance(40_000);
  one.engine.link(1, 'stalled', 'stalled', { lastPacketMs: T0 + 33_000 });
  one.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 40_000 });
  await one.clock.advance(5000);
  one.opened(T0 + 30_000);
  assert.equal(one.gapList(), [
    [1000, 30_000, 'quiet'],
    [33_000, 40_000, 'stalled'],
  ]);
});

test('what is recorded by hand of the moment before is not called stopped', async () => {
  const one = await world('off');
  one.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 1000 });
  one.wrote(T0, T0 + 500);
  await one.camera(1, { mode: 'continuous' });
  await one.camera(1, { mode: 'off' });
  await one.clock.advance(60_000);
  one.recording.hold(1);
  await one.done();
  one.opened(T0 + 58_500);
  assert.equal(one.gapList().at(-1)?.slice(1), [58_500, 'stopped']);
});

test('an event goes on when its camera records events only from now on', async () => {
  const one = await world('continuous');
  one.recording.capture(1, T0 - 5000, T0 + 20_000);
  one.recording.capture(1, T0 + 10_000, T0 + 30_000);
  await one.camera(1, { mode: 'events' });
  assert.equal(asked(one), [
    [-5000, 20_000],
    [10_000, 30_000],
    [-5000, 30_000],
  ]);
  await one.camera(1, { mode: 'events', preRollMs: 6000 });
  assert.is(one.engine.captures.length, 3, 'it has been told');
  await one.clock.advance(31_000);
  await one.camera(1, { mode: 'continuous' });
  await one.camera(1, { mode: 'events' });
  assert.is(one.engine.captures.length, 3, 'it is over');
});

test('an event goes on when the volume is back, or the store gives its licence at last', async () => {
  const one = await world('events');
  one.recording.capture(1, T0 - 5000, T0 + 60_000);
  one.there = false;
  await one.clock.advance(6000);
  await one.done();
  one.there = true;
  await one.clock.advance(11_000);
  await one.done();
  assert.equal(asked(one).slice(1), [[-5000, 60_000]]);

  const refused = new World();
  refused.failure = new NvrError('resource-exhausted', 'full');
  await refused.recording.start(never);
  await refused.camera(1, { mode: 'events' });
  refused.recording.capture(1, T0 - 5000, T0 + 60_000);
  assert.equal(asked(refused), []);
  refused.failure = undefined;
  await refused.clock.advance(6000);
  await refused.done();
  assert.equal(asked(refused), [[-5000, 60_000]]);
});

test('what was asked for ends when somebody wants that nothing is recorded, and moves with the clock', async () => {
  const one = await world('events');
  one.recording.capture(1, T0, T0 + 60_000);
  await one.camera(1, { mode: 'off' });
  await one.camera(1, { mode: 'events' });
  assert.is(one.engine.captures.length, 1);
  await one.camera(1, { mode: 'continuous' });
  one.recording.capture(1, T0, T0 + 60_000);
  one.clock.step(3_600_000);
  one.engine.emit({ type: 'clock-step', clockGeneration: 1, stepMs: 3_600_000 });
  await one.camera(1, { mode: 'events' });
  assert.equal(asked(one).at(-1), [3_600_000, 3_660_000]);
});

test.run();
