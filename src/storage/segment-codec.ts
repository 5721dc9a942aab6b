// The packed form of the segments of one stream and hour: 7 bytes of header with a checksum, then 16 bytes per segment.
import { END_REASONS, type EndReason, NvrError } from '../core/index.ts';
import { crc32 } from './crc32.ts';
import { HOUR_MS } from './layout.ts';

/** One segment as the index holds it; camera and stream stand in the key of its row. */
export interface SegmentRecord {
  startMs: number;
  /** 0 to 97 days; from 2.3 hours on in whole seconds. */
  durationMs: number;
  /** 0 to 2^40-1. */
  sizeBytes: number;
  /** 0 to 2^24-1. */
  clockGen: number;
  /** Number in the dictionary of codec strings, 0 to 4095. */
  codecId: number;
  endReason: EndReason;
  /** The name of the file carries the clock generation. */
  withGeneration: boolean;
  /** Never deleted by itself. */
  locked: boolean;
}

const VERSION = 2;
const HEADER_BYTES = 7;
const RECORD_BYTES = 16;
/** One each 55 ms: a stream that reconnects all the time stays far below. */
export const MAX_RECORDS_PER_HOUR = 65_535;
const MAX_UINT24 = 0xffffff;
const MAX_UINT40 = 0xffffffffff;
/** Set in a duration that counts seconds. */
const SECONDS = 0x800000;
/** In the two bits above those that an hour of milliseconds needs. */
const FLAG_WITH_GENERATION = 0x400000;
const FLAG_LOCKED = 0x800000;
const START_BITS = 0x3fffff;
/** The end reason lies above the codec's number. */
const CODEC_BITS = 0x0fff;
const REASON_SHIFT = 12;

/** What stands on disk, for ever; new reasons take new numbers, up to 15. */
const END_REASON_CODES: Record<EndReason, number> = {
  length: 0,
  parameters: 1,
  'timestamp-jump': 2,
  'clock-step': 3,
  reconnect: 4,
  mode: 5,
  removed: 6,
  stop: 7,
  crash: 8,
  'power-cut': 9,
  suspect: 10,
  memory: 11,
};
const END_REASONS_BY_CODE: readonly (EndReason | undefined)[] = END_REASONS.toSorted(
  (a, b) => END_REASON_CODES[a] - END_REASON_CODES[b],
);

/** Order within a row and of all lists: by time, then by clock generation. */
export function compareRecords(a: SegmentRecord, b: SegmentRecord): number {
  return a.startMs - b.startMs || a.clockGen - b.clockGen;
}

/** Packs records, which all start in `hour`, in their order. */
export function encodeHour(hour: number, records: readonly SegmentRecord[]): Buffer {
  if (records.length > MAX_RECORDS_PER_HOUR) {
    throw new NvrError('resource-exhausted', `more than ${MAX_RECORDS_PER_HOUR} segments of one stream in an hour`);
  }
  const row = Buffer.alloc(HEADER_BYTES + records.length * RECORD_BYTES);
  row[0] = VERSION;
  row.writeUInt16LE(records.length, 1);
  records.forEach((record, index) => {
    const at = HEADER_BYTES + index * RECORD_BYTES;
    const flags = (record.withGeneration ? FLAG_WITH_GENERATION : 0) | (record.locked ? FLAG_LOCKED : 0);
    row.writeUIntLE((record.startMs - hour * HOUR_MS) | flags, at, 3);
    row.writeUIntLE(packDuration(record.durationMs), at + 3, 3);
    row.writeUIntLE(Math.min(record.sizeBytes, MAX_UINT40), at + 6, 5);
    row.writeUIntLE(Math.min(record.clockGen, MAX_UINT24), at + 11, 3);
    row.writeUInt16LE(record.codecId | (END_REASON_CODES[record.endReason] << REASON_SHIFT), at + 14);
  });
  row.writeUInt32LE(checksum(hour, row), 3);
  return row;
}

/** The records of a row in their order, or undefined when the row is damaged. */
export function decodeHour(hour: number, row: Uint8Array): SegmentRecord[] | undefined {
  const data = sound(hour, row);
  if (!data) return undefined;
  const records: SegmentRecord[] = [];
  for (let at = HEADER_BYTES; at < data.length; at += RECORD_BYTES) {
    const start = uint24(data, at);
    const offsetMs = start & START_BITS;
    const codec = uint16(data, at + 14);
    const endReason = END_REASONS_BY_CODE[codec >> REASON_SHIFT];
    if (offsetMs >= HOUR_MS || !endReason) return undefined;
    records.push({
      startMs: hour * HOUR_MS + offsetMs,
      durationMs: unpackDuration(uint24(data, at + 3)),
      sizeBytes: uint40(data, at + 6),
      clockGen: uint24(data, at + 11),
      codecId: codec & CODEC_BITS,
      endReason,
      withGeneration: (start & FLAG_WITH_GENERATION) !== 0,
      locked: (start & FLAG_LOCKED) !== 0,
    });
  }
  return records;
}

export interface HourSummary {
  segments: number;
  sizeBytes: number;
  lockedBytes: number;
  longestMs: number;
  newestEndMs: number;
  /** Each once. */
  clockGens: Set<number>;
}

/** What a row adds up to, without making its records; undefined when it is damaged. */
export function summariseHour(hour: number, row: Uint8Array): HourSummary | undefined {
  const data = sound(hour, row);
  if (!data) return undefined;
  const summary: HourSummary = {
    segments: uint16(data, 1),
    sizeBytes: 0,
    lockedBytes: 0,
    longestMs: 0,
    newestEndMs: 0,
    clockGens: new Set(),
  };
  let lastGen = -1;
  for (let at = HEADER_BYTES; at < data.length; at += RECORD_BYTES) {
    const start = uint24(data, at);
    const durationMs = unpackDuration(uint24(data, at + 3));
    const sizeBytes = uint40(data, at + 6);
    const endMs = hour * HOUR_MS + (start & START_BITS) + durationMs;
    const clockGen = uint24(data, at + 11);
    summary.sizeBytes += sizeBytes;
    if (start & FLAG_LOCKED) summary.lockedBytes += sizeBytes;
    if (clockGen !== lastGen) summary.clockGens.add(clockGen);
    lastGen = clockGen;
    if (durationMs > summary.longestMs) summary.longestMs = durationMs;
    if (endMs > summary.newestEndMs) summary.newestEndMs = endMs;
  }
  return summary;
}

/** The row as a buffer when version, length and checksum agree. */
function sound(hour: number, row: Uint8Array): Buffer | undefined {
  const data = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  if (data.length < HEADER_BYTES || data[0] !== VERSION) return undefined;
  if (data.length !== HEADER_BYTES + uint16(data, 1) * RECORD_BYTES) return undefined;
  return data.readUInt32LE(3) === checksum(hour, data) ? data : undefined;
}

// Little-endian numbers, byte by byte: the service runs without the optimising compiler, where Buffer's own readers take several
// times as long, and a start reads the whole table.

function uint16(data: Uint8Array, at: number): number {
  return (data[at] as number) | ((data[at + 1] as number) << 8);
}

function uint24(data: Uint8Array, at: number): number {
  return (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16);
}

function uint40(data: Uint8Array, at: number): number {
  return uint24(data, at) + uint16(data, at + 3) * 0x1000000;
}

/** Segments end at the first keyframe behind an hour at most; one that lasts longer comes from a camera without keyframes. */
function packDuration(durationMs: number): number {
  return durationMs < SECONDS ? durationMs : SECONDS | Math.min(Math.round(durationMs / 1000), SECONDS - 1);
}

function unpackDuration(packed: number): number {
  return packed & SECONDS ? (packed & (SECONDS - 1)) * 1000 : packed;
}

/** Covers the hour as well: a row that lies under another key is damaged too. */
function checksum(hour: number, row: Buffer): number {
  const head = Buffer.of(hour & 0xff, (hour >>> 8) & 0xff, (hour >>> 16) & 0xff, hour >>> 24, row[1] ?? 0, row[2] ?? 0);
  return crc32(row.subarray(HEADER_BYTES), crc32(head));
}
