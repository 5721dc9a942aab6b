import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import { Log } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeServer } from '../support/fake-server.ts';
import { fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('api logs');

async function setUp(ringBytes = 100_000) {
  const clock = new FakeClock(1000);
  const levels = { other: 'debug', tags: {} } as const;
  const log = new Log({ clock, write: () => undefined, human: true, levels, ringBytes, repeatMs: 0 });
  const fakes = await fakeServices(tempDir('logs'));
  const server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open({ ...fakes.services, logs: log });
  const ask = async (query: string) => {
    const { status, body } = await server.ask('GET', `/api/logs${query}`);
    return { status, text: String(body), json: JSON.parse(String(body)) };
  };
  const messages = async (query: string) => (await ask(query)).json.lines.map((line: { msg: string }) => line.msg);
  const patch = async (change: unknown) => {
    const { status, body } = await server.ask('PATCH', '/api/settings', { log: change });
    return { status, json: JSON.parse(String(body)) };
  };
  return { clock, log, ask, messages, patch };
}

test('lines come newest last, filtered by level, part, camera and time', async () => {
  const { clock, log, messages, ask } = await setUp();
  log.logger('storage').debug('a');
  log.logger('cameras').info('b', { camera: 1 });
  await clock.advance(10);
  log.logger('cameras').warn('c', { camera: 2 });
  log.logger('storage').error('d', { camera: 1 });
  assert.equal(await messages(''), ['a', 'b', 'c', 'd']);
  assert.equal(await messages('?level=warn'), ['c', 'd']);
  assert.equal(await messages('?tag=cameras'), ['b', 'c']);
  assert.equal(await messages('?camera=1'), ['b', 'd']);
  assert.equal(await messages('?afterMs=1000'), ['c', 'd']);
  assert.equal(await messages('?afterMs=1010'), []);
  assert.equal(await messages('?limit=2'), ['c', 'd']);
  assert.equal(await messages('?camera=1&level=info&limit=1'), ['d']);
  assert.equal((await ask('?level=error')).json.lines, [
    { timeMs: 1010, level: 'error', tag: 'storage', msg: 'd', camera: 1 },
  ]);
});

test('what can be asked for is bounded and checked', async () => {
  const { log, ask, messages } = await setUp(20_000);
  for (let i = 0; i < 5000; i++) log.logger('x').info(`line ${i}`);
  const all = await messages('?limit=1000');
  assert.is(all.at(-1), 'line 4999');
  assert.ok(all.length < 400);
  assert.is((await messages('')).length, 200);
  for (const query of ['?limit=0', '?limit=1001', '?level=loud', '?camera=x', '?tag=a%20b', '?afterMs=-1', '?x=1']) {
    const { status, json } = await ask(query);
    assert.equal([status, Boolean(json.error.field)], [400, true], query);
  }
});

test('secrets are gone before they can be asked for', async () => {
  const { log, ask } = await setUp();
  const error = new Error('DESCRIBE rtsp://admin:canary@10.0.0.2/ failed');
  log.logger('cameras').error('rtsp://u:canary@h/', { error, password: 'canary', url: 'http://h/?token=canary&a=1' });
  log.logger('api').info('x', { headers: { authorization: 'Basic canary', cookie: 'canary' } });
  const { text, json } = await ask('');
  assert.is(json.lines.length, 2);
  assert.not.match(text, 'canary');
});

test('levels are changed while the service runs, for all and for single parts', async () => {
  const { log, messages, patch } = await setUp();
  const speak = () => {
    for (const tag of ['cameras', 'storage']) log.logger(tag).debug(tag);
    log.logger('storage').warn('always');
  };
  assert.equal((await patch({ level: 'warn', tags: { cameras: 'debug' } })).json.log, {
    level: 'warn',
    tags: { cameras: 'debug' },
  });
  speak();
  assert.equal(await messages(''), ['cameras', 'always']);
  assert.equal((await patch({ tags: { storage: 'error' } })).json.log.tags, { cameras: 'debug', storage: 'error' });
  speak();
  assert.equal(await messages(''), ['cameras', 'always', 'cameras']);
  assert.equal((await patch({ tags: { cameras: null, storage: null } })).json.log, { level: 'warn', tags: {} });
  speak();
  assert.equal(await messages(''), ['cameras', 'always', 'cameras', 'always']);
});

test('levels that are none change nothing', async () => {
  const { log, patch } = await setUp();
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x${i}`, 'info']));
  const bad: unknown[] = [{ level: 'loud' }, { tags: { 'a b': 'info' } }, { tags: { a: 'x' } }, { other: 'info' }];
  for (const change of [...bad, { level: 'error', tags: many }]) {
    const { status, json } = await patch(change);
    assert.equal([status, /^log\./.test(json.error?.field)], [400, true], JSON.stringify(change));
  }
  assert.equal(log.levels, { other: 'debug', tags: {} });
});

test.run();
