// Recorded fragments in a video element: a decoder whose time line spans two days around the needle, what of the footage it holds,
// and when each picture of that is shown.
import type { PlaybackSegment } from '../../../src/api/contract.ts';
import type { Piece } from './footage-index.ts';
import { FrameTable } from './frame-table.ts';
import { canPlay, type MediaElement, mimeOf } from './media-element.ts';
import { fragmentsOf, fragmentTimes, type Track, tracksOf } from './mp4-boxes.ts';
import { MseSink, RECORDED_LIMITS } from './mse-sink.ts';
import { type Placeable, WallLine, WINDOW_S } from './wall-line.ts';

export interface InitBytes {
  id: string;
  codecs: string;
  bytes: Uint8Array<ArrayBuffer>;
}

interface Held {
  startS: number;
  endS: number;
  sizeBytes: number;
}

type Beside = { before?: Placeable; behind?: Placeable };

export class RecordedFeed {
  readonly frames = new FrameTable();
  readonly #element: MediaElement;
  readonly #failed: (codecs: string) => void;
  #line: WallLine | undefined;
  #source: MediaSource | undefined;
  #sink: MseSink | undefined;
  #init: InitBytes | undefined;
  #tracks: Track[] = [];
  /** By segment and offset. */
  readonly #held = new Map<string, Held>();
  /** The fragment that would go on where the last one ended. */
  #next: string | undefined;
  heldBytes = 0;

  constructor(element: MediaElement, failed: (codecs: string) => void) {
    this.#element = element;
    this.#failed = failed;
  }

  get line(): WallLine | undefined {
    return this.#line;
  }

  /** How much of what is allowed the browser takes. */
  get share(): number {
    return this.#sink?.share ?? 1;
  }

  /** Whether the decoder that is there can go on with it at this time; false = `open` is needed. */
  accepts(init: { codecs: string }, ms: number): boolean {
    if (!this.#sink || !this.#init || !this.#line?.contains(ms)) return false;
    if (init.codecs === this.#init.codecs) return true;
    return kinds(init.codecs) === kinds(this.#init.codecs) && 'changeType' in SourceBuffer.prototype;
  }

  /** A new decoder and an empty time line around `ms`. False when it was replaced meanwhile, or the browser cannot. */
  async open(init: InitBytes, ms: number): Promise<boolean> {
    this.#sink?.close();
    this.#sink = undefined;
    this.#forget();
    this.#line = new WallLine(ms);
    const source = await this.#element.open();
    if (!source) return false;
    try {
      // Without a length the end is where the buffer ends, and a seek beyond it never completes.
      source.duration = WINDOW_S;
      const buffer = source.addSourceBuffer(mimeOf(init.codecs));
      this.#sink = new MseSink(
        buffer,
        RECORDED_LIMITS,
        () => this.#element.video.currentTime,
        () => this.#failed(init.codecs),
      );
    } catch {
      return false;
    }
    this.#source = source;
    this.#init = undefined;
    return this.#takeInit(init);
  }

  /** Where a segment's pictures stand; needed before its times can be told. */
  place(segment: Placeable, beside: Beside): void {
    this.#line?.place(segment, beside);
  }

  /** Browsers let go of what they have without a word, so they are asked too. */
  has(piece: Piece): boolean {
    const held = this.#held.get(keyOf(piece));
    return held !== undefined && this.bufferedEndS((held.startS + held.endS) / 2) !== undefined;
  }

  /** Whether it can be appended now: anything else than the next fragment has to begin with a key picture, or is dropped in silence. */
  takes(piece: Piece): boolean {
    return piece.key || this.#next === keyOf(piece);
  }

  endS(piece: Piece): number | undefined {
    return this.#held.get(keyOf(piece))?.endS;
  }

  /** Fragments that follow each other in one segment, and their bytes. Resolves with whether they are in the buffer. */
  async append(
    pieces: readonly Piece[],
    bytes: Uint8Array<ArrayBuffer>,
    init: InitBytes,
    beside: Beside,
  ): Promise<boolean> {
    const [first] = pieces;
    const sink = this.#sink;
    if (!first || !sink || !this.#line || !this.takes(first) || !this.#takeInit(init)) return false;
    const offsetS = this.#line.place(first.segment, beside);
    const split = partsOf(pieces, bytes);
    if (!split) return false;
    const parts = split.map(({ piece, part }) => ({ piece, part, times: fragmentTimes(part, this.#tracks) }));
    const last = pieces.at(-1) ?? first;
    this.#next = keyOf({ segment: last.segment, offset: last.offset + last.sizeBytes });
    const done = parts.map(({ piece, part, times }) => {
      const startS = (times?.shownS[0] ?? 0) + offsetS;
      const endS = (times?.endS ?? 0) + offsetS;
      return new Promise<boolean>(resolve => {
        sink.push({
          bytes: part,
          offsetS,
          startS,
          durationS: endS - startS,
          key: piece.key,
          done: appended => {
            if (appended) this.#note(piece, startS, endS, times?.video ? times.shownS.map(time => time + offsetS) : []);
            resolve(appended);
          },
        });
      });
    });
    return (await Promise.all(done)).every(Boolean);
  }

  /** One key picture by itself. Resolves with when it is shown, on the element's time line. */
  async appendPicture(
    bytes: Uint8Array<ArrayBuffer>,
    init: InitBytes,
    segment: Placeable,
    beside: Beside,
  ): Promise<number | undefined> {
    const sink = this.#sink;
    if (!sink || !this.#line || !this.#takeInit(init)) return undefined;
    const offsetS = this.#line.place(segment, beside);
    const times = fragmentTimes(bytes, this.#tracks);
    const shownS = times?.shownS[0];
    if (!times || shownS === undefined) return undefined;
    const startS = shownS + offsetS;
    // What is there already would lose everything that depends on the picture that is put in its place.
    if (Math.abs((this.frames.at(startS) ?? Number.NaN) - startS) < 0.001) return startS;
    this.#next = undefined;
    const appended = await new Promise<boolean>(resolve => {
      sink.push({ bytes, offsetS, startS, durationS: times.endS - shownS, key: true, done: resolve });
    });
    return appended ? startS : undefined;
  }

  /** Empties the buffer; the time line stays. */
  clear(): void {
    if (this.#held.size === 0 || !this.#sink) return;
    this.#sink.forget();
    this.#sink.remove(0, Number.POSITIVE_INFINITY);
    this.#forget();
  }

  trim(behindS?: number): void {
    const beforeS = this.#sink?.trim(behindS);
    if (beforeS === undefined) return;
    for (const [key, { endS, sizeBytes }] of this.#held) {
      if (endS > beforeS) continue;
      this.#held.delete(key);
      this.heldBytes -= sizeBytes;
    }
    this.frames.trim(beforeS);
  }

  /** The end of what is buffered at a time without a break. */
  bufferedEndS(atS: number): number | undefined {
    return this.#sink?.bufferedEndS(atS);
  }

  nextStartS(atS: number): number | undefined {
    return this.#sink?.nextStartS(atS);
  }

  /** The decoder is of no use any more; the last picture stays until another is open. */
  reset(): void {
    this.#sink?.close();
    this.#sink = undefined;
    this.#source = undefined;
    this.#forget();
  }

  close(): void {
    this.reset();
    this.#element.clear();
  }

  /** False when this decoder cannot go on with it. */
  #takeInit(init: InitBytes): boolean {
    const sink = this.#sink;
    if (!sink || this.#source?.readyState !== 'open') return false;
    if (this.#init?.id === init.id) return true;
    if (this.#init && this.#init.codecs !== init.codecs && !sink.changeType(mimeOf(init.codecs))) return false;
    this.#init = init;
    this.#tracks = tracksOf(init.bytes) ?? [];
    sink.push({ bytes: init.bytes });
    return true;
  }

  #note(piece: Piece, startS: number, endS: number, framesS: number[]): void {
    const key = keyOf(piece);
    this.heldBytes += piece.sizeBytes - (this.#held.get(key)?.sizeBytes ?? 0);
    this.#held.set(key, { startS, endS, sizeBytes: piece.sizeBytes });
    this.frames.add(framesS);
  }

  #forget(): void {
    this.#next = undefined;
    this.#held.clear();
    this.heldBytes = 0;
    this.frames.clear();
  }
}

/** What of the codecs is needed so that a picture shows; sound that cannot be played is left out. */
export function playable(codecs: string): { codecs: string; audio: boolean } | undefined {
  if (canPlay(codecs)) return { codecs, audio: true };
  const [video = ''] = codecs.split(',');
  return codecs.includes(',') && canPlay(video) ? { codecs: video, audio: false } : undefined;
}

/** The bytes of each piece. Without sound they are smaller than the file's, and only their boxes tell them apart. */
function partsOf(
  pieces: readonly Piece[],
  bytes: Uint8Array<ArrayBuffer>,
): { piece: Piece; part: Uint8Array<ArrayBuffer> }[] | undefined {
  const from = pieces[0]?.offset ?? 0;
  const isWhole = pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) === bytes.length;
  const fragments = isWhole ? [] : fragmentsOf(bytes);
  if (!isWhole && fragments.length !== pieces.length) return undefined;
  return pieces.map((piece, index) => {
    const part = fragments[index] ?? bytes.subarray(piece.offset - from, piece.offset - from + piece.sizeBytes);
    return { piece, part };
  });
}

function kinds(codecs: string): number {
  return codecs.split(',').length;
}

function keyOf({ segment, offset }: { segment: PlaybackSegment; offset: number }): string {
  return `${segment.id}:${offset}`;
}
