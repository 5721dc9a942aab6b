// Lets chosen calls of the service fail or wait, or kills it at one, by a library that is preloaded (faulty_calls.c).
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';
import { tempDir } from './temp.ts';

const SOURCE = fileURLToPath(new URL('./faulty_calls.c', import.meta.url));

/** Kinds of calls, in the library's order; `open-*` by what the flags allow. */
export const KINDS = [
  'open-create',
  'open-write',
  'open-read',
  'mkdir',
  'rmdir',
  'rename',
  'unlink',
  'link',
  'ftruncate',
  'fallocate',
  'pwrite',
  'pwritev',
  'write',
  'fsync',
  'fdatasync',
  'sync_file_range',
  'statvfs',
] as const;
export type Kind = (typeof KINDS)[number];

/** Linux's numbers. */
export const ERRORS = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const;
export type ErrorName = keyof typeof ERRORS;

/** Which call fails: the `at`th of its kind below the folder, from 1. `forever`: and all that the error applies to from then on. */
export interface Failure {
  error: ErrorName;
  kind: Kind;
  at: number;
  forever: boolean;
}

const PAGE_BYTES = 4096;
const TEXT_AT = 1024;
/** Places of the fields of `struct control`, in words of eight bytes. */
const WORD = { action: 0, error: 1, kind: 2, at: 3, forever: 4, reached: 5, failed: 6, any: 7, seen: 8 } as const;
const ACTION = { nothing: 0, fail: 1, kill: 2, hold: 3 } as const;

/** Why this cannot be done here; undefined when it can. */
export function faultyCallsProblem(): string | undefined {
  if (endianness() !== 'LE') return 'needs a little-endian machine';
  return spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'there is no C compiler';
}

/** Builds the library; resolves with its path. */
export async function buildFaultyCalls(): Promise<string> {
  const library = join(tempDir('faulty'), 'faulty_calls.so');
  await run('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', library, SOURCE, '-ldl']);
  return library;
}

/** What one run of the service shares with the library: which call, and what has come. It may be changed while the service runs. */
export class FaultyCalls {
  /** To be added to the service's environment. */
  readonly env: Record<string, string>;
  readonly #file: string;

  /** Counts the calls below `folder` and does nothing else. */
  constructor(library: string, folder: string) {
    this.#file = join(tempDir('control'), 'control');
    this.env = { LD_PRELOAD: library, FAULT_FOLDER: folder, FAULT_CONTROL: this.#file };
    const fd = openSync(this.#file, 'w');
    writeSync(fd, Buffer.alloc(PAGE_BYTES));
    closeSync(fd);
  }

  /** From now on; the calls are counted since the library was loaded. */
  fail({ error, kind, at, forever }: Failure): void {
    this.#set(WORD.error, ERRORS[error]);
    this.#set(WORD.kind, KINDS.indexOf(kind));
    this.#set(WORD.at, at);
    this.#set(WORD.forever, forever ? 1 : 0);
    this.#set(WORD.action, ACTION.fail);
  }

  /** From now on every call fails that the error applies to. */
  failAll(error: ErrorName): void {
    this.#set(WORD.error, ERRORS[error]);
    this.#set(WORD.kind, -1);
    this.#set(WORD.at, 0);
    this.#set(WORD.forever, 1);
    this.#set(WORD.reached, 1);
    this.#set(WORD.action, ACTION.fail);
  }

  /** Kills at the `at`th call that changes something, from 1; in the middle of a write counts as a call of its own. */
  kill(at: number): void {
    this.#set(WORD.kind, -1);
    this.#set(WORD.at, at);
    this.#set(WORD.action, ACTION.kill);
  }

  /** From now on all calls of the kind wait, as on a volume that hangs. */
  hold(kind: Kind): void {
    this.#set(WORD.kind, KINDS.indexOf(kind));
    this.#set(WORD.action, ACTION.hold);
  }

  /** The cause is gone. */
  lift(): void {
    this.#set(WORD.action, ACTION.nothing);
  }

  /** What has happened until now. */
  report(): { reached: boolean; failed: number; any: number; seen: Record<Kind, number>; call: string } {
    const page = Buffer.alloc(PAGE_BYTES);
    const fd = openSync(this.#file, 'r');
    readSync(fd, page, 0, PAGE_BYTES, 0);
    closeSync(fd);
    const word = (place: number) => Number(page.readBigInt64LE(place * 8));
    const seen = Object.fromEntries(KINDS.map((kind, index) => [kind, word(WORD.seen + index)])) as Record<
      Kind,
      number
    >;
    const text = page.subarray(TEXT_AT);
    return {
      reached: word(WORD.reached) !== 0,
      failed: word(WORD.failed),
      any: word(WORD.any),
      seen,
      call: text.subarray(0, text.indexOf(0)).toString('utf8'),
    };
  }

  #set(place: number, value: number): void {
    const word = Buffer.alloc(8);
    word.writeBigInt64LE(BigInt(value));
    const fd = openSync(this.#file, 'r+');
    writeSync(fd, word, 0, 8, place * 8);
    closeSync(fd);
  }
}
