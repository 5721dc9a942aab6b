// Which clock generations a stream has footage of, and in which hours each: what was recorded first is found through it, whatever the
// board's clock said at the time.
import { type CameraId, STREAM_NAMES, type StreamName } from '../core/index.ts';
import { HOUR_MS } from './layout.ts';

/** The footage of one clock generation, or from it on when a stream has too many of them. All of it lies in these hours. */
export interface ClockSpan {
  fromGen: number;
  /** Up to which generation, inclusive. */
  toGen: number;
  firstHour: number;
  lastHour: number;
  /** No earlier hour holds a segment that is neither locked nor an event's. */
  freeHour: number;
}

/** A board that loses its clock at each boot makes one per boot; beyond this many of a stream the newest ones count as one. */
const MAX_SPANS = 512;

export class ClockSpans {
  readonly #streams = new Map<string, { camera: CameraId; stream: StreamName; spans: ClockSpan[] }>();

  /** There is footage of a generation in an hour. */
  note(camera: CameraId, stream: StreamName, clockGen: number, hour: number): void {
    const name = `${camera}/${stream}`;
    const spans = this.#streams.get(name)?.spans ?? [];
    if (spans.length === 0) this.#streams.set(name, { camera, stream, spans });
    const index = spans.findLastIndex(span => span.fromGen <= clockGen);
    const found = spans[index];
    if (found && (found.fromGen === clockGen || spans.length >= MAX_SPANS)) {
      found.toGen = Math.max(found.toGen, clockGen);
      found.firstHour = Math.min(found.firstHour, hour);
      found.lastHour = Math.max(found.lastHour, hour);
      found.freeHour = Math.min(found.freeHour, hour);
    } else {
      const span = { fromGen: clockGen, toGen: clockGen, firstHour: hour, lastHour: hour, freeHour: hour };
      spans.splice(index + 1, 0, span);
    }
  }

  /** By generation; the spans are the table's own, so that a reader can narrow them. */
  of(camera: CameraId, stream: StreamName): ClockSpan[] {
    return this.#streams.get(`${camera}/${stream}`)?.spans ?? [];
  }

  /** Footage from an hour on may belong to other events than before, or to none. */
  noteEvents(camera: CameraId, hour: number): void {
    for (const stream of STREAM_NAMES) {
      for (const span of this.of(camera, stream))
        span.freeHour = Math.min(span.freeHour, Math.max(hour, span.firstHour));
    }
  }

  drop(camera: CameraId, stream: StreamName, span: ClockSpan): void {
    const entry = this.#streams.get(`${camera}/${stream}`);
    if (!entry) return;
    entry.spans = entry.spans.filter(other => other !== span);
    if (entry.spans.length === 0) this.#streams.delete(`${camera}/${stream}`);
  }

  streams(): { camera: CameraId; stream: StreamName }[] {
    return [...this.#streams.values()].map(({ camera, stream }) => ({ camera, stream }));
  }

  /**
   * When the footage of a span was recorded at the latest, undefined when its own times are true: those of footage before `earliestMs`
   * (the clock had not been set yet) or in the future are not; the next generation with true times began after it.
   */
  latestMs(span: ClockSpan, earliestMs: number, nowMs: number): number | undefined {
    const isTrue = (one: ClockSpan) =>
      one.firstHour * HOUR_MS >= earliestMs - HOUR_MS && one.lastHour * HOUR_MS <= nowMs;
    if (isTrue(span)) return undefined;
    let latest = nowMs;
    for (const { spans } of this.#streams.values()) {
      const next = spans.find(other => other.fromGen > span.toGen && isTrue(other));
      if (next) latest = Math.min(latest, next.firstHour * HOUR_MS);
    }
    return latest;
  }
}
