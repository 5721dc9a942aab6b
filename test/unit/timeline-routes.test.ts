// The timeline over HTTP: what buckets change of it, that it is sent only when it is another, and its bounds.
import { rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { errorReply } from '../../src/api/error-reply.ts';
import type { ApiServices } from '../../src/api/index.ts';
import { PlaybackIndex } from '../../src/api/playback-index.ts';
import { Router } from '../../src/api/router.ts';
import { timelineRoutes } from '../../src/api/timeline-routes.ts';
import { askRouter } from '../support/ask-router.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('timeline routes');

const HOUR_MS = 3_600_000;

let folder: string;
let fakes: FakeServices;
let router: Router;
let lane: ReturnType<ApiServices['timeline']>[number];

test.before.each(async () => {
  folder = tempDir('timeline');
  fakes = await fakeServices(folder);
  lane = { camera: 1, footage: [[0, HOUR_MS]], gaps: [], sizes: [[0, HOUR_MS, 1000]] };
  const index = new PlaybackIndex({ segmentsFolder: folder, openIndex: () => undefined });
  router = new Router(timelineRoutes({ ...fakes.services, timeline: () => [structuredClone(lane)] }, index));
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(query: string, headers: Record<string, string> = {}) {
  const request = {
    ...{ method: 'GET', path: '/api/timeline', query, remoteAddress: '127.0.0.1', secure: false },
    header: (name: string) => headers[name],
    body: async () => Buffer.alloc(0),
  };
  const reply = await askRouter(router, request).catch(error => errorReply(error, () => undefined));
  return { ...reply, json: reply.body ? JSON.parse(String(reply.body)) : undefined };
}

const DAY = `camera=1&startMs=0&endMs=${24 * HOUR_MS}`;

test('with buckets, activity in two forms, and footage as coarse as they are', async () => {
  lane.footage = [
    [0, HOUR_MS / 4],
    [HOUR_MS / 2, HOUR_MS],
    [3 * HOUR_MS, 4 * HOUR_MS],
  ];
  fakes.events.push([3 * HOUR_MS, 4 * HOUR_MS]);
  const plain = (await ask(DAY)).json.cameras[0];
  assert.is(plain.footage.length, 3);
  assert.is(plain.activity, undefined);
  assert.is(plain.sizes, undefined);
  const digits = (await ask(`${DAY}&buckets=24&levels=16`)).json.cameras[0];
  assert.is(digits.activity, '100f00000000000000000000');
  assert.equal(digits.footage, [
    [0, HOUR_MS],
    [3 * HOUR_MS, 4 * HOUR_MS],
  ]);
  const numbers = (await ask(`${DAY}&buckets=24`)).json.cameras[0];
  assert.equal(numbers.activity.slice(0, 4), [17, 0, 0, 255]);
  assert.is(numbers.sizes, undefined);
});

test('what the client has already is not sent again', async () => {
  const first = await ask(`${DAY}&buckets=720&levels=16`);
  const etag = first.headers?.ETag ?? '';
  const again = await ask(`${DAY}&buckets=720&levels=16`, { 'if-none-match': etag });
  assert.equal([again.status, again.body, again.headers?.ETag], [304, undefined, etag]);
  lane.gaps = [{ startMs: 5, reason: 'offline' }];
  const changed = await ask(`${DAY}&buckets=720&levels=16`, { 'if-none-match': etag });
  assert.is(changed.status, 200);
  assert.is.not(changed.headers?.ETag, etag);
});

test('of very many gaps the longest are told', async () => {
  for (let n = 0; n < 1000; n++) lane.gaps.push({ startMs: n * 10_000, endMs: n * 10_000 + n, reason: 'offline' });
  const { gaps } = (await ask(`${DAY}&buckets=720`)).json.cameras[0];
  assert.is(gaps.length, 300);
  assert.is(gaps[0].startMs, 700 * 10_000);
  assert.is((await ask(DAY)).json.cameras[0].gaps.length, 1000);
});

test('a day of eight cameras fits in 7 KB', async () => {
  const cameras = [1, 2, 3, 4, 5, 6, 7, 8].map(id => `camera=${id}`).join('&');
  const reply = await ask(`${cameras}&startMs=0&endMs=${24 * HOUR_MS}&buckets=720&levels=16`);
  assert.ok((reply.body as Buffer).length < 7000, `${(reply.body as Buffer).length}`);
});

test('check 28: a day of eight cameras with 5000 events is answered in 60 KB, 10 KB packed', async () => {
  // As events come: at any millisecond, of some seconds, of a few kinds.
  let state = 28;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const dayMs = Date.UTC(2026, 9, 14);
  const ids = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const id of ids)
    for (let count = 0; count < 625; count++) {
      const startMs = dayMs + random(24 * HOUR_MS);
      const labels = [['person', 'car', 'dog', 'motion'][random(4)] ?? ''];
      const picture = { atMs: startMs, width: 640, height: 360, sizeBytes: 30_000 };
      const fields = { endMs: startMs + random(60_000), labels, score: random(100) / 100, picture };
      fakes.world.table.create(id, startMs, fields);
    }
  // A camera that was away six times.
  const away = Array.from({ length: 6 }, (_, n) => dayMs + (n + 1) * 3 * HOUR_MS + random(HOUR_MS));
  const bounds = [dayMs, ...away.flatMap(ms => [ms, ms + 300_000]), dayMs + 24 * HOUR_MS];
  lane.footage = Array.from({ length: 7 }, (_, n) => [bounds[2 * n] ?? 0, bounds[2 * n + 1] ?? 0]);
  lane.gaps = away.map(startMs => ({ startMs, endMs: startMs + 300_000, reason: 'offline' }));
  lane.sizes = Array.from({ length: 288 }, (_, n) => {
    const startMs = dayMs + n * 300_000;
    return [startMs, startMs + 300_000, 20_000_000 + random(80_000_000)];
  });
  const query = ids.map(id => `camera=${id}`).join('&');
  const { body, json } = await ask(`${query}&startMs=${dayMs}&endMs=${dayMs + 24 * HOUR_MS}&buckets=720&levels=16`);
  const bytes = Buffer.from(body as Buffer);
  assert.equal(
    json.cameras.map(({ events, more }: { events: unknown[]; more: number }) => [events.length, more]),
    ids.map(() => [50, 575]),
  );
  assert.ok(bytes.length <= 60_000, `${bytes.length}`);
  const packed = gzipSync(bytes).length;
  assert.ok(packed <= 10_000, `${packed} packed`);
});

test('wrong questions name their field', async () => {
  for (const [query, field] of [
    [`${DAY}&buckets=0`, 'buckets'],
    [`${DAY}&buckets=1441`, 'buckets'],
    [`${DAY}&levels=8`, 'levels'],
    ['camera=1&startMs=2&endMs=1', 'endMs'],
    ['startMs=2&endMs=3', 'camera'],
  ] as const) {
    const { status, json } = await ask(query);
    assert.equal([status, json.error.field], [400, field], query);
  }
});

test.run();
