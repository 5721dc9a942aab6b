// How the parts of a store hang together: makes them all and connects them; the order of their work is the store's.
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { background, type CameraId, NvrError, type StreamName } from '../core/index.ts';
import { AccountTable } from './accounts.ts';
import { Adoption } from './adoption.ts';
import { AuditTable } from './audit.ts';
import { readBootFacts } from './boot.ts';
import { CameraTable } from './cameras.ts';
import { ClockGeneration } from './clock-generation.ts';
import { Database } from './database.ts';
import { Deletion } from './deletion.ts';
import { openLmdb } from './environment.ts';
import { EventPictures } from './event-pictures.ts';
import { EventTable } from './events.ts';
import { GapTable } from './gaps.ts';
import type { Identity } from './identity.ts';
import { IndexBackup } from './index-backup.ts';
import { IndexFiles } from './index-files.ts';
import { isGarbage } from './keys.ts';
import { MAX_TIME_MS, QUARANTINE_FOLDER, SEGMENTS_FOLDER, SNAPSHOTS_FOLDER } from './layout.ts';
import { LicenceTable } from './licences.ts';
import { LockedEvents } from './locked-events.ts';
import type { MendingOptions } from './mending.ts';
import { probeIndex } from './probe.ts';
import { StoreProblems } from './problems.ts';
import { Purge } from './purge.ts';
import { Recovery } from './recovery.ts';
import type { FootageEnd } from './segment.ts';
import { SegmentTable } from './segments.ts';
import { SettingsTable } from './settings.ts';
import type { StoreOptions } from './store-options.ts';

const MAX_INDEX_BYTES = 128 * 1024 * 1024;
/** Segments among which the newest of a clock generation is looked for. */
const NEWEST = 100;
/** The last picture of a file lasts into what was the future when it came. */
const FUTURE_MS = 2000;

export class StoreParts {
  readonly segmentsFolder: string;
  readonly files: IndexFiles;
  readonly database: Database;
  readonly segments: SegmentTable;
  readonly pictures: EventPictures;
  readonly events: EventTable;
  readonly lockedEvents: LockedEvents;
  readonly gaps: GapTable;
  readonly cameras: CameraTable;
  readonly settings: SettingsTable;
  readonly accounts: AccountTable;
  readonly audit: AuditTable;
  readonly licences: LicenceTable;
  readonly clockGeneration: ClockGeneration;
  readonly adoption: Adoption;
  readonly deletion: Deletion;
  readonly purge: Purge;
  readonly mending: MendingOptions;
  readonly recovery: Recovery;
  readonly backup: IndexBackup;
  readonly problems: StoreProblems;

  readonly #dir: string;
  readonly #identity: Identity;
  readonly #options: StoreOptions & { onStep: (name: string) => void };

  /** `stopping`: what takes long is left to the next start. Nothing is opened yet. */
  constructor(
    dir: string,
    identity: Identity,
    options: StoreOptions & { onStep: (name: string) => void },
    stopping: AbortSignal,
  ) {
    const { log, clock, boot, probe } = options;
    this.#dir = dir;
    this.#identity = identity;
    this.#options = options;
    this.segmentsFolder = join(dir, SEGMENTS_FOLDER);
    this.problems = new StoreProblems(clock);
    this.files = new IndexFiles({ dir, log, pointerBits: identity.pointerBits, probe: probe ?? probeIndex });
    this.database = this.#makeDatabase();
    this.clockGeneration = new ClockGeneration(this.database);
    this.settings = new SettingsTable(this.database);
    this.accounts = new AccountTable({ database: this.database, dir, log, onStep: options.onStep });
    this.audit = new AuditTable(this.database);
    this.segments = new SegmentTable(this.database, log, () => this.recovery.noteDamage(), {
      footage: (...range) => this.events.footage(...range),
      unlockedFootage: (...range) => this.events.unlockedFootage(...range),
    });
    this.pictures = new EventPictures({ folder: join(dir, SNAPSHOTS_FOLDER), clock, log });
    const { database, segments, pictures } = this;
    const footageKnown = () => this.recovery.footageKnown;
    const onLocked = () => this.lockedEvents.noteChange();
    this.events = new EventTable({ database, segments, footageKnown, pictures, onLocked, clock, log });
    this.lockedEvents = new LockedEvents({ dir, events: this.events, clock, log, onStep: options.onStep });
    this.gaps = new GapTable(this.database, log);
    this.licences = new LicenceTable(this.database, boot ?? readBootFacts(), log);
    this.cameras = this.#makeCameras();
    this.adoption = this.#makeAdoption();
    this.deletion = this.#makeDeletion();
    this.purge = this.#makePurge(stopping);
    this.mending = this.#makeMending();
    this.recovery = this.#makeRecovery();
    this.backup = this.#makeBackup();
  }

  /** Free and total bytes of the volume, as far as this user may use them. */
  async volume(): Promise<{ freeBytes: number; totalBytes: number }> {
    const { bavail, blocks, bsize } = await statfs(this.#dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  /** Where the footage of a stream ends in the present clock generation; undefined without any, and when it lies in the future. */
  async footageEnd(camera: CameraId, stream: StreamName): Promise<FootageEnd | undefined> {
    const clockGen = this.clockGeneration.value;
    const unknown = await this.adoption.newest(camera, stream);
    const query = { camera, stream, startMs: 0, endMs: MAX_TIME_MS, limit: NEWEST, newestFirst: true };
    const ends = [...this.segments.list(query).segments, ...unknown]
      .filter(footage => footage.clockGen === clockGen)
      .map(({ endMs }) => endMs);
    const endMs = Math.max(0, ...ends);
    // The clock was wrong then, or is now: nothing is to be dated by it.
    if (endMs === 0 || endMs > this.#options.clock.nowMs() + FUTURE_MS) return undefined;
    return { endMs, clockGen };
  }

  /** Tries again to delete what could not be deleted; resolves with the number of files that still cannot. */
  async retryDeletions(): Promise<number> {
    await this.deletion.retry();
    // Removing a whole camera takes long, and nobody waits for it.
    background(this.purge.retry(), 'delete the footage of removed cameras', this.#options.log);
    return this.deletion.unfinished;
  }

  #makeDatabase(): Database {
    const { clock, log, onStep, maxIndexBytes, openEnvironment = openLmdb } = this.#options;
    return new Database({
      open: () => {
        // Under a volume that is gone a new index would be made in the empty directory.
        if (existsSync(this.segmentsFolder)) return openEnvironment(this.files.folder);
        throw new NvrError('unavailable', 'the storage volume is not there', { cure: 'Mount it again.' });
      },
      clock,
      log,
      maxBytes: maxIndexBytes ?? MAX_INDEX_BYTES,
      onStep,
      onHealth: problem => this.#onHealth(problem),
      onCrowded: () => this.events.relieve(),
      onFull: full => {
        if (full) {
          log.error('the index has reached its bound', { indexBytes: this.database.usedBytes() });
        } else log.info('the index has room again');
        this.recovery.noteFull(full);
      },
    });
  }

  #makeCameras(): CameraTable {
    const { log, onStep } = this.#options;
    return new CameraTable({
      database: this.database,
      dir: this.#dir,
      log,
      onStep,
      clockGeneration: () => this.clockGeneration.value,
      purge: { mark: camera => this.purge.mark(camera), unmark: camera => this.purge.unmark(camera) },
    });
  }

  #makeAdoption(): Adoption {
    const { log, onStep, examine } = this.#options;
    return new Adoption({
      segments: this.segments,
      gaps: this.gaps,
      examine,
      storeUuid: this.#identity.store,
      folder: this.segmentsFolder,
      quarantine: join(this.#dir, QUARANTINE_FOLDER),
      log,
      onStep,
      isGarbage: path => isGarbage(this.database, path),
      onDone: ({ camera, stream }) => this.licences.adopted(camera, stream),
      onClockGeneration: generation => this.clockGeneration.raise(generation),
    });
  }

  #makeDeletion(): Deletion {
    const { log, onStep, clock } = this.#options;
    return new Deletion({
      database: this.database,
      segments: this.segments,
      gaps: this.gaps,
      events: this.events,
      licences: this.licences,
      folder: this.segmentsFolder,
      log,
      onStep,
      nowMs: () => clock.nowMs(),
      onDamage: () => this.recovery.noteDamage(),
      onUnfinished: (files, error) => this.#onUnfinished(files, error),
    });
  }

  #makePurge(signal: AbortSignal): Purge {
    const { log, onStep } = this.#options;
    const { database, segments, gaps, events, licences, deletion, adoption, segmentsFolder: folder } = this;
    return new Purge({ database, segments, gaps, events, licences, deletion, adoption, folder, log, onStep, signal });
  }

  #makeMending(): MendingOptions {
    return {
      segments: this.segments,
      deletion: this.deletion,
      setAside: path => this.adoption.setAside(path),
      keepCopy: path => this.adoption.keepCopy(path),
      examine: this.#options.examine,
      storeUuid: this.#identity.store,
      folder: this.segmentsFolder,
      log: this.#options.log,
    };
  }

  #makeRecovery(): Recovery {
    const { database, files, adoption, purge, mending, problems, events, pictures } = this;
    const everything = this.#options.rebuild !== undefined;
    const storeUuid = this.#identity.store;
    return new Recovery({
      database,
      files,
      adoption,
      purge,
      mending,
      problems,
      storeUuid,
      everything,
      endEvents: () => events.endLeft(),
      sweepPictures: signal => pictures.sweep(key => events.has(key), signal),
    });
  }

  #makeBackup(): IndexBackup {
    const { clock, log, onStep } = this.#options;
    return new IndexBackup({
      dir: this.#dir,
      clock,
      log,
      onStep,
      copy: folder => this.database.copyTo(folder),
      freeBytes: async () => (await this.volume()).freeBytes,
    });
  }

  #onUnfinished(files: number, error: unknown): void {
    const { log } = this.#options;
    if (files === 0) {
      if (this.problems.remove('deletion-failed')) log.info('footage can be deleted again');
      return;
    }
    if (error) log.error('files cannot be deleted', { files, error });
    const many = files === 1 ? 'A file' : `${files} files`;
    this.problems.add('deletion-failed', `${many} of deleted footage cannot be removed.`, 'Check the storage volume.');
  }

  #onHealth(problem: NvrError | undefined): void {
    const { log } = this.#options;
    if (!problem) {
      if (this.problems.remove('index-unwritable')) log.info('the index can be written again');
      return;
    }
    log.error('the index cannot be written', { error: problem });
    this.problems.add('index-unwritable', problem.message, problem.cure ?? 'Check the storage volume.');
  }
}
