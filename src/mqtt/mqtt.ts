// MQTT as one service: follows its settings, keeps one home at one broker, and says how that is.
import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { addressKind, NvrError, Turns } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import type { BrokerFigures, BrokerState } from './broker.ts';
import type { BrokerTarget } from './broker-link.ts';
import type { CommandFigures } from './commands.ts';
import { type MqttTestResult, testConnection } from './connection-test.ts';
import { BrokerFault } from './faults.ts';
import { Home, type HomeDevice, type HomeServices } from './home.ts';
import { checkMqtt, type MqttAccess, type MqttPatch, type MqttSettings, MqttSettingsKeeper } from './mqtt-settings.ts';
import { deviceId, OFFLINE, topicsBelow } from './topics.ts';

export interface MqttOptions extends Omit<HomeServices, 'storeUuid' | 'rssBytes' | 'random' | 'configurationUrl'> {
  /** Where the service listens. */
  url: string;
  store: Pick<Store, 'settings' | 'seal' | 'unseal' | 'uuid'>;
  /** The configuration file that gives the settings; then nobody else may change them. */
  provisionedBy?: string;
  /** 0 to 1; default: Math.random. */
  random?: () => number;
}

/** How it is. */
export interface MqttState extends Omit<BrokerState, 'name'>, BrokerFigures {
  name: 'off' | BrokerState['name'];
  commands: CommandFigures;
}

export interface MqttProblem {
  kind: 'mqtt';
  message: string;
  cure: string;
  sinceMs: number;
}

const NO_FIGURES = { queued: 0, queuedBytes: 0, published: 0, dropped: 0 };
const NO_COMMANDS: CommandFigures = { done: 0, refused: 0, dropped: 0 };

export class Mqtt {
  readonly #options: MqttOptions;
  readonly #settings: MqttSettingsKeeper;
  readonly #abort = new AbortController();
  #home: Home | undefined;
  #sinceMs: number;
  /** One change of settings after the other. */
  readonly #turns = new Turns();
  #isTesting = false;

  constructor(options: MqttOptions) {
    const { store, log, provisionedBy } = options;
    this.#options = options;
    this.#settings = new MqttSettingsKeeper({ store, log, ...(provisionedBy !== undefined && { provisionedBy }) });
    this.#sinceMs = options.clock.nowMs();
  }

  /** Connecting goes on by itself: nobody waits for a broker. */
  start(): void {
    const { store, clock, random = Math.random } = this.#options;
    const { enabled, url, prefix, discoveryPrefix, protocol } = this.#settings.get();
    this.#sinceMs = clock.nowMs();
    if (!enabled || url === '' || this.#home) return;
    const target = () => this.#target(topicsBelow(prefix).available);
    this.#home = new Home({
      ...this.#options,
      ...{ prefix, discoveryPrefix, protocol, target, random, storeUuid: store.uuid },
      rssBytes: () => process.memoryUsage.rss(),
      configurationUrl: reachable(this.#options.url),
    });
    this.#home.start();
  }

  /** Says goodbye within a second. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#home?.stop();
  }

  get settingsProvisioned(): boolean {
    return this.#settings.isProvisioned;
  }

  settings(): MqttSettings {
    return this.#settings.get();
  }

  /** As `MqttSettingsKeeper.check`. */
  check(patch: MqttPatch): void {
    this.#settings.check(patch);
  }

  /** Durable and in force when it resolves: the old broker knows that we are gone. As `MqttSettingsKeeper.update`. */
  update(patch: MqttPatch): Promise<MqttSettings> {
    return this.#turns.run(async () => {
      const before = this.#settings.get();
      const after = await this.#settings.update(patch);
      if (this.#abort.signal.aborted) return after;
      // Elsewhere at the same broker, what stood at the old place would stay for ever.
      const moved = before.prefix !== after.prefix || before.discoveryPrefix !== after.discoveryPrefix;
      await this.#home?.stop(moved && before.url === after.url);
      this.#home = undefined;
      if (!this.#abort.signal.aborted) this.start();
      return after;
    });
  }

  state(): MqttState {
    if (!this.#home) return { name: 'off', sinceMs: this.#sinceMs, ...NO_FIGURES, commands: NO_COMMANDS };
    const { broker, commands } = this.#home;
    return { ...broker.state(), ...broker.figures(), commands: commands.figures() };
  }

  /** What Home Assistant is told of. */
  devices(): HomeDevice[] {
    return this.#home?.devices() ?? [];
  }

  problems(): MqttProblem[] {
    const { problem, sinceMs } = this.#home?.broker.state() ?? {};
    if (!problem || sinceMs === undefined) return [];
    return [{ kind: 'mqtt', message: `MQTT: ${problem.message}.`, cure: problem.cure, sinceMs }];
  }

  /**
   * Tries what would be in force with this change. Rejects with `invalid-argument` for settings that cannot be, `resource-exhausted` while
   * another test runs.
   */
  async test(patch: MqttPatch): Promise<MqttTestResult> {
    const { store, clock } = this.#options;
    const access = this.#settings.access({ ...patch, enabled: true });
    checkMqtt(access);
    if (this.#isTesting) {
      throw new NvrError('resource-exhausted', 'another test is under way', { retryAfterS: 10, cure: 'Wait for it.' });
    }
    this.#isTesting = true;
    try {
      const { protocol, prefix, discoveryPrefix } = access;
      const device = `${deviceId(store.uuid)}_test`;
      const target = targetOf(access, `thimble-test-${randomBytes(4).toString('hex')}`);
      const { signal } = this.#abort;
      return await testConnection({ target, protocol, prefix, discoveryPrefix, device, clock, signal });
    } finally {
      this.#isTesting = false;
    }
  }

  #target(available: string): BrokerTarget {
    let access: MqttAccess;
    try {
      access = this.#settings.access();
    } catch (error) {
      if (error instanceof NvrError && error.kind === 'data-loss') throw new BrokerFault('password-unreadable');
      throw error;
    }
    // Brokers of MQTT 3.1.1 need not take more than 23 characters.
    const target = targetOf(access, `thimble-${this.#options.store.uuid.slice(0, 15)}`);
    return { ...target, will: { topic: available, payload: Buffer.from(OFFLINE), qos: 1, retain: true } };
  }
}

function targetOf({ url, username, password, ca, cert, key }: MqttAccess, clientId: string): BrokerTarget {
  return { url, clientId, username, password, ca, cert, key };
}

/** The address under which others find the pages, as far as we can know it: behind a proxy it may be another. */
function reachable(listening: string): string | undefined {
  const url = new URL(listening);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '0.0.0.0' || host === '::') {
    const all = Object.values(networkInterfaces()).flatMap(list => list ?? []);
    const first = all.find(({ address, family }) => family === 'IPv4' && addressKind(address) === 'ordinary');
    if (!first) return undefined;
    url.hostname = first.address;
    return url.origin;
  }
  return addressKind(host) === 'loopback' ? undefined : url.origin;
}
