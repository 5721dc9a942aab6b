// Requests of webhooks against servers on this machine: what they carry, and what stands in their way.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import * as assert from 'uvu/assert';
import { type Clock, type NvrError, systemClock } from '../../src/core/index.ts';
import { WebhookSender } from '../../src/events/index.ts';
import type { WebhookSenderOptions } from '../../src/events/webhook-sender.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';

const test = suite('webhook sender');

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let port = 0;
let seen: Seen[] = [];
let status = 200;
const sockets = new Set<Socket>();

test.before(async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(pieces).toString() });
      response.writeHead(status, { Location: `http://127.0.0.1:${port}/elsewhere` });
      // An answer without end is of no interest.
      response.flushHeaders();
      if (status !== 204) response.write('x'.repeat(1000));
    });
  });
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
test.after(() => void server.close());
test.before.each(() => {
  seen = [];
  status = 200;
});

function send(url: string, options: Partial<WebhookSenderOptions> = {}, secret?: string, signal?: AbortSignal) {
  const sender = new WebhookSender({
    ...{ allowLoopback: true, ownPorts: () => [], userAgent: 'Thimble/1', clock: systemClock as Clock },
    ...options,
  });
  const message = { url: new URL(url), body: Buffer.from('{"a":"ä"}'), secret, delivery: 'd1' };
  return sender.send(message, signal ?? new AbortController().signal);
}

function failure(sending: Promise<number>): Promise<string> {
  return sending.then(
    code => `status ${code}`,
    (error: NvrError) => `${error.kind ?? error.name}: ${error.message}`,
  );
}

test('posts JSON, signed with the time of sending', async () => {
  assert.is(await send(`http://127.0.0.1:${port}/hook?a=b`, {}, 'my secret'), 200);
  const [{ method, url, headers, body } = {} as Seen] = seen;
  assert.equal([method, url, body], ['POST', '/hook?a=b', '{"a":"ä"}']);
  assert.equal(
    [headers['content-type'], headers['x-thimble-delivery'], headers['user-agent']],
    ['application/json', 'd1', 'Thimble/1'],
  );
  const timestamp = String(headers['x-thimble-timestamp']);
  assert.ok(Math.abs(Number(timestamp) - Date.now()) < 60_000);
  const expected = createHmac('sha256', 'my secret').update(`${timestamp}.${body}`).digest('hex');
  assert.is(headers['x-thimble-signature'], `sha256=${expected}`);
  await send(`http://127.0.0.1:${port}/`);
  assert.is(seen[1]?.headers['x-thimble-signature'], undefined);
});

test('gives the status and follows no redirect; the connection is closed at once', async () => {
  for (const code of [204, 302, 307, 500]) {
    status = code;
    assert.is(await send(`http://127.0.0.1:${port}/`), code);
  }
  assert.is(seen.length, 4);
  assert.ok(seen.every(({ url }) => url === '/'));
  while (sockets.size > 0) await new Promise(resolve => setTimeout(resolve, 5));
});

test('forbidden addresses are refused, in digits and behind names, however often the name changes its mind', async () => {
  const forbidden = 'permission-denied: its address is one of this machine, or link-local';
  const strict = { allowLoopback: false };
  for (const host of ['127.0.0.1', '[::1]', '0.0.0.0', '[::ffff:127.0.0.1]', '127.1', '0x7f000001']) {
    assert.is(await failure(send(`http://${host}:${port}/`, strict)), forbidden, host);
  }
  for (const host of ['169.254.169.254', '[fe80::1]'])
    assert.is(await failure(send(`http://${host}:1/`)), forbidden, host);
  const answers = ['127.0.0.1', '::1', '169.254.169.254', '::ffff:127.0.0.1'];
  for (const address of answers) {
    const lookup = async () => [{ address, family: address.includes(':') ? 6 : 4 }];
    assert.is(await failure(send(`http://rebind.test:${port}/`, { ...strict, lookup })), forbidden, address);
  }
  assert.equal(seen, []);
  const mixed = async () => [
    { address: '169.254.1.1', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ];
  assert.is(
    await send(`http://mixed.test:${port}/`, { lookup: mixed }),
    200,
    'only those that are allowed are gone to',
  );
  assert.is(seen[0]?.headers.host, `mixed.test:${port}`);
});

test('the service never posts to itself', async () => {
  const own = { ownPorts: () => [port] };
  assert.match(await failure(send(`http://127.0.0.1:${port}/`, own)), /^permission-denied/);
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  assert.match(await failure(send(`http://me.test:${port}/`, { ...own, lookup })), /^permission-denied/);
  assert.equal(seen, []);
});

test('nor by the addresses that it has in its network, however they are written', async () => {
  const own = { ownPorts: () => [9] };
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  const outer = addresses.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  for (const { address, family } of outer) {
    const forms = family === 'IPv4' ? [address, `[::ffff:${address}]`] : [`[${address}]`];
    for (const form of forms) assert.match(await failure(send(`http://${form}:9/`, own)), /^permission-denied/, form);
  }
});

test('names without addresses, closed ports, and other kinds of servers', async () => {
  const nothing = async () => [];
  assert.is(await failure(send('http://nobody.test/', { lookup: nothing })), 'unavailable: the name has no address');
  const broken = async () => {
    throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  };
  assert.is(await failure(send('http://nobody.test/', { lookup: broken })), 'unavailable: ENOTFOUND');
  const tcp = createTcpServer(
    socket =>
      void socket
        .on('error', () => {})
        .resume()
        .end('SSH-2.0-x\r\n'),
  );
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve));
  const other = (tcp.address() as AddressInfo).port;
  assert.match(await failure(send(`http://127.0.0.1:${other}/`)), /^unavailable: /);
  assert.match(await failure(send(`https://127.0.0.1:${other}/`)), /^unavailable: /);
  await new Promise(resolve => tcp.close(resolve));
  assert.is(await failure(send(`http://127.0.0.1:${other}/`)), 'unavailable: ECONNREFUSED');
});

test('a server that says nothing gets ten seconds, a name that resolves to nothing five', async () => {
  const silent = createTcpServer(socket => void socket.on('error', () => {}));
  const connected = new Promise<Socket>(resolve => silent.once('connection', resolve));
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const clock = new FakeClock();
  const waiting = failure(send(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`, { clock }));
  const socket = await connected;
  // The client hears of its connection after the server does.
  while (clock.pending > 1) await new Promise(resolve => setTimeout(resolve, 5));
  await clock.advance(10_000);
  assert.is(await waiting, 'unavailable: there is no answer within 10 s');
  socket.destroy();
  await new Promise(resolve => silent.close(resolve));
  const lookup = () => new Promise<never>(() => {});
  const looking = failure(send('http://slow.test/', { clock, lookup }));
  await clock.advance(5000);
  assert.is(await looking, 'unavailable: there is no connection within 5 s');
  assert.is(clock.pending, 0);
});

test('is cut off when the service stops', async () => {
  const stop = new AbortController();
  const lookup = () => new Promise<never>(() => {});
  const sending = failure(send('http://slow.test/', { lookup }, undefined, stop.signal));
  stop.abort();
  assert.match(await sending, /^AbortError/);
  assert.match(await failure(send('http://slow.test/', { lookup }, undefined, stop.signal)), /^AbortError/);
});

test.run();
