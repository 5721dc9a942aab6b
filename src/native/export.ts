// Exports: one progressive MP4 of any range, planned from segment files and read in any order.
import { fromSystem, NvrError, type StreamName } from '../core/index.ts';
import type { Addon, ExportRefusal, NativeExportPlan } from './addon.ts';
import type { ExportFacts } from './messages.ts';

/** A segment file, or the part of one that is wanted. */
export interface ExportSegment {
  /** Absolute. */
  path: string;
  /** How much of the file is whole: all of a closed one. */
  sizeBytes: number;
  startMs: number;
  clockGen: number;
  /** Set only where the part begins behind the segment's start, or ends before its end. */
  fromMs?: number;
  toMs?: number;
}

export interface ExportRequest {
  /** 32 hex digits. */
  storeUuid: string;
  camera: number;
  stream: StreamName;
  startMs: number;
  endMs: number;
  /** In the order in which they are shown. */
  segments: readonly ExportSegment[];
  /** Asked between segments; planning ends with `unavailable` when nobody wants the result any more. */
  isWanted?: () => boolean;
}

/** The bound of the tables in memory; a day of one camera takes about 15 MB. */
const MOST_TABLE_BYTES = 16 * 1024 * 1024;

/** A planned export. It holds memory until it is closed. */
export class ExportFile {
  readonly facts: ExportFacts;
  /** Segments that could not be read, in whole or in part; the export has gaps in their place. */
  readonly unreadable: readonly { path: string; code: string }[];
  readonly #plan: NativeExportPlan;

  constructor(plan: NativeExportPlan, facts: ExportFacts, unreadable: readonly { path: string; code: string }[]) {
    this.#plan = plan;
    this.facts = facts;
    this.unreadable = unreadable;
  }

  /**
   * Fills the buffer with the bytes from `offset` on; how many, fewer than it holds only at the end. One call at a time. Rejects
   * with `not-found` when a segment was deleted in the meantime.
   */
  async read(offset: number, buffer: Buffer): Promise<number> {
    try {
      return await this.#plan.read(offset, buffer);
    } catch (error) {
      throw fromSystem(error, 'the export was cut off');
    }
  }

  /** Idempotent. A read under way is not disturbed. */
  close(): void {
    this.#plan.close();
  }
}

/**
 * Reads the tables of all segments. Rejects with `not-found` when there is no footage in the range, `failed-precondition` when it
 * cannot stand in one file, and `invalid-argument` when it is too much for one.
 */
export async function makeExport(addon: Addon, request: ExportRequest): Promise<ExportFile> {
  // Whether parameter sets change is known only when all segments were looked at.
  return (await planOnce(addon, request, false)) ?? (await planOnce(addon, request, true)) ?? unexpected();
}

/** Undefined when parameter sets change, and `repeatParameters` was not asked for. */
async function planOnce(
  addon: Addon,
  request: ExportRequest,
  repeatParameters: boolean,
): Promise<ExportFile | undefined> {
  const { segments, isWanted, ...range } = request;
  const plan = new addon.ExportPlan({ ...range, mostTableBytes: MOST_TABLE_BYTES, repeatParameters });
  let file: ExportFile | undefined;
  try {
    const unreadable: { path: string; code: string }[] = [];
    for (const segment of segments) {
      if (isWanted && !isWanted()) throw new NvrError('unavailable', 'nobody waits for this export any more');
      const { state, code = '' } = await plan.add(segment);
      if (state === 'unreadable') unreadable.push({ path: segment.path, code });
      else if (state === 'new-parameters') return undefined;
      else if (state !== 'added') throw refusal(state, segment);
    }
    const facts = plan.finish();
    if (!facts) throw new NvrError('not-found', 'there is no footage in this range');
    file = new ExportFile(plan, facts, unreadable);
    return file;
  } finally {
    if (!file) plan.close();
  }
}

function unexpected(): never {
  throw new NvrError('internal', 'an export with repeated parameter sets was refused for new ones');
}

function refusal(state: Exclude<ExportRefusal, 'unreadable' | 'new-parameters'>, segment: ExportSegment): NvrError {
  if (state === 'too-large') {
    return new NvrError('invalid-argument', 'the range holds more than fits in the tables of one file', {
      field: 'endMs',
      cure: 'Export a shorter range.',
    });
  }
  const borderMs = segment.fromMs ?? segment.startMs;
  const what = {
    'other-codec': 'the codec changes',
    'other-sound': 'the sampling of the sound changes',
    'sound-hole': 'the sound pauses for more than half a day, until',
  }[state];
  return new NvrError('failed-precondition', `${what} at ${new Date(borderMs).toISOString()}`, {
    field: 'endMs',
    cure: `Export two files: one up to ${borderMs}, one from there on.`,
  });
}
