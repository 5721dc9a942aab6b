// The segments table: which footage there is. Hides rows per hour, the dictionary of codec strings and the running totals.
import {
  type CameraId,
  type Logger,
  NvrError,
  parseSegmentId,
  type SegmentKey,
  type StreamName,
  segmentId,
} from '../core/index.ts';
import { ClockSpans } from './clock-spans.ts';
import { CodecTable } from './codecs.ts';
import type { Database } from './database.ts';
import { cameraOfKey, hourOfKey, streamOfKey } from './keys.ts';
import { HOUR_MS, MAX_TIME_MS, segmentPath } from './layout.ts';
import { LockedBytes } from './locked-bytes.ts';
import { OldestFootage } from './oldest-footage.ts';
import type {
  AgedSegment,
  ClosedSegment,
  EventFootage,
  Segment,
  SegmentPage,
  SegmentQuery,
  Totals,
} from './segment.ts';
import { compareRecords, type SegmentRecord, summariseHour } from './segment-codec.ts';
import { compareFound, type Found, MAX_HOUR, type Position, SegmentRows } from './segment-rows.ts';

/** Segments this close together are shown as one piece of footage: less than two pictures at 25 fps. */
const JOIN_MS = 50;
/** Even without a longer one in the index, a segment of an hour ends only at the next keyframe. */
const MIN_LOOK_BACK_MS = 2 * HOUR_MS;

export class SegmentTable {
  readonly #database: Database;
  readonly #codecs: CodecTable;
  readonly #rows: SegmentRows;
  readonly #spans = new ClockSpans();
  readonly #totals = new Map<CameraId, Totals>();
  readonly #events: EventFootage;
  readonly #lockedBytes: LockedBytes;
  readonly #oldest: OldestFootage;
  #lookBackMs = MIN_LOOK_BACK_MS;
  #newestEndMs = 0;

  /** `onDamage` is called when a row turns out to be damaged: what it held is on the volume and not in the index. */
  constructor(database: Database, log: Logger, onDamage: () => void, events: EventFootage = NO_EVENTS) {
    this.#database = database;
    this.#codecs = new CodecTable(database);
    this.#rows = new SegmentRows(database, log, onDamage);
    this.#events = events;
    const find = (camera: CameraId, stream: StreamName | undefined, fromMs: number, toMs: number) =>
      this.#find(camera, stream, fromMs, toMs);
    this.#lockedBytes = new LockedBytes(events, find);
    const longestMs = () => this.#lookBackMs;
    this.#oldest = new OldestFootage({ rows: this.#rows, spans: this.#spans, events, find, longestMs });
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
      locked: segment.locked ?? false,
    };
    const { camera, stream } = segment;
    const before = this.#rows.read(camera, stream, hour);
    const others = before.filter(other => compareRecords(other, record) !== 0);
    const replaced = before.find(other => compareRecords(other, record) === 0);
    this.#rows.write(camera, stream, hour, [...others, record].sort(compareRecords));
    this.addTotals(camera, 1, record.sizeBytes);
    if (replaced) {
      this.addTotals(camera, -1, -replaced.sizeBytes);
      this.#lockedBytes.add(camera, stream, replaced, -1);
    }
    this.#lockedBytes.add(camera, stream, record, 1);
    this.#spans.note(camera, stream, record.clockGen, hour);
    this.#lookBackMs = Math.max(this.#lookBackMs, record.durationMs);
    this.#newestEndMs = Math.max(this.#newestEndMs, record.startMs + record.durationMs);
  }

  /** Takes a segment out of the table. Its bytes stay in the totals until the caller has removed the file. */
  take(key: SegmentKey): Segment | undefined {
    const hour = Math.floor(key.startMs / HOUR_MS);
    const before = this.#rows.read(key.camera, key.stream, hour);
    const index = before.findIndex(record => isRecord(record, key));
    const record = before[index];
    if (!record) return undefined;
    this.#rows.write(key.camera, key.stream, hour, before.toSpliced(index, 1));
    this.#lockedBytes.add(key.camera, key.stream, record, -1);
    return this.#segment(key.camera, { ...record, stream: key.stream });
  }

  /** Takes a segment without a file out of the table; true when there was one. */
  drop(key: SegmentKey): boolean {
    const segment = this.take(key);
    if (segment) this.addTotals(segment.camera, -1, -segment.sizeBytes);
    return segment !== undefined;
  }

  /** Locks or unlocks a segment; undefined when there is none. Durable with the next commit. */
  setLocked(key: SegmentKey, locked: boolean): Segment | undefined {
    const hour = Math.floor(key.startMs / HOUR_MS);
    const before = this.#rows.read(key.camera, key.stream, hour);
    const index = before.findIndex(record => isRecord(record, key));
    const record = before[index];
    if (!record) return undefined;
    const after = { ...record, locked };
    this.#lockedBytes.add(key.camera, key.stream, record, -1);
    this.#lockedBytes.add(key.camera, key.stream, after, 1);
    this.#rows.write(key.camera, key.stream, hour, before.with(index, after));
    // It may be the oldest now that can go.
    this.#spans.note(key.camera, key.stream, record.clockGen, hour);
    return this.#segment(key.camera, { ...after, stream: key.stream });
  }

  get(id: string): Segment | undefined {
    const key = parseSegmentId(id);
    if (!key || key.startMs > MAX_TIME_MS) return undefined;
    const row = this.#rows.read(key.camera, key.stream, Math.floor(key.startMs / HOUR_MS));
    const record = row.find(entry => isRecord(entry, key));
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

  /** What there is of a stream in [startMs, endMs): when it begins and ends, and its bytes; by its start. */
  sizes(
    camera: CameraId,
    startMs: number,
    endMs: number,
    stream: StreamName,
  ): [startMs: number, endMs: number, sizeBytes: number][] {
    const sizes: [number, number, number][] = [];
    for (const found of this.#find(camera, stream, startMs, endMs, false)) {
      sizes.push([found.startMs, found.startMs + found.durationMs, found.sizeBytes]);
    }
    return sizes;
  }

  /** The segment of a stream that starts last. */
  last(camera: CameraId, stream: StreamName): Segment | undefined {
    for (const found of this.#find(camera, stream, 0, MAX_TIME_MS, true)) return this.#segment(camera, found);
    return undefined;
  }

  /** Streams that may have footage, of cameras that are gone as well. */
  streams(): { camera: CameraId; stream: StreamName }[] {
    return this.#spans.streams();
  }

  /**
   * What was recorded first of a stream and is held by nothing, at most `limit` segments: of events, or of none. Times before `earliestMs`
   * or after now are those of a clock that was wrong: such footage counts as recorded just before the next that is dated truly.
   */
  oldest(query: {
    camera: CameraId;
    stream: StreamName;
    ofEvents: boolean;
    limit: number;
    earliestMs: number;
    nowMs: number;
  }): AgedSegment[] {
    const { camera } = query;
    return this.#oldest
      .of(query)
      .map(({ found, recordedMs }) => ({ ...this.#segment(camera, found), recordedMs, ofEvent: query.ofEvents }));
  }

  /** Bytes of segments that are locked, or that a locked event holds. */
  lockedBytes(camera?: CameraId): number {
    return camera === undefined ? this.#lockedBytes.all() : this.#lockedBytes.of(camera);
  }

  /** True for a segment that is never deleted by itself: it is locked, or footage of a locked event. */
  isHeld({ camera, startMs, endMs, locked }: Segment): boolean {
    return locked || this.#events.footage(camera, startMs, Math.max(endMs, startMs + 1), 'locked').length > 0;
  }

  /** Footage of [fromMs, toMs) belongs to other events than before; `locked`: to ones that are, or were. */
  noteEvents(camera: CameraId, fromMs: number, toMs: number, locked: boolean): void {
    this.#spans.noteEvents(camera, Math.floor((fromMs - this.#lookBackMs) / HOUR_MS));
    if (locked) this.#lockedBytes.renew(camera, fromMs, toMs);
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

  #find(camera: CameraId, stream: StreamName | undefined, fromMs: number, toMs: number, newestFirst = false) {
    return this.#rows.find(camera, stream, { fromMs, toMs, lookBackMs: this.#lookBackMs, newestFirst });
  }

  #count(key: Buffer, row: Buffer): void {
    const summary = key.length === 9 && streamOfKey(key) ? summariseHour(hourOfKey(key), row) : undefined;
    const stream = streamOfKey(key);
    if (!summary || !stream) {
      this.#rows.damaged(key);
      this.#database.remove('segments', key);
      return;
    }
    const camera = cameraOfKey(key);
    this.addTotals(camera, summary.segments, summary.sizeBytes);
    this.#lockedBytes.count(camera, summary.lockedBytes);
    for (const clockGen of summary.clockGens) this.#spans.note(camera, stream, clockGen, hourOfKey(key));
    this.#lookBackMs = Math.max(this.#lookBackMs, summary.longestMs);
    this.#newestEndMs = Math.max(this.#newestEndMs, summary.newestEndMs);
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
      locked: found.locked,
      path: segmentPath({ camera, stream, startMs, clockGen }, found.withGeneration),
    };
  }
}

const NO_EVENTS: EventFootage = { footage: () => [], unlockedFootage: () => [] };

function isRecord(record: SegmentRecord, key: SegmentKey): boolean {
  return record.startMs === key.startMs && record.clockGen === key.clockGen;
}

/** The cursor of a list that ended with this segment. */
export function formatCursor(segment: Position): string {
  return `${segment.startMs}-${segment.stream}-${segment.clockGen}`;
}

/** True for what comes behind a list that ended with this cursor. Throws `invalid-argument` for a cursor that is none of ours. */
export function isAfterCursor(cursor: string, segment: Position): boolean {
  return compareFound(segment, parseCursor(cursor)) > 0;
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
