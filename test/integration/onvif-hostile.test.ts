// Answers of a hostile camera: bounded time and memory, a word for each, and no request to anybody but the camera.

import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { DEVICE_PATH, OnvifCamera, OnvifError, type OnvifProblem } from '../../src/onvif/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { fastClock } from '../support/fast-clock.ts';
import { startOnvifServer } from '../support/onvif-server.ts';
import { notification, type SimulatedAnswer, soapEnvelope } from '../support/onvif-simulator.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif hostile', { timeoutMs: 60_000 });

function cameraAt(port: number, clock = systemClock, events = false): OnvifCamera {
  return new OnvifCamera({
    device: { host: '127.0.0.1', port, tls: false, path: DEVICE_PATH },
    login: { username: 'admin', password: 'secret & more' },
    rules: { allowLoopback: true, ownPorts: () => [] },
    ...{ clock, log: fakeLog().logger, events, onEvent: () => undefined },
  });
}

async function problemAt(port: number, clock = systemClock): Promise<OnvifProblem | 'none'> {
  const camera = cameraAt(port, clock);
  try {
    await camera.probe(new AbortController().signal);
    return 'none';
  } catch (error) {
    if (!(error instanceof OnvifError)) throw error;
    return error.problem;
  } finally {
    await camera.close();
  }
}

/** Someone who must never be asked anything. */
async function stranger(): Promise<{ port: number; asked: () => number; close: () => void }> {
  let asked = 0;
  const server = createTcpServer(socket => {
    asked += 1;
    socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, asked: () => asked, close: () => server.close() };
}

const ok = (body: string, headers: SimulatedAnswer['headers'] = {}) => ({ status: 200, headers, body });
const INFORMATION = '<tds:Manufacturer>M</tds:Manufacturer>';

const ANSWERS: [string, SimulatedAnswer, OnvifProblem][] = [
  ['5 MB', ok(soapEnvelope(`<tds:GetDeviceInformationResponse>${'x'.repeat(5_000_000)}`)), 'bad-answer'],
  ['a bomb', ok(`<!DOCTYPE x [<!ENTITY a "b">]>${soapEnvelope('&a;')}`), 'bad-answer'],
  ['garbage', ok('\u0001\u0002<<<>>>'), 'bad-answer'],
  ['an empty answer', ok(''), 'bad-answer'],
  ['a page', ok('<html><body>Login</body></html>'), 'bad-answer'],
  ['a page that is not found', { status: 404, body: '<html></html>' }, 'not-onvif'],
  ['a page of an error', { status: 500, body: '<html></html>' }, 'server-error'],
  ['a compressed answer', ok('xx', { 'Content-Encoding': 'gzip' }), 'bad-answer'],
  ['the answer to something else', ok(soapEnvelope('<tds:GetProfilesResponse/>')), 'bad-answer'],
  [
    'names in a wrong namespace',
    ok(
      soapEnvelope(
        `<x:GetDeviceInformationResponse xmlns:x="http://example.org/">${INFORMATION}</x:GetDeviceInformationResponse>`,
      ),
    ),
    'bad-answer',
  ],
  ['an envelope in a wrong namespace', ok(`<Envelope xmlns="urn:x"><Body/></Envelope>`), 'bad-answer'],
  [
    'a huge attribute',
    ok(soapEnvelope(`<tds:GetDeviceInformationResponse a="${'x'.repeat(100_000)}"/>`)),
    'bad-answer',
  ],
  ['a huge header', ok(soapEnvelope(''), { 'X-Long': 'x'.repeat(100_000) }), 'bad-answer'],
];
for (const [name, answer, problem] of ANSWERS) {
  test(`${name} is "${problem}"`, async () => {
    const instead = (operation: string) => (operation === 'GetDeviceInformation' ? answer : undefined);
    const server = await startOnvifServer({ instead });
    try {
      assert.is(await problemAt(server.port), problem);
    } finally {
      await server.close();
    }
  });
}

/** Cuts, repeats and changes parts of a text. */
function damage(text: string, random: (below: number) => number): string {
  const changes: ((at: number, length: number) => string)[] = [
    (at, length) => text.slice(0, at) + text.slice(at + length),
    (at, length) => text.slice(0, at) + text.slice(at, at + length).repeat(3) + text.slice(at + length),
    at => `${text.slice(0, at)}${'<>&"/\0\ud800é9-:'[random(12)]}${text.slice(at + 1)}`,
    at => text.slice(0, at),
    (_, length) =>
      text.replace(/>([^<]{1,40})</g, (all, inside) => (random(8) === 0 ? `>${'9'.repeat(length)}${inside}<` : all)),
    () => text.replace(/(token|Name|Value)="[^"]*"/g, all => (random(3) === 0 ? '' : all)),
  ];
  return changes[random(changes.length)]?.(random(text.length), random(60)) ?? text;
}

test('damaged answers are no worse than a failure with a word', async () => {
  const seed = (Date.now() ^ process.pid) >>> 0;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const mangle = (body: string) => (random(4) === 0 ? damage(body, random) : body);
  const server = await startOnvifServer({ auth: 'none', mangle });
  try {
    let whole = 0;
    for (let round = 0; round < 60; round++) if ((await problemAt(server.port)) === 'none') whole += 1;
    assert.ok(whole < 60, `seed ${seed}`);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  } finally {
    await server.close();
  }
});

test('redirects are not followed, wherever they lead', async () => {
  const other = await stranger();
  for (const status of [301, 302, 307, 308]) {
    const headers = { Location: `http://127.0.0.1:${other.port}/onvif/device_service` };
    const server = await startOnvifServer({ instead: () => ({ status, headers, body: '' }) });
    assert.is(await problemAt(server.port), 'not-onvif');
    await server.close();
  }
  assert.is(other.asked(), 0);
  other.close();
});

test('addresses in answers never lead to somebody else', async () => {
  const other = await stranger();
  for (const hasGetServices of [true, false]) {
    const server = await startOnvifServer({ named: `localhost:${other.port}`, hasGetServices });
    const camera = cameraAt(server.port);
    const { streams, capabilities } = await camera.probe(new AbortController().signal);
    assert.is(capabilities.media, hasGetServices ? 'media2' : 'media');
    assert.match(streams.main?.url ?? '', /^rtsp:\/\/127\.0\.0\.1:8554\/main2?\?a=1&b=2$/);
    assert.match(streams.snapshotUrl ?? '', `http://127.0.0.1:`);
    await camera.close();
    await server.close();
  }
  assert.is(other.asked(), 0);
  other.close();
});

/** A server of bytes; `serve` is called for each connection once something has come. */
async function withBytes(serve: (socket: Socket) => void, body: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createTcpServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => serve(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await body((server.address() as AddressInfo).port);
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n';

test('a slow drip is cut, in the head and in the body', async () => {
  for (const head of ['HTTP/1.1 200 OK\r\nX-Slow: ', `${HEAD}Content-Length: 200000\r\n\r\n`]) {
    const drips = new Set<NodeJS.Timeout>();
    const serve = (socket: Socket) => {
      socket.write(head);
      const drip = setInterval(() => socket.write('x'), 5);
      drips.add(drip);
      socket.on('close', () => {
        clearInterval(drip);
        drips.delete(drip);
      });
    };
    await withBytes(serve, async port => {
      assert.is(await problemAt(port, fastClock(50)), 'timeout');
      await systemClock.sleep(50);
    });
    assert.is(drips.size, 0, 'the connection is still open');
  }
});

test('an answer without end is cut, and so is one that lies about its length', async () => {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  const pour = (socket: Socket) => {
    socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
  };
  await withBytes(pour, async port => assert.is(await problemAt(port), 'bad-answer'));
  const short = (socket: Socket) => socket.end(`${HEAD}Content-Length: 1000\r\n\r\n<a/>`);
  await withBytes(short, async port => assert.is(await problemAt(port), 'closed'));
});

test('what does not speak HTTP, and what hangs up', async () => {
  await withBytes(
    socket => socket.end('RTSP/1.0 400 Bad Request\r\n\r\n'),
    async port => assert.is(await problemAt(port), 'not-onvif'),
  );
  await withBytes(
    socket => socket.destroy(),
    async port => assert.is(await problemAt(port), 'closed'),
  );
  const gone = await stranger();
  gone.close();
  assert.is(await problemAt(gone.port), 'refused');
});

test('nonces that others use up are no wrong login', async () => {
  const server = await startOnvifServer({ auth: 'digest', saysStale: true, nonceUses: 0 });
  assert.is(await problemAt(server.port), 'server-error');
  assert.is(server.camera.refusals, 0);
  await server.close();
});

test('a camera that never runs out of messages is asked for more at a bounded pace', async () => {
  const askedMs: number[] = [];
  const message = notification('VideoSource/MotionAlarm', 'State', 'true');
  const body = soapEnvelope(`<tev:PullMessagesResponse>${message.repeat(100)}</tev:PullMessagesResponse>`);
  const server = await startOnvifServer({
    instead: operation => {
      if (operation !== 'PullMessages') return undefined;
      askedMs.push(performance.now());
      return ok(body);
    },
  });
  const camera = cameraAt(server.port, systemClock, true);
  camera.start();
  while (askedMs.length < 3) await new Promise(resolve => setTimeout(resolve, 20));
  await camera.close();
  await server.close();
  const [first = 0, , third = 0] = askedMs;
  assert.ok(third - first >= (2 * 1000 * body.length) / (128 * 1024) - 20, `${third - first} ms`);
});

test('a camera that closes kept connections is asked again on a new one', async () => {
  const server = await startOnvifServer();
  const camera = cameraAt(server.port);
  await camera.probe(new AbortController().signal);
  const before = server.connections();
  await server.close();
  const next = await startOnvifServer({}, server.port);
  await camera.probe(new AbortController().signal);
  assert.ok(before >= 1 && next.connections() >= 1);
  await camera.close();
  await next.close();
});

test.run();
