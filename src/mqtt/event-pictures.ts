// Hands on the newest picture of an event of each camera: one at a time, never more often than anybody looks at it.
import { readFile } from 'node:fs/promises';
import { background, type CameraId, type Clock, type Logger } from '../core/index.ts';
import type { CameraEvents } from '../events/index.ts';

export interface EventPicturesOptions {
  events: Pick<CameraEvents, 'find' | 'list' | 'picturePath'>;
  clock: Clock;
  log: Logger;
  /** Whether it makes sense to read one. */
  hasRoom(): boolean;
  /** False when there is no room now. */
  publish(camera: CameraId, jpeg: Buffer): boolean;
}

/** More than pictures of 640 pixels take; brokers, and Home Assistant, hold each in memory. */
const MAX_PICTURE_BYTES = 128 * 1024;
/** Between two pictures, of whatever camera. */
const PAUSE_MS = 250;
/** The newest events are looked at for one with a picture. */
const LOOK_BACK = 8;

export class EventPictures {
  readonly #options: EventPicturesOptions;
  /** Event by camera: what waits. */
  readonly #waiting = new Map<CameraId, string>();
  /** What was handed on. */
  readonly #sent = new Map<CameraId, string>();
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: EventPicturesOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#waiting.clear();
  }

  add(camera: CameraId, event: string): void {
    if (this.#sent.get(camera) === event) return;
    this.#waiting.set(camera, event);
    this.#arm();
  }

  /** The newest that there is, also when it was handed on before. */
  resend(camera: CameraId): void {
    const { events } = this.#options;
    const newest = events.list({ cameras: [camera], limit: LOOK_BACK }).events.find(({ picture }) => picture);
    this.#sent.delete(camera);
    if (newest) this.add(camera, newest.id);
  }

  /** There may be room again. */
  resume(): void {
    this.#arm();
  }

  /** The broker is away; the newest are asked for when it is back. */
  lost(): void {
    this.#waiting.clear();
  }

  forget(camera: CameraId): void {
    this.#waiting.delete(camera);
    this.#sent.delete(camera);
  }

  #arm(): void {
    if (this.#cancel || this.#isStopped || this.#waiting.size === 0 || !this.#options.hasRoom()) return;
    this.#cancel = this.#options.clock.after(PAUSE_MS, () => {
      background(
        this.#next().finally(() => {
          this.#cancel = undefined;
          this.#arm();
        }),
        'hand on a picture',
        this.#options.log,
      );
    });
  }

  async #next(): Promise<void> {
    const { events, publish, log } = this.#options;
    const [first] = this.#waiting;
    if (!first) return;
    const [camera, id] = first;
    this.#waiting.delete(camera);
    const { picture } = events.find(id) ?? {};
    if (!picture || picture.sizeBytes > MAX_PICTURE_BYTES) return;
    let jpeg: Buffer;
    try {
      jpeg = await readFile(events.picturePath(id));
    } catch (error) {
      // It went in the meantime, or the volume is away.
      log.debug('the picture of an event cannot be read', { camera, event: id, error });
      return;
    }
    if (this.#isStopped || jpeg.length > MAX_PICTURE_BYTES) return;
    if (publish(camera, jpeg)) this.#sent.set(camera, id);
    // Slow: unless a newer one waits, this one does.
    else if (!this.#waiting.has(camera)) this.#waiting.set(camera, id);
  }
}
