// Finds the program go2rtc and asks it for its version before it is trusted with anything.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Clock } from '../core/index.ts';
import type { Spawn, Words } from './state.ts';
import { ABSENT, type BinaryFault, binaryWords, LEAST_VERSION } from './words.ts';

export interface BinaryPlaces {
  /** Absolute; then nothing else is looked at. */
  configured?: string | undefined;
  /** As `PATH`. */
  path?: string | undefined;
  dataDir: string;
}

export type FoundBinary =
  | { state: 'found'; path: string; version: string }
  | { state: 'absent'; words: Words }
  | { state: 'unusable'; path: string; words: Words };

export interface ProbeParts {
  spawn: Spawn;
  clock: Pick<Clock, 'sleep'>;
  /** How long it may take, 2 s when absent. */
  limitMs?: number;
}

const PROBE_MS = 2000;
const MOST_OUTPUT_BYTES = 4096;

/** Where `thimble go2rtc install` puts it. */
export function ownBinary(dataDir: string): string {
  return join(dataDir, 'bin', 'go2rtc');
}

/** The first program among the places, without looking into it: configured, on PATH, in the data directory. */
export async function findBinary({ configured, path = '', dataDir }: BinaryPlaces): Promise<string | undefined> {
  if (configured !== undefined) return configured;
  const folders = path.split(delimiter).filter(isAbsolute);
  for (const place of [...folders.map(folder => join(folder, 'go2rtc')), ownBinary(dataDir)]) {
    const isFile = await stat(place).then(
      found => found.isFile(),
      () => false,
    );
    if (isFile) return place;
  }
  return undefined;
}

/** Remembers what a program said as long as its file stays the same. */
export class BinaryFinder {
  readonly #parts: ProbeParts;
  #known: { mark: string; found: FoundBinary } | undefined;

  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async find(places: BinaryPlaces): Promise<FoundBinary> {
    const path = await findBinary(places);
    if (path === undefined) return { state: 'absent', words: ABSENT };
    const file = await inspect(path);
    if (typeof file === 'string') return unusable(path, file);
    if (this.#known?.mark === file.mark) return this.#known.found;
    const found = await probeBinary(path, places.dataDir, this.#parts);
    // What failed may have failed for want of memory or time.
    this.#known = found.state === 'found' ? { mark: file.mark, found } : undefined;
    return found;
  }
}

async function inspect(path: string): Promise<{ mark: string } | BinaryFault> {
  try {
    const file = await stat(path);
    if (!file.isFile()) return 'not-a-file';
    if ((file.mode & constants.S_IWOTH) !== 0) return 'unsafe';
    await access(path, constants.X_OK);
    return { mark: [path, file.dev, file.ino, file.size, file.mtimeMs].join(' ') };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'not-executable' : 'missing';
  }
}

/** Runs it with `-version`, for a limited time, whatever it is. Never rejects. `folder`: where it works meanwhile. */
export async function probeBinary(
  path: string,
  folder: string,
  { spawn, clock, limitMs = PROBE_MS }: ProbeParts,
): Promise<FoundBinary> {
  const output: Buffer[] = [];
  let size = 0;
  const done = new AbortController();
  try {
    const child = spawn({ path, args: ['-version'], env: {}, folder, openFiles: 64 });
    child.onOutput(piece => {
      if (size < MOST_OUTPUT_BYTES) output.push(piece);
      size += piece.length;
    });
    const late = clock.sleep(limitMs, done.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    );
    const end = await Promise.race([child.exited, late]);
    done.abort();
    if (end === 'late') {
      child.kill('SIGKILL');
      await child.exited;
      return unusable(path, 'silent');
    }
    const text = Buffer.concat(output).toString('utf8', 0, MOST_OUTPUT_BYTES);
    const version = /^go2rtc version (\d{1,4})\.(\d{1,4})\.(\d{1,6})([\w.+-]{0,60})/m.exec(text);
    if (!version) return end.code === 0 ? unusable(path, 'not-go2rtc') : unusable(path, 'crashed', endWords(end));
    const [, major, minor, patch, rest = ''] = version;
    const whole = `${major}.${minor}.${patch}${rest}`;
    return isOlder([Number(major), Number(minor), Number(patch)], LEAST_VERSION)
      ? unusable(path, 'too-old', whole)
      : { state: 'found', path, version: whole };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOEXEC') return unusable(path, 'wrong-architecture');
    if (code === 'EACCES') return unusable(path, 'not-executable');
    return unusable(path, 'not-startable', code ?? '');
  }
}

function isOlder(version: readonly number[], least: readonly number[]): boolean {
  const at = least.findIndex((number, index) => version[index] !== number);
  return at >= 0 && (version[at] ?? 0) < (least[at] ?? 0);
}

function unusable(path: string, fault: BinaryFault, detail?: string): FoundBinary {
  return { state: 'unusable', path, words: binaryWords(fault, path, detail) };
}

/** For people: how a program ended. */
export function endWords({ code, signal }: { code?: number; signal?: number }): string {
  return signal === undefined ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
}
