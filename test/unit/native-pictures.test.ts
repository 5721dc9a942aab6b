import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import type { NativePicture } from '../../src/native/addon.ts';
import { type PictureRequest, Pictures } from '../../src/native/picture.ts';
import { suite } from '../support/suite.ts';

const test = suite('pictures');

const UUID = 'ab'.repeat(16);
const MADE: NativePicture = { state: 'made', jpeg: Buffer.from('jpeg'), atMs: 7, width: 64, height: 48 };

const request: PictureRequest = {
  ...{ path: '/x.mp4', sizeBytes: 10, camera: 1, stream: 'main', startMs: 5, clockGen: 2, atMs: 6, width: 640 },
};

/** Makers whose work ends when the test says so. */
function slow() {
  const running: ((made: NativePicture) => void)[] = [];
  let started = 0;
  const pictures = new Pictures(() => {
    started++;
    return new Promise(resolve => running.push(resolve));
  }, UUID);
  const turn = () => new Promise(resolve => setImmediate(resolve));
  return {
    pictures,
    started: () => started,
    turn,
    async finish(made: NativePicture = MADE) {
      running.shift()?.(made);
      await turn();
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<NvrError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, NvrError);
    return error as NvrError;
  }
  throw new Error('it did not fail');
}

test('what is asked reaches the addon, with the store', async () => {
  const asked: unknown[] = [];
  const pictures = new Pictures(async input => {
    asked.push(input);
    return MADE;
  }, UUID);
  assert.equal(await pictures.make({ ...request, isWanted: () => true }), {
    ...{ jpeg: Buffer.from('jpeg'), atMs: 7, width: 64, height: 48 },
  });
  assert.equal(asked, [{ ...request, storeUuid: UUID }]);
});

test('one at a time, in their order; a failure holds nobody up', async () => {
  const { pictures, started, finish, turn } = slow();
  const first = pictures.make(request);
  const second = failureOf(pictures.make(request));
  const third = pictures.make(request);
  await turn();
  assert.is(started(), 1);
  await finish();
  assert.is((await first).atMs, 7);
  assert.is(started(), 2);
  await finish({ state: 'damaged' });
  assert.is((await second).kind, 'data-loss');
  assert.is(started(), 3);
  await finish();
  assert.is((await third).atMs, 7);
});

test('sixteen may wait, no more; then there is room again', async () => {
  const { pictures, started, finish, turn } = slow();
  const all = Array.from({ length: 17 }, () => pictures.make(request));
  await turn();
  const refused = await failureOf(pictures.make(request));
  assert.is(refused.kind, 'resource-exhausted');
  assert.is(refused.retryAfterS, 2);
  await finish();
  await all[0];
  all.push(pictures.make(request));
  for (let n = 0; n < 17; n++) await finish();
  assert.is((await Promise.all(all)).length, 18);
  assert.is(started(), 18);
});

test('nothing is made for those who are gone when their turn comes', async () => {
  const { pictures, started, finish, turn } = slow();
  const first = pictures.make(request);
  let isThere = true;
  const second = failureOf(pictures.make({ ...request, isWanted: () => isThere }));
  await turn();
  isThere = false;
  await finish();
  await first;
  assert.is((await second).kind, 'unavailable');
  assert.is(started(), 1);
});

test('each failure has its kind', async () => {
  const cases: [NativePicture, string][] = [
    [{ state: 'none' }, 'not-found'],
    [{ state: 'damaged' }, 'data-loss'],
    [{ state: 'too-large' }, 'failed-precondition'],
    [{ state: 'unsupported' }, 'failed-precondition'],
    [{ state: 'no-memory' }, 'resource-exhausted'],
    [{ state: 'unreadable', code: 'EBADMSG' }, 'data-loss'],
    [{ state: 'unreadable', code: 'ENOENT' }, 'not-found'],
    [{ state: 'unreadable', code: 'EIO' }, 'data-loss'],
    [{ state: 'unreadable', code: 'ELOOP' }, 'data-loss'],
    [{ state: 'unreadable', code: 'EFBIG' }, 'data-loss'],
    [{ state: 'unreadable', code: 'EMFILE' }, 'unavailable'],
  ];
  for (const [made, kind] of cases) {
    const pictures = new Pictures(async () => made, UUID);
    assert.is((await failureOf(pictures.make(request))).kind, kind, JSON.stringify(made));
  }
});

test.run();
