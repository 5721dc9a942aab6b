// One camera over ONVIF, for as long as it is wanted: connects, finds out what it can do, keeps its events coming, moves it.
import { type Clock, isAbort, type Logger } from '../core/index.ts';
import type { AddressRules, DeviceAddress, Target } from './address.ts';
import {
  askStreams,
  type DescribedDevice,
  describe,
  type OnvifCapabilities,
  type OnvifStreams,
} from './description.ts';
import type { Login } from './digest.ts';
import { EventStates, type OnvifEvent } from './event-states.ts';
import { askDayNight, type DayNight, setDayNight } from './imaging.ts';
import { firstVideoSource } from './media.ts';
import { OnvifError, type OnvifProblem, problemOf } from './problem.ts';
import { Ptz } from './ptz.ts';
import { PullPoint, type PullPointFigures } from './pull-point.ts';
import { switchRelay } from './relay.ts';
import { SoapClient } from './soap-client.ts';
import type { SoapLog } from './soap-log.ts';

export interface OnvifCameraOptions {
  device: DeviceAddress;
  login?: Login;
  rules: AddressRules;
  clock: Clock;
  log: Logger;
  /** Default false: cameras make their certificates themselves. */
  checkCertificate?: boolean;
  /** Default false. */
  allowBasic?: boolean;
  /** Whether its messages are wanted. */
  events: boolean;
  /** Of a recorder: only events of this sensor, and PTZ over its profile. */
  videoSource?: string;
  onEvent?: (event: OnvifEvent) => void;
  onChange?: (state: OnvifState) => void;
  random?: () => number;
}

/** `off`: not wanted; `absent`: the camera has none; `interrupted`: they came, and are being asked for again. */
export type OnvifEventsState = 'off' | 'absent' | 'starting' | 'live' | 'interrupted';

/** A plain value. */
export interface OnvifState {
  name: 'idle' | 'connecting' | 'ready' | 'failed' | 'closed';
  events: OnvifEventsState;
  /** What stands in the way of it, or of its events. */
  problem?: OnvifProblem;
  /** UTC, of the name or of the events' state. */
  sinceMs: number;
}

const PAUSES_MS = [1000, 2000, 5000, 10_000, 30_000, 60_000];
/** Events that a camera refuses for good are asked for again when its software may have changed. */
const ABSENT_MS = 3_600_000;
/** After a subscription that failed again and again: it may be too much for the camera. */
const EVENT_PAUSES_MS = [5000, 30_000, 300_000];
const GONE: ReadonlySet<OnvifProblem> = new Set<OnvifProblem>([
  'refused',
  'unreachable',
  'unknown-host',
  'address-forbidden',
  'timeout',
  'closed',
  'certificate',
  'unauthorized',
]);

export class OnvifCamera {
  readonly #options: OnvifCameraOptions;
  readonly #client: SoapClient;
  readonly #closed = new AbortController();
  readonly #states: EventStates | undefined;
  #described: DescribedDevice | undefined;
  #ptz: Ptz | undefined;
  #pullPoint: PullPoint | undefined;
  #running: Promise<void> | undefined;
  #wasLive = false;
  #state: OnvifState;

  constructor(options: OnvifCameraOptions) {
    const { device, login, rules, clock, checkCertificate = false, allowBasic = false, events, onEvent } = options;
    this.#options = options;
    this.#client = new SoapClient({ device, ...(login ? { login } : {}), rules, clock, checkCertificate, allowBasic });
    this.#state = { name: 'idle', events: 'off', sinceMs: clock.nowMs() };
    if (events && onEvent) {
      this.#states = new EventStates({
        clock,
        onEvent: event => this.#pass(event, onEvent),
        askAnew: () => this.#pullPoint?.askAnew(),
      });
    }
  }

  get state(): OnvifState {
    return this.#state;
  }

  /** Absent before it was reached for the first time. */
  get capabilities(): OnvifCapabilities | undefined {
    const { capabilities } = this.#described ?? {};
    return capabilities && { ...capabilities, clockOffsetMs: this.#client.offsetMs ?? capabilities.clockOffsetMs };
  }

  /** Counts of its messages; absent while none are asked for. */
  get figures(): Readonly<PullPointFigures> | undefined {
    return this.#pullPoint?.figures;
  }

  /** Switched on, it keeps what is said from then on. */
  get soapLog(): SoapLog {
    return this.#client.log;
  }

  /** Undefined while it is not known that it can be moved. */
  get ptz(): Ptz | undefined {
    return this.#ptz;
  }

  /** Begins to connect, and goes on until `close`. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Connects once, for a test of address and login; rejects with OnvifError. Not beside `start`. */
  async probe(signal: AbortSignal): Promise<{ capabilities: OnvifCapabilities; streams: OnvifStreams }> {
    const described = await this.#connect(AbortSignal.any([signal, this.#closed.signal]));
    const streams = await askStreams(this.#client, described, signal, this.#options.videoSource);
    return { capabilities: described.capabilities, streams };
  }

  async switchRelay(token: string, isOn: boolean): Promise<void> {
    const { relayTarget, capabilities } = this.#described ?? {};
    if (!relayTarget || !capabilities?.relays.some(one => one.token === token)) throw new OnvifError('unsupported');
    await switchRelay(this.#client, relayTarget, token, isOn, this.#closed.signal);
  }

  async dayNight(): Promise<DayNight | undefined> {
    const { target, source } = this.#imaging();
    return await askDayNight(this.#client, target, source, this.#closed.signal);
  }

  async setDayNight(wanted: DayNight): Promise<void> {
    const { target, source } = this.#imaging();
    await setDayNight(this.#client, target, source, wanted, this.#closed.signal);
  }

  /** Stops what moves, ends what goes on, takes leave of the camera (at most 2 s) and hangs up. */
  async close(): Promise<void> {
    const ptz = this.#ptz?.close();
    this.#closed.abort();
    await Promise.all([ptz, this.#running]);
    this.#states?.close();
    this.#client.close();
    this.#change('closed', 'off');
  }

  async #run(): Promise<void> {
    const { clock, log, random = Math.random } = this.#options;
    const { signal } = this.#closed;
    for (let failures = 0; !signal.aborted; ) {
      let pauseMs: number;
      this.#wasLive = false;
      let isConnected = false;
      try {
        if (!this.#described) this.#change('connecting', this.#state.events, this.#state.problem);
        await this.#connect(signal);
        isConnected = true;
        pauseMs = await this.#listen(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted || isAbort(error)) break;
        // What is no OnvifError is a fault of ours: told, and tried again all the same.
        if (!(error instanceof OnvifError)) log.error('a camera cannot be asked over ONVIF', { error });
        if (this.#wasLive) failures = 0;
        const pauses = isConnected ? EVENT_PAUSES_MS : PAUSES_MS;
        pauseMs = pauses[Math.min(failures++, pauses.length - 1)] ?? 0;
        if (error instanceof OnvifError && error.retryAfterS) pauseMs = Math.max(pauseMs, error.retryAfterS * 1000);
        this.#states?.lost();
        const problem = problemOf(error);
        // The camera answers, only its events do not come.
        const isUsable = isConnected && !GONE.has(problem);
        this.#change(isUsable ? 'ready' : 'failed', this.#states ? 'interrupted' : 'off', problem);
      }
      await clock.sleep(pauseMs * (1 + 0.2 * random()), signal).catch(() => undefined);
    }
  }

  async #connect(signal: AbortSignal): Promise<DescribedDevice> {
    const described = await describe(this.#client, signal);
    const { capabilities, services } = described;
    this.#described = described;
    const { videoSource } = this.#options;
    const movable = capabilities.profiles.filter(one => one.ptz);
    const profile = movable.find(one => one.videoSource === videoSource) ?? movable[0];
    const target = services.get('ptz');
    if (capabilities.ptz && profile && target)
      this.#ptz ??= new Ptz({ caller: this.#client, target, profile: profile.token, clock: this.#options.clock });
    return described;
  }

  /** Until the events need the whole camera to be connected anew: how long to wait before. */
  async #listen(signal: AbortSignal): Promise<number> {
    const { clock, log, random = Math.random } = this.#options;
    const service = this.#described?.services.get('events');
    const states = this.#states;
    if (!states || !service) {
      this.#change('ready', states ? 'absent' : 'off');
      return ABSENT_MS;
    }
    this.#change('ready', 'starting');
    const { addresses } = this.#client;
    const cameraNowMs = () => clock.nowMs() + (this.#client.offsetMs ?? 0);
    this.#pullPoint = new PullPoint({
      ...{ states, clock, log, random },
      calls: { caller: this.#client, addresses, service, cameraNowMs },
      syncClock: one => this.#client.syncClock(one),
      onLive: (isLive, problem) => {
        this.#wasLive ||= isLive;
        this.#change('ready', isLive ? 'live' : 'interrupted', problem);
      },
    });
    try {
      await this.#pullPoint.run(signal);
    } catch (error) {
      if (!(error instanceof OnvifError && error.problem === 'unsupported')) throw error;
      this.#change('ready', 'absent', error.problem);
      return ABSENT_MS;
    }
    return 0;
  }

  #pass(event: OnvifEvent, onEvent: (event: OnvifEvent) => void): void {
    const { videoSource } = this.#options;
    const known = this.#described?.capabilities.profiles.map(one => one.videoSource) ?? [];
    // Many name something else than the sensor there; only what surely is of another one is left out.
    if (videoSource !== undefined && event.source !== videoSource && known.includes(event.source)) return;
    this.#guard(() => onEvent(event));
  }

  /** What others make of it must not disturb the subscription. */
  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.log.error('a listener to a camera failed', { error });
    }
  }

  #imaging(): { target: Target; source: string } {
    const { services, capabilities } = this.#described ?? {};
    const target = services?.get('imaging');
    const source = this.#options.videoSource ?? firstVideoSource(capabilities?.profiles ?? []);
    if (!target || source === undefined || !capabilities?.dayNight) throw new OnvifError('unsupported');
    return { target, source };
  }

  #change(name: OnvifState['name'], events: OnvifEventsState, problem?: OnvifProblem): void {
    const { clock, onChange } = this.#options;
    const before = this.#state;
    if (before.name === name && before.events === events && before.problem === problem) return;
    this.#state = { name, events, ...(problem ? { problem } : {}), sinceMs: clock.nowMs() };
    this.#guard(() => onChange?.(this.#state));
  }
}
