// Takes files that runs before this one left behind into the index: mends them, or removes empty and sets aside foreign ones.
import { chmod, constants, copyFile, lstat, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type CameraId,
  type EndReason,
  type Logger,
  NvrError,
  type StreamName,
  syncFile,
  syncFolder,
} from '../core/index.ts';
import { MAX_CLOCK_GENERATION } from './clock-generation.ts';
import type { GapTable } from './gaps.ts';
import { DAY_MS, parseCameraFolder, parseDayFolder, parseSegmentPath } from './layout.ts';
import type { Backlog, LostRun } from './licences.ts';
import { CLOCK_SLACK, type ClosedSegment, type ExamineSegment, type FootageEnd, type SegmentFacts } from './segment.ts';
import type { SegmentTable } from './segments.ts';

export interface AdoptionOptions {
  segments: SegmentTable;
  gaps: GapTable;
  examine: ExamineSegment;
  storeUuid: string;
  /** Absolute paths. */
  folder: string;
  quarantine: string;
  log: Logger;
  onStep: (name: string) => void;
  /** True for a file that is about to be deleted. */
  isGarbage: (path: string) => boolean;
  /** All files of a backlog are in the index. */
  onDone: (backlog: Backlog) => void;
  /** The highest clock generation that a file told of. */
  onClockGeneration: (generation: number) => void;
}

/** Unknown files of one camera and day; names joined by newlines, as there may be a million of them. */
interface UnknownFiles {
  folder: string;
  names: string;
}

/** Files that are mended together wait for the disk together. */
const AT_ONCE = 48;
// Files that were closed are not read from end to end: after a lost index there may be a million. What became of them since is
// for `check` to find.
const LOOK = { write: false, thorough: false };
const MEND = { write: true, thorough: false };
/** Empty and foreign files that may lie behind the newest footage of a stream. */
const MAX_EXAMINED = 4;

/** Between the ends of short files and the beginnings of the next. */
const LEAST_SLACK_MS = 100;
/** A camera that was away comes back no sooner. */
const MOST_CLOSED_MS = 500;

interface Place {
  /** The newest file of its run and stream. */
  isLast: boolean;
  /** When the next file of the stream begins. */
  nextMs: number | undefined;
}

interface Work {
  days: UnknownFiles[];
  backlogs: Backlog[];
  failed: boolean;
}

export interface AdoptionCounters {
  adopted: number;
  repaired: number;
  removed: number;
  foreign: number;
  failed: number;
}

export class Adoption {
  readonly #options: AdoptionOptions;
  readonly #work = new Map<CameraId, Work>();
  readonly #counters: AdoptionCounters = { adopted: 0, repaired: 0, removed: 0, foreign: 0, failed: 0 };
  /** Names in the quarantine folder; read when the first one is needed. */
  #setAsideNames: Promise<Set<string>> | undefined;
  #current: Promise<unknown> = Promise.resolve();

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /**
   * Notes which files the index does not know. To be called before anything records, so that no file of this run is among them.
   * `everything`: also where no backlog says that there may be any. Cameras in `except` are left out.
   */
  async list(backlogs: readonly Backlog[], everything: boolean, except: ReadonlySet<CameraId>): Promise<void> {
    const cameras = new Set(backlogs.map(backlog => backlog.camera));
    if (everything) {
      for (const name of await foldersIn(this.#options.folder)) cameras.add(parseCameraFolder(name) ?? 0);
      cameras.delete(0);
    }
    for (const camera of [...cameras].sort((a, b) => a - b)) {
      if (except.has(camera)) continue;
      const own = backlogs.filter(backlog => backlog.camera === camera);
      const fromMs = everything ? 0 : Math.min(...own.map(backlog => backlog.fromMs));
      this.#work.set(camera, { days: await this.#listCamera(camera, fromMs), backlogs: own, failed: false });
    }
  }

  /** Cameras that have files to be looked at. */
  get cameras(): CameraId[] {
    return [...this.#work.keys()];
  }

  /** Adopts some files at a time, oldest first. True when nothing is left over that a later start has to try again. */
  async run(signal: AbortSignal): Promise<boolean> {
    let complete = true;
    for (const [camera, work] of [...this.#work]) {
      const isLast = lastOfRuns(work);
      // A day stays in the list until its files are adopted: see newest.
      for (let day = work.days[0]; day; day = work.days[0]) {
        const { folder } = day;
        const names = day.names.split('\n');
        const next = followers(day, names, work.days[1]);
        for (let at = 0; at < names.length; at += AT_ONCE) {
          if (signal.aborted) return false;
          if (!this.#work.has(camera)) break;
          const adopting = names
            .slice(at, at + AT_ONCE)
            .map(name => `${folder}/${name}`)
            .map(path => this.#adopt(path, work, { isLast: isLast(path), nextMs: next.get(path) }));
          this.#current = Promise.all(adopting);
          await this.#current;
        }
        work.days.shift();
      }
      if (work.failed) complete = false;
      else if (this.#work.has(camera)) for (const backlog of work.backlogs) this.#options.onDone(backlog);
      this.#work.delete(camera);
    }
    if (Object.values(this.#counters).some(count => count > 0)) {
      this.#options.log.info('files of earlier runs adopted', { ...this.#counters });
    }
    return complete;
  }

  /** Forgets the files of a camera; resolves when none of them is under way. */
  async cancel(camera: CameraId): Promise<void> {
    this.#work.delete(camera);
    await this.#current;
  }

  /** Where the newest file of a stream that is still to be adopted ends; changes nothing. Empty when there is none. */
  async newest(camera: CameraId, stream: StreamName): Promise<FootageEnd[]> {
    const { folder, storeUuid, examine } = this.#options;
    const paths = (this.#work.get(camera)?.days ?? [])
      .slice(-2)
      .flatMap(day => day.names.split('\n').map(name => `${day.folder}/${name}`))
      .filter(path => parseSegmentPath(path)?.stream === stream);
    for (const path of paths.slice(-MAX_EXAMINED).reverse()) {
      try {
        const { state, endMs, clockGen } = await examine(join(folder, path), storeUuid, LOOK);
        if (state === 'whole' || state === 'repaired') return [{ endMs, clockGen }];
      } catch {
        // It is just being adopted, or cannot be read: then it is not adopted either.
      }
    }
    return [];
  }

  /** Adopts one file, by its path below the segments folder, now. False when that failed. */
  async adopt(path: string): Promise<boolean> {
    const work: Work = { days: [], backlogs: [], failed: false };
    await this.#adopt(path, work, { isLast: false, nextMs: undefined });
    return !work.failed;
  }

  async #listCamera(camera: CameraId, fromMs: number): Promise<UnknownFiles[]> {
    const { folder, segments, isGarbage } = this.#options;
    const days: UnknownFiles[] = [];
    for (const day of (await foldersIn(join(folder, String(camera)))).sort()) {
      const startMs = parseDayFolder(day);
      if (startMs === undefined || startMs + DAY_MS <= fromMs) continue;
      const path = `${camera}/${day}`;
      const names = await readdir(join(folder, path));
      const query = { camera, startMs, endMs: startMs + DAY_MS, limit: Number.MAX_SAFE_INTEGER };
      const known = new Set(segments.list(query).segments.map(segment => segment.path));
      const unknown = names.filter(name => !known.has(`${path}/${name}`) && !isGarbage(`${path}/${name}`));
      if (unknown.length > 0) days.push({ folder: path, names: unknown.sort().join('\n') });
    }
    return days;
  }

  async #adopt(path: string, work: Work, place: Place): Promise<void> {
    const { folder, storeUuid, examine, log, onStep } = this.#options;
    try {
      const absolute = join(folder, path);
      const stats = await lstat(absolute);
      if (!stats.isFile()) return;
      // A locked file is one that nobody may write.
      const locked = (stats.mode & 0o222) === 0;
      const named = parseSegmentPath(path);
      onStep('adopt-examine');
      const facts =
        named && (locked ? await this.#examineLocked(absolute, stats.mode) : await examine(absolute, storeUuid, MEND));
      onStep('adopt-examined');
      if (facts?.state === 'error' && facts.code !== 'EBADMSG') {
        throw new NvrError('unavailable', `the file could not be read or mended: ${facts.code ?? 'unknown error'}`);
      }
      const matches =
        facts &&
        facts.camera === named.camera &&
        facts.stream === named.stream &&
        facts.startMs === named.startMs &&
        facts.clockGen <= MAX_CLOCK_GENERATION &&
        (named.clockGen ?? facts.clockGen) === facts.clockGen;
      if (!facts || facts.state === 'foreign' || facts.state === 'error' || !matches) await this.setAside(path);
      else if (facts.state === 'empty') await this.#remove(path);
      else this.#record(path, facts, runOf(work, facts.stream, facts.startMs), { ...place, locked });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#counters.failed++;
      work.failed = true;
      log.error('a file could not be adopted', { path, error });
    }
  }

  /** Locked files are whole; one that is not after all is opened for the repair. */
  async #examineLocked(path: string, mode: number): Promise<SegmentFacts> {
    const { storeUuid, examine } = this.#options;
    const facts = await examine(path, storeUuid, LOOK);
    if (facts.state !== 'repaired') return facts;
    await chmod(path, mode | 0o200);
    try {
      return await examine(path, storeUuid, MEND);
    } finally {
      await chmod(path, mode);
    }
  }

  /** A file that its run had closed keeps `length`; the last one of a run, and each that was cut, ended with the run. */
  #record(
    path: string,
    facts: SegmentFacts,
    run: LostRun | undefined,
    { isLast, nextMs, locked }: Place & { locked: boolean },
  ): void {
    const { segments, gaps, onClockGeneration } = this.#options;
    const reason = run?.reason ?? 'crash';
    const endReason: EndReason = facts.state === 'repaired' || isLast ? reason : 'length';
    const { camera, stream, startMs, clockGen, sizeBytes, codecs } = facts;
    const endMs = endBefore(nextMs, facts, facts.state === 'whole' && !isLast);
    const segment: ClosedSegment = {
      camera,
      stream,
      startMs,
      clockGen,
      endMs,
      sizeBytes,
      codecs,
      endReason,
      locked,
      path,
    };
    segments.record(segment);
    gaps.cover(camera, stream, startMs, endMs, reason);
    onClockGeneration(clockGen);
    this.#counters.adopted++;
    if (facts.state === 'repaired') this.#counters.repaired++;
  }

  async #remove(path: string): Promise<void> {
    await unlink(join(this.#options.folder, path));
    this.#options.onStep('adopt-removed');
    await syncFolder(dirname(join(this.#options.folder, path)));
    this.#counters.removed++;
  }

  /** What became of the files so far. */
  get counters(): AdoptionCounters {
    return { ...this.#counters };
  }

  /** Moves a file into quarantine. */
  async setAside(path: string): Promise<void> {
    const { folder, quarantine, log, onStep } = this.#options;
    const target = await this.#placeFor(path);
    await rename(join(folder, path), join(quarantine, target));
    onStep('adopt-set-aside');
    await syncFolder(quarantine);
    await syncFolder(dirname(join(folder, path)));
    this.#counters.foreign++;
    log.warn('a file that is no segment of this store was set aside', { path, quarantine: target });
  }

  /** Puts a copy of a file into quarantine; durable when it resolves. Rejects, with nothing left there, when there is no room. */
  async keepCopy(path: string): Promise<void> {
    const { folder, quarantine, log } = this.#options;
    const target = await this.#placeFor(path);
    const copy = join(quarantine, target);
    try {
      await copyFile(join(folder, path), copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      await syncFile(copy);
      await syncFolder(quarantine);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await unlink(copy).catch(() => undefined);
      throw error;
    }
    log.warn('a file is damaged before its end: it is cut there, and a copy of all of it is kept', {
      path,
      quarantine: target,
    });
  }

  /** A name in the quarantine folder that is free. */
  async #placeFor(path: string): Promise<string> {
    const name = path.replaceAll('/', '_');
    this.#setAsideNames ??= readdir(this.#options.quarantine).then(found => new Set(found));
    const taken = await this.#setAsideNames;
    let target = name;
    for (let n = 2; taken.has(target); n++) target = `${name}.${n}`;
    taken.add(target);
    return target;
  }
}

/** Of each file, when the next one of its stream begins. */
function followers(
  day: UnknownFiles,
  names: readonly string[],
  nextDay: UnknownFiles | undefined,
): Map<string, number> {
  const next = new Map<string, number>();
  const upcoming = new Map<StreamName, number>();
  const see = (path: string) => {
    const named = parseSegmentPath(path);
    const nextMs = named && upcoming.get(named.stream);
    if (nextMs !== undefined) next.set(path, nextMs);
    if (named) upcoming.set(named.stream, named.startMs);
  };
  for (const name of (nextDay?.names.split('\n') ?? []).reverse()) see(`${nextDay?.folder}/${name}`);
  next.clear();
  for (const name of [...names].reverse()) see(`${day.folder}/${name}`);
  return next;
}

/**
 * When a file ends: by the clock of the camera, which its media tell, it may end a little before or behind the beginning of the next one,
 * which is dated by ours. `isFollowed`: nothing lies between the two.
 */
function endBefore(nextMs: number | undefined, { startMs, endMs }: SegmentFacts, isFollowed: boolean): number {
  if (nextMs === undefined || nextMs <= startMs) return endMs;
  const slackMs = Math.max(LEAST_SLACK_MS, (endMs - startMs) * CLOCK_SLACK);
  if (nextMs < endMs) return endMs - nextMs <= slackMs ? nextMs : endMs;
  return isFollowed && nextMs - endMs <= Math.min(slackMs, MOST_CLOSED_MS) ? nextMs : endMs;
}

/** The run that made a file: the last one that had begun by then. */
function runOf(work: Work, stream: StreamName, startMs: number): LostRun | undefined {
  const runs = work.backlogs.find(backlog => backlog.stream === stream)?.runs;
  return runs?.findLast(run => run.sinceMs <= startMs) ?? runs?.[0];
}

/** Tells of each unknown file whether it is the newest of its run and stream. */
function lastOfRuns(work: Work): (path: string) => boolean {
  const newest = new Map<string, string>();
  for (const { folder, names } of work.days) {
    for (const name of names.split('\n')) {
      const named = parseSegmentPath(`${folder}/${name}`);
      const run = named && runOf(work, named.stream, named.startMs);
      if (named && run) newest.set(`${named.stream} ${run.sinceMs}`, `${folder}/${name}`);
    }
  }
  const paths = new Set(newest.values());
  return path => paths.has(path);
}

/** Links are no folders of ours, wherever they lead. */
async function foldersIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(entry => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
