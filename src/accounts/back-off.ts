// Slows down whoever guesses passwords: by the network that the guesses come from, and by the name that they are about.
import type { Clock } from '../core/index.ts';
import { BoundedMap } from './bounded-map.ts';

export interface BackOffOptions {
  /** Failures that cost nothing. */
  free: number;
  /** Wait after the first failure beyond those; it doubles with each further one. */
  firstMs: number;
  maxMs: number;
  /** After so long without a failure all is forgotten. */
  forgetMs: number;
  /** What is kept of others is forgotten, oldest first. */
  maxKeys: number;
}

interface Failures {
  count: number;
  /** Of the monotonic clock. */
  lastMs: number;
}

export class BackOff {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #options: BackOffOptions;
  readonly #failures: BoundedMap<string, Failures>;

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: BackOffOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#failures = new BoundedMap(options.maxKeys);
  }

  /** How long the next try has to wait; 0 = not at all. */
  waitMs(key: string): number {
    const { free, firstMs, maxMs } = this.#options;
    const { count, lastMs } = this.#of(key);
    if (count < free) return 0;
    const delayMs = Math.min(maxMs, firstMs * 2 ** Math.min(count - free, 30));
    return Math.max(0, lastMs + delayMs - this.#clock.monotonicMs());
  }

  /** A try begins: it counts as failed until the opposite is known, so that many at once are no way around. */
  fail(key: string): void {
    this.#failures.set(key, { count: this.#of(key).count + 1, lastMs: this.#clock.monotonicMs() });
  }

  /** It was right: that one counts no more. */
  forgive(key: string): void {
    const failures = this.#failures.get(key);
    if (failures && failures.count > 1) failures.count--;
    else this.#failures.delete(key);
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures that still count, by key, to be kept over a restart. */
  counts(): [key: string, count: number][] {
    return [...this.#failures.entries()].map(([key]) => [key, this.#of(key).count]);
  }

  /** What was kept; as if the last failure were just now. */
  restore(counts: readonly (readonly [key: string, count: number])[]): void {
    for (const [key, count] of counts) this.#failures.set(key, { count, lastMs: this.#clock.monotonicMs() });
  }

  #of(key: string): Failures {
    const failures = this.#failures.get(key);
    const nowMs = this.#clock.monotonicMs();
    return failures && nowMs - failures.lastMs < this.#options.forgetMs ? failures : { count: 0, lastMs: nowMs };
  }
}
