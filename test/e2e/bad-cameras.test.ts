// Addresses and cameras that cannot work: what the owner is told, that it is tried again, and that nobody else notices.
import { createServer, type Server, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera, CameraList, ErrorBody, Health, Status } from '../../src/api/contract.ts';
import { Camera, type CameraOptions } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const CANARY = 'canary-8c1f-secret';

const cameras: Camera[] = [];
const servers: { server: Server; sockets: Set<Socket> }[] = [];
const test = suite('cameras that cannot work', { timeoutMs: 60_000 });
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
  for (const { server, sockets } of servers) {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  }
});

async function camera(options: Partial<CameraOptions> = {}): Promise<Camera> {
  const made = await Camera.start({ clips: [await clipFile(CLIPS.small)], ...options });
  cameras.push(made);
  return made;
}

/** A TCP server that does `onSocket` with each connection; `accepted` tells when they came. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<{ port: number; accepted: number[] }> {
  const accepted: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    accepted.push(Date.now());
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  servers.push({ server, sockets });
  await new Promise(resolve => server.once('listening', resolve));
  return { port: (server.address() as { port: number }).port, accepted };
}

async function add(service: Service, name: string, url: string, more: object = {}): Promise<number> {
  return (await service.post<ApiCamera>('/api/cameras', { name, main: { url }, ...more })).id;
}

/** Waits for the reason, and checks that the state tells people what is wrong, what to do, and when it is tried again. */
async function wrong(
  service: Service,
  id: number,
  name: ApiCamera['state']['name'],
  reason: string,
  timeoutMs = 5000,
): Promise<ApiCamera['state']> {
  const { state } = await service.until<ApiCamera>(
    `/api/cameras/${id}`,
    one => one.state.reason === reason && one.state.retryAtMs !== undefined,
    timeoutMs,
  );
  assert.is(state.name, name, reason);
  for (const sentence of [state.message, state.cure]) assert.match(sentence ?? '', /^[A-Z].{10,160}\.$/, reason);
  return state;
}

test('addresses of a wrong form are refused with the field and a cure, and nothing is added', async () => {
  const service = await Service.start({ allowLoopback: false });
  const urls: [url: string, words: RegExp][] = [
    ['', /no address of a camera/],
    ['10.0.0.2', /no address of a camera/],
    ['ftp://10.0.0.2/video', /no address of a camera/],
    [`file://user:${CANARY}@10.0.0.2/`, /no address of a camera/],
    ['rtsp:/10.0.0.2/', /no address of a camera/],
    ['rtsp://', /no usable host and port/],
    [`rtsp://user:${CANARY}@/path`, /no usable host and port/],
    ['rtsp://10.0.0.2:0/', /no usable host and port/],
    ['rtsp://10.0.0.2:65536/', /no usable host and port/],
    ['rtsp://10.0.0.2:port/', /no usable host and port/],
    ['rtsp://[::g]/', /no usable host and port/],
    ['rtsp://10.0.0.999/', /no usable host and port/],
    ['rtsp://10.0.0.2/a b', /blanks or other characters/],
    ['rtsp://10.0.0.2/\r\nx', /blanks or other characters/],
    ['rtsp://10.0.0.2/caméra', /blanks or other characters/],
    [`rtsp://10.0.0.2/${'x'.repeat(2048)}`, /characters/],
    ['rtsp://127.0.0.1/', /this machine/],
    ['rtsp://0x7f000001/', /this machine/],
    ['rtsp://localhost/', /this machine/],
    ['rtsp://169.254.1.1/', /link-local/],
    ['rtsp://[::1]/', /this machine/],
    ['rtsp://[::ffff:127.0.0.1]/', /this machine/],
  ];
  for (const [url, words] of urls) {
    const { status, body } = await service.ask<ErrorBody>('POST', '/api/cameras', { name: 'Wrong', main: { url } });
    assert.is(status, 400, url);
    assert.equal([body.error.kind, body.error.field], ['invalid-argument', 'main.url'], url);
    assert.match(`${body.error.message} ${body.error.cure}`, words, url);
    assert.match(body.error.cure ?? '', /^[A-Z].{8,}\.?$/, url);
    assert.not.match(JSON.stringify(body), CANARY);
  }
  const bodies: [body: unknown, field: string | undefined][] = [
    [{ main: { url: 'rtsp://10.0.0.2/' } }, 'name'],
    [{ name: 'x' }, 'main'],
    [{ name: 'x', main: {} }, 'main.url'],
    [{ name: 'x', main: { url: 7 } }, 'main.url'],
    [{ name: 'x', main: { url: 'rtsp://10.0.0.2/', transport: 'pigeon' } }, 'main.transport'],
    [{ name: 'x', main: { url: 'rtsp://10.0.0.2/' }, pasword: CANARY }, 'pasword'],
    [{ name: 'x', main: { url: 'rtsp://10.0.0.2/' }, password: CANARY }, 'username'],
    [{ name: 'x', main: { url: 'rtsp://10.0.0.2/' }, record: { segmentMs: 4999 } }, 'record.segmentMs'],
    ['text', undefined],
  ];
  for (const [input, field] of bodies) {
    const { status, body } = await service.ask<ErrorBody>('POST', '/api/cameras', input);
    assert.is(status, 400, JSON.stringify(input));
    assert.is(body.error.field, field, JSON.stringify(body));
    assert.ok(body.error.cure, JSON.stringify(body));
    assert.not.match(JSON.stringify(body), CANARY);
  }
  assert.equal(await service.get('/api/cameras'), { cameras: [] });
  assert.equal(await service.get('/api/health'), { status: 'ok' });
  assert.not.match(service.child.stdout.join('\n'), CANARY);
  assert.is((await service.stop()).code, 0);
});

test('each camera that fails says why in words and is tried again, beside one that works', async () => {
  const service = await Service.start();
  const goodId = await add(service, 'Good', (await camera()).url);
  const late = await add(service, 'Late', (await camera({ describeDelayMs: 30_000 })).url);
  const lateSinceMs = Date.now();

  const nobody = await tcpServer(() => {});
  await new Promise(resolve => servers.pop()?.server.close(resolve));
  const rudes = await tcpServer(socket => socket.end());
  const web = await tcpServer(socket =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello'),
    ),
  );
  const noise = await tcpServer(socket => socket.write(Buffer.alloc(2_000_000, 0xa5)));
  const soundOnly = await camera({ only: 'audio' });
  const vp9 = await camera({ claimVideo: 'VP9' });
  const busy = await camera({ refuseDescribe: 453 });
  const missing = await camera({ refuseDescribe: 404 });

  const cases: [name: string, url: string, state: ApiCamera['state']['name'], reason: string][] = [
    ['Misspelt', 'rtsp://no-such-camera.invalid/stream', 'failed', 'unknown-host'],
    ['Off', `rtsp://127.0.0.1:${nobody.port}/stream`, 'reconnecting', 'refused'],
    ['Rude', `rtsp://127.0.0.1:${rudes.port}/stream`, 'reconnecting', 'closed'],
    ['Web', `rtsp://127.0.0.1:${web.port}/stream`, 'failed', 'not-rtsp'],
    ['Noise', `rtsp://127.0.0.1:${noise.port}/stream`, 'failed', 'not-rtsp'],
    ['Sound', soundOnly.url, 'failed', 'no-video'],
    ['VP9', vp9.url, 'failed', 'unsupported-codec'],
    ['Busy', busy.url, 'reconnecting', 'busy'],
    ['Path', missing.url, 'failed', 'not-found'],
  ];
  const ids = new Map<string, number>();
  for (const [name, url] of cases) {
    const id = await add(service, name, url, { username: 'bob', password: CANARY });
    ids.set(name, id);
  }
  for (const [name, , state, reason] of cases) {
    const { retryAtMs = 0 } = await wrong(service, ids.get(name) ?? 0, state, reason);
    assert.ok(retryAtMs - Date.now() <= 61_000, `${name} is tried again within a minute`);
  }
  assert.equal(await service.get<Health>('/api/health'), { status: 'degraded' });
  const { problems } = await service.get<Status>('/api/status');
  for (const [name] of cases) {
    const found = problems.find(one => one.camera === ids.get(name));
    assert.match(found?.message ?? '', name);
    assert.ok(found?.cure, name);
  }

  await wrong(service, late, 'reconnecting', 'timeout', 15_000);
  assert.ok(Date.now() - lateSinceMs >= 9000, 'ten seconds are given for an answer');
  assert.ok(rudes.accepted.length >= 5, `tried ${rudes.accepted.length} times`);
  assert.ok(web.accepted.length >= 2, 'what speaks no RTSP is tried again as well');
  assert.ok(soundOnly.requests.filter(one => one.method === 'DESCRIBE').length >= 2, 'no video: tried again');

  const fixed = ids.get('VP9') ?? 0;
  await service.patch(`/api/cameras/${fixed}`, { main: { url: (await camera()).url }, username: null });
  await service.until<ApiCamera>(`/api/cameras/${fixed}`, one => one.state.name === 'live', 3000);
  const good = await service.get<ApiCamera>(`/api/cameras/${goodId}`);
  assert.equal([good.state.name, good.state.reconnects, good.state.droppedBytes], ['live', 0, 0]);
  assert.equal((await timelineOf(service, goodId)).gaps, []);

  const answers = [await service.get<CameraList>('/api/cameras'), await service.get<Status>('/api/status')];
  const stoppedAtMs = Date.now();
  assert.is((await service.stop()).code, 0);
  assert.ok(Date.now() - stoppedAtMs <= 1500, `stopping took ${Date.now() - stoppedAtMs} ms`);
  assert.not.match([JSON.stringify(answers), ...service.child.stdout, ...service.child.stderr].join('\n'), CANARY);
});

test('a refused login is not repeated until the password is corrected, then it works at once', async () => {
  const guarded = await camera({ login: { username: 'bob', password: `${CANARY}-right`, scheme: 'digest' } });
  const service = await Service.start({ args: ['--log', 'debug'] });
  const url = guarded.url.replace('rtsp://', `rtsp://bob:${CANARY}-wrong@`);
  const id = await add(service, 'Guarded', url);
  const state = await wrong(service, id, 'failed', 'unauthorized');
  assert.ok((state.retryAtMs ?? 0) - Date.now() > 60_000, 'accounts are locked by repetition');
  const tries = () => guarded.requests.filter(one => one.method === 'DESCRIBE').length;
  const before = tries();
  await new Promise(resolve => setTimeout(resolve, 2500));
  assert.is(tries(), before);
  const shown = await service.get<ApiCamera>(`/api/cameras/${id}`);
  assert.equal([shown.main.url, shown.username, shown.hasPassword], [guarded.url, 'bob', true]);

  await service.patch(`/api/cameras/${id}`, { password: `${CANARY}-right` });
  const correctedMs = Date.now();
  await service.until<ApiCamera>(`/api/cameras/${id}`, one => one.state.name === 'live', 3000);
  assert.ok(Date.now() - correctedMs <= 2000, `live ${Date.now() - correctedMs} ms after the correction`);
  const { gaps } = await timelineOf(service, id);
  assert.ok(
    gaps.every(gap => gap.reason === 'refused'),
    JSON.stringify(gaps),
  );
  const answers = [await service.get('/api/cameras'), await service.get('/api/status')];
  await service.stop();
  assert.not.match([JSON.stringify(answers), ...service.child.stdout, ...service.child.stderr].join('\n'), CANARY);
});

test.run();
