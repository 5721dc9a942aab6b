// The schedules of cameras as a source of triggers: in hours of the letter `r` an event goes on. It says when to start and stop, no more.
import type { CameraId, Clock } from '../core/index.ts';
import { ScheduleClock, type ScheduledCamera, scheduledUntilMs } from '../recording/index.ts';
import type { Trigger } from './trigger.ts';

export interface ScheduledEventsOptions {
  cameras: { get(id: CameraId): ScheduledCamera | undefined; list(): readonly { id: CameraId }[] };
  clock: Pick<Clock, 'nowMs' | 'after'>;
  /** Until when what a start set off goes on; undefined when it does not. */
  untilMs: (start: Trigger) => number | undefined;
  /** The hours of a camera begin, last longer than was said, or are over. */
  trigger: (trigger: Trigger) => void;
  /** The schedule of a camera says something else. */
  onChange: (camera: CameraId) => void;
}

/** What goes on ends so much before it should at the most; times of footage and of the clock lie apart by less. */
const SLACK_MS = 60_000;
/** So long before its end it is said anew that something goes on for longer. */
const AHEAD_MS = 3_600_000;

/** What names it: there is one a camera. */
export function scheduledStart(camera: CameraId): Trigger {
  return { camera, source: 'schedule', action: 'start' };
}

export class ScheduledEvents {
  readonly #options: ScheduledEventsOptions;
  readonly #schedules: ScheduleClock;

  constructor(options: ScheduledEventsOptions) {
    this.#options = options;
    this.#schedules = new ScheduleClock(options.clock, camera => {
      options.onChange(camera);
      this.check(camera);
    });
  }

  start(): void {
    for (const { id } of this.#options.cameras.list()) this.follow(id);
  }

  stop(): void {
    this.#schedules.stop();
  }

  /** The settings of a camera have changed, or it is gone. */
  follow(id: CameraId): void {
    const camera = this.#options.cameras.get(id);
    const isInForce = camera?.enabled && camera.record.mode !== 'off';
    this.#schedules.set(id, isInForce ? camera.record.schedule : undefined);
    this.check(id);
  }

  /** The clock was set. */
  clockSet(): void {
    this.#schedules.look();
    for (const { id } of this.#options.cameras.list()) this.check(id);
  }

  /** Starts what should go on and does not, or not for so long; stops what should not. */
  check(id: CameraId): void {
    const { cameras, clock, untilMs, trigger } = this.#options;
    const camera = cameras.get(id);
    if (!camera) return;
    const nowMs = clock.nowMs();
    const start = scheduledStart(id);
    const wantedMs = scheduledUntilMs(camera, nowMs);
    const saidMs = untilMs(start);
    if (wantedMs === undefined) {
      if (saidMs !== undefined) trigger({ ...start, action: 'stop' });
    } else if (saidMs === undefined || saidMs < Math.min(wantedMs - SLACK_MS, nowMs + AHEAD_MS)) {
      trigger({ ...start, durationMs: wantedMs - nowMs });
    }
  }
}
