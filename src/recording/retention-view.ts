// What retention sees at a look: the cameras with their rules, what they take and write, and what of each would go next.
import type { Camera, Cameras } from '../cameras/index.ts';
import type { CameraId, Clock, StreamName } from '../core/index.ts';
import type { Engine, EngineStats } from '../native/index.ts';
import type { AgedSegment, Store } from '../storage/index.ts';
import { EARLIEST_MS } from './clock-trust.ts';
import type { LeastKept } from './least-kept.ts';
import { type RetainedCamera, type RetentionView, unlockedOf } from './retention-plan.ts';
import { floorOf, type StorageSettings } from './storage-settings.ts';

export interface RetentionViewerOptions {
  store: Pick<Store, 'segments'>;
  engine: Pick<Engine, 'stats'>;
  cameras: Pick<Cameras, 'list'>;
  settings: () => StorageSettings;
  clockTrusted: () => boolean;
  clock: Pick<Clock, 'nowMs'>;
  leastKept: Pick<LeastKept, 'bytes'>;
  /** True for a stream that goes on in another file, which does not show yet. */
  isBetweenFiles: (camera: CameraId, stream: StreamName) => boolean;
  /** How many of the oldest segments are wanted, of each stream and kind. */
  segmentsOfEach: number;
}

const MIB = 1024 * 1024;
/** The engine takes a quarter of a planned segment ahead, within these bounds. */
const MIN_AHEAD_BYTES = MIB;
const MAX_AHEAD_BYTES = 32 * MIB;
/** Of a stream whose rate is not known yet. */
const USUAL_BPS = 4_000_000;
const DEFAULT_PRIORITY = 50;

export class RetentionViewer {
  readonly #options: RetentionViewerOptions;

  constructor(options: RetentionViewerOptions) {
    this.#options = options;
  }

  /** `aheadMs`: for so long there has to be room. */
  view(freeBytes: number, totalBytes: number, aheadMs: number): RetentionView {
    const { store, engine, cameras, settings, clock, clockTrusted, leastKept } = this.#options;
    const { totalQuotaBytes } = settings();
    const stats = engine.stats();
    const known = new Map(cameras.list().map(camera => [camera.id, camera]));
    const nowMs = clock.nowMs();
    const ids = new Set([...known.keys(), ...store.segments.streams().map(({ camera }) => camera)]);
    const retained = [...ids].map(id => this.#retained(id, known.get(id), stats, nowMs, aheadMs));
    const unlockedBytes = unlockedOf({ cameras: retained });
    return {
      cameras: retained,
      freeBytes,
      leastKeptBytes: leastKept.bytes({ totalBytes, unlockedBytes, totalQuotaBytes }),
      floorBytes: floorOf(settings(), totalBytes),
      totalQuotaBytes,
      nowMs,
      clockTrusted: clockTrusted(),
    };
  }

  #retained(
    id: CameraId,
    camera: Camera | undefined,
    stats: EngineStats,
    nowMs: number,
    aheadMs: number,
  ): RetainedCamera {
    const { isBetweenFiles } = this.#options;
    const { segments } = this.#options.store;
    const open = stats.streams.filter(
      ({ camera: owner, stream, open: files }) => owner === id && (files.length > 0 || isBetweenFiles(id, stream)),
    );
    const openBytes = open.flatMap(stream => stream.open).reduce((sum, segment) => sum + segment.sizeBytes, 0);
    const growth = open.map(({ bitrateBps }) => {
      const bytesPerSecond = (bitrateBps || USUAL_BPS) / 8;
      const quarter = (bytesPerSecond * (camera?.record.segmentMs ?? 0)) / 4000;
      return bytesPerSecond * (aheadMs / 1000) + Math.min(Math.max(quarter, MIN_AHEAD_BYTES), MAX_AHEAD_BYTES);
    });
    return {
      camera: id,
      priority: camera?.priority ?? DEFAULT_PRIORITY,
      days: camera?.retention.days ?? null,
      eventDays: camera?.retention.eventDays ?? null,
      quotaBytes: camera?.retention.quotaBytes ?? null,
      usedBytes: segments.totals(id).sizeBytes + openBytes,
      lockedBytes: segments.lockedBytes(id),
      growthBytes: growth.reduce((sum, bytes) => sum + bytes, 0),
      oldest: this.#oldest(id, nowMs),
    };
  }

  #oldest(camera: CameraId, nowMs: number): AgedSegment[] {
    const { store, segmentsOfEach: limit } = this.#options;
    const own = store.segments.streams().filter(stream => stream.camera === camera);
    return own
      .flatMap(({ stream }) =>
        [false, true].flatMap(ofEvents =>
          store.segments.oldest({ camera, stream, ofEvents, limit, earliestMs: EARLIEST_MS, nowMs }),
        ),
      )
      .sort(byAge);
  }
}

function byAge(a: AgedSegment, b: AgedSegment): number {
  return a.recordedMs - b.recordedMs || a.clockGen - b.clockGen;
}
