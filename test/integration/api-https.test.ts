import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import * as assert from 'uvu/assert';
import { Api, startHttps } from '../../src/api/index.ts';
import { NodeServer } from '../../src/api/node-server.ts';
import { plainAddress } from '../../src/api/remote-address.ts';
import type { HttpRequest, WebSocketHandler } from '../../src/api/server.ts';
import type { TlsIdentity } from '../../src/api/server-options.ts';
import { type KnownIdentity, keptIdentity, readOwnIdentity } from '../../src/api/tls-identity.ts';
import { redirectToHttps } from '../../src/api/tls-redirect.ts';
import { makeSelfSigned, ownNames } from '../../src/api/tls-self-signed.ts';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeServer } from '../support/fake-server.ts';
import { suite } from '../support/suite.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

const test = suite('https');
const NOW_MS = Date.UTC(2026, 10, 21);
const log = fakeLog();
let folder = '';

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-tls-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

test('the certificate of our own is one, for all names and addresses, for ten years', () => {
  const names = ['board', 'board.local', '192.168.1.20', 'fd00::1:2', '::ffff:10.0.0.1', '2001:db8::', '::1'];
  const { certificate, key } = makeSelfSigned(names, NOW_MS);
  const parsed = new X509Certificate(certificate);
  assert.ok(parsed.verify(parsed.publicKey), 'signed by itself');
  assert.is(parsed.ca, false);
  assert.match(parsed.subject, 'CN=board');
  assert.is(parsed.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  for (const name of ['board', 'board.local']) assert.is(parsed.checkHost(name), name);
  for (const address of ['192.168.1.20', 'fd00::1:2', '2001:db8::', '::1', '::ffff:10.0.0.1'])
    assert.ok(parsed.checkIP(address), address);
  assert.is(parsed.checkHost('other'), undefined);
  assert.is(parsed.checkIP('192.168.1.21'), undefined);
  assert.equal(
    [Date.parse(parsed.validFrom), Date.parse(parsed.validTo)],
    [NOW_MS - 86_400_000, NOW_MS + 3649 * 86_400_000],
  );
  assert.match(key, '-----BEGIN PRIVATE KEY-----');
  assert.equal(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  const serials = new Set(
    Array.from({ length: 20 }, () => new X509Certificate(makeSelfSigned(['a'], NOW_MS).certificate).serialNumber),
  );
  assert.is(serials.size, 20);
  // A board without a clock begins in 1970; browsers do not.
  const early = new X509Certificate(makeSelfSigned(['board'], 1000).certificate);
  assert.is(Date.parse(early.validFrom), Date.UTC(2025, 11, 31));
  const late = new X509Certificate(makeSelfSigned(['board'], Date.UTC(2045, 5, 1)).certificate);
  assert.ok(Date.parse(late.validTo) > Date.UTC(2055, 4, 1));
});

test('this machine has names', () => {
  const names = ownNames();
  for (const name of ['localhost', '127.0.0.1', '::1']) assert.ok(names.includes(name), name);
  assert.ok(names.includes(hostname().toLowerCase()) || !/^[\w.-]+$/.test(hostname()));
  assert.is(new Set(names).size, names.length);
});

test('the certificate is kept with its key for the service only, and made anew when it cannot be used', async () => {
  const first = await keptIdentity(folder, NOW_MS, log.logger);
  assert.match(first.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.is(first.selfSigned, true);
  assert.is(statSync(join(folder, 'tls/key.pem')).mode & 0o777, 0o600);
  assert.is(statSync(join(folder, 'tls')).mode & 0o777, 0o700);
  const again = await keptIdentity(folder, NOW_MS + 1000, log.logger);
  assert.is(again.fingerprint, first.fingerprint);
  assert.is((await keptIdentity(folder, 1000, log.logger)).fingerprint, first.fingerprint);
  const anew = await keptIdentity(folder, NOW_MS + 4000 * 86_400_000, log.logger);
  assert.is.not(anew.fingerprint, first.fingerprint);
  for (const [name, content] of [
    ['key.pem', 'damaged'],
    ['certificate.pem', ''],
    ['key.pem', makeSelfSigned(['other'], NOW_MS).key],
  ] as const) {
    const before = await keptIdentity(folder, NOW_MS, log.logger);
    writeFileSync(join(folder, 'tls', name), content);
    const after = await keptIdentity(folder, NOW_MS, log.logger);
    assert.is.not(after.fingerprint, before.fingerprint, `${name}: ${content.slice(0, 10)}`);
    assert.is((await keptIdentity(folder, NOW_MS, log.logger)).fingerprint, after.fingerprint);
  }
});

test('the own certificate of the owner, and each way to get it wrong', async () => {
  const [one, other] = [makeSelfSigned(['nvr.example'], NOW_MS), makeSelfSigned(['other'], NOW_MS)];
  const put = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const files = { certificate: put('c.pem', one.certificate), key: put('k.pem', one.key) };
  const own = await readOwnIdentity(files);
  assert.equal([own.selfSigned, own.certificate], [false, one.certificate]);
  const cases: [Partial<typeof files>, string][] = [
    [{ certificate: join(folder, 'none') }, '--tls-cert'],
    [{ certificate: folder }, '--tls-cert'],
    [{ certificate: put('text', 'hello') }, '--tls-cert'],
    [{ certificate: files.key }, '--tls-cert'],
    [{ key: join(folder, 'none') }, '--tls-key'],
    [{ key: files.certificate }, '--tls-key'],
    [{ key: put('other.pem', other.key) }, '--tls-key'],
  ];
  for (const [change, field] of cases) {
    const error = await readOwnIdentity({ ...files, ...change }).catch(reason => reason);
    assert.instance(error, NvrError, JSON.stringify(change));
    assert.equal([error.kind, error.field], ['failed-precondition', field]);
    assert.not.match(error.message, readFileSync(files.key, 'utf8').split('\n')[1] as string);
  }
});

test('requests and WebSockets over TLS, limits and stop included', async () => {
  const identity: KnownIdentity = await keptIdentity(folder, Date.now(), log.logger);
  const { certificate, key } = identity;
  const limits = { connectionsPerAddress: 4 };
  const server = new NodeServer({
    ...{ host: '127.0.0.1', port: 0, log: log.logger, clock: systemClock, limits },
    tls: { certificate, key },
  });
  const seen: HttpRequest[] = [];
  const handler: WebSocketHandler = {
    opened: peer => peer.send('hello'),
    message: () => undefined,
    closed: () => undefined,
  };
  const { port } = await server.start(
    async request => {
      seen.push(request);
      return { status: 200, body: await request.body() };
    },
    async () => handler,
  );
  const ask = (ca: string) =>
    new Promise<string>((resolve, reject) => {
      const call = httpsRequest({ host: '127.0.0.1', port, ca, method: 'POST', agent: false }, response => {
        let text = '';
        response.on('data', piece => (text += piece));
        response.on('end', () => resolve(text));
      });
      call.on('error', reject);
      call.end('body');
    });
  assert.is(await ask(certificate), 'body');
  assert.equal([seen[0]?.secure, seen[0]?.remoteAddress], [true, '127.0.0.1']);
  assert.instance(await ask(makeSelfSigned(['127.0.0.1'], Date.now()).certificate).catch(error => error), Error);
  const client = await WebSocketClient.open(`https://127.0.0.1:${port}/x`);
  await client.until(() => client.texts.length === 1);
  // Handshakes that never end make room for those who want something, and WebSockets stay.
  const idle = Array.from({ length: 8 }, () => connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));
  for (const socket of idle) socket.on('error', () => undefined);
  await new Promise(resolve => setTimeout(resolve, 200));
  for (let i = 0; i < 5; i++) assert.is(await ask(certificate), 'body');
  assert.not(client.closed);
  for (const socket of idle) socket.destroy();
  for (let i = 0; i < 20; i++) assert.is(await ask(certificate), 'body');
  const stopped = server.stop(300);
  await client.until(() => client.closed);
  await stopped;
  assert.equal(log.messages('error'), []);
});

test('a certificate that is renewed on disk is shown to whoever connects from then on; what does not belong together is not', async () => {
  const clock = new FakeClock();
  const put = (identity: Partial<TlsIdentity>) => {
    for (const [name, content] of Object.entries(identity)) writeFileSync(join(folder, name), content);
  };
  const made = Array.from({ length: 3 }, () => makeSelfSigned(['127.0.0.1'], Date.now()));
  const [first, second, third] = made as [TlsIdentity, TlsIdentity, TlsIdentity];
  put(first);
  const files = { certificate: join(folder, 'certificate'), key: join(folder, 'key') };
  const own = fakeLog();
  let looks = 0;
  const api = new Api({ server: new FakeServer(), log: own.logger });
  await api.start();
  const https = { host: '127.0.0.1', port: 0, redirect: false, files };
  const facts = await startHttps({ api, https, dataDir: folder, proxies: [], log: own.logger, clock });
  const port = Number(new URL(facts.url).port);
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const printOf = ({ certificate }: TlsIdentity) => new X509Certificate(certificate).fingerprint256;
  const looked = async (done: () => boolean) => {
    while (!done()) {
      await clock.advance(60_000);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  assert.equal([await shown(), facts.fingerprint], [printOf(first), printOf(first)]);
  put({ certificate: second.certificate });
  await looked(() => own.messages('warn').length === 1);
  assert.equal([await shown(), facts.fingerprint], [printOf(first), printOf(first)], 'its key is still to come');
  put({ key: second.key });
  await looked(() => facts.fingerprint === printOf(second));
  assert.is(await shown(), printOf(second));
  rmSync(files.certificate);
  await looked(() => ++looks > 3);
  put(third);
  await looked(() => facts.fingerprint === printOf(third));
  assert.is(await shown(), printOf(third));
  assert.equal(own.messages('error'), []);
  await api.stop();
  assert.is(clock.pending, 0);
});

test('plain requests are led to the encrypted address with everything they ask for', () => {
  const ask = (host: string, path: string, query = '', secure = false, port = 8443) =>
    redirectToHttps({ path, query, secure, header: () => host } as unknown as HttpRequest, port);
  assert.equal(
    ask('nvr.lan:8080', '/api/cameras', 'a=b%20c')?.headers?.Location,
    'https://nvr.lan:8443/api/cameras?a=b%20c',
  );
  assert.equal(ask('[fd00::1]:80', '/', '', false, 443)?.headers?.Location, 'https://[fd00::1]/');
  assert.is(ask('nvr.lan', '/')?.status, 308);
  assert.is(ask('nvr.lan', '/api/health'), undefined);
  assert.is(ask('nvr.lan', '/', '', true), undefined);
});

test('addresses have one form', () => {
  for (const [given, plain] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1'],
    ['0000:0000:0000:0000:0000:0000:0000:0001', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:0db8:0::1', '2001:db8::1'],
    ['', ''],
  ])
    assert.is(plainAddress(given as string), plain);
});

test.run();
