// Keeps one kind of line from flooding the log: the first is written at once, what follows within a period is counted.
import type { Clock } from './clock.ts';

interface Period {
  /** Lines since the last one that was written. */
  count: number;
  /** Writes the newest of them. */
  write: (count: number) => void;
  cancel: () => void;
}

/** Kinds that are told apart at a time; beyond them all others count as one. */
const MAX_KINDS = 256;
const OTHERS = '';

export class LineLimit {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #periodMs: number;
  readonly #periods = new Map<string, Period>();

  /** `periodMs` 0 = every line is written. */
  constructor(clock: Pick<Clock, 'after'>, periodMs: number) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  /**
   * Calls `write(1)` at once when no line of this kind was written within the period. Else only the newest line is written, at the end
   * of the period, with the number of lines that it stands for.
   */
  pass(kind: string, write: (count: number) => void): void {
    if (this.#periodMs === 0) {
      write(1);
      return;
    }
    const key = this.#periods.has(kind) || this.#periods.size < MAX_KINDS ? kind : OTHERS;
    const period = this.#periods.get(key);
    if (period) {
      period.count++;
      period.write = write;
      return;
    }
    this.#begin(key);
    write(1);
  }

  /** Writes what waits. */
  flush(): void {
    const waiting = [...this.#periods.values()];
    this.#periods.clear();
    for (const { count, write, cancel } of waiting) {
      cancel();
      if (count > 0) write(count);
    }
  }

  #begin(key: string): void {
    const cancel = this.#clock.after(this.#periodMs, () => this.#end(key));
    this.#periods.set(key, { count: 0, write: () => undefined, cancel });
  }

  #end(key: string): void {
    const period = this.#periods.get(key);
    this.#periods.delete(key);
    if (!period || period.count === 0) return;
    this.#begin(key);
    period.write(period.count);
  }
}
