// Reads what stands before the media of a segment file: whose it is, how its times count, where its fragments stand.
import { type StreamName, segmentId } from '../core/index.ts';

/** Offsets in our `uuid` box, its type and version: as in native/media/segment_header.cc, which also says how they are checked. */
const BOX_TYPE = Buffer.from('00ad4c421c90f7323c2b5ed64dd7f6e0', 'hex');
const VERSION = 1;
const TYPE_AT = 8;
const VERSION_AT = 24;
const CAMERA_AT = 44;
const STREAM_AT = 48;
const START_AT = 52;
const CLOCK_GEN_AT = 60;
const PTS_OFFSET_AT = 64;
const RESERVED_AT = 72;
const BOX_BYTES = 80;

const MAX_HEAD_BYTES = 128 * 1024;
/** 8 KiB, and 24 bytes for each second of a day. */
const MAX_RESERVED_BYTES = 8192 + 24 * 86_400;
const MAX_PTS_OFFSET = 2n ** 52n;

/** The sidx as the recorder writes it: see native/media/segment_index.cc. */
export const INDEX_HEAD_BYTES = 40;
const REFERENCE_BYTES = 12;
const VIDEO_TRACK = 1;
const TIMESCALE = 90_000;
const STARTS_WITH_KEY = 0x90000000;
/** Sums of durations stay exact. */
const MAX_START_90K = 2n ** 52n;

/** What stands before the first fragment. */
export interface SegmentHead {
  /** As the file says. */
  id: string;
  /** ftyp and moov: the first bytes of the file. */
  initBytes: number;
  /** The pts of the first picture, 90 kHz. */
  firstPts90k: number;
  reservedOffset: number;
  reservedBytes: number;
}

/** One reference of the index: usually one fragment. */
export interface FragmentPlace {
  offset: number;
  sizeBytes: number;
  /** On the file's time line. */
  start90k: number;
  duration90k: number;
  /** It begins with a keyframe. */
  key: boolean;
}

/** `bytes` from the start of a file. A number = so many bytes are needed; undefined = no segment of ours. */
export function readHead(bytes: Buffer): SegmentHead | number | undefined {
  let at = 0;
  for (const type of ['ftyp', 'moov', 'uuid']) {
    if (bytes.length < at + 8) return at + 8;
    const sizeBytes = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) !== type || sizeBytes < 8) return undefined;
    if (at + sizeBytes > MAX_HEAD_BYTES) return undefined;
    if (bytes.length < at + sizeBytes) return at + sizeBytes;
    if (type !== 'uuid') at += sizeBytes;
  }
  const box = bytes.subarray(at, at + bytes.readUInt32BE(at));
  if (box.length < BOX_BYTES || box[VERSION_AT] !== VERSION) return undefined;
  if (BOX_TYPE.compare(box, TYPE_AT, TYPE_AT + BOX_TYPE.length) !== 0) return undefined;
  const stream: StreamName | undefined = (['main', 'sub'] as const)[box[STREAM_AT] as number];
  const startMs = box.readBigUInt64BE(START_AT);
  const firstPts = box.readBigInt64BE(PTS_OFFSET_AT);
  const reservedBytes = box.readUInt32BE(RESERVED_AT);
  if (!stream || startMs > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  if (firstPts <= -MAX_PTS_OFFSET || firstPts >= MAX_PTS_OFFSET) return undefined;
  if (reservedBytes < 8192 || reservedBytes > MAX_RESERVED_BYTES) return undefined;
  return {
    id: segmentId(box.readUInt32BE(CAMERA_AT), stream, Number(startMs), box.readUInt32BE(CLOCK_GEN_AT)),
    initBytes: at,
    firstPts90k: Number(firstPts),
    reservedOffset: at + box.length,
    reservedBytes,
  };
}

/** Size of the sidx that begins with these bytes, with its head; undefined when there is none (yet). */
export function indexSize(bytes: Buffer): number | undefined {
  if (bytes.length < INDEX_HEAD_BYTES || bytes.toString('latin1', 4, 8) !== 'sidx') return undefined;
  const sizeBytes = bytes.readUInt32BE(0);
  const isOurs =
    bytes.readUInt32BE(8) === 0x01000000 &&
    bytes.readUInt32BE(12) === VIDEO_TRACK &&
    bytes.readUInt32BE(16) === TIMESCALE &&
    sizeBytes === INDEX_HEAD_BYTES + bytes.readUInt16BE(38) * REFERENCE_BYTES;
  return isOurs ? sizeBytes : undefined;
}

/**
 * What a whole sidx says of a file whose fragments begin at `offset` and of which `sizeBytes` may be read. Undefined when it contradicts
 * itself or the file; `growing`: it may tell of more than may be read, which is left out.
 */
export function readIndex(
  index: Buffer,
  offset: number,
  sizeBytes: number,
  growing: boolean,
): FragmentPlace[] | undefined {
  if (indexSize(index) !== index.length || index.readBigUInt64BE(20) > MAX_START_90K) return undefined;
  const places: FragmentPlace[] = [];
  let at = offset;
  let start90k = Number(index.readBigUInt64BE(20));
  for (let from = INDEX_HEAD_BYTES; from < index.length; from += REFERENCE_BYTES) {
    // With its highest bit it would be another sidx.
    const size = index.readUInt32BE(from);
    const duration90k = index.readUInt32BE(from + 4);
    const access = index.readUInt32BE(from + 8);
    if (size < 8 || size > 0x7fffffff) return undefined;
    if (access !== 0 && access !== STARTS_WITH_KEY) return undefined;
    if (at + size > sizeBytes) return growing ? places : undefined;
    places.push({ offset: at, sizeBytes: size, start90k, duration90k, key: access !== 0 });
    at += size;
    start90k += duration90k;
  }
  return places;
}

/** The index of such places: they follow each other in the file and in time. */
export function encodeIndex(places: readonly FragmentPlace[]): Buffer {
  const index = Buffer.alloc(INDEX_HEAD_BYTES + places.length * REFERENCE_BYTES);
  index.writeUInt32BE(index.length, 0);
  index.write('sidx', 4, 'latin1');
  index[8] = 1;
  index.writeUInt32BE(VIDEO_TRACK, 12);
  index.writeUInt32BE(TIMESCALE, 16);
  index.writeBigUInt64BE(BigInt(Math.max(0, places[0]?.start90k ?? 0)), 20);
  index.writeUInt16BE(places.length, 38);
  for (const [number, place] of places.entries()) {
    const at = INDEX_HEAD_BYTES + number * REFERENCE_BYTES;
    index.writeUInt32BE(place.sizeBytes, at);
    index.writeUInt32BE(place.duration90k, at + 4);
    index.writeUInt32BE(place.key ? STARTS_WITH_KEY : 0, at + 8);
  }
  return index;
}
