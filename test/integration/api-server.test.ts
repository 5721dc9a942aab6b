import { randomBytes } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import { LIMITS } from '../../src/api/server.ts';
import { NvrError } from '../../src/core/index.ts';
import { ADMIN } from '../support/ask-router.ts';
import type { FakeAccounts } from '../support/fake-accounts.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';

for (const kind of SERVERS) {
  const test = suite(`api server: ${kind.name}`);

  /** Short, so that nobody waits; all other limits are those of the service. */
  const HEADER_TIME_MS = 1000;
  const limits = { headerTimeMs: HEADER_TIME_MS };

  let folder = '';
  let fakes: FakeServices;
  let api: Api;
  let port = 0;

  test.before.each(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thimble-api-'));
    fakes = await fakeServices(folder);
    const log = fakes.log.logger;
    api = new Api({ server: kind.make({ log, limits }), log });
    port = Number(new URL((await api.start()).url).port);
    api.open(fakes.services);
  });
  test.after.each(async () => {
    await api.stop();
    await fakes.cameras.stop();
    rmSync(folder, { recursive: true });
  });

  interface Answer {
    status: number;
    headers: Record<string, string | string[] | undefined>;
    body: Buffer;
  }

  function ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string | Buffer,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, response => {
        const pieces: Buffer[] = [];
        response.on('data', piece => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
        );
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  const json = { 'content-type': 'application/json' };

  /** Sends text as it is and returns all that comes back until the other side closes. */
  function raw(text: string | Buffer, limitMs = 5000): Promise<{ text: string; closed: boolean }> {
    return new Promise(resolve => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      let answer = '';
      const done = (closed: boolean) => {
        clearTimeout(timer);
        socket.destroy();
        resolve({ text: answer, closed });
      };
      const timer = setTimeout(() => done(false), limitMs);
      socket.on('data', piece => (answer += piece.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => done(true));
    });
  }

  /** Files below `folder` that this process holds open. */
  function openFiles(): string[] {
    return readdirSync('/proc/self/fd').flatMap(fd => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`);
        return target.startsWith(folder) ? [target] : [];
      } catch {
        return [];
      }
    });
  }

  async function until(condition: () => boolean, what: string): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      if (condition()) return;
      await wait(20);
    }
    throw new Error(`${what}: not within 20 s`);
  }

  const content = randomBytes(300_000);
  const file = '/api/segments/1-main-1000-0/file';

  test('a whole segment file, and its head', async () => {
    fakes.addSegment(1000, content);
    const whole = await ask('GET', file);
    assert.is(whole.status, 200);
    assert.ok(whole.body.equals(content));
    assert.is(whole.headers['content-type'], 'video/mp4');
    assert.is(whole.headers['accept-ranges'], 'bytes');
    const head = await ask('HEAD', file);
    assert.equal([head.status, head.headers['content-length'], head.body.length], [200, '300000', 0]);
    assert.is(head.headers.etag, whole.headers.etag);
    await until(() => openFiles().length === 0, 'files closed');
  });

  test('ranges of a segment file', async () => {
    fakes.addSegment(1000, content);
    const cases: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=65535-65537', 65535, 65538],
      ['bytes=1000-', 1000, 300_000],
      ['bytes=-10', 299_990, 300_000],
      ['bytes=299999-999999', 299_999, 300_000],
    ];
    for (const [range, start, end] of cases) {
      const part = await ask('GET', file, { range });
      assert.is(part.status, 206, range);
      assert.is(part.headers['content-range'], `bytes ${start}-${end - 1}/300000`);
      assert.ok(part.body.equals(content.subarray(start, end)), range);
    }
    for (const range of ['bytes=300000-', 'bytes=-0']) {
      const none = await ask('GET', file, { range });
      assert.equal([none.status, none.headers['content-range'], none.body.length], [416, 'bytes */300000', 0]);
    }
    for (const range of ['bytes=5-1', 'bytes=0-1,5-6', 'bites=0-1', 'bytes=0x0-1']) {
      assert.is((await ask('GET', file, { range })).status, 200, range);
    }
    const head = await ask('HEAD', file, { range: 'bytes=0-9' });
    assert.equal([head.status, head.headers['content-length'], head.body.length], [206, '10', 0]);
    await until(() => openFiles().length === 0, 'files closed');
  });

  test('ranges that depend on what the client has', async () => {
    fakes.addSegment(1000, content);
    const etag = String((await ask('HEAD', file)).headers.etag);
    assert.match(etag, /^"[^"]+"$/);
    const range = 'bytes=0-9';
    assert.is((await ask('GET', file, { range, 'if-range': etag })).status, 206);
    assert.is((await ask('GET', file, { range, 'if-range': '"other"' })).status, 200);
    assert.is((await ask('GET', file, { range, 'if-range': `W/${etag}` })).status, 200);
    assert.is((await ask('GET', file, { range, 'if-range': 'Sat, 21 Nov 2026 08:00:00 GMT' })).status, 200);
    const same = await ask('GET', file, { 'if-none-match': `"x", ${etag}` });
    assert.equal([same.status, same.body.length, same.headers.etag], [304, 0, etag]);
  });

  test('the segment being written ends with its last whole fragment and has no tag', async () => {
    await ask('POST', '/api/cameras', json, JSON.stringify({ name: 'Door', main: { url: 'rtsp://10.0.0.2/' } }));
    const id = fakes.openSegment(5000, content, 200_000);
    const open = await ask('GET', `/api/segments/${id}/file`);
    assert.equal([open.status, open.body.length, open.headers.etag], [200, 200_000, undefined]);
    assert.ok(open.body.equals(content.subarray(0, 200_000)));
    const tail = await ask('GET', `/api/segments/${id}/file`, { range: 'bytes=-5' });
    assert.is(tail.headers['content-range'], 'bytes 199995-199999/200000');
    assert.is((await ask('GET', `/api/segments/${id}/file`, { range: 'bytes=0-1', 'if-range': '"x"' })).status, 200);
    assert.is((await ask('GET', `/api/segments/${id}/file`, { range: 'bytes=200000-' })).status, 416);
  });

  test('a file that is gone, a link or a folder in its place', async () => {
    const segment = fakes.addSegment(1000);
    assert.is((await ask('GET', file)).status, 404);
    writeFileSync(join(folder, 'secret.key'), 'canary');
    fakes.addSegment(2000, content);
    symlinkSync(join(folder, 'secret.key'), join(folder, segment.path));
    const link = await ask('GET', file);
    assert.is(link.status, 500);
    assert.not.match(link.body.toString(), 'canary');
    rmSync(join(folder, segment.path));
    renameSync(join(folder, '1'), join(folder, '2'));
    assert.is((await ask('GET', file)).status, 404);
    await until(() => openFiles().length === 0, 'files closed');
  });

  test('an empty file', async () => {
    fakes.addSegment(1000, Buffer.alloc(0));
    const empty = await ask('GET', file);
    assert.equal([empty.status, empty.body.length, empty.headers['content-length']], [200, 0, '0']);
    assert.is((await ask('GET', file, { range: 'bytes=0-' })).status, 416);
    await until(() => openFiles().length === 0, 'files closed');
  });

  test('clients that go away in the middle leave no file open', async () => {
    fakes.addSegment(1000, randomBytes(20_000_000));
    const sockets: Socket[] = [];
    for (let i = 0; i < 8; i++) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.pause());
      socket.write(`GET ${file} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    }
    await until(() => openFiles().length === 8, 'eight downloads');
    for (const [index, socket] of sockets.entries()) {
      if (index % 2) socket.destroy();
      else socket.resetAndDestroy();
    }
    await until(() => openFiles().length === 0, 'files closed');
    assert.equal(fakes.log.messages('error'), []);
  });

  test('a slow client gets the file at its own pace and costs little memory', async () => {
    const big = randomBytes(30_000_000);
    fakes.addSegment(1000, big);
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => socket.pause());
    const before = process.memoryUsage().arrayBuffers;
    socket.write(`GET ${file} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await until(() => openFiles().length === 1, 'download');
    await wait(300);
    assert.ok(process.memoryUsage().arrayBuffers - before < 2_000_000, 'the rest stays on disk');
    socket.destroy();
    await until(() => openFiles().length === 0, 'file closed');
  });

  test('a file that shrinks while it is sent ends the connection rather than the truth', async () => {
    const segment = fakes.addSegment(1000, randomBytes(20_000_000));
    const socket = connect(port, '127.0.0.1');
    let received = 0;
    let closed = false;
    socket.once('data', () => {
      socket.pause();
      truncateSync(join(folder, segment.path), 1_000_000);
      socket.on('data', piece => (received += piece.length));
      socket.resume();
    });
    socket.on('close', () => (closed = true));
    socket.on('error', () => undefined);
    socket.write(`GET ${file} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await until(() => closed, 'connection ended');
    assert.ok(received < 20_000_000);
    await until(() => openFiles().length === 0, 'files closed');
  });

  test('a volume that fails in the middle ends the connection, and the log says why', async () => {
    const log = fakes.log.logger;
    const server = kind.make({ log });
    let closed = 0;
    const source = {
      sizeBytes: 100,
      next: () => Promise.reject(new NvrError('data-loss', 'EIO')),
      close: async () => void closed++,
    };
    const before = port;
    port = (await server.start(async () => ({ status: 200, body: source }))).port;
    const failed = await ask('GET', '/').catch(error => error);
    port = before;
    await server.stop(100);
    assert.instance(failed, Error);
    assert.is(closed, 1);
    assert.equal(fakes.log.messages('error'), ['an answer was cut off']);
  });

  test('a cookie of 12 KiB is taken', async () => {
    const cookie = `other=${'a'.repeat(12 * 1024)}`;
    assert.is((await ask('GET', '/api/health', { cookie })).status, 200);
  });

  test('a header that would be two ends the connection', async () => {
    const log = fakes.log.logger;
    for (const headers of [
      { 'X-Name': 'a\r\nSet-Cookie: b=c' },
      { 'X-Name': 'a\nb' },
      { 'X-Name': 'a\0' },
      { 'X:Y': 'a' },
      { X: '\u2713' },
    ]) {
      const server = kind.make({ log });
      const { port: other } = await server.start(async () => ({ status: 200, headers, body: Buffer.from('x') }));
      const before = port;
      port = other;
      const { text } = await raw('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      port = before;
      await server.stop(0);
      assert.is(text, '', JSON.stringify(headers));
    }
    assert.is(fakes.log.messages('error').length, 5);
  });

  test('requests that are no HTTP get a short answer and are let go', async () => {
    const host = 'Host: 127.0.0.1\r\n';
    const bad: [string, RegExp][] = [
      ['GARBAGE\r\n\r\n', /^HTTP\/1\.1 400/],
      [`GET /api/health HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`GET /api/health HTTP/9.9\r\n${host}\r\n`, /^HTTP\/1\.1 400/],
      [`POST /api/cameras HTTP/1.1\r\n${host}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, /^HTTP\/1\.1 400/],
      [
        `POST /api/cameras HTTP/1.1\r\n${host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
        /^HTTP\/1\.1 400/,
      ],
      [`POST /api/cameras HTTP/1.1\r\n${host}Content-Length: -2\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`POST /api/cameras HTTP/1.1\r\n${host}Transfer-Encoding: gzip, x\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`GET /api/health HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`GET /api/health HTTP/1.1\r\n${host}X : b\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`GET /api/health HTTP/1.1\r\n${host}X: ${'a'.repeat(LIMITS.headerBytes)}\r\n\r\n`, /^HTTP\/1\.1 431/],
      [`GET /${'a'.repeat(LIMITS.headerBytes + 10)} HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1\.1 431/],
      [`GET /${'a'.repeat(5000)} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`GET http://127.0.0.1/api/health HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`OPTIONS * HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, /^HTTP\/1\.1 400/],
      [`GET /api/health HTTP/1.1\r\n${host}Host: evil.example\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 40[03]/],
      [`GET /api/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 403/],
      [`CONNECT 127.0.0.1:22 HTTP/1.1\r\n${host}\r\n`, /^$/],
    ];
    await Promise.all(
      bad.map(async ([text, expected]) => {
        const answer = await raw(text, 15_000);
        if (!kind.answersUnreadable) assert.match(answer.text, /^$|^HTTP\/1\.1 4\d\d/, text.slice(0, 80));
        else assert.match(answer.text, expected, text.slice(0, 80));
        assert.is(answer.closed, true, text.slice(0, 80));
      }),
    );
    assert.is((await ask('GET', '/api/health')).status, 200);
  });

  test('an upgrade that nobody offers is an ordinary request', async () => {
    const text =
      'GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n';
    assert.not.match((await raw(text, 500)).text, / 101 /);
  });

  test('a body that is too long is refused, however it is announced', async () => {
    const long = 'x'.repeat(LIMITS.bodyBytes + 1);
    const announced = await ask('POST', '/api/cameras', json, long);
    assert.is(announced.status, 400);
    assert.match(announced.body.toString(), 'longer than');
    const chunk = 'y'.repeat(0x4000);
    const chunks = `4000\r\n${chunk}\r\n`.repeat(8);
    const head =
      'POST /api/cameras HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunked = await raw(`${head}${chunks}`);
    assert.match(chunked.text, kind.takesChunks ? /^HTTP\/1\.1 400/ : /^HTTP\/1\.1 411/);
    assert.is(chunked.closed, true);
    const fits = JSON.stringify({ name: 'Door', main: { url: 'rtsp://10.0.0.2/' } }).padEnd(LIMITS.bodyBytes, ' ');
    assert.is((await ask('POST', '/api/cameras', json, fits)).status, 201);
    const large = JSON.stringify({ backup: {}, dryRun: true }).padEnd(LIMITS.largeBodyBytes, ' ');
    assert.is(
      JSON.parse((await ask('POST', '/api/restore', json, large)).body.toString()).error.field,
      'backup.format',
    );
    assert.match((await ask('POST', '/api/restore', json, `${large} `)).body.toString(), 'longer than 524288');
  });

  test('a body behind a request that takes none is not read as the next request', async () => {
    const inner = 'GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const text = `GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${inner.length + 1000}\r\n\r\n${inner}`;
    const answer = await raw(text);
    assert.is(answer.closed, true);
    assert.is(answer.text.match(/HTTP\/1\.1 /g)?.length, 1);
  });

  test('several requests in one piece are answered in order, or end the connection', async () => {
    const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    const last = 'GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
    const { text, closed } = await raw(one('/api/health') + one('/nothing') + last);
    assert.is(closed, true);
    assert.equal(
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(found => found[1]),
      kind.pipelines ? ['200', '404', '200'] : [],
    );
  });

  test('many downloads asked for at once over one connection open one file at a time', async () => {
    fakes.addSegment(1000, randomBytes(20_000_000));
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.once('data', () => socket.pause());
    socket.write(`GET ${file} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(LIMITS.pipelined));
    if (kind.pipelines) {
      await until(() => openFiles().length > 0, 'download');
      await wait(200);
      assert.is(openFiles().length, 1);
    } else await until(() => socket.destroyed, 'the end of the connection');
    socket.destroy();
    await until(() => openFiles().length === 0, 'file closed');
    const flood = 'GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(LIMITS.pipelined * 20);
    const { text, closed } = await raw(flood, 8000);
    assert.ok(closed || text.match(/HTTP\/1\.1 200/g)?.length === LIMITS.pipelined * 20);
    assert.equal(fakes.log.messages('error'), []);
  });

  test('headers that trickle in are cut off', async () => {
    const headerTimeMs = kind.answersUnreadable ? HEADER_TIME_MS : LIMITS.headerTimeMs;
    const started = performance.now();
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    let closed = false;
    socket.on('data', piece => (answer += piece));
    socket.on('error', () => undefined);
    socket.on('close', () => (closed = true));
    socket.write('GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    const drip = setInterval(() => socket.writable && socket.write('X: y\r\n'), 200);
    try {
      while (!closed && performance.now() - started < headerTimeMs + 4000) await wait(50);
    } finally {
      clearInterval(drip);
      socket.destroy();
    }
    assert.is(closed, true);
    assert.match(answer, kind.answersUnreadable ? /^HTTP\/1\.1 408/ : /^$/);
    assert.ok(performance.now() - started > headerTimeMs - 2000);
  });

  test('connections that rest make room for others; when all are in use more are turned away, and room comes back', async () => {
    const open = async (count: number, text: string) => {
      const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
      for (const socket of sockets) {
        socket.on('error', () => undefined);
        socket.on('data', () => socket.pause());
      }
      await Promise.all(sockets.map(socket => new Promise(resolve => socket.once('connect', resolve))));
      for (const socket of sockets) socket.write(text);
      return sockets;
    };
    const idle = await open(LIMITS.connectionsPerAddress + 10, '');
    await wait(100);
    for (let i = 0; i < 5; i++) assert.is((await ask('GET', '/api/health')).status, 200);
    fakes.addSegment(1000, randomBytes(20_000_000));
    // One login is sent a part of it only.
    const ofUser = LIMITS.connectionsPerAddress / 2;
    const busy: Socket[] = [];
    for (const user of [101, 102]) {
      (fakes.services.accounts as unknown as FakeAccounts).callers.set(`token${user}`, { ...ADMIN, user });
      const head = `Host: 127.0.0.1\r\nAuthorization: Bearer token${user}`;
      busy.push(...(await open(ofUser, `GET ${file} HTTP/1.1\r\n${head}\r\n\r\n`)));
    }
    await until(() => openFiles().length === LIMITS.connectionsPerAddress, 'downloads');
    const refused = await raw('GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 2000);
    assert.match(refused.text, /^$|^HTTP\/1\.1 429/);
    assert.is(refused.closed, true);
    for (const socket of [...idle, ...busy]) socket.destroy();
    await until(() => openFiles().length === 0, 'files closed');
    assert.is((await ask('GET', '/api/health')).status, 200);
  });

  test('a port in use is said to be so', async () => {
    const log = fakes.log.logger;
    const second = new Api({ server: kind.make({ log, port }), log });
    const error = await second.start().then(
      () => undefined,
      reason => reason,
    );
    assert.instance(error, NvrError);
    assert.equal([error.kind, error.field], ['failed-precondition', '--listen']);
    assert.match(error.message, `127.0.0.1:${port} is in use`);
    await second.stop();
  });

  test('stopping ends idle connections, downloads and slow requests within its grace', async () => {
    fakes.addSegment(1000, randomBytes(20_000_000));
    const idle = connect(port, '127.0.0.1');
    const slow = connect(port, '127.0.0.1');
    const download = connect(port, '127.0.0.1');
    for (const socket of [idle, slow, download]) socket.on('error', () => undefined);
    slow.write('GET /api/health HTTP/1.1\r\n');
    download.once('data', () => download.pause());
    download.write(`GET ${file} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await until(() => openFiles().length === 1, 'download');
    const started = performance.now();
    await api.stop();
    assert.ok(performance.now() - started < 1000);
    await until(() => openFiles().length === 0, 'file closed');
    for (const socket of [idle, slow, download]) socket.destroy();
  });

  test.run();
}
