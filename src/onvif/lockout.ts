// Keeps us from locking the owner out of the camera: after a refused login nothing is signed for 5, then 30 minutes.
import type { Clock } from '../core/index.ts';

const FIRST_MS = 5 * 60_000;
const LATER_MS = 30 * 60_000;

/** One per camera and login; another login begins with a new one. */
export class Lockout {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #untilMs = 0;
  #refusals = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** How long nothing may be signed, 0 when it may. */
  get waitMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.monotonicMs());
  }

  refused(): void {
    this.#refusals += 1;
    this.#untilMs = this.#clock.monotonicMs() + (this.#refusals === 1 ? FIRST_MS : LATER_MS);
  }

  /** The login was right before, so it is something that passes. */
  pause(ms: number): void {
    this.#untilMs = Math.max(this.#untilMs, this.#clock.monotonicMs() + ms);
  }

  accepted(): void {
    this.#refusals = 0;
    this.#untilMs = 0;
  }
}
