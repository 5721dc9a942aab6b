// The segments table: which footage there is. Hides rows per hour, the dictionary of codec strings and the running totals.
import {
  type CameraId,
  type Logger,
  NvrError,
  parseSegmentId,
  type SegmentKey,
  STREAM_NAMES,
  type StreamName,
  segmentId,
} from '../core/index.ts';
import { CodecTable } from './codecs.ts';
import type { Database } from './database.ts';
import { cameraOfKey, hourKey, hourOfKey, streamOfKey } from './keys.ts';
import { HOUR_MS, MAX_TIME_MS, segmentPath } from './layout.ts';
import type { ClosedSegment, Segment, SegmentPage, SegmentQuery, Totals } from './segment.ts';
import { compareRecords, decodeHour, encodeHour, type SegmentRecord, summariseHour } from './segment-codec.ts';

/** Segments this close together are shown as one piece of footage: less than two pictures at 25 fps. */
const JOIN_MS = 50;
/** Rows read at once; two days. */
const ROWS_PER_READ = 48;
const MAX_HOUR = Math.floor(MAX_TIME_MS / HOUR_MS);
/** Even without a longer one in the index, a segment of an hour ends only at the next keyframe. */
const MIN_LOOK_BACK_MS = 2 * HOUR_MS;

/** A record together with the stream that its row belongs to. */
interface Found extends SegmentRecord {
  stream: StreamName;
}

export class SegmentTable {
  readonly #database: Database;
  readonly #codecs: CodecTable;
  readonly #log: Logger;
  readonly #onDamage: () => void;
  readonly #totals = new Map<CameraId, Totals>();
  #lookBackMs = MIN_LOOK_BACK_MS;
  #newestEndMs = 0;

  /** `onDamage` is called when a row turns out to be damaged: what it held is on the volume and not in the index. */
  constructor(database: Database, log: Logger, onDamage: () => void) {
    this.#database = database;
    this.#codecs = new CodecTable(database);
    this.#log = log;
    this.#onDamage = onDamage;
  }

  /** Reads the whole table once, in pieces, for totals and damage. */
  async load(): Promise<void> {
    this.#codecs.load();
    const to = Buffer.alloc(9, 0xff);
    let from: Buffer = Buffer.alloc(1);
    for (;;) {
      const rows = this.#database.range('segments', { from, to, limit: 1000 });
      for (const { key, value } of rows) this.#count(key, value);
      const last = rows.at(-1);
      if (!last) return;
      from = Buffer.concat([last.key, Buffer.alloc(1)]);
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  /** Adds a closed segment; one with the same id is replaced. Durable with the next commit. */
  record(segment: ClosedSegment): void {
    const hour = Math.floor(segment.startMs / HOUR_MS);
    if (!Number.isSafeInteger(segment.startMs) || hour < 0 || hour > MAX_HOUR) {
      throw new NvrError('invalid-argument', `a segment cannot start at ${segment.startMs} ms`);
    }
    const plain = segment.path === segmentPath(segment, false);
    if (!plain && segment.path !== segmentPath(segment, true)) {
      throw new NvrError('internal', `${segment.path} is not how this segment's file is named`);
    }
    const record: SegmentRecord = {
      startMs: segment.startMs,
      durationMs: Math.max(0, Math.round(segment.endMs - segment.startMs)),
      sizeBytes: segment.sizeBytes,
      clockGen: segment.clockGen,
      codecId: this.#codecs.idOf(segment.codecs),
      endReason: segment.endReason,
      withGeneration: !plain,
    };
    const before = this.#row(segment.camera, segment.stream, hour);
    const others = before.filter(other => compareRecords(other, record) !== 0);
    const replaced = before.find(other => compareRecords(other, record) === 0);
    this.#write(segment.camera, segment.stream, hour, [...others, record].sort(compareRecords));
    this.addTotals(segment.camera, 1, record.sizeBytes);
    if (replaced) this.addTotals(segment.camera, -1, -replaced.sizeBytes);
    this.#note(record);
  }

  /** Takes a segment out of the table. Its bytes stay in the totals until the caller has removed the file. */
  take(key: SegmentKey): Segment | undefined {
    const hour = Math.floor(key.startMs / HOUR_MS);
    const before = this.#row(key.camera, key.stream, hour);
    const index = before.findIndex(record => record.startMs === key.startMs && record.clockGen === key.clockGen);
    const record = before[index];
    if (!record) return undefined;
    this.#write(key.camera, key.stream, hour, before.toSpliced(index, 1));
    return this.#segment(key.camera, { ...record, stream: key.stream });
  }

  get(id: string): Segment | undefined {
    const key = parseSegmentId(id);
    if (!key || key.startMs > MAX_TIME_MS) return undefined;
    const row = this.#row(key.camera, key.stream, Math.floor(key.startMs / HOUR_MS));
    const record = row.find(entry => entry.startMs === key.startMs && entry.clockGen === key.clockGen);
    return record && this.#segment(key.camera, { ...record, stream: key.stream });
  }

  /** Throws `invalid-argument` for a cursor that is none of ours. */
  list(query: SegmentQuery): SegmentPage {
    const { camera, limit, newestFirst = false } = query;
    const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
    let { startMs, endMs } = query;
    if (after) {
      if (newestFirst) endMs = Math.min(endMs, after.startMs + 1);
      else startMs = Math.max(startMs, after.startMs);
    }
    const segments: Segment[] = [];
    for (const found of this.#find(camera, query.stream, startMs, endMs, newestFirst)) {
      if (after && (newestFirst ? compareFound(found, after) >= 0 : compareFound(found, after) <= 0)) continue;
      const last = segments.at(-1);
      if (last && segments.length === limit) return { segments, cursor: formatCursor(last) };
      segments.push(this.#segment(camera, found));
    }
    return { segments };
  }

  /** Where there is footage within [startMs, endMs), whatever stream and clock generation; sorted, joined, cut to the range. */
  footage(camera: CameraId, startMs: number, endMs: number, stream?: StreamName): [number, number][] {
    const ranges: [number, number][] = [];
    for (const found of this.#find(camera, stream, startMs, endMs, false)) {
      const from = Math.max(found.startMs, startMs);
      const to = Math.min(found.startMs + found.durationMs, endMs);
      const last = ranges.at(-1);
      if (to <= from) continue;
      if (last && from <= last[1] + JOIN_MS) last[1] = Math.max(last[1], to);
      else ranges.push([from, to]);
    }
    return ranges;
  }

  /** The segment of a stream that starts last. */
  last(camera: CameraId, stream: StreamName): Segment | undefined {
    for (const found of this.#records(camera, stream, 0, MAX_TIME_MS, true)) return this.#segment(camera, found);
    return undefined;
  }

  /** Segments and their bytes on the volume, of one camera or of all. */
  totals(camera?: CameraId): Totals {
    if (camera !== undefined) return { ...(this.#totals.get(camera) ?? { segments: 0, sizeBytes: 0 }) };
    const sum = { segments: 0, sizeBytes: 0 };
    for (const { segments, sizeBytes } of this.#totals.values()) {
      sum.segments += segments;
      sum.sizeBytes += sizeBytes;
    }
    return sum;
  }

  addTotals(camera: CameraId, segments: number, sizeBytes: number): void {
    const totals = this.#totals.get(camera) ?? { segments: 0, sizeBytes: 0 };
    totals.segments += segments;
    totals.sizeBytes += sizeBytes;
    if (totals.segments === 0) this.#totals.delete(camera);
    else this.#totals.set(camera, totals);
  }

  /** End of the newest footage of all cameras, 0 without any. */
  get newestEndMs(): number {
    return this.#newestEndMs;
  }

  /** Records of one stream, or of both in one order. */
  #find(
    camera: CameraId,
    stream: StreamName | undefined,
    fromMs: number,
    toMs: number,
    newestFirst: boolean,
  ): Iterable<Found> {
    const streams = stream === undefined ? STREAM_NAMES : [stream];
    const sources = streams.map(name => this.#records(camera, name, fromMs, toMs, newestFirst));
    const [first, second] = sources;
    if (!first) return [];
    return second ? merge(first, second, newestFirst ? -1 : 1) : first;
  }

  /** Records that overlap [fromMs, toMs), in order of their start. Holds nothing of the index open between two of them. */
  *#records(
    camera: CameraId,
    stream: StreamName,
    fromMs: number,
    toMs: number,
    newestFirst: boolean,
  ): Generator<Found> {
    const firstHour = Math.max(0, Math.floor((fromMs - this.#lookBackMs) / HOUR_MS));
    const lastHour = Math.min(MAX_HOUR, Math.floor((toMs - 1) / HOUR_MS));
    if (lastHour < firstHour) return;
    let from = hourKey(camera, stream, firstHour);
    let to = hourKey(camera, stream, lastHour + 1);
    for (;;) {
      const rows = this.#database.range('segments', { from, to, limit: ROWS_PER_READ, reverse: newestFirst });
      for (const { key, value } of rows) {
        const records = this.#decode(key, value);
        if (newestFirst) records.reverse();
        for (const record of records) if (overlaps(record, fromMs, toMs)) yield { ...record, stream };
      }
      const last = rows.at(-1);
      if (!last || rows.length < ROWS_PER_READ) return;
      if (newestFirst) to = last.key;
      else from = hourKey(camera, stream, hourOfKey(last.key) + 1);
    }
  }

  #row(camera: CameraId, stream: StreamName, hour: number): SegmentRecord[] {
    const key = hourKey(camera, stream, hour);
    const row = this.#database.get('segments', key);
    return row ? this.#decode(key, row) : [];
  }

  #decode(key: Buffer, row: Buffer): SegmentRecord[] {
    const records = key.length === 9 && streamOfKey(key) ? decodeHour(hourOfKey(key), row) : undefined;
    if (!records) this.#damaged(key);
    return records ?? [];
  }

  #damaged(key: Buffer): void {
    this.#log.error('a row of the index is damaged', { table: 'segments', row: key.toString('hex') });
    this.#onDamage();
  }

  #write(camera: CameraId, stream: StreamName, hour: number, records: SegmentRecord[]): void {
    const key = hourKey(camera, stream, hour);
    if (records.length === 0) this.#database.remove('segments', key);
    else this.#database.put('segments', key, encodeHour(hour, records));
  }

  #count(key: Buffer, row: Buffer): void {
    const summary = key.length === 9 && streamOfKey(key) ? summariseHour(hourOfKey(key), row) : undefined;
    if (!summary) {
      this.#damaged(key);
      this.#database.remove('segments', key);
      return;
    }
    this.addTotals(cameraOfKey(key), summary.segments, summary.sizeBytes);
    this.#lookBackMs = Math.max(this.#lookBackMs, summary.longestMs);
    this.#newestEndMs = Math.max(this.#newestEndMs, summary.newestEndMs);
  }

  #note(record: SegmentRecord): void {
    this.#lookBackMs = Math.max(this.#lookBackMs, record.durationMs);
    this.#newestEndMs = Math.max(this.#newestEndMs, record.startMs + record.durationMs);
  }

  #segment(camera: CameraId, found: Found): Segment {
    const { stream, startMs, clockGen } = found;
    return {
      id: segmentId(camera, stream, startMs, clockGen),
      camera,
      stream,
      startMs,
      clockGen,
      endMs: startMs + found.durationMs,
      sizeBytes: found.sizeBytes,
      codecs: this.#codecs.textOf(found.codecId),
      endReason: found.endReason,
      path: segmentPath({ camera, stream, startMs, clockGen }, found.withGeneration),
    };
  }
}

/** Footage without length counts where it starts. */
function overlaps(record: SegmentRecord, fromMs: number, toMs: number): boolean {
  return record.startMs < toMs && (record.startMs + record.durationMs > fromMs || record.startMs >= fromMs);
}

type Position = Pick<Found, 'startMs' | 'stream' | 'clockGen'>;

function compareFound(a: Position, b: Position): number {
  return (
    a.startMs - b.startMs || STREAM_NAMES.indexOf(a.stream) - STREAM_NAMES.indexOf(b.stream) || a.clockGen - b.clockGen
  );
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

/** The cursor of a list that ended with this segment. */
export function formatCursor(segment: Position): string {
  return `${segment.startMs}-${segment.stream}-${segment.clockGen}`;
}

function parseCursor(cursor: string): Position {
  const match = /^(\d{1,15})-(main|sub)-(\d{1,10})$/.exec(cursor);
  if (!match) {
    throw new NvrError('invalid-argument', 'this cursor does not come from a list of segments', {
      field: 'cursor',
      cure: 'Leave it out to begin at the start.',
    });
  }
  return { startMs: Number(match[1]), stream: match[2] as StreamName, clockGen: Number(match[3]) };
}
