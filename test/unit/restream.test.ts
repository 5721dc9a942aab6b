// Restreaming: what is stored and shown of logins, when the server listens, who may see what, and what clients have connected.
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { AuditEntry } from '../../src/accounts/index.ts';
import { type CameraId, EventBus, NvrError, parseInput, type StreamName } from '../../src/core/index.ts';
import type { RestreamAccess, RestreamEvent, RestreamServer } from '../../src/native/index.ts';
import { type ProvisionedRestream, Restream, restreamPatchSchema } from '../../src/restream/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';

const test = suite('restream');

interface World {
  restream: Restream;
  sections: Map<string, unknown>;
  /** What the engine was told, in order. */
  calls: string[];
  access: () => RestreamAccess;
  emit: (event: RestreamEvent) => void;
  /** Error of the next `listen`. */
  refuse: (code: string | undefined) => void;
  needed: Set<string>;
  cameras: Map<number, { id: number; enabled: boolean; sub?: object }>;
  bus: EventBus;
  clock: FakeClock;
  audit: AuditEntry[];
  log: ReturnType<typeof fakeLog>;
}

function world(provisioned?: ProvisionedRestream, sections = new Map<string, unknown>()): World {
  const store = new FakeStore();
  const log = fakeLog();
  const clock = new FakeClock();
  const bus = new EventBus(error => {
    throw error;
  });
  const calls: string[] = [];
  const audit: AuditEntry[] = [];
  const needed = new Set<string>();
  const cameras: World['cameras'] = new Map([
    [1, { id: 1, enabled: true, sub: {} }],
    [2, { id: 2, enabled: true }],
    [3, { id: 3, enabled: false }],
  ]);
  let code: string | undefined;
  let access: RestreamAccess | undefined;
  let listener: ((event: RestreamEvent) => void) | undefined;
  const server: Pick<RestreamServer, 'listen' | 'close' | 'allow' | 'clients' | 'onEvent'> = {
    listen(way, host, port) {
      calls.push(`listen ${way} ${host} ${port}`);
      return code === undefined ? { port: port || 40_000 } : { code };
    },
    close: way => void calls.push(`close ${way}`),
    allow(given) {
      access = given;
      calls.push(`allow ${given.users.map(user => user.name)}`);
    },
    clients: () => [
      { camera: 1, stream: 'main', inside: true, user: '', address: '127.0.0.1', sinceMs: 1, sentBytes: 2, skips: 0 },
      { camera: 1, stream: 'sub', inside: false, user: 'nvr', address: '10.0.0.9', sinceMs: 3, sentBytes: 4, skips: 5 },
    ],
    onEvent: given => {
      listener = given;
    },
  };
  const restream = new Restream({
    ...{ server, bus, clock, log: log.logger, provisioned },
    cameras: {
      list: () => [...cameras.values()] as never,
      get: (id: CameraId) => cameras.get(id) as never,
      need: (id: CameraId, stream: StreamName) => {
        needed.add(`${id} ${stream}`);
        return () => void needed.delete(`${id} ${stream}`);
      },
    },
    audit: { record: entry => void audit.push(entry) },
    store: {
      settings: {
        get: (section: string) => sections.get(section),
        put: async (section: string, value: unknown) => void sections.set(section, structuredClone(value)),
      } as never,
      seal: text => store.seal(text),
      unseal: text => store.unseal(text),
    },
  });
  restream.start();
  return {
    ...{ restream, sections, calls, needed, cameras, bus, clock, audit, log },
    access: () => access as RestreamAccess,
    emit: event => listener?.(event),
    refuse: given => {
      code = given;
    },
  };
}

async function refusal(action: Promise<unknown>): Promise<[string, string | undefined]> {
  try {
    await action;
  } catch (error) {
    assert.ok(error instanceof NvrError, String(error));
    return [error.kind, error.field];
  }
  throw new Error('it was not refused');
}

test('off until somebody wants it, and nobody has a login', () => {
  const { restream, calls, access } = world();
  assert.equal(restream.settings(), { enabled: false, listen: '0.0.0.0:8554', users: [] });
  assert.is(restream.state().name, 'off');
  assert.equal(calls, ['allow ']);
  assert.equal(access().streams, [
    { camera: 1, stream: 'main' },
    { camera: 1, stream: 'sub' },
    { camera: 2, stream: 'main' },
  ]);
});

test('the secret of a login is told once; what is stored is sealed and holds no secret', async () => {
  const { restream, sections, access, log } = world();
  const { secret } = await restream.addUser('nvr', [1]);
  assert.match(secret, /^[A-Za-z0-9_-]{32}$/);
  assert.equal(restream.settings().users, [{ name: 'nvr', cameras: [1], hasSecret: true }]);
  const hash = (algorithm: string) => createHash(algorithm).update(`nvr:Thimble:${secret}`).digest('hex');
  const [login] = access().users;
  assert.equal(login, { name: 'nvr', ha1Md5: hash('md5'), ha1Sha256: hash('sha256'), cameras: [1] });
  const stored = JSON.stringify([...sections]);
  for (const hidden of [secret, hash('md5'), hash('sha256')]) {
    assert.not.ok(stored.includes(hidden));
    assert.not.ok(JSON.stringify([restream.settings(), restream.state(), log.lines]).includes(hidden));
  }
  const again = world(undefined, sections);
  assert.equal(again.access().users, [login]);
});

test('a new secret cuts whoever came with the old one; a removed login is gone', async () => {
  const { restream, calls, access } = world();
  await restream.addUser('nvr', 'all');
  await restream.addUser('wall', 'all');
  const [before] = access().users;
  calls.length = 0;
  await restream.renewSecret('nvr');
  assert.equal(calls, ['allow wall', 'allow nvr,wall']);
  assert.is.not(access().users[0]?.ha1Md5, before?.ha1Md5);
  assert.is(access().users[0]?.cameras, undefined);
  await restream.removeUser('nvr');
  assert.equal(
    access().users.map(({ name }) => name),
    ['wall'],
  );
  assert.equal(await refusal(restream.removeUser('nvr')), ['not-found', undefined]);
  assert.equal(await refusal(restream.renewSecret('nvr')), ['not-found', undefined]);
  assert.equal(await refusal(restream.addUser('wall', 'all')), ['failed-precondition', 'name']);
  assert.equal(await refusal(restream.addUser('x', [9])), ['invalid-argument', 'cameras']);
});

test('of changes that are made at once none is lost, and no login comes back', async () => {
  const { restream, access } = world();
  await Promise.all([restream.addUser('nvr', 'all'), restream.addUser('wall', 'all'), restream.addUser('door', [1])]);
  const names = () => access().users.map(({ name }) => name);
  assert.equal(names(), ['nvr', 'wall', 'door']);
  const [refused] = await Promise.all([
    refusal(restream.addUser('nvr', 'all').then(() => restream.addUser('nvr', 'all'))),
    restream.removeUser('nvr'),
    restream.renewSecret('wall'),
    restream.update({ enabled: true }),
  ]);
  assert.equal(refused, ['failed-precondition', 'name']);
  assert.equal(names(), ['wall', 'door']);
  assert.is(restream.state().name, 'listening');
});

test('it listens while it is enabled, and moves with its address', async () => {
  const { restream, calls } = world();
  calls.length = 0;
  await restream.update({ enabled: true });
  await restream.update({ listen: '[::]:9554' });
  await restream.update({ enabled: true });
  assert.is(restream.state().name, 'listening');
  await restream.update({ enabled: false });
  assert.is(restream.state().name, 'off');
  assert.equal(
    calls.filter(call => !call.startsWith('allow')),
    ['listen outside 0.0.0.0 8554', 'close outside', 'listen outside :: 9554', 'close outside'],
  );
});

test('a port in use is a problem with a cure, tried again until it is free', async () => {
  const { restream, calls, refuse, clock } = world();
  refuse('EADDRINUSE');
  await restream.update({ enabled: true });
  assert.is(restream.state().name, 'failed');
  const [problem] = restream.problems();
  assert.is(problem?.kind, 'restream');
  assert.match(problem?.message ?? '', /0\.0\.0\.0:8554/);
  assert.match(problem?.cure ?? '', /another port/);
  await clock.advance(10_000);
  assert.is(restream.problems()[0]?.sinceMs, problem?.sinceMs);
  refuse(undefined);
  await clock.advance(10_000);
  assert.equal(restream.problems(), []);
  assert.is(restream.state().name, 'listening');
  assert.is(calls.filter(call => call.startsWith('listen')).length, 3);
  assert.is(clock.pending, 0);
  refuse('EADDRNOTAVAIL');
  await restream.update({ listen: '10.1.1.1:8554' });
  await restream.update({ enabled: false });
  assert.equal(restream.problems(), []);
  assert.is(clock.pending, 0);
});

test('inside: a port on loopback from the first use on, for streams that there are', () => {
  const { restream, calls, cameras } = world();
  assert.is(restream.restreamUrl(3, 'main'), undefined);
  assert.is(restream.restreamUrl(2, 'sub'), undefined);
  assert.is(restream.restreamUrl(9, 'main'), undefined);
  assert.not.ok(calls.some(call => call.startsWith('listen')));
  assert.is(restream.restreamUrl(1, 'sub'), 'rtsp://127.0.0.1:40000/ring/1/sub');
  assert.is(restream.restreamUrl(2, 'main'), 'rtsp://127.0.0.1:40000/ring/2/main');
  assert.is(calls.filter(call => call === 'listen inside 127.0.0.1 0').length, 1);
  cameras.delete(2);
  assert.is(restream.restreamUrl(2, 'main'), undefined);
});

test('inside: an address for one viewer is good until it is closed', () => {
  const { restream, access } = world();
  assert.is(restream.view(3, 'main'), undefined);
  const one = restream.view(1, 'main');
  const two = restream.view(1, 'main');
  const names = [one, two].map(
    view => /^rtsp:\/\/127\.0\.0\.1:40000\/ring\/1\/main\?viewer=([\w-]{20})$/.exec(view?.url ?? '')?.[1],
  );
  assert.is.not(names[0], names[1]);
  assert.equal(access().viewers, names);
  one?.close();
  one?.close();
  assert.equal(access().viewers, [names[1]]);
});

test('what clients want is connected, until they have gone or the service stops', () => {
  const { restream, emit, needed, calls } = world();
  emit({ type: 'restream-wanted', camera: 1, stream: 'sub', wanted: true });
  emit({ type: 'restream-wanted', camera: 2, stream: 'main', wanted: true });
  assert.equal([...needed], ['1 sub', '2 main']);
  emit({ type: 'restream-wanted', camera: 1, stream: 'sub', wanted: false });
  assert.equal([...needed], ['2 main']);
  restream.stop();
  assert.equal([...needed], []);
  assert.equal(calls.slice(-2), ['close outside', 'close inside']);
  emit({ type: 'restream-wanted', camera: 1, stream: 'sub', wanted: true });
  assert.equal([...needed], []);
});

test('cameras that come, change or go are followed', () => {
  const { cameras, bus, access } = world();
  cameras.set(3, { id: 3, enabled: true, sub: {} });
  bus.emit('camera.changed', { camera: 3 });
  assert.ok(access().streams.some(({ camera, stream }) => camera === 3 && stream === 'sub'));
  cameras.delete(1);
  bus.emit('camera.removed', { camera: 1 });
  assert.not.ok(access().streams.some(({ camera }) => camera === 1));
});

test('failed logins are audited once a minute and address; names that nobody has are not told', async () => {
  const { restream, emit, audit, clock } = world();
  await restream.addUser('nvr', 'all');
  for (const user of ['nvr', 'nvr', '<script>']) emit({ type: 'restream-refused', user, address: '10.0.0.7' });
  emit({ type: 'restream-refused', user: 'hunter2', address: '10.0.0.8' });
  assert.equal(audit, [
    { action: 'login-failed', address: '10.0.0.7', target: 'restream', user: 'nvr' },
    { action: 'login-failed', address: '10.0.0.8', target: 'restream' },
  ]);
  await clock.advance(61_000);
  emit({ type: 'restream-refused', user: 'nvr', address: '10.0.0.7' });
  assert.is(audit.length, 3);
});

test('who watches from outside is told; our own helpers are not', () => {
  const { clients } = world().restream.state();
  assert.equal(clients, [
    { camera: 1, stream: 'sub', user: 'nvr', address: '10.0.0.9', sinceMs: 3, sentBytes: 4, skips: 5 },
  ]);
});

test('settings that cannot be are refused with their place; a list of users keeps the secrets of those in it', async () => {
  const bad = (patch: unknown) => {
    try {
      parseInput(restreamPatchSchema, patch);
    } catch (error) {
      return (error as NvrError).field;
    }
    return undefined;
  };
  for (const listen of ['8554', ':8554', 'host:8554', '0.0.0.0:0', '0.0.0.0:70000', '[::]', '::1:8554', 'http://a:1'])
    assert.is(bad({ listen }), 'listen', listen);
  for (const name of ['', 'a b', 'a:b', '@', 'x'.repeat(33)]) assert.is(bad({ users: [{ name }] }), 'users.0.name');
  assert.is(bad({ users: [{ name: 'a', cameras: 'some' }] }), 'users.0.cameras');
  assert.is(bad({ enabled: 1 }), 'enabled');
  const { restream, access } = world();
  await restream.addUser('nvr', 'all');
  const [before] = access().users;
  const settings = restream.settings();
  await restream.update(parseInput(restreamPatchSchema, settings));
  assert.equal(access().users, [before]);
  await restream.update({
    users: [
      { name: 'nvr', cameras: [2] },
      { name: 'new', cameras: 'all' },
    ],
  });
  assert.equal(access().users, [{ ...before, cameras: [2] }]);
  assert.equal(restream.settings().users[1], { name: 'new', cameras: 'all', hasSecret: false });
  const twice = [
    { name: 'a', cameras: 'all' as const },
    { name: 'a', cameras: 'all' as const },
  ];
  assert.equal(await refusal(restream.update({ users: twice })), ['invalid-argument', 'restream.users.1.name']);
  assert.equal(await refusal(restream.update({ users: [{ name: 'a', cameras: [8] }] })), [
    'invalid-argument',
    'restream.users.0.cameras',
  ]);
});

test('what a file gives is in force and cannot be changed here', async () => {
  const secret = 'a-secret-of-the-file';
  const { restream, access, sections, calls } = world({
    path: '/etc/thimble.yaml',
    ...{ enabled: true, listen: '127.0.0.1:9000', users: [{ name: 'wall', secret, cameras: [1] }] },
  });
  assert.is(restream.settingsProvisioned, true);
  assert.ok(calls.includes('listen outside 127.0.0.1 9000'));
  assert.equal(access().users[0]?.ha1Md5, createHash('md5').update(`wall:Thimble:${secret}`).digest('hex'));
  assert.equal(restream.settings().users, [{ name: 'wall', cameras: [1], hasSecret: true }]);
  for (const change of [restream.update({ enabled: false }), restream.addUser('x', 'all'), restream.removeUser('wall')])
    assert.is((await refusal(change))[0], 'failed-precondition');
  assert.is(sections.size, 0);
});

test('stored settings that cannot be read count as none', () => {
  const { restream, log } = world(undefined, new Map([['restream', { enabled: 'yes' }]]));
  assert.is(restream.settings().enabled, false);
  assert.ok(log.lines.some(({ msg }) => /cannot be read/.test(String(msg))));
});

test.run();
