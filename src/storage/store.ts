// The store: everything that deals with the index or with the names and order of segment files goes through it.
import { chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { background, type CameraId, fromSystem, NvrError, parseSegmentId, type StreamName } from '../core/index.ts';
import type { AccountTable } from './accounts.ts';
import type { AdoptionCounters } from './adoption.ts';
import type { AuditTable } from './audit.ts';
import type { CameraRow, CameraTable } from './cameras.ts';
import type { EventTable } from './events.ts';
import type { GapTable } from './gaps.ts';
import { claimDirectory, claimExisting, type Identity, isMounted, type Lock } from './identity.ts';
import { type Mended, mend } from './mending.ts';
import type { StoreProblem } from './problems.ts';
import type { Purged } from './purge.ts';
import { openIndex } from './recovery.ts';
import { openSealer, type Sealer } from './secret.ts';
import type { FootageEnd, Segment } from './segment.ts';
import type { SegmentTable } from './segments.ts';
import type { SettingsTable } from './settings.ts';
import type { StoreOptions } from './store-options.ts';
import { StoreParts } from './store-parts.ts';

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
    | 'get'
    | 'list'
    | 'footage'
    | 'last'
    | 'oldest'
    | 'streams'
    | 'totals'
    | 'lockedBytes'
    | 'sizes'
    | 'isHeld'
    | 'newestEndMs'
    | 'record'
  >;
  /** Readable at once; durable within a second, or with `flush`. */
  readonly events: Pick<
    EventTable,
    | 'create'
    | 'update'
    | 'get'
    | 'remove'
    | 'restore'
    | 'list'
    | 'overlapping'
    | 'between'
    | 'ongoing'
    | 'footage'
    | 'removeBare'
    | 'takeEnded'
    | 'picturePath'
  >;
  readonly gaps: Pick<GapTable, 'ongoing' | 'open' | 'close' | 'add' | 'moveStart' | 'cover' | 'list'>;
  readonly cameras: Pick<CameraTable, 'list' | 'put' | 'remove' | 'nextId'>;
  readonly settings: SettingsTable;
  readonly accounts: Pick<AccountTable, 'list' | 'nextUserId' | 'change' | 'note' | 'flush'>;
  readonly audit: AuditTable;

  readonly #options: StoreOptions & { onStep: (name: string) => void };
  readonly #identity: Identity;
  readonly #lock: Lock;
  readonly #sealer: Sealer;
  readonly #parts: StoreParts;
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
    this.dir = dir;
    this.uuid = identity.store;
    this.#options = options;
    this.#identity = identity;
    this.#lock = lock;
    this.#sealer = sealer;
    this.#parts = new StoreParts(dir, identity, options, this.#stopping.signal);
    this.segmentsFolder = this.#parts.segmentsFolder;
    this.segments = this.#parts.segments;
    this.events = this.#parts.events;
    this.gaps = this.#parts.gaps;
    this.cameras = this.#parts.cameras;
    this.settings = this.#parts.settings;
    this.accounts = this.#parts.accounts;
    this.audit = this.#parts.audit;
  }

  /**
   * Opens the index and finds out what earlier runs left behind; its adoption then goes on in the background. Rejects with
   * `unavailable` when the volume refuses; a damaged index is set aside and rebuilt.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { rebuild } = this.#options;
    if (rebuild === 'index') await this.#parts.files.setAside('the index is rebuilt from the segment files', false);
    await this.#parts.files.prepare();
    this.#prepared = true;
    await openIndex(this.#parts.database, this.#parts.files);
    signal.throwIfAborted();
    const fresh = await this.#parts.recovery.recognise();
    await this.#parts.segments.load();
    await this.#parts.gaps.load();
    await this.#parts.events.load(fresh);
    // What somebody has changed may be an older one, too, or lack whole tables.
    const stale = fresh || this.#parts.files.changed;
    await this.#parts.lockedEvents.load(stale);
    signal.throwIfAborted();
    this.#loadLicences();
    const mirrored = await this.#parts.cameras.load(stale);
    await this.#parts.accounts.load(stale);
    this.#parts.clockGeneration.load(mirrored, this.#parts.segments.newestEndMs, this.#options.clock.nowMs());
    await this.#finishDeletions();
    const purges = this.#parts.purge.marked();
    await this.#parts.recovery.list(this.#parts.licences.backlogs(), purges);
    for (const camera of this.#parts.adoption.cameras) this.#parts.cameras.reserveIds(camera + 1);
    signal.throwIfAborted();
    this.#parts.recovery.claim();
    try {
      await this.#parts.database.flush();
      await this.#parts.cameras.mirror();
      await this.#parts.accounts.mirror();
      await this.#parts.lockedEvents.write();
      await this.#parts.files.settle();
    } catch (error) {
      // A full volume: the service starts all the same, and deleting footage makes room.
      this.#options.log.error('the index cannot be written', { error });
    }
    this.#background = this.#parts.recovery.run(purges, this.#stopping.signal);
    background(this.#background, 'recovery of the store', this.#options.log);
    this.#parts.backup.start();
  }

  /** Commits, closes the index and gives the directory back. Rejects when the last commit failed. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  /** Resolves when all changes made before are durable. */
  async flush(): Promise<void> {
    await this.#parts.database.flush();
    await this.#parts.lockedEvents.write();
  }

  /** Resolves when everything that earlier runs left behind is in the index, or set aside. */
  async recovered(): Promise<void> {
    await this.#background;
  }

  /** Stores cameras and sections of settings in one commit: all of them, or none when it rejects. Durable when it resolves. */
  async putTogether(cameras: readonly CameraRow[], settings: Readonly<Record<string, unknown>>): Promise<void> {
    const undo: (() => void)[] = [];
    try {
      for (const [section, value] of Object.entries(settings)) undo.push(this.settings.stage(section, value));
      await this.#parts.cameras.putAll(cameras);
    } catch (error) {
      for (const takeBack of undo) takeBack();
      throw error;
    }
  }

  /** Seals a password, to be stored with its camera. */
  seal(text: string): string {
    return this.#sealer.seal(text);
  }

  /** As `Sealer.derive`. */
  deriveKey(purpose: string): Buffer {
    return this.#sealer.derive(purpose);
  }

  /** Throws `data-loss` when the text was sealed with another key or is damaged. */
  unseal(sealed: string): string {
    return this.#sealer.unseal(sealed);
  }

  /** The clock generation in force; the engine begins with it and raises it by one at each step of the clock. */
  get clockGeneration(): number {
    return this.#parts.clockGeneration.value;
  }

  /** To be called when the engine has raised the clock generation because of a step of `stepMs`. */
  async setClockGeneration(generation: number, stepMs: number): Promise<void> {
    this.#parts.clockGeneration.raise(generation);
    if (stepMs < 0) this.#parts.licences.lower(this.#options.clock.nowMs());
    await this.#parts.database.flush();
    await this.#parts.cameras.mirror();
  }

  /**
   * Gives a stream the licence to create files; the engine may record it when this has resolved, with where the footage of the present clock
   * generation ends, also that of files which are still to be adopted. Rejects with `unavailable` when
   * the volume is not there, `resource-exhausted` when it is full.
   */
  async openStream(camera: CameraId, stream: StreamName): Promise<FootageEnd | undefined> {
    if (!(await this.isThere())) {
      throw new NvrError('unavailable', `the storage volume of ${this.dir} is not there`, { cure: 'Mount it again.' });
    }
    this.#parts.licences.open(camera, stream, this.#options.clock.nowMs(), this.#parts.clockGeneration.value);
    this.#options.onStep('licence-open');
    await this.#parts.database.flush();
    this.#options.onStep('licence-opened');
    return this.#parts.footageEnd(camera, stream);
  }

  /**
   * Takes the licence back when the stream's files are closed and recorded. `leftovers`: what became of one of them is not known, so
   * the next start looks for it. Durable when it resolves.
   */
  async closeStream(camera: CameraId, stream: StreamName, leftovers = false): Promise<void> {
    this.#parts.licences.close(camera, stream, leftovers);
    this.#options.onStep('licence-close');
    await this.#parts.database.flush();
    this.#options.onStep('licence-closed');
  }

  /** Absolute path of a segment's file. */
  pathOf(segment: Pick<Segment, 'path'>): string {
    return join(this.segmentsFolder, segment.path);
  }

  /** True while the data directory is the one that was opened: false under a volume that was unmounted. */
  async isThere(): Promise<boolean> {
    const there = await isMounted(this.dir, this.#identity);
    if (there) this.#parts.problems.remove('volume-missing');
    else
      this.#parts.problems.add('volume-missing', `The storage volume of ${this.dir} is not there.`, 'Mount it again.');
    return there;
  }

  /** Locks a closed segment, so that it is never deleted by itself, or unlocks it. Durable when it resolves. Rejects with `not-found`. */
  async lockSegment(id: string, locked: boolean): Promise<Segment> {
    const known = this.#parts.segments.get(id);
    const key = parseSegmentId(id);
    if (!known || !key) throw new NvrError('not-found', `there is no segment ${id}`);
    // A lost index loses no lock: a locked file is one that nobody may write. Volumes without permissions have only the index.
    await chmod(this.pathOf(known), locked ? 0o440 : 0o640).catch((error: NodeJS.ErrnoException) => {
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(error.code ?? ''))
        throw fromSystem(error, `cannot lock ${known.path}`);
    });
    const segment = this.#parts.segments.setLocked(key, locked);
    if (!segment) throw new NvrError('not-found', `there is no segment ${id}`);
    await this.#parts.database.flush();
    return segment;
  }

  /** Deletes a closed segment. Rejects with `not-found`, or `failed-precondition` when it is locked. */
  deleteSegment(id: string): Promise<Segment> {
    return this.#parts.deletion.deleteSegment(id);
  }

  /** Deletes those of these segments that are closed and not locked; gives back those that are gone. What the volume refuses is tried again by `retryDeletions`. */
  deleteSegments(ids: readonly string[]): Promise<Segment[]> {
    return this.#parts.deletion.deleteSegments(ids);
  }

  /** Tries again what could not be deleted; resolves with the number of files that still cannot. */
  retryDeletions(): Promise<number> {
    return this.#parts.retryDeletions();
  }

  /**
   * Deletes all footage of a camera that is not being recorded, but for locked segments; says how much went and how much stays. Rejects with
   * `failed-precondition` while it is recorded, and when the volume refuses: then it goes on by itself later.
   */
  deleteCamera(camera: CameraId): Promise<Purged> {
    return this.#parts.purge.delete(camera);
  }

  /** Examines all files that the index knows, mends what differs and drops records whose files are gone. For a store that nothing records to. */
  async mend(): Promise<Mended> {
    const mended = await mend(this.#parts.mending);
    await this.#parts.database.flush();
    return mended;
  }

  /** What became of the files that earlier runs left behind. */
  get adopted(): AdoptionCounters {
    return this.#parts.adoption.counters;
  }

  /** Makes the spare copy of the index now; by itself it is made once a day. Rejects when the volume refuses. */
  async copyIndex(): Promise<void> {
    await this.#parts.database.flush();
    await this.#parts.backup.make();
  }

  /** Free and total bytes of the volume, as far as this user may use them. */
  volume(): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.#parts.volume();
  }

  /** Bytes of the index's pages in use. */
  indexBytes(): number {
    return this.#parts.database.usedBytes();
  }

  /** What is wrong at the moment. */
  problems(): StoreProblem[] {
    return this.#parts.problems.list();
  }

  /** A stream that was being recorded when the last run ended badly has a gap from its last footage on, until it records again. */
  #loadLicences(): void {
    const last = (camera: CameraId, stream: StreamName) => this.#parts.segments.last(camera, stream);
    for (const { camera, stream, footageEndMs, reason } of this.#parts.licences.load(last)) {
      // Gaps are the camera's, and follow its main stream.
      if (stream === 'main' && !this.#parts.gaps.ongoing(camera, stream))
        this.#parts.gaps.open(camera, stream, footageEndMs, reason);
    }
  }

  async #finishDeletions(): Promise<void> {
    try {
      await this.#parts.deletion.finish();
    } catch (error) {
      this.#options.log.error('files that were deleted before cannot be removed', { error });
    }
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    await this.#parts.backup.stop().catch(() => undefined);
    await this.#background.catch(() => undefined);
    await this.#parts.purge.settled();
    this.#parts.events.stop();
    await this.#parts.pictures.stop();
    try {
      await this.#parts.lockedEvents.stop();
      await this.#parts.database.close();
      if (this.#prepared) await this.#parts.files.release();
    } finally {
      this.#lock.unlock();
    }
  }
}
