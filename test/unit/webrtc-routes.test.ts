// WebRTC over the API: what a request tells of its browser, whose login counts, and who hears of ends.
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Caller } from '../../src/accounts/index.ts';
import type { TalkAnswer, WebRtcAnswer } from '../../src/api/contract.ts';
import { metricsText } from '../../src/api/prometheus.ts';
import { Router } from '../../src/api/router.ts';
import type { HttpRequest } from '../../src/api/server.ts';
import { UpdatesFeed } from '../../src/api/updates-feed.ts';
import { webrtcFamilies } from '../../src/api/webrtc-metrics.ts';
import { webrtcRoutes } from '../../src/api/webrtc-routes.ts';
import type { NvrError } from '../../src/core/index.ts';
import { ADMIN, askRouter } from '../support/ask-router.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { FakePeer } from '../support/fake-peer.ts';
import { fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { offer, talkOffer, WebRtcWorld } from '../support/webrtc-world.ts';

const test = suite('webrtc over the api');
const ANNA: Caller = { ...ADMIN, role: 'viewer', user: 7, name: 'anna', rights: new Set(['talk']), credential: 'c1' };

function made() {
  const world = new WebRtcWorld();
  let now: Caller | undefined = ANNA;
  const revoked: (() => void)[] = [];
  const accounts = {
    callerBy: (user: number, credential: string) => (user === 7 && credential === 'c1' ? now : undefined),
    onRevoked: (listener: () => void) => revoked.push(listener),
  };
  const router = new Router(webrtcRoutes({ webrtc: world.webrtc, accounts: accounts as never }));
  const ask = async <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const known: Record<string, string> = { 'content-type': 'application/json', host: 'thimble.local', ...headers };
    const request: HttpRequest = {
      ...{ method, path, query: '', remoteAddress: '192.168.1.77', secure: false },
      header: name => known[name],
      body: async () => Buffer.from(JSON.stringify(body)),
    };
    const reply = await askRouter(router, request, ANNA);
    const text = Buffer.isBuffer(reply.body) ? reply.body.toString() : '';
    return { status: reply.status, headers: reply.headers, body: (text && JSON.parse(text)) as T };
  };
  const become = (caller: Caller | undefined) => {
    now = caller;
    for (const listener of revoked) listener();
  };
  return { world, ask, become, router };
}

const refusal = (task: Promise<unknown>) =>
  task.then(
    () => assert.unreachable('it was not refused') as never,
    (error: NvrError) => [error.kind, error.field],
  );

test('a session begins with an offer, and ends with its address', async () => {
  const { world, ask } = made();
  const { status, headers, body } = await ask<WebRtcAnswer>('POST', '/api/cameras/1/webrtc', { sdp: offer() });
  assert.is(status, 201);
  assert.equal(Object.keys(body).sort(), ['sdp', 'session', 'sound']);
  assert.is(headers?.Location, `/api/cameras/1/webrtc/${body.session}`);
  assert.match(body.sdp, /192\.168\.1\.10 8555/);
  const by = await ask<WebRtcAnswer>('POST', '/api/cameras/1/webrtc', { sdp: offer() }, { host: '10.4.4.4:81' });
  assert.match(by.body.sdp, /10\.4\.4\.4 8555/);
  assert.equal(await refusal(ask('DELETE', `/api/cameras/2/webrtc/${body.session}`)), ['not-found', undefined]);
  assert.is((await ask('DELETE', `/api/cameras/1/webrtc/${body.session}`)).status, 204);
  assert.equal(await refusal(ask('DELETE', `/api/cameras/1/webrtc/${body.session}`)), ['not-found', undefined]);
  world.webrtc.stop();
});

test('bodies that are none are refused by their field', async () => {
  const { world, ask } = made();
  for (const [body, field] of [
    [{}, 'sdp'],
    [{ sdp: 7 }, 'sdp'],
    [{ sdp: '' }, 'sdp'],
    [{ sdp: 'x'.repeat(60_001) }, 'sdp'],
    [{ sdp: 'v=0' }, 'sdp'],
    [{ sdp: offer(), stream: 'th-2-main' }, 'stream'],
    [{ sdp: offer(), src: 'rtsp://10.0.0.1/' }, 'src'],
    [{ sdp: offer(), stream: '../../etc' }, 'stream'],
  ] as const) {
    assert.equal(await refusal(ask('POST', '/api/cameras/1/webrtc', body)), ['invalid-argument', field]);
  }
  for (const path of ['/api/cameras/0/webrtc', '/api/cameras/th-1-view/webrtc', '/api/cameras/999/webrtc']) {
    assert.equal(await refusal(ask('POST', path, { sdp: offer() })), ['not-found', undefined], path);
  }
  assert.equal([world.go2rtc.offers.length, world.go2rtc.claimed.size], [0, 0]);
});

test('a talk is kept, and ends with the right to talk; watching goes on', async () => {
  const { world, ask, become } = made();
  const talk = await ask<TalkAnswer>('POST', '/api/cameras/1/talk', { sdp: talkOffer() });
  assert.equal([talk.status, talk.body.keepMs], [201, 60_000]);
  await ask('POST', '/api/cameras/1/webrtc', { sdp: offer() });
  const path = `/api/cameras/1/talk/${talk.body.session}`;
  assert.is((await ask('PUT', path)).status, 204);
  become({ ...ANNA, rights: new Set() });
  assert.equal(world.ended, [[talk.body.session, 'not-allowed']]);
  assert.equal(await refusal(ask('PUT', path)), ['not-found', undefined]);
  become({ ...ANNA, cameras: new Set([2]) });
  assert.is(world.ended.length, 2, 'a camera that is not seen any more');
  await ask('POST', '/api/cameras/2/webrtc', { sdp: offer() });
  become(undefined);
  assert.is(world.ended.length, 3);
  assert.equal([world.sources.size, world.go2rtc.claimed.size], [0, 0]);
  world.webrtc.stop();
});

test('what needs which right stands in the table', () => {
  const { router } = made();
  const rows = router.routes.map(({ name, identity, right, audit }) => [name, identity, right, audit]);
  assert.equal(rows, [
    ['POST /api/cameras/{id}/webrtc', 'viewer', undefined, undefined],
    ['DELETE /api/cameras/{id}/webrtc/{session}', 'viewer', undefined, undefined],
    ['POST /api/cameras/{id}/talk', 'viewer', 'talk', 'talk'],
    ['PUT /api/cameras/{id}/talk/{session}', 'viewer', 'talk', undefined],
    ['DELETE /api/cameras/{id}/talk/{session}', 'viewer', 'talk', undefined],
  ]);
});

test('the end of a session is told to its user only, and who talks to all who see the camera', async () => {
  const folder = tempDir('webrtc-updates');
  const { services, cameras, world } = await fakeServices(folder);
  const feed = new UpdatesFeed(services);
  const page = (caller: Caller) => {
    const peer = new FakePeer();
    feed.listener(caller).opened(peer);
    const [hello] = peer.take().map(text => JSON.parse(text) as { talks: unknown });
    const read = () => peer.take().map(text => JSON.parse(text) as { type: string });
    return Object.assign(() => read().filter(({ type }) => type === 'webrtc' || type === 'talk'), hello);
  };
  const [anna, bob, carl] = [ANNA, { ...ANNA, user: 8 }, { ...ANNA, user: 9, cameras: new Set([2]) }].map(page);
  world.bus.emit('webrtc.ended', { camera: 1, session: 's', user: 7, reason: 'camera' });
  world.bus.emit('talk.changed', { camera: 1, by: 'anna' });
  await (services.clock as FakeClock).advance(400);
  const talk = { type: 'talk', camera: 1, by: 'anna' };
  assert.equal(anna?.(), [{ type: 'webrtc', camera: 1, session: 's', ended: 'camera' }, talk]);
  assert.equal([bob?.(), carl?.()], [[talk], []]);
  Object.assign(services.webrtc, { talks: () => [{ camera: 1, by: 'anna' }] });
  const later = [ANNA, { ...ANNA, user: 9, cameras: new Set([2]) }].map(page);
  assert.equal(
    [anna, ...later].map(one => one?.talks),
    [[], [{ camera: 1, by: 'anna' }], []],
    'whoever comes later',
  );
  feed.stop();
  await cameras.stop();
  rmSync(folder, { recursive: true });
});

test('figures count what goes on, what began, what failed and what ended', async () => {
  const { world, ask } = made();
  const { body } = await ask<WebRtcAnswer>('POST', '/api/cameras/1/webrtc', { sdp: offer() });
  await ask('POST', '/api/cameras/1/talk', { sdp: talkOffer() });
  await ask('DELETE', `/api/cameras/1/webrtc/${body.session}`);
  world.go2rtc.reply = async () => 'nothing';
  await refusal(ask('POST', '/api/cameras/2/webrtc', { sdp: offer() }));
  const lines = metricsText(webrtcFamilies(world.webrtc.figures())).split('\n');
  assert.equal(
    lines.filter(line => line !== '' && !line.startsWith('#')),
    [
      'thimble_webrtc_sessions{kind="view"} 0',
      'thimble_webrtc_sessions{kind="talk"} 1',
      'thimble_webrtc_begun_total{kind="view"} 1',
      'thimble_webrtc_begun_total{kind="talk"} 1',
      'thimble_webrtc_failed_total 1',
      'thimble_webrtc_ended_total{reason="closed"} 1',
    ],
  );
  world.webrtc.stop();
});

test.run();
