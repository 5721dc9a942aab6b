// Keeps live pictures close to now: from how much is buffered ahead of the shown picture it says how fast to play, or to jump.

export interface DelayOrder {
  rate: number;
  /** Where to go at once, seconds on the element's time line. */
  jumpToS?: number;
}

const AIM_S = 0.4;
/** What uneven networks may raise the aim to. */
const MOST_AIM_S = 1;
/** After each time that nothing was left to show. */
const AIM_STEP_S = 0.15;
/** The aim sinks again when that long all went well. */
const CALM_MS = 30_000;
/** More than this is not caught up with but jumped over: 5 s after a pause of the network the picture is to be fresh. */
const JUMP_S = 2;
/** At the start everything since the newest keyframe comes at once. */
const START_JUMP_S = 0.2;
const START_MS = 2500;
/** While the element goes there more arrives. */
const SEEK_S = 0.15;
const LEAST_S = 0.15;

export class LiveDelay {
  /** Where rate changes make the element stop and buffer, only jumps are asked for. */
  readonly #jumpsOnly: boolean;
  #aimS = AIM_S;
  #fragmentS = 0.1;
  #startedMs: number | undefined;
  #changedMs = 0;
  #fast = false;

  constructor(jumpsOnly = false) {
    this.#jumpsOnly = jumpsOnly;
  }

  get aimS(): number {
    return this.#aimS + this.#fragmentS;
  }

  fragment(durationS: number): void {
    if (durationS > 0) this.#fragmentS += (Math.min(durationS, 1) - this.#fragmentS) * 0.1;
  }

  /** Nothing was left to show. */
  starved(nowMs: number): void {
    // At the start that is the way of things.
    if (this.#startedMs === undefined || nowMs - this.#startedMs < START_MS) return;
    this.#aimS = Math.min(this.#aimS + AIM_STEP_S, MOST_AIM_S);
    this.#changedMs = nowMs;
  }

  /** `endS`: until when pictures are buffered. */
  look(positionS: number, endS: number, nowMs: number): DelayOrder {
    this.#startedMs ??= nowMs;
    if (this.#aimS > AIM_S && nowMs - this.#changedMs > CALM_MS) {
      this.#aimS = Math.max(AIM_S, this.#aimS - AIM_STEP_S);
      this.#changedMs = nowMs;
    }
    const behindS = endS - positionS;
    const starting = nowMs - this.#startedMs < START_MS;
    const limitS = starting ? this.aimS + START_JUMP_S : Math.max(JUMP_S, this.aimS + 1);
    if (behindS > limitS) {
      this.#fast = false;
      return { rate: 1, jumpToS: endS - Math.max(this.aimS - SEEK_S, LEAST_S) };
    }
    if (behindS > this.aimS + 0.3) this.#fast = true;
    else if (behindS <= this.aimS) this.#fast = false;
    if (!this.#fast || this.#jumpsOnly) return { rate: 1 };
    return { rate: behindS > this.aimS + 0.8 ? 1.25 : 1.05 };
  }
}
