import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { ByteSource, HttpReply, HttpRequest, HttpServer } from '../../src/api/server.ts';
import { NvrError } from '../../src/core/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';

/** Counts how its sources end. */
class Sources {
  opened = 0;
  closed = 0;
  twice = 0;

  /** Pieces from one buffer, as files give them. `waitMs`: before each piece. */
  of(content: Buffer, pieceBytes: number, options: { known: boolean; waitMs?: number; failAt?: number }): ByteSource {
    this.opened++;
    const buffer = Buffer.alloc(pieceBytes);
    let at = 0;
    let isClosed = false;
    return {
      sizeBytes: options.known ? content.length : undefined,
      next: async () => {
        if (options.waitMs !== undefined) await wait(options.waitMs);
        if (options.failAt !== undefined && at >= options.failAt) throw new NvrError('data-loss', 'EIO');
        const copied = content.copy(buffer, 0, at, at + pieceBytes);
        at += copied;
        return copied > 0 ? buffer.subarray(0, copied) : undefined;
      },
      close: async () => {
        if (isClosed) this.twice++;
        isClosed = true;
        this.closed++;
      },
    };
  }
}

for (const kind of SERVERS) {
  const test = suite(`api transfers: ${kind.name}`, { timeoutMs: 30_000 });
  let server: HttpServer;
  let port = 0;
  let log = fakeLog();
  let sources = new Sources();
  let answer: (request: HttpRequest) => Promise<HttpReply>;

  test.before.each(async () => {
    log = fakeLog();
    sources = new Sources();
    server = kind.make({ log: log.logger, limits: { connections: 500, connectionsPerAddress: 500 } });
    port = (await server.start(request => answer(request))).port;
  });
  test.after.each(async () => {
    await server.stop(0);
  });

  const ask = (text: string): Socket => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(text);
    return socket;
  };
  const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  /** Reads to the end, with a pause after each `pauseEvery` bytes. */
  const readSlowly = (socket: Socket, pauseEvery: number): Promise<{ head: string; body: Buffer }> =>
    new Promise(resolve => {
      const pieces: Buffer[] = [];
      let since = 0;
      socket.on('data', piece => {
        pieces.push(piece as Buffer);
        since += piece.length;
        if (since < pauseEvery) return;
        since = 0;
        socket.pause();
        setTimeout(() => socket.resume(), 10);
      });
      socket.on('close', () => {
        const all = Buffer.concat(pieces);
        const end = all.indexOf('\r\n\r\n');
        resolve({ head: all.subarray(0, end).toString('latin1'), body: all.subarray(end + 4) });
      });
    });

  const unchunked = (body: Buffer): Buffer => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < body.length; ) {
      const end = body.indexOf('\r\n', at);
      const size = Number.parseInt(body.toString('latin1', at, end), 16);
      if (!size) break;
      pieces.push(body.subarray(end + 2, end + 2 + size));
      at = end + 4 + size;
    }
    return Buffer.concat(pieces);
  };
  const hash = (content: Buffer) => createHash('sha256').update(content).digest('hex');

  test('every byte arrives in its place, however slowly it is read', async () => {
    const content = randomBytes(9_999_999);
    for (const pieceBytes of [65_536, 1_000_000, 777]) {
      const sent = pieceBytes === 777 ? content.subarray(0, 500_000) : content;
      answer = async () => ({ status: 200, body: sources.of(sent, pieceBytes, { known: true }) });
      const { head, body } = await readSlowly(ask(GET), 600_000);
      assert.match(head, new RegExp(`content-length: ${sent.length}`, 'i'));
      assert.is(hash(body), hash(sent), `${pieceBytes}`);
    }
    answer = async () => ({ status: 200, body: sources.of(content, 65_536, { known: false }) });
    const { head, body } = await readSlowly(ask(GET), 600_000);
    assert.match(head, /transfer-encoding: chunked/i);
    assert.is(hash(unchunked(body)), hash(content));
    answer = async () => ({ status: 200, body: content });
    assert.is(hash((await readSlowly(ask(GET), 600_000)).body), hash(content));
    assert.equal([sources.opened, sources.closed, sources.twice], [4, 4, 0]);
    assert.equal(log.messages('error'), []);
  });

  test('answers without a body, and such whose source has none', async () => {
    const cases: [string, HttpReply, RegExp][] = [
      ['GET', { status: 204 }, /^HTTP\/1\.1 204 (?![\s\S]*content-length)/i],
      ['GET', { status: 304, headers: { ETag: '"a"' } }, /^HTTP\/1\.1 304 (?![\s\S]*content-length)/i],
      ['GET', { status: 200 }, /content-length: 0/i],
      ['GET', { status: 200, body: Buffer.alloc(0) }, /content-length: 0/i],
      ['GET', { status: 200, body: sources.of(Buffer.alloc(0), 10, { known: true }) }, /content-length: 0/i],
      ['HEAD', { status: 200, body: sources.of(Buffer.alloc(12), 10, { known: true }) }, /content-length: 12/i],
      ['HEAD', { status: 200, body: Buffer.alloc(13) }, /content-length: 13/i],
      [
        'HEAD',
        { status: 200, body: sources.of(Buffer.alloc(12), 10, { known: false }) },
        /^(?![\s\S]*content-length: [1-9])/i,
      ],
    ];
    for (const [method, reply, expected] of cases) {
      // A second request shows that the first has ended.
      answer = async request => (request.path === '/' ? reply : { status: 200, body: Buffer.from('second') });
      const socket = ask(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      const read = readSlowly(socket, 1_000_000);
      await wait(100);
      socket.write('GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const { head, body } = await read;
      assert.match(head, expected);
      assert.match(body.toString(), /^HTTP\/1\.1 200 OK[\s\S]*second$/);
    }
    assert.equal([sources.opened, sources.closed], [3, 3]);
  });

  test('a source that fails, ends early or gives too much ends the connection', async () => {
    const content = randomBytes(200_000);
    const wrong: (() => ByteSource)[] = [
      () => sources.of(content, 50_000, { known: true, failAt: 100_000 }),
      () => sources.of(content, 50_000, { known: false, failAt: 100_000 }),
      () => ({ ...sources.of(content, 50_000, { known: true }), sizeBytes: 300_000 }),
      () => ({ ...sources.of(content, 50_000, { known: true }), sizeBytes: 120_000 }),
    ];
    for (const make of wrong) {
      answer = async () => ({ status: 200, body: make() });
      const { body } = await readSlowly(ask(GET.replace('Connection: close\r\n', '')), 1_000_000);
      assert.not.match(body.toString('latin1'), /0\r\n\r\n$/);
      assert.ok(body.length < 201_000);
    }
    assert.equal([sources.opened, sources.closed, sources.twice], [4, 4, 0]);
  });

  test('a reply that goes on lets go of its source when the client goes, even while that waits', async () => {
    let onClosed = () => {};
    const closed = new Promise<void>(resolve => {
      onClosed = resolve;
    });
    let pieces = 0;
    answer = async () => ({
      status: 200,
      body: {
        sizeBytes: undefined,
        next: () => (pieces++ < 3 ? Promise.resolve(Buffer.from('picture')) : new Promise(() => undefined)),
        close: async () => onClosed(),
      },
    });
    const socket = ask(GET);
    let received = 0;
    socket.on('data', piece => (received += piece.length));
    while (received < 20) await wait(10);
    socket.destroy();
    await closed;
  });

  test('clients that go at any moment leave nothing open and break nothing', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    let state = seed;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const content = randomBytes(3_000_000);
    answer = async request => {
      const how = Number(request.header('x-how'));
      if (how & 1) await wait(how % 7);
      if (how & 2) await request.body().catch(() => undefined);
      if (how & 4) return { status: 200, body: content.subarray(0, how * 1000) };
      const waitMs = how & 8 ? how % 3 : undefined;
      const known = (how & 16) === 0;
      return { status: 200, body: sources.of(content, 65_536, { known, ...(waitMs !== undefined && { waitMs }) }) };
    };
    const one = async () => {
      const body = random() < 0.3 ? 'x'.repeat(Math.floor(random() * 3000)) : '';
      const head = `${body ? 'POST' : 'GET'} / HTTP/1.1\r\nHost: a\r\nX-How: ${Math.floor(random() * 64)}\r\n`;
      const text = `${head}${body ? `Content-Length: ${body.length}\r\n` : ''}\r\n${body}`;
      const socket = ask(random() < 0.2 ? text.slice(0, Math.floor(random() * text.length)) : text);
      if (random() < 0.5) socket.once('data', () => socket.pause());
      await wait(random() * 12);
      if (random() < 0.5) socket.destroy();
      else socket.resetAndDestroy();
    };
    for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: 25 }, one));
    for (let i = 0; i < 500 && sources.closed < sources.opened; i++) await wait(10);
    assert.equal([sources.closed, sources.twice], [sources.opened, 0], `SEED=${seed}`);
    assert.equal(log.messages('error'), [], `SEED=${seed}`);
    answer = async () => ({ status: 200, body: Buffer.from('still there') });
    assert.is((await readSlowly(ask(GET), 1000)).body.toString(), 'still there');
  });

  test.run();
}
