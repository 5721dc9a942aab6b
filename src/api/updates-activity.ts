// How lively each camera is at the moment, as the timeline tells it of the past: by its bytes per second, and by events that go on.
import type { CameraId } from '../core/index.ts';
import type { StreamStats } from '../native/index.ts';
import { levelOfRate } from './timeline-activity.ts';

/** While an event goes on. */
const LEVEL_OF_EVENT = 15;
/** What is usual follows the rate of the moment by so much in a second. */
const FOLLOW = 1 / 60;
/** Smaller changes of what bytes tell are noise. */
const LEAST_CHANGE = 2;

interface Liveliness {
  usualBps: number;
  rateBps: number;
  /** That go on. */
  events: Set<string>;
  /** What was told last. */
  told: number;
}

export class CameraActivity {
  readonly #cameras = new Map<CameraId, Liveliness>();

  begin(camera: CameraId, event: string): void {
    this.#of(camera).events.add(event);
  }

  end(camera: CameraId, event: string): void {
    this.#cameras.get(camera)?.events.delete(event);
  }

  /** To be called once a second. */
  measure(streams: readonly Pick<StreamStats, 'camera' | 'stream' | 'bitrateBps'>[]): void {
    const seen = new Set<CameraId>();
    for (const { camera, stream, bitrateBps } of streams) {
      if (stream !== 'main') continue;
      seen.add(camera);
      const one = this.#of(camera);
      one.rateBps = bitrateBps;
      one.usualBps = one.usualBps === 0 ? bitrateBps : one.usualBps + (bitrateBps - one.usualBps) * FOLLOW;
    }
    for (const [camera, { events }] of this.#cameras) {
      if (!seen.has(camera) && events.size === 0) this.#cameras.delete(camera);
    }
  }

  cameras(): CameraId[] {
    return [...this.#cameras.keys()];
  }

  /** Whether its level is worth telling of. */
  isNews(camera: CameraId): boolean {
    const one = this.#of(camera);
    const level = levelOf(one);
    if (level === one.told) return false;
    const isOfEvents = level === LEVEL_OF_EVENT || one.told === LEVEL_OF_EVENT;
    return isOfEvents || level <= 1 || Math.abs(level - one.told) >= LEAST_CHANGE;
  }

  /** Its level, 0 (no pictures) to 15, which counts as told now. */
  take(camera: CameraId): number {
    const one = this.#of(camera);
    one.told = levelOf(one);
    return one.told;
  }

  clear(): void {
    this.#cameras.clear();
  }

  #of(camera: CameraId): Liveliness {
    const one = this.#cameras.get(camera) ?? { usualBps: 0, rateBps: 0, events: new Set(), told: 0 };
    this.#cameras.set(camera, one);
    return one;
  }
}

function levelOf({ rateBps, usualBps, events }: Liveliness): number {
  if (events.size > 0) return LEVEL_OF_EVENT;
  return rateBps > 0 ? levelOfRate(rateBps, usualBps) : 0;
}
