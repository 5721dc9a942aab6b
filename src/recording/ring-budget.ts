// How much memory the seconds before events may take: what each camera needs, and what the board has for all of them.
import type { Camera } from '../cameras/index.ts';
import { type CameraId, NvrError, STREAM_NAMES, type StreamName } from '../core/index.ts';
import type { EngineStats, StreamStats } from '../native/index.ts';
import { recordsEvents } from './schedule.ts';

/** The part of a camera's settings that the need follows from. */
export type RingUser = Pick<Camera, 'id' | 'name' | 'enabled' | 'record' | 'events' | 'sub'>;

interface RingNeed {
  camera: CameraId;
  stream: StreamName;
  bytes: number;
  /** More than the GOPs that an event begins with. */
  hasPreRoll: boolean;
}

interface Peak {
  bitsPerSecond: number;
  gopMs: number;
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

/** The engine takes no larger one. */
const MOST_BYTES = 2 ** 31;
/** What is left of a peak at the next call of `note`: half of it after 35. */
const PEAK_LEFT = 0.98;

export class RingBudget {
  readonly #bytes: number;
  /** The most that each stream has sent lately. */
  #peaks = new Map<string, Peak>();

  /** `memoryBytes`: what the service may use in all. */
  constructor(memoryBytes: number) {
    this.#bytes = memoryBytes * SHARE_OF_MEMORY;
  }

  /**
   * Remembers what streams send; to be called every 15 s or so. A ring that were measured by the present alone would lose what it holds
   * of a busy time as soon as it is quiet.
   */
  note({ streams }: EngineStats): void {
    const before = this.#peaks;
    this.#peaks = new Map(
      streams.map(one => {
        const { bitsPerSecond = 0, gopMs = 0 } = before.get(peakKey(one)) ?? {};
        const peak = {
          bitsPerSecond: Math.max(one.bitrateBps, bitsPerSecond * PEAK_LEFT),
          gopMs: Math.max(one.gopMs, gopMs * PEAK_LEFT),
        };
        return [peakKey(one), peak];
      }),
    );
  }

  /** Throws `failed-precondition` with the sum when a change makes the rings grow beyond what there is. */
  check(before: readonly RingUser[], after: readonly RingUser[], stats: EngineStats): void {
    const needs = this.#needsOf(after, stats).filter(({ hasPreRoll }) => hasPreRoll);
    const sum = total(needs);
    if (sum <= this.#bytes) return;
    if (sum <= total(this.#needsOf(before, stats).filter(({ hasPreRoll }) => hasPreRoll))) return;
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
   * settings were accepted, each gets its part of what there is, and the time before events gets shorter. Rings without a pre-roll get of
   * what is left.
   */
  boundOf({ id }: RingUser, stream: StreamName, all: readonly RingUser[], stats: EngineStats): number {
    const needs = this.#needsOf(all, stats);
    const sum = total(needs.filter(({ hasPreRoll }) => hasPreRoll));
    const own = needs.find(one => one.camera === id && one.stream === stream);
    const need = own?.bytes ?? 0;
    const spare = Math.max(0, this.#bytes - sum) / Math.max(1, needs.length);
    const promised = sum > this.#bytes ? need * (this.#bytes / sum) : need + Math.min(need, spare);
    const share = own?.hasPreRoll ? promised : Math.min(2 * need, spare);
    return Math.round(Math.min(MOST_BYTES, Math.max(LEAST_BYTES[stream], share)));
  }

  /** Of those that may record events. */
  #needsOf(cameras: readonly RingUser[], stats: EngineStats): RingNeed[] {
    return cameras.filter(mayRecordEvents).flatMap(({ id, events, record, sub }) => {
      const needs: RingNeed[] = [];
      for (const name of STREAM_NAMES) {
        const stream = stats.streams.find(one => one.camera === id && one.stream === name);
        // Whether `auto` records the sub stream shows when it is connected.
        if (name === 'sub' && !stream && !(sub && record.streams === 'both')) continue;
        const peak = this.#peaks.get(peakKey({ camera: id, stream: name }));
        const bitsPerSecond =
          Math.max(stream?.bitrateBps ?? 0, peak?.bitsPerSecond ?? 0) || USUAL_BITS_PER_SECOND[name];
        const gopMs = Math.max(stream?.gopMs ?? 0, peak?.gopMs ?? 0) || USUAL_GOP_MS;
        const bytes = ((events.preRollMs + LATENCY_MS + gopMs) / 1000) * (bitsPerSecond / 8);
        needs.push({ camera: id, stream: name, bytes, hasPreRoll: events.preRollMs > 0 });
      }
      return needs;
    });
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

function mayRecordEvents({ enabled, record }: RingUser): boolean {
  return enabled && recordsEvents(record);
}

function peakKey({ camera, stream }: Pick<RingNeed, 'camera' | 'stream'>): string {
  return `${camera}/${stream}`;
}

function total(needs: readonly RingNeed[]): number {
  return needs.reduce((sum, { bytes }) => sum + bytes, 0);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
