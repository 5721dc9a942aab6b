// The LMDB files behind the index. The only place that knows lmdb-js and its traps.
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { NvrError, packagePath } from '../core/index.ts';
import { withReadersInMemory } from './reader-table.ts';

/** The tables of the index; each is one named database of LMDB. */
export const TABLES = [
  'segments',
  'codecs',
  'open',
  'garbage',
  'gaps',
  'cameras',
  'settings',
  'events',
  'event-times',
  'users',
  'tokens',
  'sessions',
  'audit',
] as const;
export type TableName = (typeof TABLES)[number];

export interface Entry {
  key: Buffer;
  value: Buffer;
}

export interface Range {
  /** Inclusive. */
  from: Buffer;
  /** Exclusive. */
  to: Buffer;
  /** Newest key first. */
  reverse?: boolean;
  limit: number;
}

export interface Change {
  table: TableName;
  key: Buffer;
  /** Undefined removes the row. */
  value: Buffer | undefined;
}

/** What the index needs of a key-value store. Reads are synchronous and see the last commit. */
export interface Environment {
  get(table: TableName, key: Buffer): Buffer | undefined;
  range(table: TableName, range: Range): Entry[];
  /** One transaction; durable when it resolves, wholly undone when it rejects. */
  write(changes: readonly Change[]): Promise<void>;
  /** Bytes of the pages that hold something. */
  usedBytes(): number;
  /** Writes what is committed into an empty folder, without the pages that hold nothing; other changes go on meanwhile. */
  copyTo(folder: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * One mapping from the start, without remaps: lmdb-js keeps old mappings, and 32-bit processes run out of addresses. It is no
 * limit: the map grows past it.
 */
const MAP_BYTES = 64 * 1024 * 1024;

/** More than the first pages of a new index. */
const FIRST_BYTES = 64 * 1024;

/** Opens or makes the LMDB files in a folder. A file cut short kills the process (SIGBUS): see `probe.ts`. */
export function openLmdb(folder: string): Environment {
  if (isNew(folder)) mapped(() => tryRoom(folder));
  // Only now: loading lmdb-js takes 55 ms, in which HTTP answers already.
  const { open } = createRequire(import.meta.url)(packagePath('lmdb')) as typeof import('lmdb');
  const openRoot = () =>
    open<Buffer, Buffer>({
      path: folder,
      noSubdir: false,
      mapSize: MAP_BYTES,
      maxDbs: TABLES.length + 8,
      encoding: 'binary',
      keyEncoding: 'binary',
      // A commit resolves when it is durable and rejects when its sync fails. With overlapping syncs `flushed` never settles after
      // a failure, and each commit writes 4 KB more; both survive power cuts alike.
      overlappingSync: false,
      // Batches are made explicitly. Those that lmdb-js makes of an event turn have a promise that nobody can catch: a full volume
      // would end the process.
      eventTurnBatching: false,
    });
  const root = mapped(() => withReadersInMemory(folder, openRoot));
  try {
    return new LmdbEnvironment(root);
  } catch (error) {
    root.close().catch(() => undefined);
    throw error;
  }
}

function isNew(folder: string): boolean {
  try {
    return statSync(join(folder, 'data.mdb')).size === 0;
  } catch (error) {
    // What else may be wrong with it LMDB says itself.
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Throws when the first pages cannot be written: lmdb-js ends the process (SIGSEGV) when a new index has no room for them. */
function tryRoom(folder: string): void {
  const draft = join(folder, 'room.tmp');
  try {
    writeFileSync(draft, Buffer.alloc(FIRST_BYTES), { mode: 0o600 });
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno ?? 0;
    throw Object.assign(error as Error, { code: Math.abs(errno) });
  } finally {
    rmSync(draft, { force: true });
  }
}

class LmdbEnvironment implements Environment {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #tables: Record<TableName, Database<Buffer, Buffer>>;

  constructor(root: RootDatabase<Buffer, Buffer>) {
    this.#root = root;
    const options = { encoding: 'binary', keyEncoding: 'binary' } as const;
    this.#tables = mapped(
      () =>
        Object.fromEntries(TABLES.map(name => [name, root.openDB<Buffer, Buffer>(name, options)])) as Record<
          TableName,
          Database<Buffer, Buffer>
        >,
    );
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    return mapped(() => this.#tables[table].getBinary(key));
  }

  range(table: TableName, range: Range): Entry[] {
    const { from, to, reverse, limit } = range;
    const bounds = reverse
      ? { start: to, end: from, exclusiveStart: true, inclusiveEnd: true, reverse: true }
      : { start: from, end: to };
    // Read at once: an iterator left open keeps old pages from being reused, and the file never shrinks again.
    return mapped(() => {
      const entries: Entry[] = [];
      for (const { key, value } of this.#tables[table].getRange({ ...bounds, limit })) {
        entries.push({ key: Buffer.from(key), value: Buffer.from(value) });
      }
      return entries;
    });
  }

  async write(changes: readonly Change[]): Promise<void> {
    try {
      await this.#root.batch(() => {
        for (const { table, key, value } of changes) {
          // The promises of single writes settle with the one of the batch.
          if (value) ignore(this.#tables[table].put(key, value));
          else ignore(this.#tables[table].remove(key));
        }
      });
    } catch (error) {
      throw toNvrError(await commitError(error));
    }
  }

  usedBytes(): number {
    return mapped(() => {
      const { root, free } = stats(this.#root);
      let pages = countPages(root) + countPages(free);
      for (const table of Object.values(this.#tables)) pages += countPages(stats(table));
      return pages * root.pageSize;
    });
  }

  async copyTo(folder: string): Promise<void> {
    await this.#root.backup(folder, true).catch((error: unknown) => Promise.reject(toNvrError(error)));
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

interface TreeStats {
  pageSize: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
}

function stats(database: Database<Buffer, Buffer>): TreeStats & { root: TreeStats; free: TreeStats } {
  return database.getStats() as TreeStats & { root: TreeStats; free: TreeStats };
}

function countPages(tree: TreeStats): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}

function ignore(promise: Promise<unknown> | undefined): void {
  promise?.catch(() => undefined);
}

/**
 * lmdb-js rejects the writes with a blank error that carries a second promise, `commitError`, rejected with the reason: nobody
 * else waits for that one, and unhandled it would end the process.
 */
async function commitError(error: unknown): Promise<unknown> {
  const second = (error as { commitError?: unknown } | undefined)?.commitError;
  if (!(second instanceof Promise)) return error;
  try {
    await second;
    return error;
  } catch (reason) {
    return reason;
  }
}

/** Runs something synchronous of lmdb-js, with its errors mapped. */
function mapped<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw toNvrError(error);
  }
}

const ENOSPC = 28;
const EDQUOT = 122;
const ENOMEM = 12;
const MAP_FULL = -30792;
/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID: what lies on the volume is no sound index. */
const DAMAGED = new Set([-30797, -30796, -30794, -30793]);

/** The one mapper of LMDB's codes (errno, or negative for its own). */
export function toNvrError(error: unknown): NvrError {
  if (error instanceof NvrError) return error;
  const code = (error as { code?: unknown } | undefined)?.code;
  const message = `the index: ${error instanceof Error ? error.message : String(error)}`;
  if (code === ENOSPC || code === EDQUOT || code === MAP_FULL || code === ENOMEM) {
    return new NvrError('resource-exhausted', message, { cure: 'Free space on the storage volume.', cause: error });
  }
  if (DAMAGED.has(code as number)) return new NvrError('data-loss', message, { cause: error });
  // MDB_PANIC, EIO, EROFS: nothing can be said about the state of the environment but that it cannot be used.
  return new NvrError('unavailable', message, { cure: 'Check the storage volume.', cause: error });
}
