// Hours of footage in seconds: repeats the fragments of a file that was really recorded, at other times, as further segments
// of its store. The bytes are the engine's own; only times, numbers and the identity are others.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from '../../src/storage/crc32.ts';
import { segmentPath } from '../../src/storage/layout.ts';

/** A file in parts: how it begins, and a period of fragments behind which another fits without a seam. */
export interface Pattern {
  seconds: number;
  /** ftyp, moov, our `uuid` box and the head of the reserved box. */
  head: Buffer;
  uuidAt: number;
  reservedBytes: number;
  /** Before the period; sound frames seldom begin where pictures do, except at the start of a file. */
  lead: Buffer[];
  leadSeconds: number;
  fragments: Buffer[];
  /** Ticks per second of each track, by its id. */
  timescales: Map<number, number>;
}

export interface LongSegment {
  camera: number;
  /** UTC of its first picture. */
  startMs: number;
  clockGen: number;
  /** It is so many periods and the lead long. */
  periods: number;
}

const VIDEO_TRACK = 1;
const VIDEO_HZ = 90_000;

interface Box {
  type: string;
  at: number;
  /** Where its content begins. */
  body: number;
  end: number;
}

/**
 * Takes a closed segment file apart. `seconds` hold a whole number of pictures, of sound frames and of fragments; the file is at
 * least some fragments longer. Throws when nothing in it repeats after that time.
 */
export function readPattern(path: string, seconds: number): Pattern {
  const file = readFileSync(path);
  const top = [...boxes(file, 0, file.length)];
  const uuid = top.find(box => box.type === 'uuid');
  const moov = top.find(box => box.type === 'moov');
  if (!uuid || !moov) throw new Error(`${path} is no segment file`);
  const reservedBytes = file.readUInt32BE(uuid.at + 72);
  const starts = top.filter(box => box.type === 'moof').map(box => box.at);
  const timescales = readTimescales(file, moov);
  const times = starts.map(at => baseTimes(file, at));
  const follows = (one: number, other: number) =>
    [...timescales].every(([id, rate]) => timeOf(times[other], id) - timeOf(times[one], id) === seconds * rate);
  const from = times.findIndex((_, one) => times.some((_, other) => follows(one, other)));
  if (from < 0) throw new Error(`${path} does not repeat after ${seconds} s`);
  const to = times.findIndex((_, other) => follows(from, other));
  const fragments = starts.map((at, index) => file.subarray(at, starts[index + 1]));
  const leadSeconds = (timeOf(times[from], VIDEO_TRACK) - timeOf(times[0], VIDEO_TRACK)) / VIDEO_HZ;
  const head = Buffer.alloc(uuid.end + 8);
  file.copy(head, 0, 0, uuid.end);
  head.writeUInt32BE(reservedBytes, uuid.end);
  head.write('free', uuid.end + 4, 'latin1');
  const parts = { lead: fragments.slice(0, from), leadSeconds, fragments: fragments.slice(from, to) };
  return { seconds, head, uuidAt: uuid.at, reservedBytes, ...parts, timescales };
}

/** Writes the file of one segment as the service leaves it when it is killed: `thimble repair` closes and takes it in. */
export function writeLongSegment(segmentsFolder: string, pattern: Pattern, segment: LongSegment): string {
  const { head, uuidAt, reservedBytes, lead, fragments, timescales, seconds } = pattern;
  const path = join(segmentsFolder, segmentPath({ ...segment, stream: 'main' }, false));
  const own = Buffer.from(head);
  own.writeUInt32BE(segment.camera, uuidAt + 44);
  own.writeBigInt64BE(BigInt(segment.startMs), uuidAt + 52);
  own.writeUInt32BE(segment.clockGen, uuidAt + 60);
  own.writeUInt32BE(crc32(own.subarray(0, uuidAt + 76)), uuidAt + 76);
  const pieces: Buffer[] = [own, Buffer.alloc(reservedBytes - 8), ...lead];
  for (let period = 0; period < segment.periods; period++) {
    for (const fragment of fragments) pieces.push(moved(fragment, period * seconds, pieces.length - 1, timescales));
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat(pieces), { flag: 'wx', mode: 0o600 });
  return path;
}

/** The fragment, so many seconds later. */
function moved(fragment: Buffer, bySeconds: number, number: number, timescales: Map<number, number>): Buffer {
  const copy = Buffer.from(fragment);
  for (const { id, timeAt } of trackRuns(copy, 0)) {
    const time = copy.readBigUInt64BE(timeAt) + BigInt(bySeconds * (timescales.get(id) ?? 0));
    copy.writeBigUInt64BE(time, timeAt);
  }
  copy.writeUInt32BE(number, 20); // moof, mfhd, version and flags
  return copy;
}

function timeOf(times: Map<number, number> | undefined, track: number): number {
  return times?.get(track) ?? Number.NaN;
}

/** When the first run of each track begins. */
function baseTimes(file: Buffer, moofAt: number): Map<number, number> {
  const times = new Map<number, number>();
  for (const { id, timeAt } of trackRuns(file, moofAt)) {
    if (!times.has(id)) times.set(id, Number(file.readBigUInt64BE(timeAt)));
  }
  return times;
}

/** Each traf: its track, and where its 64-bit tfdt time stands. */
function* trackRuns(file: Buffer, moofAt: number): Generator<{ id: number; timeAt: number }> {
  for (const traf of boxes(file, moofAt + 8, moofAt + file.readUInt32BE(moofAt))) {
    if (traf.type !== 'traf') continue;
    const inner = [...boxes(file, traf.body, traf.end)];
    const [tfhd, tfdt] = ['tfhd', 'tfdt'].map(type => inner.find(box => box.type === type));
    if (!tfhd || !tfdt || tfdt.end !== tfdt.body + 12) throw new Error('a fragment is not of the shape that we write');
    yield { id: file.readUInt32BE(tfhd.body + 4), timeAt: tfdt.body + 4 };
  }
}

function readTimescales(file: Buffer, moov: Box): Map<number, number> {
  const scales = new Map<number, number>();
  for (const trak of boxes(file, moov.body, moov.end)) {
    if (trak.type !== 'trak') continue;
    const inside = [...boxes(file, trak.body, trak.end)];
    const tkhd = inside.find(box => box.type === 'tkhd');
    const mdia = inside.find(box => box.type === 'mdia');
    const mdhd = mdia && [...boxes(file, mdia.body, mdia.end)].find(box => box.type === 'mdhd');
    if (!tkhd || !mdhd) throw new Error('a track without a head');
    // Version 1 has times of 64 bits.
    const id = file.readUInt32BE(tkhd.body + (file[tkhd.body] === 1 ? 20 : 12));
    scales.set(id, file.readUInt32BE(mdhd.body + (file[mdhd.body] === 1 ? 20 : 12)));
  }
  return scales;
}

function* boxes(file: Buffer, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const size = file.readUInt32BE(at);
    if (size < 8 || at + size > to) throw new Error(`a box of ${size} bytes at ${at}`);
    yield { type: file.toString('latin1', at + 4, at + 8), at, body: at + 8, end: at + size };
    at += size;
  }
}
