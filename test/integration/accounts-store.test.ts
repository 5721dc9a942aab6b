// Accounts on a real index: what was promised is there after a kill at each step, with the index or without it, and nothing of what was ended.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { open } from 'lmdb';
import * as assert from 'uvu/assert';
import { Accounts, resetUser } from '../../src/accounts/index.ts';
import { systemClock } from '../../src/core/index.ts';
import { openStore, type Store, type StoreOptions } from '../../src/storage/index.ts';
import { PASSWORD, refused } from '../support/account-world.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake } from './storage-segment-file.ts';

const test = suite('accounts: on a real index', { timeoutMs: 300_000 });
const here = dirname(fileURLToPath(import.meta.url));
/** Inside the checkout, so that the child finds lmdb. */
const child = join(here, `../../build/fixtures/accounts-kill-child-${process.pid}.mjs`);
/** More than there are; the child must come to its end before. */
const MAX_STEPS = 200;
const MIRROR = 'users.json';
const origin = { remoteAddress: '10.0.0.1', userAgent: 'Browser' };

interface World {
  store: Store;
  accounts: Accounts;
  stop(): Promise<void>;
}

async function started(dir: string, more: Partial<StoreOptions> = {}): Promise<World> {
  const log = fakeLog();
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: systemClock,
    log: log.logger,
    boot: { bootId: 'boot', oomKills: 0 },
    ...more,
  });
  await store.start(new AbortController().signal);
  const accounts = new Accounts({ store, clock: systemClock, log: log.logger });
  await accounts.start();
  const stop = async () => {
    accounts.stop();
    await store.stop();
  };
  return { store, accounts, stop };
}

function stateOf({ users, tokens }: Accounts): string {
  const names = users.list().map(({ name, role }) => `${name}:${role}`);
  const held = users.list().flatMap(({ id }) => tokens.of(id).map(({ name }) => name));
  return [...names, ...held].join(' ');
}

async function setUp(world: World): Promise<string> {
  const code = world.accounts.setupCode ?? '';
  return (await world.accounts.setup({ code, name: 'anna', password: PASSWORD }, origin)).secret;
}

function actorOf({ accounts }: World, secret: string) {
  const caller = accounts.identify({ cookie: `thimble_session=${secret}` });
  assert.ok(caller);
  return { caller, remoteAddress: '10.0.0.1' } as never;
}

function loseIndex(dir: string): void {
  for (const name of readdirSync(dir)) if (/^index/.test(name)) rmSync(join(dir, name), { recursive: true });
}

test.before(async () => {
  mkdirSync(dirname(child), { recursive: true });
  await build({
    entryPoints: [join(here, 'accounts-kill-child.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['lmdb'],
    logLevel: 'error',
  });
});

test('killed at every step, what was promised is there, also when the index is lost then', async () => {
  const killedAt = new Set<string>();
  let ended = false;
  for (let step = 1; !ended && step <= MAX_STEPS; step++) {
    const dir = join(tempDir('accounts'), 'data');
    const notes = join(tempDir('notes'), 'notes');
    const result = spawnSync(process.execPath, [child, dir, notes, `${step}`], { encoding: 'utf8' });
    if (result.signal !== 'SIGKILL') assert.is(result.status, 0, result.stderr);
    ended = result.signal !== 'SIGKILL';
    const lines = existsSync(notes) ? readFileSync(notes, 'utf8').trimEnd().split('\n') : [];
    const last = lines.findLast(line => line.startsWith('killed-at')) ?? '';
    killedAt.add(last);
    const said = lines.filter(line => /^(is|going) ?/.test(line));
    const promised = said.findLast(line => line.startsWith('is'))?.slice(3) ?? '';
    const going = said.at(-1)?.startsWith('going') ? said.at(-1)?.slice(6) : promised;
    const copy = join(tempDir('accounts'), 'data');
    if (existsSync(dir)) cpSync(dir, copy, { recursive: true });
    loseIndex(existsSync(dir) ? copy : dirname(copy));
    for (const place of [dir, copy]) {
      const world = await started(place);
      const state = stateOf(world.accounts);
      assert.ok([promised, going].includes(state), `${state} after ${lines.at(-1)}: ${promised} or ${going}`);
      assert.is(world.accounts.setupCode === undefined, state !== '', 'a set-up code only without accounts');
      assert.is(existsSync(join(place, 'setup-code')), state === '');
      await world.stop();
      const again = await started(place);
      assert.is(stateOf(again.accounts), state, 'and it stays so');
      await again.stop();
    }
  }
  assert.ok(ended);
  for (const name of ['index-commit', 'index-committed', 'users-write', 'users-written', 'done']) {
    assert.ok(killedAt.has(`killed-at ${name}`), name);
  }
});

test('a lost index loses no account and no token, but all sessions', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const first = await started(dir);
  const secret = await setUp(first);
  const { token } = await first.accounts.tokens.create(actorOf(first, secret), { name: 'HA', role: 'viewer' });
  await first.stop();
  assert.is(statSync(join(dir, MIRROR)).mode & 0o777, 0o600);
  loseIndex(dir);
  const second = await started(dir);
  assert.is(stateOf(second.accounts), 'anna:admin HA');
  assert.is(second.accounts.identify({ cookie: `thimble_session=${secret}` }), undefined);
  assert.is(second.accounts.identify({ authorization: `Bearer ${token}` })?.role, 'viewer');
  assert.ok(await second.accounts.login({ name: 'anna', password: PASSWORD }, origin));
  await second.stop();
});

test('the spare copy of the index brings back neither users nor sessions that were ended since', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const world = await started(dir);
  const secret = await setUp(world);
  const bob = await world.accounts.users.add(actorOf(world, secret), {
    name: 'bob',
    password: PASSWORD,
    role: 'viewer',
  });
  const { token, id } = await world.accounts.tokens.create(actorOf(world, secret), { name: 'HA' });
  const ended = (await world.accounts.login({ name: 'anna', password: PASSWORD }, origin)).secret;
  await world.store.copyIndex();
  await world.accounts.users.remove(actorOf(world, secret), bob.id);
  await world.accounts.tokens.revoke(actorOf(world, secret), id, () => true);
  await world.accounts.sessions.logout(actorOf(world, ended));
  await world.stop();
  writeFileSync(join(dir, 'index', 'data.mdb'), 'damaged');
  const again = await started(dir);
  assert.is(stateOf(again.accounts), 'anna:admin');
  assert.is(again.accounts.identify({ authorization: `Bearer ${token}` }), undefined);
  for (const cookie of [ended, secret]) {
    assert.is(again.accounts.identify({ cookie: `thimble_session=${cookie}` }), undefined);
  }
  await again.stop();
});

test('an index that others changed may lack whole tables: users and cameras are those of their mirrors', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const first = await started(dir);
  const secret = await setUp(first);
  await first.store.cameras.put({ id: first.store.cameras.nextId() });
  await first.stop();
  const root = open({
    path: join(dir, 'index'),
    noSubdir: false,
    maxDbs: 32,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  for (const name of ['users', 'cameras']) {
    await root.openDB(name, { encoding: 'binary', keyEncoding: 'binary' }).drop();
  }
  await root.close();
  const second = await started(dir);
  assert.is(stateOf(second.accounts), 'anna:admin');
  assert.equal(second.store.cameras.list(), [{ id: 1 }]);
  assert.is(second.accounts.identify({ cookie: `thimble_session=${secret}` }), undefined);
  await second.stop();
});

test('a damaged mirror harms nobody while the index is there, and is made anew', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const first = await started(dir);
  const secret = await setUp(first);
  await first.stop();
  for (const content of ['', 'x', '{"crc32":"00000000","body":{}}', '[]', '{"crc32":"', '\0'.repeat(100)]) {
    for (const name of [MIRROR, `${MIRROR}.previous`]) writeFileSync(join(dir, name), content);
    const world = await started(dir);
    assert.is(stateOf(world.accounts), 'anna:admin');
    assert.ok(world.accounts.identify({ cookie: `thimble_session=${secret}` }));
    await world.stop();
    assert.match(readFileSync(join(dir, MIRROR), 'utf8'), '"name":"anna"');
  }
});

test('with a damaged mirror and no index its generation before is taken; with neither there is a set-up code', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const first = await started(dir);
  const secret = await setUp(first);
  await first.accounts.users.add(actorOf(first, secret), { name: 'bob', password: PASSWORD, role: 'viewer' });
  await first.stop();
  loseIndex(dir);
  writeFileSync(join(dir, MIRROR), 'damaged');
  const second = await started(dir);
  assert.is(stateOf(second.accounts), 'anna:admin');
  await second.stop();
  loseIndex(dir);
  for (const name of [MIRROR, `${MIRROR}.previous`]) writeFileSync(join(dir, name), 'damaged');
  const third = await started(dir);
  assert.is(stateOf(third.accounts), '');
  assert.ok(third.accounts.setupCode);
  await third.stop();
});

test('reindex keeps users and tokens', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const first = await started(dir);
  const secret = await setUp(first);
  await first.accounts.tokens.create(actorOf(first, secret), { name: 'HA' });
  await first.stop();
  const second = await started(dir, { rebuild: 'index' });
  assert.is(stateOf(second.accounts), 'anna:admin HA');
  await second.stop();
});

test('a new password for a user ends its sessions, also when the mirror is all that is left', async () => {
  const dir = join(tempDir('accounts'), 'data');
  const first = await started(dir);
  const secret = await setUp(first);
  for (let n = 0; n < 12; n++) {
    await refused(first.accounts.login({ name: 'anna', password: 'wrong' }, { remoteAddress: `10.1.${n}.1` }));
  }
  await first.stop();
  const reset = async (name: string) => {
    const world = await started(dir);
    world.accounts.stop();
    const { store } = world;
    try {
      return await resetUser({ store, clock: systemClock, log: fakeLog().logger }, name);
    } finally {
      await store.stop();
    }
  };
  const { name, password, becameAdmin } = await reset('ANNA');
  assert.equal([name, becameAdmin], ['anna', false]);
  const second = await started(dir);
  assert.is(second.accounts.identify({ cookie: `thimble_session=${secret}` }), undefined);
  const wrong = await refused(
    second.accounts.login({ name: 'anna', password: PASSWORD }, { remoteAddress: '10.2.0.1' }),
  );
  assert.is(wrong.kind, 'unauthenticated', 'nobody waits any more');
  assert.ok(await second.accounts.login({ name: 'anna', password }, { remoteAddress: '10.2.0.1' }));
  assert.match(JSON.stringify(second.accounts.audit.list({ limit: 100 })), 'on the board itself');
  await second.stop();
  loseIndex(dir);
  const again = await reset('anna');
  const third = await started(dir);
  assert.ok(await third.accounts.login({ name: 'anna', password: again.password }, origin));
  await third.stop();
  const error = await refused(reset('eve'));
  assert.equal([error.kind, error.cure], ['not-found', 'There are: "anna".']);
});

test('a token that is used while its end is copied to the mirror is not there again', async () => {
  const dir = join(tempDir('accounts'), 'data');
  let meanwhile = () => {};
  const first = await started(dir, { onStep: name => name === 'users-written' && meanwhile() });
  const secret = await setUp(first);
  const { token, id } = await first.accounts.tokens.create(actorOf(first, secret), { name: 'HA' });
  let uses = 0;
  meanwhile = () => {
    if (first.accounts.identify({ authorization: `Bearer ${token}` })) uses++;
  };
  await first.accounts.tokens.revoke(actorOf(first, secret), id, () => true);
  assert.is(uses, 1);
  await first.stop();
  const second = await started(dir);
  assert.is(stateOf(second.accounts), 'anna:admin');
  assert.is(second.accounts.identify({ authorization: `Bearer ${token}` }), undefined);
  await second.stop();
});

test.run();
