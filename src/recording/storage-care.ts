// The care of the storage volume as one service: settings, retention, locks, the trust in the clock, and the figures about them.
import type { Cameras } from '../cameras/index.ts';
import type { Clock, EventBus, Logger } from '../core/index.ts';
import type { Engine } from '../native/index.ts';
import type { Segment, Store } from '../storage/index.ts';
import { ClockTrust } from './clock-trust.ts';
import type { CameraForecast } from './forecast.ts';
import { Retention, type RetentionProblem } from './retention.ts';
import { type ForecastOverrides, type StorageFigures, StorageReport } from './storage-report.ts';
import { type StoragePatch, type StorageSettings, StorageSettingsKeeper } from './storage-settings.ts';

export interface StorageCareOptions {
  store: Pick<
    Store,
    | 'segments'
    | 'events'
    | 'deleteSegments'
    | 'retryDeletions'
    | 'isThere'
    | 'volume'
    | 'settings'
    | 'lockSegment'
    | 'clockGeneration'
  >;
  engine: Pick<Engine, 'stats' | 'on'>;
  cameras: Pick<Cameras, 'list'>;
  /** What the kernel says: a time server keeps the clock. */
  clockSynchronised: () => boolean;
  /** The configuration file that the settings come from, when they do. */
  provisionedBy?: string;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

export class StorageCare {
  readonly #options: StorageCareOptions;
  readonly #settings: StorageSettingsKeeper;
  readonly #trust: ClockTrust;
  readonly #retention: Retention;
  readonly #report: StorageReport;
  #unsubscribe: (() => void) | undefined;

  constructor(options: StorageCareOptions) {
    const { store, engine, cameras, bus, clock, log, clockSynchronised, provisionedBy } = options;
    this.#options = options;
    this.#settings = new StorageSettingsKeeper(store, log, provisionedBy);
    const settings = () => this.#settings.get();
    const confirmed = () => settings().clockConfirmed;
    this.#trust = new ClockTrust({ clock, synchronised: clockSynchronised, confirmed });
    const clockTrusted = () => this.#trust.trusted;
    this.#retention = new Retention({ store, engine, cameras, settings, clockTrusted, bus, clock, log });
    this.#report = new StorageReport({ store, engine, cameras, settings, retention: this.#retention, clock });
  }

  /** Makes room before anything records. */
  async start(signal: AbortSignal): Promise<void> {
    this.#unsubscribe = this.#options.engine.on(event => {
      if (event.type === 'clock-step') this.#trust.stepped();
    });
    await this.#retention.start(signal);
  }

  /** Resolves when nothing is being deleted any more. Idempotent. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#retention.stop();
  }

  settings(): StorageSettings {
    return this.#settings.get();
  }

  /** Resolves when durable and in force; what is to be deleted because of it is deleted from now on. */
  async updateSettings(patch: StoragePatch): Promise<StorageSettings> {
    const settings = await this.#settings.update(patch);
    this.#retention.look();
    return settings;
  }

  /** Locks or unlocks a closed segment. Durable when it resolves; rejects with `not-found`. */
  async lockSegment(id: string, locked: boolean): Promise<Segment> {
    const segment = await this.#options.store.lockSegment(id, locked);
    if (!locked) this.#retention.look();
    return segment;
  }

  /** True when a configuration file gives the settings, so that `updateSettings` refuses. */
  get settingsProvisioned(): boolean {
    return this.#options.provisionedBy !== undefined;
  }

  figures(): Promise<StorageFigures> {
    return this.#report.figures();
  }

  forecast(overrides: ForecastOverrides): Promise<CameraForecast[]> {
    return this.#report.forecast(overrides);
  }

  clockState(): { trusted: boolean; generation: number } {
    return { trusted: this.#trust.trusted, generation: this.#options.store.clockGeneration };
  }

  problems(): RetentionProblem[] {
    const { problem } = this.#retention;
    return problem ? [problem] : [];
  }
}
