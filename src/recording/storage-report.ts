// The figures of the storage page: what each camera's footage takes, what retention has done, and how far back footage will reach.
import type { Camera, Cameras } from '../cameras/index.ts';
import type { CameraId, Clock } from '../core/index.ts';
import type { Engine } from '../native/index.ts';
import type { Store } from '../storage/index.ts';
import { type CameraForecast, type ForecastCamera, forecast } from './forecast.ts';
import type { DeletedTotals, Retention } from './retention.ts';
import { recordsOnlyEvents } from './schedule.ts';
import { floorOf, type StorageSettings } from './storage-settings.ts';

export interface CameraStorage {
  camera: CameraId;
  segments: number;
  sizeBytes: number;
  lockedBytes: number;
  /** Start of the oldest and end of the newest closed segment; absent without any. */
  oldestMs?: number;
  newestMs?: number;
  /** Rules of the camera's own; null = none. */
  days: number | null;
  quotaBytes: number | null;
}

export interface StorageFigures {
  freeBytes: number;
  totalBytes: number;
  /** Free space that retention keeps. */
  floorBytes: number;
  totalQuotaBytes: number | null;
  segments: number;
  sizeBytes: number;
  lockedBytes: number;
  /** Also cameras that are gone but for their footage. */
  cameras: CameraStorage[];
  /** By retention since the start of the service. */
  deleted: DeletedTotals;
}

/** What if. Those of a camera hold for `camera`, or for all when it is left out. Null = no limit. */
export interface ForecastOverrides {
  camera?: CameraId;
  days?: number | null;
  quotaBytes?: number | null;
  bitrateBps?: number;
  floorBytes?: number;
  totalQuotaBytes?: number | null;
}

export interface StorageReportOptions {
  store: Pick<Store, 'segments' | 'volume'>;
  engine: Pick<Engine, 'stats'>;
  cameras: Pick<Cameras, 'list'>;
  settings: () => StorageSettings;
  retention: Pick<Retention, 'deleted'>;
  clock: Pick<Clock, 'nowMs'>;
}

const DAY_MS = 86_400_000;
const END_OF_TIME_MS = 253_402_300_799_999;
/** Less than this says little about a day. */
const MIN_WINDOW_MS = 60_000;
/** A day of segments of 5 s, of both streams. */
const MAX_SEGMENTS = 40_000;

export class StorageReport {
  readonly #options: StorageReportOptions;

  constructor(options: StorageReportOptions) {
    this.#options = options;
  }

  /** Rejects when the volume cannot be asked. */
  async figures(): Promise<StorageFigures> {
    const { store, cameras, settings, retention } = this.#options;
    const { freeBytes, totalBytes } = await store.volume();
    const known = new Map(cameras.list().map(camera => [camera.id, camera]));
    const ids = new Set([...known.keys(), ...store.segments.streams().map(({ camera }) => camera)]);
    return {
      freeBytes,
      totalBytes,
      floorBytes: floorOf(settings(), totalBytes),
      totalQuotaBytes: settings().totalQuotaBytes,
      ...store.segments.totals(),
      lockedBytes: store.segments.lockedBytes(),
      cameras: [...ids].sort((a, b) => a - b).map(id => this.#camera(id, known.get(id))),
      deleted: retention.deleted,
    };
  }

  /** How many days of each camera will be kept once the volume is full. */
  async forecast(overrides: ForecastOverrides = {}): Promise<CameraForecast[]> {
    const { store, cameras, settings } = this.#options;
    const { freeBytes, totalBytes } = await store.volume();
    const floorBytes = overrides.floorBytes ?? floorOf(settings(), totalBytes);
    return forecast({
      cameras: cameras.list().map(camera => this.#assumed(camera, overrides)),
      roomBytes: freeBytes + store.segments.totals().sizeBytes - floorBytes,
      totalQuotaBytes: overridden(overrides.totalQuotaBytes, settings().totalQuotaBytes),
    });
  }

  #camera(id: CameraId, camera: Camera | undefined): CameraStorage {
    const { segments } = this.#options.store;
    const [oldest] = segments.list({ camera: id, startMs: 0, endMs: END_OF_TIME_MS, limit: 1 }).segments;
    const ends = (['main', 'sub'] as const).map(stream => segments.last(id, stream)?.endMs ?? 0);
    return {
      camera: id,
      ...segments.totals(id),
      lockedBytes: segments.lockedBytes(id),
      ...(oldest ? { oldestMs: oldest.startMs, newestMs: Math.max(...ends) } : {}),
      days: camera?.retention.days ?? null,
      quotaBytes: camera?.retention.quotaBytes ?? null,
    };
  }

  #assumed(camera: Camera, overrides: ForecastOverrides): ForecastCamera {
    const own = overrides.camera === undefined || overrides.camera === camera.id ? overrides : {};
    const { days, eventDays } = camera.retention;
    const eventsOnly = recordsOnlyEvents(camera.record);
    const bytesPerDay = own.bitrateBps === undefined ? this.#bytesPerDay(camera) : (own.bitrateBps * 86_400) / 8;
    return {
      camera: camera.id,
      priority: camera.priority,
      eventsOnly,
      days: overridden(own.days, eventsOnly ? (eventDays ?? days) : days),
      quotaBytes: overridden(own.quotaBytes, camera.retention.quotaBytes),
      bytesPerDay: Math.round(bytesPerDay),
      lockedBytes: this.#options.store.segments.lockedBytes(camera.id),
    };
  }

  /** What it wrote in the last 24 h, or since its first footage in them; of a camera that has just begun, its rate of the moment. */
  #bytesPerDay({ id }: Camera): number {
    const { store, engine, clock } = this.#options;
    const nowMs = clock.nowMs();
    const streams = engine.stats().streams.filter(stream => stream.camera === id);
    const query = { camera: id, startMs: nowMs - DAY_MS, endMs: nowMs, limit: MAX_SEGMENTS };
    const written = [...store.segments.list(query).segments, ...streams.flatMap(stream => stream.open)];
    const fromMs = Math.max(nowMs - DAY_MS, Math.min(...written.map(segment => segment.startMs)));
    if (nowMs - fromMs < MIN_WINDOW_MS || written.length === 0) {
      return streams.reduce((sum, stream) => sum + (stream.open.length > 0 ? stream.bitrateBps : 0), 0) * (86_400 / 8);
    }
    const sizeBytes = written.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    return (sizeBytes / (nowMs - fromMs)) * DAY_MS;
  }
}

function overridden<T>(override: T | undefined, value: T): T {
  return override === undefined ? value : override;
}
