// Days with footage over HTTP: by bounds and by time zone, and whose cameras count.
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Caller } from '../../src/accounts/index.ts';
import { daysRoutes } from '../../src/api/days-routes.ts';
import { errorReply } from '../../src/api/error-reply.ts';
import { Router } from '../../src/api/router.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { parseInput } from '../../src/core/index.ts';
import { ADMIN, askRouter } from '../support/ask-router.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('days routes');

const NOON_MS = Date.parse('2026-03-28T12:00:00Z');
const DAY_MS = 86_400_000;

let folder: string;
let fakes: FakeServices;
let router: Router;

test.before.each(async () => {
  folder = tempDir('days');
  fakes = await fakeServices(folder);
  router = new Router(daysRoutes(fakes.services));
  for (const name of ['Door', 'Yard']) {
    await fakes.cameras.add(parseInput(newCameraSchema, { name, main: { url: `rtsp://10.0.0.2/${name}` } }));
  }
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(query: string, caller: Caller = ADMIN) {
  const request = {
    ...{ method: 'GET', path: '/api/days', query, remoteAddress: '127.0.0.1', secure: false },
    header: () => undefined,
    body: async () => Buffer.alloc(0),
  };
  const reply = await askRouter(router, request, caller).catch(error => errorReply(error, () => undefined));
  return { status: reply.status, json: JSON.parse(String(reply.body)) };
}

test('days of a time zone, from one with footage to the next', async () => {
  fakes.addSegment(NOON_MS);
  fakes.addSegment(NOON_MS + DAY_MS);
  // Over midnight.
  const last = fakes.addSegment(Date.parse('2026-04-10T21:59:00Z'));
  last.endMs = Date.parse('2026-04-10T22:01:00Z');
  const { json } = await ask('timeZone=Europe/Berlin');
  assert.equal(
    json.days.map((day: { date: string; startMs: number; endMs: number }) => [day.date, day.endMs - day.startMs]),
    [
      ['2026-03-28', DAY_MS],
      ['2026-03-29', DAY_MS - 3_600_000],
      ['2026-04-10', DAY_MS],
      ['2026-04-11', DAY_MS],
    ],
  );
  assert.ok(json.days.every((day: { hasFootage: boolean; hasEvents: boolean }) => day.hasFootage && !day.hasEvents));
});

test('by bounds: those with footage, with events, or being written', async () => {
  fakes.addSegment(NOON_MS);
  fakes.engine.open.set(1, {
    ...{ startMs: NOON_MS + 5 * DAY_MS, endMs: NOON_MS + 5 * DAY_MS + 1000 },
    ...{ clockGen: 0, sizeBytes: 5, path: 'x', codecs: '' },
  });
  const bounds = Array.from({ length: 8 }, (_, n) => NOON_MS - 1000 + n * DAY_MS);
  const { json } = await ask(`camera=1&bounds=${bounds.join(',')}`);
  assert.equal(
    json.days.map((day: { startMs: number }) => day.startMs),
    [bounds[0], bounds[5]],
  );
  assert.is('date' in json.days[0], false);
});

test('cameras that the caller may not see do not count', async () => {
  fakes.addSegment(NOON_MS);
  const bounds = `bounds=0,${NOON_MS * 2}`;
  assert.is((await ask(bounds)).json.days.length, 1);
  assert.is((await ask(bounds, { ...ADMIN, cameras: new Set([2]) })).json.days.length, 0);
  assert.is((await ask(bounds, { ...ADMIN, cameras: new Set() })).json.days.length, 0);
});

test('wrong questions name their field', async () => {
  for (const [query, field] of [
    ['bounds=1', 'bounds'],
    ['bounds=2,1', 'bounds'],
    ['bounds=1,1', 'bounds'],
    ['bounds=1,x', 'bounds'],
    [`bounds=${Array.from({ length: 201 }, (_, n) => n).join(',')}`, 'bounds'],
    ['timeZone=Europe/Atlantis', 'timeZone'],
    ['camera=x', 'camera.0'],
  ] as const) {
    const { status, json } = await ask(query);
    assert.equal([status, json.error.field], [400, field], query);
  }
});

test.run();
