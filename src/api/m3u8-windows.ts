// How far live playlists have moved on: each that is asked for again goes on where it was, and forgets what is long past.
import type { HlsEntry } from './m3u8.ts';
import { targetSeconds } from './m3u8.ts';

/** Players begin three target durations before the end. */
const MOST_ENTRIES = 30;
const KEPT_ENTRIES = 15;
const MOST_PLAYLISTS = 256;

export interface LiveWindow {
  /** Where to read on from. */
  fromMs: number;
  /** Entries, and changes of file, that were there before. */
  sequence: number;
  discontinuities: number;
  /** It may not change while somebody plays. */
  targetS: number;
}

export class LiveWindows {
  /** By what was asked for; oldest use first. */
  readonly #windows = new Map<string, LiveWindow>();

  /** Undefined when nobody asked lately. */
  get(key: string): LiveWindow | undefined {
    return this.#windows.get(key);
  }

  /** What is left of `entries`, which begin with the window, and the window of them. */
  move(key: string, window: LiveWindow, entries: readonly HlsEntry[]): { window: LiveWindow; entries: HlsEntry[] } {
    const dropped = entries.length > MOST_ENTRIES ? entries.slice(0, -KEPT_ENTRIES) : [];
    const left = entries.slice(dropped.length);
    // The tag goes with the entry that it stands before; the first of a playlist has none.
    const changes = entries.slice(1, dropped.length + 1).filter(entry => entry.isFirstOfFile).length;
    const first = left[0];
    const moved: LiveWindow = {
      // The start of an entry is rounded down; before it another one ends.
      fromMs: dropped.length > 0 && first ? first.startMs + 1 : window.fromMs,
      sequence: window.sequence + dropped.length,
      discontinuities: window.discontinuities + changes,
      targetS: targetSeconds(entries, window.targetS),
    };
    this.#windows.delete(key);
    this.#windows.set(key, moved);
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size <= MOST_PLAYLISTS) break;
      this.#windows.delete(oldest);
    }
    return { window: moved, entries: left };
  }
}
