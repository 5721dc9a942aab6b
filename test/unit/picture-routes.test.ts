import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { errorReply } from '../../src/api/error-reply.ts';
import { pictureRoutes } from '../../src/api/picture-routes.ts';
import { Router } from '../../src/api/router.ts';
import type { HttpReply } from '../../src/api/server.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import type { PictureRequest } from '../../src/native/index.ts';
import { askRouter } from '../support/ask-router.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('picture routes');

const START_MS = 1_700_000_000_000;

let folder = '';
let fakes: FakeServices;
let router: Router;
let asked: PictureRequest[] = [];
let refusal: Error | undefined;
let isGone = false;

test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-picture-'));
  fakes = await fakeServices(folder);
  asked = [];
  refusal = undefined;
  isGone = false;
  fakes.services.pictures = {
    make: async request => {
      asked.push(request);
      if (refusal) throw refusal;
      return { jpeg: Buffer.from('jpeg'), atMs: request.atMs + 40, width: 640, height: 360 };
    },
  };
  router = new Router(pictureRoutes(fakes.services));
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(id: string, query = '', ifNoneMatch?: string): Promise<HttpReply> {
  const request = {
    ...{ method: 'GET', path: `/api/segments/${id}/picture.jpg`, query },
    header: (name: string) => (name === 'if-none-match' ? ifNoneMatch : undefined),
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

function errorOf(reply: HttpReply): { kind: string; field?: string } {
  return JSON.parse(String(reply.body)).error;
}

test('of a closed segment: the moment and the width as asked; it may be kept, but not shown unasked', async () => {
  const { id, path } = fakes.addSegment(START_MS, Buffer.alloc(30));
  const reply = await ask(id, `atMs=${START_MS + 500}&width=320`);
  assert.is(reply.status, 200);
  assert.is(String(reply.body), 'jpeg');
  assert.equal(reply.headers, {
    'Content-Type': 'image/jpeg',
    'Content-Disposition': `inline; filename="${id}-${START_MS + 540}.jpg"`,
    'Picture-Time-Ms': String(START_MS + 540),
    'Cache-Control': 'private, no-cache',
    ETag: `"${id}-30-${START_MS + 500}-320"`,
  });
  const { isWanted, ...request } = asked[0] as PictureRequest;
  assert.equal(request, {
    ...{ path: join(folder, path), sizeBytes: 30, camera: 1, stream: 'main', startMs: START_MS, clockGen: 0 },
    ...{ atMs: START_MS + 500, width: 320 },
  });
  assert.is(isWanted?.(), true);
  isGone = true;
  assert.is(isWanted?.(), false);
  const known = reply.headers?.ETag as string;
  assert.equal(await ask(id, `atMs=${START_MS + 500}&width=320`, known), {
    status: 304,
    headers: { 'Cache-Control': 'private, no-cache', ETag: known },
  });
  assert.is(asked.length, 1, 'nothing is decoded for it');
  assert.is((await ask(id, `atMs=${START_MS + 500}&width=640`, known)).status, 200);
  fakes.segments.splice(0);
  assert.is((await ask(id, `atMs=${START_MS + 500}&width=320`, known)).status, 404);
});

test('of the segment being written: only what is whole; it may not be kept', async () => {
  await fakes.cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' } }));
  const id = fakes.openSegment(START_MS, Buffer.alloc(100), 60);
  const reply = await ask(id);
  assert.is(reply.status, 200);
  assert.equal([reply.headers?.['Cache-Control'], reply.headers?.ETag], [undefined, undefined]);
  assert.is((await ask(id, '', '*')).status, 200);
  assert.is(asked[0]?.sizeBytes, 60);
});

test('without a moment the first picture, 640 wide', async () => {
  await ask(fakes.addSegment(START_MS).id);
  assert.is(asked[0]?.atMs, START_MS);
  assert.is(asked[0]?.width, 640);
});

test('unknown segments, and numbers out of range', async () => {
  assert.is((await ask('1-main-5-0')).status, 404);
  assert.is((await ask('..')).status, 404);
  const { id } = fakes.addSegment(START_MS);
  for (const [query, field] of [
    ['width=15', 'width'],
    ['width=8193', 'width'],
    ['width=', 'width'],
    ['atMs=-1', 'atMs'],
    ['atMs=1e3', 'atMs'],
    ['at=5', 'at'],
  ] as const) {
    const reply = await ask(id, query);
    assert.is(reply.status, 400, query);
    assert.is(errorOf(reply).field, field);
  }
  assert.equal(asked, []);
});

test('failures: 404, 500 and a warning for damage, 429 with a time', async () => {
  const { id } = fakes.addSegment(START_MS);
  refusal = new NvrError('not-found', 'there is no keyframe in this segment');
  assert.is((await ask(id)).status, 404);
  assert.equal(fakes.log.lines, []);
  refusal = new NvrError('data-loss', 'the keyframe is damaged');
  const damaged = await ask(id);
  assert.is(damaged.status, 500);
  assert.is(errorOf(damaged).kind, 'data-loss');
  assert.is(fakes.log.lines.length, 1);
  refusal = new NvrError('resource-exhausted', 'too many', { retryAfterS: 2 });
  const refused = await ask(id);
  assert.is(refused.status, 429);
  assert.is(refused.headers?.['Retry-After'], '2');
});

test.run();
