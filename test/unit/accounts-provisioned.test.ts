import * as assert from 'uvu/assert';
import type { ProvisionedUser } from '../../src/accounts/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { AccountWorld, PASSWORD, refused } from '../support/account-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('accounts: users of a file');
const PATH = '/etc/thimble.yaml';
const ANNA: ProvisionedUser = { key: 'anna', name: 'Anna', role: 'admin', rights: [], password: PASSWORD };
const BOB: ProvisionedUser = {
  key: 'bob',
  name: 'Bob',
  role: 'viewer',
  rights: ['ptz'],
  cameras: [1],
  password: PASSWORD,
};

async function restart(world: AccountWorld, users: ProvisionedUser[] | undefined): Promise<void> {
  world.provisioned = users && { path: PATH, users };
  await world.restart();
  await world.accounts.provisioned();
}

function shown(world: AccountWorld) {
  return world.accounts.users.list().map(({ name, role, cameras, provisioned }) => [name, role, cameras, provisioned]);
}

test('they are there from the first start on, without a set-up code', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  assert.is(world.accounts.setupCode, undefined);
  assert.is(world.setupFile, undefined);
  assert.equal(shown(world), [
    ['Anna', 'admin', undefined, 'anna'],
    ['Bob', 'viewer', [1], 'bob'],
  ]);
  assert.ok(await world.login('bob'));
});

test('a start that finds nothing changed writes nothing', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  await world.database.flush();
  await restart(world, [ANNA, BOB]);
  assert.not.ok(world.database.dirty);
});

test('what the file says otherwise is changed, with the number, the tokens and the sessions kept', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  const bob = await world.login('bob');
  const { token } = await world.accounts.tokens.create(world.actor(bob), { name: 'HA' });
  await world.database.flush();
  const id = world.callerOf(bob)?.user;
  await restart(world, [ANNA, { ...BOB, name: 'Bobby', role: 'operator', cameras: [2], rights: [] }]);
  const caller = world.callerOf(bob);
  assert.equal(
    [caller?.user, caller?.name, caller?.role, [...(caller?.cameras ?? [])]],
    [id, 'Bobby', 'operator', [2]],
  );
  assert.is(world.callerOfToken(token)?.role, 'viewer');
  const { cameras: _cameras, ...all } = BOB;
  await restart(world, [ANNA, all]);
  assert.is(world.callerOf(bob)?.cameras, undefined);
});

test('another password in the file ends the sessions', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  const bob = await world.login('bob');
  await restart(world, [ANNA, { ...BOB, password: 'another horse staple' }]);
  assert.is(world.callerOf(bob), undefined);
  assert.is((await refused(world.login('bob'))).kind, 'unauthenticated');
  assert.ok(await world.login('bob', 'another horse staple'));
});

test('who is no longer in the file is gone with everything', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  const bob = await world.login('bob');
  const { token } = await world.accounts.tokens.create(world.actor(bob), { name: 'HA' });
  await world.database.flush();
  await restart(world, [ANNA]);
  assert.equal(
    shown(world).map(([name]) => name),
    ['Anna'],
  );
  assert.is(world.callerOf(bob), undefined);
  assert.is(world.callerOfToken(token), undefined);
  assert.is(world.table.list('tokens').length, 0);
});

test('somebody made by hand stays, and becomes the file’s when it has the same name', async () => {
  const world = await AccountWorld.make();
  const anna = await world.setUp('anna');
  await world.database.flush();
  await restart(world, [BOB]);
  assert.equal(
    shown(world).map(([name, , , key]) => [name, key]),
    [
      ['anna', undefined],
      ['Bob', 'bob'],
    ],
  );
  await restart(world, [ANNA, BOB]);
  assert.equal(
    shown(world).map(([name, , , key]) => [name, key]),
    [
      ['Anna', 'anna'],
      ['Bob', 'bob'],
    ],
  );
  assert.is(world.callerOf(anna)?.user, 1);
});

test('nobody else changes them while there is a file', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  const anna = await world.login('anna');
  const { users } = world.accounts;
  const [, bob] = users.list();
  const attempts = [
    users.change(world.actor(anna), bob?.id ?? 0, { role: 'admin' }),
    users.remove(world.actor(anna), bob?.id ?? 0),
    world.accounts.changePassword(world.actor(anna), { currentPassword: PASSWORD, password: 'another horse staple' }),
  ];
  const errors = await Promise.all(attempts.map(refused));
  for (const error of errors) {
    assert.is(error.kind, 'failed-precondition');
    assert.match(error.message, PATH);
  }
  assert.match(errors[0]?.cure ?? '', '"users.bob"');
  await world.database.flush();
  await restart(world, undefined);
  const later = await world.login('anna');
  const changed = await world.accounts.users.change(world.actor(later), bob?.id ?? 0, { role: 'operator' });
  assert.equal([changed.role, changed.provisioned], ['operator', undefined]);
});

test('a file without an admin is refused, where there is none otherwise', async () => {
  const world = new AccountWorld();
  assert.is((await refused(restart(world, [BOB]))).kind, 'failed-precondition');
  await restart(world, [ANNA, BOB]);
  assert.is((await refused(restart(world, [BOB]))).kind, 'failed-precondition');
  assert.is((await refused(restart(world, [{ ...ANNA, role: 'viewer' }]))).kind, 'failed-precondition');
  await restart(world, undefined);
  assert.is(world.accounts.users.list().length, 2, 'nothing was changed');
});

test('a name that somebody else has is refused', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA, BOB]);
  const error = await refused(restart(world, [ANNA, { ...BOB, name: 'ANNA' }]));
  assert.is(error.kind, 'invalid-argument');
});

test('a volume that refuses keeps nobody out who was there before', async () => {
  const world = new AccountWorld();
  await restart(world, [ANNA]);
  world.failure = new NvrError('resource-exhausted', 'the volume is full');
  await restart(world, [ANNA, BOB]);
  assert.equal(
    shown(world).map(([name]) => name),
    ['Anna'],
  );
  assert.ok(world.log.messages('error').includes('the users of the configuration cannot be stored'));
  assert.ok(await world.login('anna'));
});

test.run();
