// The clock generation: counts the steps of the board's clock, in the index and in the mirror of the cameras.
import type { Database } from './database.ts';
import { decodeRow, encodeRow } from './rows.ts';

/** A clock that stands this far before the newest footage was set back. */
const TOLERANCE_MS = 2000;
const KEY = Buffer.from('clock-generation');
/** More steps than any clock makes: what says more is no file or index of ours. */
export const MAX_CLOCK_GENERATION = 1_000_000;

export class ClockGeneration {
  readonly #database: Database;
  #generation = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  get value(): number {
    return this.#generation;
  }

  /** `mirrored`: what the mirror knows. While the service was not there nobody saw the clock being set back: the footage tells. */
  load(mirrored: number, newestEndMs: number, nowMs: number): void {
    const row = this.#database.get('settings', KEY);
    const stored = row && decodeRow(row);
    this.#generation = Math.max(plausible(mirrored), plausible(stored));
    if (newestEndMs > nowMs + TOLERANCE_MS) this.raise(this.#generation + 1);
  }

  raise(generation: number): void {
    if (generation <= this.#generation) return;
    this.#generation = generation;
    this.#database.put('settings', KEY, encodeRow(generation));
  }
}

function plausible(generation: unknown): number {
  const isOne = Number.isSafeInteger(generation) && (generation as number) >= 0;
  return isOne && (generation as number) <= MAX_CLOCK_GENERATION ? (generation as number) : 0;
}
