// A camera's ONVIF as long as its settings want it: comes after the main stream, begins anew when they change, passes its messages on.
import { isDeepStrictEqual } from 'node:util';
import { background, type CameraId, type Clock, type EventBus, isAbort, type Logger, NvrError } from '../core/index.ts';
import {
  type AddressRules,
  type Login,
  OnvifCamera,
  type OnvifCapabilities,
  OnvifError,
  type OnvifEvent,
  type OnvifProblem,
  onvifProblemWords,
  type Ptz,
  type PtzPreset,
  readDeviceAddress,
  type SoapLogEntry,
} from '../onvif/index.ts';
import type { OnvifFault, OnvifLinkState, OnvifSeenEvent, OnvifSettings, OnvifView } from './onvif-settings.ts';

/** `off`: not wanted. `waiting`: for the main stream, which goes first; `unauthorized`: it is that stream's login which is wrong. */
export type OnvifWish = 'off' | 'waiting' | 'unauthorized' | { settings: OnvifSettings; login: Login | undefined };

export interface OnvifLinkOptions {
  camera: CameraId;
  rules: AddressRules;
  clock: Clock;
  bus: Pick<EventBus, 'emit'>;
  log: Logger;
  /** The camera was asked what it can do. */
  onCapabilities: (capabilities: OnvifCapabilities) => void;
}

/** What is shown of the past. */
const SHOWN_MS = 600_000;
const MAX_SHOWN = 100;
/** A log that somebody forgot ends by itself. */
const LOG_MS = 15 * 60_000;

export class OnvifLink {
  readonly #options: OnvifLinkOptions;
  #wish: OnvifWish = 'off';
  #camera: OnvifCamera | undefined;
  /** The last change, which waits for the ones before. */
  #turn: Promise<void> = Promise.resolve();
  #turns = 0;
  #isOver = false;
  #seen: OnvifSeenEvent[] = [];
  #sinceMs: number;
  #silentSinceMs: number | undefined;
  #presets: readonly PtzPreset[] = [];
  #hasAskedPresets = false;
  #log: { untilMs: number; cancel: () => void } | undefined;

  constructor(options: OnvifLinkOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
  }

  /** Brings it in line with what is wanted now. */
  follow(wish: OnvifWish): void {
    if (this.#isOver || isDeepStrictEqual(wish, this.#wish)) return;
    const before = this.#wish;
    this.#wish = wish;
    // Of all messages others may be wanted: the camera need not be asked anew.
    if (isSameButKinds(before, wish)) return;
    this.#sinceMs = this.#options.clock.nowMs();
    this.#silentSinceMs = undefined;
    background(this.#replace(), 'connect a camera over ONVIF', this.#options.log);
  }

  /** Takes leave of the camera, at most 2 s; for good. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#forgetLog();
    await this.#replace();
  }

  /** Undefined while ONVIF is not wanted. */
  get state(): OnvifLinkState | undefined {
    const wish = this.#wish;
    if (wish === 'off') return undefined;
    const silent = this.#silentSinceMs === undefined ? {} : { silentSinceMs: this.#silentSinceMs };
    if (typeof wish === 'string') {
      const problem = wish === 'unauthorized' ? { problem: faultOf('unauthorized') } : {};
      return { name: 'waiting', events: 'off', ...problem, sinceMs: this.#sinceMs };
    }
    const { name, events, problem, sinceMs } = this.#camera?.state ?? { name: 'idle', events: 'off', sinceMs: 0 };
    return {
      ...{ name, events },
      ...(problem === undefined ? {} : { problem: faultOf(problem) }),
      sinceMs: Math.max(sinceMs, this.#sinceMs),
      ...silent,
    };
  }

  /** Of the camera as it is connected now. */
  get capabilities(): OnvifCapabilities | undefined {
    return this.#camera?.capabilities;
  }

  /** `known`: what the camera was before. */
  view(known: OnvifCapabilities | undefined): OnvifView {
    const state = this.state ?? { name: 'off', events: 'off', sinceMs: this.#sinceMs };
    const capabilities = this.capabilities ?? known;
    const figures = this.#camera?.figures;
    const fromMs = this.#options.clock.nowMs() - SHOWN_MS;
    return {
      state,
      ...(capabilities ? { capabilities } : {}),
      events: this.#seen.filter(one => one.arrivalMs >= fromMs),
      ...(figures ? { figures: { ...figures } } : {}),
    };
  }

  /** Asks the camera for something. Rejects with `failed-precondition` when it cannot, `unavailable` when it cannot be asked. */
  async ask<T>(action: (camera: OnvifCamera) => Promise<T>): Promise<T> {
    const camera = this.#connected();
    try {
      return await action(camera);
    } catch (error) {
      if (isAbort(error)) throw hungUp();
      throw error instanceof OnvifError ? told(error) : error;
    }
  }

  /** The same for moving it. */
  async askPtz<T>(action: (ptz: Ptz) => Promise<T>): Promise<T> {
    return await this.ask(async ({ ptz }) => {
      if (!ptz) throw new OnvifError('unsupported');
      return await action(ptz);
    });
  }

  /** As they were told last, also while the camera is away. */
  get knownPresets(): readonly PtzPreset[] {
    return this.#wish === 'off' ? [] : this.#presets;
  }

  async askPresets(): Promise<readonly PtzPreset[]> {
    const presets = await this.askPtz(ptz => ptz.presets());
    this.#takePresets(presets);
    return presets;
  }

  /** Keeps where it looks now, as a new one or in place of `token`; its token. */
  async keepPreset(name: string, token?: string): Promise<string> {
    const kept = await this.askPtz(ptz => ptz.keepPreset(name, token));
    this.#askPresetsSoon();
    return kept;
  }

  async removePreset(token: string): Promise<void> {
    await this.askPtz(ptz => ptz.removePreset(token));
    this.#askPresetsSoon();
  }

  #askPresetsSoon(): void {
    // Whoever wants them sees the old ones until the camera answers.
    const asked = this.askPresets().catch(() => undefined);
    background(asked, 'ask a camera for its presets', this.#options.log);
  }

  #takePresets(presets: readonly PtzPreset[]): void {
    if (isDeepStrictEqual(presets, this.#presets)) return;
    this.#presets = presets;
    const { bus, camera } = this.#options;
    bus.emit('camera.changed', { camera });
  }

  /** What is said with the camera, while that is kept. */
  log(): { on: boolean; untilMs?: number; entries: readonly SoapLogEntry[] } {
    const { soapLog } = this.#camera ?? {};
    return { on: this.#log !== undefined, ...this.#logEnd(), entries: soapLog?.entries ?? [] };
  }

  /** Keeps from now on what is said, for a quarter of an hour; switched off, it is forgotten. */
  setLog(isOn: boolean): void {
    if (this.#wish === 'off') throw noOnvif();
    this.#forgetLog();
    const { clock } = this.#options;
    if (isOn) this.#log = { untilMs: clock.nowMs() + LOG_MS, cancel: clock.after(LOG_MS, () => this.setLog(false)) };
    if (this.#camera) this.#camera.soapLog.isOn = isOn;
  }

  #logEnd(): { untilMs?: number } {
    return this.#log ? { untilMs: this.#log.untilMs } : {};
  }

  #forgetLog(): void {
    this.#log?.cancel();
    this.#log = undefined;
  }

  #connected(): OnvifCamera {
    const { state } = this;
    if (!state) throw noOnvif();
    if (this.#camera?.state.name === 'ready') return this.#camera;
    const { message, cure } = state.problem ?? {
      message: 'The camera is not connected over ONVIF yet.',
      cure: 'Try again in a moment.',
    };
    throw new NvrError('unavailable', message, { cure });
  }

  /** The one before has taken leave by then: some cameras serve few. */
  async #replace(): Promise<void> {
    const before = this.#turn;
    const number = ++this.#turns;
    const old = this.#camera;
    this.#camera = undefined;
    const run = async () => {
      await Promise.all([before, old?.close()]);
      const wish = this.#wish;
      if (number === this.#turns && typeof wish !== 'string' && !this.#isOver) this.#start(wish);
    };
    this.#turn = run();
    await this.#turn;
  }

  #start({ settings, login }: Exclude<OnvifWish, string>): void {
    const device = readDeviceAddress(settings.address);
    // Checked before it was stored.
    if (!device) return;
    const { clock, log, rules } = this.#options;
    const { checkCertificate, allowBasic, events, videoSource } = settings;
    const camera = new OnvifCamera({
      ...{ device, rules, clock, log, checkCertificate, allowBasic, events },
      ...(login ? { login } : {}),
      ...(videoSource === undefined ? {} : { videoSource }),
      onEvent: event => this.#hear(event),
      onChange: () => this.#changed(camera),
    });
    camera.soapLog.isOn = this.#log !== undefined;
    this.#hasAskedPresets = false;
    this.#camera = camera;
    camera.start();
  }

  #changed(camera: OnvifCamera): void {
    const { name, events, problem } = camera.state;
    const { log, clock, camera: id, onCapabilities } = this.#options;
    log.debug('state over ONVIF', { camera: id, state: name, events, problem });
    if (events === 'interrupted') this.#silentSinceMs ??= clock.nowMs();
    else if (events !== 'starting') this.#silentSinceMs = undefined;
    const { capabilities } = camera;
    if (name !== 'ready' || !capabilities || this.#camera !== camera) return;
    onCapabilities(capabilities);
    if (this.#hasAskedPresets) return;
    this.#hasAskedPresets = true;
    if (capabilities.ptz?.presets) this.#askPresetsSoon();
    else this.#takePresets([]);
  }

  #hear(event: OnvifEvent): void {
    const wish = this.#wish;
    const kinds = typeof wish === 'string' ? undefined : wish.settings.kinds;
    const { kind, change, topic, source, property, arrivalMs: timeMs } = event;
    // What is not wanted any more still ends.
    const isUsed = change === 'end' || kinds === undefined || kinds.includes(kind);
    this.#seen = [...this.#seen, { ...event, isUsed }].slice(-MAX_SHOWN);
    if (!isUsed) return;
    const { bus, camera } = this.#options;
    bus.emit('camera.onvif', { camera, event: { kind, change, topic, source, property, timeMs } });
  }
}

function isSameButKinds(one: OnvifWish, other: OnvifWish): boolean {
  if (typeof one === 'string' || typeof other === 'string') return false;
  const bare = ({ settings: { kinds: _, ...settings }, login }: Exclude<OnvifWish, string>) => ({ settings, login });
  return isDeepStrictEqual(bare(one), bare(other));
}

function faultOf(kind: OnvifProblem): OnvifFault {
  return { kind, ...onvifProblemWords(kind) };
}

function noOnvif(): NvrError {
  return new NvrError('failed-precondition', 'the camera is not used over ONVIF', {
    cure: 'Give its ONVIF address in the settings of the camera.',
  });
}

/** It is the camera that refuses us, not we our caller. */
function told(error: OnvifError): NvrError {
  const { kind, message, cure } = error;
  const ofCamera = kind === 'unauthenticated' || kind === 'permission-denied' ? 'failed-precondition' : kind;
  return new NvrError(ofCamera, message, { cause: error, ...(cure === undefined ? {} : { cure }) });
}

function hungUp(): NvrError {
  return new NvrError('unavailable', 'the camera is being connected anew', { cure: 'Try again in a moment.' });
}
