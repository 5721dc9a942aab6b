import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { AccountWorld, PASSWORD, refused } from '../support/account-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('accounts: users and tokens');

async function withBob() {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const actor = world.actor(anna);
  const { users } = world.accounts;
  const bob = await users.add(actor, {
    name: 'Bob',
    password: PASSWORD,
    role: 'viewer',
    cameras: [1, 2],
    rights: ['export'],
  });
  return { world, users, anna, actor, bob, bobSession: await world.login('bob') };
}

test('a user sees and may what an admin says', async () => {
  const { world, bob, bobSession, anna } = await withBob();
  const caller = world.callerOf(bobSession);
  assert.equal(
    { ...caller, cameras: [...(caller?.cameras ?? [])], rights: [...(caller?.rights ?? [])], credential: '' },
    { by: 'session', user: bob.id, name: 'Bob', role: 'viewer', cameras: [1, 2], rights: ['export'], credential: '' },
  );
  const admin = world.callerOf(anna);
  assert.is(admin?.cameras, undefined);
  assert.equal([...(admin?.rights ?? [])], ['export', 'delete', 'talk', 'ptz']);
  await world.restart();
  assert.equal(world.accounts.users.get(bob.id)?.cameras, [1, 2]);
});

test('names are unique however they are written', async () => {
  const { users, actor, bob } = await withBob();
  for (const name of ['bob', 'BOB', '\uff22ob']) {
    const error = await refused(users.add(actor, { name, password: PASSWORD, role: 'viewer' }));
    assert.is(error.field, 'name', name);
  }
  assert.is((await refused(users.change(actor, bob.id, { name: 'ANNA' }))).field, 'name');
  assert.is((await users.change(actor, bob.id, { name: 'BOB' })).name, 'BOB');
});

test('what changes holds at once for whoever is logged in', async () => {
  const { world, users, actor, bob, bobSession } = await withBob();
  const credential = world.callerOf(bobSession)?.credential;
  const changed = await users.change(actor, bob.id, { role: 'operator', cameras: [2], rights: [] });
  assert.equal([changed.role, changed.cameras, changed.rights, changed.name], ['operator', [2], [], 'Bob']);
  const caller = world.callerOf(bobSession);
  assert.equal([caller?.role, [...(caller?.cameras ?? [])], caller?.rights.size], ['operator', [2], 0]);
  assert.equal(world.revoked, [credential]);
  await users.change(actor, bob.id, { cameras: null });
  assert.is(world.callerOf(bobSession)?.cameras, undefined);
  await users.change(actor, bob.id, { cameras: [] });
  assert.is(world.callerOf(bobSession)?.cameras?.size, 0);
  await users.change(actor, bob.id, { cameras: [] });
  assert.is(world.revoked.length, 3, 'nothing changed the last time');
});

test('another password from an admin ends the sessions of that user, and not the tokens', async () => {
  const { world, users, actor, bob, bobSession } = await withBob();
  const { token } = await world.accounts.tokens.create(world.actor(bobSession), { name: 'HA' });
  await users.change(actor, bob.id, { password: 'another horse staple' });
  assert.is(world.callerOf(bobSession), undefined);
  assert.ok(world.callerOfToken(token));
  assert.ok(await world.login('bob', 'another horse staple'));
  // The own one asks for the present one.
  assert.is((await refused(users.change(actor, 1, { password: 'another horse staple' }))).field, 'password');
});

test('removing a user ends everything of it, in one commit', async () => {
  const { world, users, actor, bob, bobSession } = await withBob();
  const { token, id } = await world.accounts.tokens.create(world.actor(bobSession), { name: 'HA' });
  assert.ok(world.accounts.callerBy(bob.id, id));
  await users.remove(actor, bob.id);
  assert.is(world.callerOf(bobSession), undefined);
  assert.is(world.callerOfToken(token), undefined);
  assert.is(world.accounts.callerBy(bob.id, id), undefined);
  assert.is(world.revoked.length, 2);
  assert.is((await refused(world.login('bob'))).kind, 'unauthenticated');
  assert.is((await refused(users.remove(actor, bob.id))).kind, 'not-found');
  await world.restart();
  assert.is(world.accounts.users.list().length, 1);
  assert.equal(
    [...world.table.list('sessions'), ...world.table.list('tokens')].map(row => (row as { user?: number }).user),
    [1],
  );
  const carl = await world.accounts.users.add(actor, { name: 'carl', password: PASSWORD, role: 'viewer' });
  assert.ok(carl.id > bob.id, 'a number is never given again');
});

test('requests during a change do not undo it', async () => {
  const { world, users, actor, bob, bobSession } = await withBob();
  const { token } = await world.accounts.tokens.create(world.actor(bobSession), { name: 'HA' });
  await world.clock.advance(2 * 3_600_000);
  const seen = () => [world.callerOf(bobSession), world.callerOfToken(token)];
  const changing = users.change(actor, bob.id, { role: 'operator' });
  await Promise.resolve();
  seen();
  await changing;
  await world.clock.advance(2 * 3_600_000);
  const removing = users.remove(actor, bob.id);
  await Promise.resolve();
  seen();
  // A login that was right when it was looked at.
  const late = await world.login('bob').catch(() => undefined);
  await removing;
  await world.database.flush();
  if (late) assert.is(world.callerOf(late), undefined);
  await world.restart();
  assert.equal(
    world.accounts.users.list().map(({ name }) => name),
    ['anna'],
  );
  assert.is(world.callerOf(bobSession), undefined);
  assert.is(world.callerOfToken(token), undefined);
  assert.is(world.table.list('tokens').length, 0);
});

test('a login with the old password is worth nothing once there is another, however close', async () => {
  const { world, users, actor, bob } = await withBob();
  const changing = users.change(actor, bob.id, { password: 'another horse staple' });
  // Looked at with the old hash: refused after the change; where storing that takes longer, the session ends with it.
  const late = world.login('bob').catch((error: unknown) => error);
  await changing;
  const outcome = await late;
  if (outcome instanceof Error) assert.is((outcome as NvrError).kind, 'unauthenticated');
  else assert.is(world.callerOf(outcome as Awaited<ReturnType<typeof world.login>>), undefined);
});

test('sessions that begin while a new password or a removal is being stored end with it', async () => {
  const { world, users, actor, bob } = await withBob();
  await world.database.flush();
  const during = async (action: () => Promise<unknown>, password: string) => {
    let release = () => {};
    world.hold = new Promise(resolve => {
      release = resolve;
    });
    const { commits } = world;
    const changing = action();
    while (world.commits === commits) await new Promise(resolve => setImmediate(resolve));
    const session = await world.login('bob', password);
    assert.ok(world.callerOf(session));
    world.hold = undefined;
    release();
    await changing;
    assert.is(world.callerOf(session), undefined);
    await world.database.flush();
  };
  await during(() => users.change(actor, bob.id, { password: 'another horse staple' }), PASSWORD);
  await during(() => users.remove(actor, bob.id), 'another horse staple');
  await world.restart();
  assert.is(world.table.list('sessions').length, 1, 'of anna');
});

test('the only admin stays one', async () => {
  const { world, users, actor, bob } = await withBob();
  assert.is((await refused(users.remove(actor, 1))).kind, 'failed-precondition');
  assert.is((await refused(users.change(actor, 1, { role: 'operator' }))).kind, 'failed-precondition');
  await users.change(actor, bob.id, { role: 'admin' });
  const results = await Promise.allSettled([users.remove(actor, 1), users.remove(actor, bob.id)]);
  assert.equal(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.is(world.accounts.users.list().length, 1);
});

test('a change that cannot be stored changes nothing', async () => {
  const { world, users, actor, bob, bobSession } = await withBob();
  const { token, id } = await world.accounts.tokens.create(world.actor(bobSession), { name: 'HA' });
  world.failure = new NvrError('resource-exhausted', 'the volume is full');
  const attempts = [
    users.change(actor, bob.id, { role: 'admin' }),
    users.remove(actor, bob.id),
    users.add(actor, { name: 'carl', password: PASSWORD, role: 'admin' }),
    users.change(actor, bob.id, { password: 'another horse staple' }),
    world.accounts.tokens.create(world.actor(bobSession), { name: 'more' }),
    world.accounts.tokens.revoke(actor, id, () => true),
  ];
  const kinds = await Promise.all(attempts.map(async attempt => (await refused(attempt)).kind));
  assert.equal(new Set(kinds), new Set(['resource-exhausted']));
  world.failure = undefined;
  await world.database.flush();
  assert.is(world.callerOf(bobSession)?.role, 'viewer');
  assert.ok(world.callerOfToken(token));
  await world.restart();
  assert.equal(
    world.accounts.users.list().map(({ name, role }) => [name, role]),
    [
      ['anna', 'admin'],
      ['Bob', 'viewer'],
    ],
  );
  assert.ok(world.callerOfToken(token));
  assert.ok(await world.login('bob'));
});

test('a token may what its user may and its scope allows, whatever becomes of the user', async () => {
  const { world, users, actor, bob, anna, bobSession } = await withBob();
  const { tokens } = world.accounts;
  const wide = await tokens.create(actor, { name: 'all' });
  const narrow = await tokens.create(actor, { name: 'door', role: 'operator', cameras: [2, 3], rights: ['ptz'] });
  assert.is(world.callerOfToken(wide.token)?.role, 'admin');
  const caller = world.callerOfToken(narrow.token);
  const shown = () => [caller?.by, caller?.role, [...(caller?.cameras ?? [])], [...(caller?.rights ?? [])]];
  assert.equal(shown(), ['token', 'operator', [2, 3], ['ptz']]);
  const bobs = await tokens.create(world.actor(bobSession), { name: 'mine' });
  assert.equal([bobs.role, bobs.rights, bobs.cameras], ['viewer', ['export'], undefined]);
  await users.change(actor, bob.id, { cameras: [1], rights: [] });
  const now = world.callerOfToken(bobs.token);
  assert.equal([[...(now?.cameras ?? [])], now?.rights.size], [[1], 0]);
  await users.change(actor, bob.id, { role: 'admin' });
  assert.is(world.callerOfToken(bobs.token)?.role, 'viewer', 'never more than it was made for');
  await users.change(world.actor(bobSession), 1, { role: 'viewer', cameras: [3] });
  assert.equal([...(world.callerOfToken(narrow.token)?.cameras ?? [])], [3]);
  assert.is(world.callerOfToken(wide.token)?.role, 'viewer');
  assert.ok(world.callerOf(anna));
});

test('a token never begins with more than its user has', async () => {
  const { world, bobSession } = await withBob();
  const create = (input: object) =>
    refused(world.accounts.tokens.create(world.actor(bobSession), { name: 'x', ...input }));
  assert.is((await create({ role: 'operator' })).field, 'role');
  assert.is((await create({ cameras: [1, 3] })).field, 'cameras');
  assert.is((await create({ rights: ['delete'] })).field, 'rights');
  assert.is((await create({ expiresMs: world.clock.nowMs() })).field, 'expiresMs');
});

test('a token makes no tokens', async () => {
  const { world, actor } = await withBob();
  const { token } = await world.accounts.tokens.create(actor, { name: 'all' });
  const caller = world.callerOfToken(token);
  assert.ok(caller);
  const error = await refused(world.accounts.tokens.create({ caller, remoteAddress: '' } as never, { name: 'x' }));
  assert.is(error.kind, 'permission-denied');
});

test('tokens expire, are revoked, and are stored as hashes only', async () => {
  const { world, actor } = await withBob();
  const { tokens } = world.accounts;
  const made = await tokens.create(actor, { name: 'week', expiresMs: world.clock.nowMs() + 7 * 86_400_000 });
  const other = await tokens.create(actor, { name: 'other' });
  assert.match(made.token, /^tmt_[\w-]{43}$/);
  assert.not.ok(JSON.stringify(world.mirror).includes(made.token.slice(4)));
  assert.equal(
    tokens.of(1).map(({ name, lastUsedMs }) => [name, lastUsedMs]),
    [
      ['week', undefined],
      ['other', undefined],
    ],
  );
  assert.not.ok(JSON.stringify(tokens.of(1)).includes(made.token));
  assert.ok(world.callerOfToken(made.token));
  assert.is(tokens.of(1).find(({ name }) => name === 'week')?.lastUsedMs, world.clock.nowMs());
  await world.clock.advance(7 * 86_400_000);
  assert.is(world.callerOfToken(made.token), undefined);
  assert.ok(world.revoked.includes(made.id), 'the sweep tells of it');
  assert.is((await refused(tokens.revoke(actor, other.id, () => false))).kind, 'not-found');
  await tokens.revoke(actor, other.id, user => user === 1);
  assert.is(world.callerOfToken(other.token), undefined);
  await world.restart();
  assert.equal(
    world.accounts.tokens.of(1).map(({ name }) => name),
    ['week'],
    'its owner may want to know',
  );
});

test('Basic takes a token as password, whatever the name', async () => {
  const { world, actor } = await withBob();
  const { token } = await world.accounts.tokens.create(actor, { name: 'cast' });
  const basic = (text: string) =>
    world.accounts.identify({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  assert.is(basic(`anna:${token}`)?.by, 'token');
  assert.is(basic(`:${token}`)?.by, 'token');
  assert.is(basic(token)?.by, 'token');
  assert.is(basic(`anna:x${token}`), undefined);
  assert.is(basic(`anna:${PASSWORD}`), undefined);
  const { authorization, cookie } = {
    authorization: `Bearer ${token}x`,
    cookie: `thimble_session=${(await world.login('anna')).secret}`,
  };
  assert.ok(world.accounts.identify({ authorization, cookie }), 'that is none of ours');
  await world.accounts.tokens.revoke(actor, world.accounts.tokens.of(1)[0]?.id ?? '', () => true);
  assert.is(
    world.accounts.identify({ authorization: `Bearer ${token}`, cookie }),
    undefined,
    'a revoked one is one of ours',
  );
});

test('users and tokens have a bound', async () => {
  const { world, actor, anna } = await withBob();
  for (let n = 0; n < 16; n++) await world.accounts.tokens.create(actor, { name: `${n}` });
  assert.is((await refused(world.accounts.tokens.create(actor, { name: 'x' }))).kind, 'failed-precondition');
  assert.ok(world.callerOf(anna));
  const [row] = world.table.list('users');
  const rows = Array.from({ length: 62 }, (_, n) => ({ ...row, id: `${n + 100}`, name: `user ${n}` }));
  await world.table.change(rows.map(user => ({ kind: 'users', id: user.id, row: user })));
  await world.restart();
  const error = await refused(world.accounts.users.add(actor, { name: 'x', password: PASSWORD, role: 'viewer' }));
  assert.is(error.kind, 'failed-precondition');
});

test.run();
