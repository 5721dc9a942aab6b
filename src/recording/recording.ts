// Decides which streams record, and keeps the index in step with what the engine writes.
import type { Camera, Cameras } from '../cameras/index.ts';
import {
  background,
  type CameraId,
  type CameraStateName,
  type Clock,
  type EventBus,
  fromSystem,
  type Logger,
  NvrError,
  STREAM_NAMES,
  type StreamName,
} from '../core/index.ts';
import type { Engine, EngineEvent } from '../native/index.ts';
import type { Purged, Segment, Store } from '../storage/index.ts';
import { type Stretch, stretchAround } from './coverage.ts';
import { reasonOfUntried } from './gap-reason.ts';
import { type RingBudget, shortPastMs } from './ring-budget.ts';
import { type Intent, intentOf, ScheduleClock } from './schedule.ts';
import { type RecordingStore, StreamRecorder } from './stream-recorder.ts';
import { type Parameters, SubChoice } from './sub-choice.ts';
import { type CameraTimeline, cameraTimeline } from './timeline.ts';

export interface RecordingOptions {
  store: RecordingStore & Pick<Store, 'deleteSegment' | 'deleteCamera' | 'isThere'>;
  engine: Pick<Engine, 'on' | 'stats' | 'stop' | 'capture'>;
  cameras: Pick<Cameras, 'list' | 'get' | 'setRecording' | 'need'>;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  ringBudget: RingBudget;
}

/** Between two attempts to get a licence from a store that refuses. */
const RETRY_MS = 5000;
/** Between two looks at what cameras send, which their rings are measured by. */
const MEASURE_MS = 15_000;
/** A ring is given another bound when it is to change by more. */
const RING_STEP = 0.1;
/** Between two looks whether the volume is still there. */
const WATCH_MS = 5000;
/** Closing eight files takes a tenth of it on a slow card. */
const ENGINE_STOP_MS = 3000;
/** Golden ratio: the offsets of any number of cameras lie far apart. */
const STAGGER = 0.618_033_988_75;
/** Its two streams change files at moments half a segment apart. */
const STREAM_OFFSET: Record<StreamName, number> = { main: 0, sub: 0.5 };

export class Recording {
  readonly #options: RecordingOptions;
  readonly #recorders = new Map<string, StreamRecorder>();
  /** What is under way, by camera: one change after the other. */
  readonly #changes = new Map<CameraId, Promise<void>>();
  readonly #retries = new Map<CameraId, () => void>();
  readonly #subChoices = new Map<CameraId, SubChoice>();
  /** What ends the need of a sub stream that is looked at or recorded. */
  readonly #subNeeds = new Map<CameraId, () => void>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #schedules: ScheduleClock;
  /** How many hold a camera. */
  readonly #holds = new Map<CameraId, number>();
  /** The footage of events that was asked for last, of each camera that is to record. */
  readonly #asked = new Map<CameraId, { fromMs: number; untilMs: number }>();
  /** Bounds of the rings that keep the time before events, by stream. */
  readonly #ringBounds = new Map<string, number>();
  #cancelMeasuring: (() => void) | undefined;
  #watch: (() => void) | undefined;
  #volumeMissing = false;
  #stopped: Promise<void> | undefined;

  constructor(options: RecordingOptions) {
    this.#options = options;
    this.#schedules = new ScheduleClock(options.clock, camera => this.#changed(camera));
  }

  /** Resolves when each camera that should record is told to, or its gap says why not. The engine need not have its streams yet. */
  async start(signal: AbortSignal): Promise<void> {
    const { engine, bus, cameras } = this.#options;
    this.#unsubscribe.push(
      engine.on(event => this.#hear(event)),
      bus.on('camera.changed', ({ camera }) => this.#changed(camera)),
      bus.on('camera.state', ({ camera, name, reason }) => this.#untried(camera, name, reason)),
      bus.on('camera.removed', ({ camera }) => this.#changed(camera)),
    );
    await Promise.all(cameras.list().map(camera => this.#apply(camera.id)));
    signal.throwIfAborted();
  }

  /**
   * Stops the engine, so that all files are closed and recorded, and gives the licences back. Rejects when the engine does not stop in
   * time: the licences then stay, and the next start adopts what is left. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Footage of a stream, and the camera's gaps, that overlap [startMs, endMs). */
  timeline(cameras: readonly CameraId[], stream: StreamName, startMs: number, endMs: number): CameraTimeline[] {
    const { store, engine } = this.#options;
    const stats = engine.stats();
    return cameras.map(camera => cameraTimeline(store, stats, { camera, stream, startMs, endMs }));
  }

  /**
   * Has the footage of a time written that the rings hold or that is yet to come, and made durable at once; see Engine.capture. Times
   * are those of footage.
   */
  capture(camera: CameraId, fromMs: number, untilMs: number): void {
    const before = this.#asked.get(camera);
    const joins = before !== undefined && before.untilMs >= fromMs;
    this.#asked.set(camera, { fromMs: joins ? Math.min(before.fromMs, fromMs) : fromMs, untilMs });
    for (const stream of STREAM_NAMES) {
      if (this.#recorders.get(name(camera, stream))?.licensed) this.#ask(camera, stream, fromMs, untilMs);
    }
  }

  #ask(camera: CameraId, stream: StreamName, fromMs: number, untilMs: number): void {
    this.#options.engine.capture(camera, stream, Math.max(0, Math.round(fromMs)), Math.round(untilMs));
  }

  /** A stream that records events only from now on has not heard what was asked for before. */
  #askAgain(camera: CameraId, stream: StreamName): void {
    const asked = this.#asked.get(camera);
    if (asked && asked.untilMs > this.#options.clock.nowMs()) this.#ask(camera, stream, asked.fromMs, asked.untilMs);
  }

  /** The stretch of footage of the main stream, without a hole, around a moment; cut off a minute before. */
  coverage(camera: CameraId, atMs: number): Stretch | undefined {
    const { store, engine } = this.#options;
    return stretchAround(store, engine.stats(), { camera, stream: 'main', atMs });
  }

  /** How far the memory of cameras reaches back, of those where that is less than what is to be recorded before their events. */
  shortPastsMs(cameras: readonly Camera[]): Map<CameraId, number> {
    const { engine, clock } = this.#options;
    const asked = cameras.filter(
      camera => camera.record.mode !== 'off' && camera.state.name === 'live' && this.#intent(camera).mode === 'events',
    );
    const { streams } = asked.length > 0 ? engine.stats() : { streams: [] };
    const found = new Map<CameraId, number>();
    for (const camera of asked) {
      const stats = streams.find(one => one.camera === camera.id && one.stream === 'main');
      const reachMs = stats && shortPastMs(camera, stats, clock.nowMs() - camera.state.sinceMs);
      if (reachMs !== undefined) found.set(camera.id, reachMs);
    }
    return found;
  }

  /** Whether footage of a camera is kept at present, all of it or that of events: its settings, its schedule or a hold say so. */
  records(id: CameraId): boolean {
    const camera = this.#options.cameras.get(id);
    return camera !== undefined && this.#intent(camera).mode !== 'off';
  }

  /** While it is held, a camera whose settings say off records what `capture` asks for. Not one that is disabled. */
  hold(camera: CameraId): () => void {
    this.#holds.set(camera, (this.#holds.get(camera) ?? 0) + 1);
    this.#changed(camera);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#holds.get(camera) ?? 0) - 1;
      if (left > 0) this.#holds.set(camera, left);
      else this.#holds.delete(camera);
      this.#changed(camera);
    };
  }

  /** Deletes a closed segment and leaves a gap in its place. Rejects with `not-found`. */
  async deleteSegment(id: string): Promise<Segment> {
    const segment = await this.#options.store.deleteSegment(id);
    const { camera, startMs: fromMs, endMs: untilMs } = segment;
    this.#options.bus.emit('footage.deleted', { camera, fromMs, untilMs });
    return segment;
  }

  /** Resolves when the changes of a camera that were heard of until now are in force. */
  async settled(camera: CameraId): Promise<void> {
    await this.#changes.get(camera);
  }

  /** Deletes all footage of a camera that was removed or does not record, but for locked segments; waits until its files are closed. */
  async deleteFootage(camera: CameraId): Promise<Purged> {
    await this.#changes.get(camera);
    const purged = await this.#options.store.deleteCamera(camera);
    const { deleted, kept } = purged;
    this.#options.bus.emit('footage.deleted', { camera, fromMs: 0, untilMs: this.#options.clock.nowMs() });
    this.#options.log.info('footage of a camera deleted', {
      ...{ camera, cause: 'owner', ...deleted },
      lockedSegments: kept.segments,
    });
    return purged;
  }

  #changed(camera: CameraId): void {
    background(this.#apply(camera), 'change what is recorded', this.#options.log);
  }

  #apply(camera: CameraId): Promise<void> {
    const before = this.#changes.get(camera) ?? Promise.resolve();
    const change = before.then(() => this.#applyNow(camera));
    const settled = change.catch(() => undefined);
    this.#changes.set(camera, settled);
    return change.finally(() => {
      if (this.#changes.get(camera) === settled) this.#changes.delete(camera);
    });
  }

  async #applyNow(id: CameraId): Promise<void> {
    if (this.#stopped !== undefined) return;
    this.#retries.get(id)?.();
    this.#retries.delete(id);
    const camera = this.#options.cameras.get(id);
    if (!camera) {
      await this.#forget(id);
      return;
    }
    this.#schedules.set(id, camera.enabled && camera.record.mode !== 'off' ? camera.record.schedule : undefined);
    const intent = this.#intent(camera);
    if (intent.off === undefined) await this.#record(camera, 'main', intent);
    else {
      this.#asked.delete(id);
      await this.#cease(id, 'main', intent.off);
    }
    this.#untried(id, camera.state.name, camera.state.reason);
    await this.#applySub(camera, intent);
  }

  /** What is to be recorded now. A camera that somebody holds records events although its settings say off. */
  #intent(camera: Camera): Intent {
    const intent = intentOf(camera, this.#options.clock.nowMs());
    return intent.mode === 'off' && camera.enabled && this.#holds.has(camera.id) ? { mode: 'events' } : intent;
  }

  /** Needs the sub stream while it is recorded or looked at. */
  async #applySub(camera: Camera, intent: Intent): Promise<void> {
    const { id } = camera;
    const wished = this.#subChoice(id).choose(camera);
    const choice = intent.mode === 'off' ? 'no' : wished;
    if (choice !== 'no' && !this.#subNeeds.has(id)) this.#subNeeds.set(id, this.#options.cameras.need(id, 'sub'));
    if (choice === 'record') await this.#record(camera, 'sub', intent);
    else if (this.#recorders.has(name(id, 'sub'))) await this.#cease(id, 'sub', intent.off ?? 'stopped');
    if (choice === 'no') this.#endSubNeed(id);
  }

  #endSubNeed(id: CameraId): void {
    this.#subNeeds.get(id)?.();
    this.#subNeeds.delete(id);
  }

  #subChoice(id: CameraId): SubChoice {
    const known = this.#subChoices.get(id);
    if (known) return known;
    const choice = new SubChoice(this.#options.clock);
    this.#subChoices.set(id, choice);
    return choice;
  }

  async #record(camera: Camera, stream: StreamName, { mode }: Intent): Promise<void> {
    const { cameras, log } = this.#options;
    const recorder = this.#recorder(camera.id, stream);
    const heard = recorder.recordsEvents && !this.#volumeMissing;
    recorder.want(mode === 'events');
    try {
      if (this.#volumeMissing && recorder.licensed) await this.#suspend(camera.id, stream);
      await recorder.licence();
      this.#volumeMissing = false;
    } catch (error) {
      const problem = fromSystem(error, 'no licence to record');
      log.error('a stream cannot be recorded', { camera: camera.id, stream, error: problem, retryMs: RETRY_MS });
      recorder.refused(problem.kind === 'resource-exhausted' ? 'disk-full' : 'no-volume');
      this.#retries.get(camera.id)?.();
      this.#retries.set(
        camera.id,
        this.#options.clock.after(RETRY_MS, () => this.#changed(camera.id)),
      );
      return;
    }
    this.#armWatch();
    const { segmentMs } = camera.record;
    const rotationOffsetMs = Math.floor(((camera.id * STAGGER + STREAM_OFFSET[stream]) % 1) * segmentMs);
    const { footageEnd } = recorder;
    await cameras.setRecording(camera.id, stream, {
      segmentMs,
      rotationOffsetMs,
      ...(footageEnd ? { footageEnd } : {}),
      ...(mode === 'events' ? { events: this.#pastOf(camera, stream) } : {}),
    });
    if (mode !== 'events') this.#ringBounds.delete(name(camera.id, stream));
    else if (!heard) this.#askAgain(camera.id, stream);
  }

  /** How much of the past the ring keeps. What the settings say not to record has none. */
  #pastOf(camera: Camera, stream: StreamName): { preRollMs: number; ringMaxBytes: number } {
    const { cameras, engine, ringBudget } = this.#options;
    const preRollMs = camera.record.mode === 'off' ? 0 : camera.events.preRollMs;
    const ringMaxBytes = ringBudget.boundOf(camera, stream, cameras.list(), engine.stats());
    this.#ringBounds.set(name(camera.id, stream), ringMaxBytes);
    this.#armMeasuring();
    return { preRollMs, ringMaxBytes };
  }

  /** How much the time before an event takes shows only when the camera plays, and is another at night. No timer where no ring keeps it. */
  #armMeasuring(): void {
    if (this.#stopped !== undefined) return;
    this.#cancelMeasuring ??= this.#options.clock.after(MEASURE_MS, () => {
      this.#cancelMeasuring = undefined;
      const { cameras, engine, ringBudget } = this.#options;
      const [all, stats] = [cameras.list(), engine.stats()];
      ringBudget.note(stats);
      for (const camera of all) {
        const isOff = STREAM_NAMES.some(stream => {
          const before = this.#ringBounds.get(name(camera.id, stream));
          const bound = before && ringBudget.boundOf(camera, stream, all, stats);
          return before && bound && Math.abs(bound - before) > before * RING_STEP;
        });
        if (isOff) this.#changed(camera.id);
      }
      if (this.#ringBounds.size > 0) this.#armMeasuring();
    });
  }

  /** Ends the files of a stream whose volume is gone: nothing may be written to the directory underneath. */
  async #suspend(id: CameraId, stream: StreamName): Promise<void> {
    await this.#options.cameras.setRecording(id, stream, null);
    await this.#recorder(id, stream)
      .release()
      .catch(error => this.#options.log.debug('the licence could not be given back', { camera: id, stream, error }));
  }

  #armWatch(): void {
    if (this.#stopped !== undefined) return;
    this.#watch ??= this.#options.clock.after(WATCH_MS, () => {
      this.#watch = undefined;
      background(this.#watchVolume(), 'watch the volume', this.#options.log);
    });
  }

  /** Each stream that records asks for its licence anew when the volume is gone, and again until it is back. */
  async #watchVolume(): Promise<void> {
    const licensed = [...this.#recorders.values()].filter(recorder => recorder.licensed);
    if (licensed.length === 0) return;
    const missing = !(await this.#options.store.isThere());
    if (missing && !this.#volumeMissing) this.#options.log.error('the storage volume is gone');
    this.#volumeMissing = missing;
    if (missing) for (const camera of new Set(licensed.map(recorder => recorder.camera))) this.#changed(camera);
    this.#armWatch();
  }

  async #cease(id: CameraId, stream: StreamName, reason: NonNullable<Intent['off']>): Promise<void> {
    const recorder = this.#recorder(id, stream);
    const ceased = recorder.cease();
    this.#ringBounds.delete(name(id, stream));
    if (recorder.licensed) await this.#options.cameras.setRecording(id, stream, null);
    recorder.intend(reason, ceased);
    await recorder.release();
  }

  async #forget(id: CameraId): Promise<void> {
    this.#endSubNeed(id);
    this.#subChoices.delete(id);
    this.#schedules.set(id, undefined);
    this.#holds.delete(id);
    this.#asked.delete(id);
    for (const stream of STREAM_NAMES) {
      const recorder = this.#recorder(id, stream);
      recorder.cease();
      recorder.forget();
      this.#ringBounds.delete(name(id, stream));
      await recorder.release();
      this.#recorders.delete(name(id, stream));
    }
  }

  #recorder(camera: CameraId, stream: StreamName): StreamRecorder {
    const known = this.#recorders.get(name(camera, stream));
    if (known) return known;
    const { store, bus, clock, log } = this.#options;
    const recorder = new StreamRecorder({ camera, stream, store, bus, clock, log });
    this.#recorders.set(name(camera, stream), recorder);
    return recorder;
  }

  #hear(event: EngineEvent): void {
    const { store, log } = this.#options;
    if (event.type === 'clock-step') {
      this.#schedules.look();
      for (const [camera, { fromMs, untilMs }] of this.#asked) {
        this.#asked.set(camera, { fromMs: fromMs + event.stepMs, untilMs: untilMs + event.stepMs });
      }
      for (const recorder of this.#recorders.values()) recorder.clockSet();
      log.warn('the clock was set', { stepMs: event.stepMs, clockGeneration: event.clockGeneration });
      background(store.setClockGeneration(event.clockGeneration, event.stepMs), 'store the clock generation', log);
    } else if (this.#recorders.has(name(event.camera, event.stream)) || this.#options.cameras.get(event.camera)) {
      // Streams that are no cameras are only being tried.
      this.#recorder(event.camera, event.stream).hear(event);
      if (event.type === 'parameters') this.#described(event);
    }
  }

  #described(event: Parameters): void {
    if (this.#subChoice(event.camera).note(event)) this.#changed(event.camera);
  }

  /** A camera that is not even tried says nothing through the engine. One that begins misses nothing yet. */
  #untried(camera: CameraId, state: CameraStateName, reason: string | undefined): void {
    const gap = state === 'starting' ? undefined : reasonOfUntried(reason);
    if (gap) this.#recorders.get(name(camera, 'main'))?.refused(gap);
  }

  async #stop(): Promise<void> {
    const { engine, store } = this.#options;
    this.#watch?.();
    this.#schedules.stop();
    this.#cancelMeasuring?.();
    for (const cancel of this.#retries.values()) cancel();
    for (const recorder of this.#recorders.values()) recorder.cease();
    const closed = await engine.stop(ENGINE_STOP_MS);
    await Promise.all(this.#changes.values());
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    if (!closed) throw new NvrError('unavailable', `the engine did not close its files within ${ENGINE_STOP_MS} ms`);
    await Promise.all([...this.#recorders.values()].map(recorder => recorder.release()));
    await store.flush();
  }
}

function name(camera: CameraId, stream: StreamName): string {
  return `${camera}/${stream}`;
}
