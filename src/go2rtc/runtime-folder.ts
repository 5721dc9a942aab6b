// The folder of socket and configuration: in memory where that can be had, ours alone, and one service's at a time.
import { chmod, lstat, mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Words } from './state.ts';
import { folderWords, LOCKED } from './words.ts';

export interface RuntimeFolder {
  /** Absolute. */
  path: string;
  /** Removes it, as far as that can be done; the next who takes it empties it. Never rejects. */
  release(): Promise<void>;
}

export type TakenFolder = { state: 'taken'; folder: RuntimeFolder } | { state: 'failed'; words: Words };

export interface RuntimePlaces {
  /** `RUNTIME_DIRECTORY`: made by systemd for this service. */
  runtimeDirectory?: string | undefined;
  /** `XDG_RUNTIME_DIR`. */
  userDirectory?: string | undefined;
  userId: number;
  storeUuid: string;
}

const TMPFS = 0x01021994;
const RAMFS = 0x858458f6;
/** Addresses of Unix sockets have 108 bytes, of which a name of ours takes its share. */
const MOST_PATH_BYTES = 80;

/** Where such a folder may be, the best place first. */
export function runtimeFolders({ runtimeDirectory, userDirectory, userId, storeUuid }: RuntimePlaces): string[] {
  const name = `thimble-${storeUuid.slice(0, 12)}`;
  const own = runtimeDirectory?.split(':')[0];
  return [
    ...(own ? [join(own, name)] : []),
    ...(userDirectory ? [join(userDirectory, name)] : []),
    ...(userId === 0 ? [join('/run', name)] : []),
    ...['/dev/shm', '/tmp'].map(folder => join(folder, `${name}-${userId}`)),
  ];
}

/** Takes the first that can be had, those in memory before others. Never rejects. */
export async function takeRuntimeFolder(
  places: readonly string[],
  lock: (path: string) => { unlock(): void } | undefined,
): Promise<TakenFolder> {
  const inMemory = await Promise.all(places.map(path => isInMemory(dirname(path))));
  const ordered = [...places.filter((_, index) => inMemory[index]), ...places.filter((_, index) => !inMemory[index])];
  let reason = 'none is given';
  let path: string | undefined;
  for (const place of ordered) {
    const why = await prepare(place);
    if (why === undefined) {
      path = place;
      break;
    }
    reason = why;
  }
  if (path === undefined) return { state: 'failed', words: folderWords(reason) };
  try {
    const held = lock(path);
    if (!held) return { state: 'failed', words: LOCKED };
    await empty(path);
    const release = async () => {
      // Whoever waits for its lock gets one of a folder that is gone, and makes a new one.
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
      held.unlock();
    };
    return { state: 'taken', folder: { path, release } };
  } catch (error) {
    return { state: 'failed', words: folderWords((error as Error).message) };
  }
}

/** Why a place cannot be used; undefined when it is a folder of ours that nobody else can look into. */
async function prepare(path: string): Promise<string | undefined> {
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) return `${path} is too long for a socket`;
  // go2rtc would take it for a setting in place of a path.
  if (path.includes('=')) return `${path} has a "=" in it`;
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return (error as Error).message;
  }
  try {
    // Others can make folders in /dev/shm and /tmp too.
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return `${path} is not ours`;
    if ((found.mode & 0o777) !== 0o700) await chmod(path, 0o700);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function isInMemory(path: string): Promise<boolean> {
  try {
    const { type } = await statfs(path);
    return type === TMPFS || type === RAMFS;
  } catch {
    return false;
  }
}

/** Of a run that was killed: a socket that nobody serves and a configuration that nobody reads. */
async function empty(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (name !== 'lock') await rm(join(path, name), { force: true, recursive: true });
  }
}
