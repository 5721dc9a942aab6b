// Whether the clock of the board can be believed: footage is deleted by its age only then.
import type { Clock } from '../core/index.ts';

export interface ClockTrustOptions {
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** What the kernel says: a time server sets the clock. */
  synchronised: () => boolean;
  /** The owner says that it is right. */
  confirmed: () => boolean;
}

/** No time before this one is true: the year in which this version was made. */
export const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** A clock that was just set may be set again. */
const AFTER_STEP_MS = 60_000;
/** Less is corrected little by little. */
const STEP_MS = 2000;

export class ClockTrust {
  readonly #options: ClockTrustOptions;
  #steppedMs: number | undefined;
  /** From the monotonic clock to UTC, when the last question was asked. */
  #offsetMs: number | undefined;

  constructor(options: ClockTrustOptions) {
    this.#options = options;
  }

  /** The clock was set. */
  stepped(): void {
    this.#steppedMs = this.#options.clock.monotonicMs();
  }

  get trusted(): boolean {
    const { clock, synchronised, confirmed } = this.#options;
    // The engine looks once a second, and not at all without streams: nothing may be deleted before it tells.
    const offsetMs = clock.nowMs() - clock.monotonicMs();
    if (Math.abs(offsetMs - (this.#offsetMs ?? offsetMs)) > STEP_MS) this.stepped();
    this.#offsetMs = offsetMs;
    if (clock.nowMs() < EARLIEST_MS) return false;
    if (this.#steppedMs !== undefined && clock.monotonicMs() - this.#steppedMs < AFTER_STEP_MS) return false;
    return synchronised() || confirmed();
  }
}
