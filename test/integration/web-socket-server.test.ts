import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type {
  HttpReply,
  HttpRequest,
  HttpServer,
  Limits,
  WebSocketHandler,
  WebSocketPeer,
} from '../../src/api/server.ts';
import { fakeLog } from '../support/fake-log.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';
import { clientFrame, type FrameForm, WebSocketClient } from '../support/web-socket-client.ts';

/** What one accepted WebSocket has gone through. */
class Witness implements WebSocketHandler {
  peer: WebSocketPeer | undefined;
  texts: string[] = [];
  drains = 0;
  ends = 0;
  onText: (text: string) => void = () => undefined;

  opened(peer: WebSocketPeer): void {
    this.peer = peer;
  }
  message(text: string): void {
    this.texts.push(text);
    this.onText(text);
  }
  drained(): void {
    this.drains++;
  }
  closed(): void {
    this.ends++;
  }
}

const notFound: HttpReply = { status: 404, headers: { 'X-Why': 'no such socket' }, body: Buffer.from('none') };

for (const kind of SERVERS) {
  const test = suite(`web sockets: ${kind.name}`);
  let server: HttpServer;
  let url = '';
  let log = fakeLog();
  let witnesses: Witness[] = [];
  let requests: HttpRequest[] = [];
  let decide: (request: HttpRequest) => Promise<WebSocketHandler | HttpReply>;

  const begin = async (limits: Partial<Limits> = {}) => {
    await server?.stop(0);
    server = kind.make({ log: log.logger, limits });
    const { port } = await server.start(
      async () => ({ status: 200, body: Buffer.from('plain') }),
      async request => {
        requests.push(request);
        return decide(request);
      },
    );
    url = `http://127.0.0.1:${port}/socket?a=b%20c`;
  };

  test.before.each(async () => {
    log = fakeLog();
    witnesses = [];
    requests = [];
    decide = async () => {
      const witness = new Witness();
      witnesses.push(witness);
      return witness;
    };
    await begin();
  });
  test.after.each(async () => {
    await server.stop(0);
  });

  const accepted = async (behind: Buffer | string = '') => {
    const client = await WebSocketClient.open(url, {}, behind);
    assert.is(client.status, 101);
    await client.until(() => witnesses.at(-1)?.peer !== undefined);
    return { client, witness: witnesses.at(-1) as Witness };
  };
  const eventually = async (condition: () => boolean, what: string) => {
    for (let i = 0; i < 500 && !condition(); i++) await wait(20);
    assert.ok(condition(), what);
  };

  test('texts and bytes go both ways, and an orderly end is told once', async () => {
    const { client, witness } = await accepted();
    assert.match(client.head, /\r\nupgrade: websocket/i);
    assert.equal([requests[0]?.path, requests[0]?.query, requests[0]?.secure], ['/socket', 'a=b%20c', false]);
    assert.is(requests[0]?.remoteAddress, '127.0.0.1');
    const binary = Buffer.alloc(200_000, 7);
    witness.peer?.send('höre');
    witness.peer?.send(binary);
    witness.peer?.send(Buffer.alloc(0));
    client.send('ja ✓');
    await client.until(() => client.frames.length === 3);
    assert.equal(client.texts, ['höre']);
    assert.ok(client.binaries[0]?.equals(binary));
    assert.is(client.binaries[1]?.length, 0);
    await eventually(() => witness.texts.length === 1, 'the text');
    assert.equal(witness.texts, ['ja ✓']);
    await client.close();
    assert.is(client.closeCode, 1000);
    await eventually(() => witness.ends === 1, 'the end');
    await wait(30);
    assert.is(witness.ends, 1);
    witness.peer?.send('late');
    witness.peer?.close(1000);
    assert.equal(log.messages('error'), []);
  });

  test('the key of the RFC gets the answer of the RFC', async () => {
    const client = await WebSocketClient.open(url, { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' });
    assert.match(client.head, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=(\r\n|$)/i);
    assert.not.match(client.head, /sec-websocket-extensions/i);
    client.destroy();
  });

  test('what the client sends right behind its handshake is not lost, or ends the connection', async () => {
    let release = () => {};
    const gate = new Promise<void>(resolve => {
      release = resolve;
    });
    const plain = decide;
    decide = async request => {
      await gate;
      return plain(request);
    };
    setTimeout(release, 50);
    const early = Buffer.concat([clientFrame(1, 'first'), clientFrame(1, 'second')]);
    if (!kind.keepsEarlyFrames) {
      const client = await WebSocketClient.open(url, {}, early);
      assert.is.not(client.status, 101);
      // Its witness belongs to this test.
      await gate;
      await wait(20);
      return;
    }
    const { client, witness } = await accepted(early);
    await eventually(() => witness.texts.length === 2, 'both texts');
    assert.equal(witness.texts, ['first', 'second']);
    client.destroy();
  });

  test('a refused upgrade is an ordinary answer', async () => {
    decide = async () => notFound;
    const client = await WebSocketClient.open(url);
    await client.until(() => client.body === 'none');
    assert.is(client.status, 404);
    assert.match(client.head, /\r\nx-why: no such socket/i);
    assert.is(witnesses.length, 0);
    client.destroy();
  });

  test('handshakes that are none open nothing', async () => {
    const cases: [Record<string, string | undefined>, number[]][] = [
      [{ 'Sec-WebSocket-Version': '8' }, [426, 400]],
      [{ 'Sec-WebSocket-Version': undefined }, [426, 400]],
      [{ 'Sec-WebSocket-Key': undefined }, [400]],
      [{ 'Sec-WebSocket-Key': 'short' }, [400]],
      [{ 'Sec-WebSocket-Key': `${'A'.repeat(24)}=` }, [400]],
      [{ Upgrade: 'h2c' }, [200]],
      [{ Upgrade: undefined, Connection: 'close' }, [200]],
      [{ Connection: 'close' }, [200, 400]],
    ];
    for (const [headers, allowed] of cases) {
      const client = await WebSocketClient.open(url, headers);
      assert.ok(allowed.includes(client.status), `${JSON.stringify(headers)}: ${client.status}`);
      client.destroy();
    }
    assert.equal([witnesses.length, requests.length], [0, 0]);
  });

  test('texts in parts, with a ping between them, and byte by byte', async () => {
    const { client, witness } = await accepted();
    const frames = Buffer.concat([
      clientFrame(1, Buffer.from('zwölf').subarray(0, 3), { final: false }),
      clientFrame(9, 'are you there'),
      clientFrame(0, '', { final: false }),
      clientFrame(0, Buffer.from('zwölf').subarray(3)),
      clientFrame(1, ''),
      clientFrame(10, 'unasked'),
      clientFrame(1, 'x'.repeat(4096)),
    ]);
    client.socket.setNoDelay(true);
    for (const byte of frames.subarray(0, 60)) {
      client.socket.write(Buffer.from([byte]));
      await wait(1);
    }
    client.socket.write(frames.subarray(60));
    await eventually(() => witness.texts.length === 3, 'three texts');
    assert.equal(witness.texts, ['zwölf', '', 'x'.repeat(4096)]);
    await client.until(() => client.frames.some(({ opcode }) => opcode === 10));
    assert.is(client.frames.find(({ opcode }) => opcode === 10)?.payload.toString(), 'are you there');
    client.destroy();
    await eventually(() => witness.ends === 1, 'the end');
  });

  test('frames against the rules end the socket and nothing else', async () => {
    const frame = (opcode: number, payload: Buffer | string, form: FrameForm) => clientFrame(opcode, payload, form);
    const cases: [string, Buffer, number[]][] = [
      ['unmasked', frame(1, 'a', { masked: false }), [1002]],
      ['a reserved bit', frame(1, 'a', { reserved: 4 }), [1002]],
      ['another reserved bit', frame(1, 'a', { reserved: 1 }), [1002]],
      ['a reserved opcode', frame(3, 'a', {}), [1002]],
      ['a reserved control opcode', frame(11, 'a', {}), [1002]],
      ['a ping in parts', frame(9, 'a', { final: false }), [1002]],
      ['a long ping', frame(9, 'a'.repeat(126), {}), [1002]],
      ['a continuation of nothing', frame(0, 'a', {}), [1002]],
      ['a text within a text', Buffer.concat([frame(1, 'a', { final: false }), frame(1, 'b', {})]), [1002]],
      ['binary', frame(2, 'a', {}), [1003]],
      ['no UTF-8', frame(1, Buffer.from([0xc3, 0x28]), {}), [1007]],
      ['half a letter', frame(1, Buffer.from([0xe2, 0x82]), {}), [1007]],
      ['too long', frame(1, 'a'.repeat(4097), {}), [1009]],
      ['long by announcement', frame(1, 'a', { lengthBytes: 8, statedBytes: 1n << 40n }), [1009]],
      ['a length with its first bit set', frame(1, 'a', { lengthBytes: 8, statedBytes: 1n << 63n }), [1002]],
      [
        'too long in parts',
        Buffer.concat(Array.from({ length: 5 }, (_, i) => frame(i ? 0 : 1, 'b'.repeat(1024), { final: false }))),
        [1009],
      ],
      ['a close code of one byte', frame(8, 'a', {}), [1002]],
      ['a close code that may not be sent', frame(8, Buffer.from([0x03, 0xed]), {}), [1002]],
      ['a close reason that is no text', frame(8, Buffer.from([0x03, 0xe8, 0xff]), {}), [1007]],
    ];
    for (const [what, bytes, codes] of cases) {
      const { client, witness } = await accepted();
      client.socket.write(Buffer.concat([bytes, clientFrame(1, 'after')]));
      await client.until(() => client.closed);
      // A server may also end such a connection without a word.
      const { closeCode } = client;
      if (kind.saysWhy) assert.ok(closeCode !== undefined && codes.includes(closeCode), `${what}: ${closeCode}`);
      await eventually(() => witness.ends === 1, what);
      // uWebSockets.js takes a frame without a mask for one with a mask, and so reads something else.
      if (kind.saysWhy || what !== 'unmasked') assert.equal(witness.texts, [], what);
    }
    assert.equal(log.messages('error'), []);
  });

  test('a close frame without a code, and one of the application', async () => {
    const first = await accepted();
    first.client.socket.write(clientFrame(8));
    await first.client.until(() => first.client.closed);
    await eventually(() => first.witness.ends === 1, 'the first end');
    const second = await accepted();
    second.witness.peer?.close(4001, 'the session has ended');
    await second.client.until(() => second.client.closeCode !== undefined);
    assert.is(second.client.closeCode, 4001);
    const close = second.client.frames.find(({ opcode }) => opcode === 8);
    assert.is(close?.payload.subarray(2).toString(), 'the session has ended');
    await second.client.close();
    await eventually(() => second.witness.ends === 1, 'the second end');
  });

  test('a client that does not answer our close is let go', async () => {
    const { client, witness } = await accepted();
    witness.peer?.close(1000);
    await client.until(() => client.closed, 8000);
    await eventually(() => witness.ends === 1, 'the end');
  });

  test('a client that goes away without a word', async () => {
    const { client, witness } = await accepted();
    client.destroy();
    await eventually(() => witness.ends === 1, 'the end');
    const other = await accepted();
    other.client.socket.resetAndDestroy();
    await eventually(() => other.witness.ends === 1, 'the end');
    const third = await accepted();
    third.client.socket.end();
    await eventually(() => third.witness.ends === 1, 'the end');
  });

  test('a client that went away before the decision costs nothing', async () => {
    let decided = false;
    const plain = decide;
    decide = async request => {
      await wait(100);
      decided = true;
      return plain(request);
    };
    const opening = WebSocketClient.open(url);
    await eventually(() => requests.length === 1, 'the question');
    const again = WebSocketClient.open(url);
    await again;
    await opening;
    for (const client of [await opening, await again]) client.destroy();
    await eventually(() => decided && witnesses.every(one => !one.peer || one.ends === 1), 'the ends');
  });

  test('what waits is counted, its end is told, and too much of it cuts the socket off', async () => {
    await begin({ webSocketQueueBytes: 1_000_000 });
    const { client, witness } = await accepted();
    client.socket.pause();
    const piece = Buffer.alloc(100_000);
    const peer = witness.peer as WebSocketPeer;
    for (let i = 0; i < 200 && peer.bufferedBytes === 0; i++) peer.send(piece);
    assert.ok(peer.bufferedBytes > 0);
    client.socket.resume();
    await eventually(() => witness.drains > 0, 'drained');
    assert.is(peer.bufferedBytes, 0);
    client.socket.pause();
    for (let i = 0; i < 300 && witness.ends === 0; i++) {
      peer.send(piece);
      assert.ok(peer.bufferedBytes <= 1_200_000, `${peer.bufferedBytes} bytes wait`);
      await wait(1);
    }
    assert.is(witness.ends, 1);
    client.socket.resume();
    await client.until(() => client.closed);
  });

  test('pings that nobody reads the answers of end the socket', async () => {
    await begin({ webSocketQueueBytes: 200_000 });
    const { client, witness } = await accepted();
    client.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => clientFrame(9, 'p'.repeat(125))));
    for (let i = 0; i < 400 && witness.ends === 0; i++) {
      client.socket.write(flood);
      await wait(1);
    }
    await eventually(() => witness.ends === 1, 'the end');
    client.destroy();
  });

  test('no more WebSockets than allowed, and room comes back', async () => {
    await begin({ webSockets: 3 });
    const clients = [];
    for (let i = 0; i < 3; i++) clients.push((await accepted()).client);
    const refused = await WebSocketClient.open(url);
    assert.is(refused.status, 503);
    refused.destroy();
    clients[0]?.destroy();
    await eventually(() => witnesses[0]?.ends === 1, 'room');
    clients.push((await accepted()).client);
    for (const client of clients) client.destroy();
  });

  test('WebSockets that have gone leave nothing behind that counts', async () => {
    await begin({ connections: 20, connectionsPerAddress: 20, webSockets: 20 });
    for (let round = 0; round < 5; round++) {
      const clients = [];
      for (let i = 0; i < 10; i++) clients.push((await accepted()).client);
      for (const [i, client] of clients.entries()) {
        if (i % 2) client.destroy();
        else await client.close();
      }
      await eventually(() => witnesses.every(({ ends }) => ends === 1), 'the ends');
    }
  });

  test('a handler that throws ends its socket only', async () => {
    const { client, witness } = await accepted();
    witness.onText = () => {
      throw new Error('on purpose');
    };
    client.send('go');
    await client.until(() => client.closed);
    assert.is(client.closeCode, 1011);
    assert.equal(log.messages('error'), ['a WebSocket failed']);
    (await accepted()).client.destroy();
  });

  test('stopping says goodbye to WebSockets', async () => {
    const { client, witness } = await accepted();
    const stopped = server.stop(500);
    await client.until(() => client.closeCode !== undefined);
    assert.is(client.closeCode, 1001);
    await client.close();
    await stopped;
    await eventually(() => witness.ends === 1, 'the end');
  });

  test('a WebSocket that is closed while much waits for it is not kept until somebody takes that', async () => {
    const { client, witness } = await accepted();
    client.socket.pause();
    // More than the system takes, and less than the limit.
    const connection = witness.peer as WebSocketPeer;
    for (let i = 0; i < 100 && connection.bufferedBytes < 2_000_000; i++) connection.send(Buffer.alloc(200_000));
    assert.ok(connection.bufferedBytes >= 2_000_000);
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const files = openFiles();
    connection.close(1013, 'too slow');
    for (let i = 0; i < 200 && openFiles() >= files; i++) await wait(20);
    assert.ok(openFiles() < files, `${files} files before, ${openFiles()} after`);
    client.destroy();
  });

  test.run();
}
