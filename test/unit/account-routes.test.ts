import * as assert from 'uvu/assert';
import { type Caller, NOBODY } from '../../src/accounts/index.ts';
import { credentialRoutes, userRoutes } from '../../src/api/account-admin-routes.ts';
import { accountRoutes } from '../../src/api/account-routes.ts';
import type { AuditList, Me, NewToken, SessionList, TokenList, User, UserList } from '../../src/api/contract.ts';
import { Router } from '../../src/api/router.ts';
import type { HttpReply } from '../../src/api/server.ts';
import { NvrError } from '../../src/core/index.ts';
import { AccountWorld, PASSWORD } from '../support/account-world.ts';
import { askRouter } from '../support/ask-router.ts';
import { suite } from '../support/suite.ts';

const test = suite('account routes');

interface Asked<T> {
  status: number;
  body: T;
  cookie: string | undefined;
  error: NvrError | undefined;
}

class World {
  readonly router: Router;
  readonly accounts: AccountWorld;
  secure = false;
  address = '10.0.0.1';

  constructor(accounts: AccountWorld) {
    this.accounts = accounts;
    const cameras = { get: (id: number) => (id <= 3 ? {} : undefined) } as never;
    this.router = new Router([
      ...accountRoutes({ clock: accounts.clock, facts: { timeZone: 'Europe/Berlin' } }, accounts.accounts),
      ...userRoutes({ cameras }, accounts.accounts),
      ...credentialRoutes(accounts.accounts),
    ]);
  }

  static async make(): Promise<World> {
    return new World(await AccountWorld.make());
  }

  /** `who`: the value of the cookie, or a token. */
  async ask<T = unknown>(who: string | undefined, name: string, body?: unknown): Promise<Asked<T>> {
    const [method = '', url = ''] = name.split(' ');
    const [path = '', query = ''] = url.split('?');
    const { accounts } = this.accounts;
    const authorization = who?.startsWith('tmt_') ? `Bearer ${who}` : undefined;
    const caller: Caller = accounts.identify({ cookie: `thimble_session=${who}`, authorization }) ?? NOBODY;
    const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'Browser' };
    const request = {
      ...{ method, path, query, remoteAddress: this.address, secure: this.secure },
      header: (key: string) => headers[key],
      body: async () => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    };
    try {
      const { status, headers: sent, body: bytes } = await askRouter(this.router, request, caller);
      const cookie = sent?.['Set-Cookie'];
      return { status, body: textOf(bytes) as T, cookie, error: undefined };
    } catch (error) {
      if (!(error instanceof NvrError)) throw error;
      return { status: 0, body: undefined as T, cookie: undefined, error };
    }
  }

  async setUp(): Promise<string> {
    const code = this.accounts.accounts.setupCode;
    const { cookie } = await this.ask(undefined, 'POST /api/setup', { code, name: 'anna', password: PASSWORD });
    return secretOf(cookie);
  }

  async login(name: string, password = PASSWORD): Promise<string> {
    return secretOf((await this.ask(undefined, 'POST /api/login', { name, password })).cookie);
  }
}

function textOf(body: HttpReply['body']): unknown {
  return Buffer.isBuffer(body) && body.length > 0 ? JSON.parse(body.toString()) : undefined;
}

function secretOf(cookie: string | undefined): string {
  return /^thimble_session=([^;]*)/.exec(cookie ?? '')?.[1] ?? '';
}

test('the first run: open, then an account with its cookie, then closed', async () => {
  const world = await World.make();
  assert.equal((await world.ask(undefined, 'GET /api/setup')).body, { open: true });
  const code = world.accounts.accounts.setupCode;
  const made = await world.ask(undefined, 'POST /api/setup', { code, name: ' anna ', password: PASSWORD });
  assert.equal([made.status, made.body], [201, { name: 'anna', role: 'admin' }]);
  assert.match(
    made.cookie ?? '',
    /^thimble_session=tms_[\w-]{43}; Path=\/; Max-Age=7776000; HttpOnly; SameSite=Strict$/,
  );
  assert.equal((await world.ask(undefined, 'GET /api/setup')).body, { open: false });
  const again = await world.ask(undefined, 'POST /api/setup', { code, name: 'eve', password: PASSWORD });
  assert.is(again.error?.kind, 'not-found');
});

test('login gives a cookie, Secure when the request was; logout takes it away', async () => {
  const world = await World.make();
  await world.setUp();
  world.secure = true;
  const login = await world.ask(undefined, 'POST /api/login', { name: 'ANNA', password: PASSWORD, totp: '123456' });
  assert.equal([login.status, login.body], [200, { name: 'anna', role: 'admin' }]);
  assert.match(login.cookie ?? '', '; Secure');
  const secret = secretOf(login.cookie);
  const out = await world.ask(secret, 'POST /api/logout');
  assert.is(out.status, 204);
  assert.match(out.cookie ?? '', /^thimble_session=; Path=\/; Max-Age=0; HttpOnly/);
  assert.is(world.accounts.callerOf({ secret }), undefined);
});

test('me says who asks and what they may', async () => {
  const world = await World.make();
  const anna = await world.setUp();
  const { body } = await world.ask<Me>(anna, 'GET /api/me');
  const nowMs = world.accounts.clock.nowMs();
  assert.equal(body, {
    ...{ id: 1, name: 'anna', role: 'admin', rights: ['export', 'delete', 'talk', 'ptz'], by: 'session' },
    ...{ boardTimeMs: nowMs, timeZone: 'Europe/Berlin', expiresMs: nowMs + 90 * 86_400_000 },
  });
  const bob = { name: 'bob', password: PASSWORD, role: 'viewer', cameras: [2] };
  await world.ask(anna, 'POST /api/users', bob);
  const me = (await world.ask<Me>(await world.login('bob'), 'GET /api/me')).body;
  assert.equal([me.cameras, me.rights], [[2], []]);
});

test('a new password comes with a new cookie', async () => {
  const world = await World.make();
  const anna = await world.setUp();
  const other = await world.login('anna');
  const changed = await world.ask<Me>(anna, 'PATCH /api/me', {
    currentPassword: PASSWORD,
    password: 'another horse staple',
  });
  assert.equal([changed.status, changed.body.name], [200, 'anna']);
  for (const secret of [anna, other]) assert.is(world.accounts.callerOf({ secret }), undefined);
  assert.ok(world.accounts.callerOf({ secret: secretOf(changed.cookie) }));
});

test('users: added, listed, changed, removed, with words for what cannot be', async () => {
  const world = await World.make();
  const anna = await world.setUp();
  const bob = { name: 'bob', password: PASSWORD, role: 'operator', cameras: [2, 1, 2], rights: ['talk', 'export'] };
  const made = await world.ask<User>(anna, 'POST /api/users', bob);
  const { id, createdMs } = made.body;
  const shown = { id, name: 'bob', role: 'operator', rights: ['export', 'talk'], createdMs, cameras: [1, 2] };
  assert.equal([made.status, made.body], [201, { ...shown, sessions: 0, tokens: 0 }]);
  const changed = await world.ask<User>(anna, `PATCH /api/users/${id}`, { cameras: null, name: 'Bobby' });
  assert.equal([changed.body.cameras, changed.body.name], [undefined, 'Bobby']);
  const { users } = (await world.ask<UserList>(anna, 'GET /api/users')).body;
  assert.equal(
    users.map(({ name }) => name),
    ['anna', 'Bobby'],
  );
  assert.not.match(JSON.stringify(users), 'scrypt');
  const none = await world.ask(anna, 'POST /api/users', { ...bob, name: 'carl', cameras: [9] });
  assert.equal([none.error?.kind, none.error?.field], ['invalid-argument', 'cameras']);
  assert.is((await world.ask(anna, 'DELETE /api/users/1')).error?.kind, 'failed-precondition');
  assert.is((await world.ask(anna, `DELETE /api/users/${id}`)).status, 204);
  for (const name of [`DELETE /api/users/${id}`, 'DELETE /api/users/x', 'DELETE /api/users/01']) {
    assert.is((await world.ask(anna, name)).error?.kind, 'not-found', name);
  }
});

test('one manages what is one’s own, an admin what is anybody’s, a token nothing', async () => {
  const world = await World.make();
  const anna = await world.setUp();
  const bobId = (await world.ask<User>(anna, 'POST /api/users', { name: 'bob', password: PASSWORD, role: 'viewer' }))
    .body.id;
  const bob = await world.login('bob');
  const second = await world.login('bob');
  const { sessions } = (await world.ask<SessionList>(bob, 'GET /api/sessions')).body;
  assert.equal(sessions.map(({ current, user, address, userAgent }) => [current, user, address, userAgent]).sort(), [
    [false, bobId, '10.0.0.1', 'Browser'],
    [true, bobId, '10.0.0.1', 'Browser'],
  ]);
  assert.not.match(JSON.stringify(sessions), bob.slice(4));
  const made = await world.ask<NewToken>(bob, 'POST /api/tokens', { name: 'HA', expiresMs: Date.UTC(2027, 0, 1) });
  assert.equal([made.status, made.body.role, made.body.expiresMs], [201, 'viewer', Date.UTC(2027, 0, 1)]);
  const { token } = made.body;
  for (const name of ['GET /api/sessions', 'GET /api/tokens', 'DELETE /api/sessions', 'GET /api/sessions?user=1']) {
    assert.is((await world.ask(token, name)).error?.kind, 'permission-denied', name);
  }
  assert.is((await world.ask(bob, 'GET /api/sessions?user=1')).error?.kind, 'permission-denied');
  assert.is((await world.ask(bob, 'DELETE /api/tokens?user=1')).status, 405);
  assert.is((await world.ask(token, 'POST /api/tokens', { name: 'x' })).error?.kind, 'permission-denied');
  const annas = (await world.ask<SessionList>(anna, 'GET /api/sessions')).body.sessions[0]?.id;
  assert.is((await world.ask(bob, `DELETE /api/sessions/${annas}`)).error?.kind, 'not-found');
  const bobs = sessions.find(({ current }) => !current)?.id;
  assert.is((await world.ask(token, `DELETE /api/sessions/${bobs}`)).error?.kind, 'not-found');
  assert.is((await world.ask(anna, `DELETE /api/sessions/${bobs}`)).status, 204);
  assert.is(world.accounts.callerOf({ secret: second }), undefined);
  const { tokens } = (await world.ask<TokenList>(anna, `GET /api/tokens?user=${bobId}`)).body;
  assert.equal(
    tokens.map(({ name }) => name),
    ['HA'],
  );
  assert.is((await world.ask(anna, 'GET /api/tokens?user=99')).error?.kind, 'not-found');
  assert.is((await world.ask(anna, `DELETE /api/tokens/${tokens[0]?.id}`)).status, 204);
  assert.is(world.accounts.callerOfToken(token), undefined);
  assert.is((await world.ask(anna, `DELETE /api/sessions?user=${bobId}`)).status, 204);
  assert.is(world.accounts.callerOf({ secret: bob }), undefined);
});

test('the audit log tells of all that, without a secret', async () => {
  const world = await World.make();
  const anna = await world.setUp();
  world.address = '10.0.0.7';
  await world.ask(undefined, 'POST /api/login', { name: 'anna', password: 'wrong horse staple' });
  await world.ask(undefined, 'POST /api/login', {
    name: 'correct horse typed as name',
    password: 'wrong horse staple',
  });
  await world.ask(undefined, 'POST /api/login', { name: 'ANNA ', password: 'wrong horse staple' });
  world.address = '10.0.0.1';
  const bob = (await world.ask<User>(anna, 'POST /api/users', { name: 'bob', password: PASSWORD, role: 'viewer' }))
    .body;
  await world.ask(anna, `PATCH /api/users/${bob.id}`, { password: 'another horse staple', role: 'operator' });
  const { token, id } = (await world.ask<NewToken>(anna, 'POST /api/tokens', { name: 'HA' })).body;
  await world.ask(anna, `DELETE /api/tokens/${id}`);
  await world.ask(anna, `DELETE /api/users/${bob.id}`);
  const { entries } = (await world.ask<AuditList>(anna, 'GET /api/audit?limit=50')).body;
  assert.equal(
    entries.map(({ action, user, address, target, detail }) => [action, user, address, target, detail]).reverse(),
    [
      ['setup', 'anna', '10.0.0.1', undefined, undefined],
      ['login-failed', 'anna', '10.0.0.7', undefined, undefined],
      ['login-failed', undefined, '10.0.0.7', undefined, 'a name that nobody has'],
      ['add', 'anna', '10.0.0.1', 'user bob', 'viewer'],
      ['change', 'anna', '10.0.0.1', 'user bob', 'role, password'],
      ['add', 'anna', '10.0.0.1', 'token HA', 'admin'],
      ['remove', 'anna', '10.0.0.1', 'token HA', 'of anna'],
      ['remove', 'anna', '10.0.0.1', 'user bob', undefined],
    ],
  );
  const page = (await world.ask<AuditList>(anna, 'GET /api/audit?limit=3&action=change')).body;
  assert.equal([page.entries.length, page.cursor], [1, undefined]);
  const text = JSON.stringify(entries);
  for (const secret of [PASSWORD, 'another horse', 'wrong horse', 'correct horse', anna, token])
    assert.not.match(text, secret);
});

test('every field is wrong in every way somebody manages, and says so itself', async () => {
  const world = await World.make();
  const anna = await world.setUp();
  const user = { name: 'x', password: PASSWORD, role: 'viewer' };
  const huge = 'x'.repeat(5000);
  const cases: [string, unknown, string | undefined][] = [
    ['POST /api/login', {}, 'name'],
    ['POST /api/login', { name: 'a', password: '' }, 'password'],
    ['POST /api/login', { name: '', password: 'x' }, 'name'],
    ['POST /api/login', { name: 'a', password: huge }, 'password'],
    ['POST /api/login', { name: huge, password: 'x' }, 'name'],
    ['POST /api/login', { name: ['a'], password: 'x' }, 'name'],
    ['POST /api/login', { name: { a: 1 }, password: 'x' }, 'name'],
    ['POST /api/login', { name: 'a', password: 1 }, 'password'],
    ['POST /api/login', { name: 'a', password: 'x', totp: '12345' }, 'totp'],
    ['POST /api/login', { name: 'a', password: 'x', totp: 123456 }, 'totp'],
    ['POST /api/login', { name: 'a', password: 'x', admin: true }, 'admin'],
    ['POST /api/login', [], undefined],
    ['POST /api/login', 'null', undefined],
    ['POST /api/login', '"anna"', undefined],
    ['POST /api/login', '{', undefined],
    ['POST /api/login', '', undefined],
    ['POST /api/login', `${'['.repeat(5000)}`, undefined],
    ['POST /api/login', `${'{"a":'.repeat(20)}1${'}'.repeat(20)}`, undefined],
    ['POST /api/login', '{"__proto__": {"name": "anna"}, "password": "x"}', undefined],
    ['POST /api/users', { ...user, name: '' }, 'name'],
    ['POST /api/users', { ...user, name: '   ' }, 'name'],
    ['POST /api/users', { ...user, name: 'x'.repeat(65) }, 'name'],
    ['POST /api/users', { ...user, name: 'a\nb' }, 'name'],
    ['POST /api/users', { ...user, name: 'a\u202eb' }, 'name'],
    ['POST /api/users', { ...user, name: 'a\u0000' }, 'name'],
    ['POST /api/users', { ...user, name: 'Anna' }, 'name'],
    ['POST /api/users', { ...user, password: 'short' }, 'password'],
    ['POST /api/users', { ...user, password: 'x'.repeat(300) }, 'password'],
    ['POST /api/users', { ...user, password: 'password123' }, 'password'],
    ['POST /api/users', { ...user, password: null }, 'password'],
    ['POST /api/users', { ...user, role: 'root' }, 'role'],
    ['POST /api/users', { ...user, role: undefined }, 'role'],
    ['POST /api/users', { ...user, cameras: [0] }, 'cameras.0'],
    ['POST /api/users', { ...user, cameras: [1.5] }, 'cameras.0'],
    ['POST /api/users', { ...user, cameras: ['1'] }, 'cameras.0'],
    ['POST /api/users', { ...user, cameras: 'all' }, 'cameras'],
    ['POST /api/users', { ...user, cameras: Array(2000).fill(1) }, 'cameras'],
    ['POST /api/users', { ...user, rights: ['everything'] }, 'rights.0'],
    ['POST /api/users', { ...user, rights: Array(99).fill('ptz') }, 'rights'],
    ['POST /api/users', { ...user, id: 1 }, 'id'],
    ['PATCH /api/users/1', { role: 'viewer' }, undefined],
    ['PATCH /api/users/1', { password: 'another horse staple' }, 'password'],
    ['PATCH /api/users/9', { name: 'y' }, undefined],
    ['PATCH /api/me', { password: 'another horse staple' }, 'currentPassword'],
    ['PATCH /api/me', { currentPassword: PASSWORD, password: 'short' }, 'password'],
    ['PATCH /api/me', { role: 'admin' }, 'role'],
    ['POST /api/tokens', { name: '' }, 'name'],
    ['POST /api/tokens', { name: 'x', expiresMs: 'soon' }, 'expiresMs'],
    ['POST /api/tokens', { name: 'x', expiresMs: -1 }, 'expiresMs'],
    ['POST /api/tokens', { name: 'x', expiresMs: 1e300 }, 'expiresMs'],
    ['POST /api/tokens', { name: 'x', expiresMs: 1 }, 'expiresMs'],
    ['POST /api/tokens', { name: 'x', cameras: [1] }, 'cameras'],
    ['GET /api/audit?limit=0', undefined, 'limit'],
    ['GET /api/audit?limit=99999', undefined, 'limit'],
    ['GET /api/audit?cursor=x', undefined, 'cursor'],
    ['GET /api/audit?action=everything', undefined, 'action'],
    ['GET /api/sessions?user=x', undefined, 'user'],
    ['GET /api/tokens?user=1&user=2', undefined, 'user'],
  ];
  for (const [name, body, field] of cases) {
    const { error } = await world.ask(anna, name, body);
    const where = `${name} ${JSON.stringify(body)?.slice(0, 60)}`;
    assert.ok(error, where);
    assert.ok(
      ['invalid-argument', 'not-found', 'failed-precondition'].includes(error.kind),
      `${where}: ${error.message}`,
    );
    if (field !== undefined) assert.is(error.field, field, where);
    assert.not.match(error.message + error.cure, PASSWORD);
  }
  assert.is(world.accounts.accounts.users.list().length, 1);
  assert.ok(world.accounts.callerOf({ secret: anna }));
});

test.run();
