// The store: everything that deals with the index or with the names and order of segment files goes through it.
import { existsSync } from 'node:fs';
import { chmod, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { background, type CameraId, fromSystem, NvrError, parseSegmentId, type StreamName } from '../core/index.ts';
import { Adoption, type AdoptionCounters } from './adoption.ts';
import { readBootFacts } from './boot.ts';
import { CameraTable } from './cameras.ts';
import { ClockGeneration } from './clock-generation.ts';
import { Database } from './database.ts';
import { Deletion } from './deletion.ts';
import { openLmdb } from './environment.ts';
import { GapTable } from './gaps.ts';
import { claimDirectory, claimExisting, type Identity, isMounted, type Lock } from './identity.ts';
import { IndexBackup } from './index-backup.ts';
import { IndexFiles } from './index-files.ts';
import { isGarbage } from './keys.ts';
import { QUARANTINE_FOLDER, SEGMENTS_FOLDER } from './layout.ts';
import { LicenceTable } from './licences.ts';
import { type Mended, type MendingOptions, mend } from './mending.ts';
import { probeIndex } from './probe.ts';
import { type StoreProblem, StoreProblems } from './problems.ts';
import { openIndex, Recovery } from './recovery.ts';
import { openSealer, type Sealer } from './secret.ts';
import type { Segment, Totals } from './segment.ts';
import { SegmentTable } from './segments.ts';
import { SettingsTable } from './settings.ts';
import type { StoreOptions } from './store-options.ts';

const MAX_INDEX_BYTES = 128 * 1024 * 1024;
/**
 * Takes possession of a data directory, making it when it does not exist. Rejects with an NvrError that has a cure when the
 * directory is foreign, locked, of another format, or cannot be used; nothing of it is changed then.
 */
export async function openStore(path: string, options: StoreOptions): Promise<Store> {
  const dir = resolve(path);
  const onStep = options.onStep ?? (() => undefined);
  if (options.existing) (await claimExisting(dir, options.lock)).lock.unlock();
  const { identity, lock } = await claimDirectory(dir, options.lock, onStep);
  try {
    const sealer = await openSealer(join(dir, 'secret.key'), options.log);
    return new Store(dir, identity, lock, sealer, { ...options, onStep });
  } catch (error) {
    lock.unlock();
    throw error;
  }
}

export class Store {
  /** The data directory. */
  readonly dir: string;
  /** 32 hex digits. */
  readonly uuid: string;
  /** Absolute path of the folder that the engine writes to. */
  readonly segmentsFolder: string;
  /** `record` takes a segment that the engine has closed; it is durable with the next commit. */
  readonly segments: Pick<
    SegmentTable,
    'get' | 'list' | 'footage' | 'last' | 'oldest' | 'streams' | 'totals' | 'lockedBytes' | 'newestEndMs' | 'record'
  >;
  readonly gaps: Pick<GapTable, 'ongoing' | 'open' | 'close' | 'add' | 'moveStart' | 'list'>;
  readonly cameras: Pick<CameraTable, 'list' | 'put' | 'remove' | 'nextId'>;
  readonly settings: SettingsTable;

  readonly #options: StoreOptions & { onStep: (name: string) => void };
  readonly #identity: Identity;
  readonly #lock: Lock;
  readonly #sealer: Sealer;
  readonly #files: IndexFiles;
  readonly #database: Database;
  readonly #segments: SegmentTable;
  readonly #gaps: GapTable;
  readonly #cameras: CameraTable;
  readonly #licences: LicenceTable;
  readonly #adoption: Adoption;
  readonly #deletion: Deletion;
  readonly #recovery: Recovery;
  readonly #backup: IndexBackup;
  readonly #clockGeneration: ClockGeneration;
  readonly #problems: StoreProblems;
  readonly #stopping = new AbortController();
  #background: Promise<void> = Promise.resolve();
  #prepared = false;
  #stopped: Promise<void> | undefined;

  /** To be made by `openStore`. */
  constructor(
    dir: string,
    identity: Identity,
    lock: Lock,
    sealer: Sealer,
    options: StoreOptions & { onStep: (name: string) => void },
  ) {
    const { log, clock } = options;
    this.dir = dir;
    this.uuid = identity.store;
    this.segmentsFolder = join(dir, SEGMENTS_FOLDER);
    this.#options = options;
    this.#identity = identity;
    this.#lock = lock;
    this.#sealer = sealer;
    this.#files = new IndexFiles({
      dir,
      log,
      pointerBits: identity.pointerBits,
      probe: options.probe ?? probeIndex,
    });
    this.#problems = new StoreProblems(clock);
    const database = this.#makeDatabase();
    this.#database = database;
    this.#clockGeneration = new ClockGeneration(database);
    this.settings = new SettingsTable(database);
    this.#segments = this.segments = new SegmentTable(database, log, () => this.#recovery.noteDamage());
    this.#gaps = this.gaps = new GapTable(database, log);
    this.#licences = new LicenceTable(database, options.boot ?? readBootFacts(), log);
    this.#cameras = this.cameras = this.#makeCameras();
    this.#adoption = this.#makeAdoption();
    this.#deletion = this.#makeDeletion();
    this.#recovery = this.#makeRecovery();
    this.#backup = new IndexBackup({
      ...{ dir, clock, log, onStep: options.onStep },
      copy: folder => database.copyTo(folder),
      freeBytes: async () => (await this.volume()).freeBytes,
    });
  }

  /**
   * Opens the index and finds out what earlier runs left behind; its adoption then goes on in the background. Rejects with
   * `unavailable` when the volume refuses; a damaged index is set aside and rebuilt.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { rebuild } = this.#options;
    if (rebuild === 'index') await this.#files.setAside('the index is rebuilt from the segment files', false);
    await this.#files.prepare();
    this.#prepared = true;
    await openIndex(this.#database, this.#files);
    signal.throwIfAborted();
    const fresh = await this.#recovery.recognise();
    await this.#segments.load();
    await this.#gaps.load();
    signal.throwIfAborted();
    this.#loadLicences();
    const mirrored = await this.#cameras.load(fresh);
    this.#clockGeneration.load(mirrored, this.#segments.newestEndMs, this.#options.clock.nowMs());
    const purges = await this.#finishDeletions();
    await this.#recovery.list(this.#licences.backlogs(), purges);
    for (const camera of this.#adoption.cameras) this.#cameras.reserveIds(camera + 1);
    signal.throwIfAborted();
    try {
      await this.#database.flush();
      await this.#cameras.mirror();
    } catch (error) {
      // A full volume: the service starts all the same, and deleting footage makes room.
      this.#options.log.error('the index cannot be written', { error });
    }
    this.#background = this.#recovery.run(purges, this.#stopping.signal);
    background(this.#background, 'recovery of the store', this.#options.log);
    this.#backup.start();
  }

  /** Commits, closes the index and gives the directory back. Rejects when the last commit failed. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  /** Resolves when all changes made before are durable. */
  flush(): Promise<void> {
    return this.#database.flush();
  }

  /** Resolves when everything that earlier runs left behind is in the index, or set aside. */
  async recovered(): Promise<void> {
    await this.#background;
  }

  /** Seals a password, to be stored with its camera. */
  seal(text: string): string {
    return this.#sealer.seal(text);
  }

  /** Throws `data-loss` when the text was sealed with another key or is damaged. */
  unseal(sealed: string): string {
    return this.#sealer.unseal(sealed);
  }

  /** The clock generation in force; the engine begins with it and raises it by one at each step of the clock. */
  get clockGeneration(): number {
    return this.#clockGeneration.value;
  }

  /** To be called when the engine has raised the clock generation because of a step of `stepMs`. */
  async setClockGeneration(generation: number, stepMs: number): Promise<void> {
    this.#clockGeneration.raise(generation);
    if (stepMs < 0) this.#licences.lower(this.#options.clock.nowMs());
    await this.#database.flush();
    await this.#cameras.mirror();
  }

  /**
   * Gives a stream the licence to create files; the engine may record it when this has resolved. Rejects with `unavailable` when
   * the volume is not there, `resource-exhausted` when it is full.
   */
  async openStream(camera: CameraId, stream: StreamName): Promise<void> {
    if (!(await this.isThere())) {
      throw new NvrError('unavailable', `the storage volume of ${this.dir} is not there`, { cure: 'Mount it again.' });
    }
    this.#licences.open(camera, stream, this.#options.clock.nowMs(), this.#clockGeneration.value);
    this.#options.onStep('licence-open');
    await this.#database.flush();
    this.#options.onStep('licence-opened');
  }

  /**
   * Takes the licence back when the stream's files are closed and recorded. `leftovers`: what became of one of them is not known, so
   * the next start looks for it. Durable when it resolves.
   */
  async closeStream(camera: CameraId, stream: StreamName, leftovers = false): Promise<void> {
    this.#licences.close(camera, stream, leftovers);
    this.#options.onStep('licence-close');
    await this.#database.flush();
    this.#options.onStep('licence-closed');
  }

  /** Absolute path of a segment's file. */
  pathOf(segment: Pick<Segment, 'path'>): string {
    return join(this.segmentsFolder, segment.path);
  }

  /** True while the data directory is the one that was opened: false under a volume that was unmounted. */
  async isThere(): Promise<boolean> {
    const there = await isMounted(this.dir, this.#identity);
    if (there) this.#problems.remove('volume-missing');
    else this.#problems.add('volume-missing', `The storage volume of ${this.dir} is not there.`, 'Mount it again.');
    return there;
  }

  /** Locks a closed segment, so that it is never deleted by itself, or unlocks it. Durable when it resolves. Rejects with `not-found`. */
  async lockSegment(id: string, locked: boolean): Promise<Segment> {
    const known = this.#segments.get(id);
    const key = parseSegmentId(id);
    if (!known || !key) throw new NvrError('not-found', `there is no segment ${id}`);
    // A lost index loses no lock: a locked file is one that nobody may write. Volumes without permissions have only the index.
    await chmod(this.pathOf(known), locked ? 0o440 : 0o640).catch((error: NodeJS.ErrnoException) => {
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(error.code ?? ''))
        throw fromSystem(error, `cannot lock ${known.path}`);
    });
    const segment = this.#segments.setLocked(key, locked);
    if (!segment) throw new NvrError('not-found', `there is no segment ${id}`);
    await this.#database.flush();
    return segment;
  }

  /** Deletes a closed segment. Rejects with `not-found`, or `failed-precondition` when it is locked. */
  deleteSegment(id: string): Promise<Segment> {
    return this.#deletion.deleteSegment(id);
  }

  /** Deletes those of these segments that are closed and not locked; gives back those that are gone. What the volume refuses is tried again by `retryDeletions`. */
  deleteSegments(ids: readonly string[]): Promise<Segment[]> {
    return this.#deletion.deleteSegments(ids);
  }

  /** Tries again what could not be deleted; resolves with the number of files that still cannot. */
  async retryDeletions(): Promise<number> {
    await this.#deletion.retry();
    return this.#deletion.unfinished;
  }

  /** Deletes all footage of a camera that is not being recorded; says how much there was. */
  deleteCamera(camera: CameraId): Promise<Totals> {
    return this.#deletion.deleteCamera(camera);
  }

  /** Examines all files that the index knows, mends what differs and drops records whose files are gone. For a store that nothing records to. */
  async mend(): Promise<Mended> {
    const mended = await mend(this.#mending());
    await this.#database.flush();
    return mended;
  }

  /** What became of the files that earlier runs left behind. */
  get adopted(): AdoptionCounters {
    return this.#adoption.counters;
  }

  /** Makes the spare copy of the index now; by itself it is made once a day. Rejects when the volume refuses. */
  async copyIndex(): Promise<void> {
    await this.#database.flush();
    await this.#backup.make();
  }

  /** Free and total bytes of the volume, as far as this user may use them. */
  async volume(): Promise<{ freeBytes: number; totalBytes: number }> {
    const { bavail, blocks, bsize } = await statfs(this.dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  /** Bytes of the index's pages in use. */
  indexBytes(): number {
    return this.#database.usedBytes();
  }

  /** What is wrong at the moment. */
  problems(): StoreProblem[] {
    return this.#problems.list();
  }

  #makeDatabase(): Database {
    const { clock, log, onStep, maxIndexBytes, openEnvironment = openLmdb } = this.#options;
    return new Database({
      open: () => {
        // Under a volume that is gone a new index would be made in the empty directory.
        if (existsSync(this.segmentsFolder)) return openEnvironment(this.#files.folder);
        throw new NvrError('unavailable', 'the storage volume is not there', { cure: 'Mount it again.' });
      },
      clock,
      log,
      maxBytes: maxIndexBytes ?? MAX_INDEX_BYTES,
      onStep,
      onHealth: problem => this.#onHealth(problem),
    });
  }

  #makeCameras(): CameraTable {
    const { log, onStep } = this.#options;
    const clockGeneration = () => this.#clockGeneration.value;
    return new CameraTable({ database: this.#database, dir: this.dir, log, onStep, clockGeneration });
  }

  #makeAdoption(): Adoption {
    const { log, onStep, examine } = this.#options;
    return new Adoption({
      segments: this.#segments,
      gaps: this.#gaps,
      examine,
      storeUuid: this.uuid,
      folder: this.segmentsFolder,
      quarantine: join(this.dir, QUARANTINE_FOLDER),
      log,
      onStep,
      isGarbage: path => isGarbage(this.#database, path),
      onDone: ({ camera, stream }) => this.#licences.adopted(camera, stream),
      onClockGeneration: generation => this.#clockGeneration.raise(generation),
    });
  }

  #makeDeletion(): Deletion {
    const { log, onStep, clock } = this.#options;
    return new Deletion({
      database: this.#database,
      segments: this.#segments,
      gaps: this.#gaps,
      licences: this.#licences,
      folder: this.segmentsFolder,
      log,
      onStep,
      nowMs: () => clock.nowMs(),
      cancelAdoption: camera => this.#adoption.cancel(camera),
      onDamage: () => this.#recovery.noteDamage(),
      onUnfinished: (files, error) => this.#onUnfinished(files, error),
    });
  }

  #makeRecovery(): Recovery {
    return new Recovery({
      database: this.#database,
      files: this.#files,
      adoption: this.#adoption,
      deletion: this.#deletion,
      mending: this.#mending(),
      problems: this.#problems,
      storeUuid: this.uuid,
      everything: this.#options.rebuild !== undefined,
    });
  }

  #mending(): MendingOptions {
    return {
      segments: this.#segments,
      deletion: this.#deletion,
      setAside: path => this.#adoption.setAside(path),
      examine: this.#options.examine,
      storeUuid: this.uuid,
      folder: this.segmentsFolder,
      log: this.#options.log,
    };
  }

  /** A stream that was being recorded when the last run ended badly has a gap from its last footage on, until it records again. */
  #loadLicences(): void {
    const last = (camera: CameraId, stream: StreamName) => this.#segments.last(camera, stream);
    for (const { camera, stream, footageEndMs, reason } of this.#licences.load(last)) {
      if (!this.#gaps.ongoing(camera, stream)) this.#gaps.open(camera, stream, footageEndMs, reason);
    }
  }

  async #finishDeletions(): Promise<CameraId[]> {
    try {
      return await this.#deletion.finish();
    } catch (error) {
      this.#options.log.error('files that were deleted before cannot be removed', { error });
      return [];
    }
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#backup.stop().catch(() => undefined);
    await this.#background.catch(() => undefined);
    try {
      await this.#database.close();
      if (this.#prepared) await this.#files.release();
    } finally {
      this.#lock.unlock();
    }
  }

  #onUnfinished(files: number, error: unknown): void {
    const { log } = this.#options;
    if (files === 0) {
      if (this.#problems.remove('deletion-failed')) log.info('footage can be deleted again');
      return;
    }
    if (error) log.error('files cannot be deleted', { files, error });
    const many = files === 1 ? 'A file' : `${files} files`;
    this.#problems.add('deletion-failed', `${many} of deleted footage cannot be removed.`, 'Check the storage volume.');
  }

  #onHealth(problem: NvrError | undefined): void {
    const { log } = this.#options;
    if (!problem) {
      if (this.#problems.remove('index-unwritable')) log.info('the index can be written again');
      return;
    }
    log.error('the index cannot be written', { error: problem });
    this.#problems.add('index-unwritable', problem.message, problem.cure ?? 'Check the storage volume.');
  }
}
