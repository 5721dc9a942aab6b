// Signed links with real accounts: they are worth no more, and for no longer, than what they were made with.
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Caller } from '../../src/accounts/index.ts';
import { Api } from '../../src/api/index.ts';
import type { ByteSource } from '../../src/api/server.ts';
import { AccountWorld } from '../support/account-world.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('api links');

const PATH = '/api/segments/1-main-1000-0/file';
const DAY_MS = 24 * 3_600_000;

let folder: string;
let world: AccountWorld;
let fakes: FakeServices;
let server: FakeServer;
let session: string;

test.before.each(async () => {
  folder = tempDir('links');
  world = await AccountWorld.make();
  session = (await world.setUp('anna')).secret;
  fakes = await fakeServices(folder);
  server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open({ ...fakes.services, accounts: world.accounts, clock: world.clock });
  await server.ask('POST', '/api/cameras', { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' } }, cookie());
  fakes.addSegment(1000, Buffer.alloc(2_000_000));
});
test.after.each(async () => {
  await fakes.cameras.stop();
  world.accounts.stop();
  rmSync(folder, { recursive: true });
});

const cookie = () => ({ cookie: `thimble_session=${session}`, host: '127.0.0.1', origin: 'http://127.0.0.1' });

async function tokenOf(input: Parameters<AccountWorld['accounts']['tokens']['create']>[1]) {
  return world.accounts.tokens.create(world.actor({ secret: session }), input);
}

async function link(headers: Record<string, string>, ttlMs = DAY_MS): Promise<{ url: string; expiresMs: number }> {
  const reply = await server.ask('POST', '/api/links', { path: PATH, ttlMs }, headers);
  assert.is(reply.status, 201, String(reply.body));
  return JSON.parse(String(reply.body));
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function status(url: string): Promise<number> {
  const { status: number, body } = await server.ask('GET', url);
  if (body && !Buffer.isBuffer(body)) await body.close();
  return number;
}

test('a link ends with the token that it was made with, also what it has begun', async () => {
  const { token, id } = await tokenOf({ name: 'TV' });
  const other = await link(bearer((await tokenOf({ name: 'other' })).token));
  const { url } = await link(bearer(token));
  assert.is(await status(url), 200);
  const source = (await server.ask('GET', url)).body as ByteSource;
  await world.accounts.tokens.revoke(world.actor({ secret: session }), id, () => true);
  assert.is(await status(url), 403);
  world.clock.stall(5000);
  assert.is(await source.next(), undefined);
  await source.close();
  assert.is(await status(other.url), 200);
});

test('a link does not outlive a token that expires, and says so', async () => {
  const expiresMs = world.clock.nowMs() + 60_000;
  const { token } = await tokenOf({ name: 'TV', expiresMs });
  const made = await link(bearer(token));
  assert.is(made.expiresMs, expiresMs);
  await world.clock.advance(59_000);
  assert.is(await status(made.url), 200);
  await world.clock.advance(1001);
  assert.is(await status(made.url), 403);
});

test('a link of a token shows no more cameras than the token', async () => {
  const { token } = await tokenOf({ name: 'TV', role: 'viewer', cameras: [1] });
  const { url } = await link(bearer(token));
  const id = world.callerOfToken(token)?.credential ?? '';
  const caller = world.accounts.callerBy(1, id) as Caller;
  assert.equal([caller.role, [...(caller.cameras ?? [])]], ['viewer', [1]]);
  assert.is(world.accounts.callerBy(2, id), undefined, 'of nobody else');
  assert.is(await status(url), 200);
});

test('a link ends with the session, however that ends', async () => {
  const first = await link(cookie());
  assert.is(await status(first.url), 200);
  session = (await world.login('anna')).secret;
  const second = await link(cookie());
  await world.accounts.sessions.endAll(world.actor({ secret: session }), 1);
  assert.is(await status(first.url), 403);
  assert.is(await status(second.url), 200);
  await world.accounts.sessions.logout(world.actor({ secret: session }));
  assert.is(await status(second.url), 403);
});

test.run();
