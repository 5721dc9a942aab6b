// Brings records and files together where they differ: for repairs, and after an older copy of the index was taken.
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CameraId, type Logger, parseSegmentId } from '../core/index.ts';
import type { Deletion } from './deletion.ts';
import { differenceOf, missing } from './inspection.ts';
import { MAX_TIME_MS } from './layout.ts';
import type { ExamineSegment, Segment } from './segment.ts';
import type { SegmentTable } from './segments.ts';

export interface MendingOptions {
  segments: SegmentTable;
  deletion: Pick<Deletion, 'forget'>;
  /** Moves a file into quarantine. */
  setAside: (path: string) => Promise<void>;
  /** Leaves a copy of a file there. */
  keepCopy: (path: string) => Promise<void>;
  examine: ExamineSegment;
  storeUuid: string;
  /** Absolute path of the segments folder. */
  folder: string;
  log: Logger;
}

export interface Mended {
  /** Records whose files were gone. */
  dropped: number;
  /** Files and records that said different things. */
  corrected: number;
  /** Files that could not be read or mended. */
  failed: number;
}

const PAGE = 1000;

/** Drops the records of a camera whose files are gone; they leave gaps. */
export async function dropMissing(options: MendingOptions, camera: CameraId): Promise<number> {
  let dropped = 0;
  for await (const segment of missing(options, camera)) {
    options.log.warn('the file of a segment is gone', { path: segment.path });
    options.deletion.forget(segment);
    dropped++;
  }
  return dropped;
}

/** Examines all files that the index knows and mends what differs. Durable with the next commit. */
export async function mend(options: MendingOptions): Promise<Mended> {
  const { segments } = options;
  const mended: Mended = { dropped: 0, corrected: 0, failed: 0 };
  for (const camera of new Set(segments.streams().map(stream => stream.camera))) {
    mended.dropped += await dropMissing(options, camera);
    let cursor: string | undefined;
    do {
      const query = {
        camera,
        startMs: 0,
        endMs: MAX_TIME_MS,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = segments.list(query);
      for (const segment of page.segments) {
        try {
          if (await mendOne(options, segment)) mended.corrected++;
        } catch (error) {
          mended.failed++;
          options.log.error('a file could not be mended', { path: segment.path, error });
        }
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return mended;
}

/** True when something was changed. */
async function mendOne(options: MendingOptions, segment: Segment): Promise<boolean> {
  const { segments, deletion, examine, storeUuid, folder, setAside, keepCopy } = options;
  const path = join(folder, segment.path);
  const { mode } = await stat(path);
  const locked = (mode & 0o222) === 0;
  const before = await examine(path, storeUuid, { write: false, thorough: true });
  if (before.state === 'whole' && differenceOf(segment, before, locked) === undefined) return false;
  // Good footage may lie behind damage in the middle of a closed file: it is cut off here and stays in the copy.
  const atItsWord = before.state === 'repaired' && (await examine(path, storeUuid, { write: false, thorough: false }));
  if (atItsWord && atItsWord.state === 'whole') await keepCopy(segment.path);
  if (locked) await chmod(path, mode | 0o200);
  const facts = await examine(path, storeUuid, { write: true, thorough: true });
  const isLost = facts.state === 'error' && facts.code === 'EBADMSG';
  if (facts.state === 'error' && !isLost) throw new Error(facts.code ?? 'it cannot be read');
  const { camera, stream, startMs, endMs, sizeBytes, codecs } = facts;
  const own = camera === segment.camera && stream === segment.stream && startMs === segment.startMs;
  if (isLost || facts.state === 'foreign' || facts.state === 'empty' || !own) {
    await setAside(segment.path);
    deletion.forget(segment);
    return true;
  }
  const kept = segment.locked || locked;
  const { endReason } = segment;
  const key = parseSegmentId(segment.id);
  if (key && facts.clockGen !== segment.clockGen) segments.drop(key);
  segments.record({
    camera,
    stream,
    startMs,
    clockGen: facts.clockGen,
    endMs,
    sizeBytes,
    codecs,
    endReason,
    locked: kept,
    path: segment.path,
  });
  if (kept) await chmod(path, 0o440);
  return true;
}
