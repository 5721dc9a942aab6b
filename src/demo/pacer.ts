// One timer for everything that plays: woken when the earliest is due, silent while nobody plays.
import type { Clock } from '../core/index.ts';

export interface Paced {
  /** Does what is due. Returns the monotonic milliseconds at which it wants to be called again. */
  tick(nowMs: number): number;
}

/** Those that are due within this time are served by the same wake-up. */
const SLACK_MS = 2;

export class Pacer {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #due = new Map<Paced, number>();
  #cancel: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>) {
    this.#clock = clock;
  }

  /** Ticks `paced` for the first time soon, never from inside this call. */
  add(paced: Paced): void {
    this.#due.set(paced, this.#clock.monotonicMs());
    this.#arm();
  }

  remove(paced: Paced): void {
    this.#due.delete(paced);
    this.#arm();
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#due.size === 0) return;
    const earliest = Math.min(...this.#due.values());
    if (earliest === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.after(Math.max(earliest - this.#clock.monotonicMs(), 1), () => this.#wake());
  }

  #wake(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [paced, dueMs] of [...this.#due]) {
      if (dueMs > nowMs + SLACK_MS || !this.#due.has(paced)) continue;
      const nextMs = paced.tick(nowMs);
      if (this.#due.has(paced)) this.#due.set(paced, nextMs);
    }
    this.#arm();
  }
}
