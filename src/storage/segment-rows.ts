// The rows of the segments table, one per stream and hour: reads and writes them, in order of time and joined over streams.
import { type CameraId, type Logger, STREAM_NAMES, type StreamName } from '../core/index.ts';
import type { Database } from './database.ts';
import { hourKey, hourOfKey, streamOfKey } from './keys.ts';
import { HOUR_MS, MAX_TIME_MS } from './layout.ts';
import { decodeHour, encodeHour, type SegmentRecord } from './segment-codec.ts';

/** Rows read at once; two days. */
const ROWS_PER_READ = 48;
export const MAX_HOUR = Math.floor(MAX_TIME_MS / HOUR_MS);

/** A record together with the stream that its row belongs to. */
export interface Found extends SegmentRecord {
  stream: StreamName;
}

export type Position = Pick<Found, 'startMs' | 'stream' | 'clockGen'>;

export function compareFound(a: Position, b: Position): number {
  return (
    a.startMs - b.startMs || STREAM_NAMES.indexOf(a.stream) - STREAM_NAMES.indexOf(b.stream) || a.clockGen - b.clockGen
  );
}

export class SegmentRows {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #onDamage: () => void;

  /** `onDamage` is called when a row turns out to be damaged: what it held is on the volume and not in the index. */
  constructor(database: Database, log: Logger, onDamage: () => void) {
    this.#database = database;
    this.#log = log;
    this.#onDamage = onDamage;
  }

  /** In their order; empty also when there is no row. */
  read(camera: CameraId, stream: StreamName, hour: number): SegmentRecord[] {
    const key = hourKey(camera, stream, hour);
    const row = this.#database.get('segments', key);
    return row ? this.#decode(key, row) : [];
  }

  write(camera: CameraId, stream: StreamName, hour: number, records: SegmentRecord[]): void {
    const key = hourKey(camera, stream, hour);
    if (records.length === 0) this.#database.remove('segments', key);
    else this.#database.put('segments', key, encodeHour(hour, records));
  }

  damaged(key: Buffer): void {
    this.#log.error('a row of the index is damaged', { table: 'segments', row: key.toString('hex') });
    this.#onDamage();
  }

  /** The hours of a stream in [firstHour, lastHour], one row after the other. Holds nothing of the index open between two of them. */
  *hours(
    camera: CameraId,
    stream: StreamName,
    firstHour: number,
    lastHour: number,
    newestFirst = false,
  ): Generator<{ hour: number; records: SegmentRecord[] }> {
    if (lastHour < firstHour) return;
    let from = hourKey(camera, stream, firstHour);
    let to = hourKey(camera, stream, lastHour + 1);
    for (;;) {
      const rows = this.#database.range('segments', { from, to, limit: ROWS_PER_READ, reverse: newestFirst });
      for (const { key, value } of rows) yield { hour: hourOfKey(key), records: this.#decode(key, value) };
      const last = rows.at(-1);
      if (!last || rows.length < ROWS_PER_READ) return;
      if (newestFirst) to = last.key;
      else from = hourKey(camera, stream, hourOfKey(last.key) + 1);
    }
  }

  /**
   * Records of one stream, or of both in one order, that overlap [fromMs, toMs), by their start. `lookBackMs`: the longest that a record
   * before may reach into it.
   */
  find(
    camera: CameraId,
    stream: StreamName | undefined,
    range: { fromMs: number; toMs: number; lookBackMs: number; newestFirst?: boolean },
  ): Iterable<Found> {
    const streams = stream === undefined ? STREAM_NAMES : [stream];
    const [first, second] = streams.map(name => this.#overlapping(camera, name, range));
    if (!first) return [];
    return second ? merge(first, second, range.newestFirst ? -1 : 1) : first;
  }

  *#overlapping(
    camera: CameraId,
    stream: StreamName,
    range: { fromMs: number; toMs: number; lookBackMs: number; newestFirst?: boolean },
  ): Generator<Found> {
    const { fromMs, toMs, lookBackMs, newestFirst } = range;
    const firstHour = Math.max(0, Math.floor((fromMs - lookBackMs) / HOUR_MS));
    const lastHour = Math.min(MAX_HOUR, Math.floor((toMs - 1) / HOUR_MS));
    for (const { records } of this.hours(camera, stream, firstHour, lastHour, newestFirst)) {
      if (newestFirst) records.reverse();
      for (const record of records) {
        // The records are ours, made a moment ago: a copy of each would double the time that a day takes.
        if (overlaps(record, fromMs, toMs)) yield Object.assign(record, { stream });
      }
    }
  }

  #decode(key: Buffer, row: Buffer): SegmentRecord[] {
    const records = key.length === 9 && streamOfKey(key) ? decodeHour(hourOfKey(key), row) : undefined;
    if (!records) this.damaged(key);
    return records ?? [];
  }
}

/** Footage without length counts where it starts. */
function overlaps(record: SegmentRecord, fromMs: number, toMs: number): boolean {
  return record.startMs < toMs && (record.startMs + record.durationMs > fromMs || record.startMs >= fromMs);
}

/** Joins two sorted sources; `direction` -1 when they are sorted newest first. */
function* merge(first: Iterator<Found>, second: Iterator<Found>, direction: 1 | -1): Generator<Found> {
  let a = first.next();
  let b = second.next();
  while (!a.done || !b.done) {
    if (b.done || (!a.done && direction * compareFound(a.value, b.value) <= 0)) {
      if (!a.done) yield a.value;
      a = first.next();
    } else {
      yield b.value;
      b = second.next();
    }
  }
}
