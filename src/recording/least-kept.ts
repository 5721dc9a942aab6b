// How much footage stays when other programs fill the volume: the free-space floor takes it down to a part of the most there was.
import type { Store } from '../storage/index.ts';

export interface LeastKeptOptions {
  settings: Pick<Store['settings'], 'get' | 'stage'>;
  /** Part of the most footage that is kept. */
  percent: () => number;
}

/** A volume and the footage on it that is not locked. */
export interface FootageOnVolume {
  totalBytes: number;
  unlockedBytes: number;
  totalQuotaBytes: number | null;
}

interface Peak {
  totalBytes: number;
  footageBytes: number;
}

const SECTION = 'footage-peak';
/** Between two that are stored. */
const GROWTH = 1.1;
const MIN_GROWTH_BYTES = 1024 * 1024;
/** A volume whose size differs by more is another one, and tells nothing about this. */
const SAME_VOLUME = 1 / 8;

/**
 * A recorder that has the volume for itself never meets the bound: it deletes as much as it writes, and the footage stays at its most.
 * It is met when others take room: by the part that they may have, then by all that is left.
 */
export class LeastKept {
  readonly #options: LeastKeptOptions;
  #stored: Peak | undefined;
  #peakBytes = 0;
  #loaded = false;
  /** Up to the part: footage without what the floor has taken below it. What goes for other reasons is not held. */
  #heldBytes = 0;
  /** Footage at the last look, without what the floor has taken since. */
  #lastBytes = 0;

  constructor(options: LeastKeptOptions) {
    this.#options = options;
  }

  /**
   * Footage that is not deleted for the sake of the floor. Never more than there was: whatever others took, what is recorded may always
   * replace the oldest.
   */
  bytes({ totalBytes, unlockedBytes, totalQuotaBytes }: FootageOnVolume): number {
    this.#load(totalBytes);
    // Before anything goes: a look that finds its first footage on a full volume would else measure by what it leaves, step after step.
    this.#peakBytes = Math.max(this.#peakBytes, unlockedBytes);
    const most = Math.min(this.#peakBytes, totalQuotaBytes ?? Number.POSITIVE_INFINITY);
    const partBytes = (most * this.#options.percent()) / 100;
    const heldBytes = this.#heldBytes - Math.max(0, this.#lastBytes - unlockedBytes);
    this.#heldBytes = Math.max(unlockedBytes, Math.min(heldBytes, partBytes));
    this.#lastBytes = unlockedBytes;
    return Math.min(partBytes, this.#heldBytes);
  }

  /** So much was deleted for the floor: room made ahead of time, again and again, is not to lead below the part. */
  taken(bytes: number): void {
    this.#lastBytes -= bytes;
  }

  /** Lets the most there was be stored; to be called after each look. */
  note(totalBytes: number): void {
    const storedBytes = this.#stored?.footageBytes ?? 0;
    if (this.#peakBytes < storedBytes * GROWTH + MIN_GROWTH_BYTES) return;
    // With the next commit, whoever asks for that one: a peak is worth none of its own.
    this.#stored = { totalBytes, footageBytes: this.#peakBytes };
    this.#options.settings.stage(SECTION, this.#stored);
  }

  #load(totalBytes: number): void {
    if (this.#loaded) return;
    this.#loaded = true;
    const peak = parsePeak(this.#options.settings.get(SECTION));
    if (!peak || Math.abs(totalBytes - peak.totalBytes) > peak.totalBytes * SAME_VOLUME) return;
    this.#stored = peak;
    this.#peakBytes = peak.footageBytes;
  }
}

function parsePeak(value: unknown): Peak | undefined {
  const { totalBytes, footageBytes } = (value ?? {}) as Partial<Record<keyof Peak, unknown>>;
  const isSize = (size: unknown): size is number => Number.isSafeInteger(size) && (size as number) >= 0;
  return isSize(totalBytes) && isSize(footageBytes) ? { totalBytes, footageBytes } : undefined;
}
