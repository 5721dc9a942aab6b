import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { AccountWorld, PASSWORD, refused } from '../support/account-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('accounts: in and out');
const DAY_MS = 86_400_000;
const CODE = /^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/;

test('shows a code until there is an account', async () => {
  const world = await AccountWorld.make();
  const code = world.accounts.setupCode ?? '';
  assert.match(code, CODE);
  assert.is(world.setupFile, `${code}\n`);
  assert.is(statSync(join(world.dir, 'setup-code')).mode & 0o777, 0o600);
  await world.restart();
  assert.is.not(world.accounts.setupCode, code);
  assert.is(world.setupFile, `${world.accounts.setupCode}\n`);
  const anna = await world.setUp('anna');
  assert.is(world.accounts.setupCode, undefined);
  assert.is(world.setupFile, undefined);
  assert.is(world.callerOf(anna)?.role, 'admin');
  assert.is((await refused(world.setUp('eve'))).kind, 'not-found');
  await world.restart();
  assert.is(world.accounts.setupCode, undefined);
});

test('takes the code however it is typed, and nothing else', async () => {
  const world = await AccountWorld.make();
  const code = world.accounts.setupCode ?? '';
  const setUp = (given: string) =>
    world.accounts.setup({ code: given, name: 'anna', password: PASSWORD }, { remoteAddress: '10.0.0.1' });
  for (const wrong of ['', code.slice(1), `${code}A`, 'AAAA-AAAA']) {
    const error = await refused(setUp(wrong));
    assert.is(error.kind, 'permission-denied');
    assert.is(error.field, 'code');
  }
  assert.is((await setUp(` ${code.toLowerCase().replace('-', ' ')}`)).role, 'admin');
});

test('five wrong codes cost a minute, those of one network only', async () => {
  const world = await AccountWorld.make();
  const code = world.accounts.setupCode ?? '';
  const setUp = (given: string, remoteAddress: string) =>
    world.accounts.setup({ code: given, name: 'anna', password: PASSWORD }, { remoteAddress });
  for (let n = 0; n < 5; n++) await refused(setUp('AAAA-AAAA', '2001:db8::1'));
  const error = await refused(setUp(code, '2001:db8::2'));
  assert.is(error.kind, 'resource-exhausted');
  assert.is(error.retryAfterS, 60);
  await refused(setUp('AAAA-AAAA', '10.0.0.1'));
  await world.clock.advance(59_000);
  assert.is((await refused(setUp(code, '2001:db8::1'))).retryAfterS, 1);
  await world.clock.advance(1000);
  assert.is((await setUp(code, '2001:db8::1')).name, 'anna');
});

test('many networks together get no further than sixty codes a minute', async () => {
  const world = await AccountWorld.make();
  const setUp = (remoteAddress: string) =>
    world.accounts.setup({ code: 'AAAA-AAAA', name: 'x', password: PASSWORD }, { remoteAddress });
  for (let n = 0; n < 60; n++) assert.is((await refused(setUp(`10.0.1.${n}`))).kind, 'permission-denied');
  assert.is((await refused(setUp('10.0.2.1'))).kind, 'resource-exhausted');
});

test('of two that hold the code only one makes an account', async () => {
  const world = await AccountWorld.make();
  const results = await Promise.allSettled([world.setUp('anna'), world.setUp('bob')]);
  assert.equal(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.is(world.accounts.users.list().length, 1);
});

test('an account that cannot be stored is none, and the code stays', async () => {
  const world = await AccountWorld.make();
  const code = world.accounts.setupCode;
  world.failure = new NvrError('resource-exhausted', 'the volume is full');
  assert.is((await refused(world.setUp())).kind, 'resource-exhausted');
  assert.is(world.accounts.setupCode, code);
  world.failure = undefined;
  assert.is((await world.setUp()).name, 'anna');
});

test('says the same about a wrong name and a wrong password', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  const answers = [await refused(world.login('anna', 'wrong horse staple')), await refused(world.login('nobody'))];
  assert.equal(
    answers.map(({ kind, message, cure, field }) => ({ kind, message, cure, field })),
    Array(2).fill({
      kind: 'unauthenticated',
      message: 'the name or the password is wrong',
      cure: undefined,
      field: undefined,
    }),
  );
  assert.is((await world.login('  ANNA ')).name, 'anna');
});

test('passwords are the same however their letters are composed', async () => {
  const world = await AccountWorld.make();
  const code = world.accounts.setupCode ?? '';
  await world.accounts.setup({ code, name: 'Zoë', password: 'schöne Bäume' }, { remoteAddress: '10.0.0.1' });
  assert.is((await world.login('ZOE\u0308', 'scho\u0308ne Ba\u0308ume')).name, 'Zoë');
});

test('sessions hold over a restart, and only their hashes are stored', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const credential = world.callerOf(anna)?.credential;
  await world.database.flush();
  await world.restart();
  assert.is(world.callerOf(anna)?.credential, credential);
  const rows = world.index.range('sessions', { from: Buffer.alloc(1), to: Buffer.alloc(9, 255), limit: 9 });
  assert.is(rows.length, 1);
  assert.not.ok(rows[0]?.value.includes(anna.secret));
  assert.not.ok(rows[0]?.value.includes(anna.secret.slice(4)));
});

test('a session ends when nobody uses it, and in any case', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const idle = await world.login('anna');
  const unused = world.callerOf(idle)?.credential;
  const used = world.callerOf(anna)?.credential;
  for (let day = 1; day < 90; day++) {
    await world.clock.advance(DAY_MS);
    assert.is(world.callerOf(anna)?.name, 'anna', `on day ${day}`);
    // The sweep tells of it without anybody asking.
    assert.is(world.revoked.includes(unused ?? ''), day >= 14, `idle on day ${day}`);
  }
  assert.is(world.callerOf(idle), undefined);
  assert.is(world.accounts.sessions.expiryOf(used ?? ''), world.clock.nowMs() + DAY_MS);
  await world.clock.advance(DAY_MS - 1);
  assert.ok(world.callerOf(anna));
  await world.clock.advance(1);
  assert.is(world.callerOf(anna), undefined);
  assert.equal(world.revoked, [unused, used]);
  await world.restart();
  assert.is(world.callerOf(anna), undefined);
});

test('when the clock is set, sessions of this run do not age by it', async () => {
  const world = await AccountWorld.make();
  world.clock.step(-world.clock.nowMs() + 5000);
  const anna = await world.setUp();
  await world.clock.advance(1000);
  world.clock.step(Date.UTC(2026, 5, 1));
  assert.is(world.callerOf(anna)?.name, 'anna');
  const credential = world.callerOf(anna)?.credential ?? '';
  assert.is(world.accounts.sessions.expiryOf(credential), world.clock.nowMs() - 1000 + 90 * DAY_MS);
  await world.database.flush();
  await world.restart();
  assert.is(world.callerOf(anna)?.name, 'anna');
  world.clock.step(-Date.UTC(2026, 5, 1));
  assert.is(world.callerOf(anna)?.name, 'anna');
});

test('a session of a run before the clock was ever set does not age by that', async () => {
  const world = await AccountWorld.make();
  world.clock.step(-world.clock.nowMs() + 5000);
  const anna = await world.setUp();
  await world.database.flush();
  world.clock.step(Date.UTC(2026, 5, 1));
  await world.restart();
  const credential = world.callerOf(anna)?.credential ?? '';
  assert.is(world.accounts.sessions.expiryOf(credential), world.clock.nowMs() + 90 * DAY_MS);
});

test('a board that begins in 1970 again ends no session by that', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  await world.database.flush();
  world.clock.step(-world.clock.nowMs());
  await world.restart();
  assert.is(world.callerOf(anna)?.name, 'anna');
});

test('is not worn out by requests: when somebody was seen is written once an hour', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  world.callerOf(anna);
  await world.database.flush();
  for (let n = 0; n < 50; n++) {
    await world.clock.advance(60_000);
    world.callerOf(anna);
  }
  assert.not.ok(world.database.dirty);
  await world.clock.advance(11 * 60_000);
  world.callerOf(anna);
  assert.ok(world.database.dirty);
  const [user] = world.accounts.users.list();
  assert.is(user?.lastSeenMs, world.clock.nowMs());
});

test('of more than sixteen sessions the one that was used least lately ends', async () => {
  const world = await AccountWorld.make();
  const first = await world.setUp();
  for (let n = 0; n < 15; n++) {
    await world.clock.advance(3_600_000);
    world.callerOf(first);
    await world.login('anna');
  }
  const [second] = world.accounts.sessions
    .of(1)
    .filter(({ id }) => id !== world.callerOf(first)?.credential)
    .slice(-1);
  await world.clock.advance(1000);
  await world.login('anna');
  assert.is(world.accounts.sessions.of(1).length, 16);
  assert.ok(world.callerOf(first));
  assert.equal(world.revoked, [second?.id]);
});

test('logout ends the one session, whatever the volume does', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const other = await world.login('anna');
  const credential = world.callerOf(anna)?.credential;
  world.failure = new NvrError('resource-exhausted', 'the volume is full');
  await world.accounts.sessions.logout(world.actor(anna));
  assert.is(world.callerOf(anna), undefined);
  assert.ok(world.callerOf(other));
  assert.equal(world.revoked, [credential]);
  world.failure = undefined;
  await world.clock.advance(10_000);
  await world.restart();
  assert.is(world.callerOf(anna), undefined);
});

test('one gets in on a full volume, to make room', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  world.failure = new NvrError('resource-exhausted', 'the volume is full');
  assert.ok(world.callerOf(await world.login('anna')));
});

test('one ends sessions of oneself, one by one or all others', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const [second, third, fourth] = [await world.login('anna'), await world.login('anna'), await world.login('anna')];
  const id = world.callerOf(second)?.credential ?? '';
  assert.is((await refused(world.accounts.sessions.end(world.actor(anna), id, () => false))).kind, 'not-found');
  assert.is((await refused(world.accounts.sessions.end(world.actor(anna), 'x', () => true))).kind, 'not-found');
  await world.accounts.sessions.end(world.actor(anna), id, user => user === 1);
  assert.is(world.callerOf(second), undefined);
  assert.is(world.accounts.sessions.of(1).length, 3);
  await world.accounts.sessions.endAll(world.actor(anna), 1);
  assert.is(world.callerOf(third), undefined);
  assert.is(world.callerOf(fourth), undefined);
  assert.ok(world.callerOf(anna));
});

test('a new password asks for the old one and ends all sessions', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const other = await world.login('anna');
  const actor = { ...world.actor(anna), userAgent: 'Browser' };
  const change = (currentPassword: string, password: string) =>
    world.accounts.changePassword(actor, { currentPassword, password });
  const wrong = await refused(change('wrong horse staple', 'another horse staple'));
  assert.is(wrong.kind, 'permission-denied');
  assert.is(wrong.field, 'currentPassword');
  assert.is((await refused(change(PASSWORD, 'short'))).field, 'password');
  assert.ok(world.callerOf(other));
  const fresh = await change(PASSWORD, 'another horse staple');
  assert.is(world.callerOf(other), undefined);
  assert.is(world.callerOf(anna), undefined);
  assert.ok(world.callerOf(fresh));
  assert.is((await refused(world.login('anna'))).kind, 'unauthenticated');
  assert.ok(await world.login('anna', 'another horse staple'));
});

test('nobody guesses the present password by way of a stolen session', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const change = () =>
    world.accounts.changePassword(world.actor(anna), { currentPassword: 'guess 1234567', password: 'mine now horse' });
  for (let n = 0; n < 5; n++) assert.is((await refused(change())).kind, 'permission-denied');
  assert.is((await refused(change())).kind, 'resource-exhausted');
});

test('headers that prove nothing are nobody', async () => {
  const world = await AccountWorld.make();
  const { secret } = await world.setUp();
  const { accounts } = world;
  const hostile = [
    {},
    { cookie: '' },
    { cookie: 'thimble_session' },
    { cookie: 'thimble_session=' },
    { cookie: `thimble_session=${secret}x` },
    { cookie: `thimble_session=${secret.slice(0, -1)}` },
    { cookie: `xthimble_session=${secret}` },
    { cookie: `a=b&thimble_session=${secret}` },
    { cookie: `THIMBLE_SESSION=${secret}` },
    { cookie: `thimble_session="${secret}"` },
    { cookie: 'thimble_session='.repeat(1000) },
    { cookie: `${'thimble_session=tms_'.padEnd(63, 'a')}; `.repeat(200) },
    { authorization: `Bearer ${secret}` },
    { authorization: `Basic ${Buffer.from(`anna:${PASSWORD}`).toString('base64')}` },
    { authorization: `Bearer ${'a'.repeat(10_000)}` },
    { authorization: 'Bearer __proto__' },
    { authorization: 'Digest x' },
  ];
  for (const headers of hostile) assert.is(accounts.identify(headers), undefined, JSON.stringify(headers).slice(0, 99));
  assert.ok(accounts.identify({ cookie: `a=b; thimble_session=tms_other; thimble_session=${secret}; c=d` }));
  // Credentials of some proxy in front of us.
  assert.ok(accounts.identify({ authorization: 'Basic eDp5', cookie: `thimble_session=${secret}` }));
});

test('a user with one-time codes of a later version is not let in without', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  const [row] = world.table.list('users');
  await world.table.change([{ kind: 'users', id: '1', row: { ...row, id: '1', totp: 'sealed', more: 1 } as never }]);
  await world.restart();
  assert.is((await refused(world.login('anna'))).kind, 'failed-precondition');
  assert.is((await refused(world.login('anna', 'wrong horse staple'))).kind, 'unauthenticated');
  assert.is(world.mirror.users[0]?.more, 1);
});

test('rows that cannot be read are no accounts, and take nobody else along', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  await world.database.flush();
  const bad = [{ id: '7' }, { id: '8', name: 'x', role: 'root', rights: [], password: 'x', createdMs: 1 }];
  await world.table.change(bad.map(row => ({ kind: 'users', id: row.id, row })));
  await world.table.change([{ kind: 'sessions', id: 'x'.repeat(43), row: { id: 'x'.repeat(43) } }]);
  await world.restart();
  assert.equal(
    world.accounts.users.list().map(({ name }) => name),
    ['anna'],
  );
  assert.ok(world.callerOf(anna));
  assert.is(world.table.list('sessions').length, 1);
});

test('a listener that throws keeps nobody else from hearing', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp();
  const heard: string[] = [];
  world.accounts.onRevoked(() => {
    throw new Error('x');
  });
  const off = world.accounts.onRevoked(credential => heard.push(credential));
  await world.accounts.sessions.logout(world.actor(anna));
  assert.is(heard.length, 1);
  off();
  await world.accounts.sessions.logout(world.actor(await world.login('anna')));
  assert.is(heard.length, 1);
});

test.run();
