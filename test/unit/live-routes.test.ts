import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { errorReply } from '../../src/api/error-reply.ts';
import { LiveFeeds } from '../../src/api/live-feeds.ts';
import { liveRoutes } from '../../src/api/live-routes.ts';
import { Router } from '../../src/api/router.ts';
import type { ByteSource, HttpReply, HttpRequest, WebSocketHandler } from '../../src/api/server.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import { Live, type MemoryPictureRequest, type PictureRequest } from '../../src/native/index.ts';
import { ADMIN, askRouter } from '../support/ask-router.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { FakeLive } from '../support/fake-live.ts';
import { FakePeer } from '../support/fake-peer.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('live routes');

let folder = '';
let fakes: FakeServices;
let router: Router;
let surface: FakeLive;
let asked: MemoryPictureRequest[] = [];
let recorded: PictureRequest[] = [];
let needs: string[] = [];
let atMs = 0;
let made = 0;
let isGone = false;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-live-'));
  fakes = await fakeServices(folder);
  [asked, recorded, needs] = [[], [], []];
  [atMs, made, isGone] = [7000, 0, false];
  surface = new FakeLive();
  const feeds = new Live(surface);
  fakes.services.live = {
    ...fakes.services.live,
    feeds,
    need(camera, stream) {
      needs.push(`need ${camera} ${stream}`);
      return () => needs.push('release');
    },
    async keyPicture(request) {
      asked.push(request);
      if (atMs === 0) throw new NvrError('not-found', 'there is no keyframe to make a picture of');
      if (request.known?.atMs === atMs) return request.known;
      return { jpeg: Buffer.from(`jpeg ${++made}`), atMs, width: request.width, height: 360 };
    },
  };
  fakes.services.pictures = {
    async make(request) {
      recorded.push(request);
      return { jpeg: Buffer.from('recorded'), atMs: request.atMs - 40, width: request.width, height: 360 };
    },
  };
  const { cameras } = fakes;
  const sub = { url: 'rtsp://192.0.2.1/sub' };
  await cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: 'rtsp://192.0.2.1/main' }, sub }));
  await cameras.add(parseInput(newCameraSchema, { name: 'Yard', main: { url: 'rtsp://192.0.2.2/main' } }));
  router = new Router(liveRoutes(fakes.services, new LiveFeeds(feeds)));
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

function requestOf(path: string, query: string, ifNoneMatch?: string): HttpRequest {
  return {
    ...{ method: 'GET', path: `/api/cameras/${path}`, query, remoteAddress: '127.0.0.1', secure: false },
    header: name => (name === 'if-none-match' ? ifNoneMatch : undefined),
    body: async () => Buffer.alloc(0),
    isGone: () => isGone,
  };
}

async function ask(path: string, query = '', ifNoneMatch?: string): Promise<HttpReply> {
  try {
    return await askRouter(router, requestOf(path, query, ifNoneMatch));
  } catch (error) {
    return errorReply(error, () => undefined);
  }
}

function advance(ms: number): Promise<void> {
  return (fakes.services.clock as FakeClock).advance(ms);
}

async function open(path: string, query = ''): Promise<{ handler: WebSocketHandler; peer: FakePeer }> {
  const request = requestOf(path, query);
  const found = router.find('GET', request.path);
  if ('status' in found || !found.route.open) throw new Error('no socket');
  const handler = await found.route.open(request, found.params, { caller: ADMIN, knock: () => {}, admit: () => {} });
  const peer = new FakePeer();
  handler.opened(peer);
  return { handler, peer };
}

test('a snapshot is of the newest keyframe, and told apart by its time', async () => {
  const reply = await ask('1/snapshot.jpg', 'width=320');
  assert.is(reply.status, 200);
  assert.is(String(reply.body), 'jpeg 1');
  assert.is(reply.headers?.['X-Picture-Time-Ms'], '7000');
  assert.is(asked[0]?.stream, 'main');
  assert.is(asked[0]?.width, 320);
  const etag = reply.headers?.ETag;
  assert.is((await ask('1/snapshot.jpg', 'width=320', etag)).status, 304);
  atMs = 9000;
  await advance(300);
  assert.is((await ask('1/snapshot.jpg', 'width=640', etag)).status, 200);
  assert.is((await ask('1/snapshot.jpg', 'stream=sub&width=9')).status, 400);
});

test('those who ask at the same time share one picture', async () => {
  const replies = await Promise.all(Array.from({ length: 20 }, () => ask('1/snapshot.jpg')));
  assert.equal(new Set(replies.map(reply => String(reply.body))), new Set(['jpeg 1']));
  assert.is(asked.length, 1);
});

test('without one in memory the last recorded one is shown, with its time', async () => {
  atMs = 0;
  fakes.addSegment(5000, Buffer.alloc(10));
  const reply = await ask('1/snapshot.jpg');
  assert.is(String(reply.body), 'recorded');
  assert.is(reply.headers?.['X-Picture-Time-Ms'], '5960');
  assert.is(recorded[0]?.atMs, 6000);
});

test('without any it is said why', async () => {
  atMs = 0;
  const reply = await ask('2/snapshot.jpg');
  assert.is(reply.status, 503);
  assert.match(String(reply.body), /there is no picture of the camera yet/);
  assert.match(String((await ask('2/snapshot.jpg', 'stream=sub')).body), /no sub stream/);
  assert.match(String((await ask('1/snapshot.jpg', 'stream=sub')).body), /not connected/);
});

test('motion JPEG sends a picture for each keyframe, and ends with its camera', async () => {
  const reply = await ask('1/mjpeg', 'fps=5&width=320');
  assert.is(reply.status, 200);
  assert.match(reply.headers?.['Content-Type'] ?? '', /^multipart\/x-mixed-replace; boundary=/);
  const body = reply.body as ByteSource;
  assert.is(body.sizeBytes, undefined);
  const first = String(await body.next());
  assert.match(first, /^--thimble-picture\r\nContent-Type: image\/jpeg\r\nContent-Length: 6\r\n/);
  assert.match(first, /\r\n\r\njpeg 1\r\n$/);
  let second: string | undefined;
  const next = body.next().then(part => {
    second = String(part);
  });
  for (let i = 0; i < 10; i++) await advance(200);
  assert.is(second, undefined);
  assert.is(made, 1);
  atMs = 9000;
  for (let i = 0; i < 3; i++) await advance(200);
  await next;
  assert.match(second ?? '', /jpeg 2/);
  await fakes.cameras.update(1, { enabled: false });
  const end = body.next();
  await advance(200);
  assert.is(await end, undefined);
  await body.close();
});

test('a client that goes ends its motion JPEG at once', async () => {
  const reply = await ask('1/mjpeg');
  const body = reply.body as ByteSource;
  await body.next();
  const next = body.next();
  await body.close();
  assert.is(await next, undefined);
});

test('live: the sub stream is needed while somebody watches, and a little longer', async () => {
  const { handler, peer } = await open('1/live', 'stream=sub&audio=0');
  assert.equal(needs, ['need 1 sub']);
  assert.equal(surface.calls, ['key 1 main 1', 'watch 1 sub false 1']);
  assert.is(peer.closed, undefined);
  handler.closed();
  assert.equal(needs, ['need 1 sub']);
  await advance(10_000);
  assert.equal(needs, ['need 1 sub', 'release']);
});

test('live: closed in words when the camera is disabled or removed, or has no such stream', async () => {
  const none = await open('2/live', 'stream=sub');
  assert.equal(none.peer.closed, { code: 4000, reason: 'the camera has no sub stream' });
  assert.equal(needs, []);
  const first = await open('1/live');
  const second = await open('2/live');
  assert.equal(surface.calls, ['watch 1 main true 1', 'watch 2 main true 2']);
  const { bus } = fakes.world;
  await fakes.cameras.update(1, { name: 'Front' });
  bus.emit('camera.changed', { camera: 1 });
  assert.is(first.peer.closed, undefined);
  await fakes.cameras.update(1, { enabled: false });
  bus.emit('camera.changed', { camera: 1 });
  assert.equal(first.peer.closed, { code: 4000, reason: 'the camera is disabled' });
  assert.is(second.peer.closed, undefined);
  await fakes.cameras.remove(2);
  bus.emit('camera.removed', { camera: 2 });
  assert.equal(second.peer.closed, { code: 4000, reason: 'the camera was removed' });
});

test('live: by an ordinary request it says what it is for', async () => {
  assert.is((await ask('1/live')).status, 426);
  assert.is((await ask('1/live', 'stream=third')).status, 400);
  assert.is((await ask('x/live')).status, 404);
});

test.run();
