import * as assert from 'uvu/assert';
import { newCameraSchema } from '../../src/cameras/camera-schema.ts';
import { Cameras, DirectHub, type Hub } from '../../src/cameras/index.ts';
import { EventBus, type Events, NvrError, parseInput } from '../../src/core/index.ts';
import type { StreamProblem } from '../../src/native/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras');

function setUp(store = new FakeStore(), hub: Hub = new DirectHub({ allowLoopback: false })) {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  const log = fakeLog();
  const events: [keyof Events, unknown][] = [];
  const bus = new EventBus(error => {
    throw error;
  });
  for (const name of ['camera.state', 'camera.changed', 'camera.removed'] as const) {
    bus.on(name, event => events.push([name, event]));
  }
  const cameras = new Cameras({
    store,
    engine,
    hub,
    bus,
    log: log.logger,
    clock,
    ownPorts: () => [],
    allowLoopback: false,
  });
  const abort = new AbortController();
  const add = (input: object = {}) =>
    cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' }, ...input }));
  return { clock, engine, log, events, cameras, store, add, bus, start: () => cameras.start(abort.signal), abort };
}

async function refusal(promise: Promise<unknown>): Promise<NvrError> {
  const error = await promise.then(
    () => undefined,
    reason => reason,
  );
  assert.instance(error, NvrError);
  return error;
}

test('a new camera is stored, connected and told of', async () => {
  const { cameras, add, engine, store, events, start } = setUp();
  await start();
  const camera = await add({ main: { url: 'rtsp://bob:canary@10.0.0.2/a' } });
  assert.is(camera.id, 1);
  assert.is(camera.hasPassword, true);
  assert.is(camera.state.name, 'starting');
  assert.not.match(JSON.stringify([camera, cameras.list(), events, [...store.records.values()]]), 'canary');
  const stream = engine.streams.get(1);
  assert.equal(
    [stream?.urls, stream?.username, stream?.password, stream?.record, stream?.allowLoopback],
    [['rtsp://10.0.0.2/a'], 'bob', 'canary', false, false],
  );
  assert.equal(
    events.filter(([name]) => name === 'camera.changed'),
    [['camera.changed', { camera: 1 }]],
  );
});

test('refused input uses up no number, and numbers are not used again', async () => {
  const { cameras, add, start } = setUp();
  await start();
  assert.is((await refusal(add({ main: { url: 'rtsp://127.0.0.1/' } }))).field, 'main.url');
  assert.is((await add()).id, 1);
  await cameras.remove(1);
  assert.is((await add()).id, 2);
});

test('a new camera may set off any other, whatever its number', async () => {
  const { add, start } = setUp();
  await start();
  const { id } = await add();
  assert.is(id, 1);
  assert.equal((await add({ events: { alsoTrigger: [id] } })).events.alsoTrigger, [id]);
});

test('connects the important ones first, 100 ms apart', async () => {
  const first = setUp();
  await first.start();
  await first.add({ name: 'low', priority: 1 });
  await first.add({ name: 'off', priority: 99, enabled: false });
  await first.add({ name: 'high', priority: 90 });
  await first.add({ name: 'middle' });
  const { cameras, engine, clock, start } = setUp(first.store);
  await start();
  await settle();
  assert.is(cameras.get(2)?.state.name, 'disabled');
  assert.equal([...engine.streams.keys()], [3]);
  await clock.advance(99);
  assert.equal([...engine.streams.keys()], [3]);
  await clock.advance(1);
  assert.equal([...engine.streams.keys()], [3, 4]);
  await clock.advance(100);
  assert.equal([...engine.streams.keys()], [3, 4, 1]);
  await clock.advance(100);
  assert.is(clock.pending, 0);
});

test('a stop in the middle of the start connects nothing more', async () => {
  const first = setUp();
  await first.start();
  for (let i = 0; i < 3; i++) await first.add();
  const { cameras, engine, clock, start, log } = setUp(first.store);
  await start();
  await settle();
  await cameras.stop();
  await cameras.stop();
  await clock.advance(1000);
  assert.is(engine.streams.size, 1);
  assert.is(engine.listeners, 0);
  assert.equal(log.messages('error'), []);
  assert.is((await refusal(cameras.update(1, { name: 'x' }))).kind, 'unavailable');
});

test('shows what the engine measures', async () => {
  const { cameras, add, engine, start } = setUp();
  await start();
  await add();
  engine.figures.set(1, { fps: 24.9, bitrateBps: 2e6, gopMs: 2000, reconnects: 3, droppedBytes: 7, lastPacketMs: 42 });
  assert.is(cameras.get(1)?.state.main, undefined);
  engine.emit({
    type: 'parameters',
    camera: 1,
    stream: 'main',
    video: { codec: 'h264', codecString: 'avc1.640020', width: 1280, height: 720, fps: 25 },
    audio: { codec: 'aac', codecString: 'mp4a.40.2', sampleRate: 16000, channels: 1 },
  });
  engine.link(1, 'live');
  const { sinceMs: _, ...state } = cameras.get(1)?.state ?? { sinceMs: 0 };
  assert.equal(state, {
    name: 'live',
    lastPacketMs: 42,
    main: { codec: 'h264', width: 1280, height: 720, fps: 24.9, bitrateBps: 2e6, gopMs: 2000, audio: 'aac' },
    reconnects: 3,
    problems: [],
    droppedBytes: 7,
  });
  engine.link(1, 'waiting', 'unauthorized');
  const failed = cameras.get(1)?.state;
  assert.equal([failed?.name, failed?.reason], ['failed', 'unauthorized']);
  assert.match(failed?.cure ?? '', 'Enter');
});

test('changes what differs and leaves the link alone otherwise', async () => {
  const { cameras, add, engine, start, events } = setUp();
  await start();
  await add({ username: 'u', password: 'p' });
  engine.link(1, 'live');
  await cameras.update(1, { name: 'Gate', password: 'p', record: { segmentMs: 60_000 } });
  assert.is(cameras.get(1)?.state.name, 'live');
  assert.is(engine.streams.get(1)?.segmentMs, 60_000);
  await cameras.update(1, { main: { url: 'rtsp://10.0.0.3/b' } });
  assert.is(cameras.get(1)?.state.name, 'starting');
  assert.equal(engine.streams.get(1)?.urls, ['rtsp://10.0.0.3/b']);
  assert.is(engine.streams.get(1)?.password, 'p');
  assert.is(events.filter(([name]) => name === 'camera.changed').length, 3);
});

test('disabling disconnects, enabling connects', async () => {
  const { cameras, add, engine, start } = setUp();
  await start();
  await add();
  engine.link(1, 'live');
  assert.is((await cameras.update(1, { enabled: false })).state.name, 'disabled');
  assert.equal(engine.removed, [1]);
  assert.is((await cameras.update(1, { enabled: true })).state.name, 'starting');
  assert.is(engine.streams.size, 1);
});

test('a change that cannot be stored changes nothing', async () => {
  const { cameras, add, engine, start, store } = setUp();
  await start();
  await add();
  store.failure = new NvrError('resource-exhausted', 'full');
  assert.is((await refusal(cameras.update(1, { enabled: false }))).kind, 'resource-exhausted');
  assert.is((await refusal(cameras.remove(1))).kind, 'resource-exhausted');
  assert.is((await refusal(add())).kind, 'resource-exhausted');
  assert.is(cameras.get(1)?.enabled, true);
  assert.equal([...engine.streams.keys()], [1]);
  assert.is(cameras.list().length, 1);
});

test('two changes at once both hold', async () => {
  const { cameras, add, start } = setUp();
  await start();
  await add();
  await Promise.all([
    cameras.update(1, { name: 'Gate' }),
    cameras.update(1, { audio: false }),
    cameras.update(1, { priority: 7 }),
  ]);
  const { name, audio, priority } = cameras.get(1) ?? {};
  assert.equal([name, audio, priority], ['Gate', false, 7]);
});

test('removing waits for the file, and a stream that never ends does not hold it up for ever', async () => {
  const { cameras, add, start, engine, clock, log, events } = setUp();
  await start();
  await add();
  engine.removal = new Promise(() => undefined);
  let done = false;
  const removed = cameras.remove(1).then(() => (done = true));
  await clock.advance(9_900);
  assert.is(done, false);
  await clock.advance(200);
  await removed;
  assert.equal(cameras.list(), []);
  assert.equal(events.at(-1), ['camera.removed', { camera: 1 }]);
  assert.equal(log.messages('error'), ['the stream does not end']);
  assert.is((await refusal(cameras.remove(1))).kind, 'not-found');
});

test('what recording wants is kept over changes and reconnects', async () => {
  const { cameras, add, start, engine } = setUp();
  await start();
  await add();
  await cameras.setRecording(1, 'main', { segmentMs: 60_000, rotationOffsetMs: 500 });
  assert.equal([engine.streams.get(1)?.record, engine.streams.get(1)?.rotationOffsetMs], [true, 500]);
  await cameras.update(1, { main: { url: 'rtsp://10.0.0.9/' } });
  assert.is(engine.streams.get(1)?.record, true);
  await cameras.update(1, { enabled: false });
  await cameras.update(1, { enabled: true });
  assert.is(engine.streams.get(1)?.record, true);
  await cameras.setRecording(99, 'main', null);
});

test('stopping to record resolves when the file is closed and said to be so', async () => {
  const { cameras, add, start, engine, clock } = setUp();
  await start();
  await add();
  await cameras.setRecording(1, 'main', { segmentMs: 60_000, rotationOffsetMs: 0 });
  const file = { startMs: 1, clockGen: 0, path: '1/x.mp4' };
  engine.emit({ type: 'segment-opened', camera: 1, stream: 'main', ...file });
  engine.open.set(1, { ...file, endMs: 2, sizeBytes: 3, codecs: '' });
  let done = false;
  const stopped = cameras.setRecording(1, 'main', null).then(() => (done = true));
  assert.is(engine.streams.get(1)?.record, false);
  await clock.advance(500);
  assert.is(done, false);
  engine.open.delete(1);
  await clock.advance(100);
  assert.is(done, false, 'its event is still on the way');
  engine.emit({
    type: 'segment-closed',
    camera: 1,
    stream: 'main',
    ...file,
    endMs: 2,
    sizeBytes: 3,
    endReason: 'mode',
    codecs: '',
  });
  await clock.advance(50);
  await stopped;
  assert.is(done, true);
});

test('a password that cannot be read is a state with a cure, not a crash', async () => {
  const first = setUp();
  await first.start();
  await first.add({ username: 'u', password: 'p' });
  const record = first.store.records.get(1);
  if (record) record.sealedPassword = 'broken';
  const { cameras, engine, start } = setUp(first.store);
  await start();
  await settle();
  assert.equal([cameras.get(1)?.state.name, cameras.get(1)?.state.reason], ['failed', 'password-unreadable']);
  assert.is(engine.streams.size, 0);
  await cameras.update(1, { password: 'new' });
  assert.is(engine.streams.get(1)?.password, 'new');
});

test('a damaged record is reported and does not keep the others from starting', async () => {
  const store = new FakeStore();
  const first = setUp(store);
  await first.start();
  await first.add();
  store.records.set(9, { id: 9, main: 'nonsense' } as never);
  const { cameras, start } = setUp(store);
  await start();
  assert.equal(
    cameras.list().map(camera => camera.id),
    [1],
  );
  assert.equal(cameras.unreadable, [9]);
  await cameras.remove(9);
  assert.equal([cameras.unreadable.length, store.records.size], [0, 1]);
});

test('demo cameras are added once, follow the port, and rest without the demo', async () => {
  const store = new FakeStore();
  const signal = new AbortController().signal;
  const demo = (port: number) =>
    ['Demo 1', 'Demo 2'].map((name, i) => ({
      name,
      main: `rtsp://127.0.0.1:${port}/${i + 1}`,
      sub: `rtsp://127.0.0.1:${port}/${i + 1}s`,
    }));
  const first = setUp(store);
  await first.cameras.start(signal, demo(5001));
  await first.clock.advance(500);
  assert.equal(first.engine.streams.get(1)?.urls, ['rtsp://127.0.0.1:5001/1']);
  assert.is(first.engine.streams.get(1)?.allowLoopback, true);
  await first.cameras.update(1, { name: 'Mine', record: { mode: 'off' } });

  const without = setUp(store);
  await without.start();
  await without.clock.advance(500);
  assert.is(without.engine.streams.size, 0);
  const resting = without.cameras.get(1);
  assert.equal(
    [resting?.enabled, resting?.demo, resting?.state.name, resting?.state.reason],
    [false, true, 'disabled', 'demo-off'],
  );
  assert.is((await refusal(without.cameras.update(1, { enabled: true }))).kind, 'failed-precondition');
  await without.cameras.update(1, { priority: 10 });

  const again = setUp(store);
  await again.cameras.start(signal, demo(5002));
  await again.clock.advance(500);
  assert.is(again.cameras.list().length, 2);
  assert.is(again.cameras.get(1)?.name, 'Mine');
  assert.equal(again.engine.streams.get(1)?.urls, ['rtsp://127.0.0.1:5002/1']);
  await again.cameras.update(1, { enabled: false });
  await again.cameras.update(1, { enabled: true });
  assert.is(again.cameras.get(1)?.enabled, true, 'its owner switches it off and on');
  assert.is((await refusal(again.cameras.update(1, { main: { url: 'rtsp://10.0.0.1/' } }))).field, 'main');
});

test('what is wrong with a stream stands beside the state, until the engine takes it back or the camera is another', async () => {
  const { cameras, add, engine, events, bus, start } = setUp();
  bus.on('camera.problems', event => events.push(['camera.problems', event]));
  await start();
  await add();
  engine.link(1, 'live');
  const tell = (problems: StreamProblem[], stream: 'main' | 'sub' = 'main') =>
    engine.emit({ type: 'problems', camera: 1, stream, problems });
  tell(['bad-clock', 'long-gop']);
  assert.equal([cameras.get(1)?.state.name, cameras.get(1)?.state.problems], ['live', ['bad-clock', 'long-gop']]);
  tell([]);
  assert.equal(cameras.get(1)?.state.problems, []);
  tell(['no-audio']);
  await cameras.update(1, { main: { url: 'rtsp://10.0.0.2/b' } });
  assert.equal(cameras.get(1)?.state.problems, []);
  tell(['long-gop']);
  await cameras.update(1, { enabled: false });
  assert.equal(cameras.get(1)?.state.problems, []);
  // Late words about a stream that is gone, and of the sub stream that there is none of.
  tell(['long-gop']);
  tell(['long-gop'], 'sub');
  assert.equal(cameras.get(1)?.state.problems, []);
  const told = events.filter(([name]) => name === 'camera.problems').map(([, event]) => event);
  assert.equal(
    (told as Events['camera.problems'][]).map(({ problems }) => problems),
    [['bad-clock', 'long-gop'], [], ['no-audio'], [], ['long-gop'], []],
  );
});

test('64 cameras are enough', async () => {
  const { add, start } = setUp();
  await start();
  for (let i = 0; i < 64; i++) await add();
  assert.is((await refusal(add())).kind, 'failed-precondition');
});

test.run();
