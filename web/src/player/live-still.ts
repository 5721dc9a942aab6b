// Live pictures as single JPEGs, one after the other: for grids that save, for browsers that cannot do better, and before the first
// moving picture. They are drawn on the canvas behind the video element.
import { dropEarlyPicture } from '../early.ts';
import type { Board } from './board.ts';
import type { LiveSource, SourceEvents } from './live-source.ts';
import type { MediaElement } from './media-element.ts';
import type { StreamName, WayReason } from './play-state.ts';

/** Widths that are asked for, so that tiles of nearly one size share the board's work. */
const WIDTHS = [320, 640, 1280, 1920];

/** For so many pixels of the screen. */
export function stillWidth(px: number): number {
  return WIDTHS.find(one => one >= px * 0.8) ?? 1920;
}

/** Fetches the newest picture and draws it unless the element moves by then. Resolves with when it was taken; undefined where there was none. */
export async function drawStill(
  board: Board,
  element: MediaElement,
  camera: number,
  signal: AbortSignal,
): Promise<{ wallMs: number; bytes: number } | undefined> {
  const width = stillWidth(element.video.clientWidth * (globalThis.devicePixelRatio || 1));
  const got = await board.get(`/api/cameras/${camera}/snapshot.jpg?width=${width}`, { lane: 'pictures', signal });
  if (got.is !== 'ok') return undefined;
  try {
    const picture = await createImageBitmap(new Blob([got.bytes], { type: 'image/jpeg' }));
    if (!signal.aborted && element.video.dataset.shown === undefined)
      element.draw(picture, picture.width, picture.height);
    picture.close();
    dropEarlyPicture(camera);
  } catch {
    return undefined;
  }
  const takenMs = Number(got.header('X-Picture-Time-Ms'));
  return signal.aborted ? undefined : { wallMs: takenMs > 0 ? takenMs : Date.now(), bytes: got.bytes.length };
}

export class LiveStill implements LiveSource {
  readonly way = 'still';
  readonly #board: Board;
  readonly #element: MediaElement;
  readonly #camera: number;
  readonly #events: SourceEvents;
  readonly #periodMs: number;
  readonly #stream: StreamName;
  readonly #why: WayReason | undefined;
  readonly #stopped = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wallMs: number | undefined;
  bytes = 0;
  frames = 0;

  constructor(
    board: Board,
    element: MediaElement,
    camera: number,
    events: SourceEvents,
    periodMs: number,
    stream: StreamName,
    why: WayReason | undefined,
  ) {
    this.#board = board;
    this.#element = element;
    this.#camera = camera;
    this.#events = events;
    this.#periodMs = periodMs;
    this.#stream = stream;
    this.#why = why;
  }

  start(): void {
    this.#events.info({ way: 'still', stream: this.#stream, ...(this.#why ? { why: this.#why } : {}) });
    this.#turn();
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  wallMs(): number | undefined {
    return this.#wallMs;
  }

  look(): void {}

  #turn(): void {
    void this.#draw().then(() => {
      if (!this.#stopped.signal.aborted) this.#timer = setTimeout(() => this.#turn(), this.#periodMs);
    });
  }

  async #draw(): Promise<void> {
    const still = await drawStill(this.#board, this.#element, this.#camera, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    if (!still) return this.#events.starved(true);
    this.bytes += still.bytes;
    this.frames++;
    this.#wallMs = still.wallMs;
    this.#events.shown(still.wallMs);
  }
}
