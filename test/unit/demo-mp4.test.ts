// The MP4 reader on the bundled clips and on damaged copies of them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { nalType, nalUnits } from '../../src/demo/clip.ts';
import { parseMp4, readMp4File } from '../../src/demo/mp4-file.ts';
import { suite } from '../support/suite.ts';

const test = suite('demo: MP4 reader');
const path = fileURLToPath(new URL('../../src/demo/clips/yard-main.mp4', import.meta.url));

test('reads frames, times and keyframes of both tracks', async () => {
  const { tracks } = await readMp4File(path);
  const [video, audio] = tracks;
  if (video?.kind !== 'video' || audio?.kind !== 'audio') throw new Error('two tracks were expected');
  assert.is(video.codec, 'h264');
  assert.equal([video.width, video.height], [1280, 720]);
  assert.is(video.frames.length, 96);
  assert.equal(keysOf(video.frames), [0, 24, 48, 72]);
  assert.is(video.durationTicks / video.timescale, 8);
  const step = video.timescale / 12;
  assert.ok(video.frames.every((frame, i) => frame.dts === i * step && frame.pts === frame.dts));
  assert.equal(
    video.parameterSets.map(unit => nalType('h264', unit)),
    [7, 8],
  );
  assert.is(audio.frames.length, 125);
  assert.equal([audio.sampleRate, audio.channels, audio.timescale], [16000, 1, 16000]);
  assert.is(audio.config.toString('hex', 0, 2), '1408');
  // The edit list skips the encoder's first frame.
  assert.equal(
    audio.frames.slice(0, 2).map(frame => frame.pts),
    [-1024, 0],
  );
  assert.is(audio.durationTicks, 8 * 16000);
});

test('a sample consists of whole NAL units, a keyframe of IDR slices', async () => {
  const [video] = (await readMp4File(path)).tracks;
  if (video?.kind !== 'video') throw new Error('video was expected');
  for (const frame of video.frames) {
    const units = nalUnits(frame.data, video.lengthBytes);
    assert.is(
      units.reduce((sum, unit) => sum + unit.length + 4, 0),
      frame.data.length,
    );
    assert.equal(
      units.map(unit => nalType('h264', unit)),
      [frame.key ? 5 : 1],
    );
  }
});

test('nalUnits stops at a length that points outside', () => {
  assert.equal(
    nalUnits(Buffer.from('0000000165000000ff41', 'hex'), 4).map(unit => unit.toString('hex')),
    ['65'],
  );
  assert.equal(nalUnits(Buffer.from('000000', 'hex'), 4), []);
  assert.is(nalUnits(Buffer.from('000165'.repeat(2000), 'hex'), 2).length, 512);
});

test('a file that ends anywhere in its index is refused', () => {
  const file = readFileSync(path);
  const moovEnd = file.indexOf('mdat') - 4;
  for (let length = 0; length < moovEnd; length += 7) {
    assert.throws(() => parseMp4(file.subarray(0, length)), isDataLoss);
  }
});

test('a sample that ends one byte behind the file is refused', () => {
  const file = readFileSync(path);
  assert.is(parseMp4(file).tracks.length, 2);
  assert.throws(() => parseMp4(file.subarray(0, file.length - 1)), isDataLoss);
});

test('changed bytes in the index give frames inside the file or data-loss, nothing else', () => {
  const original = readFileSync(path);
  const moovEnd = original.indexOf('mdat') - 4;
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const file = Buffer.from(original);
    for (let i = 0; i < 3; i++) file[random(moovEnd)] = [0, 0xff, 0x7f, random(256)][random(4)] ?? 0;
    try {
      for (const track of parseMp4(file).tracks) {
        for (const frame of track.frames) {
          if (track.kind === 'video') nalUnits(frame.data, track.lengthBytes);
          assert.ok(Number.isFinite(frame.dts) && Number.isFinite(frame.pts));
        }
        assert.ok(track.durationTicks > 0);
      }
    } catch (error) {
      assert.ok(isDataLoss(error), String(error));
      refused++;
    }
  }
  assert.ok(refused > 100);
});

test('a table that claims four billion rows is refused without reading them', () => {
  for (const type of ['stsz', 'stts', 'stco', 'stsc', 'stss']) {
    const file = readFileSync(path);
    const at = file.indexOf(type) + (type === 'stsz' ? 12 : 8);
    file.writeUInt32BE(0xffffffff, at);
    assert.throws(() => parseMp4(file), isDataLoss, type);
  }
});

test('a missing file says so', async () => {
  try {
    await readMp4File('/nonexistent/clip.mp4');
    assert.unreachable();
  } catch (error) {
    assert.is((error as NvrError).kind, 'not-found');
  }
});

function keysOf(frames: { key: boolean }[]): number[] {
  return frames.flatMap((frame, i) => (frame.key ? [i] : []));
}

function isDataLoss(error: unknown): boolean {
  return error instanceof NvrError && error.kind === 'data-loss';
}

test.run();
