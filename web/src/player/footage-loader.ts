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
  readonly #board: Board;
  #source: RecordedSource;
  /** The browser cannot play it. */
  #soundRefused = false;
  /** Called with the codecs of each new decoder. */
  readonly #opened: (codecs: string) => void;

  constructor(board: Board, feed: RecordedFeed, camera: number, stream: StreamName, opened: (codecs: string) => void) {
    this.feed = feed;
    this.#board = board;
    this.#source = new RecordedSource(board, camera, stream, false);
    this.#opened = opened;
  }

  /** Another one after sound was switched: addresses differ, and nothing is known of them. */
  get source(): RecordedSource {
    return this.#source;
  }

  /** From the next fragment on. Returns whether that changes anything. */
  setSound(sound: boolean): boolean {
    if (sound === this.#source.sound || this.#soundRefused) return false;
    const { camera, stream } = this.#source;
    this.#source = new RecordedSource(this.#board, camera, stream, sound);
    return true;
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
    const all = this.#fromKey(piece);
    const data = all.length === missing.length ? bytes : await this.#source.bytes(all, signal);
    if (signal.aborted || !(await this.feed.open(init, piece.startMs))) return signal.aborted ? ABORTED : FAILED;
    this.#opened(init.codecs);
    return this.#append(all, data, init, signal);
  }

  /** Fragments of one segment that follow each other. */
  async loadBatch(batch: readonly Piece[], signal: AbortSignal): Promise<boolean> {
    const [wanted] = batch;
    if (!wanted) return true;
    const pieces = this.feed.takes(wanted) ? batch : [...this.#fromKey(wanted), ...batch.slice(1)];
    const [first = wanted] = pieces;
    const init = await this.#source.init(first.segment.init, signal);
    const bytes = init && (await this.#source.bytes(pieces, signal));
    return init !== undefined && (await this.#append(pieces, bytes, init, signal)).is === 'ok';
  }

  async #soundless(piece: Piece, signal: AbortSignal): Promise<Loaded> {
    this.setSound(false);
    this.#soundRefused = true;
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

  /** What is needed to show a fragment and is not there. Decoders begin with a key picture, or go on where they were. */
  #missing(piece: Piece): Piece[] {
    const all = this.#fromKey(piece);
    const missing = all.slice(all.findIndex(one => !this.feed.has(one)));
    if (all.every(one => this.feed.has(one))) return [];
    return missing[0] && this.feed.takes(missing[0]) ? missing : all;
  }

  /** From the key fragment to this one. */
  #fromKey(piece: Piece): Piece[] {
    const { index } = this.#source;
    const list: Piece[] = [];
    for (let one = index.keyFor(piece); ; ) {
      list.push(one);
      if (one.offset >= piece.offset) return list;
      const next = index.after(one);
      if (next.is !== 'piece' || next.piece.segment.id !== piece.segment.id) return list;
      one = next.piece;
    }
  }
}
