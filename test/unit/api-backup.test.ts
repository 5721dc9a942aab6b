import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Backup, NewRestreamLogin, RestoreReply, Settings } from '../../src/api/contract.ts';
import { Api } from '../../src/api/index.ts';
import { AccountWorld, PASSWORD } from '../support/account-world.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('backup');

/** A board with its accounts. */
class Board {
  readonly folder = mkdtempSync(join(tmpdir(), 'thimble-backup-'));
  readonly server = new FakeServer();
  fakes!: FakeServices;
  accounts!: AccountWorld;
  cookie = '';

  static async make(owner: string): Promise<Board> {
    const board = new Board();
    board.fakes = await fakeServices(board.folder);
    board.accounts = await AccountWorld.make();
    const { secret } = await board.accounts.setUp(owner);
    board.cookie = `thimble_session=${secret}`;
    const api = new Api({ server: board.server, log: board.fakes.log.logger });
    await api.start();
    api.open({ ...board.fakes.services, accounts: board.accounts.accounts });
    return board;
  }

  async ask<T>(method: string, url: string, body?: unknown): Promise<T> {
    const reply = await this.server.ask(method, url, body, { cookie: this.cookie, origin: 'http://127.0.0.1:80' });
    const json = reply.body ? JSON.parse(String(reply.body)) : undefined;
    assert.ok(reply.status < 300, `${method} ${url}: ${reply.status} ${String(reply.body)}`);
    return json as T;
  }

  async close(): Promise<void> {
    await this.fakes.cameras.stop();
    rmSync(this.folder, { recursive: true });
  }
}

let from: Board;
let to: Board;
let backup: Backup;
let restreamSecret: string;

test.before.each(async () => {
  from = await Board.make('anna');
  to = await Board.make('anna');
  await from.ask('POST', '/api/cameras', { name: 'Door', main: { url: 'rtsp://u:canary-one@10.0.0.2/a' } });
  await from.ask('POST', '/api/cameras', {
    ...{ name: 'Yard', main: { url: 'rtsp://10.0.0.3/a', fallbackUrls: ['rtsp://10.0.0.3/b'] } },
    ...{ events: { alsoTrigger: [1] }, record: { mode: 'events' }, retention: { days: 7 } },
  });
  await from.ask('POST', '/api/cameras', { name: 'Gate', main: { url: 'rtsp://10.0.0.4/a?u=x&password=canary-four' } });
  await from.ask('POST', '/api/users', { name: 'bob', password: 'canary words two', role: 'viewer', cameras: [2] });
  await from.ask('POST', '/api/groups', { name: 'Front', cameras: [2, 1], layout: '2x2' });
  await from.ask('PATCH', '/api/settings', {
    ...{ hosts: ['nvr.example'], storage: { totalQuotaBytes: 2 ** 33 } },
    webhooks: [{ id: 'door', url: 'http://10.0.0.9/x', secret: 'canary-three', cameras: [1] }],
    mqtt: { url: 'mqtt://10.0.0.9', username: 'nvr', password: 'canary-four', prefix: 'home/nvr' },
  });
  const login = { name: 'wall', cameras: [2] };
  restreamSecret = (await from.ask<NewRestreamLogin>('POST', '/api/settings/restream/users', login)).secret;
  await from.ask('POST', '/api/tokens', { name: 'canary-token' });
  backup = await from.ask('GET', '/api/backup');
});

test.after.each(async () => {
  await from.close();
  await to.close();
});

const restore = (board: Board, dryRun: boolean, what: unknown = backup) =>
  board.ask<RestoreReply>('POST', '/api/restore', { backup: what, dryRun });

test('holds what was set up, and no secret', () => {
  const text = JSON.stringify(backup);
  assert.not.ok(text.includes('canary'), text);
  assert.not.ok(text.includes(PASSWORD));
  assert.not.ok(text.includes(restreamSecret));
  for (const word of ['scrypt', 'sealed', 'session', 'code']) assert.not.ok(text.includes(word), word);
  assert.equal(
    backup.cameras.map(({ name, hasPassword }) => [name, hasPassword]),
    [
      ['Door', true],
      ['Yard', false],
      ['Gate', false],
    ],
  );
  assert.equal(
    backup.users.map(({ name }) => name),
    ['anna', 'bob'],
  );
});

test('brought back where it comes from, nothing changes', async () => {
  const { steps } = await restore(from, false);
  assert.equal(
    steps.map(({ action }) => action),
    ['same', 'same', 'same', 'skip', 'same', 'same', 'same', 'same', 'same', 'same', 'same', 'same'],
    JSON.stringify(steps),
  );
});

test('what a camera is over ONVIF comes back, but for its own password', async () => {
  const onvif = { address: '10.0.0.3:8000', kinds: ['person'], username: 'u', password: 'canary-five' };
  await from.ask('PATCH', '/api/cameras/2', { onvif });
  const made = await from.ask<Backup>('GET', '/api/backup');
  assert.not.match(JSON.stringify(made), 'canary');
  const step = async (board: Board, dryRun: boolean) =>
    (await restore(board, dryRun, made)).steps.find(({ name }) => name === 'Yard');
  assert.is((await step(from, true))?.action, 'same');
  assert.equal([(await step(to, false))?.action, (await step(to, true))?.needs], ['add', 'password']);
  const { cameras } = await to.ask<Backup>('GET', '/api/backup');
  assert.equal(cameras[1]?.onvif, { ...made.cameras[1]?.onvif, hasPassword: false });
  await from.ask('PATCH', '/api/cameras/2', { onvif: { kinds: null, events: false, videoSource: 'VS2' } });
  assert.equal((await step(from, false))?.fields, ['onvif']);
  const back = (await from.ask<Backup>('GET', '/api/backup')).cameras[1]?.onvif;
  assert.equal(back, made.cameras[1]?.onvif, 'with the password that is here');
  assert.is((await restore(from, false)).steps.find(({ name }) => name === 'Yard')?.action, 'change');
  assert.is((await from.ask<Backup>('GET', '/api/backup')).cameras[1]?.onvif, undefined);
});

test('a dry run tells what would be done and does nothing', async () => {
  const { applied, steps } = await restore(to, true);
  assert.is(applied, false);
  assert.equal(
    steps.map(({ what, name, action, needs }) => [what, name, action, needs]),
    [
      ['camera', 'Door', 'add', 'password'],
      ['camera', 'Yard', 'add', undefined],
      ['camera', 'Gate', 'add', 'password'],
      ['user', 'anna', 'skip', undefined],
      ['user', 'bob', 'add', 'password'],
      ['group', 'Front', 'add', undefined],
      ['setting', 'storage', 'change', undefined],
      ['setting', 'webhooks', 'change', 'secret'],
      ['setting', 'mqtt', 'change', 'password'],
      ['setting', 'go2rtc', 'same', undefined],
      ['setting', 'restream', 'change', 'secret'],
      ['setting', 'hosts', 'change', undefined],
    ],
  );
  assert.equal(to.fakes.cameras.list(), []);
  assert.is(to.accounts.accounts.users.list().length, 1);
});

test('on another board cameras get other numbers, and everything follows them', async () => {
  await to.ask('POST', '/api/cameras', { name: 'Other', main: { url: 'rtsp://10.0.0.7/a' } });
  const { applied, steps } = await restore(to, false);
  assert.is(applied, true);
  assert.not.ok(
    steps.some(({ action }) => action === 'failed'),
    JSON.stringify(steps),
  );
  const [, door, yard] = to.fakes.cameras.list();
  assert.equal([door?.name, door?.id, yard?.name, yard?.id], ['Door', 2, 'Yard', 3]);
  assert.equal(yard?.events.alsoTrigger, [2]);
  assert.equal(yard?.main.fallbackUrls, ['rtsp://10.0.0.3/b']);
  assert.is(yard?.retention.days, 7);
  assert.equal([door?.hasPassword, door?.username], [false, 'u']);
  const settings = await to.ask<{ hosts: string[]; webhooks: { cameras: number[]; hasSecret: boolean }[] }>(
    'GET',
    '/api/settings',
  );
  assert.equal(settings.hosts, ['nvr.example']);
  const { restream } = await to.ask<Settings>('GET', '/api/settings');
  assert.equal(restream.users, [{ name: 'wall', cameras: [3], hasSecret: false }]);
  assert.equal([settings.webhooks[0]?.cameras, settings.webhooks[0]?.hasSecret], [[2], false]);
  const { groups } = await to.ask<{ groups: { cameras: number[] }[] }>('GET', '/api/groups');
  assert.equal(groups[0]?.cameras, [3, 2]);
  assert.equal(to.accounts.accounts.users.list().find(({ name }) => name === 'bob')?.cameras, [3]);
  // Again: it is all there.
  const again = await restore(to, true);
  assert.equal(
    again.steps.filter(({ action }) => action !== 'same').map(({ name }) => name),
    ['anna'],
    JSON.stringify(again),
  );
});

test('what was changed since is changed back, field by field', async () => {
  await from.ask('PATCH', '/api/cameras/2', {
    record: { schedule: 'c'.repeat(168) },
    name: 'Court',
    sub: { url: 'rtsp://10.0.0.3/s' },
  });
  const secretly = 'rtsp://10.0.0.4/a?u=x&password=canary-four';
  await from.ask('PATCH', '/api/cameras/3', { main: { fallbackUrls: ['rtsp://10.0.0.4/b'] } });
  await from.ask('PATCH', '/api/users/2', { role: 'operator', cameras: null });
  await from.ask('PATCH', '/api/groups/1', { cameras: [1] });
  const { steps } = await restore(from, false);
  const changed = steps.filter(({ action }) => action === 'change');
  assert.equal(
    changed.map(({ name, fields }) => [name, fields?.sort()]),
    [
      ['Yard', ['name', 'record', 'sub']],
      ['Gate', ['main']],
      ['bob', ['cameras', 'role']],
      ['Front', ['cameras']],
    ],
  );
  const yard = from.fakes.cameras.get(2);
  const { url, fallbackUrls } = from.fakes.cameras.get(3)?.main ?? {};
  assert.equal([url, fallbackUrls], [secretly, undefined]);
  assert.equal([yard?.name, yard?.record.schedule, yard?.sub], ['Yard', undefined, undefined]);
  assert.is((await restore(from, true)).steps.filter(({ action }) => action === 'change').length, 0);
});

test('what cannot be done is told, and the rest is done', async () => {
  const bad = structuredClone(backup);
  (bad.settings.webhooks[0] as { url: string }).url = 'http://127.0.0.1/x';
  const { steps } = await restore(to, false, bad);
  const failed = steps.filter(({ action }) => action === 'failed');
  assert.equal(
    failed.map(({ name }) => name),
    ['webhooks'],
  );
  assert.ok(failed[0]?.note);
  assert.is(to.fakes.cameras.list().length, 3);
});

test('files are not trusted', async () => {
  const refused = async (what: unknown, field: string) => {
    const headers = { cookie: to.cookie, origin: 'http://127.0.0.1:80' };
    const reply = await to.server.ask('POST', '/api/restore', { backup: what, dryRun: false }, headers);
    const { error } = JSON.parse(String(reply.body));
    assert.equal([reply.status, error.field], [400, field], JSON.stringify(error));
  };
  await refused(undefined, 'backup');
  await refused({ ...backup, format: 'other' }, 'backup.format');
  await refused({ ...backup, version: 2 }, 'backup.version');
  await refused({ ...backup, secret: 1 }, 'backup.secret');
  await refused({ ...backup, cameras: Array.from({ length: 65 }, () => backup.cameras[0]) }, 'backup.cameras');
  await refused({ ...backup, cameras: [{ ...backup.cameras[0], password: 'x' }] }, 'backup.cameras.0.password');
  await refused({ ...backup, users: [{ name: 'eve', role: 'god', rights: [] }] }, 'backup.users.0.role');
  const evil = { ...backup, cameras: [{ ...backup.cameras[0], main: { url: 'file:///etc/passwd' } }], groups: [] };
  assert.is((await restore(to, false, evil)).steps[0]?.action, 'failed');
  assert.equal(to.fakes.cameras.list(), []);
});

test.run();
