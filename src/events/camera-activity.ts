// The events of one camera as they happen: at most one is open; triggers open it, grow it, merge into it, and it ends or continues.
// Times are those of footage.
import type { CameraId, Logger } from '../core/index.ts';
import { ActiveStarts, MAX_STARTS } from './active-starts.ts';
import { type EventRecording, FootageClaim } from './footage-claim.ts';
import { emptyGrowth, type Growth, grow } from './growth.ts';
import { type EventSettings, OpenEvent, type OpenEventOptions } from './open-event.ts';
import { startKey, type Trigger } from './trigger.ts';

export interface CameraActivityOptions extends OpenEventOptions {
  recording: EventRecording;
  settings: () => EventSettings;
  /** The present moment as footage is dated. */
  footageNowMs: () => number;
  log: Logger;
}

/** The service stood still for longer: what follows the end of an event begins now, and not in a time without footage. */
const STOOD_STILL_MS = 60_000;
/** More events do not end in the time for which they are looked after. */
const MOST_PAST = 16;

export class CameraActivity {
  readonly #options: CameraActivityOptions;
  readonly #starts = new ActiveStarts();
  readonly #claim: FootageClaim;
  #event: OpenEvent | undefined;
  /** The event that reached its greatest length while its merge window was open. */
  #cut: { id: string; endMs: number; mergeUntilMs: number } | undefined;
  /** Events that are over, and whose end the store has not taken yet. */
  readonly #ended: { event: OpenEvent; endMs: number }[] = [];
  /** Events that are over, and whose pre-roll may still be on its way to the disk. */
  #past: OpenEvent[] = [];
  #droppedStarts = 0;
  /** Recordings by hand that are about to begin. */
  #beginning = 0;
  /** What is held was recorded already before. */
  #hasPast = true;

  constructor(options: CameraActivityOptions) {
    this.#options = options;
    this.#claim = new FootageClaim(options.camera, options.recording, options.clock);
  }

  /** False when nothing goes on, so that nobody needs to call `tick`. */
  get isBusy(): boolean {
    const isOver = this.#event === undefined && this.#starts.size === 0 && !this.#claim.isHeld;
    return !isOver || this.#ended.length > 0 || this.#past.length > 0;
  }

  get isOpen(): boolean {
    return this.#event !== undefined;
  }

  /** Starts given up because there were too many. */
  get droppedStarts(): number {
    return this.#droppedStarts;
  }

  /**
   * Records the camera whatever its mode, until all that goes on is over and its post-roll with it; at least until the returned function is
   * called, which is when the trigger comes.
   */
  hold(): () => void {
    // Of a camera that records nothing otherwise there is no time before.
    if (!this.#claim.isHeld) this.#hasPast = this.#options.recording.records(this.#options.camera);
    this.#claim.hold();
    this.#beginning++;
    return () => void this.#beginning--;
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
    try {
      this.#advance();
    } catch {
      // The store refuses an event about what goes on: that is tried again below, or by the next tick. This trigger counts all the same.
    }
    const key = startKey(trigger, from);
    if (trigger.action === 'stop') return this.#stop(key, causeMs);
    const settings = this.#settings();
    this.#closeUnrelated(causeMs);
    const before = this.#event;
    this.#claim.want(causeMs - settings.preRollMs, before === undefined);
    const lengthMs = trigger.durationMs ?? (trigger.action === 'start' ? settings.maxMs : 0);
    // First of all: what goes on is to be recorded although the store refuses its event.
    if (lengthMs > 0) this.#begin(trigger.action === 'start' ? key : `pulse ${key}`, trigger, causeMs + lengthMs);
    const event = before ?? this.#openFor(trigger, causeMs, settings);
    if (before) event.grow(trigger, causeMs);
    event.arrived();
    if (lengthMs <= 0) event.extend(causeMs);
    this.#cover(event);
    return event.id;
  }

  /** To be called once a second while busy. */
  tick(): void {
    this.#storeEnds();
    this.#advance();
    if (!this.#event && this.#starts.size > 0) this.#resume();
    const event = this.#event;
    if (event) {
      this.#cover(event);
      if (!event.tick()) {
        // Somebody removed it: what comes next is another event.
        this.#event = undefined;
        this.#starts.clear();
      }
    }
    if (this.#starts.size === 0 && this.#beginning === 0) this.#claim.release(this.#options.footageNowMs());
    this.#past = this.#past.filter(one => one.lookBack());
  }

  /** Footage of the camera has got to the disk. */
  recorded(): void {
    this.#event?.look();
  }

  /** Ends everything now: the service stops, the camera is gone, or it records no more. */
  end(): void {
    const event = this.#event;
    if (event && this.#starts.size > 0) event.extend(this.#options.footageNowMs());
    this.#starts.clear();
    this.#cut = undefined;
    this.#claim.release();
    if (event) this.#close(event, event.activeUntilMs);
  }

  /** The clock was set by `stepMs`: the event ends, and what goes on continues under the new time, but for what `over` set off. */
  stepped(stepMs: number, over: Trigger): void {
    const event = this.#event;
    this.#cut = undefined;
    this.#starts.shift(stepMs);
    this.#claim.forget();
    if (event && this.#starts.size > 0) event.extend(Math.round(event.startMs + event.ageMs));
    this.#starts.end(startKey(over));
    if (!event) return;
    this.#close(event, event.activeUntilMs);
    if (this.#starts.size > 0) this.#continue(event, this.#options.footageNowMs());
  }

  /** Those in force. */
  #settings(): EventSettings {
    const settings = this.#options.settings();
    return this.#hasPast || !this.#claim.isHeld ? settings : { ...settings, preRollMs: 0 };
  }

  #stop(key: string, causeMs: number): string | undefined {
    const event = this.#event;
    if (!this.#starts.end(key)) return event?.id;
    if (!event) {
      this.#coverRefused(causeMs);
      return undefined;
    }
    event.extend(causeMs);
    event.arrived();
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
    if (endedMs !== undefined && !this.#event) this.#coverRefused(endedMs);
    const lasts = this.#starts.size > 0;
    for (let event = this.#event; event; event = this.#event) {
      if (endedMs !== undefined) event.extend(endedMs);
      const { activeUntilMs, limitMs, mergeUntilMs } = event;
      if (nowMs < limitMs) {
        if (!lasts && event.isQuiet && mergeUntilMs <= nowMs) this.#conclude(event);
        return;
      }
      if (!lasts && activeUntilMs <= limitMs) {
        if (event.isFresh) return;
        this.#conclude(event);
        this.#cut = { id: event.id, endMs: activeUntilMs, mergeUntilMs };
        return;
      }
      this.#close(event, limitMs);
      this.#continue(event, nowMs - limitMs > STOOD_STILL_MS ? nowMs : limitMs).extend(activeUntilMs);
    }
  }

  /** A trigger outside the merge window, in which the next tick would have ended the event. */
  #closeUnrelated(causeMs: number): void {
    const event = this.#event;
    if (!event || this.#starts.size > 0 || event.isFresh) return;
    if (causeMs > event.mergeUntilMs) this.#close(event, event.activeUntilMs);
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
      this.#coverRefused(causeMs);
      throw error;
    }
  }

  #continue(before: OpenEvent, startMs: number): OpenEvent {
    const growth = this.#grownFromStarts(startMs) ?? { ...before.growth, boxes: [] };
    return this.#open(startMs, this.#settings(), growth, before.id);
  }

  /** The store refused an event about what goes on: its footage is kept, and the store is asked again. */
  #resume(): void {
    const nowMs = this.#options.footageNowMs();
    const settings = this.#settings();
    this.#coverRefused(nowMs);
    this.#open(nowMs, settings, this.#grownFromStarts(nowMs) ?? emptyGrowth());
  }

  /** What an event is about that begins while something goes on; undefined when nothing does. */
  #grownFromStarts(startMs: number): Growth | undefined {
    if (this.#starts.size === 0) return undefined;
    const growth = emptyGrowth();
    for (const trigger of this.#starts.triggers()) grow(growth, trigger, startMs);
    return growth;
  }

  #open(startMs: number, settings: EventSettings, growth: Growth, continues?: string): OpenEvent {
    this.#event = new OpenEvent(this.#options, startMs, settings, growth, continues);
    return this.#event;
  }

  /** Nothing of it goes on: it ends with its last activity, whose post-roll is perhaps still to be asked for. */
  #conclude(event: OpenEvent): void {
    this.#cover(event);
    this.#close(event, event.activeUntilMs);
  }

  #close(event: OpenEvent, endMs: number): void {
    this.#event = undefined;
    this.#ended.push({ event, endMs });
    this.#storeEnds();
  }

  /** What the store refuses is tried again with the next tick: an event without its end would go on for ever. */
  #storeEnds(): void {
    for (let next = this.#ended[0]; next; next = this.#ended[0]) {
      try {
        next.event.close(next.endMs);
      } catch (error) {
        const { camera, log } = this.#options;
        log.error('the end of an event could not be stored', { camera, event: next.event.id, error });
        return;
      }
      this.#ended.shift();
      this.#past = [...this.#past, next.event].slice(-MOST_PAST);
    }
  }

  /** The footage of what has no event, as the store refused it. */
  #coverRefused(activeUntilMs: number): void {
    const untilMs = this.#starts.size > 0 ? undefined : activeUntilMs;
    this.#claim.cover(this.#options.footageNowMs(), untilMs, this.#settings().postRollMs);
  }

  #cover(event: OpenEvent): void {
    const activeUntilMs = this.#starts.size > 0 ? undefined : event.activeUntilMs;
    this.#claim.cover(this.#options.footageNowMs(), activeUntilMs, event.settings.postRollMs);
  }
}
