// The link of the sub stream: there while somebody needs it, behind main, and its trouble its own. And the hub, which says the way.
import * as assert from 'uvu/assert';
import { newCameraSchema } from '../../src/cameras/camera-schema.ts';
import {
  Cameras,
  DirectHub,
  type Hub,
  type NoRoute,
  type Route,
  type StreamKey,
  type StreamSource,
} from '../../src/cameras/index.ts';
import { EventBus, NvrError, parseInput } from '../../src/core/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras: sub streams and hubs');

const MAIN = 'rtsp://10.0.0.2/main';
const SUB = 'rtsp://10.0.0.2/sub';
const PLAN = { segmentMs: 60_000, rotationOffsetMs: 0 };
const never = new AbortController().signal;

function setUp(store = new FakeStore(), hub: Hub = new DirectHub({ allowLoopback: false })) {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  const log = fakeLog();
  const bus = new EventBus(error => {
    throw error;
  });
  const states: string[] = [];
  bus.on('camera.state', ({ name, reason }) => states.push(reason ? `${name} ${reason}` : name));
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
  const add = (input: object = {}) =>
    cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: MAIN }, sub: { url: SUB }, ...input }));
  const sub = () => cameras.get(1)?.state.sub;
  return { clock, engine, log, cameras, store, add, states, sub };
}

async function ready(input: object = {}) {
  const world = setUp();
  await world.cameras.start(never);
  await world.add(input);
  return world;
}

async function refusal(promise: Promise<unknown>): Promise<NvrError> {
  const error = await promise.then(
    () => undefined,
    reason => reason,
  );
  assert.instance(error, NvrError);
  return error;
}

test('the sub stream is connected while anybody needs it, with the login of the camera', async () => {
  const { engine, cameras, sub, states } = await ready({ username: 'u', password: 'p', audio: false });
  engine.link(1, 'live');
  assert.equal([engine.subs.size, sub()?.name], [0, 'idle']);
  const first = cameras.need(1, 'sub');
  const second = cameras.need(1, 'sub');
  const settings = engine.subs.get(1);
  assert.equal(
    [settings?.urls, settings?.username, settings?.password, settings?.audio, settings?.ringMaxBytes],
    [[SUB], 'u', 'p', false, 2 * 1024 * 1024],
  );
  engine.link(1, 'live', undefined, { stream: 'sub' });
  engine.described(1, 'sub', 'h264');
  assert.equal([sub()?.name, sub()?.codec, sub()?.width, sub()?.reason], ['live', 'h264', 640, undefined]);
  first();
  first();
  assert.is(engine.subs.size, 1, 'the other one still needs it');
  second();
  await settle();
  assert.is(engine.subs.size, 0);
  assert.equal([sub()?.name, sub()?.codec, sub()?.bitrateBps], ['idle', 'h264', 0]);
  assert.equal(states, ['live']);
  cameras.need(1, 'main')();
  cameras.need(77, 'sub')();
  assert.is(engine.streams.size, 1);
});

test('main goes first, and sub makes room when main is turned away', async () => {
  const { engine, cameras, sub } = await ready();
  cameras.need(1, 'sub');
  assert.equal([engine.subs.size, sub()?.name], [0, 'starting']);
  engine.link(1, 'connecting');
  assert.is(engine.subs.size, 0);
  engine.link(1, 'live');
  assert.is(engine.subs.size, 1);
  engine.link(1, 'waiting', 'closed');
  engine.link(1, 'connecting');
  assert.is(engine.subs.size, 1, 'it goes on while main is gone');
  for (const reason of ['busy', 'server-error', 'unauthorized'] as const) {
    engine.link(1, 'waiting', reason);
    await settle();
    assert.equal([engine.subs.size, sub()?.name], [0, 'starting']);
    engine.link(1, 'connecting');
    assert.is(engine.subs.size, 0);
    engine.link(1, 'live');
    assert.is(engine.subs.size, 1);
  }
});

test('a main that cannot be had does not keep sub waiting', async () => {
  const { engine, cameras } = await ready();
  cameras.need(1, 'sub');
  engine.link(1, 'waiting', 'not-found');
  assert.is(engine.subs.size, 1);
});

test('the trouble of sub is neither that of main nor of the camera', async () => {
  const { engine, cameras, sub, states } = await ready();
  engine.link(1, 'live');
  cameras.need(1, 'sub');
  engine.link(1, 'waiting', 'unauthorized', { stream: 'sub', retryAtMs: 5, message: 'Nonce.' });
  const { name, reason, message, cure, retryAtMs } = sub() ?? {};
  assert.equal([name, reason, message, retryAtMs], ['failed', 'unauthorized', 'Nonce.', 5]);
  assert.match(cure ?? '', 'Enter');
  assert.equal([cameras.get(1)?.state.name, cameras.get(1)?.state.reason], ['live', undefined]);
  assert.equal(states, ['live']);
});

test('each stream has files and plans of its own', async () => {
  const { engine, cameras, clock } = await ready();
  engine.link(1, 'live');
  cameras.need(1, 'sub');
  await cameras.setRecording(1, 'sub', PLAN);
  assert.equal([engine.streams.get(1)?.record, engine.subs.get(1)?.record], [false, true]);
  await cameras.setRecording(1, 'main', PLAN);
  engine.open.set(1, { startMs: 1, clockGen: 0, path: '1/x-main.mp4', endMs: 2, sizeBytes: 3, codecs: '' });
  await cameras.setRecording(1, 'sub', null);
  assert.equal([engine.streams.get(1)?.record, engine.subs.get(1)?.record], [true, false]);
  const file = { camera: 1, stream: 'sub', startMs: 1, clockGen: 0, path: '1/x-sub.mp4' } as const;
  await cameras.setRecording(1, 'sub', PLAN);
  engine.emit({ type: 'segment-opened', ...file });
  let done = false;
  const ended = cameras.setRecording(1, 'sub', null).then(() => (done = true));
  await clock.advance(200);
  assert.is(done, false);
  engine.emit({ type: 'segment-closed', ...file, endMs: 2, sizeBytes: 3, endReason: 'mode', codecs: '' });
  await clock.advance(50);
  await ended;
});

test('a sub stream comes, changes and goes by PATCH; main does not notice', async () => {
  const { engine, cameras, sub, store } = await ready({ sub: null });
  engine.link(1, 'live');
  assert.is(sub(), undefined);
  cameras.need(1, 'sub');
  assert.is(engine.subs.size, 0);
  await cameras.update(1, { sub: { url: SUB } });
  assert.equal([engine.subs.get(1)?.urls, sub()?.name], [[SUB], 'starting']);
  engine.described(1, 'sub', 'h264');
  await cameras.update(1, { sub: { url: 'rtsp://10.0.0.2/other', fallbackUrls: [SUB] } });
  assert.equal([engine.subs.get(1)?.urls, sub()?.codec], [['rtsp://10.0.0.2/other', SUB], undefined]);
  await cameras.update(1, { sub: null });
  assert.equal([engine.subs.size, sub(), 'sub' in (store.records.get(1) ?? {})], [0, undefined, false]);
  assert.is(
    engine.history.filter(({ stream }) => stream === 'main').every(({ urls }) => urls[0] === MAIN),
    true,
  );
  assert.is(cameras.get(1)?.state.name, 'live');
});

test('disabling, removing and stopping end both streams for good', async () => {
  const { engine, cameras, sub } = await ready();
  engine.link(1, 'live');
  const release = cameras.need(1, 'sub');
  await cameras.update(1, { enabled: false });
  assert.equal([engine.streams.size, engine.subs.size, sub()?.name], [0, 0, 'disabled']);
  await cameras.update(1, { enabled: true });
  engine.link(1, 'live');
  assert.is(engine.subs.size, 1, 'it is still needed');
  const other = cameras.need(1, 'sub');
  await cameras.remove(1);
  other();
  release();
  await settle();
  assert.equal([engine.streams.size, engine.subs.size], [0, 0]);

  const second = await ready();
  second.engine.link(1, 'live');
  const need = second.cameras.need(1, 'sub');
  await second.cameras.stop();
  const before = second.engine.history.length;
  need();
  second.cameras.need(1, 'sub');
  await settle();
  assert.equal([second.engine.history.length, second.engine.subs.size], [before, 1], 'the engine ends it by itself');
});

test('needed again while it is being let go: it stays', async () => {
  const { engine, cameras, sub } = await ready();
  engine.link(1, 'live');
  const release = cameras.need(1, 'sub');
  engine.link(1, 'live', undefined, { stream: 'sub' });
  release();
  cameras.need(1, 'sub');
  await settle();
  assert.is(sub()?.name, 'starting');
  engine.link(1, 'live', undefined, { stream: 'sub' });
  assert.is(sub()?.name, 'live');
});

test('without go2rtc, what takes it is refused by field, with a cure', async () => {
  const { cameras, add, engine } = await ready();
  const main = (more: object) => ({ main: { url: MAIN, ...more } });
  const cases: [string, object][] = [
    ['main.transport', main({ transport: 'udp' })],
    ['main.transport', main({ transport: 'http' })],
    ['sub.transport', { sub: { url: SUB, transport: 'tls' } }],
    ['main.url', main({ url: 'rtsps://10.0.0.2/main' })],
    ['sub.url', { sub: { url: 'http://10.0.0.2/flv' } }],
    ['main.url', main({ fallbackUrls: ['rtmp://10.0.0.2/'] })],
  ];
  for (const [field, input] of cases) {
    for (const refused of [refusal(add(input)), refusal(cameras.update(1, input))]) {
      const error = await refused;
      assert.equal([error.kind, error.field], ['invalid-argument', field], field);
      assert.match(`${error.message} ${error.cure}`, 'takes go2rtc');
    }
  }
  assert.equal([cameras.list().length, engine.streams.size], [1, 1]);
  await cameras.update(1, { hub: 'direct' });
  assert.is(cameras.get(1)?.hub, 'direct');
});

test('a stored camera that takes go2rtc is a failed one with a cure, and can be changed', async () => {
  const first = await ready();
  const record = first.store.records.get(1);
  if (record) record.main.transport = 'udp';
  const { cameras, engine, clock } = setUp(first.store);
  await cameras.start(never);
  await clock.advance(200);
  assert.equal([engine.streams.size, cameras.unreadable.length], [0, 0]);
  const { name, reason, message, cure } = cameras.get(1)?.state ?? {};
  assert.equal([name, reason, cure], ['failed', 'hub', 'Use tcp, or set "hub" to auto.']);
  assert.match(message ?? '', 'takes go2rtc');
  await cameras.update(1, { name: 'Gate' });
  assert.equal((await refusal(cameras.update(1, { main: { url: 'rtsp://10.0.0.9/' } }))).field, 'main.transport');
  const mended = await cameras.update(1, { main: { transport: 'tcp' } });
  assert.equal([mended.state.name, mended.state.reason, engine.streams.size], ['starting', undefined, 1]);
});

test('the direct hub passes plain RTSP on, and lifts the loopback rule for what is ours', () => {
  const source: StreamSource = {
    ...{ url: MAIN, transport: 'tcp', fallbackUrls: [SUB], username: 'u', password: 'p', ours: false },
  };
  const expected: Route = { able: true, urls: [MAIN, SUB], username: 'u', password: 'p', allowLoopback: false };
  const hub = new DirectHub({ allowLoopback: false });
  const key: StreamKey = { camera: 1, stream: 'main' };
  assert.equal(hub.route(key, source), expected);
  assert.equal(hub.route(key, { ...source, ours: true }), { ...expected, allowLoopback: true });
  assert.equal(new DirectHub({ allowLoopback: true }).route(key, source), { ...expected, allowLoopback: true });
  const foreign = hub.route(key, { ...source, fallbackUrls: ['rtsps://10.0.0.2/'] });
  assert.equal([foreign.able, (foreign as NoRoute).field], [false, 'url']);
});

test('another hub: its way, its words, and its changes are taken over', async () => {
  let route: Route | NoRoute = { able: false, message: 'The helper is starting.', cure: 'Wait.' };
  let changed = () => {};
  let listening = true;
  const asked: StreamSource[] = [];
  const hub: Hub = {
    refusal: () => undefined,
    route: (_key, source) => {
      asked.push(source);
      return route;
    },
    leave: () => undefined,
    failed: () => undefined,
    onChange: listener => {
      changed = listener;
      return () => {
        listening = false;
      };
    },
  };
  const { cameras, add, engine, states } = setUp(new FakeStore(), hub);
  await cameras.start(never);
  const camera = await add({ username: 'u', password: 'p' });
  assert.equal(
    [camera.state.reason, camera.state.message, camera.state.cure],
    ['hub', 'The helper is starting.', 'Wait.'],
  );
  assert.equal([asked.at(-1)?.url, asked.at(-1)?.username, asked.at(-1)?.password], [MAIN, 'u', 'p']);
  route = { able: true, urls: ['rtsp://127.0.0.1:9000/x'], username: 'a', password: 'b', allowLoopback: true };
  changed();
  await settle();
  const settings = engine.streams.get(1);
  assert.equal(
    [settings?.urls, settings?.username, settings?.password, settings?.allowLoopback],
    [['rtsp://127.0.0.1:9000/x'], 'a', 'b', true],
  );
  engine.link(1, 'live');
  changed();
  await settle();
  assert.is(cameras.get(1)?.state.name, 'live', 'the same way again interrupts nothing');
  route = { able: false, message: 'The helper is gone.', cure: 'Wait.' };
  changed();
  await settle();
  assert.equal([engine.streams.size, states], [0, ['failed hub', 'starting', 'live', 'failed hub']]);
  await cameras.stop();
  assert.is(listening, false);
});

test.run();
