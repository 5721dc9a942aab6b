// The pictures of events: soon after the footage of the first cause is on disk its nearest keyframe becomes a JPEG. One at a time; what
// does not work is tried a few times and then left out.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { background, type CameraId, type Clock, type EventBus, type Logger, NvrError } from '../core/index.ts';
import type { Engine, Picture, PictureRequest, Pictures } from '../native/index.ts';
import type { Store, StoredEvent } from '../storage/index.ts';
import { summaryOf } from './event-view.ts';

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
  tries: number;
  /** Monotonic. */
  dueMs: number;
}

const WIDTH = 640;
/** Before each try; the first when a fragment of a second with the cause in it is on disk. */
const DELAYS_MS = [1500, 3000, 6000, 12_000, 30_000];
/** The nearest keyframe may come after the cause: so much footage behind it is waited for in the first two tries. */
const BEHIND_MS = 1000;
const PATIENT_TRIES = 2;
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
    const dueMs = this.#options.clock.monotonicMs() + (DELAYS_MS[0] ?? 0);
    this.#wishes.push({ id, camera, atMs: startMs, fromMs: startMs - preRoll.promisedMs, tries: 0, dueMs });
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
    wish.tries++;
    let reason = 'there is no footage of it';
    let isFinal = false;
    try {
      const file = this.#fileOf(wish);
      if (file) {
        const isWanted = () => !this.#isStopped;
        const picture = await this.#options.pictures.make({ ...file, atMs: wish.atMs, width: WIDTH, isWanted });
        await this.#keep(wish, picture);
        this.#drop(wish);
        return;
      }
    } catch (error) {
      if (this.#isStopped) return;
      reason = error instanceof Error ? error.message : String(error);
      isFinal = error instanceof NvrError && (error.kind === 'data-loss' || error.kind === 'failed-precondition');
    }
    const delayMs = DELAYS_MS[wish.tries];
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

  /**
   * The newest footage of the moment; undefined while there is none, or not enough of it behind the moment. In the end the last before
   * it will do: whoever breaks in may begin with the camera.
   */
  #fileOf({ camera, atMs, fromMs, tries }: Wish): Omit<PictureRequest, 'atMs' | 'width'> | undefined {
    const { store, engine } = this.#options;
    const stream = 'main';
    const written = engine.stats().streams.find(one => one.camera === camera && one.stream === stream)?.open ?? [];
    const untilMs = atMs + (tries <= PATIENT_TRIES ? BEHIND_MS : 1);
    const isLast = tries === DELAYS_MS.length;
    const range = { startMs: isLast ? fromMs : atMs, endMs: atMs + 1 };
    const closed = store.segments.list({ camera, stream, ...range, limit: 10, newestFirst: true }).segments;
    const known = new Set(closed.map(({ path }) => path));
    const holds = (one: { startMs: number; endMs: number }) => one.startMs <= atMs && one.endMs > atMs;
    const found = [
      ...closed.filter(holds),
      ...written.filter(one => !known.has(one.path) && one.startMs <= atMs && one.endMs >= untilMs),
    ].sort((a, b) => b.clockGen - a.clockGen)[0];
    const before = isLast ? closed.find(one => one.startMs <= atMs) : undefined;
    const chosen = found ?? before;
    if (!chosen) return undefined;
    const { path, sizeBytes, startMs, clockGen } = chosen;
    return { path: join(store.segmentsFolder, path), sizeBytes, camera, stream, startMs, clockGen };
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
