// How much memory the seconds before events may take: what each camera needs, and what the board has for all of them.
import type { Camera } from '../cameras/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import type { EngineStats } from '../native/index.ts';

/** The part of a camera's settings that the need follows from. */
export type RingUser = Pick<Camera, 'id' | 'name' | 'enabled' | 'record' | 'events'>;

export interface RingNeed {
  camera: CameraId;
  bytes: number;
}

/** Of this machine, or of the control group that the service runs in. */
const SHARE_OF_MEMORY = 0.25;
/** Triggers come late by up to that much, and the ring begins with a keyframe. */
const LATENCY_MS = 2000;
/** Of a camera that has not shown yet what it sends. */
const USUAL_BITS_PER_SECOND = 4e6;
const USUAL_GOP_MS = 4000;
const MIB = 1024 * 1024;
/** Of each ring in any case: the newest GOP and the growing one. */
const LEAST_BYTES = 8 * MIB;

export class RingBudget {
  readonly #bytes: number;

  /** `memoryBytes`: what the service may use in all. */
  constructor(memoryBytes: number) {
    this.#bytes = memoryBytes * SHARE_OF_MEMORY;
  }

  /** Throws `failed-precondition` with the sum when a change makes the rings grow beyond what there is. */
  check(before: readonly RingUser[], after: readonly RingUser[], stats: EngineStats): void {
    const needs = needsOf(after, stats);
    const sum = total(needs);
    if (sum <= this.#bytes || sum <= total(needsOf(before, stats))) return;
    const names = new Map(after.map(({ id, name }) => [id, name]));
    const list = needs.map(({ camera, bytes }) => `${names.get(camera)} ${mib(bytes)}`).join(', ');
    throw new NvrError(
      'failed-precondition',
      `the time before events would take ${mib(sum)} of memory (${list}), and there are ${mib(this.#bytes)} for it`,
      {
        field: 'events.preRollMs',
        cure: 'Use a shorter preRollMs here or at another camera, a lower bit rate, or the mode continuous.',
      },
    );
  }

  /** The bound of a camera's ring: twice what it needs, and its part of what nobody needs. */
  boundOf(camera: RingUser, all: readonly RingUser[], stats: EngineStats): number {
    const needs = needsOf(all, stats);
    const need = needs.find(one => one.camera === camera.id)?.bytes ?? 0;
    const spare = Math.max(0, this.#bytes - total(needs)) / Math.max(1, needs.length);
    return Math.round(Math.max(LEAST_BYTES, need + Math.min(need, spare)));
  }
}

/** Of those that keep the time before events. */
function needsOf(cameras: readonly RingUser[], stats: EngineStats): RingNeed[] {
  return cameras.filter(keepsPast).map(({ id, events }) => {
    const stream = stats.streams.find(one => one.camera === id && one.stream === 'main');
    const bitsPerSecond = stream?.bitrateBps || USUAL_BITS_PER_SECOND;
    const spanMs = events.preRollMs + LATENCY_MS + (stream?.gopMs || USUAL_GOP_MS);
    return { camera: id, bytes: (spanMs / 1000) * (bitsPerSecond / 8) };
  });
}

function keepsPast({ enabled, record, events }: RingUser): boolean {
  const mayRecordEvents = record.schedule === undefined ? record.mode === 'events' : record.schedule.includes('e');
  return enabled && record.mode !== 'off' && mayRecordEvents && events.preRollMs > 0;
}

function total(needs: readonly RingNeed[]): number {
  return needs.reduce((sum, { bytes }) => sum + bytes, 0);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
