// The recorder as others at one broker see it: who it is, what it has, how it is, and what happens; made anew at each connection.
import type { Camera, Cameras } from '../cameras/index.ts';
import {
  background,
  type CameraEventSummary,
  type CameraId,
  type Clock,
  type EventBus,
  type Logger,
} from '../core/index.ts';
import type { CameraEvents } from '../events/index.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import type { BrokerLink } from './broker-link.ts';
import { Commands, type CommandsOptions } from './commands.ts';
import { cameraDiscovery, type Discovery, type DiscoveryFacts, presetNames, systemDiscovery } from './discovery.ts';
import { EventFeed } from './event-feed.ts';
import { EventPictures } from './event-pictures.ts';
import { BrokerFault } from './faults.ts';
import { cameraStates, daysSince, type StorageFacts, systemStatus, updateState } from './states.ts';
import {
  birthTopic,
  CAMERA_STATES,
  deviceId,
  discoveryTopic,
  OFFLINE,
  ONLINE,
  SYSTEM_STATES,
  type Topics,
  topicsBelow,
} from './topics.ts';
import type { Publication } from './wire.ts';

/** What the rest of the service knows and does. */
export interface HomeServices {
  cameras: Pick<Cameras, 'list' | 'get' | 'update' | 'presets' | 'goToPreset'>;
  events: Pick<CameraEvents, 'trigger' | 'find' | 'list' | 'ongoing' | 'picturePath'>;
  storage(): Promise<StorageFacts>;
  /** How many there are, cameras apart. */
  problems(): number;
  rssBytes(): number;
  /** Takes down who changed what. */
  audit: CommandsOptions['audit'];
  bus: EventBus;
  clock: Clock;
  log: Logger;
  random(): number;
  storeUuid: string;
  version: string;
  startedMs: number;
  configurationUrl?: string | undefined;
  /** Absent when nobody would start the service again. */
  restart?: (() => void) | undefined;
}

/** One device of Home Assistant's. */
export interface HomeDevice {
  /** Absent for the recorder itself. */
  camera?: CameraId;
  name: string;
  entities: { name: string; platform: string }[];
}

export interface HomeOptions extends HomeServices {
  prefix: string;
  discoveryPrefix: string | null;
  target: BrokerOptions['target'];
  protocol: BrokerOptions['protocol'];
}

/** Figures that change all the time are told so often. */
const REFRESH_MS = 30_000;
/** Between the devices that Home Assistant is told of: it sets up each entity as it hears of it. */
const ANNOUNCE_MS = 100;
/** After Home Assistant's start it hears from everybody: not from all at the same moment. */
const BIRTH_MS = { least: 500, spread: 2500 };
const WAIT_MS = 20;
/** The recorder itself among the devices to be announced. */
const SYSTEM = 0;

/** What was left at the broker by whoever used the prefix before. */
interface Found {
  store?: string;
  isOnline: boolean;
  cameras: Set<CameraId>;
}

export class Home {
  readonly broker: Broker;
  readonly commands: Commands;
  readonly topics: Topics;
  readonly #options: HomeOptions;
  readonly #feed = new EventFeed();
  readonly #pictures: EventPictures;
  /** What the broker has of us since we are connected. */
  readonly #retained = new Map<string, string>();
  readonly #ongoing = new Map<CameraId, string>();
  readonly #dirty = new Set<CameraId>();
  readonly #gone = new Set<CameraId>();
  readonly #announcing = new Set<CameraId>();
  readonly #marks = new Map<CameraId, string>();
  #storage: StorageFacts | undefined;
  /** The prefix is ours at this connection. */
  #isOurs = false;
  #found: Found | undefined;
  #cancelRefresh: () => void = () => undefined;
  #cancelAnnounce: (() => void) | undefined;
  #cancelBirth: () => void = () => undefined;
  #unsubscribe: (() => void)[] = [];

  constructor(options: HomeOptions) {
    const { prefix, target, protocol, clock, log, random, cameras, events, restart, audit } = options;
    this.#options = options;
    this.topics = topicsBelow(prefix);
    this.broker = new Broker({
      ...{ target, protocol, clock, log, random },
      onLink: (link, signal) => this.#greet(link, signal),
      onLost: () => this.#lost(),
      onRoom: () => {
        this.#publishStates();
        this.#pictures.resume();
      },
      onMessage: (topic, payload, isRetained) => this.#hear(topic, payload, isRetained),
      onOversized: sizeBytes => log.warn('a message over MQTT is too long and was left out', { sizeBytes }),
    });
    this.commands = new Commands({ cameras, events, restart, audit, clock, log, onDone: id => this.#echo(id) });
    this.#pictures = new EventPictures({
      ...{ events, clock, log },
      hasRoom: () => this.broker.isOnline,
      publish: (camera, payload) => this.#retain(this.topics.camera(camera, 'picture'), payload),
    });
  }

  start(): void {
    const { bus, events } = this.#options;
    for (const { id, camera } of events.ongoing()) this.#ongoing.set(camera, id);
    this.#unsubscribe = [
      bus.on('camera.state', ({ camera }) => this.#changed(camera)),
      bus.on('camera.problems', ({ camera }) => this.#changed(camera)),
      bus.on('camera.changed', ({ camera }) => this.#changed(camera)),
      bus.on('camera.removed', ({ camera }) => this.#removed(camera)),
      bus.on('event.opened', event => this.#happened(event)),
      bus.on('event.updated', event => this.#happened(event)),
      bus.on('event.closed', event => this.#happened(event)),
      bus.on('event.removed', ({ id }) => this.#feed.forget(id)),
    ];
    this.#armRefresh();
    this.broker.start();
  }

  /** Says goodbye. `forget`: nothing of us is to be left at the broker, which is there. */
  async stop(forget = false): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#cancelRefresh();
    this.#cancelAnnounce?.();
    this.#cancelBirth();
    this.commands.stop();
    this.#pictures.stop();
    await this.broker.stop(forget ? this.#allRetained() : [state(this.topics.available, OFFLINE)]);
  }

  /** What Home Assistant is told of, or would be. */
  devices(): HomeDevice[] {
    const { discoveryPrefix, cameras } = this.#options;
    if (discoveryPrefix === null) return [];
    return [SYSTEM, ...cameras.list().map(({ id }) => id)].flatMap(id => {
      const content = this.#content(id);
      if (!content) return [];
      const entities = Object.values(content.components).map(({ name, platform }) => ({ name, platform }));
      return [{ ...(id !== SYSTEM && { camera: id }), name: content.device.name, entities }];
    });
  }

  #allRetained(): Publication[] {
    const ids = this.#options.cameras.list().map(({ id }) => id);
    const { available, store } = this.topics;
    const topics = [...ids.flatMap(id => this.#topicsOf(id)), ...this.#systemTopics(), available, store];
    return topics.map(topic => state(topic, ''));
  }

  #topicsOf(camera: CameraId, storeUuid: string = this.#options.storeUuid): string[] {
    const { discoveryPrefix } = this.#options;
    return [
      ...(discoveryPrefix === null ? [] : [discoveryTopic(discoveryPrefix, deviceId(storeUuid, camera))]),
      ...CAMERA_STATES.map(what => this.topics.camera(camera, what)),
    ];
  }

  #systemTopics(storeUuid: string = this.#options.storeUuid): string[] {
    const { discoveryPrefix, prefix } = this.#options;
    return [
      ...(discoveryPrefix === null ? [] : [discoveryTopic(discoveryPrefix, deviceId(storeUuid))]),
      ...SYSTEM_STATES.map(what => `${prefix}/${what}`),
    ];
  }

  /** A new connection: states first, then that they hold, then who we are. */
  async #greet(link: BrokerLink, signal: AbortSignal): Promise<void> {
    const { cameras, clock, discoveryPrefix, storeUuid } = this.#options;
    const found = await this.#look(link);
    if (found.store !== undefined && found.store !== storeUuid && found.isOnline)
      throw new BrokerFault('prefix-in-use');
    const birth = discoveryPrefix === null ? [] : [birthTopic(discoveryPrefix)];
    await link.subscribe([...this.topics.commands, ...birth].map(filter => ({ filter, retained: false })));
    await link.publishSurely(state(this.topics.store, storeUuid));
    this.#clear(found, link);
    this.#isOurs = true;
    this.#retained.clear();
    this.#dirty.add(SYSTEM);
    for (const { id } of cameras.list()) this.#dirty.add(id);
    for (this.#publishStates(); this.#dirty.size > 0; this.#publishStates()) await clock.sleep(WAIT_MS, signal);
    await link.publishSurely(state(this.topics.available, ONLINE));
    if (discoveryPrefix !== null) await link.publishSurely(this.#discovery(SYSTEM, discoveryPrefix) as Publication);
    this.#announceAll(false);
    // Asks the volume, which may take its time.
    background(this.#refreshStorage(), 'figures for MQTT', this.#options.log);
  }

  /** What is retained below our prefix, as far as it matters. */
  async #look(link: BrokerLink): Promise<Found> {
    const { available, store, leftBehind } = this.topics;
    const found: Found = { isOnline: false, cameras: new Set() };
    this.#found = found;
    try {
      const filters = [available, store, leftBehind];
      await link.subscribe(filters.map(filter => ({ filter, retained: true })));
      await link.settled();
      await link.unsubscribe(filters);
      return found;
    } finally {
      this.#found = undefined;
    }
  }

  /** Cameras that went while the broker was away, and a recorder that is no more. */
  #clear({ store = this.#options.storeUuid, cameras: left }: Found, link: BrokerLink): void {
    const { cameras, storeUuid } = this.#options;
    const isOther = store !== storeUuid;
    // It names a topic.
    const isName = /^[a-z0-9]{1,64}$/.test(store);
    const gone = [...left].filter(id => isOther || !cameras.get(id));
    const topics = [
      ...gone.flatMap(id => this.#topicsOf(id, isName ? store : storeUuid)),
      ...(isOther && isName ? this.#systemTopics(store) : []),
    ];
    for (const topic of topics) link.publish(state(topic, ''));
  }

  #lost(): void {
    this.#isOurs = false;
    this.#pictures.lost();
    this.#retained.clear();
    this.#announcing.clear();
    this.#cancelAnnounce?.();
    this.#cancelAnnounce = undefined;
    this.#cancelBirth();
  }

  #hear(topic: string, payload: Buffer, isRetained: boolean): void {
    const found = this.#found;
    const left = this.topics.leftBy(topic);
    if (found && topic === this.topics.store) found.store = payload.toString('utf8', 0, 128);
    else if (found && topic === this.topics.available) found.isOnline = payload.toString('utf8', 0, 16) === ONLINE;
    else if (found && left !== undefined && found.cameras.size < 1000) found.cameras.add(left);
    const { discoveryPrefix } = this.#options;
    if (discoveryPrefix !== null && topic === birthTopic(discoveryPrefix)) {
      if (payload.toString('utf8', 0, 16) === ONLINE && !isRetained) this.#announceAll(true);
      return;
    }
    const asked = this.topics.command(topic);
    if (asked) this.commands.hear(asked, payload, isRetained);
  }

  /** `later`: Home Assistant has just started. */
  #announceAll(later: boolean): void {
    const { clock, random, cameras } = this.#options;
    const all = () => {
      if (later) this.#announcing.add(SYSTEM);
      for (const { id } of cameras.list()) this.#announcing.add(id);
      this.#armAnnounce();
    };
    this.#cancelBirth();
    if (later) this.#cancelBirth = clock.after(BIRTH_MS.least + random() * BIRTH_MS.spread, all);
    else all();
  }

  #armAnnounce(): void {
    if (this.#cancelAnnounce || this.#announcing.size === 0) return;
    this.#cancelAnnounce = this.#options.clock.after(ANNOUNCE_MS, () => {
      this.#cancelAnnounce = undefined;
      this.#announceNext();
      this.#armAnnounce();
    });
  }

  #announceNext(): void {
    const { discoveryPrefix } = this.#options;
    const [next] = this.#announcing;
    if (next === undefined || !this.broker.isOnline) return;
    const message = discoveryPrefix === null ? undefined : this.#discovery(next, discoveryPrefix);
    if (message && !this.broker.publish(message)) return;
    this.#announcing.delete(next);
    if (next !== SYSTEM) this.#pictures.resend(next);
  }

  #discovery(id: CameraId, discoveryPrefix: string): Publication | undefined {
    const content = this.#content(id);
    if (!content) return undefined;
    const mark = id === SYSTEM ? undefined : this.#markOf(id);
    if (mark !== undefined) this.#marks.set(id, mark);
    const device = deviceId(this.#options.storeUuid, id === SYSTEM ? undefined : id);
    return state(discoveryTopic(discoveryPrefix, device), JSON.stringify(content));
  }

  #content(id: CameraId): Discovery | undefined {
    const { storeUuid, version, configurationUrl, restart, cameras } = this.#options;
    const facts: DiscoveryFacts = {
      ...{ storeUuid, version, configurationUrl, canRestart: restart !== undefined },
      topics: this.topics,
    };
    if (id === SYSTEM) return systemDiscovery(facts);
    const camera = cameras.get(id);
    return camera && cameraDiscovery(camera, facts, presetNames(cameras.presets(id)));
  }

  #changed(camera: CameraId): void {
    this.#dirty.add(camera).add(SYSTEM);
    this.#publishStates();
    const mark = this.#markOf(camera);
    if (!this.broker.isOnline || mark === undefined || this.#marks.get(camera) === mark) return;
    this.#announcing.add(camera);
    this.#armAnnounce();
  }

  /** What of a camera stands in its discovery; undefined when it is gone. */
  #markOf(id: CameraId): string | undefined {
    const { cameras } = this.#options;
    const camera = cameras.get(id);
    return camera && JSON.stringify([camera.name, ...presetNames(cameras.presets(id))]);
  }

  #removed(camera: CameraId): void {
    for (const known of [this.#dirty, this.#announcing]) known.delete(camera);
    this.#marks.delete(camera);
    this.#ongoing.delete(camera);
    this.#pictures.forget(camera);
    // While the broker is away this is left to the next connection.
    if (this.broker.isOnline) this.#gone.add(camera);
    this.#dirty.add(SYSTEM);
    this.#publishStates();
  }

  /** It is to be told again what a camera is set to, as it is. */
  #echo(camera: CameraId): void {
    for (const what of ['record/state', 'enabled/state'] as const)
      this.#retained.delete(this.topics.camera(camera, what));
    this.#changed(camera);
  }

  #happened({ camera, id, endMs }: CameraEventSummary): void {
    const { events, cameras, clock } = this.#options;
    const event = events.find(id);
    const isNew = endMs === undefined && this.#ongoing.get(camera) !== id;
    if (endMs === undefined) this.#ongoing.set(camera, id);
    else if (this.#ongoing.get(camera) === id) this.#ongoing.delete(camera);
    if (!event) return;
    const shown = cameras.get(camera);
    const message = this.#feed.message(event, shown, clock.monotonicMs());
    if (message !== undefined) this.broker.tell(this.topics.events, Buffer.from(message));
    if (isNew || endMs !== undefined) {
      this.#tellEntity(event);
      this.#changed(camera);
    }
    if (event.picture) this.#pictures.add(camera, id);
  }

  /** Home Assistant takes it for something that happens now, so that of the past is not told. */
  #tellEntity({
    camera,
    id,
    startMs,
    endMs,
    labels,
    zones,
    sources,
    score,
  }: NonNullable<ReturnType<CameraEvents['find']>>) {
    if (!this.broker.isOnline) return;
    const event_type = endMs === undefined ? 'opened' : 'closed';
    const payload = JSON.stringify({ event_type, id, labels, zones, sources, score, startMs, endMs });
    this.broker.publish({ ...state(this.topics.camera(camera, 'event'), payload), retain: false });
  }

  #armRefresh(): void {
    const { clock, log } = this.#options;
    this.#cancelRefresh = clock.after(REFRESH_MS, () => {
      this.#armRefresh();
      if (this.broker.isOnline) background(this.#refreshStorage(), 'figures for MQTT', log);
    });
  }

  async #refreshStorage(): Promise<void> {
    // A volume that is away keeps nobody from telling the rest.
    this.#storage = await this.#options.storage().catch(() => this.#storage);
    this.#dirty.add(SYSTEM);
    for (const { id } of this.#options.cameras.list()) this.#dirty.add(id);
    this.#publishStates();
  }

  /** What has changed, until there is no room. */
  #publishStates(): void {
    if (!this.#isOurs) return;
    for (const camera of [...this.#gone]) {
      if (!this.#topicsOf(camera).every(topic => this.broker.publish(state(topic, '')))) return;
      for (const what of CAMERA_STATES) this.#retained.delete(this.topics.camera(camera, what));
      this.#gone.delete(camera);
    }
    for (const id of [...this.#dirty]) {
      const camera = id === SYSTEM ? undefined : this.#options.cameras.get(id);
      const isDone = id === SYSTEM ? this.#publishSystem() : !camera || this.#publishCamera(camera);
      if (!isDone) return;
      this.#dirty.delete(id);
    }
  }

  #publishCamera(camera: Camera): boolean {
    const { clock } = this.#options;
    const oldestMs = this.#storage?.cameras.find(one => one.camera === camera.id)?.oldestMs;
    const states = cameraStates(camera, this.#ongoing.has(camera.id), daysSince(oldestMs, clock.nowMs()));
    return states.every(([what, text]) => this.#publishText(this.topics.camera(camera.id, what), text));
  }

  #publishSystem(): boolean {
    const { version, startedMs, cameras, problems, rssBytes, clock } = this.#options;
    const status = systemStatus({
      ...{ version, startedMs, storage: this.#storage, problems: problems(), rssBytes: rssBytes() },
      ...{ cameras: cameras.list(), nowMs: clock.nowMs() },
    });
    return this.#publishText(this.topics.update, updateState(version)) && this.#publishText(this.topics.status, status);
  }

  /** Only what the broker does not have yet. */
  #publishText(topic: string, text: string): boolean {
    if (this.#retained.get(topic) === text) return true;
    if (!this.#retain(topic, Buffer.from(text))) return false;
    this.#retained.set(topic, text);
    return true;
  }

  #retain(topic: string, payload: Buffer): boolean {
    return this.broker.publish({ topic, payload, qos: 0, retain: true });
  }
}

/** Retained; empty = nothing is any more. */
function state(topic: string, text: string): Publication {
  return { topic, payload: Buffer.from(text), qos: 0, retain: true };
}
