// Settings, locks and the figures of the storage over HTTP.
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import type { HttpHandler, HttpReply, HttpServer } from '../../src/api/server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('api: storage');

class FakeServer implements HttpServer {
  handler: HttpHandler | undefined;
  async start(handler: HttpHandler) {
    this.handler = handler;
    return { host: '127.0.0.1', port: 80 };
  }
  async stop() {}
}

let fakes: FakeServices;
let server: FakeServer;

test.before.each(async () => {
  fakes = await fakeServices(tempDir('api'));
  server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open(fakes.services);
});
test.after.each(() => fakes.cameras.stop());

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
async function ask(method: string, url: string, body?: unknown): Promise<{ status: number; json: any }> {
  const [path = '', query = ''] = url.split('?', 2);
  const all: Record<string, string> = { host: '127.0.0.1:80', 'content-type': 'application/json' };
  const content = Buffer.from(JSON.stringify(body ?? {}));
  const from = { remoteAddress: '127.0.0.1', secure: false };
  const request = { method, path, query, ...from, header: (name: string) => all[name], body: async () => content };
  const reply = (await server.handler?.(request)) as HttpReply;
  const text = Buffer.isBuffer(reply.body) ? reply.body.toString() : '';
  return { status: reply.status, json: text === '' ? undefined : JSON.parse(text) };
}

test('a closed segment is locked and unlocked; an open or unknown one, or another body, is refused', async () => {
  const { id } = fakes.addSegment(1000);
  assert.is((await ask('PATCH', `/api/segments/${id}`, { locked: true })).json.locked, true);
  assert.is((await ask('GET', '/api/segments?camera=1')).json.segments[0].locked, true);
  assert.is((await ask('PATCH', `/api/segments/${id}`, { locked: false })).json.locked, false);
  assert.is((await ask('PATCH', '/api/segments/1-main-5-0', { locked: true })).status, 404);
  assert.is((await ask('PATCH', `/api/segments/${id}`, { locked: 'yes' })).json.error.field, 'locked');
  assert.is((await ask('PATCH', `/api/segments/${id}`, {})).status, 400);
  await ask('POST', '/api/cameras', { name: 'Yard', main: { url: 'rtsp://10.0.0.2/' } });
  await fakes.cameras.setRecording(1, 'main', { segmentMs: 5000, rotationOffsetMs: 0 });
  const open = fakes.openSegment(2000, Buffer.alloc(10), 10);
  assert.is((await ask('PATCH', `/api/segments/${open}`, { locked: true })).status, 409);
});

test('settings: what is left out stays, what is wrong is named', async () => {
  assert.is((await ask('GET', '/api/settings')).json.storage.clockConfirmed, false);
  const changed = await ask('PATCH', '/api/settings', { storage: { floorPercent: 10 } });
  assert.equal(changed.json.storage, {
    floorBytes: null,
    floorPercent: 10,
    totalQuotaBytes: null,
    leastKeptPercent: 25,
    clockConfirmed: false,
  });
  for (const [field, storage] of [
    ['storage.floorPercent', { floorPercent: 60 }],
    ['storage.floorBytes', { floorBytes: 5 }],
    ['storage.totalQuotaBytes', { totalQuotaBytes: 'much' }],
    ['storage.clockConfirmed', { clockConfirmed: 1 }],
  ] as const) {
    const { status, json } = await ask('PATCH', '/api/settings', { storage });
    assert.is(status, 400, field);
    assert.is(json.error.field, field);
    assert.ok(json.error.cure);
  }
  const misspelt = await ask('PATCH', '/api/settings', { storage: { florBytes: 5 } });
  assert.is(misspelt.json.error.cure, 'Did you mean "storage.floorBytes"?');
});

test('figures, forecast with overrides, and the state of the clock', async () => {
  assert.is((await ask('GET', '/api/storage')).json.floorBytes, 1);
  const forecast = await ask('GET', '/api/storage/forecast?camera=3&days=12&quotaBytes=none&bitrateBps=2000000');
  assert.equal(forecast.json.cameras, [{ camera: 3, bytesPerDay: 0, days: 12, limit: null }]);
  assert.is((await ask('GET', '/api/storage/forecast?days=none')).json.cameras[0].days, null);
  assert.is((await ask('GET', '/api/storage/forecast?days=0')).json.error.field, 'days');
  assert.equal((await ask('GET', '/api/status')).json.clock, { trusted: false, generation: 2 });
});

test.run();
