// Brings the store in line with a configuration file, in one commit, before anything is connected or recorded.
import { isDeepStrictEqual } from 'node:util';
import type { ProvisionedUsers } from '../accounts/index.ts';
import { type CameraStore, planProvisioned } from '../cameras/index.ts';
import { type Clock, type Logger, NvrError } from '../core/index.ts';
import { GO2RTC_SECTION } from '../go2rtc/index.ts';
import { MQTT_SECTION, storedMqtt } from '../mqtt/index.ts';
import { checkFloors, STORAGE_SECTION } from '../recording/index.ts';
import type { ProvisionedRestream } from '../restream/index.ts';
import type { Store } from '../storage/index.ts';
import type { Configuration } from './read.ts';

export interface ProvisioningOptions {
  /** Undefined when the service was started without one: then nothing is done. */
  configuration: Configuration | undefined;
  store: CameraStore & Pick<Store, 'putTogether' | 'settings' | 'volume'>;
  allowLoopback: boolean;
  clock: Clock;
  log: Logger;
}

export interface ConfigurationProblem {
  kind: 'configuration';
  message: string;
  cure: string;
  sinceMs: number;
}

export class Provisioning {
  readonly #options: ProvisioningOptions;
  #problem: ConfigurationProblem | undefined;

  constructor(options: ProvisioningOptions) {
    this.#options = options;
  }

  /**
   * Writes what differs; nothing when nothing does. Rejects, with nothing changed, for what this store cannot have: too many cameras, a
   * floor above half of the volume. A volume that cannot be written does not keep what was there before from being recorded.
   */
  async apply(): Promise<void> {
    const { configuration, store, allowLoopback, log, clock } = this.#options;
    if (!configuration) return;
    const { path, cameras } = configuration;
    const settings = await this.#settings(configuration);
    const plan = await planProvisioned(cameras, store, allowLoopback);
    const { records, added, changed, left } = plan;
    const file = { file: path, added, changed, left, settings: Object.keys(settings) };
    if (records.length === 0 && Object.keys(settings).length === 0) {
      log.info('the configuration is in force', { file: path });
      return;
    }
    try {
      await store.putTogether(records, settings);
      log.info('the configuration was changed', file);
    } catch (error) {
      if (!isOfVolume(error)) throw error;
      log.error('the configuration cannot be stored', { ...file, error });
      this.#problem = {
        kind: 'configuration',
        message: `What ${path} says could not be stored; what an earlier start stored is in force.`,
        cure: 'See that the storage volume can be written, and restart the service.',
        sinceMs: clock.nowMs(),
      };
    }
  }

  /** The users that the file gives, with the numbers of their cameras; to be asked when `apply` has resolved. */
  users(): ProvisionedUsers | undefined {
    const { configuration } = this.#options;
    if (!configuration?.users) return undefined;
    const users = configuration.users.map(({ cameras, ...user }) => {
      const seen = this.#idsOf(cameras);
      return { ...user, ...(seen && { cameras: seen }) };
    });
    return { path: configuration.path, users };
  }

  /** What the file says of restreaming, in the same way. It is not stored: without the file the owner's own is in force again. */
  restream(): ProvisionedRestream | undefined {
    const { path, restream } = this.#options.configuration ?? {};
    if (path === undefined || !restream) return undefined;
    const users = restream.users.map(({ name, secret, cameras }) => ({
      ...{ name, secret, cameras: this.#idsOf(cameras) ?? ('all' as const) },
    }));
    return { path, enabled: restream.enabled, listen: restream.listen, users };
  }

  /** The numbers of cameras by their keys. */
  #idsOf(keys: readonly string[] | undefined): number[] | undefined {
    if (!keys) return undefined;
    const rows = this.#options.store.cameras.list();
    const ids = new Map(rows.map(row => [(row as { provisioned?: { key?: string } }).provisioned?.key, row.id]));
    const seen = keys.map(key => ids.get(key)).filter(id => id !== undefined);
    return [...new Set(seen)].sort((a, b) => a - b);
  }

  problems(): ConfigurationProblem[] {
    return this.#problem ? [this.#problem] : [];
  }

  /** The sections that differ from what is stored. */
  async #settings({ storage, mqtt, go2rtc, check }: Configuration): Promise<Record<string, unknown>> {
    const { store } = this.#options;
    const wanted: Record<string, unknown> = {};
    if (storage) {
      const { totalBytes } = await store.volume();
      check('settings', () => checkFloors(storage, totalBytes));
      wanted[STORAGE_SECTION] = storage;
    }
    if (go2rtc) wanted[GO2RTC_SECTION] = go2rtc;
    if (mqtt) wanted[MQTT_SECTION] = storedMqtt(mqtt, store.settings.get(MQTT_SECTION), store);
    return Object.fromEntries(
      Object.entries(wanted).filter(([section, value]) => !isDeepStrictEqual(store.settings.get(section), value)),
    );
  }
}

function isOfVolume(error: unknown): boolean {
  return error instanceof NvrError && ['resource-exhausted', 'unavailable', 'data-loss'].includes(error.kind);
}
