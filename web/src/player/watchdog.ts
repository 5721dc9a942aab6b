// Notices that a live picture does not move although it should, and says what to try next. Hides nothing but its memory of what
// was tried; the caller looks once a second with the time of a clock that never steps.

export interface Seen {
  /** Bytes that arrived since the attempt began. */
  bytes: number;
  /** Pictures shown since the attempt began. */
  frames: number;
  /** What the service says of the camera. */
  cameraLive: boolean;
}

/** `reconnect`: the same again; `rebuild`: with a new decoder; `next-way`: something else than this stream by this way. */
export type Advice = 'reconnect' | 'rebuild' | 'next-way';

const STILL_MS = 3000;
const FIRST_FRAME_MS = 4000;
const TWICE_MS = 30_000;

export class Watchdog {
  #beganMs = 0;
  #bytesMs = 0;
  #framesMs = 0;
  #bytes = 0;
  #frames = 0;
  #rebuiltMs = Number.NEGATIVE_INFINITY;

  /** An attempt begins. */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#bytesMs = nowMs;
    this.#framesMs = nowMs;
    this.#bytes = 0;
    this.#frames = 0;
  }

  /** The page slept, so that nothing could come; what was seen before does not count. */
  excuse(nowMs: number): void {
    this.#bytesMs = nowMs;
    this.#framesMs = nowMs;
    if (this.#frames === 0) this.#beganMs = nowMs;
  }

  /** A decoder gave up: the first time it is built anew, the second time within 30 s something else is tried. */
  broken(nowMs: number): Advice {
    const again = nowMs - this.#rebuiltMs < TWICE_MS;
    this.#rebuiltMs = nowMs;
    return again ? 'next-way' : 'rebuild';
  }

  look(seen: Seen, nowMs: number): Advice | undefined {
    if (seen.bytes !== this.#bytes) this.#bytesMs = nowMs;
    if (seen.frames !== this.#frames) this.#framesMs = nowMs;
    this.#bytes = seen.bytes;
    this.#frames = seen.frames;
    const silent = nowMs - this.#bytesMs >= STILL_MS;
    if (silent) return seen.cameraLive ? 'reconnect' : undefined;
    if (seen.frames === 0) return nowMs - this.#beganMs >= FIRST_FRAME_MS && seen.bytes > 0 ? 'next-way' : undefined;
    return nowMs - this.#framesMs >= STILL_MS ? this.broken(nowMs) : undefined;
  }
}
