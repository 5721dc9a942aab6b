// A clock that stands still until a test moves it.
import { type Clock, sleepOn } from '../../src/core/index.ts';

interface Timer {
  atMs: number;
  order: number;
  callback: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 1000;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + Math.max(ms, 0), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Steps the wall clock without time passing. */
  step(ms: number): void {
    this.#nowMs += ms;
  }

  /** Time passes in which nothing runs: timers that are due fire late. */
  stall(ms: number): void {
    this.#move(this.#monotonicMs + ms);
  }

  /** Lets `ms` pass: timers fire in order, and what they set off runs before the next one. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(timer => timer.atMs <= endMs);
      due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = due[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#move(next.atMs);
      next.callback();
      await settle();
    }
    this.#move(endMs);
    await settle();
  }

  #move(toMs: number): void {
    const passed = Math.max(toMs - this.#monotonicMs, 0);
    this.#monotonicMs += passed;
    this.#nowMs += passed;
  }
}

/** Lets everything that is ready to run, run. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
