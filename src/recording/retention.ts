// Keeps the rules of what is deleted when: looks at the volume, deletes in small steps, says what went and why.
import type { Cameras } from '../cameras/index.ts';
import { background, type Clock, type EventBus, type Logger } from '../core/index.ts';
import type { Engine } from '../native/index.ts';
import type { Store } from '../storage/index.ts';
import { LeastKept } from './least-kept.ts';
import {
  DELETION_CAUSES,
  type DeletionCause,
  isNear,
  planDeletions,
  type RetentionView,
  type Victim,
} from './retention-plan.ts';
import { RetentionViewer } from './retention-view.ts';
import type { StorageSettings } from './storage-settings.ts';

export interface RetentionOptions {
  store: Pick<Store, 'segments' | 'settings' | 'deleteSegments' | 'retryDeletions' | 'isThere' | 'volume'> & {
    events: Pick<Store['events'], 'removeBare'>;
  };
  engine: Pick<Engine, 'stats'>;
  cameras: Pick<Cameras, 'list'>;
  settings: () => StorageSettings;
  clockTrusted: () => boolean;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

/** Why a rule cannot be kept. */
export interface RetentionProblem {
  kind: 'no-space';
  message: string;
  cure: string;
  sinceMs: number;
}

export type DeletedTotals = Record<DeletionCause, { segments: number; sizeBytes: number }>;

/** Between two looks while a rule is about to be broken, and else. */
const NEAR_MS = 10_000;
const FAR_MS = 60_000;
/** What a look plans for beside the time until the next one: deleting takes time, and volumes count late what is free. */
const LEAST_SPARE_MS = 10_000;
/** A volume that was slow is expected to be so again, for some looks. */
const SLOWNESS_KEPT = 0.95;
/** One that hung for longer, as a server that was away, costs no more footage than that. */
const MOST_SLOW_MS = 150_000;
/** While nothing is written only age goes on. */
const IDLE_MS = 3_600_000;
/** Deleting this many is a matter of milliseconds, so that recording waits for nothing. */
const STEP_SEGMENTS = 16;
const STEPS = 32;
/** More rules to keep than one look has steps for. */
const AGAIN_MS = 500;
/** Files that the volume will not let go; beyond them nothing more is marked. */
const MAX_UNFINISHED = 64;
const DAY_MS = 86_400_000;

export class Retention {
  readonly #options: RetentionOptions;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #deleted: DeletedTotals;
  readonly #leastKept: LeastKept;
  readonly #viewer: RetentionViewer;
  #timer: { cancel: () => void; atMs: number } | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  /** When streams ended a file because it was long enough, or began one; monotonic. A file shows only when its first second is written. */
  readonly #betweenFiles = new Map<string, number>();
  /** How long looks take at worst. */
  #slowMs = 0;
  #problem: RetentionProblem | undefined;
  #stopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    const { store, settings } = options;
    this.#leastKept = new LeastKept({ settings: store.settings, percent: () => settings().leastKeptPercent });
    this.#viewer = new RetentionViewer({
      ...options,
      leastKept: this.#leastKept,
      isBetweenFiles: (camera, stream) => this.#isBetweenFiles(`${camera}/${stream}`),
      segmentsOfEach: STEP_SEGMENTS,
    });
    const none = () => ({ segments: 0, sizeBytes: 0 });
    this.#deleted = { age: none(), 'camera-quota': none(), 'total-quota': none(), floor: none() };
  }

  /** Makes room before anything records. Resolves when the rules hold, or when they cannot be kept. */
  async start(signal: AbortSignal): Promise<void> {
    const { bus, clock } = this.#options;
    this.#unsubscribe.push(
      bus.on('segment.opened', ({ camera, stream }) => {
        this.#betweenFiles.set(`${camera}/${stream}`, clock.monotonicMs());
        this.#arm(NEAR_MS);
      }),
      bus.on('segment.closed', ({ camera, stream, endReason }) => {
        if (endReason === 'length') this.#betweenFiles.set(`${camera}/${stream}`, clock.monotonicMs());
        else this.#betweenFiles.delete(`${camera}/${stream}`);
      }),
      bus.on('camera.changed', () => this.look()),
      bus.on('gap.opened', ({ reason }) => {
        if (reason === 'disk-full') this.look();
      }),
    );
    await this.#look();
    signal.throwIfAborted();
  }

  /** Resolves when nothing is being deleted any more. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#running;
  }

  /** Something changed: looks at once. */
  look(): void {
    background(this.#look(), 'retention', this.#options.log);
  }

  /** What was deleted since the start, by cause. */
  get deleted(): DeletedTotals {
    return structuredClone(this.#deleted);
  }

  get problem(): RetentionProblem | undefined {
    return this.#problem;
  }

  /** One look at a time; a wish that comes during one makes for another. */
  #look(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    if (this.#running !== undefined) {
      this.#again = true;
      return this.#running;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock } = this.#options;
    const beginMs = clock.monotonicMs();
    this.#running = this.#lookNow()
      .catch(error => {
        this.#options.log.error('retention failed', { error });
        return NEAR_MS;
      })
      .then(delayMs => {
        this.#running = undefined;
        const tookMs = Math.min(clock.monotonicMs() - beginMs, MOST_SLOW_MS);
        this.#slowMs = Math.max(tookMs, this.#slowMs * SLOWNESS_KEPT);
        if (delayMs !== undefined) this.#arm(this.#again ? AGAIN_MS : delayMs);
        this.#again = false;
      });
    return this.#running;
  }

  #isBetweenFiles(stream: string): boolean {
    const atMs = this.#betweenFiles.get(stream);
    return atMs !== undefined && this.#options.clock.monotonicMs() - atMs < NEAR_MS;
  }

  #arm(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.monotonicMs() + delayMs;
    if (this.#stopped || this.#running !== undefined || (this.#timer && this.#timer.atMs <= atMs)) return;
    this.#timer?.cancel();
    const cancel = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.look();
    });
    this.#timer = { cancel, atMs };
  }

  /** Resolves with the time until the next look, undefined when there is nothing to look for. */
  async #lookNow(): Promise<number | undefined> {
    const { store } = this.#options;
    // Nothing of an unknown volume is ever touched; recording says that it is missing.
    if (!(await store.isThere())) return NEAR_MS;
    if ((await store.retryDeletions()) > MAX_UNFINISHED) return NEAR_MS;
    let freed = 0;
    let first: number | undefined;
    for (let step = 0; step < STEPS && !this.#stopped; step++) {
      const { freeBytes, totalBytes } = await store.volume();
      first ??= freeBytes;
      // Some volumes count a deleted file as free only later: that must not make for more deletions.
      const aheadMs = NEAR_MS + Math.max(LEAST_SPARE_MS, 2 * this.#slowMs);
      const view = this.#viewer.view(Math.max(freeBytes, first + freed), totalBytes, aheadMs);
      const victims = planDeletions(view, STEP_SEGMENTS);
      if (victims.length === 0) return await this.#settle(view, totalBytes);
      const gone = await store.deleteSegments(victims.map(({ segment }) => segment.id));
      const bytes = this.#count(victims, new Set(gone.map(segment => segment.id)));
      if (gone.length === 0) return NEAR_MS;
      freed += bytes;
    }
    return AGAIN_MS;
  }

  /** The rules hold, as far as they can. */
  async #settle(view: RetentionView, totalBytes: number): Promise<number | undefined> {
    this.#note(view);
    this.#removeBareEvents(view);
    this.#leastKept.note(totalBytes);
    const recording = this.#options.engine.stats().streams.some(stream => stream.open.length > 0);
    if (recording) return isNear(view, FAR_MS / NEAR_MS) ? NEAR_MS : FAR_MS;
    const ages = view.cameras.some(camera => (camera.days ?? camera.eventDays) !== null && camera.usedBytes > 0);
    return ages ? IDLE_MS : undefined;
  }

  /** Events before all footage of their camera have none of their own any more; without any footage age alone tells. */
  #removeBareEvents({ cameras, clockTrusted, nowMs }: RetentionView): void {
    const { store, log } = this.#options;
    let events = 0;
    for (const { camera, days, eventDays } of cameras) {
      const [oldest] = store.segments.list({ camera, startMs: 0, endMs: nowMs, limit: 1 }).segments;
      const limit = clockTrusted ? (eventDays ?? days) : null;
      const untilMs = oldest?.startMs ?? (limit === null ? 0 : nowMs - limit * DAY_MS);
      if (untilMs > 0) events += store.events.removeBare(camera, 0, untilMs);
    }
    if (events > 0) log.info('events without footage removed', { events });
  }

  /** When there is nothing left that may be deleted, and still too little room, only the owner can help. */
  #note(view: RetentionView): void {
    const { log, clock } = this.#options;
    const { freeBytes, floorBytes, leastKeptBytes } = view;
    if (freeBytes >= floorBytes) {
      if (this.#problem) log.info('there is enough free space again', { freeBytes });
      this.#problem = undefined;
      return;
    }
    const lockedBytes = this.#options.store.segments.lockedBytes();
    const isGuarded = view.cameras.some(camera => camera.oldest.length > 0);
    if (!this.#problem) {
      const why = isGuarded
        ? 'other files fill the volume, and the rest of the footage is kept'
        : 'nothing may be deleted';
      log.error('too little free space', { why, freeBytes, floorBytes, lockedBytes, leastKeptBytes });
    }
    const sinceMs = this.#problem?.sinceMs ?? clock.nowMs();
    this.#problem = { kind: 'no-space', ...(isGuarded ? GUARDED_WORDS : fullWords(lockedBytes)), sinceMs };
  }

  #count(victims: readonly Victim[], gone: ReadonlySet<string>): number {
    let bytes = 0;
    for (const cause of DELETION_CAUSES) {
      const segments = victims.filter(victim => victim.cause === cause && gone.has(victim.segment.id));
      if (segments.length === 0) continue;
      const sizeBytes = segments.reduce((sum, { segment }) => sum + segment.sizeBytes, 0);
      this.#deleted[cause].segments += segments.length;
      this.#deleted[cause].sizeBytes += sizeBytes;
      bytes += sizeBytes;
      this.#tell(segments);
      if (cause === 'floor') this.#leastKept.taken(sizeBytes);
      this.#options.log.info('footage deleted', {
        cause,
        sizeBytes,
        segments: segments.map(({ segment }) => segment.id),
      });
    }
    return bytes;
  }

  #tell(victims: readonly Victim[]): void {
    for (const camera of new Set(victims.map(({ segment }) => segment.camera))) {
      const own = victims.filter(({ segment }) => segment.camera === camera).map(({ segment }) => segment);
      const fromMs = Math.min(...own.map(segment => segment.startMs));
      this.#options.bus.emit('footage.deleted', { camera, fromMs, untilMs: Math.max(...own.map(one => one.endMs)) });
    }
  }
}

const GUARDED_WORDS = {
  message:
    'Other files have filled the storage volume. The footage that is left is kept, and there is less free space than wanted.',
  cure: 'Delete other files, use a larger volume, or lower "leastKeptPercent".',
};

function fullWords(lockedBytes: number): { message: string; cure: string } {
  const what = lockedBytes > 0 ? 'locked footage and other files' : 'other files';
  return {
    message: `The storage volume is full of ${what}: nothing is left that retention may delete.`,
    cure: `${lockedBytes > 0 ? 'Unlock footage, delete' : 'Delete'} other files, or use a larger volume.`,
  };
}
