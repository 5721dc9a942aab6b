import * as assert from 'uvu/assert';
import { networkOf } from '../../src/accounts/network.ts';
import { checkPassword, legibleSecret, PasswordHasher } from '../../src/accounts/password.ts';
import type { NvrError } from '../../src/core/index.ts';
import { AccountWorld, PASSWORD, refused } from '../support/account-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('accounts: guessing');
const WRONG = 'wrong horse staple';

async function tries(world: AccountWorld, count: number, name: string, address: string): Promise<string[]> {
  const kinds: string[] = [];
  for (let n = 0; n < count; n++) kinds.push((await refused(world.login(name, WRONG, address))).kind);
  return kinds;
}

test('a network that guesses waits longer and longer, but not for ever', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  assert.equal(await tries(world, 6, 'anna', '10.0.9.9'), [...Array(5).fill('unauthenticated'), 'resource-exhausted']);
  const waits: number[] = [];
  for (let n = 0; n < 10; n++) {
    const { retryAfterS = 0 } = await refused(world.login('anna', WRONG, '10.0.9.9'));
    waits.push(retryAfterS);
    await world.clock.advance(retryAfterS * 1000);
    // Names do not matter to it.
    assert.is((await refused(world.login(`user ${n}`, WRONG, '10.0.9.9'))).kind, 'unauthenticated');
  }
  assert.equal(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  await world.clock.advance(900_000);
  assert.equal(await tries(world, 5, 'bob', '10.0.9.9'), Array(5).fill('unauthenticated'));
});

test('many at once are no way around', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  const attempts = Array.from({ length: 20 }, () => refused(world.login('anna', WRONG, '10.0.9.9')));
  const kinds = (await Promise.all(attempts)).map(({ kind }) => kind);
  assert.is(kinds.filter(kind => kind === 'unauthenticated').length, 5);
});

test('a name that is guessed from everywhere waits a minute at most, and not where its user is logged in', async () => {
  const world = await AccountWorld.make();
  await world.setUp('anna', '10.0.0.1');
  for (let n = 0; n < 30; n++) {
    const { kind, retryAfterS = 0 } = await refused(world.login('anna', WRONG, `10.1.${n}.1`));
    assert.is(kind, n < 10 ? 'unauthenticated' : 'resource-exhausted', `${n}`);
    assert.ok(retryAfterS <= 60);
  }
  assert.is((await refused(world.login('anna', PASSWORD, '10.2.0.1'))).kind, 'resource-exhausted');
  assert.ok(await world.login('anna', PASSWORD, '10.0.0.1'));
  assert.ok(await world.login('anna', PASSWORD, '10.2.0.1'), 'that cleared the name');
});

test('a name of nobody waits like any other', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  for (let n = 0; n < 10; n++) await refused(world.login('nobody', WRONG, `10.1.${n}.1`));
  assert.is((await refused(world.login('nobody', WRONG, '10.3.0.1'))).kind, 'resource-exhausted');
});

test('what was guessed counts over a restart', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  for (let n = 0; n < 10; n++) await refused(world.login('anna', WRONG, `10.1.${n}.1`));
  await world.database.flush();
  await world.restart();
  assert.is((await refused(world.login('anna', PASSWORD, '10.2.0.1'))).kind, 'resource-exhausted');
  await world.clock.advance(60_000);
  assert.ok(await world.login('anna', PASSWORD, '10.2.0.1'));
  await world.database.flush();
  await world.restart();
  assert.ok(await world.login('anna', PASSWORD, '10.2.0.2'));
  const stored = world.index.range('settings', { from: Buffer.alloc(1), to: Buffer.alloc(9, 255), limit: 99 });
  assert.not.ok(
    stored.some(({ value }) => value.includes('anna')),
    'names are hashed: people type passwords there',
  );
});

test('own success takes no failures of others back', async () => {
  const world = await AccountWorld.make();
  await world.setUp('anna', '10.0.9.9');
  await tries(world, 4, 'bob', '10.0.9.9');
  await world.login('anna', PASSWORD, '10.0.9.9');
  assert.equal(await tries(world, 2, 'bob', '10.0.9.9'), ['unauthenticated', 'resource-exhausted']);
});

test('hashes are made one at a time, and few wait', async () => {
  const hasher = new PasswordHasher();
  const results = await Promise.allSettled(Array.from({ length: 12 }, () => hasher.hash(PASSWORD)));
  assert.is(results.filter(({ status }) => status === 'fulfilled').length, 8);
  const refusals = results.flatMap(result => (result.status === 'rejected' ? [result.reason as NvrError] : []));
  for (const error of refusals) assert.equal([error.kind, error.retryAfterS], ['resource-exhausted', 2]);
  assert.ok(await hasher.verify(PASSWORD, await hasher.hash(PASSWORD)));
});

test('a login that nobody could look at is no failure', async () => {
  const world = await AccountWorld.make();
  await world.setUp();
  const attempts = Array.from({ length: 10 }, (_, n) => world.login('anna', PASSWORD, `10.4.${n}.1`));
  const results = await Promise.allSettled(attempts);
  assert.is(results.filter(({ status }) => status === 'fulfilled').length, 8);
  assert.ok(await world.login('anna', PASSWORD, '10.4.9.1'));
});

test('hashes of others, or damaged ones, let nobody in', async () => {
  const hasher = new PasswordHasher();
  const good = await hasher.hash(PASSWORD);
  assert.match(good, /^\$scrypt\$ln=13,r=8,p=1\$/);
  assert.is.not(await hasher.hash(PASSWORD), good);
  const bad = [
    '',
    '$scrypt$',
    good.replace('ln=13', 'ln=31'),
    good.replace('ln=13', 'ln=1'),
    good.replace('r=8', 'r=99'),
    good.replace('p=1', 'p=99'),
    good.replace('scrypt', 'argon2id'),
    good.slice(0, -3),
    `${good}A`,
    good.replace(/\$[^$]+$/, '$'),
  ];
  for (const stored of bad) assert.is(await hasher.verify(PASSWORD, stored), false, stored);
  assert.is(await hasher.verify(PASSWORD, undefined), false);
  assert.is(await hasher.verify(`${PASSWORD}x`, good), false);
});

test('passwords that anybody would try are refused, others are not', () => {
  const refusal = (password: string, name = 'anna') => {
    try {
      checkPassword(password, name);
      return undefined;
    } catch (error) {
      return (error as NvrError).field;
    }
  };
  for (const bad of [
    'short',
    'ninechars',
    '\u{1f600}'.repeat(9),
    'aaaaaaaaaaaa',
    'abababababab',
    '1234567890',
    '0987654321',
    'abcdefghijkl',
    'password123',
    'Password1!',
    'Passw0rd!!!!',
    'PASSWORD1234',
    'qwertyuiop',
    'thimble2026!',
    'hikvision1234',
    '123camera456',
    'x'.repeat(257),
  ]) {
    assert.is(refusal(bad), 'password', bad);
  }
  assert.is(refusal('annabellavista1', 'Annabellavista'), 'password');
  for (const good of [
    'correct horse staple',
    'пароль из слов',
    'Tr0ub4dor&3x',
    ' leading space ok',
    'k'.concat('lmnop qrst').repeat(23),
  ]) {
    assert.is(refusal(good), undefined, good);
  }
});

test('what people are to type in has no letters that look alike', () => {
  const seen = new Set<string>();
  for (let n = 0; n < 200; n++) {
    const secret = legibleSecret(4, 5);
    assert.match(secret, /^([A-HJKMNP-Z2-9]{5}-){3}[A-HJKMNP-Z2-9]{5}$/);
    seen.add(secret);
  }
  assert.is(seen.size, 200);
});

test('a household is one network', () => {
  assert.is(networkOf('192.168.1.7'), '192.168.1.7');
  assert.is(networkOf('::ffff:192.168.1.7'), '192.168.1.7');
  assert.is(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:DB8:1:2::99'));
  assert.is.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
  assert.is(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.is(networkOf('::1'), '0:0:0:0::/64');
  assert.is(networkOf('1::'), networkOf('1:0:0:0:9::'));
  assert.is(networkOf('what'), 'what');
});

test.run();
