// The index's files before they are opened: whether the last run ended well, whether they can be read, where damaged ones go.
import {
  access,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystem, type Logger, syncFile, syncFolder } from '../core/index.ts';
import { BACKUP_FOLDER } from './index-backup.ts';
import { INDEX_FOLDER, QUARANTINE_FOLDER } from './layout.ts';
import { looksSound } from './meta-pages.ts';

/** Present while the index is open: with it, the last run did not end well. Holds how many runs before that did not, either. */
const MARKER_FILE = 'index.open';
/** Where the rows of a doubtful index are copied to. */
const COPY_FOLDER = 'index.new';
/** After so many runs that ended badly the index may be why. */
const DOUBTFUL_RUNS = 3;
/** What LMDB takes while it copies, beside the copy. */
const SPARE_BYTES = 1024 * 1024;
/** Stands beside an index that is the spare copy, until what follows from that is durable. */
const SPARE_FILE = 'spare';
/** Size and time of the index when it was closed last. */
const CLOSED_FILE = 'index.closed';

export interface IndexFilesOptions {
  /** The data directory. */
  dir: string;
  log: Logger;
  /** Of the machine that wrote the index, which is this one. */
  pointerBits: 32 | 64;
  /** Tells whether the index in a folder can be read without harm, and copies its rows into an index in `target`. */
  probe: (folder: string, target?: string) => Promise<boolean>;
}

export class IndexFiles {
  readonly #options: IndexFilesOptions;
  readonly #marker: string;
  readonly #closed: string;
  readonly folder: string;
  #restored = false;
  #changed = false;
  #badRuns = 0;

  constructor(options: IndexFilesOptions) {
    this.#options = options;
    this.#marker = join(options.dir, MARKER_FILE);
    this.#closed = join(options.dir, CLOSED_FILE);
    this.folder = join(options.dir, INDEX_FOLDER);
  }

  /**
   * To be called before the index is opened. One that cannot be read is set aside; that is tried, at some cost, after a run that ended
   * badly, and when the file does not look right or is not the one that was closed last.
   */
  async prepare(): Promise<void> {
    try {
      const file = join(this.folder, 'data.mdb');
      const kind = await lstat(file).catch(() => undefined);
      if (kind && !kind.isFile())
        await this.setAside('something is in place of the index, which is rebuilt from the segment files');
      else if (kind) {
        if (!(await this.#canBeUsed(file))) {
          await this.setAside('the index is damaged and is rebuilt from the segment files');
        } else {
          if (this.#changed) this.#options.log.warn('somebody has changed the index; the files are looked at');
          // The start that had taken it did not come to its end.
          this.#restored = await exists(join(this.folder, SPARE_FILE));
        }
      }
      await writeFile(this.#marker, '', { mode: 0o600 });
      // On a full volume there may be no room for a byte: then it counts as the first.
      if (this.#badRuns > 0) await writeFile(this.#marker, `${this.#badRuns}`).catch(() => undefined);
      await syncFolder(this.#options.dir);
    } catch (error) {
      throw fromSystem(error, `the index in ${this.folder} cannot be prepared`);
    }
  }

  /** True when others changed the index while nothing ran on it: it may have lost anything. */
  get changed(): boolean {
    return this.#changed;
  }

  /** True when the index is the spare copy: older than the files. */
  get restored(): boolean {
    return this.#restored;
  }

  /** Moves the index into quarantine; what is left is the spare copy, if it can be read and `restore` is not false, or an empty folder. */
  async setAside(why: string, restore = true): Promise<void> {
    const quarantine = join(this.#options.dir, QUARANTINE_FOLDER);
    const taken = new Set(await readdir(quarantine));
    let n = 1;
    while (taken.has(`index.${n}`)) n++;
    const target = join(quarantine, `index.${n}`);
    this.#options.log.warn(why, { quarantine: target });
    await rename(this.folder, target);
    await mkdir(this.folder, { mode: 0o700 });
    await syncFolder(quarantine);
    await syncFolder(this.#options.dir);
    this.#restored = restore && (await this.#restore());
  }

  /** What follows from `restored` is durable: the index is one as any other from now on. */
  async settle(): Promise<void> {
    if (!this.#restored) return;
    await rm(join(this.folder, SPARE_FILE), { force: true });
    await syncFolder(this.folder);
  }

  async #restore(): Promise<boolean> {
    const { dir, pointerBits, probe, log } = this.#options;
    const spare = join(dir, BACKUP_FOLDER);
    const file = join(spare, 'data.mdb');
    if (!(await exists(file)) || !(await looksSound(file, pointerBits)) || !(await probe(spare))) return false;
    await writeFile(join(this.folder, SPARE_FILE), '', { mode: 0o600 });
    await syncFolder(this.folder);
    await copyFile(file, join(this.folder, 'data.mdb'));
    await syncFile(join(this.folder, 'data.mdb'));
    await syncFolder(this.folder);
    log.warn('the spare copy of the index is taken, and the files since then are looked for');
    return true;
  }

  /** To be called when the index was closed well. */
  async release(): Promise<void> {
    // On a full volume the next start looks at the files, that is all.
    await writeFile(this.#closed, await facts(join(this.folder, 'data.mdb')), { mode: 0o600 }).catch(() => undefined);
    await unlink(this.#marker);
  }

  /** A sound index may end before its last page, when nobody wrote it; one that others changed and that ends early was cut. */
  async #canBeUsed(file: string): Promise<boolean> {
    const { pointerBits, probe } = this.#options;
    const marker = await readFile(this.#marker, 'utf8').catch(() => undefined);
    const isSound = await looksSound(file, pointerBits);
    this.#badRuns = marker === undefined ? 0 : 1 + (/^\d{1,3}$/.test(marker) ? Number(marker) : 0);
    this.#changed = marker === undefined && (await this.#isAnother(file));
    if (this.#changed) return isSound && (await this.#renew(file));
    if (this.#badRuns >= DOUBTFUL_RUNS) return this.#renew(file);
    return (isSound && marker === undefined) || (await probe(this.folder));
  }

  /**
   * Puts a new file with the same rows in place of one whose inner structure may be damaged: LMDB ends the process that writes to it. Where
   * there is no room for another one, what can be read is used as it is: that it cannot be copied says nothing against it.
   */
  async #renew(file: string): Promise<boolean> {
    const { dir, probe } = this.#options;
    const target = join(dir, COPY_FOLDER);
    await rm(target, { recursive: true, force: true });
    const { bavail, bsize } = await statfs(dir);
    if (bavail * bsize < (await stat(file)).size + SPARE_BYTES) return probe(this.folder);
    await mkdir(target, { mode: 0o700 });
    const isCopied = await probe(this.folder, target);
    if (isCopied) {
      await rename(join(target, 'data.mdb'), file);
      await syncFolder(this.folder);
    }
    await rm(target, { recursive: true, force: true });
    return isCopied;
  }

  /** Nothing is known of an index that was never closed. */
  async #isAnother(file: string): Promise<boolean> {
    const closed = await readFile(this.#closed, 'utf8').catch(() => undefined);
    return closed !== undefined && closed !== (await facts(file));
  }
}

async function facts(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${size} ${mtimeMs}`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
