// The spare copy of the index: made once a day while the service runs, compact and whole, and taken when the index is damaged.
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { background, type Clock, fromSystem, type Logger, syncFolder } from '../core/index.ts';

export const BACKUP_FOLDER = 'index-backup';

export interface IndexBackupOptions {
  /** The data directory. */
  dir: string;
  /** Copies the committed index into an empty folder. */
  copy: (folder: string) => Promise<void>;
  /** Free and total bytes of the volume. */
  freeBytes: () => Promise<number>;
  clock: Clock;
  log: Logger;
  onStep: (name: string) => void;
}

/** Not while the service starts and cameras are being connected. */
const FIRST_MS = 3_600_000;
const EACH_MS = 86_400_000;
/** A copy is not worth what the footage needs. */
const MIN_FREE_BYTES = 256 * 1024 * 1024;

export class IndexBackup {
  readonly #options: IndexBackupOptions;
  #timer: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: IndexBackupOptions) {
    this.#options = options;
  }

  start(): void {
    this.#arm(FIRST_MS);
  }

  /** Resolves when no copy is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.();
    await this.#running;
  }

  /** Replaces the copy. Rejects when the volume refuses; the one before then stays. */
  async make(): Promise<void> {
    const { dir, copy, onStep } = this.#options;
    const [target, fresh] = [join(dir, BACKUP_FOLDER), join(dir, `${BACKUP_FOLDER}.new`)];
    try {
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh, { mode: 0o700 });
      onStep('backup-copy');
      await copy(fresh);
      const file = await open(join(fresh, 'data.mdb'), 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(fresh);
      onStep('backup-copied');
      await rm(target, { recursive: true, force: true });
      await rename(fresh, target);
      await syncFolder(dir);
      onStep('backup-replaced');
    } catch (error) {
      throw fromSystem(error, 'the index cannot be copied');
    }
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#running = this.#makeIfDue();
      background(this.#running, 'copy the index', this.#options.log);
    });
  }

  async #makeIfDue(): Promise<void> {
    const { dir, clock, freeBytes, log } = this.#options;
    const madeMs = await stat(join(dir, BACKUP_FOLDER, 'data.mdb')).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    // A service that is restarted each morning has its copy all the same; one of the future tells nothing.
    const ageMs = clock.nowMs() - madeMs;
    const due = ageMs < 0 || ageMs >= EACH_MS - FIRST_MS;
    try {
      if (due && (await freeBytes()) >= MIN_FREE_BYTES) await this.make();
    } catch (error) {
      log.warn('the index could not be copied', { error });
    }
    this.#arm(due ? EACH_MS : EACH_MS - ageMs);
  }
}
