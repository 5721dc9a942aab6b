// How many bytes of each camera's footage are never deleted by themselves: those of locked segments are counted as they change, those
// that only locked events hold are added up when somebody asks after a change.
import { type CameraId, STREAM_NAMES, type StreamName } from '../core/index.ts';
import { MAX_TIME_MS } from './layout.ts';
import type { EventFootage } from './segment.ts';
import type { SegmentRecord } from './segment-codec.ts';
import type { Found } from './segment-rows.ts';

type Find = (camera: CameraId, stream: StreamName, fromMs: number, toMs: number) => Iterable<Found>;

export class LockedBytes {
  readonly #events: EventFootage;
  readonly #find: Find;
  readonly #locked = new Map<CameraId, number>();
  /** That locked events hold, of segments that are not locked; absent = to be added up. */
  readonly #held = new Map<CameraId, number>();
  /** Those that may have some. */
  readonly #cameras = new Set<CameraId>();

  constructor(events: EventFootage, find: Find) {
    this.#events = events;
    this.#find = find;
  }

  /** A segment came (`sign` 1) or went. */
  add(camera: CameraId, record: SegmentRecord, sign: 1 | -1): void {
    if (record.locked) this.count(camera, sign * record.sizeBytes);
    if (!this.#held.has(camera)) return;
    const { startMs, durationMs } = record;
    const held = this.#events.footage(camera, startMs, startMs + Math.max(durationMs, 1), 'locked');
    if (held.length > 0) this.#held.delete(camera);
  }

  /** Adds to the bytes of locked segments. */
  count(camera: CameraId, sizeBytes: number): void {
    const sum = (this.#locked.get(camera) ?? 0) + sizeBytes;
    if (sum === 0) this.#locked.delete(camera);
    else this.#locked.set(camera, sum);
    this.#cameras.add(camera);
  }

  /** What locked events hold has changed. */
  forget(camera: CameraId): void {
    this.#held.delete(camera);
    this.#cameras.add(camera);
  }

  of(camera: CameraId): number {
    let held = this.#held.get(camera);
    if (held === undefined) {
      held = this.#addUp(camera);
      this.#held.set(camera, held);
    }
    return (this.#locked.get(camera) ?? 0) + held;
  }

  all(): number {
    return [...this.#cameras].reduce((sum, camera) => sum + this.of(camera), 0);
  }

  #addUp(camera: CameraId): number {
    const ranges = this.#events.footage(camera, 0, MAX_TIME_MS, 'locked');
    let sizeBytes = 0;
    for (const stream of STREAM_NAMES) {
      const seen = new Set<string>();
      for (const [fromMs, toMs] of ranges) {
        // A segment between two events reaches into both.
        for (const found of this.#find(camera, stream, fromMs, Math.max(toMs, fromMs + 1))) {
          const name = `${found.startMs}-${found.clockGen}`;
          if (found.locked || seen.has(name)) continue;
          seen.add(name);
          sizeBytes += found.sizeBytes;
        }
      }
    }
    return sizeBytes;
  }
}
