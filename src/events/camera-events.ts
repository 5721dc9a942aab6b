// Events as one service: the path that every trigger takes, whatever its source, and what may be asked and changed afterwards.
import { type CameraId, type Clock, type EventBus, type Logger, NvrError } from '../core/index.ts';
import type { Engine, Pictures } from '../native/index.ts';
import type { ScheduledCamera } from '../recording/index.ts';
import { type EventQuery, type Store, type StoredEvent, type TriggerSource, withReview } from '../storage/index.ts';
import { CameraActivity } from './camera-activity.ts';
import { type EventMarks, type EventView, eventView, footageOf, labelOf, summaryOf } from './event-view.ts';
import type { EventRecording } from './footage-claim.ts';
import { onvifTrigger } from './onvif-triggers.ts';
import type { EventSettings } from './open-event.ts';
import { ScheduledEvents, scheduledStart } from './scheduled-events.ts';
import { Snapshots } from './snapshots.ts';
import { MAX_AGE_MS, type Trigger } from './trigger.ts';

/** What events need to know of a camera. */
export interface EventCamera extends ScheduledCamera {
  id: CameraId;
  events: EventSettings & {
    /** Cameras that its triggers set off too. */
    alsoTrigger: readonly CameraId[];
  };
}

export interface CameraEventsOptions {
  store: Pick<Store, 'events' | 'segments' | 'segmentsFolder' | 'isThere' | 'flush' | 'recovered'>;
  cameras: { get(id: CameraId): EventCamera | undefined; list(): readonly { id: CameraId }[] };
  recording: EventRecording;
  engine: Pick<Engine, 'stats' | 'on'> & {
    /** A time of this machine's clock as footage is dated. */
    footageMs(systemMs: number): number;
  };
  pictures: Pick<Pictures, 'make'>;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

export interface TriggerCount {
  camera: CameraId;
  source: TriggerSource;
  count: number;
}

export interface EventFigures {
  ongoing: number;
  triggers: TriggerCount[];
  opened: { camera: CameraId; count: number }[];
  /** Starts that were given up because too many waited for their stops. */
  droppedStarts: number;
  pictures: { waiting: number; made: number; failed: number };
}

/** `reviewed`: by who asks. */
export type EventListQuery = Omit<EventQuery, 'reviewed'> & { reviewed?: boolean };

export interface EventChange {
  locked?: boolean | undefined;
  /** By who changes it. */
  reviewed?: boolean | undefined;
  /** Empty or null = none. */
  note?: string | null | undefined;
}

const TICK_MS = 1000;
/** In the timeline, of one camera: a day of eight cameras stays below 60 KB. */
const MOST_MARKS = 50;

export class CameraEvents {
  readonly #options: CameraEventsOptions;
  readonly #snapshots: Snapshots;
  readonly #scheduled: ScheduledEvents;
  readonly #activities = new Map<CameraId, CameraActivity>();
  readonly #triggers = new Map<CameraId, Map<TriggerSource, number>>();
  readonly #opened = new Map<CameraId, number>();
  /** The last change of an event that is under way; never rejects. */
  readonly #changing = new Map<string, Promise<void>>();
  #droppedBefore = 0;
  #cancelTick: (() => void) | undefined;
  #unsubscribe: (() => void)[] = [];
  #isStopped = false;

  constructor(options: CameraEventsOptions) {
    const { store, cameras, engine, pictures, clock, bus, log } = options;
    this.#options = options;
    this.#snapshots = new Snapshots({ store, engine, pictures, clock, bus, log });
    this.#scheduled = new ScheduledEvents({
      ...{ cameras, clock },
      untilMs: start => this.#activities.get(start.camera)?.untilMs(start),
      trigger: trigger => this.#takeScheduled(trigger),
      onChange: camera => this.#follow(camera),
    });
  }

  /** From now on events follow their cameras. What an earlier run left open was ended by the store. */
  start(): void {
    const { bus, engine } = this.#options;
    this.#unsubscribe = [
      bus.on('camera.changed', ({ camera }) => {
        this.#follow(camera);
        this.#scheduled.follow(camera);
      }),
      bus.on('camera.removed', ({ camera }) => {
        this.#forget(camera);
        this.#scheduled.follow(camera);
      }),
      bus.on('camera.onvif', ({ camera, event }) =>
        this.#guarded(() => void this.trigger(onvifTrigger(camera, event))),
      ),
      bus.on('segment.opened', ({ camera, stream }) => {
        if (stream === 'main') this.#activities.get(camera)?.recorded();
      }),
      engine.on(event => {
        if (event.type !== 'clock-step') return;
        for (const [camera, one] of this.#activities) {
          this.#guarded(() => one.stepped(event.stepMs, scheduledStart(camera)));
        }
        this.#scheduled.clockSet();
      }),
    ];
    this.#scheduled.start();
  }

  /**
   * Tells of the events that a crash ended, once for each, when their footage is known. To be called when everybody listens.
   */
  async tellEnded(): Promise<void> {
    const { store, bus } = this.#options;
    await store.recovered().catch(() => undefined);
    if (this.#isStopped) return;
    const ended = store.events.takeEnded();
    // From here on no other start tells of them. A volume that refuses keeps nobody from hearing of it.
    if (ended.length > 0) await store.flush().catch(() => undefined);
    for (const event of ended) bus.emit('event.closed', summaryOf(event));
  }

  /** Ends what goes on, at this moment. Takes no triggers any more. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#scheduled.stop();
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    for (const activity of this.#activities.values()) this.#guarded(() => activity.end());
    this.#activities.clear();
    await this.#snapshots.stop();
  }

  /**
   * Takes a trigger of any source, and passes it on to the cameras that this one sets off. Gives the id of the event that it belongs to;
   * undefined when there is none: the camera does not record, or it is a stop of nothing. Throws `not-found` for the camera and
   * `invalid-argument` for a cause too long ago.
   */
  trigger(trigger: Trigger): string | undefined {
    const camera = this.#options.cameras.get(trigger.camera);
    if (!camera) throw noCamera();
    if (this.#isStopped) throw new NvrError('unavailable', 'the service is stopping');
    const causeMs = this.#causeMs(trigger.timeMs);
    this.#count(trigger);
    try {
      return this.#options.recording.records(camera.id)
        ? this.#activity(camera.id).trigger(trigger, causeMs)
        : undefined;
    } finally {
      if (camera.enabled) this.#passOn(trigger, camera.events.alsoTrigger, causeMs, camera.id);
      this.#armTick();
    }
  }

  /**
   * Begins or ends a recording by hand, also of a camera whose mode is off. Without a duration it ends by itself after the longest time of
   * an event. Rejects as `trigger` throws, and with `failed-precondition` for a camera that is switched off.
   */
  async record(
    camera: CameraId,
    action: 'start' | 'stop',
    durationMs?: number,
  ): Promise<{ event?: string; untilMs?: number }> {
    const found = this.#options.cameras.get(camera);
    if (!found) throw noCamera();
    if (!found.enabled) {
      throw new NvrError('failed-precondition', 'the camera is switched off', { cure: 'Enable it first.' });
    }
    if (this.#isStopped) throw new NvrError('unavailable', 'the service is stopping');
    const trigger: Trigger = { camera, source: 'manual', action, durationMs };
    const activity = this.#activity(camera);
    if (action === 'start') {
      const begun = activity.hold();
      this.#armTick();
      await this.#options.recording.settled(camera).finally(begun);
    }
    const event = this.trigger(trigger);
    const untilMs = activity.untilMs(trigger);
    return { ...(event === undefined ? {} : { event }), ...(untilMs === undefined ? {} : { untilMs }) };
  }

  /**
   * As `user` sees them, here and below: `reviewed` is its own, in the question too; 0 = nobody's. Newest first. Throws `invalid-argument`
   * for a cursor that is none of ours.
   */
  list({ reviewed, ...query }: EventListQuery, user = 0): { events: EventView[]; cursor?: string } {
    const own = reviewed === undefined ? {} : { reviewed: { user, is: reviewed } };
    const { events, cursor } = this.#options.store.events.list({ ...query, ...own });
    return { events: events.map(event => eventView(event, user)), ...(cursor === undefined ? {} : { cursor }) };
  }

  /** Throws `not-found`. */
  get(id: string, user = 0): EventView {
    return eventView(this.#stored(id), user);
  }

  /** Changes what users may change; durable when it resolves. Rejects with `not-found`. */
  async change(id: string, change: EventChange, user = 0): Promise<EventView> {
    // One after the other: what is taken back would else take what another has changed meanwhile.
    const mine = (this.#changing.get(id) ?? Promise.resolve()).then(() => this.#change(id, change, user));
    const ended = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#changing.set(id, ended);
    try {
      return await mine;
    } finally {
      if (this.#changing.get(id) === ended) this.#changing.delete(id);
    }
  }

  async #change(id: string, { locked, reviewed, note }: EventChange, user: number): Promise<EventView> {
    const { store, bus, log } = this.#options;
    const before = this.#stored(id);
    const { reviewedBy } = before;
    store.events.update(id, {
      ...(locked === undefined ? {} : { locked }),
      ...(reviewed === undefined ? {} : { reviewedBy: withReview(reviewedBy, user, reviewed) }),
      ...(note === undefined ? {} : { note: note ?? '' }),
    });
    try {
      await store.flush();
    } catch (error) {
      // What is answered as not done is not to be read as done.
      store.events.update(id, {
        ...(locked === undefined ? {} : { locked: before.locked }),
        ...(reviewed === undefined ? {} : { reviewedBy }),
        ...(note === undefined ? {} : { note: before.note ?? '' }),
      });
      throw error;
    }
    // It may have grown, or ended, meanwhile.
    const event = this.#stored(id);
    bus.emit('event.updated', summaryOf(event));
    if (locked !== undefined) log.info(locked ? 'event locked' : 'event unlocked', { camera: event.camera, event: id });
    return eventView(event, user);
  }

  /**
   * Removes an event and its picture; its footage stays. Rejects with `not-found`, `failed-precondition` when it is locked or goes on, or,
   * with the event still there, when the index does not take it.
   */
  async remove(id: string): Promise<void> {
    const { store, bus, log } = this.#options;
    const event = this.#stored(id);
    const { camera, locked, endMs } = event;
    if (endMs === undefined) {
      throw new NvrError('failed-precondition', 'the event is still going on', { cure: 'Try again when it is over.' });
    }
    if (locked) throw new NvrError('failed-precondition', 'the event is locked', { cure: 'Unlock it first.' });
    store.events.remove(id);
    try {
      await store.flush();
    } catch (error) {
      // Only deleting makes room on a full volume: the row goes with the next commit that succeeds.
      if (!(error instanceof NvrError) || error.kind !== 'resource-exhausted') {
        store.events.restore(event);
        throw error;
      }
    }
    bus.emit('event.removed', { camera, id });
    log.info('event removed', { camera, event: id, cause: 'owner' });
  }

  /** Undefined when there is none. */
  find(id: string, user = 0): EventView | undefined {
    const event = this.#options.store.events.get(id);
    return event && eventView(event, user);
  }

  /** Those that go on. */
  ongoing(user = 0): EventView[] {
    return this.#options.store.events.ongoing().map(event => eventView(event, user));
  }

  /** The footage that belongs to an event, so far. Throws `not-found`. */
  footage(id: string): { camera: CameraId; startMs: number; endMs: number } {
    return footageOf(this.#stored(id), this.#footageMs(this.#options.clock.nowMs()));
  }

  /** Absolute path of an event's picture. Throws `not-found` when there is none. */
  picturePath(id: string): string {
    const path = this.#stored(id).picture && this.#options.store.events.picturePath(id);
    if (path === undefined) throw new NvrError('not-found', 'the event has no picture');
    return path;
  }

  /** The events of a camera that overlap [startMs, endMs). */
  marks(camera: CameraId, startMs: number, endMs: number): EventMarks {
    const { events, more } = this.#options.store.events.between(camera, startMs, endMs, MOST_MARKS);
    const marks = events
      .sort((a, b) => a.startMs - b.startMs)
      .map(event => ({
        ...{ id: event.id, startMs: event.startMs },
        ...(event.endMs === undefined ? {} : { endMs: event.endMs }),
        label: labelOf(event),
        ...(event.picture ? { picture: true as const } : {}),
      }));
    return { events: marks, more };
  }

  figures(): EventFigures {
    const activities = [...this.#activities.values()];
    return {
      ongoing: activities.filter(activity => activity.isOpen).length,
      triggers: [...this.#triggers].flatMap(([camera, counts]) =>
        [...counts].map(([source, count]) => ({ camera, source, count })),
      ),
      opened: [...this.#opened].map(([camera, count]) => ({ camera, count })),
      droppedStarts: activities.reduce((sum, { droppedStarts }) => sum + droppedStarts, this.#droppedBefore),
      pictures: this.#snapshots.figures(),
    };
  }

  #stored(id: string): StoredEvent {
    const event = this.#options.store.events.get(id);
    if (!event) throw noEvent();
    return event;
  }

  #footageMs(systemMs: number): number {
    return Math.max(0, Math.round(this.#options.engine.footageMs(systemMs)));
  }

  #causeMs(timeMs: number | undefined): number {
    const nowMs = this.#options.clock.nowMs();
    const causeMs = Math.min(timeMs ?? nowMs, nowMs);
    if (nowMs - causeMs <= MAX_AGE_MS) return this.#footageMs(causeMs);
    throw new NvrError('invalid-argument', '"timeMs" lies more than a minute back', {
      field: 'timeMs',
      cure: `Here it is ${nowMs}: set the clocks alike, or leave the time out.`,
    });
  }

  /** Of hours in which this camera records: others have schedules of their own, so it is not passed on. */
  #takeScheduled(trigger: Trigger): void {
    const { camera } = trigger;
    if (!this.#options.recording.records(camera)) return;
    this.#count(trigger);
    this.#guarded(() => this.#activity(camera).trigger(trigger, this.#footageMs(this.#options.clock.nowMs())));
    this.#armTick();
  }

  #count({ camera, source }: Trigger): void {
    const counts = this.#triggers.get(camera) ?? new Map<TriggerSource, number>();
    this.#triggers.set(camera, counts.set(source, (counts.get(source) ?? 0) + 1));
  }

  /** Only from the camera where it began: cameras that set off each other go round in no circle. */
  #passOn(
    { action, kind, label, score, durationMs }: Trigger,
    to: readonly CameraId[],
    causeMs: number,
    from: CameraId,
  ): void {
    for (const camera of to) {
      if (camera === from || !this.#options.recording.records(camera)) continue;
      const trigger: Trigger = { camera, source: 'camera', action, kind, label, score, durationMs };
      this.#guarded(() => this.#activity(camera).trigger(trigger, causeMs, from));
    }
  }

  #activity(camera: CameraId): CameraActivity {
    const known = this.#activities.get(camera);
    if (known) return known;
    const { store, cameras, recording, clock, bus, log } = this.#options;
    const made = new CameraActivity({
      ...{ camera, events: store.events, recording, clock, bus, log },
      settings: () => {
        const found = cameras.get(camera);
        if (!found) throw noCamera();
        return found.events;
      },
      footageNowMs: () => this.#footageMs(clock.nowMs()),
      onOpened: event => {
        this.#opened.set(camera, (this.#opened.get(camera) ?? 0) + 1);
        this.#snapshots.add(event);
      },
    });
    this.#activities.set(camera, made);
    return made;
  }

  /** Nothing ticks while nothing goes on. */
  #armTick(): void {
    if (this.#isStopped || this.#cancelTick || ![...this.#activities.values()].some(one => one.isBusy)) return;
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      for (const [camera, activity] of this.#activities) {
        if (!activity.isBusy) continue;
        this.#follow(camera);
        this.#guarded(() => activity.tick());
        this.#scheduled.check(camera);
      }
      this.#armTick();
    });
  }

  /** What records no more, by its settings or its schedule, has no events. */
  #follow(id: CameraId): void {
    if (this.#options.recording.records(id)) return;
    this.#guarded(() => this.#activities.get(id)?.end());
    this.#armTick();
  }

  #forget(id: CameraId): void {
    const activity = this.#activities.get(id);
    this.#guarded(() => activity?.end());
    this.#droppedBefore += activity?.droppedStarts ?? 0;
    this.#activities.delete(id);
    this.#triggers.delete(id);
    this.#opened.delete(id);
  }

  /** One camera's trouble with the store is no other's. */
  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.log.error('an event could not be followed', { error });
    }
  }
}

function noCamera(): NvrError {
  return new NvrError('not-found', 'there is no such camera');
}

function noEvent(): NvrError {
  return new NvrError('not-found', 'there is no such event');
}
