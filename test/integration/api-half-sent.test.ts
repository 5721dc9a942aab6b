// Connections on which nothing whole was ever said: they are few, however many come, and the owner gets through.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import { type HttpHandler, type HttpReply, LIMITS } from '../../src/api/server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';

const HALF = `GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ${'y'.repeat(LIMITS.headerBytes - 500)}`;

for (const kind of SERVERS) {
  const test = suite(`half-sent requests: ${kind.name}`, { timeoutMs: 60_000 });
  let folder = '';
  let fakes: FakeServices;
  let api: Api;
  let port = 0;
  let held: Socket[] = [];

  const begin = async (connectionsPerAddress: number, files?: HttpHandler) => {
    const { logger: log } = fakes.log;
    const server = kind.make({ log, limits: { connections: 40, connectionsPerAddress } });
    api = new Api({ server, log, ...(files && { files }) });
    port = Number(new URL((await api.start()).url).port);
    api.open(fakes.services);
  };
  test.before.each(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thimble-half-'));
    fakes = await fakeServices(folder);
  });
  test.after.each(async () => {
    for (const socket of held) socket.destroy();
    held = [];
    await api.stop();
    await fakes.cameras.stop();
    rmSync(folder, { recursive: true });
  });

  const hold = async (text: string, localAddress = '127.0.0.1') => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    socket.resume();
    held.push(socket);
    await new Promise(resolve => socket.once('connect', resolve));
    socket.write(text);
    return socket;
  };
  const open = () => held.filter(socket => !socket.destroyed).length;
  const until = async (condition: () => boolean, what: string) => {
    for (let i = 0; i < 1000 && !condition(); i++) await wait(20);
    assert.ok(condition(), what);
  };
  /** One request over a connection that may be used again. */
  const ask = (socket: Socket, path = '/api/health') =>
    new Promise<string>(resolve => {
      let text = '';
      const done = () => resolve(text);
      socket.on('data', piece => {
        text += piece.toString('latin1');
        if (text.includes('"}')) done();
      });
      socket.on('close', done);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    });
  const answered = async () => {
    const socket = await hold('');
    assert.match(await ask(socket), /^HTTP\/1\.1 200/);
    return socket;
  };

  test('there are at most as many as requests may be under way', async () => {
    await begin(1000);
    for (let i = 0; i < 200; i++) await hold(HALF);
    await until(() => open() <= 40, 'fewer connections');
    await answered();
    assert.ok(open() >= 30, `${open()} are left`);
  });

  test('one address has no more than its share of them, answered or not', async () => {
    await begin(10);
    const first = await answered();
    for (let i = 0; i < 30; i++) await hold(i % 2 ? HALF : '');
    await until(() => open() <= 10, 'fewer connections');
    assert.is(first.destroyed, true);
    const last = await answered();
    assert.match(await ask(last), /^HTTP\/1\.1 200/);
  });

  test('whoever holds few of them keeps them when others take all that there are', async () => {
    await begin(30);
    const first = await answered();
    for (let i = 0; i < 60; i++) await hold(i % 2 ? HALF : '', `127.0.0.${2 + (i % 3)}`);
    await until(() => open() <= 40, 'fewer connections');
    assert.match(await ask(first), /^HTTP\/1\.1 200/);
  });

  test('connections that were answered and rest make room, too', async () => {
    await begin(10);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 10; i++) (await answered()).write(HALF);
    }
    await until(() => open() <= 10, 'fewer connections');
    await answered();
  });

  test('connections end in every way and leave nothing that counts', async () => {
    await begin(10);
    for (let i = 0; i < 25; i++) {
      (await hold(HALF)).destroy();
      (await answered()).destroy();
      (await answered()).end();
      await hold('GET /api/health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
      await hold('GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await hold('POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{');
      await hold('rubbish\r\n\r\n');
      await hold('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(3));
    }
    for (const socket of held) socket.destroy();
    await wait(100);
    const kept = [];
    for (let i = 0; i < 10; i++) kept.push(await answered());
    for (const socket of kept) assert.match(await ask(socket), /^HTTP\/1\.1 200/);
    assert.equal(fakes.log.messages('error'), []);
  });

  test('pages that are not taken leave places to who asks', async () => {
    const size = 64 * 1024 * 1024;
    const page = async (): Promise<HttpReply> => {
      const piece = Buffer.alloc(64 * 1024);
      return {
        status: 200,
        body: { sizeBytes: size, next: async () => piece, close: async () => undefined },
        yields: true,
      };
    };
    await begin(1000, page);
    for (let i = 0; i < 60; i++) {
      const socket = await hold('');
      const isBegun = new Promise<void>(resolve => {
        socket.once('close', resolve);
        socket.once('data', () => {
          socket.pause();
          resolve();
        });
      });
      socket.write('GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      await isBegun;
      if (i % 10 === 9) await answered();
    }
    await answered();
    assert.equal(fakes.log.messages('error'), []);
  });

  const heads = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`;
  const beginBodies = async (path: string, count: number) => {
    const answers: string[] = [];
    for (let i = 0; i < count; i++) {
      (await hold(heads(path))).on('data', piece => answers.push(piece.toString('latin1')));
    }
    return answers;
  };

  test('strangers who may not try to log in any more are refused before their bodies are waited for', async () => {
    await begin(40);
    const answers = await beginBodies('/api/login', 30);
    await until(() => answers.length === 20, 'answers');
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 429/);
    assert.match(answers.join(), /Retry-After: \d/);
  });

  test('one address sends no more than sixteen bodies at a time', async () => {
    await begin(40);
    const answers = await beginBodies('/api/cameras', 30);
    await until(() => answers.length === 14, 'answers');
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 429/);
    for (const socket of held) socket.destroy();
    await wait(100);
    assert.equal((await beginBodies('/api/cameras', 16)).length, 0);
    await answered();
  });

  test('a request whose headers and body come byte by byte is answered as any other', async () => {
    await begin(10);
    const body = JSON.stringify({ name: 'Door', main: { url: 'rtsp://10.0.0.2/' } });
    const socket = await hold('');
    socket.setNoDelay(true);
    let answer = '';
    socket.on('data', piece => (answer += piece.toString('latin1')));
    // uWebSockets.js takes a first line in pieces for another version of HTTP.
    socket.write('POST /api/cameras HTTP/1.1\r\n');
    const rest = `Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (const char of rest) {
      await wait(1);
      socket.write(char);
    }
    await until(() => answer.includes('}'), 'the answer');
    assert.match(answer, /^HTTP\/1\.1 201/);
    assert.match(await ask(socket), /HTTP\/1\.1 200/);
  });

  test.run();
}
