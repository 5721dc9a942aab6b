// Recognises, locks and makes data directories. Nothing of a directory that is not ours is ever touched.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { endianness } from 'node:os';
import { dirname, join } from 'node:path';
import { fromSystem, NvrError, syncFolder } from '../core/index.ts';
import { readChecked, writeChecked } from './checked-file.ts';
import { FOLDERS } from './layout.ts';

/** Raised when a version writes what the versions before it cannot read. */
const FORMAT = 1;
const IDENTITY_FILE = 'identity.json';
/** Files that a first start may leave behind when it is killed, and the folder that every fresh ext4 volume has. */
const HARMLESS = /^(lock|lost\+found|identity\.json\.previous(\.tmp)?|\.identity\.json\.[0-9a-f]{12}\.tmp)$/;
/** Programs that were installed before the first start. */
const PROGRAMS_FOLDER = 'bin';
const OWN_PROGRAM = /^(go2rtc|lock|\.go2rtc_[\w.-]+\.part)$/;

export interface Identity {
  /** 32 hex digits. */
  store: string;
  pointerBits: 32 | 64;
  endianness: 'BE' | 'LE';
  format: number;
}

export interface Lock {
  unlock(): void;
}

/**
 * Takes possession of a data directory, making it when there is none. The lock is held afterwards. Rejects, with a cure and
 * without having changed anything, when the directory is foreign, of another format or machine kind, locked, or cannot be used.
 */
export async function claimDirectory(
  dir: string,
  takeLock: (path: string) => Lock | undefined,
  onStep: (name: string) => void,
): Promise<{ identity: Identity; lock: Lock }> {
  await makeFolder(dir);
  await refuseForeign(dir);
  const lock = lockOrRefuse(dir, takeLock);
  try {
    const identity = await readIdentity(dir);
    if (identity) checkIdentity(dir, identity);
    for (const folder of FOLDERS) await makeFolder(join(dir, folder));
    await syncFolder(dir);
    return { identity: identity ?? (await writeIdentity(dir, onStep)), lock };
  } catch (error) {
    lock.unlock();
    throw fromSystem(error, `the data directory ${dir} cannot be used`);
  }
}

/** Takes possession of a data directory that exists; makes nothing but the file of the lock. Rejects like `claimDirectory`. */
export async function claimExisting(
  dir: string,
  takeLock: (path: string) => Lock | undefined,
): Promise<{ identity: Identity; lock: Lock }> {
  const identity = (await entries(dir)).some(name => name.startsWith(IDENTITY_FILE))
    ? await readIdentity(dir)
    : undefined;
  if (!identity) {
    throw new NvrError('failed-precondition', `${dir} holds no footage of Thimble`, {
      cure: 'Name the data directory with --data.',
    });
  }
  const lock = lockOrRefuse(dir, takeLock);
  try {
    checkIdentity(dir, identity);
    return { identity, lock };
  } catch (error) {
    lock.unlock();
    throw error;
  }
}

/** True while the directory still is the one with this identity: false under a volume that was unmounted. */
export async function isMounted(dir: string, identity: Identity): Promise<boolean> {
  try {
    return (await readIdentity(dir))?.store === identity.store;
  } catch {
    return false;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw new NvrError('unavailable', `cannot make the folder ${path}: ${wordsOf(error)}`, {
      cure: 'Choose a directory that this user may write to, on a volume that is not read-only.',
      cause: error,
    });
  }
}

const WORDS: Record<string, string> = {
  EACCES: 'this user has no permission',
  EPERM: 'this user has no permission',
  EROFS: 'the volume is read-only',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
  ENOSPC: 'the volume is full',
  EDQUOT: 'the quota of this user is used up',
};

/** Why the system refused, for people who know no errno. */
function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && WORDS[code]) || message || String(error);
}

/** Node's own recursion never ends where the system says ENOENT of a parent that exists, as in /proc. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
  await syncFolder(dirname(path));
}

async function entries(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    throw new NvrError('unavailable', `cannot read ${dir}: ${wordsOf(error)}`, {
      cure: 'Choose a directory that this user may read and write.',
      cause: error,
    });
  }
}

async function refuseForeign(dir: string): Promise<void> {
  const names = await entries(dir);
  if (names.includes(IDENTITY_FILE) || names.includes(`${IDENTITY_FILE}.previous`)) return;
  const own = new Set<string>(FOLDERS);
  for (const name of names) {
    // Empty folders are what a first start leaves behind when it is killed.
    if (HARMLESS.test(name) || (own.has(name) && (await entries(join(dir, name))).length === 0)) continue;
    if (name === PROGRAMS_FOLDER && (await entries(join(dir, name))).every(one => OWN_PROGRAM.test(one))) continue;
    throw new NvrError(
      'failed-precondition',
      `${dir} is not empty and holds no ${IDENTITY_FILE} ("${name}" is in it)`,
      {
        cure: 'Choose an empty directory or one that Thimble has made.',
      },
    );
  }
}

function lockOrRefuse(dir: string, takeLock: (path: string) => Lock | undefined): Lock {
  let lock: Lock | undefined;
  try {
    lock = takeLock(dir);
  } catch (error) {
    // It has words of its own.
    if (error instanceof NvrError) throw error;
    throw new NvrError('unavailable', `cannot lock ${dir}: ${wordsOf(error)}`, {
      cure: 'Choose a directory that this user may write to, on a volume that is not read-only.',
      cause: error,
    });
  }
  if (lock) return lock;
  throw new NvrError('failed-precondition', `${dir} is in use by another Thimble`, {
    cure: 'Stop the other one, or give this one a data directory of its own.',
  });
}

/** Undefined when there is none; a damaged one is replaced by the generation before it, which says the same. */
async function readIdentity(dir: string): Promise<Identity | undefined> {
  const file = await readChecked(join(dir, IDENTITY_FILE));
  if (file.state === 'absent') return undefined;
  const identity = file.state === 'damaged' ? undefined : parseIdentity(file.body);
  if (!identity) {
    throw new NvrError('data-loss', `${join(dir, IDENTITY_FILE)} is damaged`, {
      cure: 'Restore it from a backup; the recordings under segments/ can be played by any player as they are.',
    });
  }
  return identity;
}

function parseIdentity(body: unknown): Identity | undefined {
  const { store, pointerBits, endianness, format } = (body ?? {}) as Partial<Record<keyof Identity, unknown>>;
  if (typeof store !== 'string' || !/^[0-9a-f]{32}$/.test(store)) return undefined;
  if (pointerBits !== 32 && pointerBits !== 64) return undefined;
  if (endianness !== 'BE' && endianness !== 'LE') return undefined;
  if (!Number.isSafeInteger(format)) return undefined;
  return { store, pointerBits, endianness, format: format as number };
}

/** LMDB files of the other pointer width or byte order end the process when they are opened. */
function checkIdentity(dir: string, identity: Identity): void {
  if (identity.format !== FORMAT) {
    throw new NvrError('failed-precondition', `${dir} has format ${identity.format}, this version knows ${FORMAT}`, {
      cure: 'Start it with the version of Thimble that wrote it last.',
    });
  }
  const here = machine();
  if (identity.pointerBits !== here.pointerBits || identity.endianness !== here.endianness) {
    const kind = `${identity.pointerBits}-bit ${identity.endianness}`;
    throw new NvrError('failed-precondition', `${dir} was made on a ${kind} machine and cannot be opened on this one`, {
      cure: 'Use a new data directory here; the recordings under segments/ can be played by any player.',
    });
  }
}

async function writeIdentity(dir: string, onStep: (name: string) => void): Promise<Identity> {
  const identity: Identity = { store: randomBytes(16).toString('hex'), ...machine(), format: FORMAT };
  onStep('identity-write');
  await writeChecked(join(dir, IDENTITY_FILE), identity);
  onStep('identity-written');
  return identity;
}

function machine(): Pick<Identity, 'pointerBits' | 'endianness'> {
  const narrow = ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'].includes(process.arch);
  return { pointerBits: narrow ? 32 : 64, endianness: endianness() };
}
