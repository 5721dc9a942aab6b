// The gaps table: when a stream that should record did not, and why. Gaps of one stream do not overlap.
import type { CameraId, GapReason, Logger, StreamName } from '../core/index.ts';
import type { Database } from './database.ts';
import { GAP_REASON_CODES, GAP_REASONS_BY_CODE } from './gap-reasons.ts';
import { cameraOfKey, streamOfKey, timeKey, timeOfKey } from './keys.ts';
import { MAX_TIME_MS } from './layout.ts';
import { decodeRow, encodeRow } from './rows.ts';

export interface Gap {
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  /** Absent while the gap goes on. */
  endMs?: number;
  reason: GapReason;
}

/** Shorter ones are no gaps: a camera that sends 5 pictures a second has as much between two of them. */
export const MIN_GAP_MS = 200;
/** Of one stream and answer; two a minute for a year. */
const MAX_GAPS = 1_000_000;
/** Rows that one deletion looks at to find the deleted gap before it. */
const MAX_FOLDED = 64;
/** Gaps before a range that may reach into it: one, and more only where the clock was set back. */
const LOOK_BACK = 8;

export class GapTable {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #ongoing = new Map<string, Gap>();

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  /** Finds the gaps that go on. */
  async load(): Promise<void> {
    let from: Buffer = Buffer.alloc(1);
    for (;;) {
      const rows = this.#database.range('gaps', { from, to: Buffer.alloc(11, 0xff), limit: 1000 });
      for (const { key, value } of rows) {
        const gap = this.#decode(key, value);
        if (!gap) this.#database.remove('gaps', key);
        else if (gap.endMs === undefined) this.#ongoing.set(name(gap.camera, gap.stream), gap);
      }
      const last = rows.at(-1);
      if (!last) return;
      from = Buffer.concat([last.key, Buffer.alloc(1)]);
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  /** The gap of a stream that goes on. */
  ongoing(camera: CameraId, stream: StreamName): Gap | undefined {
    const gap = this.#ongoing.get(name(camera, stream));
    return gap && { ...gap };
  }

  /** Begins a gap; one that goes on already ends where the new one begins. Durable with the next commit. */
  open(camera: CameraId, stream: StreamName, startMs: number, reason: GapReason): Gap {
    this.close(camera, stream, startMs);
    const gap: Gap = { camera, stream, startMs: clamp(startMs), reason };
    this.#put(gap);
    return { ...gap };
  }

  /** Ends the gap that goes on. Undefined when there is none or when it was too short to be one. */
  close(camera: CameraId, stream: StreamName, endMs: number): Gap | undefined {
    const gap = this.#ongoing.get(name(camera, stream));
    if (!gap) return undefined;
    this.#remove(gap);
    return this.add({ ...gap, endMs });
  }

  /** Writes a gap that is over, unless it is too short to be one. */
  add(gap: Gap & { endMs: number }): Gap | undefined {
    if (gap.endMs - gap.startMs < MIN_GAP_MS) return undefined;
    const closed = { ...gap, startMs: clamp(gap.startMs), endMs: clamp(gap.endMs) };
    this.#put(closed);
    return { ...closed };
  }

  /**
   * Notes that the footage of [startMs, endMs) was deleted. Joined with the deleted gaps around it, so that what retention passes over
   * takes one row; gaps between two deleted times say nothing any more and go. `hasFootage` tells whether there is any between.
   */
  addDeleted(
    camera: CameraId,
    stream: StreamName,
    range: { startMs: number; endMs: number },
    hasFootage: (fromMs: number, toMs: number) => boolean,
  ): void {
    let { startMs, endMs } = { startMs: clamp(range.startMs), endMs: clamp(range.endMs) };
    for (const gap of this.list(camera, startMs, endMs + MIN_GAP_MS, stream)) {
      if (gap.startMs < startMs) continue;
      const gapEndMs = gap.endMs ?? MAX_TIME_MS;
      if (gap.reason !== 'deleted' && (gap.startMs >= endMs || gapEndMs > endMs)) {
        // It goes on behind what was deleted, and keeps its reason.
        endMs = Math.min(endMs, gap.startMs);
        break;
      }
      endMs = Math.max(endMs, gapEndMs);
      this.#remove(gap);
    }
    const before = {
      from: timeKey(camera, stream, 0),
      to: timeKey(camera, stream, startMs),
      limit: MAX_FOLDED,
      reverse: true,
    };
    const passed: Gap[] = [];
    for (const { key, value } of this.#database.range('gaps', before)) {
      const gap = this.#decode(key, value);
      if (!gap || gap.endMs === undefined || gap.endMs > startMs + MIN_GAP_MS) break;
      if (gap.reason !== 'deleted') {
        passed.push(gap);
        continue;
      }
      if (hasFootage(gap.endMs, startMs)) break;
      for (const one of passed) this.#remove(one);
      startMs = gap.startMs;
      break;
    }
    if (endMs - startMs >= MIN_GAP_MS) this.#put({ camera, stream, startMs, endMs, reason: 'deleted' });
  }

  /** Moves the start of the gap that goes on to where footage turned out to end. */
  moveStart(camera: CameraId, stream: StreamName, startMs: number): void {
    const gap = this.#ongoing.get(name(camera, stream));
    if (!gap || gap.startMs === startMs) return;
    this.#remove(gap);
    this.#put({ ...gap, startMs: clamp(startMs) });
  }

  /**
   * Takes a time in which footage was found out of the gaps of a stream. What is left behind the footage gets `reasonAfter` when
   * the gap began before it: the footage proves that the first reason was over.
   */
  cover(camera: CameraId, stream: StreamName, startMs: number, endMs: number, reasonAfter: GapReason): void {
    for (const gap of this.list(camera, startMs, endMs, stream)) {
      this.#remove(gap);
      if (gap.startMs < startMs) this.add({ ...gap, endMs: startMs });
      const reason = gap.startMs < startMs - MIN_GAP_MS ? reasonAfter : gap.reason;
      const rest = { ...gap, startMs: Math.max(gap.startMs, endMs), reason };
      if (gap.endMs === undefined) this.#put(rest);
      else this.add({ ...rest, endMs: gap.endMs });
    }
  }

  /** Gaps that overlap [startMs, endMs), by their start; of one stream, or of both. */
  list(camera: CameraId, startMs: number, endMs: number, stream?: StreamName): Gap[] {
    if (stream === undefined) {
      const both = [...this.list(camera, startMs, endMs, 'main'), ...this.list(camera, startMs, endMs, 'sub')];
      return both.sort((a, b) => a.startMs - b.startMs);
    }
    const from = timeKey(camera, stream, clamp(startMs));
    const to = timeKey(camera, stream, clamp(endMs));
    const before = { from: timeKey(camera, stream, 0), to: from, limit: LOOK_BACK, reverse: true };
    const rows = [
      ...this.#database.range('gaps', before).reverse(),
      ...this.#database.range('gaps', { from, to, limit: MAX_GAPS }),
    ];
    const gaps = rows.map(({ key, value }) => this.#decode(key, value)).filter(gap => gap !== undefined);
    const ongoing = this.#ongoing.get(name(camera, stream));
    if (ongoing && ongoing.startMs < startMs && !gaps.some(gap => gap.startMs === ongoing.startMs)) {
      gaps.unshift({ ...ongoing });
    }
    return gaps.filter(gap => gap.startMs < endMs && (gap.endMs ?? MAX_TIME_MS) > startMs);
  }

  /** Forgets all gaps of a camera. */
  removeCamera(camera: CameraId): void {
    for (const stream of ['main', 'sub'] as const) {
      for (const gap of this.list(camera, 0, MAX_TIME_MS, stream)) this.#remove(gap);
    }
  }

  #put(gap: Gap): void {
    const row: unknown[] = [GAP_REASON_CODES[gap.reason]];
    if (gap.endMs === undefined) this.#ongoing.set(name(gap.camera, gap.stream), gap);
    else row.push(gap.endMs - gap.startMs);
    this.#database.put('gaps', timeKey(gap.camera, gap.stream, gap.startMs), encodeRow(row));
  }

  #remove(gap: Gap): void {
    if (gap.endMs === undefined) this.#ongoing.delete(name(gap.camera, gap.stream));
    this.#database.remove('gaps', timeKey(gap.camera, gap.stream, gap.startMs));
  }

  #decode(key: Buffer, value: Buffer): Gap | undefined {
    const stream = key.length === 11 ? streamOfKey(key) : undefined;
    const row = decodeRow(value);
    if (stream && Array.isArray(row)) {
      const [code, durationMs] = row as [unknown, unknown];
      const reason = GAP_REASONS_BY_CODE.get(code as number);
      const startMs = timeOfKey(key);
      const gap: Gap | undefined = reason && { camera: cameraOfKey(key), stream, startMs, reason };
      if (gap && durationMs === undefined) return gap;
      if (gap && Number.isSafeInteger(durationMs) && (durationMs as number) > 0) {
        return { ...gap, endMs: startMs + (durationMs as number) };
      }
    }
    this.#log.error('a row of the index is damaged', { table: 'gaps', row: key.toString('hex') });
    return undefined;
  }
}

function name(camera: CameraId, stream: StreamName): string {
  return `${camera}/${stream}`;
}

function clamp(timeMs: number): number {
  return Math.min(Math.max(Math.round(timeMs), 0), MAX_TIME_MS);
}
