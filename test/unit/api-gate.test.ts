import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Caller, RIGHTS, type Right } from '../../src/accounts/index.ts';
import { Api } from '../../src/api/index.ts';
import { RateLimit } from '../../src/api/rate-limit.ts';
import type { ByteSource, WebSocketHandler, WebSocketPeer } from '../../src/api/server.ts';
import { FakeAccounts } from '../support/fake-accounts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('api gate');

const CALLERS: Record<string, Caller> = {
  admin: caller(1, 'admin', undefined, RIGHTS),
  operator: caller(2, 'operator', undefined, []),
  viewer: caller(3, 'viewer', [1], []),
  exporter: caller(4, 'viewer', [1], ['export']),
  nowhere: caller(5, 'viewer', [], []),
};

function caller(user: number, role: Caller['role'], cameras: number[] | undefined, rights: readonly Right[]): Caller {
  return {
    by: 'token',
    user,
    name: role,
    role,
    cameras: cameras && new Set(cameras),
    rights: new Set(rights),
    credential: `credential-${user}`.padEnd(16, '-'),
  };
}

let folder: string;
let fakes: FakeServices;
let server: FakeServer;
let accounts: FakeAccounts;
let clock: FakeClock;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-gate-'));
  fakes = await fakeServices(folder);
  server = new FakeServer();
  accounts = new FakeAccounts();
  for (const [name, who] of Object.entries(CALLERS)) accounts.callers.set(name, who);
  clock = new FakeClock();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open({ ...fakes.services, accounts: accounts.real, clock });
  for (const name of ['Door', 'Yard']) {
    await ask('admin', 'POST', '/api/cameras', { name, main: { url: 'rtsp://10.0.0.2/a' } });
  }
});

test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(who: string, method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const proof: Record<string, string> = who === '' ? {} : { authorization: `Bearer ${who}` };
  const reply = await server.ask(method, url, body, { ...proof, ...headers });
  if (reply.body && !Buffer.isBuffer(reply.body)) await reply.body.close();
  const json = reply.headers?.['Content-Type']?.startsWith('application/json') === true;
  return {
    status: reply.status,
    headers: reply.headers ?? {},
    json: json ? JSON.parse(String(reply.body)) : undefined,
  };
}

test('who is nobody gets nothing but health; a role gets what it needs and no more', async () => {
  for (const [method, path] of [
    ['GET', '/api/cameras'],
    ['GET', '/api/metrics'],
    ['POST', '/api/cameras'],
    ['GET', '/api/segments/1-main-1-0/file'],
  ] as const) {
    const answer = await ask('', method, path, method === 'POST' ? {} : undefined);
    assert.equal([answer.status, answer.json.error.kind], [401, 'unauthenticated'], path);
    assert.is((await ask('nobody-of-ours', method, path, method === 'POST' ? {} : undefined)).status, 401);
  }
  const challenge = async (agent: string, path = '/api/cameras') =>
    (await ask('', 'GET', path, undefined, { 'user-agent': agent })).headers['WWW-Authenticate'];
  assert.match((await challenge('Lavf/61.7.100')) ?? '', /^Basic /);
  assert.is(await challenge('Mozilla/5.0 (X11; Linux x86_64)'), undefined, 'no window of the browser');
  assert.is((await ask('', 'GET', '/api/health')).status, 200);
  assert.is((await ask('viewer', 'GET', '/api/logs')).status, 403);
  assert.is((await ask('operator', 'GET', '/api/settings')).status, 403);
  assert.is((await ask('admin', 'GET', '/api/settings')).status, 200);
  assert.is((await ask('viewer', 'POST', '/api/cameras/1/trigger', {})).status, 403);
  assert.is((await ask('operator', 'POST', '/api/cameras/1/trigger', {})).status, 202);
});

test('cameras that somebody may not see do not exist for them, and lists leave them out', async () => {
  for (const path of [
    '/api/cameras/2',
    '/api/segments?camera=2',
    '/api/timeline?camera=1&camera=2&startMs=0&endMs=1',
    '/api/events?camera=2',
    '/api/events/2-1-0',
    '/api/events/2-1-0/picture.jpg',
    '/api/segments/2-main-1-0/file',
    '/api/segments/2-main-1-0/picture.jpg',
    '/api/storage/forecast?camera=2',
  ]) {
    const answer = await ask('viewer', 'GET', path);
    assert.equal([answer.status, answer.json.error.message], [404, 'there is no such camera'], path);
    assert.is((await ask('nowhere', 'GET', path.replaceAll('2', '1'))).status, 404, path);
  }
  const ids = (list: { id: number }[]) => list.map(({ id }) => id);
  assert.equal(ids((await ask('viewer', 'GET', '/api/cameras')).json.cameras), [1]);
  assert.equal(ids((await ask('admin', 'GET', '/api/cameras')).json.cameras), [1, 2]);
  assert.equal(ids((await ask('nowhere', 'GET', '/api/cameras')).json.cameras), []);
  fakes.problems.push({ kind: 'no-space', message: 'x' }, { kind: 'camera', camera: 2, message: 'y' });
  const status = (await ask('viewer', 'GET', '/api/status')).json;
  assert.equal(ids(status.cameras), [1]);
  assert.equal(
    status.problems.filter((one: { camera?: number }) => one.camera === 2),
    [],
  );
  assert.ok(status.problems.some((one: { kind: string }) => one.kind === 'no-space'));
  await ask('admin', 'POST', '/api/cameras/2/trigger', { label: 'car' });
  await ask('admin', 'POST', '/api/cameras/1/trigger', { label: 'cat' });
  const events = async (who: string) =>
    (await ask(who, 'GET', '/api/events')).json.events.map((one: { camera: number }) => one.camera).sort();
  assert.equal(await events('viewer'), [1]);
  assert.equal(await events('nowhere'), []);
  assert.equal(await events('admin'), [1, 2]);
});

test('addresses and user names are for admins where they may hold a password', async () => {
  const url = 'rtsp://10.0.0.2/a?user=u&password=canary';
  const addresses = { main: { url, fallbackUrls: [`${url}2`] }, sub: { url: `${url}3` } };
  const patched = await ask('admin', 'PATCH', '/api/cameras/1', { username: 'u', ...addresses });
  assert.is(patched.status, 200, JSON.stringify(patched.json));
  for (const path of ['/api/cameras', '/api/cameras/1']) {
    const seen = JSON.stringify((await ask('viewer', 'GET', path)).json);
    assert.not.ok(seen.includes('canary') || seen.includes('"username"'), seen);
    assert.ok(JSON.stringify((await ask('admin', 'GET', path)).json).includes(url));
  }
  const socket = (await server.open('/api/updates', { authorization: 'Bearer viewer' })) as WebSocketHandler;
  const peer = new FakePeer();
  socket.opened(peer);
  assert.match(peer.sent[0] ?? 'nothing', 'Door');
  assert.not.ok(peer.sent.join().includes('canary'));
  socket.closed();
});

test('exports and deletions need a right beside the role; admins have all', async () => {
  const path = '/api/export.mp4?camera=1&startMs=0&endMs=1000';
  assert.is((await ask('viewer', 'GET', path)).status, 403);
  assert.is((await ask('operator', 'GET', path)).status, 403);
  // There is no footage.
  assert.is((await ask('exporter', 'GET', path)).status, 404);
  assert.is((await ask('exporter', 'GET', path)).json.error.message, 'there is no footage in this range');
  assert.is((await ask('exporter', 'GET', '/api/export.mp4?camera=2&startMs=0&endMs=1')).status, 404);
  assert.is((await ask('exporter', 'DELETE', '/api/events/1-1-0')).status, 403);
  assert.is((await ask('admin', 'DELETE', '/api/events/1-1-0')).status, 404);
});

test('a change by cookie has to come from a page of ours', async () => {
  const host = 'nvr.example:8080';
  await ask('admin', 'PATCH', '/api/settings', { hosts: ['NVR.example'] });
  const change = async (headers: Record<string, string>) =>
    (await ask('', 'PATCH', '/api/cameras/1', { name: 'x' }, { host, ...headers })).status;
  const cookie = 'admin';
  const basic = 'Basic admin';
  const bearer = 'Bearer admin';
  // Neither header: only programs do that, and they send no cookies by themselves.
  assert.is(await change({ cookie }), 403);
  assert.is(await change({ authorization: bearer }), 200);
  assert.is(await change({ authorization: basic }), 200);
  // By plain HTTP Chromium sends Origin alone.
  for (const origin of [`http://${host}`, `https://${host}`, 'HTTP://NVR.example:8080']) {
    assert.is(await change({ cookie, origin }), 200, origin);
  }
  assert.is(await change({ cookie, 'sec-fetch-site': 'same-origin' }), 200);
  assert.is(await change({ cookie, 'sec-fetch-site': 'same-origin', origin: `http://${host}` }), 200);
  for (const proof of [{ cookie }, { authorization: basic }, { authorization: bearer }]) {
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'http://nvr.example' },
      { origin: `http://${host}.evil.example` },
      { origin: `http://evil.example@${host}` },
      { 'sec-fetch-site': 'same-site', origin: `http://${host}` },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': '' },
    ] as Record<string, string>[]) {
      assert.is(await change({ ...proof, ...headers }), 403, JSON.stringify({ ...proof, ...headers }));
    }
  }
  assert.is(await change({ cookie, origin: 'http://nvr.example:8080', 'content-type': 'text/plain' }), 400);
  const read = await ask('', 'GET', '/api/cameras', undefined, { host, cookie, 'sec-fetch-site': 'cross-site' });
  assert.is(read.status, 200, 'reading changes nothing, and other pages cannot look at it');
  assert.is(read.headers['Cross-Origin-Resource-Policy'], 'same-origin');
});

test('further names are as given, and no more', async () => {
  const from = async (host: string) => (await ask('admin', 'GET', '/api/cameras', undefined, { host })).status;
  assert.is(await from('nvr.example'), 403);
  const answer = await ask('admin', 'PATCH', '/api/settings', { hosts: ['nvr.example', 'nvr.example', 'a_b.home'] });
  assert.equal(answer.json.hosts, ['nvr.example', 'nvr.example', 'a_b.home'].slice(0, answer.json.hosts.length));
  assert.is(await from('NVR.example:1234'), 200);
  assert.is(await from('a_b.home'), 200);
  for (const host of ['www.nvr.example', 'nvr.example.evil', 'nvr.example:1:2', 'nvr.example/', 'x@nvr.example']) {
    assert.is(await from(host), 403, host);
  }
  for (const hosts of [['nvr.example:80'], ['http://nvr.example'], ['*'], [''], [7], 'nvr.example', ['a b']]) {
    const refused = await ask('admin', 'PATCH', '/api/settings', { hosts });
    assert.is(refused.status, 400, JSON.stringify(hosts));
    assert.match(refused.json.error.field, /^hosts/);
  }
  const many = Array.from({ length: 17 }, (_, n) => `h${n}`);
  assert.is((await ask('admin', 'PATCH', '/api/settings', { hosts: many })).status, 400);
});

test('until there is an account only health and setting up are answered', async () => {
  accounts.setupCode = '123-456';
  for (const path of ['/api/cameras', '/api/nothing', '/api/login', '/api/metrics']) {
    const answer = await ask('admin', 'GET', path);
    assert.equal([answer.status, answer.json.error.kind], [401, 'unauthenticated'], path);
    assert.not.ok(JSON.stringify(answer.json).includes('123-456'));
  }
  assert.is((await ask('', 'GET', '/api/health')).status, 200);
});

test('links are read without a login, for a while, and only what they were made for', async () => {
  fakes.addSegment(1000, Buffer.from('footage'));
  const path = '/api/segments/1-main-1000-0/file';
  const made = await ask('viewer', 'POST', '/api/links', { path, ttlMs: 60_000 });
  assert.is(made.status, 201);
  const url: string = made.json.url;
  assert.is((await ask('', 'GET', url)).status, 200);
  assert.is((await ask('', 'GET', url.replace('1000-0', '1000-1'))).status, 403);
  assert.is((await ask('', 'GET', `${url}&x=1`)).status, 403);
  assert.is((await ask('', 'DELETE', '/api/segments/1-main-1000-0', undefined)).status, 401);
  assert.is((await ask('', 'GET', url.replace('/file', '/picture.jpg'))).status, 403);
  for (const wrong of [
    'link=',
    'link=3.1.x',
    'link=3.credential-3----.9999999999999.',
    `link=${'A'.repeat(43)}`,
    'link=a&link=b',
  ]) {
    assert.is((await ask('', 'GET', `${path}?${wrong}`)).status, 403, wrong);
  }
  const signature = /link=(.*)$/.exec(url)?.[1] as string;
  const [user, by, until, mac] = signature.split('.') as [string, string, string, string];
  const others = [
    `1.${by}.${until}.${mac}`,
    `${user}.${by}.${Number(until) + 1}.${mac}`,
    `${user}.credential-1----.${until}.${mac}`,
  ];
  for (const changed of others) {
    assert.is((await ask('', 'GET', `${path}?link=${changed}`)).status, 403);
  }
  assert.is((await ask('', 'GET', `/api/cameras?link=${signature}`)).status, 401, 'elsewhere it says nothing');
  await clock.advance(60_001);
  const late = await ask('', 'GET', url);
  assert.equal([late.status, late.json.error.message], [403, 'this link is no longer good']);
});

test('a link ends with its user, and shrinks with what the user may', async () => {
  fakes.addSegment(1000, Buffer.from('footage'));
  const path = '/api/segments/1-main-1000-0/file';
  const { url } = (await ask('viewer', 'POST', '/api/links', { path, ttlMs: 60_000 })).json;
  const { viewer } = CALLERS;
  accounts.callers.set('viewer', { ...(viewer as Caller), cameras: new Set([2]) });
  assert.is((await ask('', 'GET', url)).status, 404);
  accounts.callers.delete('viewer');
  assert.is((await ask('', 'GET', url)).status, 403);
  for (const [who, wanted, status] of [
    ['viewer', '/api/segments/1-main-1000-0/file', 401],
    ['exporter', '/api/segments/2-main-1000-0/file', 404],
    ['exporter', '/api/cameras', 400],
    ['exporter', '/api/nothing', 404],
    ['exporter', 'http://evil.example/api/cameras', 400],
    ['exporter', '//evil.example/', 400],
    ['exporter', '/api/segments/1-main-1000-0/file?x=1', 400],
    ['exporter', '/api/export.mp4?camera=1&startMs=0&endMs=9&link=1', 400],
    ['operator', '/api/export.mp4?camera=1&startMs=0&endMs=9', 403],
    ['exporter', '/api/export.mp4?camera=1&startMs=0&endMs=9', 201],
  ] as const) {
    assert.is((await ask(who, 'POST', '/api/links', { path: wanted, ttlMs: 5000 })).status, status, wanted);
  }
  for (const ttlMs of [0, 999, 1e12, 1.5, '5000', null]) {
    assert.is((await ask('exporter', 'POST', '/api/links', { path, ttlMs })).status, 400, String(ttlMs));
  }
});

test('the audit log is told of denials, changes, exports and deletions, and of no secrets', async () => {
  accounts.told.length = 0;
  await ask('viewer', 'GET', '/api/logs');
  await ask('viewer', 'GET', '/api/cameras/2');
  await ask('', 'GET', '/api/cameras');
  await ask('admin', 'POST', '/api/cameras', { name: 'New', main: { url: 'rtsp://u:canary@10.0.0.3/a' } });
  await ask('admin', 'PATCH', '/api/cameras/1', { username: 'u', password: 'canary' });
  await ask('admin', 'PATCH', '/api/cameras/1', { nonsense: 'canary' });
  await ask('admin', 'DELETE', '/api/cameras/2');
  assert.equal(
    accounts.told.map(({ action, target, user }) => [action, target, user]),
    [
      ['denied', 'GET /api/logs', 'viewer'],
      ['add', 'camera 3', 'admin'],
      ['change', 'camera 1', 'admin'],
      ['remove', 'camera 2', 'admin'],
    ],
  );
  assert.not.ok(JSON.stringify(accounts.told).includes('canary'));
});

test('one caller cannot ask for everything at once, and others do not feel it', async () => {
  const link = async (who: string) => ask(who, 'POST', '/api/links', { path: '/api/cameras', ttlMs: 5000 });
  let refused = await link('viewer');
  for (let n = 0; n < 1000 && refused.status !== 429; n++) refused = await link('viewer');
  assert.is(refused.status, 429);
  assert.is(refused.json.error.kind, 'resource-exhausted');
  assert.match(refused.headers['Retry-After'] ?? '', /^\d+$/);
  assert.is((await link('exporter')).status, 400);
  assert.is((await ask('viewer', 'GET', '/api/cameras')).status, 200, 'another kind of request');
  await clock.advance(1000 * Number(refused.headers['Retry-After']));
  assert.is((await link('viewer')).status, 400);
});

test('the table of rates does not grow', () => {
  const rates = new RateLimit(clock);
  for (let n = 0; n < 10; n++) rates.take('a', 'login');
  assert.throws(() => rates.take('a', 'login'), /too many/);
  for (let n = 0; n < 5000; n++) rates.take(`other ${n}`, 'login');
  // Forgotten by then.
  rates.take('a', 'login');
});

class FakePeer implements WebSocketPeer {
  bufferedBytes = 0;
  readonly sent: string[] = [];
  code: number | undefined;
  send(message: string | Buffer) {
    this.sent.push(String(message));
  }
  close(code: number) {
    this.code ??= code;
  }
}

test('WebSockets go through the same gate, and their origin is always looked at', async () => {
  const origin = 'http://127.0.0.1:80';
  const status = async (headers: Record<string, string>, path = '/api/updates') => {
    const reply = await server.open(path, headers);
    return 'status' in reply ? reply.status : 101;
  };
  assert.is(await status({}), 401);
  assert.is(await status({ origin }), 401);
  assert.is(await status({ cookie: 'viewer' }), 403);
  assert.is(await status({ cookie: 'viewer', origin: 'http://evil.example' }), 403);
  assert.is(await status({ cookie: 'viewer', origin: 'null' }), 403);
  assert.is(await status({ authorization: 'Bearer viewer', origin: 'http://evil.example' }), 403);
  assert.is(await status({ cookie: 'viewer', origin, host: 'evil.example' }), 403);
  assert.is(await status({ cookie: 'viewer', origin }), 101);
  assert.is(await status({ authorization: 'Bearer viewer' }), 101);
  assert.is(await status({ authorization: 'Bearer viewer' }, '/api/cameras/2/live'), 404);
  assert.is(await status({ authorization: 'Bearer viewer' }, '/api/cameras'), 400);
  assert.is((await ask('viewer', 'GET', '/api/updates')).status, 426);
});

test('whoever may no longer have a WebSocket loses it within seconds; nothing looks while none is open', async () => {
  const open = async (who: string) => {
    const handler = (await server.open('/api/updates', { authorization: `Bearer ${who}` })) as WebSocketHandler;
    const peer = new FakePeer();
    handler.opened(peer);
    return { handler, peer };
  };
  const timers = clock.pending;
  const [admin, viewer, narrowed, exporter] = [
    await open('admin'),
    await open('viewer'),
    await open('operator'),
    await open('exporter'),
  ];
  await clock.advance(4000);
  for (const { peer } of [admin, viewer, narrowed, exporter]) assert.is(peer.code, undefined);
  accounts.callers.delete('viewer');
  accounts.callers.set('operator', { ...(CALLERS.operator as Caller), cameras: new Set([1]) });
  accounts.callers.set('exporter', { ...(CALLERS.exporter as Caller), role: 'operator' });
  await clock.advance(4000);
  assert.equal(
    [admin, viewer, narrowed, exporter].map(({ peer }) => peer.code),
    [undefined, 1008, 1008, 1008],
  );
  for (const { handler } of [admin, viewer, narrowed, exporter]) handler.closed();
  await clock.advance(4000);
  assert.is(clock.pending, timers);
});

test('bytes end soon for whoever may no longer have them', async () => {
  fakes.addSegment(1000, Buffer.alloc(2_000_000));
  const fetched = async () => {
    const reply = await server.ask('GET', '/api/segments/1-main-1000-0/file', undefined, { cookie: 'viewer' });
    return reply.body as ByteSource;
  };
  const source = await fetched();
  assert.ok(await source.next());
  clock.stall(5000);
  assert.ok(await source.next(), 'still a viewer');
  accounts.callers.delete('viewer');
  assert.ok(await source.next());
  clock.stall(5000);
  assert.is(await source.next(), undefined);
  await source.close();
});

test('questions about all the time that there is are rarer than others', async () => {
  const DAY_MS = 24 * 3_600_000;
  const all = `/api/timeline?camera=1&startMs=0&endMs=${90 * DAY_MS}`;
  const statuses = async (path: string) => {
    const found = new Set<number>();
    for (let i = 0; i < 40; i++) found.add((await ask('viewer', 'GET', path)).status);
    return [...found];
  };
  assert.equal(await statuses(all), [200, 429]);
  assert.equal(await statuses('/api/days?timeZone=UTC'), [429]);
  assert.equal(await statuses(`/api/timeline?camera=1&startMs=0&endMs=${DAY_MS}`), [200]);
  assert.equal(await statuses(`/api/days?bounds=0,${DAY_MS}`), [200]);
});

test('what a link has begun goes on after the link, but not after its user', async () => {
  fakes.addSegment(1000, Buffer.alloc(2_000_000));
  const path = '/api/segments/1-main-1000-0/file';
  const { url } = (await ask('viewer', 'POST', '/api/links', { path, ttlMs: 2000 })).json;
  const source = (await server.ask('GET', url)).body as ByteSource;
  await clock.advance(5000);
  assert.is((await ask('', 'GET', url)).status, 403);
  assert.ok(await source.next());
  accounts.callers.delete('viewer');
  clock.stall(5000);
  assert.is(await source.next(), undefined);
  await source.close();
});

test.run();
