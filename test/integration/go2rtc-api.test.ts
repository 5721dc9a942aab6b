// What answers on the socket of go2rtc is not believed: endless, broken, silent and foreign answers are failures in words, in time.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Server } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { NvrError } from '../../src/core/index.ts';
import { Api, ForeignAnswer } from '../../src/go2rtc/api.ts';
import { SilentPeer } from '../../src/go2rtc/socket-request.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc api');

type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const servers: Server[] = [];
test.after(() => {
  for (const server of servers) server.close();
});

async function serve(handle: Handle) {
  const socketPath = join(tempDir('api'), 'api.sock');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', part => (body += String(part)));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`);
      handle(request, response, body);
    });
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  const clock = new FakeClock();
  return { api: new Api({ socketPath, username: 'u', password: 'p', clock }), clock, asked, server };
}

const failure = (work: Promise<unknown>): Promise<NvrError> =>
  work.then(
    () => Promise.reject(new Error('it was accepted')),
    (error: NvrError) => error,
  );

test('it says who it is, and nothing else', async () => {
  let headers: IncomingMessage['headers'] = {};
  const { api, asked } = await serve((request, response) => {
    headers = request.headers;
    response.end('{}');
  });
  assert.is((await api.list()).size, 0);
  assert.equal(asked, ['GET /api/streams']);
  assert.is(headers.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`);
  assert.is(headers['user-agent'], 'Thimble');
  assert.equal(Object.keys(headers).sort(), ['authorization', 'connection', 'host', 'user-agent']);
});

test('a source is given and read back; what it says of it decides', async () => {
  let shown = '{"producers":[{"url":"rtsp://***@h/p?a=b"}],"consumers":null}';
  const { api, asked } = await serve((request, response) => response.end(request.method === 'GET' ? shown : ''));
  const source = 'rtsp://u:p%40@h/p?a=b#backchannel=0';
  assert.equal(await api.patch('th-1-main', source), { state: 'kept' });
  assert.equal(asked, [
    `PATCH /api/streams?name=th-1-main&src=${encodeURIComponent(source)}`,
    'GET /api/streams?src=th-1-main',
  ]);
  for (const other of [
    '{"producers":[{"url":"rtsp://h/other"}]}',
    '{"producers":[]}',
    '{"producers":[{"url":"rtsp://h/p?a=b"},{"url":"rtsp://h/p?a=b"}]}',
    'no json',
  ]) {
    shown = other;
    assert.is((await api.patch('th-1-main', source)).state, 'refused', other);
  }
  shown = '{"producers":[{"id":1,"url":"rtsp://h/older","medias":[]}]}';
  assert.is((await api.patch('th-1-main', source)).state, 'kept', 'it is still connected to the one before');
});

test('what it refuses is told in our words', async () => {
  let text = 'streams: source not supported';
  const { api } = await serve((_, response) => response.writeHead(400).end(text));
  const words = async () => {
    const result = await api.patch('th-1-main', 'exec:x');
    return result.state === 'refused' ? result.words.message : '';
  };
  assert.match(await words(), /does not know this kind of address/);
  text = 'streams: source with spaces may be insecure';
  assert.match(await words(), /no address with spaces/);
  text = 'rtsp://u:secret@h/p is bad';
  assert.not.match(await words(), /secret/);
});

test('an answer without end is cut off', async () => {
  const { api } = await serve((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  });
  assert.match((await failure(api.list())).message, /too great a length/);
  assert.match((await failure(api.answer('th-1-view', 'v=0'))).message, /too great a length/);
  assert.match((await failure(api.frame('th-1-main', 'mp4'))).message, /too great a length/);
  assert.is(await api.isLong('th-1-main'), true);
});

test('silence has an end, whichever part of the answer is missing; the next call goes on', async () => {
  let mode = 'nothing';
  const { api, clock, asked } = await serve((_, response) => {
    if (mode === 'half') response.writeHead(200).write('{');
    else if (mode === 'all') response.end('{}');
  });
  for (const one of ['nothing', 'half']) {
    mode = one;
    const before = asked.length;
    const late = failure(api.list());
    await eventually(() => asked.length > before && clock.pending > 0, 'it was asked');
    await clock.advance(1999);
    await clock.advance(1);
    assert.instance(await late, SilentPeer);
  }
  mode = 'all';
  assert.is((await api.list()).size, 0);
});

test('foreign answers are known as such', async () => {
  let status = 401;
  let body = '';
  const { api } = await serve((_, response) => response.writeHead(status).end(body));
  for (const [code, text] of [
    [401, ''],
    [403, ''],
    [404, ''],
    [500, 'x'],
    [200, '<html>'],
    [200, '[]'],
    [200, '{"a":7}'],
  ] as const) {
    status = code;
    body = text;
    assert.instance(await failure(api.list()), ForeignAnswer, `${code} ${text}`);
  }
});

test('a socket that is gone, closes, or speaks no HTTP fails at once', async () => {
  const socketPath = join(tempDir('api'), 'api.sock');
  const api = new Api({ socketPath, username: 'u', password: 'p', clock: new FakeClock() });
  assert.match((await failure(api.list())).message, /ENOENT/);
  const says = { text: '' };
  const server = createSocketServer(socket => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(says.text));
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  for (const text of ['', 'RTSP/1.0 200 OK\r\n\r\n', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`]) {
    says.text = text;
    const error = await failure(api.list());
    // Node's parser takes RTSP for HTTP; then there is no list.
    assert.ok(error.kind === 'unavailable' || error instanceof ForeignAnswer, String(error));
  }
});

test('answers to browsers and pictures: only real ones, errors in our words', async () => {
  let reply: [number, string] = [200, 'v=0\r\n'];
  const { api, asked } = await serve((_, response) => response.writeHead(reply[0]).end(reply[1]));
  assert.is(await api.answer('th-1-view', 'v=0\r\noffer'), 'v=0\r\n');
  assert.is(asked[0], 'POST /api/webrtc?src=th-1-view');
  for (const [status, text, words] of [
    [200, '', /closed the connection/],
    [200, 'not a description', /cannot open the source/],
    [500, 'streams: dial tcp 10.0.0.5:554: i/o timeout', /does not answer/],
    [404, 'stream not found', /no such stream/],
  ] as const) {
    reply = [status, text];
    const { message } = await failure(api.answer('th-1-view', 'v=0'));
    assert.match(message, words);
    assert.not.match(message, /10\.0/);
  }
  reply = [200, ''];
  assert.is((await failure(api.frame('th-1-main', 'jpeg'))).kind, 'unavailable');
  reply = [500, 'exec: "ffmpeg": executable file not found in $PATH'];
  assert.match((await failure(api.frame('th-1-main', 'jpeg'))).message, /makes no JPEG/);
  reply = [200, 'picture'];
  assert.is(String(await api.frame('th-1-main', 'mp4')), 'picture');
});

test.run();
