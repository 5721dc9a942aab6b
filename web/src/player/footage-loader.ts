// Brings fragments from the service into the decoder: what is missing of them, init segments, a new decoder where the old one
// cannot go on. Whoever asks gives a signal; once that is aborted nothing more happens for them.
import type { Board } from './board.ts';
import type { Piece } from './footage-index.ts';
import { playable, type RecordedFeed } from './recorded-feed.ts';
import { RecordedSource } from './recorded-source.ts';
import type { StreamName } from './wire.ts';

/** `unsupported`: the browser cannot show these codecs. */
export type Loaded = { is: 'ok' } | { is: 'unsupported'; codecs: string } | { is: 'failed' } | { is: 'aborted' };

const OK: Loaded = { is: 'ok' };
const FAILED: Loaded = { is: 'failed' };
const ABORTED: Loaded = { is: 'aborted' };

export class FootageLoader {
  readonly feed: RecordedFeed;
  #source: RecordedSource;
  /** Called with the codecs of each new decoder. */
  readonly #opened: (codecs: string) => void;

  constructor(board: Board, feed: RecordedFeed, camera: number, stream: StreamName, opened: (codecs: string) => void) {
    this.feed = feed;
    this.#source = new RecordedSource(board, camera, stream);
    this.#opened = opened;
  }

  /** Another one from the moment on that sound turned out not to be playable. */
  get source(): RecordedSource {
    return this.#source;
  }

  /** Everything that is needed to show a fragment. */
  async load(piece: Piece, signal: AbortSignal): Promise<Loaded> {
    const known = this.#source.index.init(piece.segment.init);
    const fit = known && playable(known.codecs);
    if (known && !fit) return { is: 'unsupported', codecs: known.codecs };
    if (fit && !fit.audio) return this.#soundless(piece, signal);
    const missing = this.#missing(piece);
    const [init, bytes] = await Promise.all([
      this.#source.init(piece.segment.init, signal),
      missing.length > 0 ? this.#source.bytes(missing, signal) : undefined,
    ]);
    if (signal.aborted) return ABORTED;
    if (!init || (missing.length > 0 && !bytes)) return FAILED;
    if (this.feed.accepts(init, piece.startMs)) return this.#append(missing, bytes, init, signal);
    const all = this.#missing(piece, true);
    const data = all.length === missing.length ? bytes : await this.#source.bytes(all, signal);
    if (signal.aborted || !(await this.feed.open(init, piece.startMs))) return signal.aborted ? ABORTED : FAILED;
    this.#opened(init.codecs);
    return this.#append(all, data, init, signal);
  }

  /** Fragments of one segment that follow each other. */
  async loadBatch(batch: readonly Piece[], signal: AbortSignal): Promise<boolean> {
    const [first] = batch;
    if (!first) return true;
    const init = await this.#source.init(first.segment.init, signal);
    const bytes = init && (await this.#source.bytes(batch, signal));
    return init !== undefined && (await this.#append(batch, bytes, init, signal)).is === 'ok';
  }

  async #soundless(piece: Piece, signal: AbortSignal): Promise<Loaded> {
    this.#source = this.#source.withoutSound();
    const again = await this.#source.locate(piece.startMs, signal);
    if (again.is === 'aborted') return ABORTED;
    return again.is === 'piece' ? this.load(again.piece, signal) : FAILED;
  }

  async #append(
    pieces: readonly Piece[],
    bytes: Uint8Array<ArrayBuffer> | undefined,
    init: Parameters<RecordedFeed['append']>[2],
    signal: AbortSignal,
  ): Promise<Loaded> {
    const [first] = pieces;
    if (!first) return OK;
    if (signal.aborted) return ABORTED;
    const beside = this.#source.index.neighbours(first.segment);
    const appended = bytes !== undefined && (await this.feed.append(pieces, bytes, init, beside));
    if (signal.aborted) return ABORTED;
    return appended ? OK : FAILED;
  }

  /** From the key fragment to this one, without what is in the buffer at the beginning. */
  #missing(piece: Piece, all = false): Piece[] {
    const { index } = this.#source;
    const list: Piece[] = [];
    for (let one = index.keyFor(piece); ; ) {
      if (all || list.length > 0 || !this.feed.has(one)) list.push(one);
      if (one.offset >= piece.offset) return list;
      const next = index.after(one);
      if (next.is !== 'piece' || next.piece.segment.id !== piece.segment.id) return list;
      one = next.piece;
    }
  }
}
