// The events of one camera as they happen: at most one is open; triggers open it, grow it, merge into it, and it ends or continues.
// Times are those of footage.
import type { CameraId, Clock, EventBus, Logger } from '../core/index.ts';
import type { EventPatch, Store, StoredEvent } from '../storage/index.ts';
import { ActiveStarts, MAX_STARTS } from './active-starts.ts';
import { summaryOf } from './event-view.ts';
import { type EventRecording, FootageClaim } from './footage-claim.ts';
import { emptyGrowth, type Growth, grow } from './growth.ts';
import { startKey, type Trigger } from './trigger.ts';

/** Of a camera, in milliseconds. */
export interface EventSettings {
  preRollMs: number;
  postRollMs: number;
  /** A trigger so long after the last activity belongs to the same event. */
  mergeMs: number;
  /** The longest that one event lasts. */
  maxMs: number;
}

export interface CameraActivityOptions {
  camera: CameraId;
  events: Pick<Store['events'], 'create' | 'update'>;
  recording: EventRecording;
  settings: () => EventSettings;
  /** The present moment as footage is dated. */
  footageNowMs: () => number;
  clock: Pick<Clock, 'monotonicMs'>;
  bus: EventBus;
  log: Logger;
  onOpened: (event: StoredEvent) => void;
}

interface OpenEvent {
  id: string;
  startMs: number;
  settings: EventSettings;
  growth: Growth;
  deliveredMs: number;
  /** End of the last activity that is over. */
  activeUntilMs: number;
  /** When it was opened, and when a trigger came last; monotonic. */
  openedMs: number;
  arrivedMs: number;
  /** When it was last written and told of; monotonic. */
  toldMs: number;
  changed: boolean;
  looks: number;
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
/** The service stood still for longer: what follows the end of an event begins now, and not in a time without footage. */
const STOOD_STILL_MS = 60_000;

export class CameraActivity {
  readonly #options: CameraActivityOptions;
  readonly #starts = new ActiveStarts();
  readonly #claim: FootageClaim;
  #event: OpenEvent | undefined;
  /** The event that reached its greatest length while its merge window was open. */
  #cut: { id: string; endMs: number; mergeUntilMs: number } | undefined;
  #droppedStarts = 0;
  /** What is held was recorded already before. */
  #hasPast = true;

  constructor(options: CameraActivityOptions) {
    this.#options = options;
    this.#claim = new FootageClaim(options.camera, options.recording, options.clock);
  }

  /** False when nothing goes on, so that nobody needs to call `tick`. */
  get isBusy(): boolean {
    return this.#event !== undefined || this.#starts.size > 0 || this.#claim.isHeld;
  }

  /** Id of the open event. */
  get open(): string | undefined {
    return this.#event?.id;
  }

  /** Starts given up because there were too many. */
  get droppedStarts(): number {
    return this.#droppedStarts;
  }

  /** Records the camera whatever its mode, until all that goes on is over and its post-roll with it. */
  hold(): void {
    // Of a camera that records nothing otherwise there is no time before.
    if (!this.#claim.isHeld) this.#hasPast = this.#options.recording.records(this.#options.camera);
    this.#claim.hold();
  }

  /** Until when a start goes on without a stop. */
  untilMs(trigger: Trigger): number | undefined {
    return this.#starts.untilMs(startKey(trigger));
  }

  /**
   * Takes a trigger whose cause was at `causeMs`, not in the future; gives the id of its event, undefined for a stop without one.
   * `from`: the camera that passed it on. Throws what the store throws; its footage is asked for all the same.
   */
  trigger(trigger: Trigger, causeMs: number, from?: CameraId): string | undefined {
    this.#advance();
    const key = startKey(trigger, from);
    if (trigger.action === 'stop') return this.#stop(key, causeMs);
    const settings = this.#settings();
    this.#closeUnrelated(causeMs);
    const isFirst = this.#event === undefined;
    this.#claim.want(causeMs - settings.preRollMs, isFirst);
    const event = this.#event ?? this.#openFor(trigger, causeMs, settings);
    if (!isFirst) event.changed = grow(event.growth, trigger, causeMs) || event.changed;
    event.arrivedMs = this.#options.clock.monotonicMs();
    const lengthMs = trigger.durationMs ?? (trigger.action === 'start' ? settings.maxMs : 0);
    if (lengthMs > 0) this.#begin(trigger.action === 'start' ? key : `pulse ${key}`, trigger, causeMs + lengthMs);
    else event.activeUntilMs = Math.max(event.activeUntilMs, causeMs);
    this.#cover(event);
    return event.id;
  }

  /** To be called once a second while busy. */
  tick(): void {
    this.#advance();
    if (!this.#event && this.#starts.size > 0) this.#resume();
    const event = this.#event;
    if (event) {
      this.#cover(event);
      if (event.looks++ < LOOKS) this.#look(event);
      if (event.changed && this.#options.clock.monotonicMs() - event.toldMs >= TELL_MS) this.#write(event);
    }
    if (this.#starts.size === 0) this.#claim.release(this.#options.footageNowMs());
  }

  /** Footage of the camera has got to the disk. */
  recorded(): void {
    if (this.#event) this.#look(this.#event);
  }

  /** Ends everything now: the service stops, the camera is gone, or it records no more. */
  end(): void {
    const event = this.#event;
    if (event) {
      if (this.#starts.size > 0) event.activeUntilMs = Math.max(event.activeUntilMs, this.#options.footageNowMs());
      this.#starts.clear();
      this.#close(event, event.activeUntilMs);
    }
    this.#starts.clear();
    this.#cut = undefined;
    this.#claim.release();
  }

  /** The clock was set by `stepMs`: the event ends, and what goes on continues under the new time. */
  stepped(stepMs: number): void {
    const event = this.#event;
    this.#cut = undefined;
    this.#starts.shift(stepMs);
    this.#claim.forget();
    if (!event) return;
    const lasted = this.#options.clock.monotonicMs() - event.openedMs;
    const endMs = this.#starts.size > 0 ? Math.round(event.startMs + lasted) : event.activeUntilMs;
    this.#close(event, Math.max(endMs, event.activeUntilMs));
    if (this.#starts.size > 0) this.#continue(event, this.#options.footageNowMs());
  }

  #settings(): EventSettings {
    const settings = this.#options.settings();
    return this.#hasPast || !this.#claim.isHeld ? settings : { ...settings, preRollMs: 0 };
  }

  #stop(key: string, causeMs: number): string | undefined {
    const event = this.#event;
    if (!this.#starts.end(key) || !event) return event?.id;
    event.activeUntilMs = Math.max(event.activeUntilMs, causeMs);
    event.arrivedMs = this.#options.clock.monotonicMs();
    this.#cover(event);
    return event.id;
  }

  #begin(key: string, trigger: Trigger, untilMs: number): void {
    if (this.#starts.begin(key, trigger, untilMs)) return;
    const { camera, log } = this.#options;
    if (this.#droppedStarts++ > 0) return;
    log.warn('too many starts wait for their stops, the oldest are given up', { camera, most: MAX_STARTS });
  }

  /** Lets everything happen that is due by now. */
  #advance(): void {
    const nowMs = this.#options.footageNowMs();
    const endedMs = this.#starts.expire(nowMs);
    for (;;) {
      const event = this.#event;
      if (!event) return;
      if (endedMs !== undefined) event.activeUntilMs = Math.max(event.activeUntilMs, endedMs);
      const lasts = this.#starts.size > 0;
      const limitMs = event.startMs + event.settings.maxMs;
      const mergeMs = Math.max(event.settings.mergeMs, MIN_MERGE_MS);
      if (nowMs < limitMs) {
        const isQuiet = this.#options.clock.monotonicMs() - event.arrivedMs >= MIN_MERGE_MS;
        if (!lasts && isQuiet && event.activeUntilMs + mergeMs <= nowMs) this.#close(event, event.activeUntilMs);
        return;
      }
      const { activeUntilMs } = event;
      if (!lasts && activeUntilMs <= limitMs && this.#isFresh(event)) return;
      this.#close(event, lasts ? limitMs : Math.min(activeUntilMs, limitMs));
      if (!lasts && activeUntilMs <= limitMs) {
        this.#cut = { id: event.id, endMs: activeUntilMs, mergeUntilMs: activeUntilMs + mergeMs };
        return;
      }
      this.#continue(event, nowMs - limitMs > STOOD_STILL_MS ? nowMs : limitMs, activeUntilMs);
    }
  }

  /** A trigger outside the merge window, in which the next tick would have ended the event. */
  #closeUnrelated(causeMs: number): void {
    const event = this.#event;
    if (!event || this.#starts.size > 0 || this.#isFresh(event)) return;
    const mergeMs = Math.max(event.settings.mergeMs, MIN_MERGE_MS);
    if (causeMs > event.activeUntilMs + mergeMs) this.#close(event, event.activeUntilMs);
  }

  #isFresh({ openedMs }: OpenEvent): boolean {
    return this.#options.clock.monotonicMs() - openedMs < MIN_MERGE_MS;
  }

  #openFor(trigger: Trigger, causeMs: number, settings: EventSettings): OpenEvent {
    const growth = emptyGrowth();
    grow(growth, trigger, causeMs);
    const cut = this.#cut;
    this.#cut = undefined;
    try {
      if (cut && causeMs <= cut.mergeUntilMs) return this.#open(cut.endMs, settings, growth, cut.id);
      return this.#open(causeMs, settings, growth);
    } catch (error) {
      // Footage is worth more than the event about it.
      this.#claim.cover(this.#options.footageNowMs(), causeMs, settings.postRollMs);
      throw error;
    }
  }

  #continue(before: OpenEvent, startMs: number, activeUntilMs = startMs): void {
    const growth = emptyGrowth();
    for (const trigger of this.#starts.triggers()) grow(growth, trigger, startMs);
    if (this.#starts.size === 0) Object.assign(growth, before.growth, { boxes: [] });
    const event = this.#open(startMs, this.#settings(), growth, before.id);
    event.activeUntilMs = Math.max(startMs, activeUntilMs);
  }

  /** The store refused an event about what goes on: its footage is kept, and the store is asked again. */
  #resume(): void {
    const nowMs = this.#options.footageNowMs();
    const settings = this.#settings();
    this.#claim.cover(nowMs, undefined, settings.postRollMs);
    const growth = emptyGrowth();
    for (const trigger of this.#starts.triggers()) grow(growth, trigger, nowMs);
    this.#open(nowMs, settings, growth);
  }

  #open(startMs: number, settings: EventSettings, growth: Growth, continues?: string): OpenEvent {
    const { camera, events, clock, bus, onOpened } = this.#options;
    const { preRollMs, postRollMs } = settings;
    const stored = events.create(camera, startMs, {
      ...growth,
      preRoll: { promisedMs: preRollMs, deliveredMs: 0 },
      postRollMs,
      ...(continues === undefined ? {} : { continues }),
    });
    const openedMs = clock.monotonicMs();
    const event: OpenEvent = {
      ...{ id: stored.id, startMs, settings, growth, deliveredMs: 0, activeUntilMs: startMs },
      ...{ openedMs, arrivedMs: openedMs, toldMs: openedMs, changed: false, looks: 0 },
    };
    this.#event = event;
    bus.emit('event.opened', summaryOf(stored));
    onOpened(stored);
    return event;
  }

  #close(event: OpenEvent, endMs: number): void {
    this.#event = undefined;
    this.#look(event);
    const stored = this.#save(event, { endMs: Math.max(endMs, event.startMs) });
    if (stored) this.#options.bus.emit('event.closed', summaryOf(stored));
  }

  #write(event: OpenEvent): void {
    const stored = this.#save(event, {});
    if (stored) {
      this.#options.bus.emit('event.updated', summaryOf(stored));
      return;
    }
    // Somebody removed it: what comes next is another event.
    this.#event = undefined;
    this.#starts.clear();
  }

  /** Undefined when it is not there any more. */
  #save(event: OpenEvent, patch: EventPatch): StoredEvent | undefined {
    const { id, growth, deliveredMs, settings } = event;
    // What the first trigger brought was stored with it.
    const { payload: _payload, ...grown } = growth;
    event.changed = false;
    event.toldMs = this.#options.clock.monotonicMs();
    const preRoll = { promisedMs: settings.preRollMs, deliveredMs };
    return this.#options.events.update(id, { ...grown, preRoll, ...patch });
  }

  #cover(event: OpenEvent): void {
    const activeUntilMs = this.#starts.size > 0 ? undefined : event.activeUntilMs;
    this.#claim.cover(this.#options.footageNowMs(), activeUntilMs, event.settings.postRollMs);
  }

  /** How much of the promised pre-roll is on disk; it only ever gets more while the event is young. */
  #look(event: OpenEvent): void {
    const { camera, recording } = this.#options;
    const promisedMs = event.settings.preRollMs;
    if (event.deliveredMs >= promisedMs) return;
    const footage = recording.coverage(camera, event.startMs);
    const reachMs = footage ? Math.min(event.startMs - footage.startMs, promisedMs) : 0;
    if (reachMs <= event.deliveredMs) return;
    event.deliveredMs = Math.floor(reachMs);
    event.changed = true;
  }
}
