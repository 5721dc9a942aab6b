// Asks the service for recorded footage of one camera: what there is, its bytes, and single key pictures. Hides addresses, ranges
// and what is kept of answers.
import type { Playback } from '../../../src/api/contract.ts';
import type { Board, Got } from './board.ts';
import { FootageIndex, type Hole, type Piece } from './footage-index.ts';
import type { InitBytes } from './recorded-feed.ts';
import type { Placeable } from './wall-line.ts';
import type { StreamName } from './wire.ts';

/** What is asked for around a moment: enough to begin with; then more at a time. */
const BEFORE_MS = 10_000;
const BEHIND_MS = 60_000;
const FURTHER_MS = 600_000;
/** The service takes no longer ranges. */
const MOST_RANGE_MS = 600_000;
const MOST_INITS = 16;
/** What of the newest past is not taken for known: clocks differ, and fragments are told of when they are whole. */
const UNSURE_MS = 3000;
const DAY_MS = 86_400_000;

/** `failed`: the service did not answer, or with an error. */
export type Located = { is: 'piece'; piece: Piece } | { is: 'hole'; hole: Hole } | { is: 'failed' } | { is: 'aborted' };

export interface KeyPicture {
  bytes: Uint8Array<ArrayBuffer>;
  init: InitBytes;
  segment: Placeable;
  startMs: number;
}

export class RecordedSource {
  readonly index = new FootageIndex();
  readonly camera: number;
  readonly stream: StreamName;
  /** Whether footage is asked for with its sound. */
  readonly sound: boolean;
  readonly #board: Board;
  readonly #inits = new Map<string, InitBytes>();
  /** Requests for media that are under way. */
  busy = 0;

  constructor(board: Board, camera: number, stream: StreamName, sound: boolean) {
    this.#board = board;
    this.sound = sound;
    this.camera = camera;
    this.stream = stream;
  }

  /** What is at a moment; asks where nobody knows. */
  async locate(ms: number, signal: AbortSignal): Promise<Located> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const found = this.index.find(ms);
      if (found.is !== 'ask') return found;
      const asked = await this.ask(ms - BEFORE_MS, ms + BEHIND_MS, signal);
      if (asked !== 'ok') return { is: asked };
    }
    // Behind the newest footage: nobody can know yet.
    return { is: 'hole', hole: { startMs: ms } };
  }

  /** What follows a fragment, further on. */
  further(fromMs: number, signal: AbortSignal): Promise<'ok' | 'failed' | 'aborted'> {
    return this.ask(fromMs, fromMs + FURTHER_MS, signal);
  }

  async ask(startMs: number, endMs: number, signal: AbortSignal): Promise<'ok' | 'failed' | 'aborted'> {
    const fromMs = Math.max(0, Math.floor(startMs));
    const toMs = Math.ceil(Math.min(endMs, fromMs + MOST_RANGE_MS));
    const query = `camera=${this.camera}&stream=${this.stream}&startMs=${fromMs}&endMs=${toMs}&audio=${this.sound ? 1 : 0}`;
    const got = await this.#get(`/api/playback?${query}`, signal);
    const answer = got.is === 'ok' ? parsed<Playback>(got.bytes) : undefined;
    if (got.is === 'aborted') return 'aborted';
    if (!answer) return 'failed';
    this.index.add(answer, fromMs, this.#board.utcMs() - UNSURE_MS);
    return 'ok';
  }

  async init(id: string, signal: AbortSignal): Promise<InitBytes | undefined> {
    const known = this.#inits.get(id);
    if (known) return known;
    const init = this.index.init(id);
    return init && this.#fetchInit(id, init.codecs, () => this.#getPart(init.url, 0, init.sizeBytes, signal));
  }

  /** Fragments of one segment that follow each other. */
  async bytes(pieces: readonly Piece[], signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (!first || !last) return undefined;
    const sizeBytes = last.offset + last.sizeBytes - first.offset;
    const got = await this.#getPart(first.segment.url, first.offset, sizeBytes, signal);
    return got.is === 'ok' ? got.bytes : undefined;
  }

  /** The key picture at or before a moment; a hole where there is none. */
  async keyPicture(ms: number, signal: AbortSignal): Promise<KeyPicture | Hole | undefined> {
    const path = `/api/cameras/${this.camera}/keyframe?atMs=${Math.round(ms)}&stream=${this.stream}`;
    const got = await this.#get(path, signal);
    if (got.is === 'error' && got.status === 404) {
      if (got.gap) this.index.addGap(got.gap);
      return got.gap ?? { startMs: ms };
    }
    if (got.is !== 'ok') return undefined;
    const text = (name: string) => got.header(`Thimble-${name}`) ?? '';
    const init = await this.#fetchInit(text('Init'), text('Codecs'), () => this.#get(text('Init-Url'), signal));
    if (!init) return undefined;
    const startMs = Number(text('Start-Ms'));
    const segment = {
      id: text('Segment'),
      startMs: Number(text('Segment-Start-Ms')),
      endMs: startMs,
      firstPts90k: Number(text('First-Pts')),
    };
    return { bytes: got.bytes, init, segment, startMs };
  }

  /** From when on there is footage, a moment itself or within a day after it; undefined where there is none, or nobody answers. */
  async nextFootageMs(ms: number, signal: AbortSignal): Promise<number | undefined> {
    const fromMs = Math.floor(ms);
    const query = `camera=${this.camera}&stream=${this.stream}&startMs=${fromMs}&endMs=${fromMs + DAY_MS}`;
    const got = await this.#get(`/api/timeline?${query}`, signal);
    const answer = got.is === 'ok' ? parsed<{ cameras: { footage: [number, number][] }[] }>(got.bytes) : undefined;
    const run = answer?.cameras[0]?.footage.find(([, endMs]) => endMs > ms);
    return run && Math.max(run[0], ms);
  }

  async #fetchInit(id: string, codecs: string, get: () => Promise<Got>): Promise<InitBytes | undefined> {
    const known = this.#inits.get(id);
    if (known) return known;
    const got = await get();
    if (got.is !== 'ok') return undefined;
    const init = { id, codecs, bytes: got.bytes };
    this.#inits.set(id, init);
    const [oldest] = this.#inits.keys();
    if (this.#inits.size > MOST_INITS && oldest !== undefined) this.#inits.delete(oldest);
    return init;
  }

  /** Without sound a part is made for us, and its size is not that of the file's bytes. */
  #getPart(url: string, offset: number, sizeBytes: number, signal: AbortSignal): Promise<Got> {
    if (this.sound) return this.#get(url, signal, [offset, offset + sizeBytes - 1]);
    return this.#get(`${url}?offset=${offset}&sizeBytes=${sizeBytes}`, signal);
  }

  /** Addresses of answers lead nowhere but to the service. */
  async #get(path: string, signal: AbortSignal, range?: readonly [number, number]): Promise<Got> {
    if (!path.startsWith('/api/')) return { is: 'error', status: 0 };
    this.busy++;
    try {
      return await this.#board.get(path, { lane: 'player', signal, ...(range ? { range } : {}) });
    } finally {
      this.busy--;
    }
  }
}

function parsed<T>(bytes: Uint8Array): T | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch {
    return undefined;
  }
}
