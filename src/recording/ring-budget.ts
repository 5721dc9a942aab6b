// How much memory the seconds before events may take: what each camera needs, and what the board has for all of them.
import type { Camera } from '../cameras/index.ts';
import { type CameraId, NvrError, STREAM_NAMES, type StreamName } from '../core/index.ts';
import type { EngineStats, StreamStats } from '../native/index.ts';

/** The part of a camera's settings that the need follows from. */
export type RingUser = Pick<Camera, 'id' | 'name' | 'enabled' | 'record' | 'events' | 'sub'>;

interface RingNeed {
  camera: CameraId;
  stream: StreamName;
  bytes: number;
}

/** Of this machine, or of the control group that the service runs in. */
const SHARE_OF_MEMORY = 0.25;
/** Triggers come late by up to that much, and the ring begins with a keyframe. */
const LATENCY_MS = 2000;
/** Of a stream that has not shown yet what it sends. */
const USUAL_BITS_PER_SECOND: Record<StreamName, number> = { main: 4e6, sub: 0.5e6 };
const USUAL_GOP_MS = 4000;
const MIB = 1024 * 1024;
/** The bound of a ring in any case: the newest GOP and the growing one. */
const LEAST_BYTES: Record<StreamName, number> = { main: 8 * MIB, sub: 2 * MIB };

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
    const list = after
      .map(({ id, name }) => ({ name, bytes: total(needs.filter(({ camera }) => camera === id)) }))
      .filter(({ bytes }) => bytes > 0)
      .map(({ name, bytes }) => `${name} ${mib(bytes)}`);
    throw new NvrError(
      'failed-precondition',
      `the time before events would take ${mib(sum)} of memory (${list.join(', ')}), and there are ${mib(this.#bytes)} for it`,
      {
        field: 'events.preRollMs',
        cure: 'Use a shorter preRollMs here or at another camera, a lower bit rate, or the mode continuous.',
      },
    );
  }

  /**
   * The bound of a ring: twice what it needs, with its part of what nobody needs. When the cameras send more than they did when their
   * settings were accepted, each gets its part of what there is, and the time before events gets shorter.
   */
  boundOf({ id }: RingUser, stream: StreamName, all: readonly RingUser[], stats: EngineStats): number {
    const needs = needsOf(all, stats);
    const sum = total(needs);
    const need = needs.find(one => one.camera === id && one.stream === stream)?.bytes ?? 0;
    const spare = Math.max(0, this.#bytes - sum) / Math.max(1, needs.length);
    const share = sum > this.#bytes ? need * (this.#bytes / sum) : need + Math.min(need, spare);
    return Math.round(Math.max(LEAST_BYTES[stream], share));
  }
}

/** How far the ring of a stream reaches back when it plays for so long, and should; undefined while it does. */
export function shortPastMs(
  { events }: Pick<RingUser, 'events'>,
  stream: StreamStats,
  liveForMs: number,
): number | undefined {
  const isFilled = liveForMs > events.preRollMs + LATENCY_MS + 2 * stream.gopMs;
  return isFilled && stream.ringMs < events.preRollMs ? stream.ringMs : undefined;
}

/** Of those that keep the time before events. */
function needsOf(cameras: readonly RingUser[], stats: EngineStats): RingNeed[] {
  return cameras.filter(keepsPast).flatMap(({ id, events, record, sub }) => {
    const needs: RingNeed[] = [];
    for (const name of STREAM_NAMES) {
      const stream = stats.streams.find(one => one.camera === id && one.stream === name);
      // Whether `auto` records the sub stream shows when it is connected.
      if (name === 'sub' && !stream && !(sub && record.streams === 'both')) continue;
      const bitsPerSecond = stream?.bitrateBps || USUAL_BITS_PER_SECOND[name];
      const spanMs = events.preRollMs + LATENCY_MS + (stream?.gopMs || USUAL_GOP_MS);
      needs.push({ camera: id, stream: name, bytes: (spanMs / 1000) * (bitsPerSecond / 8) });
    }
    return needs;
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
