// Events over HTTP.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import type { ByteSource } from '../../src/api/server.ts';
import { NvrError } from '../../src/core/index.ts';
import { ADMIN } from '../support/ask-router.ts';
import { FakeAccounts } from '../support/fake-accounts.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('event routes');

let folder = '';
let fakes: FakeServices;
let server: FakeServer;
let t0 = 0;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-events-'));
  fakes = await fakeServices(folder);
  server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open(fakes.services);
  const events = { preRollMs: 5000, postRollMs: 3000, mergeMs: 4000, maxMs: 60_000 };
  for (const name of ['Door', 'Yard']) {
    await ask('POST', '/api/cameras', { name, main: { url: 'rtsp://10.0.0.2/a' }, events });
  }
  t0 = fakes.world.clock.nowMs();
});
test.after.each(async () => {
  await fakes.world.events.stop();
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const reply = await server.ask(method, url, body, headers);
  const text = Buffer.isBuffer(reply.body) ? reply.body.toString() : '';
  const type = reply.headers?.['Content-Type'] ?? '';
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  const json: any = type.startsWith('application/json') ? JSON.parse(text) : undefined;
  return { status: reply.status, headers: reply.headers ?? {}, json, source: reply.body as ByteSource };
}

async function trigger(camera: number, body: unknown = {}): Promise<string> {
  const { status, json } = await ask('POST', `/api/cameras/${camera}/trigger`, body);
  assert.is(status, 202);
  return json.event;
}

test('a trigger is accepted with the id of its event; the event has the public shape', async () => {
  const body = { action: 'pulse', kind: 'doorbell', label: 'person', score: 0.9, payload: { a: 1 } };
  const id = await trigger(1, { ...body, boxes: [{ box: [0, 0, 0.5, 1], score: 0.9 }], zones: ['porch'] });
  assert.equal((await ask('GET', `/api/events/${id}`)).json, {
    ...{ id, camera: 1, startMs: t0, labels: ['person'], zones: ['porch'], sources: ['http'], score: 0.9 },
    boxes: [{ label: 'person', box: [0, 0, 0.5, 1], score: 0.9, atMs: t0 }],
    ...{ preRoll: { promisedMs: 5000, deliveredMs: 0 }, postRollMs: 3000, locked: false, reviewed: false },
    payload: { a: 1 },
  });
  assert.is(await trigger(1, { action: 'start', label: 'dog' }), id);
  assert.is(await trigger(1, { action: 'stop', label: 'dog' }), id);
});

test('triggers are refused with the field', async () => {
  const many = Array.from({ length: 33 }, () => ({ box: [0, 0, 1, 1] }));
  for (const [body, field] of [
    [{ action: 'begin' }, 'action'],
    [{ label: 'x'.repeat(33) }, 'label'],
    [{ label: ' ' }, 'label'],
    [{ kind: 'a\u0007' }, 'kind'],
    [{ score: 1.1 }, 'score'],
    [{ timeMs: t0 - 61_000 }, 'timeMs'],
    [{ timeMs: 1.5 }, 'timeMs'],
    [{ durationMs: -1 }, 'durationMs'],
    [{ durationMs: 3_600_001 }, 'durationMs'],
    [{ boxes: [{ box: [0, 0, 1] }] }, 'boxes.0.box.3'],
    [{ boxes: [{ box: [0, 0, 1, 2] }] }, 'boxes.0.box.3'],
    [{ boxes: many }, 'boxes'],
    [{ zones: [''] }, 'zones.0'],
    [{ payload: 'x'.repeat(1023) }, 'payload'],
    [{ source: 'onvif' }, 'source'],
  ] as const) {
    const { status, json } = await ask('POST', '/api/cameras/1/trigger', body);
    assert.equal([status, json.error.kind, json.error.field], [400, 'invalid-argument', field], JSON.stringify(body));
    assert.ok(json.error.cure);
  }
  for (const body of [[], [{}], null, 5]) {
    const { status, json } = await ask('POST', '/api/cameras/1/trigger', body);
    assert.equal([status, json.error?.cure], [400, 'Send a JSON object.'], JSON.stringify(body));
  }
  assert.is((await ask('POST', '/api/cameras/7/trigger', {})).status, 404);
  assert.is((await ask('POST', '/api/cameras/x/trigger', {})).status, 404);
  assert.equal((await ask('GET', '/api/events')).json, { events: [] });
});

test('recording by hand', async () => {
  await ask('PATCH', '/api/cameras/1', { record: { mode: 'off' } });
  assert.equal((await ask('POST', '/api/cameras/1/trigger', {})).json, {});
  const started = await ask('POST', '/api/cameras/1/record', { action: 'start', durationMs: 5000 });
  assert.equal([started.status, started.json], [202, { event: `1-${t0}-0`, untilMs: t0 + 5000 }]);
  assert.equal(fakes.world.held, [1]);
  assert.equal((await ask('POST', '/api/cameras/1/record', { action: 'stop' })).json, { event: `1-${t0}-0` });
  for (const [body, field] of [
    [{}, 'action'],
    [{ action: 'start', durationMs: 999 }, 'durationMs'],
    [{ action: 'start', mode: 'off' }, 'action'],
    [{ mode: 'off', durationMs: 5000 }, 'durationMs'],
    [{ mode: 'always' }, 'mode'],
  ] as const) {
    assert.is((await ask('POST', '/api/cameras/1/record', body)).json.error.field, field);
  }
});

test('another mode by one word', async () => {
  const changed = await ask('POST', '/api/cameras/1/record', { mode: 'events' });
  assert.equal([changed.status, changed.json], [200, { mode: 'events' }]);
  assert.is((await ask('GET', '/api/cameras/1')).json.record.mode, 'events');
  assert.is((await ask('POST', '/api/cameras/9/record', { mode: 'events' })).status, 404);
});

test('lists: newest first, filtered, in pages', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    ids.unshift(await trigger(1 + (n % 2), { label: n < 2 ? 'cat' : 'dog', zones: [`z${n}`] }));
    await fakes.world.clock.advance(20_000);
  }
  const list = async (query: string) =>
    // biome-ignore lint/suspicious/noExplicitAny: any answer
    (await ask('GET', `/api/events?${query}`)).json.events.map((event: any) => event.id);
  assert.equal(await list(''), ids);
  assert.equal(await list('label=cat'), ids.slice(3));
  assert.equal(await list('camera=2'), [ids[1], ids[3]]);
  assert.equal(await list('camera=1&camera=2&zone=z4'), [ids[0]]);
  assert.equal(await list(`startMs=${t0 + 30_000}&endMs=${t0 + 60_001}`), [ids[1], ids[2]]);
  assert.equal(await list('source=onvif'), []);
  await ask('PATCH', `/api/events/${ids[2]}`, { reviewed: true, locked: true });
  assert.equal(await list('reviewed=true'), [ids[2]]);
  assert.equal(
    await list('locked=false'),
    ids.filter(id => id !== ids[2]),
  );
  const first = (await ask('GET', '/api/events?limit=2')).json;
  const second = (await ask('GET', `/api/events?limit=3&cursor=${first.cursor}`)).json;
  assert.equal(
    [...first.events, ...second.events].map(event => event.id),
    ids,
  );
  assert.is(second.cursor, undefined);
  for (const [query, field] of [
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['reviewed=1', 'reviewed'],
    ['source=mail', 'source'],
    ['cursor=%00', 'cursor'],
    ['endMs=1&startMs=2', 'endMs'],
    ['lable=cat', 'lable'],
  ] as const) {
    const { status, json } = await ask('GET', `/api/events?${query}`);
    assert.equal([status, json.error.field], [400, field], query);
  }
});

test('each user marks for itself, a viewer too; what is for everybody takes an operator', async () => {
  const accounts = new FakeAccounts();
  const viewer = { ...ADMIN, role: 'viewer' as const, cameras: new Set([1]), rights: new Set<never>() };
  for (const [name, caller] of Object.entries({
    ...{ anna: { ...ADMIN, user: 1 }, ben: { ...viewer, user: 2 }, late: { ...viewer, user: 70 } },
    ...{ later: { ...viewer, user: 71 } },
  }))
    accounts.callers.set(name, caller);
  const [one, two] = [await trigger(1), await trigger(2)];
  await fakes.world.clock.advance(20_000);
  const other = new FakeServer();
  const api = new Api({ server: other, log: fakes.log.logger });
  await api.start();
  api.open({ ...fakes.services, accounts: accounts.real });
  const as = async (name: string, method: string, url: string, body?: unknown) => {
    const reply = await other.ask(method, url, body, { authorization: `Bearer ${name}` });
    // biome-ignore lint/suspicious/noExplicitAny: any answer
    return { status: reply.status, json: JSON.parse(String(reply.body)) as any };
  };
  const listed = async (name: string, reviewed: boolean) =>
    // biome-ignore lint/suspicious/noExplicitAny: any answer
    (await as(name, 'GET', `/api/events?reviewed=${reviewed}`)).json.events.map((event: any) => event.id);
  for (const name of ['ben', 'late']) {
    const { status, json } = await as(name, 'PATCH', `/api/events/${one}`, { reviewed: true });
    assert.equal([status, json.reviewed, json.reviewedBy], [200, true, undefined]);
    assert.equal([await listed(name, true), await listed(name, false)], [[one], []]);
  }
  for (const name of ['anna', 'later']) {
    assert.is((await as(name, 'GET', `/api/events/${one}`)).json.reviewed, false);
    assert.equal(await listed(name, true), []);
  }
  assert.equal([await listed('anna', false), await listed('later', false)], [[two, one], [one]]);
  assert.is((await as('late', 'PATCH', `/api/events/${one}`, { reviewed: false })).json.reviewed, false);
  assert.is((await as('ben', 'GET', `/api/events/${one}`)).json.reviewed, true);
  assert.is((await as('ben', 'PATCH', `/api/events/${two}`, { reviewed: true })).status, 404, 'it sees camera 1 only');
  for (const body of [{ locked: true }, { note: 'x' }, { note: null }, { reviewed: false, locked: false }]) {
    assert.is((await as('ben', 'PATCH', `/api/events/${one}`, body)).status, 403, JSON.stringify(body));
  }
  const left = (await as('ben', 'GET', `/api/events/${one}`)).json;
  assert.equal([left.reviewed, left.locked, left.note], [true, false, undefined]);
});

test('changes: locked, reviewed, note; removal', async () => {
  const id = await trigger(1);
  assert.equal((await ask('DELETE', `/api/events/${id}`)).json.error.kind, 'failed-precondition');
  await fakes.world.clock.advance(10_000);
  const noted = (await ask('PATCH', `/api/events/${id}`, { note: 'the postman', locked: true })).json;
  assert.equal([noted.note, noted.locked, noted.reviewed], ['the postman', true, false]);
  assert.is((await ask('DELETE', `/api/events/${id}`)).status, 409);
  const plain = (await ask('PATCH', `/api/events/${id}`, { note: null, locked: false, reviewed: true })).json;
  assert.equal([plain.note, plain.locked, plain.reviewed], [undefined, false, true]);
  assert.is((await ask('PATCH', `/api/events/${id}`, { note: 'x'.repeat(501) })).json.error.field, 'note');
  assert.is((await ask('PATCH', `/api/events/${id}`, { labels: [] })).json.error.field, 'labels');
  assert.is((await ask('DELETE', `/api/events/${id}`)).status, 204);
  for (const method of ['GET', 'DELETE']) assert.is((await ask(method, `/api/events/${id}`)).status, 404);
  for (const wrong of ['1-2', 'x', '1-1-99999999']) assert.is((await ask('GET', `/api/events/${wrong}`)).status, 404);
  assert.is((await ask('PATCH', '/api/events/1-1-0', { locked: true })).status, 404);
  assert.equal(fakes.world.names().at(-1), 'event.removed');
});

test('what a full volume did not take is not to be read afterwards, and nobody is told of it', async () => {
  const id = await trigger(1);
  await ask('PATCH', `/api/events/${id}`, { note: 'before' });
  const before = (await ask('GET', `/api/events/${id}`)).json;
  const told = fakes.world.told.length;
  fakes.world.failure = new NvrError('resource-exhausted', 'the volume is full', { field: 'volume' });
  for (const patch of [{ locked: true }, { note: 'after' }, { note: null }, { reviewed: true }]) {
    assert.ok((await ask('PATCH', `/api/events/${id}`, patch)).status >= 400);
    assert.equal((await ask('GET', `/api/events/${id}`)).json, before);
  }
  assert.is(fakes.world.told.length, told);
  fakes.world.failure = undefined;
  assert.is((await ask('PATCH', `/api/events/${id}`, { locked: true })).json.locked, true);
});

test('an event is removed on a full volume too, since only that makes room; where the index fails it stays', async () => {
  const { world } = fakes;
  const id = await trigger(1);
  await world.clock.advance(10_000);
  const before = (await ask('GET', `/api/events/${id}`)).json;
  const told = world.told.length;
  world.failure = new NvrError('unavailable', 'the index cannot be written');
  assert.is((await ask('DELETE', `/api/events/${id}`)).status, 503);
  assert.equal((await ask('GET', `/api/events/${id}`)).json, before);
  assert.is(world.told.length, told);
  world.failure = new NvrError('resource-exhausted', 'the volume is full', { field: 'volume' });
  assert.is((await ask('DELETE', `/api/events/${id}`)).status, 204);
  assert.is((await ask('GET', `/api/events/${id}`)).status, 404);
  assert.is(world.names().at(-1), 'event.removed');
});

test('taking a change back takes nothing of another that comes at the same time', async () => {
  const { world } = fakes;
  const id = await trigger(1);
  // The first store fails; it is asked for the failure twice.
  let looks = 2;
  const full = new NvrError('resource-exhausted', 'the volume is full', { field: 'volume' });
  Object.defineProperty(world, 'failure', { get: () => (looks-- > 0 ? full : undefined) });
  const [first, second] = await Promise.allSettled([
    world.events.change(id, { reviewed: true, note: 'first' }, 1),
    world.events.change(id, { reviewed: true, note: 'second' }, 2),
  ]);
  assert.equal([first.status, second.status], ['rejected', 'fulfilled']);
  assert.equal(
    [1, 2].map(user => world.events.get(id, user).reviewed),
    [false, true],
  );
  assert.is(world.events.get(id, 2).note, 'second');
});

test('what is told of a change is the event as it is when the change is durable', async () => {
  const { world } = fakes;
  const id = await trigger(1);
  const changed = world.events.change(id, { note: 'late' });
  await Promise.resolve();
  world.table.update(id, { endMs: t0 + 1000 });
  assert.is((await changed).endMs, t0 + 1000);
  assert.is(world.told.at(-1)?.event.endMs, t0 + 1000);
});

test('the audit log tells who locked an event or wrote to it, and not who has seen it', async () => {
  const id = await trigger(1);
  const { told } = fakes.services.accounts as unknown as FakeAccounts;
  told.length = 0;
  await ask('PATCH', `/api/events/${id}`, { reviewed: true });
  assert.equal(told, []);
  await ask('PATCH', `/api/events/${id}`, { locked: true, reviewed: false });
  assert.equal(
    told.map(({ action, user, target }) => [action, user, target]),
    [['change', 'admin', `event ${id}`]],
  );
});

test('the picture, with its validator; without one 404, and 404 when a power cut took the file', async () => {
  const id = await trigger(1);
  const url = `/api/events/${id}/picture.jpg`;
  assert.is((await ask('GET', url)).status, 404);
  fakes.world.table.update(id, { picture: { atMs: t0, width: 4, height: 3, sizeBytes: 4 } });
  assert.is((await ask('GET', url)).status, 404);
  writeFileSync(fakes.world.events.picturePath(id), 'jpeg');
  const { status, headers, source } = await ask('GET', url);
  assert.equal([status, headers['Content-Type'], source.sizeBytes], [200, 'image/jpeg', 4]);
  assert.is(String(await source.next()), 'jpeg');
  await source.close();
  assert.is(headers['Cache-Control'], 'private, no-cache');
  const known = { 'if-none-match': headers.ETag ?? '' };
  assert.is((await ask('GET', url, undefined, known)).status, 304);
  fakes.world.table.remove(id);
  assert.is((await ask('GET', url, undefined, known)).status, 404);
});

test('the clip is an export of the footage of the event: what was promised before it and its post-roll', async () => {
  const asked: unknown[] = [];
  fakes.services.planExport = async ({ camera, stream, startMs, endMs }) => {
    asked.push({ camera, stream, startMs, endMs });
    throw new NvrError('not-found', 'there is no footage in this range');
  };
  fakes.world.footage.set(1, { startMs: t0 - 4000, endMs: t0 + 60_000 });
  const id = await trigger(1);
  await fakes.world.clock.advance(2000);
  assert.is((await ask('GET', `/api/events/${id}/clip.mp4`)).status, 404);
  await fakes.world.clock.advance(10_000);
  await ask('GET', `/api/events/${id}/clip.mp4`);
  const range = { camera: 1, stream: 'main', startMs: t0 - 5000 };
  assert.equal(asked, [
    { ...range, endMs: t0 + 2000 },
    { ...range, endMs: t0 + 3000 },
  ]);
  assert.is((await ask('GET', '/api/events/1-1-0/clip.mp4')).status, 404);
});

test('events stand in the timeline: the strongest 50, and how many more', async () => {
  for (let n = 0; n < 62; n++) {
    await trigger(1, { label: `l${n}`, score: (n + 1) / 100 });
    await fakes.world.clock.advance(10_000);
  }
  const { json } = await ask('GET', `/api/timeline?camera=1&startMs=${t0}&endMs=${t0 + 1_000_000}`);
  const [{ events, more }] = json.cameras;
  assert.equal([events.length, more], [50, 12]);
  assert.equal(events[0], { id: `1-${t0 + 120_000}-0`, startMs: t0 + 120_000, endMs: t0 + 120_000, label: 'l12' });
});

test('status and metrics tell of events', async () => {
  await trigger(1, { action: 'start' });
  await trigger(2);
  await trigger(2);
  const { json } = await ask('GET', '/api/status');
  assert.equal([json.events.ongoing, json.events.triggers, json.events.opened], [2, 3, 2]);
  assert.is(json.memory.webhookQueueBytes, 0);
  const reply = await server.ask('GET', '/api/metrics');
  const text = String(reply.body);
  assert.match(text, 'thimble_camera_triggers_total{camera="2",source="http"} 2\n');
  assert.match(text, 'thimble_events_ongoing 2\n');
  assert.match(text, 'thimble_webhook_messages_total{result="sent"} 0\n');
});

test('webhooks: set up with the settings, secrets are never shown, what happens is posted', async () => {
  const webhook = { url: 'http://10.0.0.9/hook?key=1', secret: 'a long secret', on: ['closed', 'opened'] };
  const set = await ask('PATCH', '/api/settings', { webhooks: [webhook] });
  assert.is(set.status, 200);
  const [shown] = set.json.webhooks;
  assert.equal([shown.hasSecret, shown.secret, shown.on], [true, undefined, ['opened', 'closed']]);
  assert.not.match(JSON.stringify((await ask('GET', '/api/settings')).json), 'a long secret');
  const id = await trigger(1, { label: 'cat' });
  await fakes.world.clock.advance(10_000);
  const [opened, closed] = fakes.posted.map(text => JSON.parse(text));
  assert.equal([opened.type, opened.id, opened.cameraName, opened.endMs], ['opened', id, 'Door', undefined]);
  assert.equal([opened.store, closed.type, closed.endMs, closed.labels], ['a'.repeat(32), 'closed', t0, ['cat']]);
  const tested = await ask('POST', '/api/settings/webhooks/test', { url: 'http://10.0.0.9/x' });
  assert.equal([tested.status, tested.json.ok, tested.json.status], [200, true, 200]);
  for (const url of [
    'http://127.0.0.1/',
    'http://[::1]:9/',
    'http://169.254.169.254/',
    'ftp://10.0.0.1/',
    'http://u:p@10.0.0.1/',
  ]) {
    const refused = await ask('POST', '/api/settings/webhooks/test', { url });
    assert.equal([refused.status, refused.json.error.field], [400, 'url'], url);
    const kept = await ask('PATCH', '/api/settings', { webhooks: [{ url }], log: { level: 'error' } });
    assert.equal([kept.status, kept.json.error.field], [400, 'webhooks.0.url'], url);
  }
  assert.is((await ask('GET', '/api/settings')).json.log.level, 'info', 'all of a change, or nothing');
});

test.run();
