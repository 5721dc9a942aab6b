// An event that has begun and not ended: what it has grown to, how much of its pre-roll is on disk, and when the store was told.
import type { CameraId, Clock, EventBus } from '../core/index.ts';
import type { EventPatch, Store, StoredEvent } from '../storage/index.ts';
import { summaryOf } from './event-view.ts';
import type { EventRecording } from './footage-claim.ts';
import { type Growth, grow } from './growth.ts';
import type { Trigger } from './trigger.ts';

/** Of a camera, in milliseconds. */
export interface EventSettings {
  preRollMs: number;
  postRollMs: number;
  /** A trigger so long after the last activity belongs to the same event. */
  mergeMs: number;
  /** The longest that one event lasts. */
  maxMs: number;
}

export interface OpenEventOptions {
  camera: CameraId;
  events: Pick<Store['events'], 'create' | 'update'>;
  recording: Pick<EventRecording, 'coverage'>;
  clock: Pick<Clock, 'monotonicMs'>;
  bus: EventBus;
  onOpened: (event: StoredEvent) => void;
}

/**
 * Triggers that follow each other so closely belong together, and no event makes place for the next in less, whatever the camera's settings
 * and the times of the triggers say: else a storm of triggers were one of events.
 */
export const MIN_MERGE_MS = 1000;
/** Between two times that a growing event is written and told of. */
const TELL_MS = 1000;
/** How often it is looked whether the footage before an event has got to the disk, beside the time when it ends. */
const LOOKS = 10;

export class OpenEvent {
  readonly id: string;
  /** As footage is dated, like all times here that are not said to be monotonic. */
  readonly startMs: number;
  readonly settings: EventSettings;
  readonly growth: Growth;
  /** End of the last activity that is over. */
  activeUntilMs: number;
  readonly #options: OpenEventOptions;
  /** Monotonic. */
  readonly #openedMs: number;
  /** When a trigger came last; monotonic. */
  #arrivedMs: number;
  /** When it was last written and told of; monotonic. */
  #toldMs: number;
  #deliveredMs = 0;
  #changed = false;
  #looks = 0;

  /** Stores it and tells of it. Throws what the store throws. `continues`: the event that it goes on from. */
  constructor(options: OpenEventOptions, startMs: number, settings: EventSettings, growth: Growth, continues?: string) {
    const { camera, events, clock, bus, onOpened } = options;
    const { preRollMs, postRollMs } = settings;
    const stored = events.create(camera, startMs, {
      ...growth,
      preRoll: { promisedMs: preRollMs, deliveredMs: 0 },
      postRollMs,
      ...(continues === undefined ? {} : { continues }),
    });
    this.id = stored.id;
    this.startMs = startMs;
    this.settings = settings;
    this.growth = growth;
    this.activeUntilMs = startMs;
    this.#options = options;
    this.#openedMs = clock.monotonicMs();
    this.#arrivedMs = this.#openedMs;
    this.#toldMs = this.#openedMs;
    bus.emit('event.opened', summaryOf(stored));
    onOpened(stored);
  }

  /** When it has lasted as long as events may. */
  get limitMs(): number {
    return this.startMs + this.settings.maxMs;
  }

  /** Triggers whose cause is no later belong to it. */
  get mergeUntilMs(): number {
    return this.activeUntilMs + Math.max(this.settings.mergeMs, MIN_MERGE_MS);
  }

  /** How long it has been open by the monotonic clock. */
  get ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#openedMs;
  }

  /** Too young to make place for another. */
  get isFresh(): boolean {
    return this.ageMs < MIN_MERGE_MS;
  }

  /** No trigger has come for a moment, whatever times they carry. */
  get isQuiet(): boolean {
    return this.#options.clock.monotonicMs() - this.#arrivedMs >= MIN_MERGE_MS;
  }

  /** A trigger has come. */
  arrived(): void {
    this.#arrivedMs = this.#options.clock.monotonicMs();
  }

  /** Takes in what a trigger says. */
  grow(trigger: Trigger, causeMs: number): void {
    this.#changed = grow(this.growth, trigger, causeMs) || this.#changed;
  }

  /** Something was active until then. */
  extend(untilMs: number): void {
    this.activeUntilMs = Math.max(this.activeUntilMs, untilMs);
  }

  /** To be called once a second: looks after the pre-roll, and writes and tells what has changed. False when the store does not have it any more. */
  tick(): boolean {
    if (this.#looks++ < LOOKS) this.look();
    if (!this.#changed || this.#options.clock.monotonicMs() - this.#toldMs < TELL_MS) return true;
    const stored = this.#save({});
    if (stored) this.#options.bus.emit('event.updated', summaryOf(stored));
    return stored !== undefined;
  }

  /**
   * To be called once a second when it is over, as long as it gives true: a slow disk may have got its pre-roll later. Bounded, since what
   * was promised may never come.
   */
  lookBack(): boolean {
    if (this.#looks++ >= LOOKS) return false;
    this.look();
    if (this.#changed) {
      this.#changed = false;
      const stored = this.#options.events.update(this.id, { preRoll: this.#preRoll });
      if (!stored) return false;
      this.#options.bus.emit('event.updated', summaryOf(stored));
    }
    return this.#deliveredMs < this.settings.preRollMs;
  }

  /** Sees how much of the promised pre-roll is on disk; it only ever gets more while the event is young. */
  look(): void {
    const { camera, recording } = this.#options;
    const promisedMs = this.settings.preRollMs;
    if (this.#deliveredMs >= promisedMs) return;
    const footage = recording.coverage(camera, this.startMs);
    const reachMs = footage ? Math.min(this.startMs - footage.startMs, promisedMs) : 0;
    if (reachMs <= this.#deliveredMs) return;
    this.#deliveredMs = Math.floor(reachMs);
    this.#changed = true;
  }

  /** Writes its end and tells of it. */
  close(endMs: number): void {
    this.look();
    const stored = this.#save({ endMs: Math.max(endMs, this.startMs) });
    if (stored) this.#options.bus.emit('event.closed', summaryOf(stored));
  }

  /** Undefined when it is not there any more. */
  #save(patch: EventPatch): StoredEvent | undefined {
    // What the first trigger brought was stored with it.
    const { payload: _payload, ...grown } = this.growth;
    this.#changed = false;
    this.#toldMs = this.#options.clock.monotonicMs();
    return this.#options.events.update(this.id, { ...grown, preRoll: this.#preRoll, ...patch });
  }

  get #preRoll(): StoredEvent['preRoll'] {
    return { promisedMs: this.settings.preRollMs, deliveredMs: this.#deliveredMs };
  }
}
