// Sessions of browsers over WebRTC: how many there may be, whose they are, what they hold, and when they end.
import * as assert from 'uvu/assert';
import { spokenAddress } from '../../src/cameras/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { KEEP_MS } from '../../src/webrtc/index.ts';
import { MOST_OF_CAMERA, MOST_OF_USER, MOST_PEERS } from '../../src/webrtc/peers.ts';
import { talkSource } from '../../src/webrtc/talk-source.ts';
import { suite } from '../support/suite.ts';
import { answerTo, offer, shownCamera, talkOffer, WebRtcWorld } from '../support/webrtc-world.ts';

const test = suite('sessions of webrtc');

async function refusal(task: Promise<unknown>): Promise<NvrError> {
  try {
    await task;
  } catch (error) {
    assert.instance(error, NvrError);
    return error as NvrError;
  }
  return assert.unreachable('it was not refused') as never;
}

const claims = (world: WebRtcWorld) => [...world.go2rtc.claimed.keys()];

test('a session has a stream of its own, from a source of its own, and gives both back', async () => {
  const world = new WebRtcWorld();
  const first = await world.webrtc.watch(1, 'main', offer(), world.visit());
  const second = await world.webrtc.watch(1, 'main', offer(), world.visit());
  assert.equal(
    claims(world),
    ['th-1-view', 'th-1-view-2'],
    'a second one on a running stream would wait for a keyframe',
  );
  assert.is(world.sources.size, 2);
  assert.equal(world.needed, ['1 main', '1 main']);
  assert.match(first.sdp, /candidate:1 1 udp 2130706431 192\.168\.1\.10 8555 typ host/);
  assert.match(first.session, /^[\w-]{22}$/);
  assert.is(first.sound, true);
  world.webrtc.end('view', 1, first.session, 1);
  assert.equal(claims(world), ['th-1-view-2']);
  assert.equal([world.sources.size, world.needed.length], [1, 1]);
  assert.equal(world.ended, [[first.session, 'closed']]);
  assert.is(world.webrtc.figures().viewers, 1);
  world.webrtc.stop();
  assert.equal(world.ended.at(-1), [second.session, 'stopping']);
  assert.equal([world.sources.size, claims(world).length, world.clock.pending], [0, 0, 0]);
});

test('names are used again when nobody holds on to them', async () => {
  const world = new WebRtcWorld();
  const one = await world.webrtc.watch(1, 'main', offer(), world.visit());
  world.webrtc.end('view', 1, one.session, 1);
  await world.webrtc.watch(1, 'main', offer(), world.visit());
  assert.equal(claims(world), ['th-1-view-2'], 'it is not known yet whether the browser has gone');
  await world.clock.advance(8000);
  const again = async () => {
    const { session } = await world.webrtc.watch(1, 'main', offer(), world.visit());
    const name = claims(world).at(-1);
    world.webrtc.end('view', 1, session, 1);
    return name;
  };
  assert.is(await again(), 'th-1-view-3', 'the first browser is there still');
  world.go2rtc.consumers.set('th-1-view', 0);
  assert.is(await again(), 'th-1-view');
  world.webrtc.stop();
});

test('sessions of others are not found, nor of other cameras or kinds', async () => {
  const world = new WebRtcWorld();
  const { session } = await world.webrtc.watch(1, 'main', offer(), world.visit());
  const tries = [
    () => world.webrtc.end('view', 1, session, 2),
    () => world.webrtc.end('view', 2, session, 1),
    () => world.webrtc.end('talk', 1, session, 1),
    () => world.webrtc.end('view', 1, `${session}x`, 1),
    () => world.webrtc.end('view', 1, '', 1),
    () => world.webrtc.end('view', 1, '__proto__', 1),
    () => world.webrtc.keep(1, session, 1),
  ];
  for (const attempt of tries) assert.throws(attempt, (error: NvrError) => error.kind === 'not-found');
  assert.is(world.webrtc.figures().viewers, 1);
  world.webrtc.stop();
});

test('there is room for so many of a camera, of a user and in all; what ends makes room', async () => {
  const world = new WebRtcWorld();
  const sessions: string[] = [];
  const watch = async (camera: number, user: number) => {
    const { session } = await world.webrtc.watch(camera, 'main', offer(), world.visit(user));
    sessions.push(session);
  };
  for (let i = 0; i < MOST_OF_USER; i++) await watch((i % 2) + 1, 1);
  const own = await refusal(watch(1, 1));
  assert.equal([own.kind, own.retryAfterS], ['resource-exhausted', 5]);
  for (let i = 0; i < MOST_OF_CAMERA - MOST_OF_USER / 2; i++) await watch(1, 2);
  assert.match((await refusal(watch(1, 3))).message, /this camera/);
  while (sessions.length < MOST_PEERS) await watch(2, 3);
  world.cameras.set(3, shownCamera());
  world.addresses.set(3, { url: 'rtsp://10.0.0.3/', username: '', password: '', ours: false });
  assert.match((await refusal(watch(3, 4))).message, /16 browsers/);
  world.webrtc.end('view', 1, sessions[0] as string, 1);
  await watch(3, 4);
  assert.is(world.webrtc.figures().viewers, MOST_PEERS);
  world.webrtc.stop();
});

test('few answers are under way at a time, and those count', async () => {
  const world = new WebRtcWorld();
  const waiting: (() => void)[] = [];
  world.go2rtc.reply = text => new Promise(resolve => waiting.push(() => resolve(answerTo(text))));
  const begun = [1, 2, 3, 4].map(user => world.webrtc.watch(1, 'main', offer(), world.visit(user)));
  await world.clock.advance(0);
  assert.match((await refusal(world.webrtc.watch(1, 'main', offer(), world.visit(5)))).message, /just beginning/);
  for (const go of waiting) go();
  await Promise.all(begun);
  assert.is(world.webrtc.figures().viewers, 4);
  world.webrtc.stop();
});

test('an answer that does not come is given up, and everything is given back', async () => {
  const world = new WebRtcWorld();
  let given: AbortSignal | undefined;
  world.go2rtc.answer = (_name: string, _offer: string, signal?: AbortSignal) => {
    given = signal;
    return new Promise<string>(() => undefined);
  };
  const late = refusal(world.webrtc.watch(1, 'main', offer(), world.visit()));
  await world.clock.advance(10_000);
  assert.is((await late).kind, 'unavailable');
  assert.is(given?.aborted, true);
  assert.equal([world.sources.size, claims(world).length, world.needed.length], [0, 0, 0]);
  assert.is(world.clock.pending, 0);
  assert.is(world.webrtc.figures().failed, 1);
});

test('a browser that does not wait for its answer leaves nothing behind: the next one talks at once', async () => {
  const world = new WebRtcWorld();
  let given: AbortSignal | undefined;
  const answer = world.go2rtc.answer.bind(world.go2rtc);
  world.go2rtc.answer = (_name: string, _offer: string, signal?: AbortSignal) => {
    given = signal;
    return new Promise<string>(() => undefined);
  };
  const left = refusal(world.webrtc.talk(1, talkOffer(), world.visit()));
  await world.clock.advance(1000);
  assert.is(given?.aborted, false);
  world.closed.add(1);
  await world.clock.advance(200);
  assert.is((await left).kind, 'unavailable');
  assert.is(given?.aborted, true);
  assert.equal([claims(world).length, world.clock.pending, world.webrtc.figures().failed], [0, 0, 0]);
  world.go2rtc.answer = answer;
  // It went while the answer came.
  world.closed.delete(1);
  world.go2rtc.reply = async text => {
    world.closed.add(1);
    return answerTo(text);
  };
  await refusal(world.webrtc.talk(1, talkOffer(), world.visit()));
  assert.equal([world.talks, world.webrtc.figures().begun.talk], [[], 0]);
  await world.webrtc.talk(1, talkOffer(), world.visit(2, 'bob'));
  assert.equal(world.talks, [[1, 'bob']]);
  world.webrtc.stop();
});

test('what go2rtc says is never shown', async () => {
  const world = new WebRtcWorld();
  const text = 'streams: dial tcp 10.0.0.1:554: wrong user/pass rtsp://root:secret@10.0.0.1/live';
  world.go2rtc.reply = () => Promise.reject(new NvrError('unavailable', text, { cure: text }));
  for (const task of [
    world.webrtc.watch(1, 'main', offer(), world.visit()),
    world.webrtc.talk(1, talkOffer(), world.visit()),
  ]) {
    const error = await refusal(task);
    assert.is(error.kind, 'unavailable');
    assert.not.ok(/10\.0|secret|dial|rtsp/.test(`${error.message} ${error.cure}`), error.message);
  }
  world.go2rtc.reply = async () => '<html>';
  assert.not.ok((await refusal(world.webrtc.watch(1, 'main', offer(), world.visit()))).message.includes('html'));
  world.go2rtc.reply = () => Promise.reject(new TypeError('internal'));
  assert.is((await refusal(world.webrtc.watch(1, 'main', offer(), world.visit()))).kind, 'unavailable');
});

test('a browser without the codec hears so before go2rtc is asked', async () => {
  const world = new WebRtcWorld();
  world.cameras.set(1, shownCamera('h265'));
  const error = await refusal(world.webrtc.watch(1, 'main', offer({ video: { codecs: ['h264'] } }), world.visit()));
  assert.equal([error.kind, error.message], ['failed-precondition', 'this browser takes no H.265 over WebRTC']);
  assert.match(error.cure as string, /sub stream/);
  assert.equal([world.go2rtc.offers.length, world.needed.length, world.sources.size], [0, 0, 0]);
  world.cameras.set(1, shownCamera('h264'));
  world.go2rtc.reply = async text => answerTo(text, ['audio']);
  assert.is((await refusal(world.webrtc.watch(1, 'main', offer(), world.visit()))).kind, 'unavailable');
  assert.equal([claims(world).length, world.sources.size], [0, 0], 'sound alone is not what was asked for');
});

test('sound that cannot be carried is told', async () => {
  const world = new WebRtcWorld();
  world.go2rtc.reply = async text => answerTo(text, ['video']);
  assert.is((await world.webrtc.watch(1, 'main', offer(), world.visit())).sound, false);
  world.webrtc.stop();
});

test('a sub stream is waited for, and needed only as long as somebody sees it', async () => {
  const world = new WebRtcWorld();
  const begun = world.webrtc.watch(1, 'sub', offer(), world.visit());
  await world.clock.advance(500);
  assert.equal(world.needed, ['1 sub']);
  const { state } = world.cameras.get(1) as ReturnType<typeof shownCamera>;
  Object.assign(state.sub as object, { name: 'live', codec: 'h264' });
  await world.clock.advance(100);
  const { session } = await begun;
  assert.match([...world.sources][0] as string, /ring\/1\/sub/);
  world.webrtc.end('view', 1, session, 1);
  assert.equal(world.needed, []);
  Object.assign(state.sub as object, { name: 'reconnecting' });
  const late = refusal(world.webrtc.watch(1, 'sub', offer(), world.visit()));
  await world.clock.advance(7000);
  assert.match((await late).message, /no pictures/);
  assert.equal(world.needed, []);
});

test('a session ends with its login, its camera and its go2rtc', async () => {
  const world = new WebRtcWorld();
  const watch = async (camera: number, user: number) =>
    (await world.webrtc.watch(camera, 'main', offer(), world.visit(user))).session;
  const [a, b, c, d] = [await watch(1, 1), await watch(1, 2), await watch(2, 2), await watch(2, 3)];
  world.gone.add(1);
  await world.clock.advance(4000);
  assert.equal(world.ended.splice(0), [[a, 'not-allowed']]);
  world.gone.add(3);
  world.webrtc.look();
  assert.equal(world.ended.splice(0), [[d, 'not-allowed']]);
  world.cameras.delete(1);
  world.bus.emit('camera.removed', { camera: 1 });
  assert.equal(world.ended.splice(0), [[b, 'camera']]);
  world.go2rtc.become('restarting');
  assert.equal(world.ended.splice(0), [[c, 'go2rtc']]);
  assert.equal([world.sources.size, claims(world).length, world.needed.length], [0, 0, 0]);
  assert.equal(world.able, [], 'it comes back by itself');
  world.go2rtc.become('ready');
  const e = await watch(2, 2);
  world.go2rtc.become('ready', 101);
  assert.equal(world.ended.splice(0), [[e, 'go2rtc']], 'another process than before');
});

test('a browser that has gone is noticed', async () => {
  const world = new WebRtcWorld();
  const { session } = await world.webrtc.watch(1, 'main', offer(), world.visit());
  await world.clock.advance(30_000);
  assert.equal(world.ended, []);
  world.go2rtc.consumers.set('th-1-view', 0);
  await world.clock.advance(8000);
  assert.equal(world.ended, [[session, 'left']]);
  assert.is(world.clock.pending, 0, 'nobody looks at nothing');
});

test('one talks to a camera at a time, and others hear who it is', async () => {
  const world = new WebRtcWorld();
  const { session, sound } = await world.webrtc.talk(1, talkOffer(), world.visit());
  assert.is(sound, true);
  assert.equal(world.talks, [[1, 'anna']]);
  assert.equal(world.webrtc.talks(), [{ camera: 1, by: 'anna' }]);
  assert.equal(
    [...world.go2rtc.claimed],
    [['th-1-talk', 'rtsp://root:p%23s%40s@10.0.0.1/live#media=audio#backchannel=1']],
  );
  const error = await refusal(world.webrtc.talk(1, talkOffer(), world.visit(2, 'bob')));
  assert.equal([error.kind, error.message], ['failed-precondition', 'anna talks to this camera']);
  await world.webrtc.talk(2, talkOffer(), world.visit(2, 'bob'));
  world.webrtc.end('talk', 1, session, 1);
  assert.equal(world.talks.at(-1), [1, null]);
  assert.equal(world.webrtc.talks(), [{ camera: 2, by: 'bob' }]);
  await world.webrtc.talk(1, talkOffer(), world.visit(2, 'bob'));
  assert.is(world.webrtc.figures().talkers, 2);
  assert.equal(claims(world), ['th-2-talk', 'th-1-talk-2'], 'whoever talked before may hold on to the other');
  world.webrtc.stop();
});

test('whoever does not stop talking is ended with go2rtc', async () => {
  const world = new WebRtcWorld();
  const talk = async (user: number) => (await world.webrtc.talk(1, talkOffer(), world.visit(user))).session;
  world.webrtc.end('talk', 1, await talk(1), 1);
  world.go2rtc.consumers.set('th-1-talk', 0);
  await world.clock.advance(15_000);
  assert.is(world.go2rtc.rechecks, 0, 'it has gone by itself');
  world.gone.add(2);
  await talk(2).catch(() => undefined);
  world.gone.delete(2);
  await talk(2);
  world.gone.add(2);
  await world.clock.advance(4000 + 14_000);
  assert.equal([world.ended.at(-1)?.[1], world.go2rtc.rechecks], ['not-allowed', 0]);
  await world.clock.advance(1000);
  assert.is(world.go2rtc.rechecks, 1);
  world.webrtc.stop();
  assert.is(world.clock.pending, 0);
});

test('two talks that begin at once are one', async () => {
  const world = new WebRtcWorld();
  const both = await Promise.allSettled([
    world.webrtc.talk(1, talkOffer(), world.visit()),
    world.webrtc.talk(1, talkOffer(), world.visit(2, 'bob')),
  ]);
  assert.equal(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  world.webrtc.stop();
});

test('a talk goes on while it is kept, and ends a minute after the last word', async () => {
  const world = new WebRtcWorld();
  const { session } = await world.webrtc.talk(1, talkOffer(), world.visit());
  for (let i = 0; i < 5; i++) {
    await world.clock.advance(KEEP_MS - 5000);
    world.webrtc.keep(1, session, 1);
  }
  assert.throws(
    () => world.webrtc.keep(1, session, 2),
    (error: NvrError) => error.kind === 'not-found',
  );
  await world.clock.advance(KEEP_MS + 4000);
  assert.equal(world.ended, [[session, 'silent']]);
  assert.equal(claims(world), []);
});

test('a talk ends when the camera gets another address', async () => {
  const world = new WebRtcWorld();
  const { session } = await world.webrtc.talk(1, talkOffer(), world.visit());
  world.bus.emit('camera.changed', { camera: 1 });
  assert.equal(world.ended, []);
  world.addresses.set(1, { url: 'rtsp://10.0.0.9/live', username: '', password: '', ours: false });
  world.bus.emit('camera.changed', { camera: 1 });
  assert.equal(world.ended, [[session, 'camera']]);
});

test('what cannot be done has a reason, in the camera and as an error', async () => {
  const world = new WebRtcWorld();
  const reasons = () => {
    const { webrtc, talk } = world.cannot(1);
    return [webrtc?.reason, talk?.reason];
  };
  assert.equal(reasons(), [undefined, undefined]);
  world.speakers.set(1, []);
  assert.equal(reasons(), [undefined, 'no-speaker']);
  world.speakers.set(1, ['mpeg4-generic', 'g726-32']);
  assert.equal(reasons(), [undefined, 'speaker-codec']);
  assert.match(world.cannot(1).talk?.message as string, /MPEG4-GENERIC, G726-32/);
  world.speakers.delete(1);
  assert.equal(reasons(), [undefined, 'unknown']);
  world.addresses.set(1, { url: 'http://10.0.0.1/x', username: '', password: '', ours: false });
  assert.equal(reasons(), [undefined, 'unknown']);
  (world.cameras.get(1) as { enabled: boolean }).enabled = false;
  assert.equal(reasons(), ['disabled', 'disabled']);
  assert.is((await refusal(world.webrtc.watch(1, 'main', offer(), world.visit()))).kind, 'failed-precondition');
  for (const name of ['absent', 'unusable', 'resting'] as const) {
    world.go2rtc.become(name);
    assert.equal(reasons(), ['go2rtc', 'go2rtc'], name);
  }
  assert.equal(world.able, [1, 2], 'told once');
  assert.is((await refusal(world.webrtc.talk(2, talkOffer(), world.visit()))).kind, 'failed-precondition');
  world.go2rtc.listens.port = 0;
  world.go2rtc.become('idle');
  assert.match(world.cannot(1).webrtc?.message as string, /switched off/);
  world.go2rtc.listens.port = 8555;
  world.go2rtc.webrtc = false;
  world.go2rtc.become('ready');
  assert.match(world.cannot(1).webrtc?.message as string, /cannot serve/);
  world.go2rtc.webrtc = true;
  world.go2rtc.become('idle');
  assert.equal(world.able, [1, 2, 1, 2]);
  assert.is((await refusal(world.webrtc.watch(9, 'main', offer(), world.visit()))).kind, 'not-found');
});

test('addresses of cameras that mean something else to go2rtc are no place to talk to', async () => {
  const world = new WebRtcWorld();
  for (const url of [
    'rtsp://10.0.0.1/a#backchannel=0',
    'rtsp://10.0.0.1/{input}',
    'rtsp://10.0.0.1/$HOME',
    'rtsp://10.0.0.1/a b',
    'rtsp://a@10.0.0.1/',
    'exec:rm',
    'ffmpeg:x',
  ]) {
    world.addresses.set(1, { url, username: '', password: '', ours: false });
    assert.is((await refusal(world.webrtc.talk(1, talkOffer(), world.visit()))).kind, 'failed-precondition', url);
  }
  assert.is(world.go2rtc.claimed.size, 0);
});

test('talk goes to the camera the way its address says, to the port of RTSP', () => {
  const login = { username: 'root', password: 'a:b' };
  const to = (url: string) => talkSource({ url, ...login })?.replace('#media=audio#backchannel=1', '');
  assert.is(to('rtsp://[fd00::5]/live?x=1'), 'rtsp://root:a%3Ab@[fd00::5]:554/live?x=1');
  assert.is(to('rtsp://[fd00::5]:8554/live'), 'rtsp://root:a%3Ab@[fd00::5]:8554/live');
  assert.is(to('RTSPS://cam.lan'), 'rtsps://root:a%3Ab@cam.lan');
  const tls = spokenAddress({ url: 'rtsp://10.0.0.2:322/live', transport: 'tls' });
  assert.is(to(tls), 'rtspx://root:a%3Ab@10.0.0.2:322/live', 'not in clear where the rest is not');
  assert.is(spokenAddress({ url: 'rtsp://10.0.0.2/live', transport: 'tcp' }), 'rtsp://10.0.0.2/live');
  assert.is(spokenAddress({ url: 'rtsps://cam.lan/live', transport: 'tls' }), 'rtsps://cam.lan/live');
});

test('after the stop nothing begins', async () => {
  const world = new WebRtcWorld();
  world.webrtc.stop();
  world.webrtc.stop();
  assert.is((await refusal(world.webrtc.watch(1, 'main', offer(), world.visit()))).kind, 'unavailable');
});

test.run();
