// What is recorded and why not: licences before files, segments into the index, gaps with their reasons, the timeline.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { suite } from '../support/suite.ts';
import { never, recordingWorld, T0, World } from './recording-world.ts';

const test = suite('recording');

test('the licence comes before the plan, and only for streams that should record', async () => {
  const world = new World();
  await world.camera(1);
  await world.camera(2, { mode: 'off' });
  await world.camera(3, { enabled: false });
  await world.recording.start(never);
  assert.equal(world.calls, ['open 1/main', 'record 1/main']);
  assert.equal([...world.plans.keys()], [1]);
  assert.equal(world.gapList(), [], 'a camera that is new has no gap');
});

test('files of different cameras change at different moments', async () => {
  const world = await recordingWorld();
  for (let id = 2; id <= 8; id++) await world.camera(id);
  const offsets = [...world.plans.values()].map(plan => plan?.rotationOffsetMs ?? -1).sort((a, b) => a - b);
  for (const [n, offset] of offsets.entries()) {
    assert.ok(offset >= 0 && offset < 300_000);
    assert.ok(n === 0 || offset - (offsets[n - 1] ?? 0) > 15_000, `${offsets}`);
  }
});

test('closed segments go into the index and are told; rotation makes no gap', async () => {
  const world = await recordingWorld();
  world.opened(T0);
  world.opened(T0 + 300_000);
  world.closed(T0, T0 + 300_000, 'length');
  world.wrote(T0 + 300_000, T0 + 400_000, 'parameters');
  world.opened(T0 + 400_000);
  assert.is(world.segments.totals(1).segments, 2);
  assert.equal(world.events['segment.closed']?.[0], {
    camera: 1,
    stream: 'main',
    id: `1-main-${T0}-0`,
    startMs: T0,
    endMs: T0 + 300_000,
    sizeBytes: 1000,
    endReason: 'length',
  });
  assert.equal(world.gapList(), []);
  assert.is(world.events['gap.opened'], undefined);
});

test('a file without a whole fragment leaves no trace', async () => {
  const world = await recordingWorld();
  world.opened(T0);
  world.closed(T0, T0, 'reconnect', { path: '', sizeBytes: 0 });
  assert.is(world.segments.totals().segments, 0);
  assert.is(world.events['segment.closed'], undefined);
});

test('deleted footage hides none that a clock step brought to the same time', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 60_000);
  world.gaps.add({ camera: 1, stream: 'main', startMs: T0 + 10_000, endMs: T0 + 30_000, reason: 'deleted' });
  world.gaps.add({ camera: 1, stream: 'main', startMs: T0 + 40_000, endMs: T0 + 45_000, reason: 'stalled' });
  const [timeline] = world.recording.timeline([1], 'main', T0, T0 + 60_000);
  assert.equal(timeline?.footage, [
    [T0, T0 + 40_000],
    [T0 + 45_000, T0 + 60_000],
  ]);
});

test('a volume that goes away ends the files at once, and recording is back with it', async () => {
  const world = await recordingWorld();
  world.opened(T0);
  await world.clock.advance(20_000);
  assert.equal(world.calls, ['open 1/main', 'record 1/main'], 'looking at a volume that is there changes nothing');
  world.there = false;
  await world.clock.advance(5000);
  await world.done();
  assert.equal(world.calls.slice(2, 5), ['end 1/main', 'close 1/main leftovers', 'open 1/main']);
  assert.is(world.gapList().at(-1)?.[2], 'no-volume');
  await world.clock.advance(20_000);
  assert.not.ok(world.calls.slice(5).includes('record 1/main'));
  world.there = true;
  await world.clock.advance(5000);
  await world.done();
  assert.equal(world.calls.slice(-2), ['open 1/main', 'record 1/main']);
  world.opened(T0 + 50_000);
  assert.equal(world.gapList().length, 1);
  assert.is(world.gapList()[0]?.[1], 50_000);
  await world.clock.advance(60_000);
  assert.equal(world.calls.slice(-2), ['open 1/main', 'record 1/main']);
});

test('a frozen camera: one gap from the last packet to the next segment', async () => {
  const world = await recordingWorld();
  world.engine.link(1, 'live');
  world.opened(T0);
  await world.clock.advance(65_000);
  world.engine.link(1, 'stalled', 'stalled', { lastPacketMs: T0 + 60_000 });
  assert.equal(world.gapList(), [[60_000, undefined, 'stalled']]);
  world.engine.link(1, 'waiting', 'closed', { lastPacketMs: T0 + 60_000 });
  world.closed(T0, T0 + 60_040, 'reconnect');
  await world.clock.advance(10_000);
  world.engine.link(1, 'waiting', 'unreachable', { lastPacketMs: T0 + 60_000 });
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 80_000 });
  assert.equal(world.gapList(), [[60_040, undefined, 'stalled']]);
  world.opened(T0 + 80_500);
  assert.equal(world.gapList(), [[60_040, 80_500, 'stalled']]);
  assert.is(world.events['gap.opened']?.length, 1);
  assert.equal(
    world.events['gap.closed']?.map(gap => [gap.startMs, gap.endMs]),
    [[T0 + 60_040, T0 + 80_500]],
  );
});

test('a camera that only paused goes on in the same segment', async () => {
  const world = await recordingWorld();
  world.engine.link(1, 'live');
  world.opened(T0);
  world.engine.link(1, 'stalled', 'stalled', { lastPacketMs: T0 + 5000 });
  world.engine.link(1, 'live', undefined, { lastPacketMs: T0 + 12_000 });
  assert.equal(world.gapList(), [[5000, 12_000, 'stalled']]);
});

for (const [problem, reason] of [
  ['unreachable', 'offline'],
  ['refused', 'offline'],
  ['unauthorized', 'refused'],
  ['not-found', 'refused'],
  ['no-video', 'refused'],
] as const) {
  test(`a camera that never came (${problem}) is missing since it should record: ${reason}`, async () => {
    const world = await recordingWorld();
    await world.clock.advance(3000);
    world.engine.link(1, 'waiting', problem);
    assert.equal(world.gapList(), [[0, undefined, reason]]);
  });
}

test('another reason begins another gap', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 10_000, 'reconnect');
  world.engine.link(1, 'waiting', 'unreachable', { lastPacketMs: T0 + 10_000 });
  await world.clock.advance(60_000);
  world.engine.link(1, 'waiting', 'unauthorized', { lastPacketMs: T0 + 10_000 });
  assert.equal(world.gapList(), [
    [10_000, 60_000, 'offline'],
    [60_000, undefined, 'refused'],
  ]);
});

test('a session that ends without a word about the link leaves a gap too, unless the next one follows at once', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 10_000, 'reconnect');
  world.wrote(T0 + 10_100, T0 + 20_000, 'reconnect');
  assert.equal(world.gapList(), [[20_000, undefined, 'offline']]);
  world.opened(T0 + 22_000);
  assert.equal(world.gapList(), [[20_000, 22_000, 'offline']]);
});

test('a hole that nobody spoke of is a gap', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 10_000, 'removed');
  world.wrote(T0 + 12_000, T0 + 20_000, 'clock-step');
  world.opened(T0 + 50_000, 1, 1);
  assert.equal(world.gapList(), [
    [10_000, 12_000, 'offline'],
    [20_000, 50_000, 'clock'],
  ]);
});

for (const [code, reason] of [
  ['slow-disk', 'slow-disk'],
  ['ENOSPC', 'disk-full'],
  ['EROFS', 'no-volume'],
  ['EIO', 'no-volume'],
] as const) {
  test(`media that could not be stored (${code}) are a gap: ${reason}`, async () => {
    const world = await recordingWorld();
    world.engine.link(1, 'live');
    world.opened(T0);
    const path = segmentPath({ camera: 1, stream: 'main', startMs: T0, clockGen: 0 }, false);
    const failed = { type: 'storage-failed', camera: 1, stream: 'main', path, step: 'write', lostBytes: 9 } as const;
    world.engine.emit({ ...failed, code, startMs: T0 + 30_000 });
    world.closed(T0, T0 + 30_010, 'suspect');
    assert.equal(world.gapList(), [[30_010, undefined, reason]]);
    world.opened(T0 + 40_000);
    assert.equal(world.gapList(), [[30_010, 40_000, reason]]);
    assert.is(world.segments.totals().segments, 1);
  });
}

test('a store that is full: the gap says so, and the licence is asked for again', async () => {
  const world = new World();
  world.failure = new NvrError('resource-exhausted', 'ENOSPC');
  await world.recording.start(never);
  await world.camera(1);
  assert.equal(world.calls, ['open 1/main']);
  assert.equal(world.gapList(), [[0, undefined, 'disk-full']]);
  world.failure = undefined;
  await world.clock.advance(5000);
  await world.done();
  assert.equal(world.calls, ['open 1/main', 'open 1/main', 'record 1/main']);
  world.opened(T0 + 6000);
  assert.equal(world.gapList(), [[0, 6000, 'disk-full']]);
});

test('disabling ends the file, gives the licence back and is a gap that somebody wanted', async () => {
  const world = await recordingWorld();
  // The camera's session ends before anybody says that it was disabled.
  world.wrote(T0, T0 + 10_000, 'removed');
  await world.clock.advance(10_500);
  await world.camera(1, { enabled: false });
  assert.equal(world.calls, ['open 1/main', 'record 1/main', 'end 1/main', 'close 1/main']);
  await world.clock.advance(4500);
  await world.camera(1, { mode: 'off' });
  await world.clock.advance(5000);
  await world.camera(1);
  await world.clock.advance(2000);
  world.opened(T0 + 22_500);
  assert.equal(world.gapList(), [
    [10_000, 15_000, 'disabled'],
    [15_000, 22_500, 'stopped'],
  ]);
});

test('a removed camera misses nothing any more', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 10_000, 'reconnect');
  world.engine.link(1, 'waiting', 'unreachable');
  await world.clock.advance(20_000);
  world.cameras.delete(1);
  world.bus.emit('camera.removed', { camera: 1 });
  await world.recording.deleteFootage(1);
  assert.equal(world.gapList(), [[10_000, 20_000, 'offline']]);
  assert.equal(world.calls.slice(2), ['close 1/main', 'delete 1']);
});

test('a clock that was not set leaves no gap over the footage of years', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 60_000);
  await world.recording.stop();
  // The board lost its clock: it starts in 1970, and a time server sets it.
  const AFTER = T0 + 7_200_000;
  world.clock.step(5000 - world.clock.nowMs());
  world.restart();
  await world.recording.start(never);
  world.opened(5000, 1, 1);
  world.closed(5000, 65_000, 'clock-step', { clockGen: 1 });
  world.clock.step(AFTER - world.clock.nowMs());
  world.engine.emit({ type: 'clock-step', clockGeneration: 2, stepMs: AFTER });
  world.opened(AFTER + 1000, 1, 2);
  assert.equal(world.gapList(), [[60_000, AFTER + 1000 - T0, 'clock']]);
  const [timeline] = world.recording.timeline([1], 'main', 0, AFTER + 60_000);
  assert.equal(timeline?.footage, [
    [5000, 65_000],
    [T0, T0 + 60_000],
  ]);
});

test('a gap that goes on while the clock is set begins where footage ends by the new time', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 60_000);
  await world.recording.stop();
  const AFTER = T0 + 7_200_000;
  world.clock.step(5000 - world.clock.nowMs());
  world.restart();
  await world.recording.start(never);
  world.engine.link(1, 'waiting', 'unreachable');
  assert.equal(world.gapList(), [[5000 - T0, undefined, 'offline']]);
  world.clock.step(AFTER - world.clock.nowMs());
  world.engine.emit({ type: 'clock-step', clockGeneration: 1, stepMs: AFTER });
  assert.equal(world.gapList(), [[60_000, undefined, 'offline']]);
  // Set back before the footage there is, it begins now.
  world.clock.step(-7_000_000);
  world.engine.emit({ type: 'clock-step', clockGeneration: 2, stepMs: -7_000_000 });
  assert.equal(world.gapList(), [[60_000, undefined, 'offline']]);
  world.clock.step(-190_000);
  world.engine.emit({ type: 'clock-step', clockGeneration: 3, stepMs: -190_000 });
  assert.equal(world.gapList(), [[10_000, undefined, 'offline']]);
  world.opened(T0 + 20_000, 1, 3);
  assert.equal(world.gapList(), [[10_000, 20_000, 'offline']]);
});

test('a step of the clock is stored', async () => {
  const world = await recordingWorld();
  world.engine.emit({ type: 'clock-step', clockGeneration: 3, stepMs: -5000 });
  await world.done();
  assert.ok(world.calls.includes('generation 3 -5000'));
});

test('stop: engine first, its last segments are recorded, licences go, and the next start knows of the restart', async () => {
  const world = await recordingWorld();
  world.opened(T0);
  world.engine.onStop = () => world.closed(T0, T0 + 30_000, 'removed');
  await world.clock.advance(30_000);
  await Promise.all([world.recording.stop(), world.recording.stop()]);
  assert.is(world.engine.stops, 1);
  assert.equal(world.calls.slice(2), ['close 1/main', 'flush']);
  assert.is(world.segments.totals().segments, 1);
  assert.equal(world.gapList(), []);
  assert.is(world.engine.listeners, 0);
  await world.camera(1);
  assert.equal(world.calls.slice(4), [], 'deaf after the stop');
  await world.clock.advance(60_000);
  world.engine.onStop = () => {};
  world.restart();
  await world.recording.start(never);
  world.opened(T0 + 92_000);
  assert.equal(world.gapList(), [[30_000, 92_000, 'restart']]);
});

test('after a restart a camera that stays away has two gaps: ours and its own', async () => {
  const world = new World();
  world.gaps.open(1, 'main', T0 - 60_000, 'power-cut');
  await world.camera(1);
  await world.recording.start(never);
  await world.clock.advance(2000);
  world.engine.link(1, 'waiting', 'unreachable');
  assert.equal(world.gapList(), [
    [-60_000, 0, 'power-cut'],
    [0, undefined, 'offline'],
  ]);
});

test('an offline gap goes on over a restart', async () => {
  const world = new World();
  world.gaps.open(1, 'main', T0 - 60_000, 'offline');
  await world.camera(1);
  await world.recording.start(never);
  world.engine.link(1, 'waiting', 'timeout');
  assert.equal(world.gapList(), [[-60_000, undefined, 'offline']]);
});

test('an engine that does not stop: licences stay for the next start', async () => {
  const world = await recordingWorld();
  world.engine.stopsInTime = false;
  try {
    await world.recording.stop();
    assert.unreachable();
  } catch (error) {
    assert.is((error as NvrError).kind, 'unavailable');
  }
  assert.equal(world.calls, ['open 1/main', 'record 1/main']);
});

test('a file that was opened and never heard of again is left to the next start', async () => {
  const world = await recordingWorld();
  world.opened(T0);
  await world.camera(1, { enabled: false });
  assert.is(world.calls.at(-1), 'close 1/main leftovers');
});

test('a file that failed and was not closed is left to the next start as well', async () => {
  const world = await recordingWorld();
  world.opened(T0);
  const path = segmentPath({ camera: 1, stream: 'main', startMs: T0, clockGen: 0 }, false);
  const failed = {
    type: 'storage-failed',
    camera: 1,
    stream: 'main',
    code: 'EIO',
    step: 'sync',
    lostBytes: 9,
  } as const;
  world.engine.emit({ ...failed, path, startMs: T0 });
  world.wrote(T0 + 5000, T0 + 9000, 'mode');
  await world.camera(1, { enabled: false });
  assert.is(world.calls.at(-1), 'close 1/main leftovers');
});

test('the timeline joins closed and open segments and shows gaps', async () => {
  const world = await recordingWorld();
  world.wrote(T0, T0 + 300_000);
  world.opened(T0 + 300_000);
  world.engine.setStream({ camera: 1, stream: 'main' } as never);
  const open = { clockGen: 0, sizeBytes: 5, path: 'x', codecs: '' };
  world.engine.open.set(1, { ...open, startMs: T0 + 300_010, endMs: T0 + 350_000 });
  world.gaps.add({ camera: 1, stream: 'main', startMs: T0 - 5000, endMs: T0, reason: 'restart' });
  assert.equal(world.recording.timeline([1, 2], 'main', T0 - 1000, T0 + 340_000), [
    {
      camera: 1,
      footage: [[T0, T0 + 340_000]],
      gaps: [{ startMs: T0 - 5000, endMs: T0, reason: 'restart' }],
      sizes: [
        [T0, T0 + 300_000, 1000],
        [T0 + 300_010, T0 + 350_000, 5],
      ],
    },
    { camera: 2, footage: [], gaps: [], sizes: [] },
  ]);
  assert.equal(world.recording.timeline([1], 'main', T0 + 400_000, T0 + 500_000)[0]?.footage, []);
});

test.run();
