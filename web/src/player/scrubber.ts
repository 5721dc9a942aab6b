// Pictures while the needle is dragged, and for speeds that no decoder keeps up with: key pictures only, one request at a time, the
// newest wish wins.

import type { Hole } from './footage-index.ts';
import type { FootageLoader } from './footage-loader.ts';
import { INTO_S, type MediaElement } from './media-element.ts';
import { playable } from './recorded-feed.ts';
import type { KeyPicture } from './recorded-source.ts';

/** A key picture that is not there by then needs the pictures behind it to be shown. */
const PATIENCE_MS = 300;

/** What became of the newest wish: a picture of this moment, or none. */
export type ScrubOutcome = { shownMs: number } | { hole: Hole };

export class Scrubber {
  readonly #loader: FootageLoader;
  readonly #element: MediaElement;
  readonly #told: (outcome: ScrubOutcome) => void;
  #wantedMs: number | undefined;
  #shownMs: number | undefined;
  #signal: AbortSignal | undefined;
  #running = false;
  /** Single key pictures do not show in this browser, or for this camera. */
  #wholeFragments = false;
  /** Pictures that were shown, for measuring. */
  shown = 0;

  constructor(loader: FootageLoader, element: MediaElement, told: (outcome: ScrubOutcome) => void) {
    this.#loader = loader;
    this.#element = element;
    this.#told = told;
  }

  /** A new drag: the signal ends it. */
  begin(signal: AbortSignal): void {
    this.#signal = signal;
    this.#shownMs = undefined;
    this.#wantedMs = undefined;
  }

  want(ms: number): void {
    this.#wantedMs = ms;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#wantedMs !== undefined && this.#signal && !this.#signal.aborted) {
      const ms = this.#wantedMs;
      this.#wantedMs = undefined;
      await this.#goTo(ms, this.#signal);
    }
    this.#running = false;
  }

  async #goTo(ms: number, signal: AbortSignal): Promise<void> {
    const { source, feed } = this.#loader;
    const found = source.index.find(ms);
    if (found.is === 'hole') {
      this.#told({ hole: found.hole });
      return;
    }
    const key = found.is === 'piece' ? source.index.keyFor(found.piece) : undefined;
    if (key && key.startMs === this.#shownMs) {
      this.#told({ shownMs: key.startMs });
      return;
    }
    if (key && (feed.has(key) || this.#wholeFragments)) {
      const loaded = await this.#loader.load(key, signal);
      const shownS = feed.line?.mediaS(key.startMs);
      if (loaded.is === 'ok' && shownS !== undefined) await this.#show(shownS, key.startMs, signal);
      return;
    }
    const picture = await source.keyPicture(ms, signal);
    if (signal.aborted || !picture) return;
    if ('bytes' in picture) await this.#put(picture, ms, signal);
    else this.#told({ hole: picture });
  }

  async #put({ bytes, init, segment, startMs }: KeyPicture, ms: number, signal: AbortSignal): Promise<void> {
    const { feed, source } = this.#loader;
    if (!playable(init.codecs) || this.#wholeFragments) {
      // The footage has to be known for that; then the next turn finds it.
      this.#wholeFragments = true;
      if ((await source.locate(ms, signal)).is === 'piece') this.#wantedMs ??= ms;
      return;
    }
    if (!feed.accepts(init, startMs) && !(await feed.open(init, startMs))) return;
    if (signal.aborted) return;
    const shownS = await feed.appendPicture(bytes, init, segment, source.index.neighbours(segment));
    if (shownS === undefined || signal.aborted) return;
    if (!(await this.#show(shownS, startMs, signal)) && !signal.aborted) this.#wholeFragments = true;
  }

  /** Resolves with whether the picture came. */
  async #show(shownS: number, startMs: number, signal: AbortSignal): Promise<boolean> {
    const isShown = await this.#element.moveTo(shownS + INTO_S, PATIENCE_MS);
    if (signal.aborted || !isShown) return isShown;
    this.#shownMs = startMs;
    this.shown++;
    this.#told({ shownMs: startMs });
    return true;
  }
}
