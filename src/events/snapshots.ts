// The pictures of events: the keyframe nearest to the first cause becomes a JPEG, as soon as it is on disk and no nearer one can come. One
// at a time; what does not work is tried a few times and then left out.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { background, type CameraId, type Clock, type EventBus, type Logger, NvrError } from '../core/index.ts';
import type { Engine, Picture, Pictures } from '../native/index.ts';
import type { Store, StoredEvent } from '../storage/index.ts';
import { summaryOf } from './event-view.ts';
import { MOST_BEHIND_MS, type PictureFile, type PictureFiles, pictureFiles } from './picture-source.ts';

export interface SnapshotsOptions {
  store: Pick<Store, 'segments' | 'segmentsFolder' | 'isThere'> & {
    events: Pick<Store['events'], 'update' | 'picturePath'>;
  };
  engine: Pick<Engine, 'stats'>;
  pictures: Pick<Pictures, 'make'>;
  clock: Clock;
  bus: EventBus;
  log: Logger;
}

interface Wish {
  id: string;
  camera: CameraId;
  /** As footage is dated. */
  atMs: number;
  /** How far back footage counts as the event's. */
  fromMs: number;
  /** When it was asked for; monotonic. */
  sinceMs: number;
  tries: number;
  /** Monotonic. */
  dueMs: number;
}

const WIDTH = 640;
/** Before the first look: then a fragment of a second with the cause in it is on disk. */
const FIRST_MS = 1500;
/** Between two looks whether the keyframe behind the cause is on disk. */
const LOOK_MS = 1000;
/** How long is looked for it at the least; else for two GOPs. After that what there is will do. */
const LEAST_PATIENCE_MS = 4000;
/** Between the tries to make a picture. */
const DELAYS_MS = [3000, 6000, 12_000, 30_000];
/** Events that wait for their picture; the oldest goes without. */
const MOST_WAITING = 64;

export class Snapshots {
  readonly #options: SnapshotsOptions;
  #wishes: Wish[] = [];
  #failed = 0;
  #made = 0;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  figures(): { waiting: number; made: number; failed: number } {
    return { waiting: this.#wishes.length, made: this.#made, failed: this.#failed };
  }

  /** Makes the picture of an event that has begun. */
  add({ id, camera, startMs, preRoll }: StoredEvent): void {
    if (this.#isStopped) return;
    if (this.#wishes.length >= MOST_WAITING) {
      const dropped = this.#wishes.shift();
      if (dropped) this.#give(dropped, 'too many wait for their pictures');
    }
    const sinceMs = this.#options.clock.monotonicMs();
    const times = { atMs: startMs, fromMs: startMs - preRoll.promisedMs, sinceMs, dueMs: sinceMs + FIRST_MS };
    this.#wishes.push({ id, camera, ...times, tries: 0 });
    this.#arm();
  }

  /** Resolves when nothing is being made any more; what waits gets no picture. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wishes = [];
    this.#cancel?.();
    await this.#running?.catch(() => undefined);
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const next = this.#next();
    if (!next || this.#running || this.#isStopped) return;
    this.#cancel = this.#options.clock.after(next.dueMs - this.#options.clock.monotonicMs(), () => {
      this.#cancel = undefined;
      this.#running = this.#run(next).finally(() => {
        this.#running = undefined;
        this.#arm();
      });
      background(this.#running, 'picture of an event', this.#options.log);
    });
  }

  #next(): Wish | undefined {
    return this.#wishes.reduce<Wish | undefined>(
      (first, one) => (first && first.dueMs <= one.dueMs ? first : one),
      undefined,
    );
  }

  async #run(wish: Wish): Promise<void> {
    // In the end the last footage before the cause will do: whoever breaks in may begin with the camera.
    const isLast = wish.tries === DELAYS_MS.length;
    let reason = 'there is no footage of it';
    let isFinal = false;
    try {
      const files = pictureFiles(this.#options, wish.camera, wish.atMs, isLast ? wish.fromMs : undefined);
      const nowMs = this.#options.clock.monotonicMs();
      if (!files.isSure && nowMs - wish.sinceMs < patienceMs(files.gopMs)) {
        wish.dueMs = nowMs + LOOK_MS;
        return;
      }
      const picture = files.file || isLast ? await this.#make(wish, files) : undefined;
      if (picture) {
        await this.#keep(wish, picture);
        this.#drop(wish);
        return;
      }
    } catch (error) {
      if (this.#isStopped) return;
      reason = error instanceof Error ? error.message : String(error);
      isFinal = error instanceof NvrError && (error.kind === 'data-loss' || error.kind === 'failed-precondition');
    }
    const delayMs = DELAYS_MS[wish.tries++];
    if (isFinal || delayMs === undefined) {
      this.#drop(wish);
      this.#give(wish, reason);
    } else wish.dueMs = this.#options.clock.monotonicMs() + delayMs;
  }

  #drop(wish: Wish): void {
    this.#wishes = this.#wishes.filter(other => other !== wish);
  }

  #give({ id, camera }: Wish, reason: string): void {
    this.#failed++;
    this.#options.log.warn('an event goes without a picture', { camera, event: id, reason });
  }

  /** The picture of the keyframe nearest to the cause, whichever file it stands in; undefined while there is no footage. */
  async #make({ camera, atMs }: Wish, { file, next }: PictureFiles): Promise<Picture | undefined> {
    const one = file && (await this.#makeFrom(file, atMs));
    if (!next || (one && next.startMs - atMs >= Math.abs(one.atMs - atMs))) return one;
    try {
      return await this.#makeFrom(next, atMs);
    } catch (error) {
      if (!one || this.#isStopped) throw error;
      this.#options.log.debug('no picture can be made of the next file', { camera, error });
      return one;
    }
  }

  #makeFrom({ endMs: _endMs, ...file }: PictureFile, atMs: number): Promise<Picture> {
    const isWanted = () => !this.#isStopped;
    return this.#options.pictures.make({ ...file, atMs, width: WIDTH, isWanted });
  }

  async #keep({ id, camera }: Wish, { jpeg, atMs, width, height }: Picture): Promise<void> {
    const { store, bus, log } = this.#options;
    const path = store.events.picturePath(id);
    if (path === undefined) return;
    // Nothing goes to the directory under a volume that is gone.
    if (!(await store.isThere())) throw new NvrError('unavailable', 'the storage volume is not there');
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileBeside(path, jpeg);
    const event = store.events.update(id, { picture: { atMs, width, height, sizeBytes: jpeg.length } });
    if (!event) {
      await unlink(path).catch(() => undefined);
      return;
    }
    this.#made++;
    log.debug('picture of an event', { camera, event: id, sizeBytes: jpeg.length });
    bus.emit('event.updated', summaryOf(event));
  }
}

/** How long a nearer keyframe is waited for. */
function patienceMs(gopMs: number): number {
  return Math.min(Math.max(2 * gopMs, LEAST_PATIENCE_MS), MOST_BEHIND_MS) + FIRST_MS;
}

/** Not synced: a picture that a power cut takes is only a picture. */
async function writeFileBeside(path: string, bytes: Buffer): Promise<void> {
  const temporary = `${path}.tmp`;
  let file: FileHandle | undefined;
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    file = await open(temporary, flags, 0o640);
    await file.writeFile(bytes);
    await file.close();
    file = undefined;
    await rename(temporary, path);
  } catch (error) {
    await file?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
