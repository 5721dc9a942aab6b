// Whether a camera has a speaker: asked over RTSP of scripted cameras, good and bad ones, and kept.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import * as assert from 'uvu/assert';
import { makeSelfSigned } from '../../src/api/tls-self-signed.ts';
import { EventBus, systemClock } from '../../src/core/index.ts';
import { askSpeaker, speakerCodecs } from '../../src/webrtc/speaker-probe.ts';
import { Speakers } from '../../src/webrtc/speakers.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('speakers of cameras');
const SDP = [
  ...['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=ü', 't=0 0', 'm=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000'],
  ...[
    'm=audio 0 RTP/AVP 0',
    'a=recvonly',
    'm=audio 0 RTP/AVP 8 97',
    'a=rtpmap:97 MPEG4-GENERIC/16000',
    'a=sendonly',
    '',
  ],
].join('\r\n');

type Script = (request: string, socket: Socket) => string | undefined;

/** Asks a camera that does what `script` says. */
async function ask(script: Script, login = { username: '', password: '' }, more = {}) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', piece => {
      asked.push(piece.toString());
      const answer = script(piece.toString(), socket);
      if (answer !== undefined) socket.write(answer);
    });
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const camera = { url: `rtsp://127.0.0.1:${port}/live?x=1`, ...login };
  const rules = { allowLoopback: true, userAgent: 'Thimble/0', clock: systemClock, ...more };
  const speaker = await askSpeaker(camera, rules);
  for (const socket of sockets) socket.destroy();
  await new Promise(done => server.close(done));
  return { speaker, asked, port };
}

const ok = (body: string) => `RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const status = (line: string, more = '') => `RTSP/1.0 ${line}\r\nCSeq: 1\r\n${more}\r\n`;

test('what a camera takes is read of its description, with what ONVIF requires', async () => {
  const { speaker, asked, port } = await ask(() => ok(SDP));
  assert.equal(speaker, ['pcma', 'mpeg4-generic']);
  assert.is(asked.length, 1);
  assert.ok(asked[0]?.startsWith(`DESCRIBE rtsp://127.0.0.1:${port}/live?x=1 RTSP/1.0\r\nCSeq: 1\r\n`), asked[0]);
  assert.ok(asked[0]?.includes('\r\nRequire: www.onvif.org/ver20/backchannel\r\n'));
  assert.equal(speakerCodecs(SDP.replaceAll('\r\n', '\n')), ['pcma', 'mpeg4-generic']);
});

test('a camera that does not know the question has no speaker', async () => {
  for (const line of ['551 Option not supported', '404 Not Found', '400 Bad Request']) {
    assert.equal((await ask(() => status(line))).speaker, [], line);
  }
  assert.equal((await ask(() => ok(SDP.replace('a=sendonly', 'a=recvonly')))).speaker, []);
});

test('a login is proved once, by the strongest way, and never shown without need', async () => {
  const login = { username: 'root', password: 'secret' };
  const digest = 'WWW-Authenticate: Digest realm="cam", nonce="abc"\r\n';
  const script = (challenge: string) => (request: string) =>
    request.includes('Authorization') ? ok(SDP) : status('401 Unauthorized', challenge);
  const both = await ask(script(`WWW-Authenticate: Basic realm="cam"\r\n${digest}`), login);
  assert.equal(both.speaker, ['pcma', 'mpeg4-generic']);
  assert.match(both.asked[1] as string, /\r\nAuthorization: Digest username="root", realm="cam"/);
  assert.not.ok(both.asked.join('').includes('secret'));
  const basic = await ask(script('WWW-Authenticate: Basic realm="cam"\r\n'), login);
  assert.equal(basic.speaker, ['pcma', 'mpeg4-generic']);
  const wrong = await ask(() => status('401 Unauthorized', digest), login);
  assert.equal([wrong.speaker, wrong.asked.length], [undefined, 2], 'cameras lock accounts');
  assert.equal((await ask(() => status('401 Unauthorized', digest))).asked.length, 1);
});

test('over TLS a login goes only to whoever proves the name; an address in digits, and rtspx, prove none', async () => {
  const { certificate: cert, key } = makeSelfSigned(['localhost'], Date.now());
  const login = { username: 'root', password: 'secret' };
  const asked: string[] = [];
  const server = createTlsServer({ cert, key }, socket => {
    socket.on('error', () => undefined);
    socket.on('data', piece => {
      asked.push(piece.toString());
      const known = piece.includes('Authorization');
      socket.write(known ? ok(SDP) : status('401 Unauthorized', 'WWW-Authenticate: Basic realm="cam"\r\n'));
    });
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const to = (place: string) =>
    askSpeaker(
      { url: `${place}:${port}/live`, ...login },
      { allowLoopback: true, userAgent: 'Thimble/0', clock: systemClock },
    );
  assert.equal([await to('rtsps://localhost'), asked.length], [undefined, 0]);
  for (const place of ['rtspx://localhost', 'rtsps://127.0.0.1'])
    assert.equal(await to(place), ['pcma', 'mpeg4-generic'], place);
  await new Promise(done => server.close(done));
});

test('answers that are none are no answer', async () => {
  const bad: Script[] = [
    () => 'HTTP/1.1 200 OK\r\n\r\n',
    () => 'x'.repeat(70_000),
    () => `RTSP/1.0 200 OK\r\nContent-Length: 999999\r\n\r\n${'x'.repeat(70_000)}`,
    () => status('500 Internal Server Error'),
    () => status('302 Found', 'Location: rtsp://127.0.0.1:1/\r\n'),
    (_, socket) => void socket.destroy(),
    (_, socket) => void socket.end('RTSP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
    () => `RTSP/1.0 200 OK\r\nContent-Length: -5\r\n\r\n`,
  ];
  for (const [index, script] of bad.entries()) {
    const { speaker } = await ask(script);
    assert.ok(speaker === undefined || speaker.length === 0, `${index}: ${speaker}`);
  }
});

test('a camera that says nothing is left', async () => {
  const clock = new FakeClock();
  const silent = ask(() => undefined, undefined, { clock });
  // Real sockets, and time that only this moves.
  const turns = setInterval(() => clock.advance(7000), 20);
  assert.is((await silent).speaker, undefined);
  clearInterval(turns);
});

test('nobody is asked on this machine, on its link, or where no camera can be', async () => {
  const rules = { allowLoopback: false, userAgent: 'x', clock: systemClock };
  const login = { username: '', password: '' };
  for (const url of [
    'rtsp://127.0.0.1:9/',
    'rtsp://localhost:9/',
    'rtsp://169.254.1.1/',
    'rtsp://[::1]/',
    'rtsp://[fe80::1]/',
    'rtsp://0.0.0.0/',
    'rtsp://224.0.0.1/',
    'http://10.0.0.1/',
    'rtsp:///x',
    'nonsense',
  ]) {
    assert.is(await askSpeaker({ url, ...login }, rules), undefined, url);
  }
});

test('a camera is asked when it begins to deliver, once for each address, and not again after a restart', async () => {
  const clock = new FakeClock();
  const bus = new EventBus(error => {
    throw error;
  });
  const kept = new Map<string, unknown>();
  const address = { url: 'rtsp://10.0.0.1/a', username: 'root', password: 'x', ours: false };
  const asked: string[] = [];
  let answer: readonly string[] | undefined;
  const able: number[] = [];
  bus.on('camera.able', ({ camera }) => able.push(camera));
  const make = () => {
    const speakers = new Speakers({
      ...{ bus, clock, allowLoopback: false, userAgent: 'x', log: fakeLog().logger },
      address: camera => (camera === 1 ? { ...address } : undefined),
      settings: {
        get: name => kept.get(name),
        put: async (name, value) => void kept.set(name, structuredClone(value)),
      },
      ask: async ({ url }) => {
        asked.push(url);
        return answer;
      },
    });
    speakers.start();
    return speakers;
  };
  const live = (name: 'live' | 'stalled' = 'live') => bus.emit('camera.state', { camera: 1, name, sinceMs: 1 });
  const first = make();
  live();
  live('stalled');
  await clock.advance(11_000);
  assert.equal(asked, [], 'it has more urgent things to do');
  live();
  await clock.advance(11_000);
  live();
  await clock.advance(11_000);
  assert.is(asked.length, 1, 'it did not say; it is left alone for a while');
  answer = ['pcma', 'pcma'];
  await clock.advance(600_000);
  assert.equal([asked.length, able, first.of(1, address)], [2, [1], ['pcma']]);
  assert.is(first.of(1, { ...address, url: 'rtsp://10.0.0.2/' }), undefined, 'that may be another one');
  first.stop();
  const second = make();
  live();
  await clock.advance(11_000);
  assert.equal([asked.length, second.of(1, address)], [2, ['pcma']]);
  address.url = 'rtsp://10.0.0.2/b';
  live();
  await clock.advance(11_000);
  assert.equal(asked.at(-1), 'rtsp://10.0.0.2/b');
  assert.not.ok(JSON.stringify(kept.get('speakers')).includes('10.0.0'));
  second.stop();
  kept.set('speakers', { damaged: 1 });
  assert.is(make().of(1, address), undefined);
});

test('a camera without a speaker that can be used is asked again, later and later, until it has one', async () => {
  const clock = new FakeClock();
  const bus = new EventBus(error => {
    throw error;
  });
  const kept: unknown[] = [];
  let answer: readonly string[] | undefined;
  let asked = 0;
  let able = 0;
  bus.on('camera.able', () => void able++);
  const where = { url: 'rtsp://10.0.0.1/a', username: '', password: '', ours: false };
  const speakers = new Speakers({
    ...{ bus, clock, allowLoopback: false, userAgent: 'x', log: fakeLog().logger },
    address: () => where,
    settings: { get: () => undefined, put: async (_, value) => void kept.push(value) },
    ask: async () => {
      asked++;
      return answer;
    },
  });
  speakers.start();
  const state = (name: 'live' | 'stalled' | 'disabled') => bus.emit('camera.state', { camera: 1, name, sinceMs: 1 });
  const minutes = async (count: number) => {
    await clock.advance(count * 60_000);
    return asked;
  };
  state('live');
  assert.equal([await minutes(1), await minutes(9), await minutes(1), await minutes(19)], [1, 1, 2, 2]);
  answer = ['mpeg4-generic'];
  assert.is(await minutes(1), 3);
  assert.equal([speakers.of(1, where), able, kept.length], [['mpeg4-generic'], 1, 1]);
  assert.is(await minutes(41), 4);
  assert.equal([able, kept.length], [1, 1], 'nothing new');
  state('stalled');
  assert.is(await minutes(3000), 4, 'only while it delivers');
  state('live');
  assert.is(await minutes(1), 5);
  // Its sound was set to another codec.
  answer = ['pcma'];
  state('disabled');
  state('live');
  assert.is(await minutes(1), 6);
  assert.equal([speakers.of(1, where), able], [['pcma'], 2]);
  assert.is(await minutes(6000), 6, 'all is known');
  speakers.stop();
  assert.is(clock.pending, 0);
});

test.run();
