// Deletes segments so that no crash leaves a file that the index does not know: garbage row, unlink, folder sync, row dropped.
import { rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fromSystem, type Logger, NvrError, parseSegmentId, syncFolder } from '../core/index.ts';
import type { Database } from './database.ts';
import type { EventTable } from './events.ts';
import type { GapTable } from './gaps.ts';
import { CAMERA_KEY_BYTES, cameraOfKey, clockGenOfKey, garbageKey, streamOfKey, timeOfKey } from './keys.ts';
import { DAY_MS, MAX_TIME_MS, parseDayFolder, segmentPath } from './layout.ts';
import type { LicenceTable } from './licences.ts';
import { decodeRow, encodeRow } from './rows.ts';
import type { Segment } from './segment.ts';
import type { SegmentTable } from './segments.ts';

/** Files between two commits. */
const BATCH = 256;
const GARBAGE_KEY_BYTES = 15;

export interface DeletionOptions {
  database: Database;
  segments: SegmentTable;
  gaps: GapTable;
  events: Pick<EventTable, 'removeBare'>;
  licences: LicenceTable;
  /** Absolute path of the segments folder. */
  folder: string;
  log: Logger;
  onStep: (name: string) => void;
  nowMs: () => number;
  /** Called when a garbage row is damaged: its file is unknown to the index from then on. */
  onDamage: () => void;
  /** Told how many files could not be deleted and wait for the next attempt, and why the last one could not. */
  onUnfinished: (files: number, error: unknown) => void;
}

export class Deletion {
  readonly #options: DeletionOptions;
  /** Marked and not removed: the volume refused. */
  #unfinished: GarbageFile[] = [];

  constructor(options: DeletionOptions) {
    this.#options = options;
  }

  /** Deletes one segment and leaves a gap in its place. Rejects with `not-found`, when it is locked, or when the volume refuses. */
  async deleteSegment(id: string): Promise<Segment> {
    const { segments } = this.#options;
    const key = parseSegmentId(id);
    const known = segments.get(id);
    if (known && segments.isHeld(known)) {
      const words = known.locked ? 'is locked' : 'is footage of a locked event';
      const cure = known.locked ? 'Unlock it first.' : 'Unlock the event first.';
      throw new NvrError('failed-precondition', `segment ${id} ${words}`, { cure });
    }
    const segment = key && segments.take(key);
    if (!segment) throw new NvrError('not-found', `there is no segment ${id}`);
    this.#discard(segment);
    this.#leaveGap(segment);
    this.#removeEvents([segment]);
    await this.#remove([segment]);
    return segment;
  }

  /**
   * Deletes several segments that are not locked, and leaves gaps; gives back those that are gone. What the volume refuses to remove waits
   * for `retry` and keeps nothing else from being removed.
   */
  async deleteSegments(ids: readonly string[]): Promise<Segment[]> {
    const { segments } = this.#options;
    const taken: Segment[] = [];
    for (const id of ids) {
      const key = parseSegmentId(id);
      const known = segments.get(id);
      const segment = key && known && !segments.isHeld(known) ? segments.take(key) : undefined;
      if (!segment) continue;
      this.#discard(segment);
      this.#leaveGap(segment);
      taken.push(segment);
    }
    this.#removeEvents(taken);
    try {
      await this.#remove(taken);
    } catch (error) {
      // Told through onUnfinished as well.
      this.#options.log.debug('footage cannot be deleted', { error });
    }
    const left = new Set(this.#unfinished.map(file => file.path));
    return taken.filter(segment => !left.has(segment.path));
  }

  /** Drops the record of a segment whose file is gone, and leaves a gap in its place. */
  forget(segment: Segment): void {
    const { segments } = this.#options;
    if (!segments.drop(segment)) return;
    this.#leaveGap(segment);
    this.#removeEvents([segment]);
  }

  /** How many files wait for `retry`. */
  get unfinished(): number {
    return this.#unfinished.length;
  }

  /** Tries again to remove what could not be removed before. True when nothing is left over. */
  async retry(): Promise<boolean> {
    const files = this.#unfinished;
    if (files.length === 0) return true;
    this.#unfinished = [];
    try {
      await this.#remove(files.splice(0, BATCH), files);
    } catch (error) {
      this.#options.log.debug('footage still cannot be deleted', { error });
    }
    return this.#unfinished.length === 0;
  }

  /** Deletes segments, locked ones too, and leaves no gaps: their camera is gone. Rejects when the volume refuses. */
  async discard(found: readonly Segment[]): Promise<void> {
    const { segments } = this.#options;
    const taken = found.filter(segment => segments.take(segment) !== undefined);
    for (const segment of taken) this.#discard(segment);
    await this.#remove(taken);
  }

  /** Finishes what earlier runs began; what the volume refuses is tried again while the service runs. */
  async finish(): Promise<void> {
    const { database, segments, log, onDamage } = this.#options;
    const files: GarbageFile[] = [];
    const range = { from: Buffer.alloc(1), to: Buffer.alloc(16, 0xff), limit: 1_000_000 };
    for (const { key, value } of database.range('garbage', range)) {
      // A camera whose footage is to go: see purge.ts.
      if (key.length === CAMERA_KEY_BYTES) continue;
      const file = parseGarbage(key, value);
      if (!file) {
        log.error('a row of the index is damaged', { table: 'garbage', row: key.toString('hex') });
        database.remove('garbage', key);
        onDamage();
      } else {
        segments.addTotals(file.camera, 1, file.sizeBytes);
        files.push(file);
      }
    }
    for (let at = 0; at < files.length; at += BATCH) {
      await this.#unlinkAll(files.slice(at, at + BATCH)).catch(error =>
        log.error('files that were deleted before cannot be removed', { error }),
      );
    }
  }

  /** Marks a segment that was just taken out of the table. */
  #discard(segment: Segment): void {
    const { camera, stream, startMs, clockGen, sizeBytes } = segment;
    const withGeneration = segment.path === segmentPath(segment, true);
    const row = encodeRow({ withGeneration, sizeBytes });
    this.#options.database.put('garbage', garbageKey(camera, stream, startMs, clockGen), row);
  }

  /**
   * Time without other footage becomes a gap; after a clock step another generation may have some there. Gaps are the camera's, and
   * follow its main stream.
   */
  #leaveGap({ camera, stream, startMs, endMs }: Segment): void {
    if (stream !== 'main') return;
    const { segments, gaps } = this.#options;
    const hasFootage = (fromMs: number, toMs: number) => segments.footage(camera, fromMs, toMs, stream).length > 0;
    let fromMs = startMs;
    for (const [otherStartMs, otherEndMs] of segments.footage(camera, startMs, endMs, stream)) {
      if (otherStartMs > fromMs) gaps.addDeleted(camera, stream, { startMs: fromMs, endMs: otherStartMs }, hasFootage);
      fromMs = Math.max(fromMs, otherEndMs);
    }
    if (fromMs < endMs) gaps.addDeleted(camera, stream, { startMs: fromMs, endMs }, hasFootage);
  }

  /** Events go with the last of their footage. */
  #removeEvents(taken: readonly Segment[]): void {
    const { events, log } = this.#options;
    let removed = 0;
    for (const { camera, startMs, endMs } of taken)
      removed += events.removeBare(camera, startMs, Math.max(endMs, startMs + 1));
    if (removed > 0) log.info('events removed with their footage', { events: removed });
  }

  async #remove(files: GarbageFile[], others: GarbageFile[] = []): Promise<void> {
    this.#options.onStep('delete-mark');
    try {
      await this.#mark();
    } catch (error) {
      this.#leave([...files, ...others], error);
      throw error;
    }
    await this.#unlinkAll(files, others);
  }

  /**
   * Makes the garbage rows durable. A full volume has no room for them, and only a deletion makes room: then it goes on without.
   * After a crash in between a record is left without its file, the oldest one, and so the next to be deleted.
   */
  async #mark(): Promise<void> {
    try {
      await this.#options.database.flush();
    } catch (error) {
      if (!(error instanceof NvrError) || error.kind !== 'resource-exhausted') throw error;
      this.#options.log.warn('footage is deleted without a mark, for want of room');
    }
  }

  /**
   * Bytes count as free when the file is gone. Goes on behind a file that cannot be removed and rejects in the end; that one is tried
   * again together with `others`.
   */
  async #unlinkAll(files: GarbageFile[], others: GarbageFile[] = []): Promise<void> {
    const { database, segments, onStep } = this.#options;
    const byFolder = new Map<string, GarbageFile[]>();
    for (const file of files) {
      const name = dirname(file.path);
      byFolder.set(name, [...(byFolder.get(name) ?? []), file]);
    }
    const left: GarbageFile[] = [...others];
    let failure: unknown;
    for (const [name, inFolder] of byFolder) {
      const { gone, error } = await this.#unlinkIn(name, inFolder);
      failure ??= error;
      onStep('delete-drop');
      for (const file of inFolder) {
        if (!gone.has(file)) {
          left.push(file);
          continue;
        }
        const { camera, stream, startMs, clockGen, sizeBytes } = file;
        database.remove('garbage', garbageKey(camera, stream, startMs, clockGen));
        segments.addTotals(camera, -1, -sizeBytes);
      }
      if (!error) await this.#removeIfEmpty(name);
    }
    this.#leave(left, failure);
    if (failure) throw fromSystem(failure, 'deleting footage failed');
  }

  /** Which files of a folder are gone for good. */
  async #unlinkIn(name: string, files: GarbageFile[]): Promise<{ gone: ReadonlySet<GarbageFile>; error?: unknown }> {
    const { folder, onStep } = this.#options;
    const gone = new Set<GarbageFile>();
    let failure: unknown;
    for (const file of files) {
      onStep('delete-unlink');
      try {
        await removeFile(join(folder, file.path));
        gone.add(file);
      } catch (error) {
        failure ??= error;
      }
    }
    onStep('delete-sync');
    try {
      await syncIfThere(join(folder, name));
    } catch (error) {
      return { gone: new Set(), error };
    }
    return failure === undefined ? { gone } : { gone, error: failure };
  }

  #leave(files: readonly GarbageFile[], error: unknown): void {
    this.#unfinished.push(...files);
    this.#options.onUnfinished(this.#unfinished.length, error);
  }

  /** A folder of days around the present is left: the engine may be about to make a file in it. */
  async #removeIfEmpty(name: string): Promise<void> {
    const [camera, day] = name.split('/');
    const startMs = parseDayFolder(day ?? '');
    const nowMs = this.#options.nowMs();
    const current = startMs === undefined || Math.abs(startMs + DAY_MS / 2 - nowMs) < 2 * DAY_MS;
    if (current && this.#options.licences.standing(Number(camera))) return;
    // An empty folder does no harm.
    await rmdir(join(this.#options.folder, name)).catch(() => undefined);
  }
}

type GarbageFile = Pick<Segment, 'camera' | 'stream' | 'startMs' | 'clockGen' | 'sizeBytes' | 'path'>;

/** The path follows from the key: a damaged or hostile index must not be able to name other files. */
function parseGarbage(key: Buffer, value: Buffer): GarbageFile | undefined {
  const stream = key.length === GARBAGE_KEY_BYTES ? streamOfKey(key) : undefined;
  const row = (decodeRow(value) ?? {}) as { withGeneration?: unknown; sizeBytes?: unknown };
  if (!stream || typeof row.withGeneration !== 'boolean' || !Number.isSafeInteger(row.sizeBytes)) return undefined;
  const segment = { camera: cameraOfKey(key), stream, startMs: timeOfKey(key), clockGen: clockGenOfKey(key) };
  if (segment.startMs > MAX_TIME_MS) return undefined;
  return { ...segment, sizeBytes: row.sizeBytes as number, path: segmentPath(segment, row.withGeneration) };
}

/** Not an error when it is gone already. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** Not an error when it is gone already. */
export async function syncIfThere(folder: string): Promise<void> {
  await syncFolder(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
