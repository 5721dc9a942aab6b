// The index's files before they are opened: whether the last run ended well, whether they can be read, where damaged ones go.
import { access, copyFile, mkdir, open, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystem, type Logger, syncFolder } from '../core/index.ts';
import { BACKUP_FOLDER } from './index-backup.ts';
import { INDEX_FOLDER, QUARANTINE_FOLDER } from './layout.ts';
import { looksSound } from './meta-pages.ts';

/** Present while the index is open: with it, the last run did not end well. */
const MARKER_FILE = 'index.open';

export interface IndexFilesOptions {
  /** The data directory. */
  dir: string;
  log: Logger;
  /** Of the machine that wrote the index, which is this one. */
  pointerBits: 32 | 64;
  /** Tells whether the index in a folder can be read without harm. */
  probe: (folder: string) => Promise<boolean>;
}

export class IndexFiles {
  readonly #options: IndexFilesOptions;
  readonly #marker: string;
  readonly folder: string;
  #restored = false;

  constructor(options: IndexFilesOptions) {
    this.#options = options;
    this.#marker = join(options.dir, MARKER_FILE);
    this.folder = join(options.dir, INDEX_FOLDER);
  }

  /**
   * To be called before the index is opened. One that cannot be read is set aside; that is tried, at some cost, after a run that ended
   * badly and when the file does not look right.
   */
  async prepare(): Promise<void> {
    try {
      const file = join(this.folder, 'data.mdb');
      if (await exists(file)) {
        const doubtful = (await exists(this.#marker)) || !(await looksSound(file, this.#options.pointerBits));
        if (doubtful && !(await this.#options.probe(this.folder))) {
          await this.setAside('the index is damaged and is rebuilt from the segment files');
        }
      }
      await writeFile(this.#marker, '', { mode: 0o600 });
      await syncFolder(this.#options.dir);
    } catch (error) {
      throw fromSystem(error, `the index in ${this.folder} cannot be prepared`);
    }
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

  async #restore(): Promise<boolean> {
    const { dir, pointerBits, probe, log } = this.#options;
    const spare = join(dir, BACKUP_FOLDER);
    const file = join(spare, 'data.mdb');
    if (!(await exists(file)) || !(await looksSound(file, pointerBits)) || !(await probe(spare))) return false;
    await copyFile(file, join(this.folder, 'data.mdb'));
    await syncFile(join(this.folder, 'data.mdb'));
    await syncFolder(this.folder);
    log.warn('the spare copy of the index is taken, and the files since then are looked for');
    return true;
  }

  /** To be called when the index was closed well. */
  async release(): Promise<void> {
    await unlink(this.#marker);
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
