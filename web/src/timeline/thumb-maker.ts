// Small pictures of recorded moments, made one after the other in a video that nobody sees. The board decodes nothing for them.
import { httpBoard } from '../player/board-http.ts';
import { FootageLoader } from '../player/footage-loader.ts';
import { MediaElement } from '../player/media-element.ts';
import { RecordedFeed } from '../player/recorded-feed.ts';
import { Scrubber } from '../player/scrubber.ts';

const WIDTH_PX = 160;
/** Pictures kept. */
const MOST = 60;
/** A picture that is not there by then will not come. */
const PATIENCE_MS = 4000;

/** `none`: there is no footage, or it cannot be shown. An element, since pages may show pictures of their own origin only. */
export type Thumb = HTMLCanvasElement | 'none';

/** Of one camera. Made when the first picture is wanted. */
export class ThumbMaker {
  readonly #camera: number;
  readonly #host: HTMLElement;
  readonly #kept = new Map<number, Thumb>();
  #worker: { scrubber: Scrubber; element: MediaElement; feed: RecordedFeed } | undefined;
  #told: (shown: boolean) => void = () => {};
  #stop = new AbortController();
  #closed = false;

  /** The hidden video is put into `host`. */
  constructor(camera: number, host: HTMLElement) {
    this.#camera = camera;
    this.#host = host;
  }

  get(timeMs: number): Thumb | undefined {
    return this.#kept.get(timeMs);
  }

  /** Makes those that are missing, and calls `made` after each; ends early when the signal does. */
  async make(times: readonly number[], signal: AbortSignal, made: () => void): Promise<void> {
    for (const timeMs of times) {
      if (signal.aborted || this.#closed) return;
      const known = this.#kept.get(timeMs);
      if (known) {
        // Used again: the last to go.
        this.#kept.delete(timeMs);
        this.#kept.set(timeMs, known);
        continue;
      }
      const thumb = await this.#one(timeMs, signal);
      if (signal.aborted || this.#closed) return;
      this.#kept.set(timeMs, thumb);
      this.#drop();
      made();
    }
  }

  close(): void {
    this.#closed = true;
    this.#stop.abort();
    this.#worker?.feed.close();
    this.#worker?.element.video.remove();
    this.#kept.clear();
  }

  async #one(timeMs: number, signal: AbortSignal): Promise<Thumb> {
    this.#worker ??= this.#hire();
    const { scrubber, element } = this.#worker;
    this.#stop = new AbortController();
    scrubber.begin(this.#stop.signal);
    const shown = await new Promise<boolean>(resolve => {
      const timer = setTimeout(() => resolve(false), PATIENCE_MS);
      this.#told = ok => {
        clearTimeout(timer);
        resolve(ok);
      };
      const giveUp = () => {
        // At once: what the reader does needs the connection.
        this.#stop.abort();
        resolve(false);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      scrubber.want(timeMs);
    });
    if (!shown) {
      this.#stop.abort();
      return 'none';
    }
    return drawn(element.video);
  }

  #hire() {
    const video = document.createElement('video');
    video.className = 'tl-thumb-video';
    video.muted = true;
    video.setAttribute('aria-hidden', 'true');
    video.tabIndex = -1;
    this.#host.append(video);
    const element = new MediaElement(video, document.createElement('canvas'));
    const feed = new RecordedFeed(element, () => this.#told(false));
    const loader = new FootageLoader(httpBoard, feed, this.#camera, 'main', () => {});
    const scrubber = new Scrubber(loader, element, outcome => this.#told('shownMs' in outcome));
    return { scrubber, element, feed };
  }

  #drop(): void {
    for (const timeMs of this.#kept.keys()) {
      if (this.#kept.size <= MOST) return;
      this.#kept.delete(timeMs);
    }
  }
}

function drawn(video: HTMLVideoElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH_PX;
  canvas.height = Math.round((WIDTH_PX * video.videoHeight) / Math.max(1, video.videoWidth));
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}
