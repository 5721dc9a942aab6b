// The feel of a finger on the lanes: fine scrubbing, the speed at which it leaves, and how a fling slows down.

/** Pixels from the lane at which a finger becomes four and sixteen times finer. */
const FINE_AT_PX = 64;
const FINER_AT_PX = 128;
/** A fling loses half of its speed in this time. */
const HALF_LIFE_MS = 160;
/** Slower than this a fling ends, and a lifted finger begins none; pixels per millisecond. */
const STILL = 0.02;
/** Movement older than this says nothing of the speed at which a finger leaves. */
const MEMORY_MS = 100;

/** By what a finger's way is divided when it is `awayPx` above or below the lanes. */
export function fineness(awayPx: number): 1 | 4 | 16 {
  return awayPx >= FINER_AT_PX ? 16 : awayPx >= FINE_AT_PX ? 4 : 1;
}

/** Remembers where a finger was during the last 100 ms. */
export class Trail {
  #points: { x: number; atMs: number }[] = [];

  add(x: number, atMs: number): void {
    this.#points.push({ x, atMs });
    this.#points = this.#points.filter(point => atMs - point.atMs <= MEMORY_MS);
  }

  /** Pixels per millisecond at `atMs`; 0 for a finger that rested. */
  speed(atMs: number): number {
    const points = this.#points.filter(point => atMs - point.atMs <= MEMORY_MS);
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last || last.atMs - first.atMs < 5) return 0;
    const speed = (last.x - first.x) / (last.atMs - first.atMs);
    return Math.abs(speed) < STILL ? 0 : speed;
  }
}

/** Where a fling is after `elapsedMs`, in pixels from its begin, and whether it has come to rest. */
export function fling(speed: number, elapsedMs: number): { wayPx: number; ended: boolean } {
  const decay = 0.5 ** (elapsedMs / HALF_LIFE_MS);
  // The integral of speed * 0.5^(t / half life).
  const wayPx = ((speed * HALF_LIFE_MS) / Math.LN2) * (1 - decay);
  return { wayPx, ended: Math.abs(speed) * decay < STILL };
}
