// What of earlier runs is still to be taken in: whether the index is ours, new, a spare copy or has lost rows, and what follows from it.
import type { CameraId } from '../core/index.ts';
import type { Adoption } from './adoption.ts';
import type { Database } from './database.ts';
import type { IndexFiles } from './index-files.ts';
import type { Backlog } from './licences.ts';
import { dropMissing, type MendingOptions } from './mending.ts';
import type { StoreProblems } from './problems.ts';
import type { Purge } from './purge.ts';
import { decodeRow, encodeRow } from './rows.ts';

export interface RecoveryOptions {
  database: Database;
  files: IndexFiles;
  adoption: Adoption;
  purge: Pick<Purge, 'resume'>;
  mending: MendingOptions;
  problems: StoreProblems;
  storeUuid: string;
  /** Looks at all files, whatever the index says. */
  everything: boolean;
  /** Ends the events that the last run left going on, now that its footage is known. */
  endEvents: () => void;
  /** Removes the pictures of events that are gone. */
  sweepPictures: (signal: AbortSignal) => Promise<void>;
}

const STORE_KEY = Buffer.from('store');
/** Row that is there while files may lie in the segments folder that no backlog tells of. */
const RESCAN_KEY = Buffer.from('rescan');
/** Row that is there while the index is a spare copy whose records may have lost their files since. */
const RESTORED_KEY = Buffer.from('restored');
const UNUSABLE = 'the index cannot be used';

/** Opens the index; one whose insides turn out to be damaged is set aside first. Throws `unavailable` when the volume refuses. */
export async function openIndex(database: Database, files: IndexFiles): Promise<void> {
  try {
    database.start();
  } catch (error) {
    if ((error as { kind?: unknown }).kind !== 'data-loss') throw error;
    await files.setAside(UNUSABLE);
    database.start();
  }
}

export class Recovery {
  readonly #options: RecoveryOptions;
  #rescan = false;
  #footageKnown = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** True when the index is new, or older than the files. One of another store is set aside: its rows would be lies about our files. */
  async recognise(): Promise<boolean> {
    const { database, files, storeUuid, problems, everything } = this.#options;
    const ours = () => {
      const row = database.get('settings', STORE_KEY);
      return row === undefined ? undefined : decodeRow(row) === storeUuid;
    };
    for (const restore of [true, false]) {
      if (ours() !== false) break;
      await database.close();
      await files.setAside(UNUSABLE, restore);
      database.start();
    }
    const isNew = ours() === undefined;
    if (files.restored) {
      database.put('settings', RESTORED_KEY, encodeRow({}));
      const message = 'The index was damaged; its copy of the last day is brought up to date.';
      problems.add('index-restored', message, 'Check the storage medium.');
    }
    if (isNew || files.restored || files.changed) database.put('settings', RESCAN_KEY, encodeRow({}));
    this.#rescan = everything || database.get('settings', RESCAN_KEY) !== undefined;
    return isNew || files.restored;
  }

  /**
   * Says whose index it is; to be called when all is in it that a new one takes from elsewhere. A start that ends before leaves it a new
   * one.
   */
  claim(): void {
    const { database, storeUuid } = this.#options;
    if (!database.get('settings', STORE_KEY)) database.put('settings', STORE_KEY, encodeRow(storeUuid));
  }

  /** Notes which files are to be taken in, before anything records. Cameras in `purges` are about to go. */
  async list(backlogs: readonly Backlog[], purges: readonly CameraId[]): Promise<void> {
    await this.#options.adoption.list(backlogs, this.#rescan, new Set(purges));
  }

  /** Takes them in, finishes the deletion of `purges`, and looks after the events that the last run left. */
  async run(purges: readonly CameraId[], signal: AbortSignal): Promise<void> {
    await this.#takeIn(purges, signal);
    if (!this.#footageKnown || signal.aborted) return;
    await this.#options.sweepPictures(signal);
  }

  /** True when the index knows all footage, so that what it does not know is not there. */
  get footageKnown(): boolean {
    return this.#footageKnown && !this.#rescan;
  }

  async #takeIn(purges: readonly CameraId[], signal: AbortSignal): Promise<void> {
    const { database, adoption, purge, mending, problems, endEvents } = this.#options;
    const complete = await adoption.run(signal);
    await purge.resume(purges);
    if (!complete || signal.aborted) return;
    endEvents();
    this.#footageKnown = true;
    if (database.get('settings', RESTORED_KEY)) {
      for (const { camera } of mending.segments.streams()) await dropMissing(mending, camera);
      database.remove('settings', RESTORED_KEY);
      problems.remove('index-restored');
    }
    if (database.dirty) await database.flush();
    if (this.#rescan) {
      this.#rescan = false;
      problems.remove('index-damaged');
      // What waits for room in the index is to be looked for again.
      if (database.full) return;
      database.remove('settings', RESCAN_KEY);
      await database.flush();
    }
  }

  /** The index has reached its bound: rows wait in memory, and the next start looks for their files. Or none waits any more. */
  noteFull(full: boolean): void {
    const { database, problems } = this.#options;
    if (full) {
      database.put('settings', RESCAN_KEY, encodeRow({}));
      problems.add(
        'index-full',
        'The index has reached its bound. Cameras are recorded all the same, and what is listed now is found again at the next start.',
        'Delete footage, or record longer segments.',
      );
    } else {
      if (!this.#rescan) database.remove('settings', RESCAN_KEY);
      problems.remove('index-full');
    }
  }

  /** What a damaged row stood for is looked for on the volume, now if the start is still under way, else at the next one. */
  noteDamage(): void {
    this.#rescan = true;
    this.#options.database.put('settings', RESCAN_KEY, encodeRow({}));
    this.#options.problems.add(
      'index-damaged',
      'A part of the index was damaged.',
      'Nothing is to be done: what is missing is found again at the next start. Check the storage medium.',
    );
  }
}
