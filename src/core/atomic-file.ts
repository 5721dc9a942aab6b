// Replaces whole files so that a power cut leaves either the old content or the new, never a mixture or nothing.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface AtomicWriteOptions {
  /** Permission bits of the new file; 0o600 when absent. */
  mode?: number;
  /** Keeps what was there before as `<path>.previous`. */
  keepPrevious?: boolean;
}

/**
 * Writes `data` to a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder. Resolves when
 * the new content is durable. Rejects with the system's errno error; `path` then still holds its old content.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const mode = options.mode ?? 0o600;
  try {
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      // The mode of open() is cut by the umask.
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    if (options.keepPrevious) await keepPrevious(path);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** Makes creations, renames and removals in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  await syncOpened(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

/** Makes what others have written to a file durable; the right to read it is enough. */
export async function syncFile(path: string): Promise<void> {
  await syncOpened(path, constants.O_RDONLY);
}

async function syncOpened(path: string, flags: number): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives the present file a second name, so that `path` itself exists at every moment. */
async function keepPrevious(path: string): Promise<void> {
  const previous = `${path}.previous`;
  const spare = `${previous}.tmp`;
  await unlink(spare).catch(() => undefined);
  try {
    await link(path, spare);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await rename(spare, previous);
}
