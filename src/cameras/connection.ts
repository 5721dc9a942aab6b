// One camera at run time: its record, the links of its two streams, its state. Main goes first, and sub never stands in its way.
import { background, type Clock, type EventBus, type Logger, STREAM_NAMES, type StreamName } from '../core/index.ts';
import type { LinkProblem, StreamProblem, StreamStats } from '../native/index.ts';
import type { AddressRules, Login, OnvifCapabilities } from '../onvif/index.ts';
import type {
  Camera,
  CameraAbilities,
  CameraRecord,
  CameraState,
  CameraStream,
  MediaAbilities,
  SubState,
} from './camera.ts';
import type { Hub, StreamKey, StreamSource } from './hub.ts';
import { OnvifLink, type OnvifWish } from './onvif-link.ts';
import { type CameraEngine, type RecordingPlan, type StreamEvent, StreamLink } from './stream-link.ts';

/** Where a camera is, with its login in clear. */
export interface CameraAddress {
  /** As `spokenAddress`, of its main stream, without login. */
  url: string;
  /** Empty = none, as is the password. */
  username: string;
  password: string;
  /** Played by this service itself. */
  ours: boolean;
}

/** Where something is said to a camera beside the recording: what talks TLS on an ordinary address says so itself. */
export function spokenAddress({ url, transport }: CameraRecord['main']): string {
  return transport === 'tls' ? url.replace(/^rtsp:/i, 'rtspx:') : url;
}

/** Of a camera by its record; asked each time that it is shown. */
export type Hindrances = (record: CameraRecord, enabled: boolean) => MediaAbilities;

export interface ConnectionOptions {
  record: CameraRecord;
  engine: CameraEngine;
  hub: Hub;
  bus: EventBus;
  log: Logger;
  clock: Clock;
  unseal: (sealed: string) => string;
  /** Where ONVIF may go. */
  rules: AddressRules;
  /** What stands between a camera and WebRTC or talking. */
  hindrances: Hindrances;
  /** Over ONVIF it was asked what it can do. */
  onCapabilities: (capabilities: OnvifCapabilities) => void;
}

/**
 * How cameras say that they have too many viewers: 453, and some 500 or 503. And with a login that was refused a second attempt only
 * brings nearer the moment when they lock the account.
 */
const TURNED_AWAY: ReadonlySet<string> = new Set<LinkProblem>(['busy', 'server-error', 'unauthorized']);

const NOTHING = { ptz: null, relays: [], dayNight: false } as const;

/** Main: the newest complete GOP and the growing one, at up to 16 Mbit/s with GOPs of 2 s; sub: at up to 4 Mbit/s. */
const RING_MAX_BYTES: Record<StreamName, number> = { main: 8 * 1024 * 1024, sub: 2 * 1024 * 1024 };

export class Connection {
  record: CameraRecord;
  /** The demo plays this camera; others need none. */
  demoRuns = false;
  readonly #options: ConnectionOptions;
  readonly #main: StreamLink;
  readonly #sub: StreamLink;
  readonly onvif: OnvifLink;
  /** How many need the sub stream. */
  #subNeeds = 0;
  #over = false;

  constructor(options: ConnectionOptions) {
    const { record, engine, bus, log, clock, rules, onCapabilities } = options;
    const { id } = record;
    this.#options = options;
    this.record = record;
    const link = (stream: StreamName) => ({
      camera: id,
      stream,
      ringMaxBytes: RING_MAX_BYTES[stream],
      engine,
      clock,
      log,
      onProblems: (problems: readonly StreamProblem[]) => {
        log.info('camera problems', { camera: id, stream, problems });
        bus.emit('camera.problems', { camera: id, stream, problems });
      },
    });
    this.#main = new StreamLink({
      ...link('main'),
      onChange: ({ name, reason, sinceMs }) => {
        log.info('camera state', { camera: id, state: name, reason });
        bus.emit('camera.state', { camera: id, name, ...(reason ? { reason } : {}), sinceMs });
        this.#adjustSub();
        this.#adjustOnvif();
      },
    });
    this.#sub = new StreamLink({
      ...link('sub'),
      onChange: ({ name, reason }) => {
        if (this.record.sub) log.debug('sub stream state', { camera: id, state: name, reason });
      },
    });
    this.onvif = new OnvifLink({ camera: id, rules, clock, bus, log, onCapabilities });
    this.#adjustOnvif();
  }

  get enabled(): boolean {
    return this.record.enabled && (this.record.demo === undefined || this.demoRuns);
  }

  /** True while the engine has this camera's main stream. */
  get connected(): boolean {
    return this.#main.connected;
  }

  /** Brings the engine in line with the record: connects, changes what differs, or disconnects. Resolves when files that end by it are closed. */
  async apply(): Promise<void> {
    await Promise.all([this.#applyMain(), this.#applySub()]);
    this.#adjustOnvif();
  }

  /** The hub has changed: looks for the ways anew, unless the camera is still to be connected for the first time. */
  async reroute(): Promise<void> {
    if (this.connected || this.#main.held || this.#main.state.name === 'failed') await this.apply();
  }

  /** The camera is removed: ends sessions and files for good; gives up waiting for the files after 10 s. */
  async remove(): Promise<void> {
    this.#over = true;
    for (const stream of STREAM_NAMES) this.#options.hub.leave(this.#key(stream));
    await Promise.all([this.#main.disconnect(), this.#sub.disconnect(), this.onvif.stop()]);
  }

  /**
   * Keeps a stream connected, as far as the settings let it, until the returned function is called. Whoever shows, records or looks at
   * the sub stream needs it; main is always connected.
   */
  need(stream: StreamName): () => void {
    if (stream === 'main') return () => undefined;
    let held = true;
    this.#subNeeds++;
    this.#adjustSub();
    return () => {
      if (!held) return;
      held = false;
      this.#subNeeds--;
      this.#adjustSub();
    };
  }

  /** Takes over the wish of recording. With null it resolves when no file of the stream is open any more. */
  async setPlan(stream: StreamName, plan: RecordingPlan | null, signal: AbortSignal): Promise<void> {
    await this.#link(stream).setPlan(plan, signal);
  }

  /** The service stops: nothing is changed any more, the engine ends all streams by itself. Resolves when ONVIF has ended. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#main.stop();
    this.#sub.stop();
    await this.onvif.stop();
  }

  /** Where its main stream is; undefined when its password cannot be read. */
  address(): CameraAddress | undefined {
    const { main, username = '', sealedPassword, demo } = this.record;
    const password = this.#password(sealedPassword);
    if (password === undefined) return undefined;
    return { url: spokenAddress(main), username, password, ours: demo !== undefined };
  }

  hear(event: StreamEvent): void {
    const { hub } = this.#options;
    const link = this.#link(event.stream);
    const isFailure = event.type === 'link' && event.state === 'waiting' && link.connected && !link.held;
    const known = isFailure && event.problem ? hub.failed(this.#key(event.stream), event.problem) : undefined;
    link.hear(event, known);
  }

  /** The public shape; `stats` are the engine's figures of this moment. */
  show(stats: readonly StreamStats[]): Camera {
    const { id, name, priority, hub, main, sub, username, audio, record, events, retention, sealedPassword, demo } =
      this.record;
    const state = this.#showState(stats.filter(one => one.camera === id));
    const cannot = this.#options.hindrances(this.record, this.enabled);
    return {
      id,
      name,
      enabled: this.enabled,
      priority,
      ...(hub === undefined ? {} : { hub }),
      main,
      ...(sub === undefined ? {} : { sub }),
      ...(username === undefined ? {} : { username }),
      hasPassword: sealedPassword !== undefined,
      audio,
      record,
      events,
      retention,
      ...(demo === undefined ? {} : { demo: true as const }),
      ...this.#showOnvif(),
      can: this.#abilities(state, cannot),
      cannot,
      state,
    };
  }

  #showOnvif(): Pick<Camera, 'onvif'> {
    if (!this.record.onvif) return {};
    const { sealedPassword, ...settings } = this.record.onvif;
    return { onvif: { ...settings, hasPassword: sealedPassword !== undefined } };
  }

  /** As it said when it was reached last. */
  #abilities({ main }: CameraState, cannot: MediaAbilities): CameraAbilities {
    const { onvif, capabilities: known } = this.record;
    const { ptz, relays, dayNight } = (this.enabled && onvif && (this.onvif.capabilities ?? known)) || NOTHING;
    return {
      ptz: ptz !== null,
      presets: ptz !== null && ptz.presets > 0,
      relays: relays.length > 0,
      dayNight,
      talk: cannot.talk === undefined,
      audio: main?.audio !== undefined,
      webrtc: cannot.webrtc === undefined,
      privacy: false,
    };
  }

  #showState(all: StreamStats[]): CameraState {
    const stats = this.connected ? all.find(one => one.stream === 'main') : undefined;
    const facts = this.connected ? this.#main.facts(stats) : undefined;
    const { state: onvif } = this.onvif;
    return {
      name: this.#main.state.name,
      ...this.#main.view(stats),
      ...(facts ? { main: facts } : {}),
      ...(this.record.sub ? { sub: this.#showSub(all.find(one => one.stream === 'sub')) } : {}),
      ...(onvif ? { onvif } : {}),
    };
  }

  #showSub(stats: StreamStats | undefined): SubState {
    const own = this.#sub.connected ? stats : undefined;
    const { name } = this.#sub.state;
    return {
      name: name === 'disabled' && this.enabled ? 'idle' : name,
      ...this.#sub.view(own),
      ...this.#sub.facts(own),
    };
  }

  #link(stream: StreamName): StreamLink {
    return stream === 'main' ? this.#main : this.#sub;
  }

  async #applyMain(): Promise<void> {
    if (this.enabled) return await this.#connect('main', this.record.main);
    this.#options.hub.leave(this.#key('main'));
    await this.#main.rest(this.#disabledBy());
  }

  /** Undefined when its owner disabled it. */
  #disabledBy(): 'demo-off' | 'not-listed' | undefined {
    if (this.record.enabled) return 'demo-off';
    return this.record.provisioned?.state === 'left' ? 'not-listed' : undefined;
  }

  async #applySub(): Promise<void> {
    const { sub } = this.record;
    if (!sub || !this.enabled || this.#subNeeds === 0) {
      this.#options.hub.leave(this.#key('sub'));
      await this.#sub.rest();
    } else if (this.#mainGoesFirst()) await this.#sub.wait();
    else await this.#connect('sub', sub);
  }

  /** Cameras serve few viewers, some only one: main gets its chance before sub asks, and sub makes room when main is turned away. */
  #mainGoesFirst(): boolean {
    const { name, reason } = this.#main.state;
    return (reason !== undefined && TURNED_AWAY.has(reason)) || (name === 'starting' && !this.#sub.connected);
  }

  #adjustSub(): void {
    if (!this.#over) background(this.#applySub(), 'follow what the sub stream is needed for', this.#options.log);
  }

  #adjustOnvif(): void {
    if (!this.#over) this.onvif.follow(this.#onvifWish());
  }

  /** Main goes first, and where its login is refused the same login is not tried in another way as well. */
  #onvifWish(): OnvifWish {
    const { onvif: wanted } = this.record;
    if (!wanted || !this.enabled) return 'off';
    const { name, reason } = this.#main.state;
    if (name === 'starting' || name === 'disabled') return 'waiting';
    if (reason === 'unauthorized') return 'unauthorized';
    const login = this.#onvifLogin();
    if (login === 'unreadable') return 'unauthorized';
    const { sealedPassword: _, ...settings } = wanted;
    return { settings, login };
  }

  /** Its own, or the camera's. */
  #onvifLogin(): Login | undefined | 'unreadable' {
    const { onvif } = this.record;
    const { username, sealedPassword } = onvif?.username === undefined ? this.record : onvif;
    const password = this.#password(sealedPassword);
    if (password === undefined) return 'unreadable';
    return username === undefined ? undefined : { username, password };
  }

  async #connect(stream: StreamName, where: CameraStream): Promise<void> {
    const link = this.#link(stream);
    const password = this.#password(this.record.sealedPassword);
    if (password === undefined) return await link.fail('password-unreadable');
    const route = this.#options.hub.route(this.#key(stream), this.#source(where, password));
    if (!route.able) return route.passing ? link.hold(route) : await link.fail(route.problem ?? 'hub', route);
    const { audio, record } = this.record;
    link.connect({ route, audio, segmentMs: record.segmentMs });
  }

  #key(stream: StreamName): StreamKey {
    return { camera: this.record.id, stream };
  }

  #source({ url, transport, fallbackUrls }: CameraStream, password: string): StreamSource {
    const { hub, username = '', demo } = this.record;
    return {
      ...(hub === undefined ? {} : { hub }),
      ...{ url, transport, username, password, ours: demo !== undefined },
      ...(fallbackUrls ? { fallbackUrls } : {}),
    };
  }

  /** Undefined when a password is stored and cannot be read. */
  #password(sealedPassword: string | undefined): string | undefined {
    if (sealedPassword === undefined) return '';
    try {
      return this.#options.unseal(sealedPassword);
    } catch (error) {
      this.#options.log.error('the stored password cannot be read', { camera: this.record.id, error });
      return undefined;
    }
  }
}
