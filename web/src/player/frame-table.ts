// When each buffered picture is shown, so that one step is one picture, at whatever rate the camera sent them.

export class FrameTable {
  #times: number[] = [];

  /** Seconds on the element's time line, rising. Those that lie between are replaced. */
  add(timesS: readonly number[]): void {
    const [first, last] = [timesS[0], timesS.at(-1)];
    if (first === undefined || last === undefined) return;
    const from = lowerBound(this.#times, first - HALF_S);
    const to = lowerBound(this.#times, last + HALF_S);
    this.#times = [...this.#times.slice(0, from), ...timesS, ...this.#times.slice(to)];
  }

  /** Forgets what is shown before. */
  trim(beforeS: number): void {
    this.#times.splice(0, lowerBound(this.#times, beforeS - HALF_S));
  }

  clear(): void {
    this.#times = [];
  }

  /** The picture that is shown at a time; undefined when none is known. */
  at(positionS: number): number | undefined {
    return this.#times[lowerBound(this.#times, positionS + HALF_S) - 1];
  }

  /** The next picture (1), or the one before (-1). */
  step(positionS: number, direction: 1 | -1): number | undefined {
    const at = lowerBound(this.#times, positionS + HALF_S) - 1;
    return this.#times[at + direction];
  }
}

/** Less than half of a picture of the fastest camera; more than what decoders round. */
const HALF_S = 0.002;

function lowerBound(list: readonly number[], value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
