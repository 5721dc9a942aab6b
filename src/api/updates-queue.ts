// Holds messages down: of one thing, only so often, and then as it is by that time.
import type { CameraId, Clock } from '../core/index.ts';
import type { Update } from './contract.ts';

/** Of one thing, a message at most so often. */
const APART_MS = 250;
/** No thing waits longer than this for its next message. */
export const MOST_APART_MS = 2000;
/** How many things are remembered as told of a moment ago. */
const MOST_TOLD = 1024;

interface Pending {
  camera: CameraId | undefined;
  dueMs: number;
  /** Undefined when there is nothing to tell after all. */
  make: () => Update | undefined;
}

export class UpdateQueue {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #tell: (camera: CameraId | undefined, update: Update) => void;
  readonly #pending = new Map<string, Pending>();
  /** When something was told of; monotonic, oldest first. */
  readonly #told = new Map<string, number>();
  #cancel: (() => void) | undefined;
  /** When the next is due; monotonic. */
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(
    clock: Pick<Clock, 'monotonicMs' | 'after'>,
    tell: (camera: CameraId | undefined, update: Update) => void,
  ) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Has something told soon; what is told of it is made then. `camera`: whose it is, undefined = everybody's. */
  note(key: string, camera: CameraId | undefined, make: Pending['make'], apartMs: number = APART_MS): void {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs, (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) + apartMs);
    const before = this.#pending.get(key);
    const soonerMs = Math.min(dueMs, before?.dueMs ?? dueMs);
    this.#pending.set(key, { camera, make, dueMs: soonerMs });
    this.#flushAt(soonerMs);
  }

  /** What waits to be told of something. */
  waiting(key: string): Update | undefined {
    return this.#pending.get(key)?.make();
  }

  /** Forgets everything. */
  clear(): void {
    this.#cancel?.();
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.#pending.clear();
    this.#told.clear();
  }

  /** Then, or sooner. */
  #flushAt(dueMs: number): void {
    if (dueMs >= this.#nextMs) return;
    this.#cancel?.();
    this.#nextMs = dueMs;
    this.#cancel = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => this.#flush());
  }

  #flush(): void {
    this.#nextMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [key, { camera, dueMs, make }] of this.#pending) {
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      this.#pending.delete(key);
      this.#told.delete(key);
      this.#told.set(key, nowMs);
      const update = make();
      if (update) this.#tell(camera, update);
    }
    for (const [key, toldMs] of this.#told) {
      if (this.#told.size <= MOST_TOLD && toldMs > nowMs - MOST_APART_MS) break;
      this.#told.delete(key);
    }
    this.#flushAt(nextMs);
  }
}
