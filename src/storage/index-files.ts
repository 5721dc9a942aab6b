// The index's files before they are opened: whether the last run ended well, whether they can be read, where damaged ones go.
import { access, mkdir, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystem, type Logger, syncFolder } from '../core/index.ts';
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

  /** Moves the index into quarantine and leaves an empty folder; `why` is for the log. */
  async setAside(why: string): Promise<void> {
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
  }

  /** To be called when the index was closed well. */
  async release(): Promise<void> {
    await unlink(this.#marker);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
