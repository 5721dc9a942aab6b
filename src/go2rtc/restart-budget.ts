// How soon go2rtc is started again after a failure, and when it has failed so often that it rests.
import type { Clock } from '../core/index.ts';

/** Before the next start, by the number of failures in the window. */
const DELAYS_MS = [200, 500, 1000, 1000, 2000];
const WINDOW_MS = 10 * 60_000;
const RESTS_MS = [60_000, 2 * 60_000, 5 * 60_000, 10 * 60_000, 30 * 60_000];

export type Pause = { kind: 'delay' | 'rest'; ms: number };

export class RestartBudget {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #failures: number[] = [];
  #rests = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** After each failure: how long to wait. After a rest one more failure is enough for the next, longer one. */
  failed(): Pause {
    const nowMs = this.#clock.monotonicMs();
    this.#failures = this.#failures.filter(atMs => nowMs - atMs < WINDOW_MS);
    if (this.#failures.length === 0 && this.#rests > 0 && !this.#isRecent(nowMs)) this.#rests = 0;
    this.#failures.push(nowMs);
    this.#lastMs = nowMs;
    const delay = DELAYS_MS[this.#failures.length - 1];
    if (delay !== undefined && this.#rests === 0) return { kind: 'delay', ms: delay };
    const ms = RESTS_MS[Math.min(this.#rests, RESTS_MS.length - 1)] ?? 0;
    this.#rests++;
    this.#lastMs = nowMs + ms;
    return { kind: 'rest', ms };
  }

  /** Somebody changed something: it gets all its chances again. */
  forgive(): void {
    this.#failures = [];
    this.#rests = 0;
  }

  /** When the last failure was, or the rest after it ended. */
  #lastMs = Number.NEGATIVE_INFINITY;

  /** It has to go well for as long as the window before it counts as well again. */
  #isRecent(nowMs: number): boolean {
    return nowMs - this.#lastMs < WINDOW_MS;
  }
}
