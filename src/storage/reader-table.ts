// Where LMDB keeps its table of readers (its lock file): in memory, so that no read waits for a volume that hangs. Each read writes into
// that table, a mapped file, and on a frozen or hung volume such a write to a page that had been flushed blocks the whole main thread.
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const NAME = 'lock.mdb';
/** LMDB's 126 readers take 12 KiB; in a longer file there is room for more of them. */
const TABLE_BYTES = 16 * 1024;

/**
 * Runs `open`, which opens the LMDB files in `folder`, with a lock file in memory; both names of it are gone afterwards, since LMDB
 * needs none. Only one process may use the folder.
 */
export function withReadersInMemory<T>(folder: string, open: () => T): T {
  const remove = putReadersInMemory(folder);
  try {
    return open();
  } finally {
    remove();
  }
}

/**
 * Puts the lock file of `folder` into memory, for whoever opens it until the returned function takes both names of it away. Where there is
 * no such memory, or it is full, or the volume has no links, the lock file is the usual one.
 */
export function putReadersInMemory(folder: string): () => void {
  // The name cannot be guessed, and the file cannot be one that others have laid there.
  const file = join(MEMORY, `thimble-${randomBytes(16).toString('hex')}`);
  const link = join(folder, NAME);
  let linked = false;
  try {
    // Written now: a page that is missing when LMDB touches it, for want of memory, ends the process (SIGBUS).
    writeFileSync(file, Buffer.alloc(TABLE_BYTES), { flag: 'wx', mode: 0o600 });
    symlinkSync(file, `${link}.new`);
    renameSync(`${link}.new`, link);
    linked = true;
  } catch {
    remove(`${link}.new`);
  }
  return () => {
    if (linked) remove(link);
    remove(file);
  };
}

/** What stays is a link to nothing, which the next start replaces, or an empty file in memory. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The volume refuses.
  }
}
