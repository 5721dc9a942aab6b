// The open table: which streams may create segment files without asking, and what runs that ended badly have left to adopt.
import type { CameraId, Logger, StreamName } from '../core/index.ts';
import type { BootFacts } from './boot.ts';
import type { Database } from './database.ts';
import { cameraOfKey, streamKey, streamOfKey } from './keys.ts';
import { HOUR_MS } from './layout.ts';
import { decodeRow, encodeRow } from './rows.ts';
import type { Segment } from './segment.ts';

/** How a run ended that did not close its files. */
export type Interruption = 'crash' | 'power-cut' | 'memory';

/** A run that ended badly. */
export interface LostRun {
  /** UTC of its licence. */
  sinceMs: number;
  reason: Interruption;
}

/** A stream that was being recorded when its run ended badly. */
export interface Interrupted {
  camera: CameraId;
  stream: StreamName;
  /** Where its footage ends, as far as the index knows. */
  footageEndMs: number;
  reason: Interruption;
}

/** Files that start at `fromMs` or later may be unknown to the index. */
export interface Backlog {
  camera: CameraId;
  stream: StreamName;
  fromMs: number;
  /** Oldest first, at least one. */
  runs: LostRun[];
}

interface Licence extends BootFacts {
  sinceMs: number;
  /** Lower than `sinceMs` when the clock was set back while the stream recorded. */
  fromMs: number;
  clockGen: number;
}

/** A row: a standing licence, a backlog, or both. */
interface OpenRow {
  licence?: Licence;
  backlog?: { fromMs: number; runs: LostRun[] };
}

/** A file may start before its licence: at the oldest picture of the ring. And its record may wait for that of the file before. */
const MARGIN_MS = HOUR_MS;
const MAX_RUNS = 16;

export class LicenceTable {
  readonly #database: Database;
  readonly #boot: BootFacts;
  readonly #log: Logger;
  readonly #rows = new Map<string, { camera: CameraId; stream: StreamName; row: OpenRow }>();

  constructor(database: Database, boot: BootFacts, log: Logger) {
    this.#database = database;
    this.#boot = boot;
    this.#log = log;
  }

  /**
   * Reads the table and turns each licence that was never given back into a backlog; these are returned. `last` gives the newest
   * segment of a stream in the index.
   */
  load(last: (camera: CameraId, stream: StreamName) => Segment | undefined): Interrupted[] {
    const interrupted: Interrupted[] = [];
    const rows = this.#database.range('open', { from: Buffer.alloc(1), to: Buffer.alloc(6, 0xff), limit: 100_000 });
    for (const { key, value } of rows) {
      const stream = key.length === 5 ? streamOfKey(key) : undefined;
      const row = parseRow(decodeRow(value));
      if (!stream || !row) {
        this.#log.error('a row of the index is damaged', { table: 'open', row: key.toString('hex') });
        // Without knowing since when, everything of the stream is looked at.
        if (stream) this.#put(cameraOfKey(key), stream, { backlog: unknownBacklog() });
        else this.#database.remove('open', key);
        continue;
      }
      const camera = cameraOfKey(key);
      const { licence, backlog } = row;
      this.#rows.set(rowName(camera, stream), { camera, stream, row });
      if (!licence) continue;
      const reason = this.#interruption(licence);
      const known = lastOf(licence, last(camera, stream));
      const fromMs = listFrom(licence, known);
      this.#put(camera, stream, { backlog: withRun(backlog, fromMs, { sinceMs: licence.sinceMs, reason }) });
      interrupted.push({ camera, stream, footageEndMs: Math.max(licence.sinceMs, known?.endMs ?? 0), reason });
    }
    return interrupted;
  }

  /** What is left to adopt. */
  backlogs(): Backlog[] {
    return [...this.#rows.values()].flatMap(({ camera, stream, row }) =>
      row.backlog ? [{ camera, stream, ...row.backlog }] : [],
    );
  }

  /** Gives a stream its licence; the caller makes it durable before the first file. */
  open(camera: CameraId, stream: StreamName, sinceMs: number, clockGen: number): void {
    const licence = { sinceMs, fromMs: sinceMs, clockGen, ...this.#boot };
    this.#put(camera, stream, { ...this.#rows.get(rowName(camera, stream))?.row, licence });
  }

  /** Takes the licence back. `leftovers`: some file of it may not be in the index, so the next start has to look. */
  close(camera: CameraId, stream: StreamName, leftovers: boolean): void {
    const row = this.#rows.get(rowName(camera, stream))?.row;
    if (!row?.licence) return;
    const { sinceMs, fromMs } = row.licence;
    const backlog = leftovers ? withRun(row.backlog, fromMs - MARGIN_MS, { sinceMs, reason: 'crash' }) : row.backlog;
    this.#put(camera, stream, backlog ? { backlog } : {});
  }

  /** True while a stream of the camera may create files. */
  standing(camera: CameraId): boolean {
    return [...this.#rows.values()].some(entry => entry.camera === camera && entry.row.licence !== undefined);
  }

  /** The clock was set back: files of standing licences may from now on be older than these. */
  lower(nowMs: number): void {
    for (const { camera, stream, row } of [...this.#rows.values()]) {
      if (!row.licence) continue;
      const fromMs = Math.min(row.licence.fromMs, nowMs);
      this.#put(camera, stream, { ...row, licence: { ...row.licence, fromMs } });
    }
  }

  /** The backlog of a stream is done with. */
  adopted(camera: CameraId, stream: StreamName): void {
    const row = this.#rows.get(rowName(camera, stream))?.row;
    if (row) this.#put(camera, stream, row.licence ? { licence: row.licence } : {});
  }

  removeCamera(camera: CameraId): void {
    for (const stream of ['main', 'sub'] as const) this.#put(camera, stream, {});
  }

  #put(camera: CameraId, stream: StreamName, row: OpenRow): void {
    if (row.licence || row.backlog) {
      this.#rows.set(rowName(camera, stream), { camera, stream, row });
      this.#database.put('open', streamKey(camera, stream), encodeRow(row));
    } else if (this.#rows.delete(rowName(camera, stream))) {
      this.#database.remove('open', streamKey(camera, stream));
    }
  }

  #interruption(licence: Licence): Interruption {
    if (licence.bootId !== this.#boot.bootId) return 'power-cut';
    return this.#boot.oomKills > licence.oomKills ? 'memory' : 'crash';
  }
}

/** The newest segment of a licence: one of an older clock generation may lie in a future that never came. */
function lastOf(licence: Licence, last: Segment | undefined): Segment | undefined {
  return last && last.clockGen >= licence.clockGen ? last : undefined;
}

/** Where the unknown files of a licence can begin. */
function listFrom(licence: Licence, last: Segment | undefined): number {
  if (licence.fromMs < licence.sinceMs) return licence.fromMs - MARGIN_MS;
  return Math.max(licence.sinceMs, last?.startMs ?? 0) - MARGIN_MS;
}

function withRun(backlog: OpenRow['backlog'], fromMs: number, run: LostRun): NonNullable<OpenRow['backlog']> {
  return {
    fromMs: Math.min(fromMs, backlog?.fromMs ?? fromMs),
    runs: [...(backlog?.runs ?? []), run].slice(-MAX_RUNS),
  };
}

function unknownBacklog(): { fromMs: number; runs: LostRun[] } {
  return { fromMs: 0, runs: [{ sinceMs: 0, reason: 'crash' }] };
}

function rowName(camera: CameraId, stream: StreamName): string {
  return `${camera}/${stream}`;
}

function parseRow(value: unknown): OpenRow | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { licence, backlog } = value as { licence?: Partial<Licence>; backlog?: { fromMs?: unknown; runs?: unknown } };
  const row: OpenRow = {};
  if (licence !== undefined) {
    const { sinceMs, fromMs, clockGen, bootId, oomKills } = licence;
    if (!isTime(sinceMs) || !isTime(fromMs) || !isTime(clockGen) || !isTime(oomKills)) return undefined;
    if (typeof bootId !== 'string') return undefined;
    row.licence = { sinceMs, fromMs, clockGen, bootId, oomKills };
  }
  if (backlog !== undefined) {
    const { fromMs, runs } = backlog;
    if (typeof fromMs !== 'number' || !Array.isArray(runs) || runs.length === 0 || !runs.every(isRun)) return undefined;
    row.backlog = { fromMs, runs };
  }
  return row;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRun(value: unknown): value is LostRun {
  const run = value as Partial<LostRun> | null;
  return isTime(run?.sinceMs) && ['crash', 'power-cut', 'memory'].includes(run.reason as string);
}
