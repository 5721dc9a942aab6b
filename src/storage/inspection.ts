// Compares the index with the files on the volume, reading only, and says where they differ.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraId } from '../core/index.ts';
import { DAY_MS, MAX_TIME_MS, parseCameraFolder, parseDayFolder, parseSegmentPath } from './layout.ts';
import { CLOCK_SLACK, type ExamineSegment, type Segment, type SegmentFacts } from './segment.ts';
import type { SegmentTable } from './segments.ts';

export type StoreFaultKind =
  /** The index cannot be read as a whole, or a part of it. */
  | 'index-damaged'
  /** A record without its file. */
  | 'missing-file'
  /** A segment of this store that the index does not know. */
  | 'unknown-file'
  /** A segment that was not closed. */
  | 'unfinished-file'
  /** No segment of this store, or one under another's name. */
  | 'foreign-file'
  | 'unreadable-file'
  /** File and record tell different things. */
  | 'different-record';

export interface StoreFault {
  kind: StoreFaultKind;
  /** Relative to the segments folder; empty for the index. */
  path: string;
  message: string;
}

export interface Inspection {
  files: number;
  segments: number;
  sizeBytes: number;
  faults: number;
}

export interface InspectionOptions {
  segments: Pick<SegmentTable, 'list' | 'streams' | 'totals'>;
  /** Absolute path of the segments folder. */
  folder: string;
  storeUuid: string;
  examine: ExamineSegment;
  /** True for a file that is marked as deleted. */
  isGarbage: (path: string) => boolean;
  onFault: (fault: StoreFault) => void | Promise<void>;
}

const PAGE = 1000;
/**
 * The record has what the engine said when it closed the file, the examination what stands in it; the last picture's length may differ, and
 * that of a long file by as much as the clock of the camera.
 */
const END_TOLERANCE_MS = 1000;

/** Examines every file and every record, one after the other; changes nothing. */
export async function inspect(options: InspectionOptions): Promise<Inspection> {
  const { folder, segments, onFault } = options;
  const result: Inspection = { files: 0, ...segments.totals(), faults: 0 };
  const report = async (fault: StoreFault) => {
    result.faults++;
    await onFault(fault);
  };
  for (const name of await namesIn(folder)) {
    const camera = parseCameraFolder(name);
    if (camera === undefined) continue;
    for (const day of await namesIn(join(folder, name))) {
      const startMs = parseDayFolder(day);
      if (startMs !== undefined) result.files += await inspectDay(options, { camera, day, startMs }, report);
    }
  }
  for (const camera of new Set(segments.streams().map(stream => stream.camera))) {
    for await (const segment of missing(options, camera)) {
      await report({ kind: 'missing-file', path: segment.path, message: 'the file of this record is not there' });
    }
  }
  return result;
}

/** Records of a camera without a file. */
export async function* missing(
  { segments, folder }: Pick<InspectionOptions, 'segments' | 'folder'>,
  camera: CameraId,
): AsyncGenerator<Segment> {
  let day = '';
  let names = new Set<string>();
  let cursor: string | undefined;
  do {
    const query = { camera, startMs: 0, endMs: MAX_TIME_MS, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = segments.list(query);
    for (const segment of page.segments) {
      const [, itsDay = '', name = ''] = segment.path.split('/');
      if (itsDay !== day) names = new Set(await namesIn(join(folder, String(camera), itsDay)));
      day = itsDay;
      if (!names.has(name)) yield segment;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function inspectDay(
  options: InspectionOptions,
  { camera, day, startMs }: { camera: CameraId; day: string; startMs: number },
  report: (fault: StoreFault) => Promise<void>,
): Promise<number> {
  const { folder, segments } = options;
  const query = { camera, startMs, endMs: startMs + DAY_MS, limit: Number.MAX_SAFE_INTEGER };
  const known = new Map(segments.list(query).segments.map(segment => [segment.path, segment]));
  const names = await namesIn(join(folder, String(camera), day));
  for (const name of names) {
    const path = `${camera}/${day}/${name}`;
    const fault = await inspectFile(options, path, known.get(path));
    if (fault) await report({ ...fault, path });
  }
  return names.length;
}

async function inspectFile(
  { folder, storeUuid, examine, isGarbage }: InspectionOptions,
  path: string,
  record: Segment | undefined,
): Promise<Omit<StoreFault, 'path'> | undefined> {
  const named = parseSegmentPath(path);
  if (!named) return { kind: 'foreign-file', message: 'the name is none of a segment' };
  const facts = await examine(join(folder, path), storeUuid, { write: false, thorough: true });
  if (facts.state === 'error')
    return {
      kind: 'unreadable-file',
      message: facts.code === 'EBADMSG' ? 'it is damaged' : `it cannot be read: ${facts.code ?? ''}`,
    };
  if (facts.state === 'foreign') return { kind: 'foreign-file', message: 'it is no segment of this store' };
  if (facts.camera !== named.camera || facts.stream !== named.stream || facts.startMs !== named.startMs) {
    return { kind: 'foreign-file', message: 'it is another segment than its name says' };
  }
  if (facts.state !== 'whole') {
    const { state } = await examine(join(folder, path), storeUuid, { write: false, thorough: false });
    if (state === 'whole') return { kind: 'unreadable-file', message: 'it is damaged before its end' };
    return { kind: 'unfinished-file', message: 'it was not closed' };
  }
  if (!record) {
    if (isGarbage(path)) return { kind: 'different-record', message: 'it was deleted and is still there' };
    return { kind: 'unknown-file', message: 'the index does not know it' };
  }
  const { mode } = await stat(join(folder, path));
  const difference = differenceOf(record, facts, (mode & 0o222) === 0);
  return difference === undefined ? undefined : { kind: 'different-record', message: difference };
}

/** What a record says otherwise than its file; undefined when both say the same. */
export function differenceOf(record: Segment, facts: SegmentFacts, locked: boolean): string | undefined {
  if (record.clockGen !== facts.clockGen) return 'the record has another clock generation';
  if (record.sizeBytes !== facts.sizeBytes)
    return `the record says ${record.sizeBytes} bytes, the file ${facts.sizeBytes}`;
  const toleranceMs = Math.max(END_TOLERANCE_MS, (facts.endMs - facts.startMs) * CLOCK_SLACK);
  if (Math.abs(record.endMs - facts.endMs) > toleranceMs)
    return `the record ends at ${record.endMs}, the file at ${facts.endMs}`;
  if (record.codecs !== facts.codecs) return `the record says ${record.codecs || 'nothing'}, the file ${facts.codecs}`;
  if (locked && !record.locked) return 'the file is locked, the record is not';
  return undefined;
}

/** Links are left out: they are no folders or files of ours, wherever they lead. */
async function namesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter(entry => !entry.isSymbolicLink())
      .map(entry => entry.name)
      .sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
