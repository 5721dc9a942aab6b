// How many bytes of each camera's footage are never deleted by themselves: those of locked segments, and those that only locked events
// hold. The latter are looked for when somebody first asks, and followed from then on.
import { type CameraId, STREAM_NAMES, type StreamName } from '../core/index.ts';
import { MAX_TIME_MS } from './layout.ts';
import type { EventFootage } from './segment.ts';
import type { SegmentRecord } from './segment-codec.ts';
import type { Found } from './segment-rows.ts';

type Find = (camera: CameraId, stream: StreamName, fromMs: number, toMs: number) => Iterable<Found>;

/** Segments of a camera that locked events hold and that are not locked, with their bytes. */
interface Held {
  segments: Map<string, number>;
  sizeBytes: number;
}

export class LockedBytes {
  readonly #events: EventFootage;
  readonly #find: Find;
  readonly #locked = new Map<CameraId, number>();
  /** Of cameras that were asked for. */
  readonly #held = new Map<CameraId, Held>();
  /** Those that may have some. */
  readonly #cameras = new Set<CameraId>();

  constructor(events: EventFootage, find: Find) {
    this.#events = events;
    this.#find = find;
  }

  /** A segment came (`sign` 1) or went. */
  add(camera: CameraId, stream: StreamName, record: SegmentRecord, sign: 1 | -1): void {
    if (record.locked) this.count(camera, sign * record.sizeBytes);
    const held = this.#held.get(camera);
    if (held) this.#hold(held, stream, record, sign === 1 && this.#isHeld(camera, record));
  }

  /** Adds to the bytes of locked segments. */
  count(camera: CameraId, sizeBytes: number): void {
    const sum = (this.#locked.get(camera) ?? 0) + sizeBytes;
    if (sum === 0) this.#locked.delete(camera);
    else this.#locked.set(camera, sum);
    this.#cameras.add(camera);
  }

  /** Which events of [fromMs, toMs) are locked has changed. */
  renew(camera: CameraId, fromMs: number, toMs: number): void {
    this.#cameras.add(camera);
    const held = this.#held.get(camera);
    if (held) this.#lookAt(camera, held, fromMs, toMs);
  }

  of(camera: CameraId): number {
    let held = this.#held.get(camera);
    if (!held) {
      held = { segments: new Map(), sizeBytes: 0 };
      for (const range of this.#events.footage(camera, 0, MAX_TIME_MS, 'locked')) this.#lookAt(camera, held, ...range);
      this.#held.set(camera, held);
    }
    return (this.#locked.get(camera) ?? 0) + held.sizeBytes;
  }

  all(): number {
    return [...this.#cameras].reduce((sum, camera) => sum + this.of(camera), 0);
  }

  #lookAt(camera: CameraId, held: Held, fromMs: number, toMs: number): void {
    for (const stream of STREAM_NAMES) {
      for (const found of this.#find(camera, stream, fromMs, Math.max(toMs, fromMs + 1))) {
        this.#hold(held, stream, found, this.#isHeld(camera, found));
      }
    }
  }

  #isHeld(camera: CameraId, { startMs, durationMs, locked }: SegmentRecord): boolean {
    if (locked) return false;
    return this.#events.footage(camera, startMs, startMs + Math.max(durationMs, 1), 'locked').length > 0;
  }

  #hold(held: Held, stream: StreamName, { startMs, clockGen, sizeBytes }: SegmentRecord, isHeld: boolean): void {
    const name = `${stream}-${startMs}-${clockGen}`;
    held.sizeBytes -= held.segments.get(name) ?? 0;
    held.segments.delete(name);
    if (!isHeld) return;
    held.segments.set(name, sizeBytes);
    held.sizeBytes += sizeBytes;
  }
}
