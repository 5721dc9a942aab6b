// What one camera's events ask of recording: which footage is to be there, asked for ahead of time and no more than once a second, and
// the hold of a manual recording.
import type { CameraId, Clock } from '../core/index.ts';

/** The part of recording that events need; all times as footage is dated. */
export interface EventRecording {
  /** Footage of [fromMs, untilMs) is to be kept, as far as there is any; what was asked for before stays asked for. */
  capture(camera: CameraId, fromMs: number, untilMs: number): void;
  /** The footage of main without a hole around a moment, what is being written included. */
  coverage(camera: CameraId, atMs: number): { startMs: number; endMs: number } | undefined;
  /** A camera that does not record by its mode records events until the returned function is called. */
  hold(camera: CameraId): () => void;
  /** Whether footage of the camera is kept at present, all of it or that of events. */
  records(camera: CameraId): boolean;
  /** Resolves when a hold is in force. */
  settled(camera: CameraId): Promise<void>;
}

/** While something goes on, footage is asked for so far ahead: a main thread that stands still for seconds costs none. */
const LEAD_MS = 5000;
/** How much later than its time the last picture may come. */
const LATE_MS = 1000;
/** Between two questions, but for the first of an event. */
const PERIOD_MS = 1000;

export class FootageClaim {
  readonly #camera: CameraId;
  readonly #recording: EventRecording;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #fromMs = 0;
  #untilMs = 0;
  /** Asked for by triggers and not yet handed on. */
  #wantedFromMs: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #release: (() => void) | undefined;

  constructor(camera: CameraId, recording: EventRecording, clock: Pick<Clock, 'monotonicMs'>) {
    this.#camera = camera;
    this.#recording = recording;
    this.#clock = clock;
  }

  /** Footage from here on is wanted; `isFirst`: an event begins, so the next `cover` asks at once. */
  want(fromMs: number, isFirst: boolean): void {
    this.#wantedFromMs = Math.min(fromMs, this.#wantedFromMs ?? fromMs);
    if (!isFirst) return;
    this.#askedMs = Number.NEGATIVE_INFINITY;
    this.#fromMs = Number.POSITIVE_INFINITY;
  }

  /** Asks for what is not asked for yet. `activeUntilMs` undefined = it goes on. */
  cover(nowMs: number, activeUntilMs: number | undefined, postRollMs: number): void {
    const lasts = activeUntilMs === undefined;
    const untilMs = lasts ? nowMs + Math.max(postRollMs, LEAD_MS) : activeUntilMs + postRollMs;
    const isShort = lasts ? this.#untilMs < nowMs + LEAD_MS / 2 : this.#untilMs < untilMs;
    const isEarlier = this.#wantedFromMs !== undefined && this.#wantedFromMs < this.#fromMs;
    if (!isShort && !isEarlier) {
      this.#wantedFromMs = undefined;
      return;
    }
    const monotonicMs = this.#clock.monotonicMs();
    if (monotonicMs - this.#askedMs < PERIOD_MS) return;
    const fromMs = this.#wantedFromMs ?? Math.min(this.#untilMs, nowMs);
    this.#askedMs = monotonicMs;
    this.#wantedFromMs = undefined;
    this.#fromMs = Math.min(this.#fromMs, fromMs);
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    this.#recording.capture(this.#camera, Math.max(0, fromMs), this.#untilMs);
  }

  /** The clock was set: what was asked for is so under other times. */
  forget(): void {
    this.#fromMs = Number.POSITIVE_INFINITY;
    this.#untilMs = 0;
    this.#askedMs = Number.NEGATIVE_INFINITY;
  }

  get isHeld(): boolean {
    return this.#release !== undefined;
  }

  hold(): void {
    this.#release ??= this.#recording.hold(this.#camera);
  }

  /** Ends the hold once all that was asked for has come; at once when no time is given. */
  release(nowMs = Number.POSITIVE_INFINITY): void {
    if (nowMs < this.#untilMs + LATE_MS) return;
    this.#release?.();
    this.#release = undefined;
  }
}
