// Files and streams that a login is sent: so many at once, and never those of others.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DownloadsUnderWay } from '../../src/api/downloads-under-way.ts';
import { Api } from '../../src/api/index.ts';
import type { ByteSource } from '../../src/api/server.ts';
import type { NvrError } from '../../src/core/index.ts';
import { ADMIN } from '../support/ask-router.ts';
import { FakeAccounts } from '../support/fake-accounts.ts';
import { FakeServer } from '../support/fake-server.ts';
import { fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('downloads');
const MOST = 64;

test('what one login leaves unread keeps nothing from others, and what it ends makes room for itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-downloads-'));
  const fakes = await fakeServices(folder);
  const accounts = new FakeAccounts();
  accounts.callers.set('anna', { ...ADMIN, user: 1 });
  // Another of her tokens.
  accounts.callers.set('phone', { ...ADMIN, user: 1, by: 'token' });
  accounts.callers.set('ben', { ...ADMIN, user: 2 });
  const server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open({ ...fakes.services, accounts: accounts.real });
  const as = (name: string, method: string, url: string, body?: unknown) =>
    server.ask(method, url, body, { authorization: `Bearer ${name}` });
  await as('anna', 'POST', '/api/cameras', { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' } });
  const { event } = JSON.parse(String((await as('anna', 'POST', '/api/cameras/1/trigger', {})).body));
  fakes.world.table.update(event, { picture: { atMs: 1, width: 4, height: 3, sizeBytes: 4 } });
  writeFileSync(fakes.world.events.picturePath(event), 'jpeg');
  const held: ByteSource[] = [];
  const take = async (name: string) => {
    const { status, headers, body } = await as(name, 'GET', `/api/events/${event}/picture.jpg`);
    if (status === 200) held.push(body as ByteSource);
    else assert.is(headers?.['Retry-After'], '1');
    return status;
  };
  for (let count = 0; count < MOST; count++) assert.is(await take(count % 2 ? 'anna' : 'phone'), 200);
  assert.equal([await take('anna'), await take('phone'), await take('ben')], [429, 429, 200]);
  assert.is((await as('anna', 'GET', '/api/cameras')).status, 200, 'short answers are none of it');
  await held[3]?.close();
  held.splice(3, 1);
  assert.equal([await take('phone'), await take('anna')], [200, 429]);
  const left = await Promise.all(Array.from({ length: MOST + 6 }, () => take('ben')));
  assert.equal([left.filter(status => status === 200).length, left.filter(status => status === 429).length], [63, 7]);
  for (const source of held) await source.close();
  assert.is(await take('anna'), 200);
  await held.at(-1)?.close();
  await fakes.world.events.stop();
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

test('what is closed twice has ended once', async () => {
  const downloads = new DownloadsUnderWay();
  const source = (): ByteSource => ({ sizeBytes: 1, next: async () => undefined, close: async () => undefined });
  const [first] = await Promise.all(Array.from({ length: MOST }, () => downloads.counted(1, source())));
  await first?.close();
  await first?.close();
  await downloads.counted(1, source());
  const more = await downloads.counted(1, source()).catch((error: NvrError) => error);
  assert.is((more as NvrError).kind, 'resource-exhausted');
});

test.run();
