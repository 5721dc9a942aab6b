// Decides which segments go next, and why: age, quotas and the free-space floor together, the oldest first, footage of events later.
import type { CameraId } from '../core/index.ts';
import type { AgedSegment } from '../storage/index.ts';

export const DELETION_CAUSES = ['age', 'camera-quota', 'total-quota', 'floor'] as const;
export type DeletionCause = (typeof DELETION_CAUSES)[number];

/** One camera as retention sees it; those that are gone but for their footage have the defaults. */
export interface RetainedCamera {
  camera: CameraId;
  /** 0 to 100. */
  priority: number;
  /** Of footage that belongs to no event. Null = no limit. */
  days: number | null;
  /** Of footage of events. Null = as `days`. */
  eventDays: number | null;
  quotaBytes: number | null;
  /** Footage on the volume, what is being written included. */
  usedBytes: number;
  /** Of that, what is locked. */
  lockedBytes: number;
  /** What it may write until the next look, and what the engine takes ahead. */
  growthBytes: number;
  /** The oldest segments that nothing holds, in order; of each stream some, of events and of none. */
  oldest: AgedSegment[];
}

export interface RetentionView {
  cameras: RetainedCamera[];
  freeBytes: number;
  floorBytes: number;
  /** Footage that is not locked, and that the floor leaves alone. */
  leastKeptBytes: number;
  totalQuotaBytes: number | null;
  nowMs: number;
  /** Nothing goes by its age while the clock may be wrong. */
  clockTrusted: boolean;
}

export interface Victim {
  segment: AgedSegment;
  cause: DeletionCause;
}

const DAY_MS = 86_400_000;
/** Footage of an event counts as a quarter as old as it is. That is as much as all that priority can do. */
const EVENT_AGE = 1 / 4;

/** At most `limit` segments. What has to go by its age or its camera's quota goes first: it may be all the room that is needed. */
export function planDeletions(view: RetentionView, limit: number): Victim[] {
  const round = new Round(view, limit);
  for (const camera of view.cameras) {
    if (!view.clockTrusted) continue;
    for (const segment of camera.oldest) {
      const days = segment.ofEvent ? (camera.eventDays ?? camera.days) : camera.days;
      const endMs = segment.recordedMs + (segment.endMs - segment.startMs);
      if (days !== null && endMs <= view.nowMs - days * DAY_MS) round.take(camera, segment, 'age');
    }
  }
  for (const camera of view.cameras) {
    const { quotaBytes } = camera;
    if (quotaBytes === null) continue;
    const over = () => camera.usedBytes + headroom(camera.growthBytes, quotaBytes) - round.freedOf(camera) - quotaBytes;
    round.takeOldest([camera], 'camera-quota', () => over() > 0);
  }
  const { totalQuotaBytes } = view;
  const growthBytes = sum(view.cameras.map(camera => camera.growthBytes));
  if (totalQuotaBytes !== null) {
    const usedBytes = sum(view.cameras.map(camera => camera.usedBytes));
    const over = () => usedBytes + headroom(growthBytes, totalQuotaBytes) - round.freedBytes - totalQuotaBytes;
    round.takeOldest(view.cameras, 'total-quota', () => over() > 0);
  }
  const unlockedBytes = unlockedOf(view);
  const { leastKeptBytes } = view;
  // What is going to be written may replace as much, whatever else lies on the volume.
  const mayTake = () => unlockedBytes + headroom(growthBytes, leastKeptBytes) - round.freedBytes > leastKeptBytes;
  const over = () => view.freeBytes + round.freedBytes < view.floorBytes + growthBytes;
  round.takeOldest(view.cameras, 'floor', () => over() && mayTake());
  return round.victims;
}

/** Bytes of footage that is not locked. */
export function unlockedOf({ cameras }: Pick<RetentionView, 'cameras'>): number {
  return sum(cameras.map(camera => camera.usedBytes - camera.lockedBytes));
}

/** True when a rule may be broken before a look in `factor` times the usual time. */
export function isNear(view: RetentionView, factor: number): boolean {
  const growthBytes = factor * sum(view.cameras.map(camera => camera.growthBytes));
  if (view.freeBytes < view.floorBytes + growthBytes) return true;
  const usedBytes = sum(view.cameras.map(camera => camera.usedBytes));
  if (view.totalQuotaBytes !== null && usedBytes + growthBytes > view.totalQuotaBytes) return true;
  return view.cameras.some(
    camera => camera.quotaBytes !== null && camera.usedBytes + factor * camera.growthBytes > camera.quotaBytes,
  );
}

/** A small quota, and the little that is kept, is not eaten up by the room that is made in it. */
function headroom(growthBytes: number, quotaBytes: number): number {
  return Math.min(growthBytes, quotaBytes / 4);
}

/**
 * How fast footage ages: that of a camera of priority 100 is kept twice as long as that of one of 50, of priority 0 half as long; footage
 * of events four times as long as other footage. So none is spared for ever.
 */
export function ageWeight(priority: number, ofEvent: boolean): number {
  return 2 ** ((50 - priority) / 50) * (ofEvent ? EVENT_AGE : 1);
}

class Round {
  readonly victims: Victim[] = [];
  freedBytes = 0;
  readonly #view: RetentionView;
  readonly #limit: number;
  readonly #taken = new Set<string>();
  readonly #freed = new Map<CameraId, number>();

  constructor(view: RetentionView, limit: number) {
    this.#view = view;
    this.#limit = limit;
  }

  freedOf(camera: RetainedCamera): number {
    return this.#freed.get(camera.camera) ?? 0;
  }

  take(camera: RetainedCamera, segment: AgedSegment, cause: DeletionCause): void {
    if (this.victims.length >= this.#limit || this.#taken.has(segment.id)) return;
    this.#taken.add(segment.id);
    this.victims.push({ segment, cause });
    this.freedBytes += segment.sizeBytes;
    this.#freed.set(camera.camera, this.freedOf(camera) + segment.sizeBytes);
  }

  takeOldest(cameras: readonly RetainedCamera[], cause: DeletionCause, needed: () => boolean): void {
    while (this.victims.length < this.#limit && needed()) {
      let best: { camera: RetainedCamera; segment: AgedSegment; age: number } | undefined;
      for (const camera of cameras) {
        for (const ofEvent of [false, true]) {
          const segment = camera.oldest.find(one => one.ofEvent === ofEvent && !this.#taken.has(one.id));
          if (!segment) continue;
          const age = (this.#view.nowMs - segment.recordedMs) * ageWeight(camera.priority, ofEvent);
          if (!best || age > best.age) best = { camera, segment, age };
        }
      }
      if (!best) return;
      this.take(best.camera, best.segment, cause);
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
