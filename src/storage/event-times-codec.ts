// The packed form of a part of the directory of events: what lists and retention ask of each without reading its row. 7 bytes of
// header with a checksum, then 38 bytes per event.
import { crc32 } from './crc32.ts';
import type { EventQuery, StoredEvent } from './event.ts';
import { sourceBits } from './event-codec.ts';
import { BY_ALL, certainBits, readReviewBits, reviewBits, reviewerBit } from './event-reviewers.ts';
import { MAX_TIME_MS } from './layout.ts';

/** One event as the directory holds it; its camera stands in the key of the row. */
export interface EventTime {
  startMs: number;
  n: number;
  /** Undefined while it goes on. */
  durationMs: number | undefined;
  /** Before the start and behind the end, as far as footage counts as the event's. */
  preMs: number;
  postMs: number;
  labels: WordSet;
  zones: WordSet;
  /** One bit for each source. */
  sources: number;
  /** 0 to 254; those without a score have 0. */
  strength: number;
  locked: boolean;
  /** `reviewBits` */
  reviewed: number;
}

/** Two bits out of 64 for each word: a word that is in the set is always found, another one seldom. */
export interface WordSet {
  low: number;
  high: number;
}

const VERSION = 1;
const HEADER_BYTES = 7;
const TIME_BYTES = 38;
/** So that a row fits a leaf of the index twice. */
export const MAX_TIMES = 48;
const MAX_STRENGTH = 254;
const ONGOING = 0xffffffff;
/** The other bits of its byte say who has reviewed the event. */
const LOCKED = 1;

export function eventTime(event: StoredEvent, n: number): EventTime {
  const { startMs, endMs, preRoll, score = 0 } = event;
  return {
    startMs,
    n,
    durationMs: endMs === undefined ? undefined : endMs - startMs,
    // What is promised is the event's too when it turns up: the delivered part is known only later.
    preMs: Math.max(preRoll.promisedMs, preRoll.deliveredMs),
    postMs: event.postRollMs,
    labels: wordSet(event.labels),
    zones: wordSet(event.zones),
    sources: sourceBits(event.sources),
    strength: Math.round(score * MAX_STRENGTH),
    locked: event.locked,
    reviewed: reviewBits(event.reviewedBy),
  };
}

export function wordSet(words: readonly string[]): WordSet {
  const set = { low: 0, high: 0 };
  for (const word of words) {
    const hash = crc32(Buffer.from(word));
    for (const bit of [hash & 63, (hash >>> 6) & 63]) {
      if (bit < 32) set.low |= 1 << bit;
      else set.high |= 1 << (bit - 32);
    }
  }
  return set;
}

export function hasAll(set: WordSet, wanted: WordSet): boolean {
  return (set.low & wanted.low) === wanted.low && (set.high & wanted.high) === wanted.high;
}

/** Start of the footage that counts as the event's. */
export function footageStart(time: EventTime): number {
  return time.startMs - time.preMs;
}

/** Its end; of an event that goes on there is none. */
export function footageEnd(time: EventTime): number {
  return time.durationMs === undefined ? Number.POSITIVE_INFINITY : time.startMs + time.durationMs + time.postMs;
}

/** Order within a part and of the whole directory of a camera. */
export function compareTimes(a: { startMs: number; n: number }, b: { startMs: number; n: number }): number {
  return a.startMs - b.startMs || a.n - b.n;
}

/** Packs at most `MAX_TIMES` events in their order; `key` is that of the row. */
export function encodeTimes(key: Buffer, times: readonly EventTime[]): Buffer {
  const row = Buffer.alloc(HEADER_BYTES + times.length * TIME_BYTES);
  row[0] = VERSION;
  row.writeUInt16LE(times.length, 1);
  times.forEach((time, index) => {
    const at = HEADER_BYTES + index * TIME_BYTES;
    row.writeUIntLE(time.startMs, at, 6);
    row.writeUInt16LE(time.n, at + 6);
    row.writeUInt32LE(time.durationMs ?? ONGOING, at + 8);
    row.writeUIntLE(time.preMs, at + 12, 3);
    row.writeUIntLE(time.postMs, at + 15, 3);
    row.writeInt32LE(time.labels.low, at + 18);
    row.writeInt32LE(time.labels.high, at + 22);
    row.writeInt32LE(time.zones.low, at + 26);
    row.writeInt32LE(time.zones.high, at + 30);
    row.writeUInt16LE(time.sources, at + 34);
    row[at + 36] = time.strength;
    row[at + 37] = (time.locked ? LOCKED : 0) | time.reviewed;
  });
  row.writeUInt32LE(checksum(key, row), 3);
  return row;
}

/** What events are to have in common. */
export interface Traits {
  labels: WordSet;
  zones: WordSet;
  sources: number;
  reviewed: EventQuery['reviewed'];
  locked: boolean | undefined;
}

/** Bits of one byte of an event that must have these values; or must not, where it is `isNot`. */
export type ByteTest = readonly [offset: number, mask: number, value: number, isNot?: boolean];

export function byteTests({ labels, zones, sources, reviewed, locked }: Traits): ByteTest[] {
  const tests: ByteTest[] = [];
  const all = (offset: number, bits: number, bytes: number) => {
    for (let byte = 0; byte < bytes; byte++) {
      const mask = (bits >>> (byte * 8)) & 0xff;
      if (mask !== 0) tests.push([offset + byte, mask, mask]);
    }
  };
  // What tells most comes first.
  if (locked !== undefined) tests.push([37, LOCKED, locked ? LOCKED : 0]);
  // An older version has set the bit of all alone.
  if (reviewed?.is) tests.push([37, BY_ALL | reviewerBit(reviewed.user), 0, true]);
  if (reviewed?.is === false) tests.push([37, certainBits(reviewed.user), 0]);
  all(18, labels.low, 4);
  all(22, labels.high, 4);
  all(26, zones.low, 4);
  all(30, zones.high, 4);
  all(34, sources, 2);
  return tests;
}

/** As `decodeTimes`, but only the events that pass all tests: the others are not taken apart. */
export function decodeMatching(key: Buffer, row: Uint8Array, tests: readonly ByteTest[]): EventTime[] | undefined {
  const data = sound(key, row);
  if (!data) return undefined;
  const times: EventTime[] = [];
  for (let at = HEADER_BYTES; at < data.length; at += TIME_BYTES)
    if (passes(data, at, tests)) times.push(decodeTime(data, at));
  return times;
}

function passes(data: Buffer, at: number, tests: readonly ByteTest[]): boolean {
  for (let n = 0; n < tests.length; n++) {
    const test = tests[n] as ByteTest;
    if ((((data[at + test[0]] as number) & test[1]) === test[2]) === (test[3] === true)) return false;
  }
  return true;
}

/** The row as a buffer when version, length and checksum agree. */
function sound(key: Buffer, row: Uint8Array): Buffer | undefined {
  const data = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  if (data.length < HEADER_BYTES || data[0] !== VERSION) return undefined;
  const count = data.readUInt16LE(1);
  if (count === 0 || count > MAX_TIMES || data.length !== HEADER_BYTES + count * TIME_BYTES) return undefined;
  return data.readUInt32LE(3) === checksum(key, data) ? data : undefined;
}

/** The events of a row in their order, or undefined when the row is damaged. */
export function decodeTimes(key: Buffer, row: Uint8Array): EventTime[] | undefined {
  const data = sound(key, row);
  if (!data) return undefined;
  const times: EventTime[] = [];
  for (let at = HEADER_BYTES; at < data.length; at += TIME_BYTES) {
    const time = decodeTime(data, at);
    const before = times.at(-1);
    if (time.startMs > MAX_TIME_MS || (before && compareTimes(before, time) >= 0)) return undefined;
    times.push(time);
  }
  return times;
}

function decodeTime(data: Buffer, at: number): EventTime {
  const durationMs = data.readUInt32LE(at + 8);
  const flags = data[at + 37] as number;
  return {
    startMs: data.readUIntLE(at, 6),
    n: data.readUInt16LE(at + 6),
    durationMs: durationMs === ONGOING ? undefined : durationMs,
    preMs: data.readUIntLE(at + 12, 3),
    postMs: data.readUIntLE(at + 15, 3),
    labels: { low: data.readInt32LE(at + 18), high: data.readInt32LE(at + 22) },
    zones: { low: data.readInt32LE(at + 26), high: data.readInt32LE(at + 30) },
    sources: data.readUInt16LE(at + 34),
    strength: data[at + 36] as number,
    locked: (flags & LOCKED) !== 0,
    reviewed: readReviewBits(flags),
  };
}

/** Covers the key as well: a row that lies under another key is damaged too. */
function checksum(key: Buffer, row: Buffer): number {
  return crc32(row.subarray(HEADER_BYTES), crc32(row.subarray(1, 3), crc32(key)));
}
