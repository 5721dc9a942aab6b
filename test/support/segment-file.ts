// Makes segment files out of plain MP4 files, sharing no code with the recorder: for tests that need footage of a certain
// kind and cannot wait for a camera to play it.
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SegmentKey } from '../../src/core/index.ts';
import type { Frame, Track } from '../../src/demo/clip.ts';
import { readMp4File } from '../../src/demo/mp4-file.ts';
import { crc32 } from '../../src/storage/crc32.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { run } from './child.ts';
import { tempDir } from './temp.ts';

export interface SegmentFileSpec extends SegmentKey {
  /** Of the data directory, 32 hex digits. */
  storeUuid: string;
  /** The `segments` folder. */
  folder: string;
  /** A plain MP4 file. */
  clip: string;
  /** With its index; an open file has none. */
  closed: boolean;
  /** Pictures in one fragment; by default one second or up to the next keyframe, whichever is shorter. */
  fragmentPictures?: number;
  /** How many fragments one reference of the index stands for; default 1. */
  fragmentsPerReference?: number;
}

export interface SegmentFile {
  /** Absolute. */
  path: string;
  sizeBytes: number;
  endMs: number;
  /** UTC of each keyframe, not rounded. */
  keyTimesMs: number[];
  /** Offset of each fragment. */
  fragments: number[];
}

const TICKS_PER_SECOND = 90_000;
const RESERVED_BYTES = 8192 + 24 * 300;
const BOX_TYPE = Buffer.from('00ad4c421c90f7323c2b5ed64dd7f6e0', 'hex');

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** ftyp and moov as libavformat writes them for fragments. */
async function initSegment(clip: string): Promise<Buffer> {
  const target = join(tempDir('init'), 'init.mp4');
  const flags = ['-movflags', 'empty_moov+default_base_moof+frag_keyframe', '-video_track_timescale', '90000'];
  const args = ['-v', 'error', '-nostdin', '-i', clip, '-map', '0:v', '-map', '0:a?', '-c', 'copy'];
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', clip],
  ]);
  const tag = stdout.trim().startsWith('hevc') ? ['-tag:v', 'hvc1'] : [];
  await run('ffmpeg', [...args, ...tag, ...flags, '-use_editlist', '0', '-frames:v', '2', target]);
  const bytes = readFileSync(target);
  const moovAt = bytes.readUInt32BE(0);
  return bytes.subarray(0, moovAt + bytes.readUInt32BE(moovAt));
}

function uuidBox(init: Buffer, spec: SegmentFileSpec, ptsOffset: number): Buffer {
  const sizeBytes = 80 + ((8 - (init.length % 8)) % 8);
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt32BE(sizeBytes);
  bytes.write('uuid', 4, 'latin1');
  BOX_TYPE.copy(bytes, 8);
  bytes[24] = 1;
  Buffer.from(spec.storeUuid, 'hex').copy(bytes, 28);
  bytes.writeUInt32BE(spec.camera, 44);
  bytes[48] = spec.stream === 'sub' ? 1 : 0;
  bytes.writeBigInt64BE(BigInt(spec.startMs), 52);
  bytes.writeUInt32BE(spec.clockGen, 60);
  bytes.writeBigInt64BE(BigInt(ptsOffset), 64);
  bytes.writeUInt32BE(RESERVED_BYTES, 72);
  bytes.writeUInt32BE(crc32(Buffer.concat([init, bytes.subarray(0, 76)])) >>> 0, 76);
  return bytes;
}

interface Sample extends Frame {
  duration: number;
}

/** With durations, and the video's times in ticks of 90 kHz; dts begins at 0. */
function samplesOf(track: Track | undefined): Sample[] {
  if (!track) return [];
  const timescale = track.kind === 'video' ? TICKS_PER_SECOND : track.timescale;
  const ticks = (time: number) => Math.round((time * timescale) / track.timescale);
  const zero = ticks(track.frames[0]?.dts ?? 0);
  const end = zero + ticks(track.durationTicks);
  return track.frames.map((frame, index) => {
    const next = track.frames[index + 1];
    const dts = ticks(frame.dts) - zero;
    return { ...frame, dts, pts: ticks(frame.pts) - zero, duration: (next ? ticks(next.dts) : end) - zero - dts };
  });
}

interface Part {
  pictures: Sample[];
  sounds: Sample[];
}

/** Sound lies in the fragment of its pictures; what has none left gets fragments of its own. */
function partsOf(pictures: Sample[], sounds: Sample[], soundRate: number, most: number | undefined): Part[] {
  const parts: Part[] = [];
  for (const picture of pictures) {
    const last = parts.at(-1);
    const first = last?.pictures[0];
    const isFull = most
      ? last?.pictures.length === most
      : picture.key || picture.dts - (first?.dts ?? 0) >= TICKS_PER_SECOND;
    if (!last || isFull) parts.push({ pictures: [picture], sounds: [] });
    else last.pictures.push(picture);
  }
  for (const sound of sounds) {
    const at = (sound.dts / soundRate) * TICKS_PER_SECOND;
    const part = parts.findLast(one => (one.pictures[0]?.dts ?? 0) <= at) ?? parts[0];
    part?.sounds.push(sound);
  }
  return parts;
}

function fragment(part: Part, number: number): Buffer {
  const runs = [part.pictures, part.sounds].map((samples, index) => ({ id: index + 1, samples }));
  const data = Buffer.concat([...part.pictures, ...part.sounds].map(sample => sample.data));
  const moof = (offsets: number[]) => {
    const tracks = runs.flatMap(({ id, samples }, index) => {
      const [first] = samples;
      if (!first) return [];
      const rows = samples.map(({ duration, data, key, dts, pts }) =>
        words(duration, data.length, key || id === 2 ? 0x02000000 : 0x01010000, pts - dts),
      );
      const tfdt = box('tfdt', words(0x01000000), long(first.dts));
      const trun = box('trun', words(0x01000f01, samples.length, offsets[index] ?? 0), ...rows);
      return [box('traf', box('tfhd', words(0x020000, id)), tfdt, trun)];
    });
    return box('moof', box('mfhd', words(0, number)), ...tracks);
  };
  const mediaAt = moof([]).length + 8;
  const pictureBytes = part.pictures.reduce((sum, sample) => sum + sample.data.length, 0);
  return Buffer.concat([moof([mediaAt, mediaAt + pictureBytes]), box('mdat', data)]);
}

function index(parts: readonly Part[], sizes: readonly number[], perReference: number): Buffer {
  const references: Buffer[] = [];
  for (let at = 0; at < parts.length; at += perReference) {
    const pictures = parts.slice(at, at + perReference).flatMap(part => part.pictures);
    const duration = pictures.reduce((sum, sample) => sum + sample.duration, 0);
    const sizeBytes = sizes.slice(at, at + perReference).reduce((sum, size) => sum + size, 0);
    references.push(words(sizeBytes, duration, pictures[0]?.key ? 0x90000000 : 0));
  }
  const earliest = Math.min(...(parts[0]?.pictures ?? []).map(sample => sample.pts));
  const restBytes = RESERVED_BYTES - 40 - references.length * 12;
  const count = words(references.length);
  const head = [words(0x01000000, 1, TICKS_PER_SECOND), long(earliest), long(restBytes), count];
  return Buffer.concat([box('sidx', ...head, ...references), words(restBytes), Buffer.from('free')]);
}

/** Writes the file below `folder`, under the name that a segment of that start has. */
export async function makeSegmentFile(spec: SegmentFileSpec): Promise<SegmentFile> {
  const { tracks } = await readMp4File(spec.clip);
  const sound = tracks.find(track => track.kind === 'audio');
  const pictures = samplesOf(tracks.find(track => track.kind === 'video'));
  const parts = partsOf(pictures, samplesOf(sound), sound?.timescale ?? 1, spec.fragmentPictures);
  const ptsOffset = Math.min(...pictures.map(sample => sample.pts));
  const init = await initSegment(spec.clip);
  const fragments = parts.map((part, number) => fragment(part, number + 1));
  const sizes = fragments.map(bytes => bytes.length);
  const reserved = Buffer.alloc(RESERVED_BYTES);
  words(RESERVED_BYTES).copy(reserved);
  reserved.write('free', 4, 'latin1');
  if (spec.closed) index(parts, sizes, spec.fragmentsPerReference ?? 1).copy(reserved);
  const head = Buffer.concat([init, uuidBox(init, spec, ptsOffset), reserved]);
  const path = join(spec.folder, segmentPath(spec, false));
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'wx');
  for (const bytes of [head, ...fragments]) writeSync(file, bytes);
  closeSync(file);
  const utc = (pts: number) => spec.startMs + (pts - ptsOffset) / 90;
  const offsets = sizes.map((_, number) => head.length + sizes.slice(0, number).reduce((sum, size) => sum + size, 0));
  return {
    path,
    sizeBytes: head.length + sizes.reduce((sum, size) => sum + size, 0),
    endMs: Math.ceil(Math.max(...pictures.map(sample => utc(sample.pts + sample.duration)))),
    keyTimesMs: pictures.filter(sample => sample.key).map(sample => utc(sample.pts)),
    fragments: offsets,
  };
}
