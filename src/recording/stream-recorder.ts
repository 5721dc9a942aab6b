// Records one stream: its licence, its segments into the index, and the gaps between them. Gaps are those of main: while that is
// recorded, footage is not missing.
import type { CameraId, Clock, EndReason, EventBus, GapReason, Logger, StreamName } from '../core/index.ts';
import { segmentId } from '../core/index.ts';
import type { EngineEvent } from '../native/index.ts';
import type { FootageEnd, Gap, Store } from '../storage/index.ts';
import { isPast, reasonOfLink, reasonOfStorage, replaces } from './gap-reason.ts';

/** The part of the store that recording needs. */
export type RecordingStore = Pick<
  Store,
  'segments' | 'gaps' | 'openStream' | 'closeStream' | 'flush' | 'setClockGeneration'
>;

export interface StreamRecorderOptions {
  camera: CameraId;
  stream: StreamName;
  store: RecordingStore;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

export type StreamEvent = Exclude<EngineEvent, { type: 'clock-step' }>;
type Opened = Extract<EngineEvent, { type: 'segment-opened' }>;
type Closed = Extract<EngineEvent, { type: 'segment-closed' }>;
type Link = Extract<EngineEvent, { type: 'link' }>;

/** Ends after which it is open whether and when another segment follows. */
const INTERRUPTED: ReadonlySet<EndReason> = new Set(['reconnect', 'suspect']);

/** What a camera that delivers has proved to be over. */
const CAMERA_IS_BACK: ReadonlySet<GapReason> = new Set<GapReason>([
  ...(['offline', 'refused', 'stalled', 'hub', 'restart', 'crash', 'power-cut', 'memory'] as const),
  ...(['schedule', 'stopped', 'disabled', 'privacy'] as const),
]);

/** The last picture of a file lasts into what was the future when it came. */
const CLOCK_TOLERANCE_MS = 2000;

export class StreamRecorder {
  readonly #options: StreamRecorderOptions;
  /** Paths of files that the engine has made and not said to be closed. */
  readonly #open = new Set<string>();
  /** Paths of files that failed; most are said to be closed right after. */
  readonly #failed = new Set<string>();
  /** Since when the stream should record; undefined = it should not. */
  #sinceMs: number | undefined;
  #eventsOnly = false;
  #licensed = false;
  #footageEnd: FootageEnd | undefined;
  #link: Link['state'] = 'connecting';
  #problem: GapReason = 'offline';
  /** Where the newest footage ends, and in which clock generation; 0 = there is none. */
  #lastEndMs = 0;
  #lastClockGen = 0;

  constructor(options: StreamRecorderOptions) {
    this.#options = options;
  }

  get camera(): CameraId {
    return this.#options.camera;
  }

  /** True while the engine may create files for it. */
  get licensed(): boolean {
    return this.#licensed;
  }

  /** True while `capture` finds a stream that listens to it. */
  get recordsEvents(): boolean {
    return this.#licensed && this.#eventsOnly;
  }

  /** From now on the stream should record: what is missing is a gap. `eventsOnly`: between events nothing is missing. */
  want(eventsOnly: boolean): void {
    this.#eventsOnly = eventsOnly;
    if (this.#sinceMs === undefined) this.#begin();
    if (this.#link === 'live') this.#beQuiet(this.#options.clock.nowMs());
  }

  #begin(): void {
    const { store, camera, stream, clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#sinceMs = nowMs;
    const last = store.segments.last(camera, stream);
    // What lies in the future was recorded by a clock that was wrong.
    if (!last || last.endMs > nowMs + CLOCK_TOLERANCE_MS) return;
    this.#lastEndMs = last.endMs;
    this.#lastClockGen = last.clockGen;
    if (!store.gaps.ongoing(camera, stream)) this.#openGap(last.endMs, 'restart');
  }

  /** Gets the licence. Rejects when the store cannot give it; the gap then says why, and the caller tries again. */
  async licence(): Promise<void> {
    const { store, camera, stream } = this.#options;
    if (!this.#licensed) this.#footageEnd = await store.openStream(camera, stream);
    this.#licensed = true;
  }

  /** Where footage ended before the licence: what is recorded under it must not overlap. */
  get footageEnd(): FootageEnd | undefined {
    return this.#footageEnd;
  }

  /** The store gave no licence, or the camera is not even tried. */
  refused(reason: GapReason): void {
    this.#interrupt(reason, this.#footageEndMs());
  }

  /** From now on nothing is missing, to be called before the engine ends the files. True when the stream should have recorded. */
  cease(): boolean {
    const wanted = this.#sinceMs !== undefined;
    this.#sinceMs = undefined;
    return wanted;
  }

  /** Gives the licence back, after the engine has closed the files. */
  async release(): Promise<void> {
    const { store, camera, stream } = this.#options;
    if (!this.#licensed) return;
    this.#licensed = false;
    const leftovers = this.#open.size + this.#failed.size > 0;
    this.#open.clear();
    this.#failed.clear();
    await store.closeStream(camera, stream, leftovers);
  }

  /** Somebody wants that the stream does not record. One that never should have (`ceased` false) has no gap, unless one goes on. */
  intend(reason: 'disabled' | 'stopped' | 'schedule', ceased: boolean): void {
    const { store, camera, stream, clock } = this.#options;
    const ongoing = store.gaps.ongoing(camera, stream);
    if (ongoing ? ongoing.reason === reason : !ceased) return;
    this.#openGap(ongoing ? clock.nowMs() : this.#lastEndMs || clock.nowMs(), reason);
  }

  /** The camera is gone: nothing is missing any more. */
  forget(): void {
    this.#closeGap(this.#options.clock.nowMs());
  }

  /** The clock of the board was set: a gap that goes on lies in the new time, and over no footage. */
  clockSet(): void {
    if (!this.#keepsGaps) return;
    const { store, camera, stream, clock } = this.#options;
    const gap = store.gaps.ongoing(camera, stream);
    if (!gap) return;
    const nowMs = clock.nowMs();
    store.gaps.moveStart(camera, stream, Math.min(Math.max(gap.startMs, this.#footageBefore(nowMs)), nowMs));
  }

  hear(event: StreamEvent): void {
    if (event.type === 'segment-opened') this.#opened(event);
    else if (event.type === 'segment-closed') this.#closed(event);
    else if (event.type === 'storage-failed') {
      this.#open.delete(event.path);
      // Also one that was never said to be open: its name is there, and could not be removed.
      if (event.path !== '') this.#failed.add(event.path);
      this.#interrupt(reasonOfStorage(event.code), Math.max(event.startMs, this.#lastEndMs));
    } else if (event.type === 'link') this.#linkChanged(event);
  }

  #opened(event: Opened): void {
    const { bus, camera, stream } = this.#options;
    if (this.#open.size === 0) this.#noteHole(event);
    this.#open.add(event.path);
    const id = segmentId(camera, stream, event.startMs, event.clockGen);
    bus.emit('segment.opened', { camera, stream, id, startMs: event.startMs });
    if (this.#isBehind(event)) return;
    this.#closeGap(event.startMs);
    this.#recall(event.startMs);
  }

  /** The time before an event was perhaps said to be quiet, and something else has begun since: what is recorded of it is no gap. */
  #recall(startMs: number): void {
    const { store, camera, stream, clock } = this.#options;
    if (!this.#keepsGaps || !this.#eventsOnly) return;
    for (const { startMs: fromMs, endMs, reason } of store.gaps.list(camera, startMs, clock.nowMs(), stream)) {
      if (endMs === undefined || !isPast(reason)) continue;
      store.gaps.cover(camera, stream, Math.max(fromMs, startMs), endMs, reason);
    }
  }

  /** A disk that hung writes what had been queued before the loss only after the loss was told. */
  #isBehind({ startMs, clockGen }: Opened): boolean {
    const { store, camera, stream } = this.#options;
    const gap = store.gaps.ongoing(camera, stream);
    return gap?.reason === 'slow-disk' && clockGen === this.#lastClockGen && startMs < gap.startMs;
  }

  #closed(event: Closed): void {
    const { store, bus, camera, stream, log } = this.#options;
    const { startMs, endMs, clockGen, sizeBytes, endReason, codecs, path } = event;
    this.#open.delete(path);
    this.#failed.delete(path);
    // Without a whole fragment there is no file.
    if (path === '' || sizeBytes === 0) return;
    try {
      store.segments.record({ camera, stream, startMs, clockGen, endMs, sizeBytes, codecs, endReason, path });
    } catch (error) {
      log.error('a segment could not be recorded', { path, error });
      this.#failed.add(path);
      return;
    }
    this.#lastEndMs = endMs;
    this.#lastClockGen = clockGen;
    const id = segmentId(camera, stream, startMs, clockGen);
    bus.emit('segment.closed', { camera, stream, id, startMs, endMs, sizeBytes, endReason });
    if (!this.#keepsGaps) return;
    const gap = store.gaps.ongoing(camera, stream);
    if (gap && gap.startMs >= startMs && gap.startMs < endMs) store.gaps.moveStart(camera, stream, endMs);
    else if (!gap && this.#sinceMs !== undefined && this.#open.size === 0 && INTERRUPTED.has(endReason)) {
      this.#openGap(endMs, endReason === 'suspect' ? 'no-volume' : this.#problem);
    } else if (!gap) this.#beQuiet(endMs);
  }

  /** Between two files that follow each other without a word there may be a hole all the same: a changed address, a clock that was set. */
  #noteHole({ startMs, clockGen }: Opened): void {
    const { store, camera, stream } = this.#options;
    if (!this.#keepsGaps || this.#lastEndMs === 0 || this.#sinceMs === undefined || store.gaps.ongoing(camera, stream))
      return;
    const isSet = clockGen !== this.#lastClockGen;
    const reason = isSet ? 'clock' : this.#problem;
    // A clock that was far behind may have been set over all footage of the years before.
    const fromMs = isSet ? Math.max(this.#lastEndMs, this.#footageBefore(startMs)) : this.#lastEndMs;
    const gap = store.gaps.add({ camera, stream, startMs: fromMs, endMs: startMs, reason });
    if (!gap) return;
    const { bus, log } = this.#options;
    bus.emit('gap.opened', { camera, stream, startMs: gap.startMs, reason });
    bus.emit('gap.closed', { camera, stream, startMs: gap.startMs, endMs: startMs, reason });
    log.info('gap found', { camera, stream, startMs: gap.startMs, endMs: startMs, reason });
  }

  #linkChanged(event: Link): void {
    const before = this.#link;
    this.#link = event.state;
    if (event.problem && (event.state === 'stalled' || event.state === 'waiting')) {
      this.#problem = reasonOfLink(event.problem);
      this.#interrupt(this.#problem, Math.max(event.lastPacketMs, this.#footageEndMs()));
    } else if (event.state === 'live') {
      this.#problem = 'offline';
      // The same session goes on, and with it the open segment.
      if (before === 'stalled' && this.#open.size > 0) this.#closeGap(event.lastPacketMs);
      else this.#beQuiet(Math.max(event.lastPacketMs, this.#footageEndMs()));
    }
  }

  /** The camera is there, and no event is going on. */
  #beQuiet(sinceMs: number): void {
    const { store, camera, stream } = this.#options;
    if (!this.#eventsOnly || this.#sinceMs === undefined || this.#open.size > 0) return;
    const ongoing = store.gaps.ongoing(camera, stream);
    // A disk that failed has to prove itself first.
    if (!ongoing || CAMERA_IS_BACK.has(ongoing.reason)) this.#openGap(sinceMs, 'quiet');
  }

  /** Something keeps the stream from recording since `sinceMs`. */
  #interrupt(reason: GapReason, sinceMs: number): void {
    if (this.#sinceMs === undefined) return;
    const { store, camera, stream, clock } = this.#options;
    const ongoing = store.gaps.ongoing(camera, stream);
    if (!ongoing) this.#openGap(Math.max(sinceMs, this.#lastEndMs || this.#sinceMs), reason);
    else if (replaces(ongoing.reason, reason)) {
      const quiet = this.#eventsOnly && ongoing.reason === 'quiet';
      const past = isPast(ongoing.reason) ? Math.max(this.#sinceMs, ongoing.startMs) : clock.nowMs();
      const fromMs = quiet ? Math.max(sinceMs, ongoing.startMs) : past;
      this.#openGap(fromMs, reason);
    }
  }

  /** Where the newest footage before a moment ends, whatever its clock generation; 0 without any. */
  #footageBefore(timeMs: number): number {
    const { store, camera, stream } = this.#options;
    const query = { camera, stream, startMs: 0, endMs: timeMs, limit: 1, newestFirst: true };
    const [newest] = store.segments.list(query).segments;
    return newest ? Math.min(newest.endMs, timeMs) : 0;
  }

  #footageEndMs(): number {
    return Math.max(this.#lastEndMs, this.#sinceMs ?? 0);
  }

  get #keepsGaps(): boolean {
    return this.#options.stream === 'main';
  }

  #openGap(startMs: number, reason: GapReason): void {
    if (!this.#keepsGaps) return;
    const { store, bus, camera, stream, log } = this.#options;
    this.#closeGap(startMs);
    const gap = store.gaps.open(camera, stream, startMs, reason);
    bus.emit('gap.opened', { camera, stream, startMs: gap.startMs, reason });
    log.info('gap opened', { camera, stream, startMs: gap.startMs, reason });
  }

  #closeGap(endMs: number): void {
    if (!this.#keepsGaps) return;
    const { store, bus, camera, stream, log } = this.#options;
    const gap: Gap | undefined = store.gaps.ongoing(camera, stream);
    if (!gap) return;
    store.gaps.close(camera, stream, endMs);
    const { startMs, reason } = gap;
    bus.emit('gap.closed', { camera, stream, startMs, endMs: Math.max(startMs, endMs), reason });
    log.info('gap closed', { camera, stream, startMs, endMs, reason });
  }
}
