// Segment files in any number: copies of one that was recorded, with camera, start and length of their own, as the engine would
// have written them. For figures that need more footage than one can wait for.
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from '../../src/storage/crc32.ts';
import { segmentPath } from '../../src/storage/layout.ts';

/** Offsets in the `uuid` box and the types of its fields: see native/media/segment_header.cc. */
const CAMERA_AT = 44;
const START_AT = 52;
const CLOCK_GEN_AT = 60;
const RESERVED_AT = 72;
const CHECKSUM_AT = 76;
/** Of the last fragments of a file a repair looks at every sample. */
const CHECKED_FRAGMENTS = 4;
const VIDEO_TRACK = 1;

interface Box {
  type: string;
  start: number;
  end: number;
}

interface Fragment {
  moof: Buffer;
  mdat: Buffer;
}

export interface Copy {
  /** Absolute path of the segments folder. */
  folder: string;
  camera: number;
  startMs: number;
  seconds: number;
  /** Leaves holes for the media of all but the last fragments, where the content does not matter. */
  sparse?: boolean;
  /** Bytes of a fragment that the power cut tore; 0 = none. */
  tornBytes?: number;
}

/** A recorded segment, taken apart; its copies belong to the same store. Its fragments are about a second long each. */
export class SegmentTemplate {
  readonly #header: Buffer;
  readonly #uuidAt: number;
  readonly #fragmentsAt: number;
  readonly #fragments: Fragment[] = [];
  /** Lengths of one round through the fragments, per track, in its own timescale. */
  readonly #roundTicks = new Map<number, number>();
  readonly #timescales: Map<number, number>;

  /** Reads the file of a closed segment. */
  constructor(file: string) {
    const bytes = readFileSync(file);
    const boxes = [...boxesOf(bytes, 0, bytes.length)];
    const uuid = boxes.find(box => box.type === 'uuid');
    if (!uuid) throw new Error(`${file} is no segment`);
    const reservedBytes = bytes.readUInt32BE(uuid.start + RESERVED_AT);
    this.#uuidAt = uuid.start;
    this.#fragmentsAt = uuid.end + reservedBytes;
    this.#header = Buffer.concat([bytes.subarray(0, uuid.end), freeHeader(reservedBytes)]);
    this.#timescales = timescalesOf(bytes, boxes);
    boxes.forEach((moof, index) => {
      const mdat = boxes[index + 1];
      if (moof.type !== 'moof' || mdat?.type !== 'mdat') return;
      this.#fragments.push({
        moof: bytes.subarray(moof.start, moof.end),
        mdat: bytes.subarray(mdat.start, mdat.end),
      });
    });
    const ticks = this.#fragments.reduce((sum, { moof }) => sum + durationOf(moof, VIDEO_TRACK), 0);
    const roundS = ticks / (this.#timescales.get(VIDEO_TRACK) ?? 1);
    for (const [track, timescale] of this.#timescales) this.#roundTicks.set(track, Math.round(roundS * timescale));
  }

  /** Writes one copy without an index, as a run leaves it that did not end well; gives back its size. */
  write(copy: Copy): number {
    const key = { camera: copy.camera, stream: 'main', startMs: copy.startMs, clockGen: 1 } as const;
    const path = join(copy.folder, segmentPath(key, false));
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(path, 'wx', 0o640);
    try {
      writeSync(fd, this.#headerOf(copy), 0, undefined, 0);
      let at = this.#fragmentsAt;
      for (let number = 0; number < copy.seconds; number++) {
        const { moof, mdat } = this.#fragment(number);
        const dense = !copy.sparse || number >= copy.seconds - CHECKED_FRAGMENTS;
        writeSync(fd, Buffer.concat([moof, dense ? mdat : mdat.subarray(0, 8)]), 0, undefined, at);
        at += moof.length + mdat.length;
      }
      ftruncateSync(fd, at);
      if (copy.tornBytes) writeSync(fd, this.#fragment(copy.seconds).moof, 0, copy.tornBytes, at);
      return at;
    } finally {
      closeSync(fd);
    }
  }

  #headerOf({ camera, startMs }: Copy): Buffer {
    const header = Buffer.from(this.#header);
    const box = header.subarray(this.#uuidAt);
    box.writeUInt32BE(camera, CAMERA_AT);
    box.writeBigInt64BE(BigInt(startMs), START_AT);
    box.writeUInt32BE(1, CLOCK_GEN_AT);
    box.writeUInt32BE(crc32(header.subarray(0, this.#uuidAt + CHECKSUM_AT)), CHECKSUM_AT);
    return header;
  }

  /** The fragment of a second, with its number and its times. */
  #fragment(number: number): Fragment {
    const source = this.#fragments[number % this.#fragments.length];
    if (!source) throw new Error('the template holds no fragment');
    const round = Math.floor(number / this.#fragments.length);
    const moof = Buffer.from(source.moof);
    for (const box of deepBoxes(moof)) {
      if (box.type === 'mfhd') moof.writeUInt32BE(number + 1, box.start + 12);
      if (box.type === 'tfdt') {
        const ticks = BigInt(round * (this.#roundTicks.get(trackOf(moof, box)) ?? 0));
        if (moof[box.start + 8] !== 1) throw new Error('a tfdt of 32 bits');
        moof.writeBigUInt64BE(moof.readBigUInt64BE(box.start + 12) + ticks, box.start + 12);
      }
    }
    return { moof, mdat: source.mdat };
  }
}

function freeHeader(sizeBytes: number): Buffer {
  const header = Buffer.from('\0\0\0\0free');
  header.writeUInt32BE(sizeBytes);
  return header;
}

function* boxesOf(bytes: Buffer, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const end = at + bytes.readUInt32BE(at);
    if (end < at + 8 || end > to) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at, end };
    at = end;
  }
}

const CONTAINERS = ['moof', 'traf', 'moov', 'trak', 'mdia'];

/** A box that holds boxes, and all within it. */
function* deepBoxes(bytes: Buffer, from = 0, to = bytes.length): Generator<Box> {
  for (const box of boxesOf(bytes, from, to)) {
    yield box;
    if (CONTAINERS.includes(box.type)) yield* deepBoxes(bytes, box.start + 8, box.end);
  }
}

/** The track of the traf that a box of a moof stands in: its tfhd is the last one before. */
function trackOf(moof: Buffer, box: Box): number {
  const header = [...deepBoxes(moof)].findLast(other => other.type === 'tfhd' && other.start < box.start);
  return header ? moof.readUInt32BE(header.start + 12) : 0;
}

/** Sum of the sample durations of a track in a moof; the engine's truns have flags 0xf01. */
function durationOf(moof: Buffer, track: number): number {
  let ticks = 0;
  for (const box of deepBoxes(moof)) {
    if (box.type !== 'trun' || trackOf(moof, box) !== track) continue;
    if ((moof.readUInt32BE(box.start + 8) & 0xffffff) !== 0xf01) throw new Error('a trun of another kind');
    const samples = moof.readUInt32BE(box.start + 12);
    for (let sample = 0; sample < samples; sample++) ticks += moof.readUInt32BE(box.start + 20 + sample * 16);
  }
  return ticks;
}

/** By the tracks' ids, which count from 1 in the order of the moov. */
function timescalesOf(bytes: Buffer, boxes: readonly Box[]): Map<number, number> {
  const moov = boxes.find(box => box.type === 'moov');
  const headers = [...deepBoxes(bytes, moov?.start, moov?.end)].filter(box => box.type === 'mdhd');
  // mdhd: 64-bit times in version 1.
  const scale = (box: Box) => bytes.readUInt32BE(box.start + (bytes[box.start + 8] === 1 ? 28 : 20));
  return new Map(headers.map((box, index) => [index + 1, scale(box)]));
}
