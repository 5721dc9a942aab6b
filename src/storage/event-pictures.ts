// The pictures of events: where they lie, and their removal in the background.
import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { background, type CameraId, type Clock, type Logger } from '../core/index.ts';
import { type EventKey, eventId, parseEventId } from './event.ts';
import { DAY_MS, dayFolder, parseCameraFolder, parseDayFolder } from './layout.ts';

export interface EventPicturesOptions {
  /** Absolute path of the folder of pictures. */
  folder: string;
  clock: Pick<Clock, 'nowMs'>;
  log: Logger;
}

const EXTENSION = '.jpg';
/** Files between two turns of the event loop. */
const SLICE = 200;
/** How many are still removed when the service stops. */
const LAST = 200;

export class EventPictures {
  readonly #options: EventPicturesOptions;
  readonly #waiting: EventKey[] = [];
  #running: Promise<void> | undefined;

  constructor(options: EventPicturesOptions) {
    this.#options = options;
  }

  /** `<camera>/<YYYY-MM-DD>/<id>.jpg` in the folder of pictures. */
  pathOf(key: EventKey): string {
    return join(this.#folderOf(key), `${eventId(key)}${EXTENSION}`);
  }

  /** Removes a picture, if there is one, in the background. What a crash leaves is found by `sweep`. */
  remove(key: EventKey): void {
    this.#waiting.push(key);
    if (this.#running !== undefined) return;
    this.#running = this.#removeAll().finally(() => {
      this.#running = undefined;
    });
    background(this.#running, 'remove pictures of events', this.#options.log);
  }

  /** Resolves when nothing is being removed any more. Where very many wait, the sweep of a later start has the rest. */
  async stop(): Promise<void> {
    this.#waiting.splice(0, this.#waiting.length - LAST);
    await this.#running?.catch(() => undefined);
  }

  /** Removes the pictures of events that are gone, and what was half written. Passes over files that are none of ours. */
  async sweep(has: (key: EventKey) => boolean, signal: AbortSignal): Promise<void> {
    const { folder, clock } = this.#options;
    const todayMs = clock.nowMs();
    for (const camera of await foldersIn(folder)) {
      if (parseCameraFolder(camera) === undefined) continue;
      for (const day of await foldersIn(join(folder, camera))) {
        const dayMs = parseDayFolder(day);
        // The pictures of today are being made.
        if (dayMs === undefined || Math.abs(dayMs + DAY_MS / 2 - todayMs) < DAY_MS) continue;
        await this.#sweepDay(Number(camera), join(folder, camera, day), has, signal);
        if (signal.aborted) return;
      }
    }
  }

  async #sweepDay(camera: CameraId, path: string, has: (key: EventKey) => boolean, signal: AbortSignal): Promise<void> {
    const names = await readdir(path).catch(() => []);
    // In their order, since neighbours stand in one row of the directory.
    for (const [index, name] of names.sort().entries()) {
      if (signal.aborted) return;
      if (index % SLICE === 0) await new Promise(resolve => setImmediate(resolve));
      // Half-written ones carry something behind their name.
      const [id = '', rest] = name.split(EXTENSION);
      const key = rest === undefined ? undefined : parseEventId(id);
      if (!key || key.camera !== camera || (rest === '' && has(key))) continue;
      await unlink(join(path, name)).catch(() => undefined);
    }
    await rmdir(path).catch(() => undefined);
  }

  async #removeAll(): Promise<void> {
    for (let key = this.#waiting.pop(); key; key = this.#waiting.pop()) {
      try {
        await unlink(this.pathOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        this.#options.log.warn('a picture could not be removed', { event: eventId(key), error });
        continue;
      }
      const isCurrent = Math.abs(key.startMs - this.#options.clock.nowMs()) < 2 * DAY_MS;
      // One that is not empty stays, an empty one does no harm.
      if (!isCurrent) await rmdir(this.#folderOf(key)).catch(() => undefined);
    }
  }

  #folderOf({ camera, startMs }: EventKey): string {
    return join(this.#options.folder, String(camera), dayFolder(startMs));
  }
}

/** Links are no folders of ours, wherever they lead. */
async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter(entry => entry.isDirectory()).map(entry => entry.name);
}
