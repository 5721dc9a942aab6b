// What a camera's settings say of recording at a moment, and when they say something else.
import type { Camera, RecordMode } from '../cameras/index.ts';
import type { CameraId, Clock } from '../core/index.ts';

const HOURS_A_WEEK = 168;
const LETTERS: Record<string, RecordMode> = { c: 'continuous', e: 'events', r: 'events', '-': 'off' };
/** In such hours an event goes on. */
const EVENT_LETTER = 'r';
/** How far ahead it is said that an event goes on which no hour of the week ends. */
const WEEK_MS = 7 * 24 * 3_600_000;

/** The settings of a camera that say when it records. */
export interface ScheduledCamera {
  enabled: boolean;
  record: Pick<Camera['record'], 'mode' | 'schedule'>;
}

export interface Intent {
  mode: RecordMode;
  /** Why it is off, in the words of gaps. */
  off?: 'disabled' | 'stopped' | 'schedule';
}

/** `nowMs` is UTC; hours of the week are those of the board's time zone. */
export function intentOf({ enabled, record }: ScheduledCamera, nowMs: number): Intent {
  if (!enabled) return { mode: 'off', off: 'disabled' };
  if (record.mode === 'off') return { mode: 'off', off: 'stopped' };
  if (record.schedule === undefined) return { mode: record.mode };
  const mode = LETTERS[letterAt(record.schedule, nowMs)] ?? record.mode;
  return mode === 'off' ? { mode, off: 'schedule' } : { mode };
}

/** Until when the schedule has an event go on, UTC; a week ahead where it never ends; undefined when it has none go on. */
export function scheduledUntilMs({ enabled, record }: ScheduledCamera, nowMs: number): number | undefined {
  const { mode, schedule } = record;
  if (!enabled || mode === 'off' || schedule === undefined || letterAt(schedule, nowMs) !== EVENT_LETTER)
    return undefined;
  return nextChangeMs(schedule, nowMs) ?? nowMs + WEEK_MS;
}

/** Whether events are recorded at some time, so that the time before them has to be kept. */
export function recordsEvents({ mode, schedule }: ScheduledCamera['record']): boolean {
  if (mode === 'off') return false;
  return schedule === undefined ? mode === 'events' : /[er]/.test(schedule);
}

/** Whether all that is recorded belongs to events. */
export function recordsOnlyEvents(record: ScheduledCamera['record']): boolean {
  return recordsEvents(record) && record.schedule?.includes('c') !== true;
}

/** When the schedule says something else than at `nowMs`; undefined when it says the same all week. */
export function nextChangeMs(schedule: string, nowMs: number): number | undefined {
  const now = letterAt(schedule, nowMs);
  // Steps of local hours: a zone may lie half an hour beside UTC, and days of 23 and 25 hours exist.
  const hour = new Date(nowMs);
  for (let n = 0; n <= HOURS_A_WEEK; n++) {
    const beforeMs = hour.getTime();
    hour.setHours(hour.getHours() + 1, 0, 0, 0);
    // In the hour that a clock is put back over, the next local hour is the same one again.
    if (hour.getTime() <= beforeMs) hour.setTime(beforeMs + 3_600_000);
    if (letterAt(schedule, hour.getTime()) !== now) return hour.getTime();
  }
  return undefined;
}

/** The clock of the board may be set: no wait is longer. */
const LOOK_MS = 15 * 60_000;

/** Calls when the schedule of a camera says something else. No timer without schedules. */
export class ScheduleClock {
  readonly #clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly #onChange: (camera: CameraId) => void;
  readonly #schedules = new Map<CameraId, { schedule: string; letter: string }>();
  #cancel: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'nowMs' | 'after'>, onChange: (camera: CameraId) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Undefined = the camera has none any more. What it says now is known to the caller. */
  set(camera: CameraId, schedule: string | undefined): void {
    if (schedule === undefined) this.#schedules.delete(camera);
    else this.#schedules.set(camera, { schedule, letter: letterAt(schedule, this.#clock.nowMs()) });
    this.#arm();
  }

  /** Looks at once: the clock was set. */
  look(): void {
    const nowMs = this.#clock.nowMs();
    for (const [camera, known] of this.#schedules) {
      const letter = letterAt(known.schedule, nowMs);
      if (letter === known.letter) continue;
      known.letter = letter;
      this.#onChange(camera);
    }
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#schedules.clear();
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const nowMs = this.#clock.nowMs();
    const changes = [...this.#schedules.values()]
      .map(({ schedule }) => nextChangeMs(schedule, nowMs))
      .filter(changeMs => changeMs !== undefined);
    if (changes.length === 0) return;
    const waitMs = Math.min(LOOK_MS, ...changes.map(changeMs => changeMs - nowMs));
    this.#cancel = this.#clock.after(Math.max(1, waitMs), () => this.look());
  }
}

function letterAt(schedule: string, atMs: number): string {
  const date = new Date(atMs);
  return schedule.charAt(((date.getDay() + 6) % 7) * 24 + date.getHours());
}
