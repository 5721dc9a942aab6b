// Which moment stands where on the element's time line. Segments that nearly touch are joined, so that no picture is missing at
// their border, and how far that moved them is remembered: the clock stays right.

/** Half of it lies on each side of where one began, so that a seek needs no other line for a day. */
export const WINDOW_S = 48 * 3600;
const MOST_SHIFT_S = 0.5;
/** Far more than what is buffered at a time. */
const MOST_PLACED = 256;

/** Of a segment: when its first picture was taken, that picture's place in the file, and how far it goes. */
export interface Placeable {
  id: string;
  startMs: number;
  endMs: number;
  firstPts90k: number;
}

interface Placed {
  startMs: number;
  endMs: number;
  shiftS: number;
}

export class WallLine {
  readonly anchorMs: number;
  readonly #placed = new Map<string, Placed>();

  constructor(aroundMs: number) {
    this.anchorMs = aroundMs - (WINDOW_S / 2) * 1000;
  }

  contains(ms: number): boolean {
    const second = this.#nominalS(ms);
    return second > 60 && second < WINDOW_S - 60;
  }

  /** The `timestampOffset` of a segment; the same each time. `before`, `behind`: those that touch it. */
  place(segment: Placeable, { before, behind }: { before?: Placeable; behind?: Placeable } = {}): number {
    let placed = this.#placed.get(segment.id);
    if (!placed) {
      placed = { startMs: segment.startMs, endMs: segment.endMs, shiftS: this.#shift(segment, before, behind) };
      this.#placed.set(segment.id, placed);
      const [oldest] = this.#placed.keys();
      if (this.#placed.size > MOST_PLACED && oldest !== undefined) this.#placed.delete(oldest);
    }
    placed.endMs = segment.endMs;
    return this.#nominalS(segment.startMs) + placed.shiftS - segment.firstPts90k / 90_000;
  }

  wallMs(mediaS: number): number {
    let found: Placed | undefined;
    for (const placed of this.#placed.values()) {
      const startS = this.#nominalS(placed.startMs) + placed.shiftS;
      // The rounding of decoders must not throw a border's first picture back into the segment before.
      if (startS <= mediaS + 0.001 && (!found || placed.startMs > found.startMs)) found = placed;
    }
    return this.anchorMs + (mediaS - (found?.shiftS ?? 0)) * 1000;
  }

  mediaS(wallMs: number): number {
    let shiftS = 0;
    let newest = Number.NEGATIVE_INFINITY;
    for (const placed of this.#placed.values()) {
      if (placed.startMs > wallMs || wallMs >= placed.endMs + MOST_SHIFT_S * 1000 || placed.startMs < newest) continue;
      newest = placed.startMs;
      shiftS = placed.shiftS;
    }
    return this.#nominalS(wallMs) + shiftS;
  }

  #shift(segment: Placeable, before: Placeable | undefined, behind: Placeable | undefined): number {
    const left = before && this.#placed.get(before.id);
    const right = behind && this.#placed.get(behind.id);
    let shiftS = 0;
    if (left && before) shiftS = left.shiftS + (before.endMs - segment.startMs) / 1000;
    else if (right && behind) shiftS = right.shiftS + (behind.startMs - segment.endMs) / 1000;
    return Math.abs(shiftS) <= MOST_SHIFT_S ? shiftS : 0;
  }

  #nominalS(ms: number): number {
    return (ms - this.anchorMs) / 1000;
  }
}
