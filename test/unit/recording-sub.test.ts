// When the sub stream is connected and recorded, and that nothing of it touches the camera's gaps.
import * as assert from 'uvu/assert';
import { segmentPath } from '../../src/storage/layout.ts';
import { suite } from '../support/suite.ts';
import { never, T0, World } from './recording-world.ts';

const test = suite('recording of sub streams');

async function worldWith(wish: Parameters<World['camera']>[1]): Promise<World> {
  const world = new World();
  await world.recording.start(never);
  await world.camera(1, { sub: 'sub', ...wish });
  world.calls.length = 0;
  return world;
}

/** What was done with the sub stream. */
function ofSub(world: World): string[] {
  return world.calls.filter(call => call.endsWith('/sub'));
}

async function describe(world: World, stream: 'main' | 'sub', codec: 'h264' | 'h265', width?: number): Promise<void> {
  world.engine.described(1, stream, codec, width);
  await world.done();
}

test('auto: H.265 has the sub stream looked at, and recorded when it is H.264', async () => {
  const world = await worldWith({});
  assert.equal(world.needs, [], 'main is not known yet');
  await describe(world, 'main', 'h265');
  assert.equal([world.needs, ofSub(world)], [[1], []]);
  await describe(world, 'sub', 'h264');
  assert.equal([world.needs, ofSub(world)], [[1], ['open 1/sub', 'record 1/sub']]);
  world.calls.length = 0;
  await describe(world, 'main', 'h264');
  assert.equal([world.needs, ofSub(world)], [[], ['end 1/sub', 'close 1/sub']]);
});

test('auto: an H.264 main needs no other stream, whatever it is', async () => {
  const world = await worldWith({});
  await describe(world, 'main', 'h264');
  await describe(world, 'sub', 'h264');
  assert.equal([world.needs, ofSub(world)], [[], []]);
});

test('auto: a sub stream that is H.265 as well is let go, and looked at again only after a change', async () => {
  const world = await worldWith({});
  await describe(world, 'main', 'h265');
  await describe(world, 'sub', 'h265');
  assert.equal([world.needs, ofSub(world)], [[], []]);
  await world.clock.advance(600_000);
  await describe(world, 'main', 'h265');
  await world.camera(1, { sub: 'sub' });
  assert.equal(world.needs, [], 'nothing has changed');

  await describe(world, 'main', 'h265', 1920);
  assert.equal(world.needs, [1], 'the camera was set up anew');
  await describe(world, 'sub', 'h265');
  await describe(world, 'main', 'h265', 640);
  assert.equal(world.needs, [], 'a camera that flaps is not followed each time');

  await world.camera(1, { sub: 'sub', main: 'other' });
  assert.equal(world.needs, [1], 'settings have changed');
  await describe(world, 'sub', 'h265');
  await world.camera(1, { sub: 'another', main: 'other' });
  assert.equal(world.needs, [1]);
  await describe(world, 'sub', 'h264');
  assert.equal(ofSub(world), ['open 1/sub', 'record 1/sub']);
});

test('auto: settings that leave the sub stream alone do not interrupt it', async () => {
  const world = await worldWith({});
  await describe(world, 'main', 'h265');
  await describe(world, 'sub', 'h264');
  await world.camera(1, { sub: 'sub', main: 'other' });
  await describe(world, 'main', 'h265', 1920);
  assert.equal(world.needs, [1]);
  assert.not.ok(world.calls.includes('end 1/sub'));
  await describe(world, 'sub', 'h265');
  assert.equal([world.needs, ofSub(world).slice(-2)], [[], ['end 1/sub', 'close 1/sub']]);
});

test('both and main ask for no codec', async () => {
  const world = await worldWith({ streams: 'both' });
  assert.equal(world.needs, [1]);
  await describe(world, 'main', 'h264');
  await describe(world, 'sub', 'h265');
  assert.equal([world.needs, world.plans.size], [[1], 1]);
  await world.camera(1, { sub: 'sub', streams: 'main' });
  assert.equal([world.needs, ofSub(world).slice(-2)], [[], ['end 1/sub', 'close 1/sub']]);
  await describe(world, 'main', 'h265');
  assert.equal(world.needs, []);
});

test('a camera that is off, without recording, or gone needs none', async () => {
  for (const wish of [{ enabled: false }, { mode: 'off' }, { noSub: true }] as const) {
    const world = await worldWith({ streams: 'both' });
    assert.equal(world.needs, [1]);
    await world.camera(1, { ...('noSub' in wish ? {} : { sub: 'sub', ...wish }), streams: 'both' });
    assert.equal([world.needs, world.calls.includes('close 1/sub')], [[], true], JSON.stringify(wish));
  }
  const world = await worldWith({ streams: 'both' });
  world.cameras.delete(1);
  world.bus.emit('camera.removed', { camera: 1 });
  await world.done();
  assert.equal([world.needs, world.calls.includes('close 1/sub')], [[], true]);
});

test('gaps are those of main, and the timeline shows one stream', async () => {
  const world = await worldWith({ streams: 'both' });
  const file = (startMs: number) => segmentPath({ camera: 1, stream: 'sub', startMs, clockGen: 0 }, false);
  const key = (startMs: number) => ({ camera: 1, stream: 'sub', startMs, clockGen: 0, path: file(startMs) }) as const;
  const rest = { sizeBytes: 1000, codecs: 'avc1.64001f' };
  world.engine.link(1, 'live');
  world.opened(T0);
  world.engine.emit({ type: 'segment-opened', ...key(T0 + 100) });
  world.engine.emit({ type: 'segment-closed', ...key(T0 + 100), ...rest, endMs: T0 + 5000, endReason: 'reconnect' });
  world.engine.link(1, 'waiting', 'refused', { stream: 'sub', lastPacketMs: T0 + 5000 });
  world.engine.emit({ type: 'segment-opened', ...key(T0 + 60_000) });
  world.engine.emit({
    ...{ type: 'storage-failed', camera: 1, stream: 'sub', path: file(T0 + 60_000), code: 'EIO', step: 'write' },
    ...{ startMs: T0 + 60_000, lostBytes: 9 },
  });
  assert.equal(world.gapList(), []);
  assert.equal(world.gaps.list(1, 0, T0 * 2, 'sub'), []);
  assert.is(world.events['gap.opened'], undefined);
  assert.equal(
    world.events['segment.closed']?.map(({ id, stream }) => [id, stream]),
    [[`1-sub-${T0 + 100}-0`, 'sub']],
  );

  world.closed(T0, T0 + 4000, 'reconnect');
  assert.equal(world.gapList(), [[4000, undefined, 'offline']]);
  const shown = (stream: 'main' | 'sub') => world.recording.timeline([1], stream, T0, T0 + 10_000)[0];
  assert.equal(shown('main')?.footage, [[T0, T0 + 4000]]);
  assert.equal(shown('sub')?.footage, [[T0 + 100, T0 + 5000]], 'what main lacks is there all the same');
  assert.equal(shown('sub')?.gaps, [{ startMs: T0 + 4000, reason: 'offline' }]);
});

test('a camera that is not even tried has a gap that says why', async () => {
  const world = await worldWith({});
  const state = { camera: 1, name: 'failed', sinceMs: T0 } as const;
  world.bus.emit('camera.state', { ...state, name: 'starting', reason: 'hub' });
  assert.equal(world.gapList(), [], 'go2rtc begins with the service');
  world.bus.emit('camera.state', { ...state, reason: 'hub' });
  await world.clock.advance(1000);
  assert.equal(world.gapList(), [[0, undefined, 'hub']]);
  world.bus.emit('camera.state', { ...state, reason: 'password-unreadable' });
  assert.equal(
    world.gapList().map(([, , reason]) => reason),
    ['hub', 'refused'],
  );
  world.bus.emit('camera.state', { ...state, reason: 'demo-off' });
  world.bus.emit('camera.state', { ...state, camera: 9, reason: 'hub' });
  assert.is(world.gapList().length, 2);
});

test('the same when it was known before recording began', async () => {
  const world = new World();
  await world.camera(1, { reason: 'hub' });
  await world.camera(2, { reason: 'hub', mode: 'off' });
  await world.recording.start(never);
  assert.equal(world.gapList(), [[0, undefined, 'hub']]);
  assert.equal(world.gaps.list(2, 0, T0 * 2), []);
});

test('files of the two streams change at different moments', async () => {
  const world = await worldWith({ streams: 'both' });
  const offsets = world.offsets.map(([stream, offset]) => [stream, offset / 300_000]);
  const [main, sub] = ['main', 'sub'].map(stream => Number(offsets.find(one => one[0] === stream)?.[1]));
  assert.ok(Math.abs(Math.abs((main ?? 0) - (sub ?? 0)) - 0.5) < 0.01, `${offsets}`);
});

test.run();
