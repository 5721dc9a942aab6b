import * as assert from 'uvu/assert';
import { DirectHub, Prober } from '../../src/cameras/index.ts';
import { FIRST_PROBE_ID, type ProberOptions } from '../../src/cameras/probe.ts';
import { NvrError } from '../../src/core/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('camera probe');

const NO_PICTURE = () => Promise.reject(new NvrError('not-found', 'no keyframe'));

function setUp(keyPicture: ProberOptions['keyPicture'] = NO_PICTURE) {
  const engine = new FakeEngine();
  const clock = new FakeClock();
  const hub = new DirectHub({ allowLoopback: false });
  return {
    engine,
    clock,
    prober: new Prober({
      engine,
      clock,
      hub,
      ownPorts: () => [],
      log: fakeLog().logger,
      allowLoopback: false,
      keyPicture,
    }),
  };
}

function parameters(camera: number) {
  const video = { codec: 'h264' as const, codecString: 'avc1.64001e', width: 704, height: 480, fps: 0 };
  return { type: 'parameters' as const, camera, stream: 'main' as const, video, audioLeftOut: 'PCMA' };
}

test('a camera that works is described, with measured figures, and let go', async () => {
  const { engine, clock, prober } = setUp();
  const result = prober.probe({ url: 'rtsp://me:se%20cret@10.0.0.2/a' });
  await settle();
  const asked = engine.streams.get(FIRST_PROBE_ID);
  assert.equal([asked?.urls, asked?.username, asked?.password], [['rtsp://10.0.0.2/a'], 'me', 'se cret']);
  assert.is(asked?.record, false);
  engine.emit(parameters(FIRST_PROBE_ID));
  engine.figures.set(FIRST_PROBE_ID, { fps: 24.996, bitrateBps: 2_000_000.4 });
  await clock.advance(3000);
  const stream = { codec: 'h264', width: 704, height: 480, fps: 25, bitrateBps: 2_000_000, audioLeftOut: 'PCMA' };
  assert.equal(await result, { ok: true, streams: [stream] });
  assert.equal(engine.removed, [FIRST_PROBE_ID]);
  assert.equal([engine.listeners, clock.pending], [0, 0]);
});

test('what the camera sees comes with it, unless making the picture takes too long', async () => {
  let asked: Parameters<ProberOptions['keyPicture']>[0] | undefined;
  const quick = setUp(async request => {
    asked = request;
    return { jpeg: Buffer.from('seen') };
  });
  const seen = quick.prober.probe({ url: 'rtsp://10.0.0.2/a' });
  await settle();
  quick.engine.emit(parameters(FIRST_PROBE_ID));
  await quick.clock.advance(3000);
  assert.is((await seen).picture, Buffer.from('seen').toString('base64'));
  assert.equal([asked?.camera, asked?.isWanted(), quick.clock.pending], [FIRST_PROBE_ID, false, 0]);

  const slow = setUp(() => new Promise(() => {}));
  const unseen = slow.prober.probe({ url: 'rtsp://10.0.0.2/a' });
  await settle();
  slow.engine.emit(parameters(FIRST_PROBE_ID));
  await slow.clock.advance(2500);
  await slow.clock.advance(1000);
  const { ok, picture } = await unseen;
  assert.equal([ok, picture, slow.engine.removed, slow.clock.pending], [true, undefined, [FIRST_PROBE_ID], 0]);
});

test('a problem is told in the words and kinds of the API, once', async () => {
  const { engine, clock, prober } = setUp();
  const result = prober.probe({ url: 'rtsp://10.0.0.2/a', username: 'me', password: 'wrong' });
  await settle();
  engine.link(7, 'waiting', 'refused');
  engine.link(FIRST_PROBE_ID, 'connecting');
  engine.link(FIRST_PROBE_ID, 'waiting', 'unauthorized');
  const { ok, problem } = await result;
  assert.equal([ok, problem?.kind], [false, 'unauthorized']);
  assert.ok(problem?.message && problem.cure);
  assert.equal([engine.removed, engine.listeners, clock.pending], [[FIRST_PROBE_ID], 0, 0]);
});

test('a camera that says nothing is a time-out, and ten seconds are enough to take leave of it', async () => {
  const { clock, prober } = setUp();
  const result = prober.probe({ url: 'rtsp://10.0.0.2/a' });
  await clock.advance(9400);
  let done = false;
  background(result.then(() => (done = true)));
  await settle();
  assert.is(done, false);
  await clock.advance(200);
  assert.is((await result).problem?.kind, 'timeout');
});

test('a camera with a keyframe a minute is not told to have said nothing', async () => {
  const { engine, clock, prober } = setUp();
  const result = prober.probe({ url: 'rtsp://10.0.0.2/a' });
  await settle();
  engine.figures.set(FIRST_PROBE_ID, { lastPacketMs: clock.nowMs() });
  await clock.advance(9600);
  const { problem } = await result;
  assert.is(problem?.kind, 'timeout');
  assert.match(problem?.cure ?? '', /key frame interval/);
});

test('five at a time are one too many, and wrong addresses are refused before anything is asked', async () => {
  const { engine, clock, prober } = setUp();
  const four = [1, 2, 3, 4].map(n => prober.probe({ url: `rtsp://10.0.0.${n}/` }));
  await settle();
  const refused = await prober.probe({ url: 'rtsp://10.0.0.5/' }).catch(error => error);
  assert.instance(refused, NvrError);
  assert.is(refused.kind, 'unavailable');
  const forbidden = await prober.probe({ url: 'rtsp://127.0.0.1/' }).catch(error => error);
  assert.equal([forbidden.kind, forbidden.field], ['invalid-argument', 'url']);
  assert.is(engine.history.length, 4);
  await clock.advance(11_000);
  await Promise.all(four);
  const again = prober.probe({ url: 'rtsp://10.0.0.5/' });
  await clock.advance(11_000);
  assert.is((await again).problem?.kind, 'timeout');
});

function background(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}

test.run();
