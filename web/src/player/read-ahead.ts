// Reads on behind what is shown, within bounds of time and bytes, over borders of segments, up to where footage ends.
import type { Board } from './board.ts';
import type { Hole, Piece } from './footage-index.ts';
import type { FootageLoader } from './footage-loader.ts';

/** What follows what is buffered, where that is not simply more. */
export type RunEnd = { is: 'hole'; hole: Hole } | { is: 'rebuild'; atMs: number } | { is: 'tail' };

const AHEAD_S = 20;
/** While it stands still. */
const AHEAD_PAUSED_S = 4;
/** Less than that ahead, and what lies behind has to give way. */
const LEAST_AHEAD_S = 5;
const MOST_HELD_BYTES = 24 << 20;
const MOST_BATCH_BYTES = 2 << 20;
const MOST_BATCH_S = 6;
/** Where footage ends for now it is asked once in that time whether there is more. */
const TAIL_MS = 700;

export class ReadAhead {
  readonly #board: Board;
  readonly #loader: FootageLoader;
  readonly #positionS: () => number;
  #last: Piece | undefined;
  #signal: AbortSignal | undefined;
  #playing = false;
  #rate = 1;
  #running = false;
  #askedMs = Number.NEGATIVE_INFINITY;
  runEnd: RunEnd | undefined;

  constructor(board: Board, loader: FootageLoader, positionS: () => number) {
    this.#board = board;
    this.#loader = loader;
    this.#positionS = positionS;
  }

  /** From behind this fragment on, until the signal. */
  begin(last: Piece, signal: AbortSignal): void {
    this.#last = last;
    this.#signal = signal;
    this.runEnd = undefined;
  }

  stop(): void {
    this.#last = undefined;
    this.runEnd = undefined;
  }

  /** To be called now and then; does nothing while there is enough. */
  async pump(playing: boolean, rate: number): Promise<void> {
    this.#playing = playing;
    this.#rate = rate;
    if (this.#running || document.hidden) return;
    this.#running = true;
    try {
      while (await this.#readOn());
    } finally {
      this.#running = false;
    }
  }

  async #readOn(): Promise<boolean> {
    const [last, signal] = [this.#last, this.#signal];
    if (!last || !signal || signal.aborted || !this.#needsMore(last)) return false;
    const { index } = this.#loader.source;
    const found = index.after(last);
    if (found.is === 'ask') return this.#askOn(found.fromMs, last, signal);
    if (found.is === 'hole') {
      this.runEnd = { is: 'hole', hole: found.hole };
      return false;
    }
    const { piece } = found;
    const init = index.init(piece.segment.init);
    if (init && !this.#loader.feed.accepts(init, piece.startMs)) {
      this.runEnd = { is: 'rebuild', atMs: piece.startMs };
      return false;
    }
    this.runEnd = undefined;
    const batch = this.#batch(piece);
    const loaded = await this.#loader.loadBatch(batch, signal);
    if (!loaded || signal.aborted || this.#last !== last) return false;
    this.#last = batch.at(-1) ?? piece;
    return true;
  }

  /** Fragments that follow, as far as one request goes; none when the first of them is there already. */
  #batch(first: Piece): Piece[] {
    const { feed, source } = this.#loader;
    const batch: Piece[] = [];
    let bytes = 0;
    for (let piece = first; !feed.has(piece); ) {
      bytes += piece.sizeBytes;
      if (batch.length > 0 && (bytes > MOST_BATCH_BYTES || piece.endMs - first.startMs > MOST_BATCH_S * 1000)) break;
      batch.push(piece);
      const next = source.index.after(piece);
      if (next.is !== 'piece' || next.piece.segment.id !== first.segment.id) break;
      piece = next.piece;
    }
    return batch;
  }

  #needsMore(last: Piece): boolean {
    const { feed } = this.#loader;
    const endS = feed.endS(last);
    if (endS === undefined) return false;
    const aheadS = endS - this.#positionS();
    if (aheadS >= (this.#playing ? AHEAD_S * Math.max(1, this.#rate) : AHEAD_PAUSED_S) * feed.share) return false;
    feed.trim();
    if (feed.heldBytes < MOST_HELD_BYTES * feed.share) return true;
    if (aheadS >= LEAST_AHEAD_S) return false;
    feed.trim(LEAST_AHEAD_S);
    return true;
  }

  /** True when there is more than before. */
  async #askOn(fromMs: number, last: Piece, signal: AbortSignal): Promise<boolean> {
    const nowMs = this.#board.nowMs();
    if (nowMs - this.#askedMs < TAIL_MS) return false;
    this.#askedMs = nowMs;
    const asked = await this.#loader.source.further(fromMs, signal);
    if (signal.aborted || asked !== 'ok' || this.#last !== last) return false;
    const isMore = this.#loader.source.index.after(last).is !== 'ask';
    this.runEnd = isMore ? undefined : { is: 'tail' };
    return isMore;
  }
}
