// Pictures out of segment files, judged by ffmpeg: which keyframe, its colours, its shape, and what damage gives.
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { openPictures, type Picture, type Pictures } from '../../src/native/index.ts';
import { run } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import {
  type Colours,
  jpegPixels,
  meanDifference,
  pictureFacts,
  pixelAt,
  psnr,
  type Size,
  videoPixels,
} from '../support/pixels.ts';
import { makeSegmentFile, type SegmentFile, type SegmentFileSpec } from '../support/segment-file.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('pictures of segments', { timeoutMs: 90_000 });

const UUID = '0123456789abcdef0123456789abcdef';
const START_MS = Date.parse('2026-03-01T12:00:00.123Z');
const KEY = { camera: 3, stream: 'main', startMs: START_MS, clockGen: 0 } as const;
/** What the encoding of a JPEG may cost; wrong colours give less than 25. */
const LEAST_DB = 36;
/** Levels of 255. */
const MOST_SHIFT = 1;

let pictures: Pictures;
test.before(() => {
  pictures = openPictures(UUID);
});

async function segment(clip: string, more: Partial<SegmentFileSpec> = {}): Promise<SegmentFile> {
  return makeSegmentFile({ ...KEY, storeUuid: UUID, folder: tempDir('picture'), clip, closed: true, ...more });
}

async function picture(file: SegmentFile, afterMs: number, width = 640): Promise<Picture> {
  const { path, sizeBytes } = file;
  return pictures.make({ ...KEY, path, sizeBytes, atMs: START_MS + afterMs, width });
}

function save({ jpeg }: Picture): string {
  const path = join(tempDir('jpeg'), 'picture.jpg');
  writeFileSync(path, jpeg);
  return path;
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

/** Two keyframes, encoded from pictures in RGB. */
async function encode(name: string, source: string, filter: string, args: string[]): Promise<string> {
  const target = join(tempDir('clip'), `${name}.mp4`);
  await run('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', `${source}:r=5,format=gbrp`, '-frames:v', '2'],
    ...['-vf', filter, '-g', '1', '-bf', '0', ...args, target],
  ]);
  return target;
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12'];
const X265 = [
  '-c:v',
  'libx265',
  '-preset',
  'ultrafast',
  '-crf',
  '12',
  '-tag:v',
  'hvc1',
  '-x265-params',
  'log-level=none',
];

/** What the stream says of its colours. */
function tags(matrix: string, range: string): string[] {
  return ['-colorspace', matrix, '-color_range', range];
}

async function sameAsVideo(clip: string, made: Picture, atS: number, colours: Colours): Promise<void> {
  const { width, height } = made;
  const got = await jpegPixels(save(made));
  const wanted = await videoPixels(clip, atS, colours, { width, height });
  const db = psnr(got, wanted);
  assert.ok(db > LEAST_DB, `${db.toFixed(1)} dB`);
  const shift = meanDifference(got, wanted);
  assert.ok(
    shift.every(one => Math.abs(one) < MOST_SHIFT),
    `brighter by ${shift.map(one => one.toFixed(2))}`,
  );
}

interface ColourCase {
  name: string;
  size: Size;
  /** How the encoder was fed. */
  colours: Colours;
  format: string;
  encoder: string[];
  tags: string[];
}

const HD: Size = { width: 1280, height: 720 };
const SD: Size = { width: 640, height: 360 };
const COLOUR_CASES: ColourCase[] = [
  {
    name: 'BT.709',
    size: HD,
    colours: { matrix: 'bt709', range: 'tv' },
    format: 'yuv420p',
    encoder: X264,
    tags: tags('bt709', 'tv'),
  },
  {
    name: 'BT.601',
    size: SD,
    colours: { matrix: 'bt601', range: 'tv' },
    format: 'yuv420p',
    encoder: X264,
    tags: tags('smpte170m', 'tv'),
  },
  {
    name: 'BT.709 in small',
    size: SD,
    colours: { matrix: 'bt709', range: 'tv' },
    format: 'yuv420p',
    encoder: X264,
    tags: tags('bt709', 'tv'),
  },
  {
    name: 'HD that says nothing',
    size: HD,
    colours: { matrix: 'bt709', range: 'tv' },
    format: 'yuv420p',
    encoder: X264,
    tags: [],
  },
  {
    name: 'SD that says nothing',
    size: SD,
    colours: { matrix: 'bt601', range: 'tv' },
    format: 'yuv420p',
    encoder: X264,
    tags: [],
  },
  {
    name: 'full range',
    size: HD,
    colours: { matrix: 'bt709', range: 'pc' },
    format: 'yuvj420p',
    encoder: X264,
    tags: tags('bt709', 'pc'),
  },
  {
    name: '4:2:2',
    size: SD,
    colours: { matrix: 'bt709', range: 'tv' },
    format: 'yuv422p',
    encoder: X264,
    tags: tags('bt709', 'tv'),
  },
  {
    name: 'H.265',
    size: HD,
    colours: { matrix: 'bt709', range: 'tv' },
    format: 'yuv420p',
    encoder: X265,
    tags: tags('bt709', 'tv'),
  },
  {
    name: 'H.265, 10 bits',
    size: HD,
    colours: { matrix: 'bt709', range: 'tv' },
    format: 'yuv420p10le',
    encoder: X265,
    tags: tags('bt709', 'tv'),
  },
  {
    name: 'H.265, 10 bits, BT.2020',
    size: SD,
    colours: { matrix: 'bt2020', range: 'tv' },
    format: 'yuv420p10le',
    encoder: X265,
    tags: tags('bt2020nc', 'tv'),
  },
  {
    name: 'H.265, full range',
    size: SD,
    colours: { matrix: 'bt601', range: 'pc' },
    format: 'yuvj420p',
    encoder: X265,
    tags: tags('smpte170m', 'pc'),
  },
];

for (const { name, size, colours, format, encoder, tags } of COLOUR_CASES) {
  test(`colours: ${name}`, async () => {
    const { width, height } = size;
    // Blocks of pure colours on top, a picture below.
    const source = `testsrc2=s=${width}x${height}`;
    const blocks = ['red', 'lime', 'blue', 'white', 'black', 'gray'].map(
      (colour, at) => `drawbox=x=${(at * width) / 8}:y=0:w=${width / 8}:h=${height / 4}:color=${colour}:t=fill`,
    );
    const filter = `${blocks.join(',')},scale=out_color_matrix=${colours.matrix}:out_range=${colours.range},format=${format}`;
    const clip = await encode('colours', source, filter, [...encoder, ...tags]);
    const made = await picture(await segment(clip), 200, 480);
    await sameAsVideo(clip, made, 0.2, colours);
    const rgb = await jpegPixels(save(made));
    const expected = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [255, 255, 255],
      [0, 0, 0],
      [128, 128, 128],
    ];
    for (const [at, colour] of expected.entries()) {
      const got = pixelAt(rgb, made.width, Math.round(((at + 0.5) * made.width) / 8), Math.round(made.height / 8));
      for (const channel of [0, 1, 2]) {
        const off = Math.abs((got[channel] ?? 0) - (colour[channel] ?? 0));
        assert.ok(off <= 6, `block ${at}: ${got} for ${colour}`);
      }
    }
  });
}

for (const spec of ['smallBFrames', 'smallHevcBFrames'] as const) {
  test(`the nearest keyframe: ${spec}`, async () => {
    const clip = await clipFile(CLIPS[spec]);
    for (const layout of [{}, { closed: false }, { fragmentPictures: 10 }, { fragmentsPerReference: 3 }]) {
      const file = await segment(clip, layout);
      const times = file.keyTimesMs.map(time => time - START_MS);
      assert.is(times.length, 8);
      for (const [afterMs, index] of [
        [-5000, 0],
        [0, 0],
        [480, 0],
        [520, 1],
        [3000, 3],
        [3600, 4],
        [60_000, 7],
      ] as const) {
        const made = await picture(file, afterMs);
        assert.is(
          made.atMs,
          START_MS + Math.floor(times[index] ?? Number.NaN),
          `${JSON.stringify(layout)} at ${afterMs}`,
        );
      }
    }
    const made = await picture(await segment(clip), 3000);
    assert.equal([made.width, made.height], [320, 180]);
    const wanted = await videoPixels(clip, 3, { matrix: 'bt601', range: 'tv' }, made);
    assert.ok(psnr(await jpegPixels(save(made)), wanted) > 28, 'the picture of that moment');
    const other = await videoPixels(clip, 2, { matrix: 'bt601', range: 'tv' }, made);
    assert.ok(psnr(await jpegPixels(save(made)), other) < 24, 'no other');
  });
}

test('a file being written: only its whole fragments', async () => {
  const file = await segment(await clipFile(CLIPS.small), { closed: false });
  const upTo = (fragments: number) => ({ ...file, sizeBytes: file.fragments[fragments] ?? file.sizeBytes });
  assert.is((await failureOf(picture(upTo(0), 0))).kind, 'not-found');
  assert.is((await picture(upTo(2), 7000)).atMs, START_MS + 1000);
  truncateSync(file.path, (file.fragments[2] ?? 0) + 1000);
  assert.is((await picture(upTo(2), 7000)).atMs, START_MS + 1000);
});

test('what a file tells of its pixels is heeded: players show the same shape', async () => {
  for (const [size, sar, width, expected] of [
    ['704x576', '16/11', 4096, [704, 396]],
    ['704x576', '16/11', 352, [352, 198]],
    ['352x576', '1/2', 4096, [176, 576]],
    ['640x360', '1/1', 641, [640, 360]],
    ['640x360', '1/1', 333, [332, 188]],
    ['640x360', '1/200', 640, [640, 360]],
  ] as const) {
    const clip = await encode('shape', `testsrc2=s=${size}`, `setsar=${sar},format=yuv420p`, X264);
    const made = await picture(await segment(clip), 0, width);
    assert.equal([made.width, made.height], expected, `${size} ${sar}`);
    const facts = await pictureFacts(save(made));
    assert.equal(facts, { codec: 'mjpeg', width: made.width, height: made.height, format: 'yuvj420p', pixel: '1:1' });
  }
});

test('640 x 360 takes 15 to 60 KB', async () => {
  const clip = await clipFile(CLIPS.full);
  const { jpeg, width, height } = await picture(await segment(clip), 0);
  assert.equal([width, height], [640, 360]);
  assert.ok(jpeg.length > 15_000 && jpeg.length < 60_000, `${jpeg.length} bytes`);
});

test('damaged, foreign and missing files', async () => {
  const clip = await clipFile(CLIPS.smallHevc);
  const damage = async (change: (file: SegmentFile, bytes: Buffer) => void): Promise<NvrError> => {
    const file = await segment(clip);
    const bytes = readFileSync(file.path);
    change(file, bytes);
    writeFileSync(file.path, bytes);
    return failureOf(picture(file, 3000));
  };
  const third = (file: SegmentFile) => file.fragments[3] ?? 0;
  const sample = (file: SegmentFile, bytes: Buffer) => third(file) + bytes.readUInt32BE(third(file)) + 8;
  const noise = await damage((file, bytes) => bytes.fill(0xa5, sample(file, bytes), sample(file, bytes) + 900));
  assert.is(noise.kind, 'data-loss');
  assert.match(noise.message, 'keyframe');
  assert.is(
    (await damage((file, bytes) => bytes.fill(0, sample(file, bytes) + 600, sample(file, bytes) + 1112))).kind,
    'data-loss',
  );
  assert.is((await damage((file, bytes) => bytes.fill(0xff, third(file) + 40, third(file) + 60))).kind, 'data-loss');
  assert.is((await damage((_, bytes) => bytes.fill(1, 100, 120))).kind, 'data-loss');

  const file = await segment(clip);
  assert.is(
    (await failureOf(openPictures('f'.repeat(32)).make({ ...KEY, ...file, atMs: 0, width: 640 }))).kind,
    'data-loss',
  );
  const { path, sizeBytes } = file;
  const other = pictures.make({ ...KEY, camera: 4, path, sizeBytes, atMs: START_MS, width: 640 });
  assert.is((await failureOf(other)).kind, 'data-loss');
  copyFileSync(clip, path);
  assert.is((await failureOf(picture(file, 0))).kind, 'data-loss');
  unlinkSync(path);
  assert.is((await failureOf(picture(file, 0))).kind, 'not-found');
  assert.is((await failureOf(picture({ ...file, path: dirname(path) }, 0))).kind, 'data-loss');
});

test('a keyframe of more than 8 MiB is refused unread', async () => {
  const file = await segment(await clipFile(CLIPS.smallSilent), { closed: false, fragmentPictures: 1 });
  const [first = 0, second = 0] = file.fragments;
  const bytes = readFileSync(file.path);
  const moofBytes = bytes.readUInt32BE(first);
  const head = Buffer.from(bytes.subarray(first, first + moofBytes + 8));
  const sizeBytes = 9 * 1024 * 1024;
  // The trun is the last box of the moof: count, offset, then duration and size of its only sample.
  head.writeUInt32BE(sizeBytes, moofBytes - 12);
  head.writeUInt32BE(sizeBytes + 8, moofBytes);
  const out = openSync(file.path, 'r+');
  writeSync(out, head, 0, head.length, first);
  closeSync(out);
  truncateSync(file.path, first + head.length + sizeBytes);
  assert.ok(second > first);
  const made = failureOf(picture({ ...file, sizeBytes: first + head.length + sizeBytes }, 0));
  assert.is((await made).kind, 'failed-precondition');
});

test.run();
