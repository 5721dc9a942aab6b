// Deletes all footage and events of cameras. A row marks each of them, so that a restart goes on with it; what is locked stays.
import type { Dirent } from 'node:fs';
import { lstat, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CameraId, fromSystem, type Logger, NvrError } from '../core/index.ts';
import type { Adoption } from './adoption.ts';
import type { Database } from './database.ts';
import { type Deletion, removeFile, syncIfThere } from './deletion.ts';
import type { EventTable } from './events.ts';
import type { GapTable } from './gaps.ts';
import { CAMERA_KEY_BYTES, cameraKey, cameraOfKey } from './keys.ts';
import { MAX_TIME_MS, parseDayFolder } from './layout.ts';
import type { LicenceTable } from './licences.ts';
import { encodeRow } from './rows.ts';
import type { Totals } from './segment.ts';
import type { SegmentTable } from './segments.ts';

/** Files between two commits. */
const BATCH = 256;

export interface PurgeOptions {
  database: Database;
  segments: SegmentTable;
  gaps: GapTable;
  events: Pick<EventTable, 'removeCamera'>;
  licences: LicenceTable;
  deletion: Pick<Deletion, 'discard'>;
  adoption: Pick<Adoption, 'cancel' | 'adopt'>;
  /** Absolute path of the segments folder. */
  folder: string;
  log: Logger;
  onStep: (name: string) => void;
  /** The service stops: the next start goes on. */
  signal: AbortSignal;
}

/** What became of the footage of a camera. */
export interface Purged {
  deleted: Totals;
  /** Segments that are locked, or footage of locked events. */
  kept: Totals;
}

export class Purge {
  readonly #options: PurgeOptions;
  readonly #running = new Map<CameraId, Promise<Purged>>();
  /** Marked, and the attempt to delete the footage failed. */
  readonly #failed = new Set<CameraId>();

  constructor(options: PurgeOptions) {
    this.#options = options;
  }

  /** Notes that all footage of a camera is to go; holds with the next commit. */
  mark(camera: CameraId): void {
    const { database } = this.#options;
    if (!database.get('garbage', cameraKey(camera))) database.put('garbage', cameraKey(camera), encodeRow({}));
  }

  unmark(camera: CameraId): void {
    this.#options.database.remove('garbage', cameraKey(camera));
  }

  /** Cameras whose footage is still to go. */
  marked(): CameraId[] {
    const range = { from: Buffer.alloc(1), to: Buffer.alloc(16, 0xff), limit: 1_000_000 };
    const rows = this.#options.database.range('garbage', range);
    return rows.filter(({ key }) => key.length === CAMERA_KEY_BYTES).map(({ key }) => cameraOfKey(key));
  }

  /**
   * Deletes all footage and events of a camera but what is locked, whether the index knows it or not. Rejects with `failed-precondition` while the
   * camera is being recorded, and when the volume refuses: `retry` and the next start then go on.
   */
  delete(camera: CameraId): Promise<Purged> {
    const running = this.#running.get(camera);
    if (running !== undefined) return running;
    const purged = this.#delete(camera)
      .then(
        result => {
          this.#failed.delete(camera);
          return result;
        },
        error => {
          this.#failed.add(camera);
          throw error;
        },
      )
      .finally(() => this.#running.delete(camera));
    this.#running.set(camera, purged);
    return purged;
  }

  /** Goes on where an attempt failed. Never rejects. */
  async retry(): Promise<void> {
    for (const camera of this.#failed) await this.#attempt(camera);
  }

  /** Goes on with what earlier runs left. Never rejects: what fails is tried again by `retry`. */
  async resume(cameras: readonly CameraId[]): Promise<void> {
    for (const camera of cameras) await this.#attempt(camera);
  }

  /** Resolves when nothing is being deleted any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  async #attempt(camera: CameraId): Promise<void> {
    const { log, signal } = this.#options;
    if (signal.aborted) return;
    try {
      const { deleted, kept } = await this.delete(camera);
      log.info('footage of a camera that was removed is deleted', {
        camera,
        ...deleted,
        lockedSegments: kept.segments,
      });
    } catch (error) {
      log.warn('the footage of a camera cannot be deleted yet', { camera, error });
    }
  }

  async #delete(camera: CameraId): Promise<Purged> {
    const { database, segments, gaps, events, licences, adoption } = this.#options;
    if (licences.standing(camera)) {
      throw new NvrError('failed-precondition', `camera ${camera} is being recorded`, {
        cure: 'Stop recording it first.',
      });
    }
    const before = segments.totals(camera);
    this.mark(camera);
    await database.flush().catch(passWhenFull);
    await adoption.cancel(camera);
    await this.#deleteKnown(camera);
    await this.#deleteUnknown(camera);
    gaps.removeCamera(camera);
    events.removeCamera(camera);
    licences.removeCamera(camera);
    this.unmark(camera);
    await database.flush();
    const kept = segments.totals(camera);
    const deleted = {
      segments: Math.max(0, before.segments - kept.segments),
      sizeBytes: Math.max(0, before.sizeBytes - kept.sizeBytes),
    };
    return { deleted, kept };
  }

  async #deleteKnown(camera: CameraId): Promise<void> {
    const { segments, deletion } = this.#options;
    let cursor: string | undefined;
    do {
      this.#refuseWhenStopping();
      const query = { camera, startMs: 0, endMs: MAX_TIME_MS, limit: BATCH };
      const page = segments.list(cursor === undefined ? query : { ...query, cursor });
      await deletion.discard(page.segments.filter(segment => !segments.isHeld(segment)));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** What is left of a camera: files that nobody adopted, then the empty folders. */
  async #deleteUnknown(camera: CameraId): Promise<void> {
    const { folder, onStep } = this.#options;
    const path = join(folder, String(camera));
    const kept = { camera, startMs: 0, endMs: MAX_TIME_MS, limit: Number.MAX_SAFE_INTEGER };
    const known = new Set(this.#options.segments.list(kept).segments.map(segment => segment.path));
    try {
      for (const day of await entriesIn(path)) {
        // Links are no folders of ours, wherever they lead.
        if (!day.isDirectory() || parseDayFolder(day.name) === undefined) continue;
        this.#refuseWhenStopping();
        onStep('delete-leftovers');
        for (const entry of await entriesIn(join(path, day.name))) {
          const name = `${camera}/${day.name}/${entry.name}`;
          if (!entry.isDirectory() && !known.has(name)) await this.#deleteFile(name);
        }
        await rmdir(join(path, day.name)).catch(ignoreOccupied);
      }
      await rmdir(path).catch(ignoreOccupied);
      await syncIfThere(folder);
    } catch (error) {
      throw fromSystem(error, 'deleting footage failed');
    }
  }

  /** A file that nobody may write is a locked segment, whatever the index has lost. */
  async #deleteFile(name: string): Promise<void> {
    const { folder, adoption } = this.#options;
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (!stats?.isFile() || (stats.mode & 0o222) !== 0) await removeFile(path);
    else if (!(await adoption.adopt(name))) throw new NvrError('unavailable', `${name} cannot be read`);
  }

  #refuseWhenStopping(): void {
    if (!this.#options.signal.aborted) return;
    throw new NvrError('unavailable', 'the service is stopping; the rest of the footage is deleted at the next start');
  }
}

/** A full volume has no room for a mark, and only a deletion makes room. */
function passWhenFull(error: unknown): void {
  if (!(error instanceof NvrError) || error.kind !== 'resource-exhausted') throw error;
}

async function entriesIn(path: string): Promise<Dirent[]> {
  return readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

function ignoreOccupied(error: NodeJS.ErrnoException): void {
  if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(error.code ?? '')) throw error;
}
