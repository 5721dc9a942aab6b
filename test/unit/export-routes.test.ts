import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { errorReply } from '../../src/api/error-reply.ts';
import { ExportPlans } from '../../src/api/export-plans.ts';
import { exportRoutes } from '../../src/api/export-routes.ts';
import { Router } from '../../src/api/router.ts';
import type { ByteSource, HttpReply } from '../../src/api/server.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import { ExportFile } from '../../src/native/export.ts';
import type { ExportRequest } from '../../src/native/index.ts';
import { askRouter } from '../support/ask-router.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('export routes');

const CONTENT = Buffer.from('0123456789');

let folder = '';
let fakes: FakeServices;
let router: Router;
let plans: ExportPlans;
let clock: FakeClock;
let asked: Omit<ExportRequest, 'storeUuid'>[] = [];
let closed = 0;
let isGone = false;
let refusal: Error | undefined;
let readError: Error | undefined;
let gate = Promise.resolve();
let reading = 0;
let mostAtOnce = 0;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-export-'));
  fakes = await fakeServices(folder);
  asked = [];
  closed = 0;
  refusal = undefined;
  readError = undefined;
  gate = Promise.resolve();
  mostAtOnce = 0;
  isGone = false;
  fakes.services.planExport = async request => {
    asked.push(request);
    await gate;
    if (refusal) throw refusal;
    const plan = {
      add: async () => ({ state: 'added' as const }),
      finish: () => undefined,
      read: async (offset: number, buffer: Buffer) => {
        if (readError) throw readError;
        mostAtOnce = Math.max(mostAtOnce, ++reading);
        await Promise.resolve();
        reading--;
        return CONTENT.copy(buffer, 0, offset);
      },
      close: () => void closed++,
    };
    const facts = { sizeBytes: CONTENT.length, tableBytes: 0, startMs: 1_700_000_000_000, durationMs: 1, gaps: [] };
    return new ExportFile(plan, { ...facts, digest: 'ab' }, []);
  };
  clock = fakes.services.clock as FakeClock;
  plans = new ExportPlans(clock);
  router = new Router(exportRoutes(fakes.services, plans));
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(query: string, headers: Record<string, string> = {}): Promise<HttpReply> {
  const request = {
    ...{ method: 'GET', path: '/api/export.mp4', query },
    header: (name: string) => headers[name],
    remoteAddress: '127.0.0.1',
    secure: false,
    body: async () => Buffer.alloc(0),
    isGone: () => isGone,
  };
  try {
    return await askRouter(router, request);
  } catch (error) {
    return errorReply(error, () => undefined);
  }
}

async function addCamera(name: string): Promise<void> {
  await fakes.cameras.add(parseInput(newCameraSchema, { name, main: { url: 'rtsp://10.0.0.2/a' } }));
}

function errorOf(reply: HttpReply): { kind: string; field?: string; cure?: string; message: string } {
  return JSON.parse(String(reply.body)).error;
}

async function drain(reply: HttpReply): Promise<string> {
  const source = reply.body as ByteSource;
  let text = '';
  for (let piece = await source.next(); piece; piece = await source.next()) text += piece.toString();
  await source.close();
  return text;
}

test('wrong questions name the field and the cure', async () => {
  const day = 24 * 3_600_000;
  for (const [query, field] of [
    ['startMs=1&endMs=2', 'camera'],
    ['camera=1&endMs=2', 'startMs'],
    ['camera=1&startMs=1', 'endMs'],
    ['camera=0&startMs=1&endMs=2', 'camera'],
    ['camera=1&startMs=1.5&endMs=2', 'startMs'],
    ['camera=1&startMs=2&endMs=1', 'endMs'],
    ['camera=1&startMs=2&endMs=2', 'endMs'],
    [`camera=1&startMs=1&endMs=${day + 2}`, 'endMs'],
    ['camera=1&startMs=1&endMs=2&stream=third', 'stream'],
    ['camera=1&startMs=1&endMs=2&timeZone=Mars/Base', 'timeZone'],
    ['camera=1&startMs=1&endMs=2&timezone=UTC', 'timezone'],
  ] as const) {
    const reply = await ask(query);
    assert.is(reply.status, 400, query);
    assert.is(errorOf(reply).field, field, query);
    assert.ok(errorOf(reply).cure, query);
  }
  assert.equal(asked, []);
  assert.is((await ask(`camera=1&startMs=1&endMs=${day + 1}`)).status, 200);
});

test('the plan gets the closed segments and the whole part of the open one', async () => {
  await addCamera('Door');
  const first = fakes.addSegment(1000);
  const second = fakes.addSegment(2000);
  fakes.openSegment(3000, Buffer.alloc(20), 12);
  await ask('camera=1&startMs=1500&endMs=3200');
  const { segments, ...range } = asked[0] as ExportRequest;
  assert.equal([range.camera, range.stream, range.startMs, range.endMs], [1, 'main', 1500, 3200]);
  assert.equal(segments, [
    { path: join(folder, first.path), sizeBytes: 0, startMs: 1000, clockGen: 0, fromMs: 1500 },
    { path: join(folder, second.path), sizeBytes: 0, startMs: 2000, clockGen: 0 },
    { path: join(folder, '1/3000.mp4'), sizeBytes: 12, startMs: 3000, clockGen: 0, toMs: 3200 },
  ]);
});

test('the name is that of the camera and the local time, safe for headers and file systems', async () => {
  await addCamera('Tür "1"; ../x%');
  const { headers } = await ask('camera=1&startMs=1&endMs=2&timeZone=America/New_York');
  assert.is(
    headers?.['Content-Disposition'],
    `attachment; filename="T_r _1_; .._x_ 2023-11-14 17-13-20.mp4"; filename*=UTF-8''T%C3%BCr%20_1_%3B%20.._x%25%202023-11-14%2017-13-20.mp4`,
  );
  assert.match((await ask('camera=2&startMs=1&endMs=2')).headers?.['Content-Disposition'] ?? '', '"Camera 2 2023-11-1');
});

test('many ranges of one export are planned once, until nobody reads it for half a minute', async () => {
  const query = 'camera=1&startMs=1&endMs=2';
  const first = await ask(query);
  assert.is(await drain(await ask(query, { range: 'bytes=3-5' })), '345');
  assert.is((await ask(query, { 'if-none-match': '"ab"' })).status, 304);
  await clock.advance(60_000);
  assert.is(closed, 0, 'the first still reads');
  assert.is(await drain(first), '0123456789');
  await clock.advance(29_000);
  assert.is(await drain(await ask(query)), '0123456789');
  await clock.advance(29_000);
  assert.equal([asked.length, closed], [1, 0]);
  await clock.advance(1000);
  assert.is(closed, 1);
  assert.is(await drain(await ask(query)), '0123456789');
  assert.is(asked.length, 2);
});

test('other bytes are another plan: a segment that grew', async () => {
  await addCamera('Door');
  const query = 'camera=1&startMs=1&endMs=9000';
  fakes.openSegment(3000, Buffer.alloc(20), 12);
  await drain(await ask(query));
  await drain(await ask(query));
  assert.is(asked.length, 1);
  fakes.openSegment(3000, Buffer.alloc(20), 15);
  await drain(await ask(query));
  assert.is(asked.length, 2);
});

test('two plans at once, the next one waits, whoever ends makes room', async () => {
  const ofCamera = (camera: number) => `camera=${camera}&startMs=1&endMs=2`;
  const first = await ask(ofCamera(1));
  const second = await ask(ofCamera(2));
  const third = await ask(ofCamera(3));
  assert.equal([first.status, second.status, third.status], [200, 200, 429]);
  assert.is(errorOf(third).kind, 'resource-exhausted');
  assert.match(third.headers?.['Retry-After'] ?? '', /^\d+$/);
  assert.equal([asked.length, closed], [2, 0]);
  await (first.body as ByteSource).close();
  assert.is(await drain(await ask(ofCamera(3))), '0123456789');
  assert.is(closed, 1, 'what is only kept makes room');
  assert.is(await drain(second), '0123456789');
  plans.stop();
  await clock.advance(0);
  assert.is(closed, 3);
});

test('so many readers of one plan, and each reads alone', async () => {
  const query = 'camera=1&startMs=1&endMs=2';
  const replies = await Promise.all(Array.from({ length: 9 }, () => ask(query)));
  assert.equal(replies.map(reply => reply.status).sort(), [...Array(8).fill(200), 429]);
  assert.is(asked.length, 1);
  const texts = await Promise.all(replies.filter(reply => reply.status === 200).map(drain));
  assert.equal([...new Set(texts)], ['0123456789']);
  assert.is(mostAtOnce, 1);
});

test('a plan whose files are gone is not used again', async () => {
  const query = 'camera=1&startMs=1&endMs=2';
  const [first, second] = [await ask(query), await ask(query)];
  readError = new NvrError('not-found', 'the export was cut off');
  assert.match(await rejection(drain(first)), 'cut off');
  readError = undefined;
  assert.is(await drain(await ask(query)), '0123456789');
  assert.is(asked.length, 2);
  assert.is(await drain(second), '0123456789');
  await (first.body as ByteSource).close();
  assert.is(closed, 1);
});

test('refusals hold nothing', async () => {
  const query = 'camera=1&startMs=1&endMs=2';
  for (let round = 0; round < 3; round++) {
    refusal = new NvrError('failed-precondition', 'the codec changes');
    assert.is((await ask(query)).status, 409);
  }
  refusal = undefined;
  assert.is((await ask(query, { range: 'bytes=10-' })).status, 416);
  assert.equal([asked.length, closed], [4, 0]);
  const part = await ask(query, { range: 'bytes=3-5', 'if-range': '"ab"' });
  assert.equal([part.status, part.headers?.['Content-Range'], await drain(part)], [206, 'bytes 3-5/10', '345']);
  plans.stop();
  await clock.advance(0);
  assert.is(closed, 1);
});

test('planning ends when all who wait have left, and who comes then gets a plan of its own', async () => {
  const query = 'camera=1&startMs=1&endMs=2';
  let finish = () => {};
  gate = new Promise(resolve => {
    finish = resolve;
  });
  const first = ask(query);
  const second = ask(query);
  await new Promise(resolve => setImmediate(resolve));
  assert.is(asked.length, 1);
  assert.is(asked[0]?.isWanted?.(), true);
  isGone = true;
  assert.is(asked[0]?.isWanted?.(), false);
  isGone = false;
  const third = ask(query);
  await new Promise(resolve => setImmediate(resolve));
  assert.is(asked.length, 2);
  finish();
  for (const reply of await Promise.all([first, second, third])) assert.is(await drain(reply), '0123456789');
  assert.is(closed, 1);
});

async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'it did not reject';
}

test.run();
