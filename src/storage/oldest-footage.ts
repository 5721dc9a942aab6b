// Finds what was recorded first of a stream and may be deleted, apart for the footage of events and the rest.
import type { CameraId, StreamName } from '../core/index.ts';
import type { ClockSpan, ClockSpans } from './clock-spans.ts';
import { HOUR_MS } from './layout.ts';
import type { EventFootage } from './segment.ts';
import type { SegmentRecord } from './segment-codec.ts';
import type { Found, SegmentRows } from './segment-rows.ts';

export interface OldestFootageOptions {
  rows: SegmentRows;
  spans: ClockSpans;
  events: EventFootage;
  /** Records that overlap [fromMs, toMs), by their start. */
  find: (camera: CameraId, stream: StreamName, fromMs: number, toMs: number) => Iterable<Found>;
  /** No segment is longer. */
  longestMs: () => number;
}

export interface OldestQuery {
  camera: CameraId;
  stream: StreamName;
  /** Footage of events, or that of none. */
  ofEvents: boolean;
  limit: number;
  earliestMs: number;
  nowMs: number;
}

export interface AgedRecord {
  found: Found;
  recordedMs: number;
}

export class OldestFootage {
  readonly #options: OldestFootageOptions;

  constructor(options: OldestFootageOptions) {
    this.#options = options;
  }

  /** At most `limit`, in the order in which they were recorded. */
  of({ camera, stream, ofEvents, limit, earliestMs, nowMs }: OldestQuery): AgedRecord[] {
    const { spans } = this.#options;
    const entries = spans
      .of(camera, stream)
      .map(span => ({ span, latestMs: spans.latestMs(span, earliestMs, nowMs) }))
      .sort((a, b) => sinceMs(a) - sinceMs(b) || a.span.fromGen - b.span.fromGen);
    let oldest: AgedRecord[] = [];
    for (const entry of entries) {
      const { span, latestMs } = entry;
      const last = oldest.at(-1);
      if (oldest.length >= limit && last && last.recordedMs < sinceMs(entry)) break;
      const records = ofEvents
        ? this.#ofEvents(camera, stream, span, limit)
        : this.#ofNone(camera, stream, span, limit);
      const aged = records.map(found => ({ found, recordedMs: latestMs ?? found.startMs }));
      oldest = [...oldest, ...aged].sort(compareAge).slice(0, limit);
    }
    return oldest;
  }

  /** The first of a span that nothing holds and that belong to no event; narrows the span on the way. */
  #ofNone(camera: CameraId, stream: StreamName, span: ClockSpan, limit: number): Found[] {
    const { rows, spans } = this.#options;
    const found: Found[] = [];
    let anyPassed = span.freeHour > span.firstHour;
    for (const { hour, records } of rows.hours(camera, stream, span.freeHour, span.lastHour)) {
      const own = records.filter(record => isOf(record, span));
      const free = this.#withoutEvents(camera, own);
      if (found.length === 0) {
        if (!anyPassed && own.length > 0) span.firstHour = hour;
        if (free.length > 0) span.freeHour = hour;
        anyPassed ||= own.length > free.length;
      }
      for (const record of free) found.push({ ...record, stream });
      if (found.length >= limit) return found.slice(0, limit);
    }
    if (found.length > 0) return found;
    if (anyPassed) span.freeHour = span.lastHour + 1;
    else spans.drop(camera, stream, span);
    return [];
  }

  #withoutEvents(camera: CameraId, records: readonly SegmentRecord[]): SegmentRecord[] {
    const unlocked = records.filter(record => !record.locked);
    const first = unlocked[0];
    if (!first) return [];
    const endMs = Math.max(...unlocked.map(endOf));
    const ranges = this.#options.events.footage(camera, first.startMs, endMs, 'any');
    let at = 0;
    return unlocked.filter(record => {
      const isOver = (range: [number, number]) => range[1] <= record.startMs && range[0] < record.startMs;
      while (at < ranges.length && isOver(ranges[at] as [number, number])) at++;
      const range = ranges[at];
      return !range || range[0] >= endOf(record);
    });
  }

  /** The first of a span that belong to events and that nothing holds: found by the events, of which there are fewer. */
  #ofEvents(camera: CameraId, stream: StreamName, span: ClockSpan, limit: number): Found[] {
    const { events, find, longestMs } = this.#options;
    // What begins in the last hour may end in a later one.
    const endMs = (span.lastHour + 1) * HOUR_MS + longestMs();
    const taken = new Map<string, Found>();
    // What was looked at last, without a hole.
    let [doneFromMs, doneMs] = [0, 0];
    for (const event of events.unlockedFootage(camera, span.firstHour * HOUR_MS, endMs)) {
      if (taken.size >= limit) break;
      // Many events lie within one segment. A later one may reach further back than those before.
      const isBack = event.fromMs < doneFromMs;
      const fromMs = isBack ? event.fromMs : Math.max(event.fromMs, doneMs);
      const toMs = Math.min(Math.max(event.toMs, event.fromMs + 1), endMs);
      if (fromMs >= toMs) continue;
      if (isBack || fromMs > doneMs) [doneFromMs, doneMs] = [fromMs, 0];
      for (const found of find(camera, stream, fromMs, toMs)) {
        if (!isOf(found, span)) continue;
        doneMs = Math.max(doneMs, endOf(found));
        if (found.locked) continue;
        const name = `${found.startMs}-${found.clockGen}`;
        if (taken.has(name) || events.footage(camera, found.startMs, endOf(found), 'locked').length > 0) continue;
        taken.set(name, { ...found });
        if (taken.size >= limit) break;
      }
    }
    return [...taken.values()];
  }
}

function isOf(record: SegmentRecord, span: ClockSpan): boolean {
  return record.clockGen >= span.fromGen && record.clockGen <= span.toGen;
}

/** One without length counts as a moment. */
function endOf(record: SegmentRecord): number {
  return record.startMs + Math.max(record.durationMs, 1);
}

/** The earliest that anything of a span can have been recorded. */
function sinceMs({ span, latestMs }: { span: { firstHour: number }; latestMs: number | undefined }): number {
  return latestMs ?? span.firstHour * HOUR_MS;
}

function compareAge(a: AgedRecord, b: AgedRecord): number {
  return a.recordedMs - b.recordedMs || a.found.clockGen - b.found.clockGen || a.found.startMs - b.found.startMs;
}
