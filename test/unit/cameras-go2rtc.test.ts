// Cameras behind go2rtc: which go there, what becomes of them while it is away, and what is known of their troubles.
import * as assert from 'uvu/assert';
import { newCameraSchema } from '../../src/cameras/camera-schema.ts';
import { Cameras, ChosenHub, DirectHub, Go2rtcHub, Prober } from '../../src/cameras/index.ts';
import { EventBus, type HubMode, NvrError, parseInput } from '../../src/core/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { FakeWayProcess } from '../support/fake-way-process.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras behind go2rtc');

const MAIN = 'rtsps://10.0.0.2:322/main';
const TRACKS = '?video=h264,h265&audio=aac,opus,pcma,pcmu';
const never = new AbortController().signal;

function setUp(choice: HubMode = 'auto', names: Record<string, string[]> = {}, store = new FakeStore()) {
  const allowLoopback = false;
  const clock = new FakeClock();
  const engine = new FakeEngine();
  const process = new FakeWayProcess();
  const log = fakeLog();
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    const found = names[host];
    if (!found) throw new Error('ENOTFOUND');
    return found;
  };
  const go2rtc = new Go2rtcHub({ process, allowLoopback, clock, log: log.logger, resolve });
  const hub = new ChosenHub({ choice, direct: new DirectHub({ allowLoopback }), go2rtc });
  const states: string[] = [];
  const bus = new EventBus(error => {
    throw error;
  });
  bus.on('camera.state', ({ name, reason }) => states.push(reason ? `${name} ${reason}` : name));
  const cameras = new Cameras({
    ...{ store, engine, hub, bus, log: log.logger, clock, allowLoopback },
    ownPorts: () => [],
  });
  const add = (input: object = {}) =>
    cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: MAIN }, ...input }));
  return { clock, engine, process, cameras, store, hub, add, states, asked, log, state: () => cameras.get(1)?.state };
}

async function ready(input: object = {}, ...how: Parameters<typeof setUp>) {
  const world = setUp(...how);
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

test('auto: plain RTSP goes directly, everything else through go2rtc, and the camera may say otherwise', async () => {
  const { cameras, add, engine, process } = setUp();
  await cameras.start(never);
  const plain = { main: { url: 'rtsp://10.0.0.3/a' } };
  await add(plain);
  await add();
  await add({ main: { url: 'rtsp://10.0.0.4/a', transport: 'udp' }, username: 'u', password: 'p@' });
  await add({ ...plain, hub: 'go2rtc' });
  const shown = [1, 2, 3, 4].map(id => [engine.streams.get(id)?.urls[0], engine.streams.get(id)?.hub ?? false]);
  assert.equal(shown, [
    ['rtsp://10.0.0.3/a', false],
    [`rtsp://127.0.0.1:9000/th-2-main${TRACKS}`, true],
    [`rtsp://127.0.0.1:9000/th-3-main${TRACKS}`, true],
    [`rtsp://127.0.0.1:9000/th-4-main${TRACKS}`, true],
  ]);
  const third = engine.streams.get(3);
  assert.equal([third?.username, third?.password, third?.allowLoopback], ['', '', true], 'the login is in the source');
  assert.equal(process.held, [
    'th-2-main rtsps://10.0.0.2:322/main#backchannel=0',
    'th-3-main rtsp://u:p%40@10.0.0.4/a#backchannel=0#transport=udp',
    'th-4-main rtsp://10.0.0.3/a#backchannel=0',
  ]);
  await cameras.update(4, { hub: null });
  assert.equal([engine.streams.get(4)?.hub, process.held.length], [undefined, 2], 'back to the direct way');
});

test('--hub go2rtc and --hub direct are what cameras do that say nothing', async () => {
  const all = await ready({ main: { url: 'rtsp://10.0.0.2/main' } }, 'go2rtc');
  assert.is(all.engine.streams.get(1)?.hub, true);
  const { cameras, add } = setUp('direct');
  await cameras.start(never);
  const error = await refusal(add());
  assert.equal([error.kind, error.field], ['invalid-argument', 'main.url']);
  assert.match(error.cure ?? '', 'set "hub" to auto');
  await add({ hub: 'auto' });
});

test('what go2rtc cannot reach is refused by field, with a cure', async () => {
  const { cameras, add, process } = setUp();
  await cameras.start(never);
  const cases: [string, object][] = [
    ['main.transport', { main: { url: 'rtsp://10.0.0.2/', transport: 'http' } }],
    ['main.url', { main: { url: 'rtsps://10.0.0.2/x#audio=1' } }],
    ['sub.transport', { sub: { url: 'rtmp://10.0.0.2/', transport: 'udp' } }],
    ['main.url', { main: { url: 'rtsps://10.0.0.2/x', fallbackUrls: ['http://10.0.0.2/$'] } }],
  ];
  for (const [field, input] of cases) {
    const error = await refusal(add(input));
    assert.equal([error.kind, error.field, (error.cure ?? '') !== ''], ['invalid-argument', field, true], field);
  }
  assert.equal([cameras.list().length, process.claims.length], [0, 0]);
});

test('while go2rtc starts a camera waits, without it the camera has failed and says what to do', async () => {
  const world = setUp();
  world.process.words = { name: 'starting', message: 'go2rtc is starting', cure: 'Wait a moment.' };
  await world.cameras.start(never);
  await world.add();
  assert.equal([world.state()?.name, world.state()?.reason], ['starting', 'hub']);
  assert.is(world.state()?.message, 'go2rtc is starting.');
  assert.is(world.engine.streams.size, 0);
  world.process.become('absent', { message: 'There is no go2rtc on this machine', cure: 'Install it.' });
  await settle();
  assert.equal([world.state()?.name, world.state()?.cure], ['failed', 'Install it.']);
  world.process.become('ready');
  await settle();
  assert.equal([world.state()?.name, world.engine.streams.get(1)?.hub], ['starting', true]);
  world.engine.link(1, 'live');
  assert.is(world.state()?.name, 'live');
});

test('go2rtc restarts: the stream keeps what it has, shows why, and goes on at the new address', async () => {
  const { engine, process, state, states } = await ready();
  engine.link(1, 'live');
  engine.link(1, 'waiting', 'hub', { message: 'go2rtc does not answer.' });
  assert.equal([state()?.name, state()?.reason], ['reconnecting', 'hub']);
  process.become('restarting', { message: 'go2rtc ended', cure: 'Wait' });
  await settle();
  assert.equal([engine.streams.get(1)?.urls, engine.removed], [[], []], 'no way, and nothing is thrown away');
  assert.equal([state()?.name, state()?.message, state()?.cure], ['reconnecting', 'go2rtc ended.', 'Wait.']);
  engine.link(1, 'waiting', 'closed');
  assert.is(state()?.reason, 'hub', 'what the session says on its way out is no news');
  process.port = 9001;
  process.become('ready');
  await settle();
  assert.equal(engine.streams.get(1)?.urls, [`rtsp://127.0.0.1:9001/th-1-main${TRACKS}`]);
  engine.link(1, 'connecting');
  engine.link(1, 'live');
  assert.equal(states, ['live', 'reconnecting hub', 'live']);
});

test('a stream that is set aside has failed; one that is closed for a moment keeps what it has', async () => {
  const { engine, process, state } = await ready();
  engine.link(1, 'live');
  process.last.problem = { message: 'It is opened anew', cure: 'Wait', refused: true, passing: true };
  process.change();
  await settle();
  assert.equal([engine.streams.get(1)?.urls, engine.removed], [[], []]);
  assert.equal([state()?.name, state()?.message], ['reconnecting', 'It is opened anew.']);
  delete process.last.problem;
  process.change();
  await settle();
  assert.equal([engine.streams.get(1)?.urls.length, engine.removed], [1, []]);
  engine.link(1, 'live');
  process.last.problem = { message: 'It was set aside', cure: 'Choose another', refused: true };
  process.change();
  await settle();
  assert.equal([state()?.name, state()?.message, engine.streams.size], ['failed', 'It was set aside.', 0]);
});

test('recording goes on being wanted while there is no way', async () => {
  const { cameras, engine, process } = await ready();
  process.become('restarting');
  await settle();
  await cameras.setRecording(1, 'main', { segmentMs: 60_000, rotationOffsetMs: 0 });
  assert.equal([engine.streams.get(1)?.urls, engine.streams.get(1)?.record], [[], true]);
  process.become('ready');
  await settle();
  assert.equal([engine.streams.get(1)?.urls.length, engine.streams.get(1)?.record], [1, true]);
});

test('what go2rtc knows of a source is shown, and it is asked to look again, not too often', async () => {
  const { engine, process, state, clock } = await ready();
  process.last.problem = { message: 'The camera does not answer', cure: 'Check its address', fault: 'timeout' };
  engine.link(1, 'waiting', 'unreachable');
  assert.equal(
    [state()?.reason, state()?.message, state()?.cure],
    ['timeout', 'The camera does not answer.', 'Check its address.'],
  );
  engine.link(1, 'waiting', 'unreachable');
  assert.is(process.last.renewals, 1);
  await clock.advance(10_000);
  engine.link(1, 'waiting', 'stalled');
  assert.is(process.last.renewals, 2);
  process.last.problem = { message: 'No video', cure: 'Set it', fault: 'other-codecs' };
  engine.link(1, 'waiting', 'unreachable');
  assert.equal([state()?.name, state()?.reason], ['failed', 'unsupported-codec']);
});

test('a refused login is tried after 5 minutes, then each half hour, and not by go2rtc in between', async () => {
  const { engine, process, state, clock } = await ready({ username: 'u', password: 'wrong' });
  const refuse = async () => {
    process.last.problem = { message: 'The camera refuses the login', cure: 'Check it', fault: 'unauthorized' };
    engine.link(1, 'waiting', 'unreachable');
    await settle();
    assert.equal([state()?.name, state()?.reason, engine.streams.size], ['failed', 'unauthorized', 0]);
    assert.equal(process.held, [], 'go2rtc has no reason to ask the camera');
  };
  await refuse();
  await clock.advance(299_000);
  assert.is(process.held.length, 0);
  await clock.advance(2000);
  assert.equal([process.held.length, engine.streams.size], [1, 1]);
  await refuse();
  await clock.advance(1_799_000);
  assert.is(process.held.length, 0);
  await clock.advance(2000);
  assert.is(process.held.length, 1);
  await clock.advance(1_800_000);
  await refuse();
  await clock.advance(301_000);
  assert.is(process.held.length, 1, 'after half an hour in which all was well it is the first time again');
});

test('fallback addresses are tried in turn, one source at a time', async () => {
  const { engine, process } = await ready({ main: { url: MAIN, fallbackUrls: ['http://10.0.0.2/flv'] } });
  const sources = () => process.held.map(one => one.split(' ')[1]);
  assert.equal(sources(), ['rtsps://10.0.0.2:322/main#backchannel=0']);
  for (const problem of ['closed', 'hub', 'stalled'] as const) engine.link(1, 'waiting', problem);
  assert.equal(sources(), ['rtsps://10.0.0.2:322/main#backchannel=0'], 'it was not its fault');
  engine.link(1, 'waiting', 'unreachable');
  assert.equal(sources(), ['http://10.0.0.2/flv']);
  engine.link(1, 'waiting', 'unreachable');
  assert.equal(sources(), ['rtsps://10.0.0.2:322/main#backchannel=0']);
});

test('names are looked up by us, judged, and handed on as addresses', async () => {
  const names: Record<string, string[]> = {
    'cam.lan': ['10.0.0.7'],
    'evil.lan': ['127.0.0.1'],
    'tls.lan': ['10.0.0.8'],
  };
  const { cameras, add, process, clock, asked } = setUp('go2rtc', names);
  await cameras.start(never);
  const first = await add({ main: { url: 'rtsp://cam.lan/x' } });
  assert.is(first.state.name, 'starting');
  await settle();
  assert.equal(process.held, ['th-1-main rtsp://10.0.0.7/x#backchannel=0']);
  await add({ main: { url: 'rtsp://evil.lan/x' } });
  await add({ main: { url: 'rtsps://tls.lan/x' } });
  await add({ main: { url: 'rtsp://nowhere.lan/x' } });
  await settle();
  const reasons = [2, 3, 4].map(id => cameras.get(id)?.state.reason);
  assert.equal(reasons, ['address-forbidden', undefined, 'unknown-host']);
  assert.ok(process.held.includes('th-3-main rtsps://tls.lan/x#backchannel=0'), 'its certificate names it');
  assert.is(process.held.filter(one => one.startsWith('th-2') || one.startsWith('th-4')).length, 0);
  names['nowhere.lan'] = ['10.0.0.9'];
  await clock.advance(5000);
  await settle();
  assert.ok(process.held.includes('th-4-main rtsp://10.0.0.9/x#backchannel=0'));
  assert.is(asked.filter(host => host === 'cam.lan').length, 1);
});

test('a name that leads elsewhere after a while is followed, and one that turns inward is not', async () => {
  const names: Record<string, string[]> = { 'cam.lan': ['10.0.0.7'] };
  const { engine, process, clock, state } = await ready({ main: { url: 'rtsp://cam.lan/x' } }, 'go2rtc', names);
  await settle();
  names['cam.lan'] = ['10.0.0.17'];
  engine.link(1, 'waiting', 'unreachable');
  await settle();
  assert.is(process.held.length, 1, 'not within a minute');
  await clock.advance(60_000);
  engine.link(1, 'waiting', 'unreachable');
  await settle();
  assert.equal(process.held, ['th-1-main rtsp://10.0.0.17/x#backchannel=0']);
  names['cam.lan'] = ['169.254.1.1'];
  await clock.advance(60_000);
  engine.link(1, 'waiting', 'unreachable');
  await settle();
  assert.equal([process.held, state()?.reason], [[], 'address-forbidden']);
  names['cam.lan'] = ['10.0.0.17'];
  await clock.advance(60_000);
  await settle();
  assert.equal(process.held, ['th-1-main rtsp://10.0.0.17/x#backchannel=0'], 'it is looked up again');
});

test('addresses of this machine are refused behind go2rtc as well', async () => {
  const before = await ready({}, 'go2rtc');
  assert.is((await refusal(before.add({ main: { url: 'rtsp://127.0.0.1/x' } }))).field, 'main.url');
  const record = before.store.records.get(1);
  if (record) record.main.url = 'rtsps://[::1]/x';
  const { cameras, process, clock } = setUp('go2rtc', {}, before.store);
  await cameras.start(never);
  await clock.advance(200);
  assert.equal([cameras.get(1)?.state.reason, process.held], ['address-forbidden', []]);
});

test('whoever is disabled, removed or goes another way leaves no source behind', async () => {
  const { cameras, process, hub } = await ready({ sub: { url: 'rtsps://10.0.0.2:322/sub' } });
  const release = cameras.need(1, 'sub');
  await settle();
  assert.is(process.held.length, 1, 'main first');
  await cameras.update(1, { enabled: false });
  assert.is(process.held.length, 0);
  await cameras.update(1, { enabled: true, main: { url: 'http://10.0.0.2/other' } });
  assert.equal(process.held, ['th-1-main http://10.0.0.2/other']);
  release();
  await cameras.remove(1);
  assert.is(process.held.length, 0);
  assert.is(hub.failed({ camera: 1, stream: 'main' }, 'hub'), undefined);
  await cameras.stop();
  assert.is(process.listeners, 0);
});

test('a source that go2rtc refuses is a failed camera with its words', async () => {
  const world = setUp();
  await world.cameras.start(never);
  world.process.refusal = new NvrError('invalid-argument', 'The address is taken', { cure: 'Write another' });
  await world.add();
  assert.equal(
    [world.state()?.name, world.state()?.message, world.state()?.cure],
    ['failed', 'The address is taken.', 'Write another.'],
  );
});

test('a camera is tried through go2rtc: waits for it, tells what it knows, and leaves', async () => {
  const { clock, engine, hub, process, log } = setUp();
  const prober = new Prober({
    ...{ engine, clock, hub, log: log.logger, allowLoopback: false, ownPorts: () => [] },
    keyPicture: () => Promise.reject(new Error('none')),
  });
  process.words = { name: 'starting' };
  const failing = prober.probe({ url: MAIN });
  await settle();
  assert.is(engine.streams.size, 0);
  process.become('ready');
  await settle();
  const [id = 0] = engine.streams.keys();
  assert.equal(engine.streams.get(id)?.urls, [`rtsp://127.0.0.1:9000/th-${id}-main${TRACKS}`]);
  process.last.problem = { message: 'The camera refuses the login', cure: 'Check it', fault: 'unauthorized' };
  engine.link(id, 'waiting', 'unreachable');
  await clock.advance(300);
  assert.equal((await failing).problem, {
    kind: 'unauthorized',
    message: 'The camera refuses the login.',
    cure: 'Check it.',
  });
  assert.equal([process.held, engine.streams.size], [[], 0]);
  process.become('absent', { message: 'There is no go2rtc', cure: 'Install it' });
  const error = await refusal(prober.probe({ url: MAIN }));
  assert.equal([error.kind, error.message, error.cure], ['unavailable', 'There is no go2rtc', 'Install it.']);
  assert.is((await refusal(prober.probe({ url: `${MAIN}#x` }))).field, 'url');
});

test.run();
