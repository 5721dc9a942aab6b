// Playback from real segment files: which bytes it tells of, keyframes, parts without sound, judged by ffprobe; and hostile files.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Playback } from '../../src/api/contract.ts';
import { errorReply } from '../../src/api/error-reply.ts';
import { keyframeRoutes } from '../../src/api/keyframe-routes.ts';
import { readHead, readIndex } from '../../src/api/playback-file.ts';
import { initWithoutSound, keyPicture, picturesOnly, readFragment } from '../../src/api/playback-fragment.ts';
import { PlaybackIndex } from '../../src/api/playback-index.ts';
import { playbackRoutes } from '../../src/api/playback-routes.ts';
import { Router } from '../../src/api/router.ts';
import type { ByteSource, HttpReply } from '../../src/api/server.ts';
import type { IndexedSegment } from '../../src/api/services.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { parseInput } from '../../src/core/index.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { askRouter } from '../support/ask-router.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { probe } from '../support/ffprobe.ts';
import { makeSegmentFile, type SegmentFile, type SegmentFileSpec } from '../support/segment-file.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('playback', { timeoutMs: 90_000 });

const START_MS = Date.parse('2026-03-01T12:00:00.123Z');
const LENGTH_MS = 8000;
const KEY = { camera: 1, stream: 'main', clockGen: 0 } as const;

let folder: string;
let fakes: FakeServices;
let router: Router;

test.before.each(async () => {
  folder = tempDir('playback');
  fakes = await fakeServices(folder);
  const index = new PlaybackIndex({ segmentsFolder: folder, openIndex: () => undefined });
  router = new Router([...playbackRoutes(fakes.services, index), ...keyframeRoutes(fakes.services, index)]);
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function addFile(startMs: number, more: Partial<SegmentFileSpec> = {}): Promise<SegmentFile> {
  const spec = { ...KEY, startMs, storeUuid: 'a'.repeat(32), folder, closed: true, ...more };
  const file = await makeSegmentFile({ ...spec, clip: more.clip ?? (await clipFile(CLIPS.small)) });
  const segment: IndexedSegment = {
    ...{ ...KEY, clockGen: spec.clockGen, id: `1-main-${startMs}-${spec.clockGen}`, startMs, endMs: file.endMs },
    ...{ sizeBytes: file.sizeBytes, codecs: 'avc1.640020,mp4a.40.2', endReason: 'length', locked: false },
    path: segmentPath({ ...KEY, startMs, clockGen: spec.clockGen }, false),
  };
  fakes.segments.push(segment);
  return file;
}

async function ask(path: string, query: Record<string, string | number>): Promise<HttpReply> {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  const request = {
    ...{ method: 'GET', path, query: text, remoteAddress: '127.0.0.1', secure: false },
    header: () => undefined,
    body: async () => Buffer.alloc(0),
  };
  try {
    return await askRouter(router, request);
  } catch (error) {
    return errorReply(error, () => undefined);
  }
}

/** Of an answer that is read from a file. */
async function bytesOf({ status, body }: HttpReply): Promise<Buffer> {
  assert.is(status, 200, String(body));
  const source = body as ByteSource;
  const pieces: Buffer[] = [];
  for (let piece = await source.next(); piece; piece = await source.next()) pieces.push(Buffer.from(piece));
  await source.close();
  const bytes = Buffer.concat(pieces);
  assert.is(bytes.length, source.sizeBytes);
  return bytes;
}

async function playback(query: Record<string, string | number>): Promise<Playback> {
  const reply = await ask('/api/playback', { camera: 1, ...query });
  assert.is(reply.status, 200, String(reply.body));
  return JSON.parse(String(reply.body));
}

/** What a player would have appended, as a file. */
function save(...pieces: Buffer[]): string {
  const path = join(tempDir('played'), 'played.mp4');
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

test('fragments of two files, with times, keys and one init segment', async () => {
  const files = [await addFile(START_MS), await addFile(START_MS + LENGTH_MS)];
  const answer = await playback({ startMs: START_MS, endMs: START_MS + 2 * LENGTH_MS });
  assert.is(answer.endMs, START_MS + 2 * LENGTH_MS);
  assert.is(answer.inits.length, 1);
  assert.is(answer.segments.length, 2);
  for (const [number, segment] of answer.segments.entries()) {
    const file = files[number] as SegmentFile;
    assert.is(segment.init, answer.inits[0]?.id);
    assert.is(segment.url, `/api/segments/${segment.id}/file`);
    assert.is(segment.open, false);
    assert.equal(
      segment.fragments.map(([, offset]) => offset),
      file.fragments,
    );
    const keys = segment.fragments.filter(([, , , key]) => key === 1).map(([startMs]) => startMs);
    assert.equal(keys, file.keyTimesMs.map(Math.floor));
    // Each fragment begins where the one before ends; the last ends with the file.
    for (const [at, [, offset, sizeBytes]] of segment.fragments.entries()) {
      assert.is(offset + sizeBytes, segment.fragments[at + 1]?.[1] ?? file.sizeBytes);
    }
  }
  const [init] = answer.inits;
  const bytes = readFileSync(files[0]?.path as string);
  const parts = answer.segments[0]?.fragments.map(([, offset, size]) => bytes.subarray(offset, offset + size)) ?? [];
  const played = await probe(save(bytes.subarray(0, init?.sizeBytes), ...parts));
  const whole = await probe(files[0]?.path as string);
  assert.is(played.video.length, whole.video.length);
  assert.is(played.audio.length, whole.audio.length);
});

test('a range begins with the keyframe before it, and ends with its last fragment', async () => {
  const file = await addFile(START_MS, { clip: await clipFile(CLIPS.full) });
  const [, key, next] = file.keyTimesMs;
  assert.ok(key && next);
  const answer = await playback({ startMs: Math.floor(key) + 1500, endMs: Math.floor(key) + 1600 });
  const [segment] = answer.segments;
  assert.is(segment?.fragments[0]?.[0], Math.floor(key));
  assert.is(segment?.fragments[0]?.[3], 1);
  assert.is(segment?.fragments.length, 2);
});

test('a file without index, and one that is being written, are read from fragment to fragment', async () => {
  const indexed = await addFile(START_MS);
  const expected = (await playback({ startMs: START_MS, endMs: START_MS + LENGTH_MS })).segments[0];
  fakes.segments.length = 0;
  const file = await addFile(START_MS + 60_000, { closed: false });
  const closed = (await playback({ startMs: START_MS + 60_000, endMs: START_MS + 70_000 })).segments[0];
  assert.equal(
    closed?.fragments.map(([startMs, ...rest]) => [startMs - 60_000, ...rest]),
    expected?.fragments,
  );
  fakes.segments.length = 0;
  // Of the last two fragments nothing may be told.
  const sizeBytes = (file.fragments.at(-2) as number) + 100;
  const path = segmentPath({ ...KEY, startMs: START_MS + 60_000 }, false);
  const { codecs } = { codecs: 'avc1.640020' };
  await fakes.cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' } }));
  fakes.engine.open.set(1, {
    ...{ startMs: START_MS + 60_000, clockGen: 0, endMs: START_MS + 66_000 },
    ...{ sizeBytes, path, codecs },
  });
  const open = (await playback({ startMs: START_MS + 60_000, endMs: START_MS + 70_000 })).segments[0];
  assert.is(open?.open, true);
  assert.equal(
    open?.fragments.map(([, offset]) => offset),
    file.fragments.slice(0, -2),
  );
  assert.ok(indexed.sizeBytes > 0);
});

test('a head that is larger than the first read', async () => {
  const file = await addFile(START_MS);
  const bytes = readFileSync(file.path);
  const moovAt = bytes.readUInt32BE(0);
  const moovEnd = moovAt + bytes.readUInt32BE(moovAt);
  const padding = Buffer.alloc(20_000);
  padding.writeUInt32BE(padding.length);
  padding.write('free', 4, 'latin1');
  bytes.writeUInt32BE(moovEnd - moovAt + padding.length, moovAt);
  writeFileSync(file.path, Buffer.concat([bytes.subarray(0, moovEnd), padding, bytes.subarray(moovEnd)]));
  (fakes.segments[0] as IndexedSegment).sizeBytes += padding.length;
  const { inits, segments } = await playback({ startMs: START_MS, endMs: START_MS + LENGTH_MS });
  assert.is(inits[0]?.sizeBytes, moovEnd + padding.length);
  assert.equal(
    segments[0]?.fragments.map(([, offset]) => offset - padding.length),
    file.fragments,
  );
});

test('where the clock was set the newer footage lies on top', async () => {
  await addFile(START_MS);
  await addFile(START_MS + 4000, { clockGen: 1 });
  const { segments } = await playback({ startMs: START_MS, endMs: START_MS + 30_000 });
  assert.equal(
    segments.map(({ id }) => id),
    [`1-main-${START_MS}-0`, `1-main-${START_MS + 4000}-1`],
  );
  const last = segments[0]?.fragments.at(-1)?.[0] as number;
  assert.ok(last < START_MS + 4000, `${last - START_MS}`);
});

test('a file that is gone, damaged or another is left out', async () => {
  const whole = await addFile(START_MS);
  const files = [1, 2, 3].map(number => addFile(START_MS + number * 10_000));
  const [gone, damaged, other] = await Promise.all(files);
  rmSync((gone as SegmentFile).path);
  writeFileSync((damaged as SegmentFile).path, Buffer.alloc(100_000, 7));
  writeFileSync((other as SegmentFile).path, readFileSync(whole.path));
  const { segments } = await playback({ startMs: START_MS, endMs: START_MS + 60_000 });
  assert.equal(
    segments.map(({ id }) => id),
    [`1-main-${START_MS}-0`],
  );
  assert.is(fakes.log.lines.filter(line => line.msg === 'a segment is missing in what is played').length, 3);
});

test('more than ten minutes are refused', async () => {
  const reply = await ask('/api/playback', { camera: 1, startMs: 0, endMs: 600_001 });
  assert.is(reply.status, 400);
  assert.is(JSON.parse(String(reply.body)).error.field, 'endMs');
});

test('without sound there is one track, in init segment and fragments', async () => {
  const file = await addFile(START_MS);
  const { inits, segments } = await playback({ startMs: START_MS, endMs: START_MS + LENGTH_MS, audio: 0 });
  const [init] = inits;
  const [segment] = segments;
  assert.is(init?.codecs, 'avc1.640020');
  assert.ok(init && segment && init.url === segment.url);
  const withSound = await playback({ startMs: START_MS, endMs: START_MS + LENGTH_MS });
  assert.is.not(withSound.inits[0]?.id, init.id);
  const part = async (offset: number, sizeBytes: number) => {
    return bytesOf(await ask(segment.url, { offset, sizeBytes }));
  };
  const pieces = [await part(0, init.sizeBytes)];
  for (const [, offset, sizeBytes] of segment.fragments) pieces.push(await part(offset, sizeBytes));
  const played = await probe(save(...pieces));
  const whole = await probe(file.path);
  assert.is(played.streams.length, 1);
  assert.equal(
    played.video.map(({ ptsTicks, sha256, key }) => [ptsTicks, sha256, key]),
    whole.video.map(({ ptsTicks, sha256, key }) => [ptsTicks, sha256, key]),
  );
  for (const [offset, sizeBytes] of [
    [0, init.sizeBytes - 1],
    [0, 8],
    [1, 100],
    [file.fragments[0] as number, 100],
    [file.sizeBytes - 10, 100],
    [file.sizeBytes, 1],
  ] as const) {
    assert.is((await ask(segment.url, { offset, sizeBytes })).status, 400, `${offset} ${sizeBytes}`);
  }
});

test('a keyframe at or before a moment, cut to its one sample', async () => {
  for (const clip of [CLIPS.full, CLIPS.fullBFrames]) {
    fakes.segments.length = 0;
    const startMs = START_MS + (clip === CLIPS.full ? 0 : 3_600_000);
    const file = await addFile(startMs, { clip: await clipFile(clip) });
    const whole = await probe(file.path);
    const keys = whole.video.filter(packet => packet.key);
    for (const [number, keyMs] of file.keyTimesMs.entries()) {
      for (const afterMs of [0, 1, 700, 1900]) {
        const reply = await ask('/api/cameras/1/keyframe', { atMs: Math.floor(keyMs) + afterMs });
        assert.is(reply.status, 200, String(reply.body));
        assert.is(reply.headers?.['Thimble-Start-Ms'], String(Math.floor(keyMs)));
        assert.is(reply.headers?.['Thimble-Segment'], `1-main-${startMs}-0`);
        const bytes = await bytesOf(reply);
        if (afterMs !== 700) continue;
        const [path = '', query = ''] = (reply.headers?.['Thimble-Init-Url'] ?? '').split('?');
        const init = await ask(path, Object.fromEntries(new URLSearchParams(query)));
        const one = await probe(save(await bytesOf(init), bytes));
        assert.is(one.streams.length, 1);
        assert.equal(
          one.video.map(({ ptsTicks, sha256 }) => [ptsTicks, sha256]),
          [[keys[number]?.ptsTicks, keys[number]?.sha256]],
        );
      }
    }
  }
});

test('no keyframe: 404 with the reason of the gap', async () => {
  const reply = await ask('/api/cameras/1/keyframe', { atMs: START_MS });
  assert.is(reply.status, 404);
  assert.equal(JSON.parse(String(reply.body)).gap, { startMs: 2, reason: 'offline' });
});

test('hostile bytes throw nothing and tell of nothing outside', async () => {
  const seed = Date.now() % 1_000_000;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const file = await addFile(START_MS, { fragmentsPerReference: 2 });
  const bytes = readFileSync(file.path);
  const head = readHead(bytes);
  assert.ok(typeof head === 'object');
  const first = file.fragments[0] as number;
  const fragment = bytes.subarray(first, file.fragments[1]);
  const index = bytes.subarray(head.reservedOffset, head.reservedOffset + bytes.readUInt32BE(head.reservedOffset));
  assert.ok(readIndex(index, first, bytes.length, false));
  const damage = (good: Buffer) => {
    const bad = Buffer.from(good.subarray(0, random(4) === 0 ? random(good.length) : good.length));
    for (let i = random(6); i >= 0 && bad.length > 0; i--) {
      // Where sizes and counts stand, as a rule.
      const at = random(3) === 0 ? random(bad.length) : random(Math.min(bad.length, 200));
      bad[at] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)] as number;
    }
    return bad;
  };
  try {
    for (let round = 0; round < 4000; round++) {
      const badHead = readHead(damage(bytes.subarray(0, first)));
      if (typeof badHead === 'number') assert.ok(badHead <= 128 * 1024);
      for (const place of readIndex(damage(index), first, bytes.length, round % 2 === 0) ?? []) {
        assert.ok(place.offset >= first && place.offset + place.sizeBytes <= bytes.length);
      }
      const bad = damage(fragment);
      const read = readFragment(bad);
      if (typeof read === 'object') {
        const picture = keyPicture(read, random(100_000), true);
        if (picture) assert.ok(picture.offset + picture.sizeBytes <= read.sizeBytes);
        for (const piece of picturesOnly(read, 1000)) {
          if (!Buffer.isBuffer(piece)) assert.ok(piece.offset + piece.sizeBytes <= 1000 + read.sizeBytes);
        }
      }
      const init = damage(bytes.subarray(0, head.initBytes));
      assert.ok((initWithoutSound(init)?.length ?? 0) <= init.length);
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).stack}`);
  }
});

test.run();
