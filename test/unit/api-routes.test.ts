import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('api routes');

interface Answer {
  status: number;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  json: any;
}

let folder = '';
let fakes: FakeServices;
let api: Api;
let server: FakeServer;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-api-'));
  fakes = await fakeServices(folder);
  server = new FakeServer();
  api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open(fakes.services);
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const reply = await server.ask(method, url, body, headers);
  const content = Buffer.isBuffer(reply.body) ? reply.body.toString() : '';
  return { status: reply.status, headers: reply.headers ?? {}, json: content ? JSON.parse(content) : undefined };
}

const door = { name: 'Door', main: { url: 'rtsp://bob:canary@10.0.0.2/a' } };

test('cameras are added, read, changed and removed', async () => {
  const added = await ask('POST', '/api/cameras', door);
  assert.is(added.status, 201);
  assert.is(added.headers.Location, '/api/cameras/1');
  assert.equal([added.json.name, added.json.username, added.json.hasPassword], ['Door', 'bob', true]);
  assert.equal((await ask('GET', '/api/cameras')).json, { cameras: [added.json] });
  assert.equal((await ask('GET', '/api/cameras/1')).json, added.json);
  const changed = await ask('PATCH', '/api/cameras/1', { name: 'Gate' });
  assert.equal([changed.status, changed.json.name, changed.json.main.url], [200, 'Gate', 'rtsp://10.0.0.2/a']);
  assert.is((await ask('DELETE', '/api/cameras/1')).status, 204);
  assert.equal(fakes.purged, []);
  assert.is((await ask('GET', '/api/cameras/1')).status, 404);
});

test('footage goes with its camera only when asked for', async () => {
  await ask('POST', '/api/cameras', door);
  assert.is((await ask('DELETE', '/api/cameras/1?footage=yes')).json.error.field, 'footage');
  assert.is((await ask('DELETE', '/api/cameras/1?footage=delete')).status, 204);
  assert.equal(fakes.purged, [1]);
  assert.equal(fakes.store.purges, [1], 'marked together with the camera');
  assert.is((await ask('DELETE', '/api/cameras/1?footage=delete')).status, 404);
});

test('locked segments of a deleted camera stay, and the answer says how many', async () => {
  fakes.addSegment(1000, Buffer.from('abc')).locked = true;
  fakes.addSegment(2000, Buffer.from('abc'));
  await ask('POST', '/api/cameras', door);
  const { status, json } = await ask('DELETE', '/api/cameras/1?footage=delete');
  assert.equal([status, json.kept], [200, { segments: 1, sizeBytes: 3 }]);
  assert.match(json.message, /but for 1 locked segment\.$/);
  assert.match(json.cure, /^Unlock/);
});

test('no answer and no log line holds a password', async () => {
  const seen = [
    await ask('POST', '/api/cameras', door),
    await ask('POST', '/api/cameras', { ...door, main: { url: 'rtsp://a:canary@127.0.0.1/' } }),
    await ask('PATCH', '/api/cameras/1', { password: 'canary', username: 'x' }),
    await ask('PATCH', '/api/cameras/1', { password: 5 }),
    await ask('POST', '/api/cameras', '{"password":"canary"'),
    await ask('GET', '/api/cameras'),
    await ask('GET', '/api/status'),
  ];
  assert.not.match(JSON.stringify([seen, fakes.log.lines]), 'canary');
});

test('input that cannot be used names the field and the cure', async () => {
  const { status, json } = await ask('POST', '/api/cameras', { nam: 'Door', main: door.main });
  assert.is(status, 400);
  assert.equal(json, {
    error: {
      kind: 'invalid-argument',
      message: '"nam" is not a known field',
      field: 'nam',
      cure: 'Did you mean "name"?',
    },
  });
  const query = await ask('GET', '/api/segments?camera=1&strem=main');
  assert.equal([query.status, query.json.error.cure], [400, 'Did you mean "stream"?']);
  assert.is((await ask('GET', '/api/cameras?x=1')).json.error.field, 'x');
});

test('bodies are JSON objects, declared as such and not nested without end', async () => {
  const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
  assert.is((await ask('POST', '/api/cameras', deep)).status, 400);
  for (const body of ['', 'null', '[]', '"x"', '{', '\ufeff{}']) {
    assert.is((await ask('POST', '/api/cameras', body)).status, 400, body);
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
    const answer = await ask('POST', '/api/cameras', door, { 'content-type': type });
    assert.equal([answer.status, answer.json.error.field], [400, 'Content-Type'], type);
  }
  assert.is(
    (await ask('POST', '/api/cameras', door, { 'content-type': 'application/json; charset=utf-8' })).status,
    201,
  );
});

test('answers only under names of this machine', async () => {
  const own = hostname();
  const names = [
    'localhost:80',
    'LOCALHOST',
    'localhost.',
    own,
    `${own.toUpperCase()}:8080`,
    `${own.split('.')[0]}.local`,
  ];
  for (const host of ['127.0.0.1', '127.0.0.1:80', '192.168.1.5', '[::1]:80', '[fe80::2]', ...names]) {
    assert.is((await ask('GET', '/api/health', undefined, { host })).status, 200, host);
  }
  for (const host of [
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '',
    '127.0.0.1, evil.example',
    'a@127.0.0.1',
    '127.0.0.256',
  ]) {
    const answer = await ask('GET', '/api/health', undefined, { host });
    assert.equal([answer.status, answer.json.error.kind], [403, 'permission-denied'], host);
  }
});

test('pages of other origins may change nothing', async () => {
  const changes: [string, string, unknown][] = [
    ['POST', '/api/cameras', door],
    ['PATCH', '/api/cameras/1', { name: 'x' }],
    ['DELETE', '/api/cameras/1', undefined],
    ['DELETE', '/api/segments/1-main-1-0', undefined],
  ];
  await ask('POST', '/api/cameras', door);
  for (const [method, path, body] of changes) {
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:81' },
      { origin: 'ftp://127.0.0.1:80' },
      { origin: 'http://127.0.0.1:80/' },
      { origin: 'http://127.0.0.1:80@evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:80' },
    ] as Record<string, string>[]) {
      assert.is((await ask(method, path, body, headers)).status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
  assert.is((await ask('GET', '/api/cameras/1')).json.name, 'Door');
  const own = { origin: 'http://127.0.0.1:80', 'sec-fetch-site': 'same-origin' };
  assert.is((await ask('PATCH', '/api/cameras/1', { name: 'x' }, own)).status, 200);
});

test('what is not in the table does not exist', async () => {
  fakes.addSegment(1000, Buffer.from('x'));
  for (const path of [
    '/',
    '/api',
    '/api/',
    '/api/cameras/',
    '//api/cameras',
    '/api//cameras',
    '/api/../api/cameras',
    '/api/%63ameras',
    '/API/cameras',
    '/api/cameras/%31',
    '/api/cameras/1%00',
    '/api/cameras/-1',
    '/api/cameras/01',
    '/api/cameras/1e3',
    '/api/cameras/9999999999',
    '/api/cameras/__proto__',
    '/api/segments/..%2f..%2fsecret.key/file',
    '/api/segments/../secret.key/file',
    '/api/segments/..\\x/file',
    '/api/segments/1-main-1000-0/file/',
    '/api/segments/1-MAIN-1000-0/file',
    `/api/${'a/'.repeat(200)}`,
  ]) {
    assert.is((await ask('GET', path)).status, 404, path);
  }
  for (const path of ['*', '', 'http://127.0.0.1/api/cameras', `/${'x'.repeat(5000)}`]) {
    assert.is((await ask('GET', path)).status, 400, path.slice(0, 40));
  }
});

test('a known path by another method says which ones there are', async () => {
  const answer = await ask('PUT', '/api/cameras', {});
  assert.equal([answer.status, answer.headers.Allow], [405, 'GET, HEAD, POST']);
  assert.is((await ask('OPTIONS', '/api/health')).status, 405);
});

test('segments come with the one being written at the end, page by page', async () => {
  await ask('POST', '/api/cameras', door);
  for (const startMs of [1000, 2000, 3000]) fakes.addSegment(startMs);
  fakes.openSegment(4000, Buffer.alloc(9), 7);
  const ids = (json: { segments: { id: string }[] }) => json.segments.map(segment => segment.id);
  const all = (await ask('GET', '/api/segments?camera=1')).json;
  assert.equal(ids(all), ['1-main-1000-0', '1-main-2000-0', '1-main-3000-0', '1-main-4000-0']);
  assert.equal(all.segments[3], {
    id: '1-main-4000-0',
    camera: 1,
    stream: 'main',
    startMs: 4000,
    endMs: 4500,
    sizeBytes: 7,
    codecs: 'avc1.640020',
    open: true,
    locked: false,
    hasEvents: false,
  });
  const marked = async () =>
    (await ask('GET', '/api/segments?camera=1')).json.segments.map(
      (segment: { hasEvents: boolean }) => segment.hasEvents,
    );
  fakes.events.push([2000 - 10, 2000], [2500, 2600], [2900, 2900.5], [4499, 9000]);
  assert.equal(await marked(), [true, true, false, true], 'ranges end before their end');
  fakes.events.splice(0, 4, [1500, 4001]);
  assert.equal(await marked(), [true, true, true, true]);
  assert.is((await ask('PATCH', '/api/segments/1-main-1000-0', { locked: true })).json.hasEvents, true);
  assert.is((await ask('PATCH', '/api/segments/1-main-1000-0', { locked: false })).json.hasEvents, true);
  fakes.events.splice(0);
  for (const limit of [1, 2, 3, 4]) {
    const collected: string[] = [];
    let cursor = '';
    do {
      const { json } = await ask('GET', `/api/segments?camera=1&limit=${limit}${cursor && `&cursor=${cursor}`}`);
      assert.ok(json.segments.length <= limit);
      collected.push(...ids(json));
      cursor = json.cursor ?? '';
    } while (cursor);
    assert.equal(collected, ids(all), `limit ${limit}`);
  }
  assert.equal(ids((await ask('GET', '/api/segments?camera=1&startMs=2500&endMs=3500')).json), [
    '1-main-2000-0',
    '1-main-3000-0',
  ]);
  assert.equal(ids((await ask('GET', '/api/segments?camera=1&stream=sub&startMs=3999')).json), []);
  assert.equal(ids((await ask('GET', '/api/segments?camera=2')).json), []);
});

test('an open segment stands at its place among closed ones, whatever the pages', async () => {
  await ask('POST', '/api/cameras', door);
  fakes.addSegment(1000);
  fakes.openSegment(1500, Buffer.alloc(9), 7);
  for (const startMs of [2000, 3000]) fakes.addSegment(startMs);
  for (const limit of [1, 2, 3, 4]) {
    const starts: number[] = [];
    let cursor = '';
    do {
      const { json } = await ask('GET', `/api/segments?camera=1&limit=${limit}${cursor && `&cursor=${cursor}`}`);
      assert.ok(json.segments.length <= limit);
      starts.push(...json.segments.map((segment: { startMs: number }) => segment.startMs));
      cursor = json.cursor ?? '';
    } while (cursor);
    assert.equal(starts, [1000, 1500, 2000, 3000], `limit ${limit}`);
  }
});

test('a segment that was closed a moment ago is listed once', async () => {
  await ask('POST', '/api/cameras', door);
  fakes.addSegment(4000);
  fakes.openSegment(4000, Buffer.alloc(9), 7);
  const { segments } = (await ask('GET', '/api/segments?camera=1')).json;
  assert.equal([segments.length, segments[0].open], [1, false]);
});

test('the segment being written is not removed', async () => {
  await ask('POST', '/api/cameras', door);
  const id = fakes.openSegment(4000, Buffer.alloc(9), 7);
  assert.is((await ask('DELETE', `/api/segments/${id}`)).status, 409);
  fakes.addSegment(1000);
  assert.is((await ask('DELETE', '/api/segments/1-main-1000-0')).status, 204);
  assert.is((await ask('DELETE', '/api/segments/1-main-1000-0')).status, 404);
});

test('queries are checked', async () => {
  const cases: [string, string][] = [
    ['/api/segments', 'camera'],
    ['/api/segments?camera=0', 'camera'],
    ['/api/segments?camera=1.5', 'camera'],
    ['/api/segments?camera=1&camera=2', 'camera'],
    ['/api/segments?camera=1&limit=0', 'limit'],
    ['/api/segments?camera=1&limit=1001', 'limit'],
    ['/api/segments?camera=1&stream=third', 'stream'],
    ['/api/segments?camera=1&startMs=-1', 'startMs'],
    ['/api/segments?camera=1&startMs=5&endMs=4', 'endMs'],
    ['/api/segments?camera=1&__proto__=4', '__proto__'],
    [`/api/segments?camera=1&cursor=${'x'.repeat(65)}`, 'cursor'],
    ['/api/timeline?startMs=0&endMs=1', 'camera'],
    ['/api/timeline?camera=1&endMs=1', 'startMs'],
    ['/api/timeline?camera=1&camera=x&startMs=0&endMs=1', 'camera.1'],
    [`/api/timeline?${'camera=1&'.repeat(33)}startMs=0&endMs=1`, 'camera'],
  ];
  for (const [url, field] of cases) {
    const answer = await ask('GET', url);
    assert.equal([answer.status, answer.json.error.field], [400, field], url);
    assert.ok(answer.json.error.cure, url);
  }
  assert.is((await ask('GET', `/api/segments?${'a=1&'.repeat(100)}`)).status, 400);
});

test('the timeline is that of main unless sub is asked for', async () => {
  const footage = async (query: string) =>
    (await ask('GET', `/api/timeline?camera=1&startMs=0&endMs=9${query}`)).json.cameras[0].footage;
  assert.equal(
    [await footage(''), await footage('&stream=main'), await footage('&stream=sub')],
    [[[1, 2]], [[1, 2]], [[3, 4]]],
  );
  assert.is((await ask('GET', '/api/timeline?camera=1&startMs=0&endMs=9&stream=x')).json.error.field, 'stream');
});

test('the timeline answers for each camera once', async () => {
  const { json } = await ask('GET', '/api/timeline?camera=1&camera=2&camera=1&startMs=0&endMs=9');
  assert.equal(json, {
    cameras: [1, 2].map(camera => ({
      ...{ camera, footage: [[1, 2]], gaps: [{ startMs: 2, reason: 'offline' }] },
      ...{ events: [], more: 0 },
    })),
  });
});

test('what is wrong is told by one look at the engine, however many cameras there are', async () => {
  for (const name of ['Door', 'Gate', 'Yard']) await ask('POST', '/api/cameras', { ...door, name });
  const { engine } = fakes;
  const stats = engine.stats.bind(engine);
  let looks = 0;
  engine.stats = () => {
    looks++;
    return stats();
  };
  assert.equal(await health(), 'ok');
  assert.is(looks, 1);
  // Anybody may ask as often as they like.
  for (let again = 0; again < 20; again++) assert.is((await ask('GET', '/api/health')).status, 200);
  assert.is(looks, 1);
});

/** Once the one that was told before is out of date. */
async function health(): Promise<unknown> {
  await fakes.clock.advance(200);
  return (await ask('GET', '/api/health')).json.status;
}

test('health sums up what status tells', async () => {
  assert.equal(await health(), 'ok');
  await ask('POST', '/api/cameras', door);
  assert.equal(await health(), 'ok');
  fakes.engine.link(1, 'waiting', 'unauthorized');
  assert.equal(await health(), 'degraded');
  const { json } = await ask('GET', '/api/status');
  assert.equal([json.problems[0].kind, json.problems[0].camera], ['camera', 1]);
  assert.ok(json.problems[0].cure);
  assert.ok(json.storage.freeBytes > 0);
  await ask('PATCH', '/api/cameras/1', { enabled: false });
  assert.equal(await health(), 'ok');
  fakes.problems.push({ kind: 'index-unwritable', message: 'full' });
  assert.equal(await health(), 'degraded');
});

test('pictures that arrive and are not stored count as well', async () => {
  await ask('POST', '/api/cameras', door);
  fakes.engine.link(1, 'live');
  fakes.gaps.set(1, { startMs: 5, reason: 'restart' });
  assert.equal(await health(), 'ok');
  fakes.gaps.set(1, { startMs: 5, reason: 'disk-full' });
  assert.equal(await health(), 'degraded');
  const { problems } = (await ask('GET', '/api/status')).json;
  assert.equal([problems[0].kind, problems[0].camera, problems[0].sinceMs], ['recording', 1, 5]);
  await ask('PATCH', '/api/cameras/1', { record: { mode: 'off' } });
  assert.equal(await health(), 'ok');
});

test('what endangers no recording is told and degrades nothing', async () => {
  await ask('POST', '/api/cameras', door);
  fakes.problems.push({ kind: 'index-restored', message: 'restored', cure: 'Nothing.', sinceMs: 1 });
  fakes.engine.link(1, 'live');
  fakes.engine.emit({
    type: 'parameters',
    camera: 1,
    stream: 'main',
    video: { codec: 'h264', codecString: 'avc1.640020', width: 640, height: 360, fps: 25 },
    audioLeftOut: 'G726',
  });
  fakes.engine.emit({ type: 'problems', camera: 1, stream: 'main', problems: ['long-gop', 'no-audio'] });
  fakes.shortPasts.set(1, 3210);
  const { problems } = (await ask('GET', '/api/status')).json;
  assert.equal(
    problems.map((problem: { kind: string }) => problem.kind),
    ['index-restored', 'short-pre-roll', 'long-gop', 'no-audio'],
  );
  assert.match(problems[1].message, /^Door: .* 3\.2 of the 5\.0 seconds/);
  assert.match(problems[2].message, /^Door: .*keyframes/);
  assert.match(problems[2].cure, 'key frame interval');
  assert.match(problems[3].message, /^Door: .*G726/);
  fakes.shortPasts.clear();
  assert.equal(await health(), 'ok');
  await ask('PATCH', '/api/cameras/1', { audio: false });
  assert.is((await ask('GET', '/api/status')).json.problems.length, 1);
});

test('the trouble of a sub stream is told with its cure, and degrades nothing', async () => {
  await ask('POST', '/api/cameras', { ...door, sub: { url: 'rtsp://10.0.0.2/sub' } });
  fakes.engine.link(1, 'live');
  assert.equal((await ask('GET', '/api/status')).json.problems, []);
  fakes.cameras.need(1, 'sub');
  fakes.engine.link(1, 'waiting', 'busy', { stream: 'sub' });
  const [problem] = (await ask('GET', '/api/status')).json.problems;
  assert.equal([problem.kind, problem.camera], ['sub-stream', 1]);
  assert.match(problem.message, /^Door, sub stream: /);
  assert.match(problem.cure, 'viewers');
  assert.equal(await health(), 'ok');
});

test('a camera that is not to be recorded may fail without degrading anything', async () => {
  await ask('POST', '/api/cameras', { ...door, record: { mode: 'off' } });
  fakes.engine.link(1, 'waiting', 'unauthorized');
  assert.is((await ask('GET', '/api/status')).json.problems[0].kind, 'camera');
  assert.equal(await health(), 'ok');
});

test('before the start is done and once the stop began only health is answered', async () => {
  const other = new FakeServer();
  const early = new Api({ server: other, log: fakes.log.logger });
  await early.start();
  server = other;
  const starting = await ask('GET', '/api/health');
  assert.equal([starting.status, starting.json], [503, { status: 'starting' }]);
  const unavailable = await ask('GET', '/api/cameras');
  assert.equal([unavailable.status, unavailable.headers['Retry-After']], [503, '1']);
  early.open(fakes.services);
  assert.is((await ask('GET', '/api/cameras')).status, 200);
  early.close();
  assert.equal(await health(), 'stopping');
  assert.is((await ask('POST', '/api/cameras', door)).status, 503);
});

test('each kind of failure has its status, and surprises tell nothing', async () => {
  const kinds: [NvrError['kind'], number][] = [
    ['invalid-argument', 400],
    ['unauthenticated', 401],
    ['permission-denied', 403],
    ['not-found', 404],
    ['failed-precondition', 409],
    ['resource-exhausted', 507],
    ['unavailable', 503],
    ['data-loss', 500],
    ['internal', 500],
  ];
  for (const [kind, status] of kinds) {
    fakes.store.failure = new NvrError(kind, 'words');
    const answer = await ask('POST', '/api/cameras', door);
    assert.equal([answer.status, answer.json.error.kind], [status, kind]);
  }
  fakes.store.failure = new TypeError('canary of the inside') as unknown as NvrError;
  const answer = await ask('POST', '/api/cameras', door);
  assert.is(answer.status, 500);
  assert.not.match(JSON.stringify(answer), 'canary of');
  assert.match(JSON.stringify(fakes.log.lines), 'canary of the inside');
});

test('every answer carries the headers that keep browsers careful', async () => {
  for (const url of ['/api/health', '/api/cameras', '/nothing']) {
    const { headers } = await ask('GET', url);
    assert.is(headers['Cache-Control'], 'no-store');
    assert.is(headers['X-Content-Type-Options'], 'nosniff');
    assert.match(headers['Content-Security-Policy'] ?? '', "default-src 'self'");
    assert.is(headers['Cross-Origin-Resource-Policy'], 'same-origin');
  }
});

test.run();
