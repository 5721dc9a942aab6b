// Pictures that replace each other (multipart/x-mixed-replace), for clients that can show nothing else.
import { type Clock, NvrError } from '../core/index.ts';
import type { Picture } from '../native/index.ts';
import type { ByteSource, HttpReply } from './server.ts';

export interface MotionJpegOptions {
  /** The newest picture. */
  make(isWanted: () => boolean): Promise<Picture>;
  /** False: the camera is not there any more. */
  isGood(): boolean;
  /** Between two pictures, at least. */
  everyMs: number;
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

const BOUNDARY = 'thimble-picture';
/** A camera that has sent no new picture for so long is not shown as if it had. */
const SILENT_MS = 60_000;

/** Answers once there is a first picture; rejects as `make` when there is none. */
export async function motionJpeg(options: MotionJpegOptions): Promise<HttpReply> {
  const source = new MotionJpeg(options, await options.make(() => true));
  return {
    status: 200,
    headers: { 'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` },
    body: source,
  };
}

class MotionJpeg implements ByteSource {
  readonly sizeBytes = undefined;
  readonly #options: MotionJpegOptions;
  readonly #closed = new AbortController();
  #first: Picture | undefined;
  #shownAtMs = 0;
  #shownMs = 0;

  constructor(options: MotionJpegOptions, first: Picture) {
    this.#options = options;
    this.#first = first;
  }

  /** A part of the message; ends when the camera is silent or gone. */
  async next(): Promise<Buffer | undefined> {
    const picture = this.#first ?? (await this.#newer());
    this.#first = undefined;
    if (!picture) return undefined;
    this.#shownAtMs = picture.atMs;
    this.#shownMs = this.#options.clock.monotonicMs();
    const head = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.jpeg.length}\r\nX-Picture-Time-Ms: ${picture.atMs}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), picture.jpeg, Buffer.from('\r\n')]);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  async #newer(): Promise<Picture | undefined> {
    const { clock, make, isGood, everyMs } = this.#options;
    const { signal } = this.#closed;
    while (!signal.aborted && clock.monotonicMs() - this.#shownMs < SILENT_MS) {
      try {
        await clock.sleep(everyMs, signal);
      } catch {
        return undefined;
      }
      if (!isGood()) return undefined;
      try {
        const picture = await make(() => !signal.aborted);
        if (picture.atMs !== this.#shownAtMs) return picture;
      } catch (error) {
        if (!(error instanceof NvrError)) throw error;
      }
    }
    return undefined;
  }
}
