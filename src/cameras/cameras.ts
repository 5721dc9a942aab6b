// The cameras of this service: adds, changes, removes and connects them, and tells how they are.
import {
  background,
  type CameraId,
  type Clock,
  type EventBus,
  type Logger,
  NvrError,
  type StreamName,
} from '../core/index.ts';
import type { EngineEvent, StreamStats } from '../native/index.ts';
import type { OnvifCapabilities, PtzPreset } from '../onvif/index.ts';
import type { Camera, CameraRecord, CameraStream } from './camera.ts';
import { createRecord, mergeRecord } from './camera-merge.ts';
import { type CameraPatch, DEFAULT_EVENTS, type NewCamera, parseRecord } from './camera-schema.ts';
import { type CameraAddress, Connection, type Hindrances } from './connection.ts';
import type { Hub } from './hub.ts';
import { fitting, isNews } from './onvif-known.ts';
import type { OnvifLink } from './onvif-link.ts';
import type { OnvifView } from './onvif-settings.ts';
import { EVERY_WAY, refuseUnreachable } from './reachable.ts';
import type { CameraEngine, RecordingPlan } from './stream-link.ts';

/** The part of the store that cameras need. */
export interface CameraStore {
  cameras: {
    list(): readonly { id: CameraId }[];
    /** Resolves when durable. */
    put(camera: CameraRecord): Promise<void>;
    /** `purge`: its footage is to go with it, whatever happens next. */
    remove(id: CameraId, purge: boolean): Promise<void>;
    /** A number that no camera ever had. */
    nextId(): CameraId | Promise<CameraId>;
  };
  seal(text: string): string;
  unseal(sealed: string): string;
}

export interface CamerasOptions {
  store: CameraStore;
  engine: CameraEngine;
  bus: EventBus;
  log: Logger;
  clock: Clock;
  hub: Hub;
  /** Whether new settings may name this machine. */
  allowLoopback: boolean;
  /** Where the service itself listens: no camera is asked there over ONVIF. */
  ownPorts: () => readonly number[];
  /** The configuration file that gives cameras; then nobody else may change those. */
  provisionedBy?: string;
  /** What stands between a camera and WebRTC or talking; absent = there is neither in this service. */
  hindrances?: Hindrances;
  /** Throws when the board cannot have the cameras as they would be `after` a change. */
  approve?: (before: readonly CameraRecord[], after: readonly CameraRecord[]) => void;
}

/** A camera that the demo serves; its streams by their URLs. */
export interface DemoCamera {
  name: string;
  main: string;
  sub: string;
}

/** Far more than a board can record; keeps a runaway script from filling the index. */
export const MAX_CAMERAS = 64;
const STAGGER_MS = 100;
/** A camera that says something else each time costs a commit no more often. */
const LEARN_APART_MS = 60_000;

const NO_GO2RTC = { reason: 'go2rtc', message: 'There is no go2rtc.' } as const;
const NEITHER: Hindrances = () => ({ webrtc: NO_GO2RTC, talk: NO_GO2RTC });

export class Cameras {
  readonly #options: CamerasOptions;
  readonly #connections = new Map<CameraId, Connection>();
  readonly #learntMs = new Map<CameraId, number>();
  readonly #unreadable: CameraId[] = [];
  readonly #stop = new AbortController();
  readonly #unsubscribe: (() => void)[] = [];
  #changes: Promise<unknown> = Promise.resolve();
  #rerouting = false;

  constructor(options: CamerasOptions) {
    this.#options = options;
  }

  /**
   * Reads the cameras and begins to connect them, the important ones first, 100 ms apart. Resolves when they can be listed and
   * changed; connecting goes on. `demo`: the cameras of --demo, added when they are new and pointed at where they are now.
   */
  async start(signal: AbortSignal, demo: readonly DemoCamera[] = []): Promise<void> {
    const { store, engine, hub, log } = this.#options;
    this.#unsubscribe.push(
      engine.on(event => this.#hear(event)),
      hub.onChange(() => background(this.#reroute(), 'follow the hub', log)),
    );
    for (const stored of store.cameras.list()) {
      try {
        const record = parseRecord(stored);
        this.#connections.set(record.id, this.#connection(record));
      } catch (error) {
        this.#unreadable.push(stored.id);
        log.error('the settings of a camera cannot be read', { camera: stored.id, error });
      }
    }
    await this.#setUpDemo(demo);
    signal.throwIfAborted();
    for (const connection of this.#connections.values()) if (!connection.enabled) await connection.apply();
    background(this.#connectAll(AbortSignal.any([signal, this.#stop.signal])), 'connect cameras', log);
  }

  /** Leaves the streams as they are: the engine's own stop ends them all at once. Takes leave of ONVIF, at most 2 s. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all([...this.#connections.values()].map(connection => connection.stop()));
    await this.#changes;
  }

  /** By id. */
  list(): Camera[] {
    const { streams } = this.#options.engine.stats();
    return [...this.#connections.values()]
      .sort((a, b) => a.record.id - b.record.id)
      .map(connection => this.#show(connection, streams));
  }

  get(id: CameraId): Camera | undefined {
    const { streams } = this.#options.engine.stats();
    const connection = this.#connections.get(id);
    return connection && this.#show(connection, streams);
  }

  /** Cameras whose stored settings cannot be read. */
  get unreadable(): readonly CameraId[] {
    return this.#unreadable;
  }

  /** Resolves when the camera is stored for good; it is connected at once. */
  add(input: NewCamera): Promise<Camera> {
    return this.#serially(async () => {
      if (this.#connections.size + this.#unreadable.length >= MAX_CAMERAS) {
        throw new NvrError('failed-precondition', `there are ${MAX_CAMERAS} cameras already`, {
          cure: 'Remove one first.',
        });
      }
      const { store, bus, log } = this.#options;
      // Checked with a number that does not count, so that input that is refused uses up none.
      const tried = createRecord(0, input, this.#mergeOptions());
      refuseUnreachable(tried, EVERY_WAY, this.#options.hub);
      this.#approve(tried);
      const record = createRecord(await store.cameras.nextId(), input, this.#mergeOptions());
      await store.cameras.put(record);
      const connection = this.#connection(record);
      this.#connections.set(record.id, connection);
      log.info('camera added', { camera: record.id, name: record.name });
      bus.emit('camera.changed', { camera: record.id });
      await this.#apply(connection);
      return this.#shown(record.id);
    });
  }

  /** Merges the change. Resolves when it is stored and, where it ends a segment, the file is closed. */
  update(id: CameraId, patch: CameraPatch): Promise<Camera> {
    return this.#serially(async () => {
      const connection = this.#existing(id);
      const before = connection.record;
      this.#refuseProvisioned(before);
      if (patch.enabled && before.demo !== undefined && !connection.demoRuns) {
        throw new NvrError('failed-precondition', 'the demo is not running', { cure: 'Start with --demo.' });
      }
      const record = mergeRecord(before, patch, this.#mergeOptions());
      if (record.provisioned) record.provisioned = { key: record.provisioned.key, state: 'owner' };
      refuseUnreachable(record, Object.keys(patch), this.#options.hub);
      this.#approve(record);
      await this.#options.store.cameras.put(record);
      connection.record = record;
      this.#options.log.info('camera changed', { camera: id, fields: Object.keys(patch) });
      await this.#apply(connection);
      this.#options.bus.emit('camera.changed', { camera: id });
      return this.#shown(id);
    });
  }

  /** Disconnects and forgets the camera. Its footage stays, or with `purge` it is marked: it goes even if this process ends now. */
  remove(id: CameraId, purge = false): Promise<void> {
    return this.#serially(async () => {
      const damaged = this.#unreadable.indexOf(id);
      const connection = damaged < 0 ? this.#existing(id) : undefined;
      if (connection) this.#refuseProvisioned(connection.record);
      await this.#options.store.cameras.remove(id, purge);
      if (damaged >= 0) this.#unreadable.splice(damaged, 1);
      await connection?.remove();
      this.#connections.delete(id);
      this.#learntMs.delete(id);
      this.#options.log.info('camera removed', { camera: id });
      this.#options.bus.emit('camera.removed', { camera: id });
    });
  }

  /**
   * Has a stream recorded (its `open` row must be durable by then), or with null no longer: then it resolves when the file is closed
   * and its events are delivered. Kept over reconnects and changes of the camera. Cameras that are gone need nothing.
   */
  async setRecording(id: CameraId, stream: StreamName, plan: RecordingPlan | null): Promise<void> {
    await this.#connections.get(id)?.setPlan(stream, plan, this.#stop.signal);
  }

  /** Keeps a stream connected, as far as the camera's settings let it, until the returned function is called: see `Connection.need`. */
  need(id: CameraId, stream: StreamName): () => void {
    return this.#connections.get(id)?.need(stream) ?? (() => undefined);
  }

  /** Undefined for one that is gone, or whose password cannot be read. */
  address(id: CameraId): CameraAddress | undefined {
    return this.#connections.get(id)?.address();
  }

  /** To ask the camera over ONVIF. Throws `not-found`. */
  onvif(id: CameraId): OnvifLink {
    return this.#existing(id).onvif;
  }

  /** Throws `not-found`. */
  onvifView(id: CameraId): OnvifView {
    const { onvif, record } = this.#existing(id);
    return onvif.view(record.capabilities);
  }

  /** Places that the camera knows by name, as far as it was asked. */
  presets(id: CameraId): readonly PtzPreset[] {
    return this.#connections.get(id)?.onvif.knownPresets ?? [];
  }

  /** By name, or by token. Rejects with `not-found`, or as `OnvifLink.ask`. */
  async goToPreset(id: CameraId, which: string): Promise<void> {
    const { onvif } = this.#existing(id);
    const presets = onvif.knownPresets;
    const preset = presets.find(({ name }) => name === which) ?? presets.find(({ token }) => token === which);
    if (!preset) throw new NvrError('not-found', `camera ${id} has no such preset`, { cure: 'Use one that it has.' });
    await onvif.askPtz(ptz => ptz.goToPreset(preset.token));
  }

  #isProvisioned({ provisioned }: CameraRecord): boolean {
    return this.#options.provisionedBy !== undefined && provisioned?.state === 'listed';
  }

  /** What the file says would be back with the next start; better to say so than to forget it then. */
  #refuseProvisioned(record: CameraRecord): void {
    if (!this.#isProvisioned(record)) return;
    throw new NvrError('failed-precondition', `camera ${record.id} comes from ${this.#options.provisionedBy}`, {
      cure: `Change "cameras.${record.provisioned?.key}" there and restart the service.`,
    });
  }

  #show(connection: Connection, streams: readonly StreamStats[]): Camera {
    const { record } = connection;
    const shown = connection.show(streams);
    return record.provisioned && this.#isProvisioned(record)
      ? { ...shown, provisioned: record.provisioned.key }
      : shown;
  }

  #connection(record: CameraRecord): Connection {
    const { engine, hub, bus, log, clock, store, allowLoopback, ownPorts } = this.#options;
    const { id } = record;
    return new Connection({
      ...{ record, engine, hub, bus, log, clock, rules: { allowLoopback, ownPorts } },
      unseal: sealed => store.unseal(sealed),
      hindrances: this.#options.hindrances ?? NEITHER,
      onCapabilities: found => background(this.#learn(id, found), 'keep what a camera can do', log),
    });
  }

  /** Stored, so that it is known at the next start before the camera answers. */
  async #learn(id: CameraId, found: OnvifCapabilities): Promise<void> {
    const { store, bus, clock } = this.#options;
    const known = () => this.#connections.get(id)?.record;
    const nowMs = clock.monotonicMs();
    const isSoon = nowMs - (this.#learntMs.get(id) ?? Number.NEGATIVE_INFINITY) < LEARN_APART_MS;
    const before = known()?.capabilities;
    if (this.#stop.signal.aborted || !isNews(found, before) || (before && isSoon)) return;
    this.#learntMs.set(id, nowMs);
    await this.#serially(async () => {
      const record = known();
      // Its settings may have changed in the meantime: what counts is what it is connected to now.
      const now = record?.onvif && this.onvif(id).capabilities;
      if (!now || !isNews(now, record.capabilities)) return;
      const changed = { ...record, capabilities: fitting(now) };
      await store.cameras.put(changed);
      this.#existing(id).record = changed;
      bus.emit('camera.changed', { camera: id });
    });
  }

  /** What changes while a look is still to begin is seen by it. */
  async #reroute(): Promise<void> {
    if (this.#rerouting || this.#stop.signal.aborted) return;
    this.#rerouting = true;
    await this.#serially(async () => {
      this.#rerouting = false;
      for (const connection of this.#connections.values()) await connection.reroute();
    });
  }

  async #setUpDemo(demo: readonly DemoCamera[]): Promise<void> {
    const { store } = this.#options;
    for (const [index, { name, ...urls }] of demo.entries()) {
      const number = index + 1;
      const main: CameraStream = { url: urls.main, transport: 'tcp' };
      const sub: CameraStream = { url: urls.sub, transport: 'tcp' };
      let connection = [...this.#connections.values()].find(known => known.record.demo === number);
      if (!connection) {
        const record: CameraRecord = {
          id: await store.cameras.nextId(),
          name,
          enabled: true,
          priority: 50,
          main,
          sub,
          audio: true,
          record: { mode: 'continuous', streams: 'auto', segmentMs: 300_000 },
          events: DEFAULT_EVENTS,
          retention: { days: null, eventDays: null, quotaBytes: null },
          demo: number,
        };
        await store.cameras.put(record);
        connection = this.#connection(record);
        this.#connections.set(record.id, connection);
      }
      // The port changes with each start, so the stored one means nothing and need not be written again.
      connection.record = { ...connection.record, main, sub };
      connection.demoRuns = true;
    }
  }

  async #connectAll(signal: AbortSignal): Promise<void> {
    const order = [...this.#connections.values()].sort(
      (a, b) => b.record.priority - a.record.priority || a.record.id - b.record.id,
    );
    for (const connection of order) {
      signal.throwIfAborted();
      // Removed, or changed and so connected, in the meantime.
      if (this.#connections.get(connection.record.id) !== connection || connection.connected) continue;
      await connection.apply();
      if (connection.connected) await this.#options.clock.sleep(STAGGER_MS, signal);
    }
  }

  /** Once the service stops, the engine must get no new streams. */
  async #apply(connection: Connection): Promise<void> {
    if (!this.#stop.signal.aborted) await connection.apply();
  }

  #hear(event: EngineEvent): void {
    if (event.type !== 'clock-step') this.#connections.get(event.camera)?.hear(event);
  }

  #approve(changed: CameraRecord): void {
    const before = [...this.#connections.values()].map(connection => connection.record);
    this.#options.approve?.(before, [...before.filter(({ id }) => id !== changed.id), changed]);
  }

  #mergeOptions() {
    const { allowLoopback, store } = this.#options;
    return {
      allowLoopback,
      seal: (password: string) => store.seal(password),
      unseal: (sealed: string) => store.unseal(sealed),
    };
  }

  #existing(id: CameraId): Connection {
    const connection = this.#connections.get(id);
    if (!connection) throw new NvrError('not-found', `there is no camera ${id}`);
    return connection;
  }

  #shown(id: CameraId): Camera {
    const camera = this.get(id);
    if (!camera) throw new NvrError('internal', `camera ${id} vanished`);
    return camera;
  }

  /** One change after the other: two at once would each lose what the other wrote. */
  #serially<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(() => {
      if (this.#stop.signal.aborted) throw new NvrError('unavailable', 'the service is stopping');
      return change();
    });
    this.#changes = result.catch(() => undefined);
    return result;
  }
}
