// Moving a camera: what is held moves it, and without a further word it stands still within a second, whatever happens to us.
import type { Clock } from '../core/index.ts';
import type { Target } from './address.ts';
import { writeDuration } from './device-clock.ts';
import { OnvifError } from './problem.ts';
import type { SoapCaller } from './soap-client.ts';
import { escapeXml } from './xml.ts';
import { children, find, label, numberAt, textAt, tokenOf } from './xml-find.ts';

/** Each -1 to 1: part of the greatest speed, to the right, upwards, inwards. */
export interface PtzVelocity {
  pan: number;
  tilt: number;
  zoom: number;
}

/** In the camera's own generic spaces: pan and tilt -1 to 1, zoom 0 to 1 (as a way: -1 to 1). Absent = as it is. */
export interface PtzPlace {
  pan?: number;
  tilt?: number;
  zoom?: number;
}

export interface PtzPreset {
  token: string;
  name: string;
}

export interface PtzAbilities {
  continuous: boolean;
  absolute: boolean;
  relative: boolean;
  zoom: boolean;
  /** How many can be kept; 0 = none. */
  presets: number;
  home: boolean;
}

/** After the last word of a held move; whoever holds says so each 500 ms. */
const HELD_MS = 800;
/** The camera's own limit, for when we are gone. Some take only whole seconds. */
const CAMERA_LIMIT_MS = 1000;
const CALL_MS = 5000;
const STOP_TRIES = 3;
const STOP_PAUSE_MS = 200;
const LEAVE_MS = 1500;
const MAX_PRESETS = 256;

export interface PtzOptions {
  caller: SoapCaller;
  target: Target;
  /** Token of the media profile. */
  profile: string;
  clock: Clock;
}

export class Ptz {
  readonly #options: PtzOptions;
  /** The newest move that waits for the one under way. */
  #next: PtzVelocity | undefined;
  #isMoving = false;
  /** Counts stops: a move that began before one is over. */
  #stops = 0;
  #cancelHeld: () => void = () => undefined;
  #last: PtzVelocity = { pan: 0, tilt: 0, zoom: 0 };
  readonly #closed = new AbortController();

  constructor(options: PtzOptions) {
    this.#options = options;
  }

  /**
   * Moves until another word comes, at most 0.8 s. While a call is under way only the newest move is kept. Rejects with OnvifError when
   * the camera refuses; a move that a newer one replaced resolves.
   */
  async move(velocity: PtzVelocity): Promise<void> {
    const wanted = { pan: within(velocity.pan), tilt: within(velocity.tilt), zoom: within(velocity.zoom) };
    if (wanted.pan === 0 && wanted.tilt === 0 && wanted.zoom === 0) {
      await this.stop();
      return;
    }
    this.#hold();
    this.#next = wanted;
    if (this.#isMoving) return;
    this.#isMoving = true;
    try {
      for (let next = this.#takeNext(); next; next = this.#takeNext()) await this.#moveOnce(next);
    } finally {
      this.#isMoving = false;
    }
  }

  /** Stands still; a few tries. */
  async stop(): Promise<void> {
    this.#cancelHeld();
    this.#next = undefined;
    this.#stops += 1;
    this.#last = { pan: 0, tilt: 0, zoom: 0 };
    for (let tries = 1; ; tries++) {
      try {
        await this.#call('Stop', '<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>');
        return;
      } catch (error) {
        const isPassing = error instanceof OnvifError && ['closed', 'timeout', 'server-error'].includes(error.problem);
        if (tries === STOP_TRIES || !isPassing) throw error;
        await this.#options.clock.sleep(STOP_PAUSE_MS, this.#closed.signal);
      }
    }
  }

  async goTo(place: PtzPlace): Promise<void> {
    await this.#call('AbsoluteMove', `<tptz:Position>${vector(place, 0)}</tptz:Position>`);
  }

  async goBy(way: PtzPlace): Promise<void> {
    await this.#call('RelativeMove', `<tptz:Translation>${vector(way, -1)}</tptz:Translation>`);
  }

  /** Where it looks, as far as it says. */
  async position(): Promise<PtzPlace> {
    const answer = await this.#call('GetStatus', '');
    const at = find(answer, 'PTZStatus/Position');
    const parts = {
      pan: part(find(at, 'PanTilt'), 'x'),
      tilt: part(find(at, 'PanTilt'), 'y'),
      zoom: part(find(at, 'Zoom'), 'x'),
    };
    return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
  }

  async presets(): Promise<PtzPreset[]> {
    const answer = await this.#call('GetPresets', '');
    return children(answer, 'Preset')
      .slice(0, MAX_PRESETS)
      .flatMap(preset => {
        const token = tokenOf(preset);
        return token === undefined ? [] : [{ token, name: label(textAt(preset, 'Name')) ?? token }];
      });
  }

  async goToPreset(token: string): Promise<void> {
    await this.#call('GotoPreset', presetElement(token));
  }

  /** Keeps where it looks now, under a preset that there is or as a new one; its token. */
  async keepPreset(name: string, token?: string): Promise<string> {
    const named = `<tptz:PresetName>${escapeXml(name)}</tptz:PresetName>`;
    const answer = await this.#call('SetPreset', `${named}${token === undefined ? '' : presetElement(token)}`);
    const kept = label(textAt(answer, 'PresetToken'), 256) ?? token;
    if (kept === undefined) throw new OnvifError('bad-answer');
    return kept;
  }

  async removePreset(token: string): Promise<void> {
    await this.#call('RemovePreset', presetElement(token));
  }

  async goHome(): Promise<void> {
    await this.#call('GotoHomePosition', '');
  }

  async keepHome(): Promise<void> {
    await this.#call('SetHomePosition', '');
  }

  /** What moves is stopped, within 1.5 s or not at all; calls that wait are given up. */
  async close(): Promise<void> {
    const { pan, tilt, zoom } = this.#last;
    const isMoving = this.#isMoving || pan !== 0 || tilt !== 0 || zoom !== 0;
    this.#cancelHeld();
    this.#next = undefined;
    const cancel = this.#options.clock.after(LEAVE_MS, () => this.#closed.abort());
    if (isMoving) await this.stop().catch(() => undefined);
    cancel();
    this.#closed.abort();
  }

  #hold(): void {
    this.#cancelHeld();
    // The camera has a limit of its own; a stop that fails has been tried often enough.
    this.#cancelHeld = this.#options.clock.after(HELD_MS, () => void this.stop().catch(() => undefined));
  }

  #takeNext(): PtzVelocity | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  async #moveOnce(velocity: PtzVelocity): Promise<void> {
    const stops = this.#stops;
    const { pan, tilt, zoom } = velocity;
    const before = this.#last;
    this.#last = velocity;
    // What it does not move it must not be told of: cameras without zoom refuse the whole. What moved before has to be told to end.
    const isZooming = zoom !== 0 || before.zoom !== 0;
    const isTurning = pan !== 0 || tilt !== 0 || before.pan !== 0 || before.tilt !== 0;
    const turn = isTurning ? `<tt:PanTilt x="${pan}" y="${tilt}"/>` : '';
    const inwards = isZooming ? `<tt:Zoom x="${zoom}"/>` : '';
    const limit = `<tptz:Timeout>${writeDuration(CAMERA_LIMIT_MS)}</tptz:Timeout>`;
    await this.#call('ContinuousMove', `<tptz:Velocity>${turn}${inwards}</tptz:Velocity>${limit}`);
    // The stop may have overtaken the move on its way.
    if (this.#stops !== stops && this.#next === undefined) await this.stop();
  }

  async #call(operation: string, inside: string) {
    const { caller, target, profile } = this.#options;
    const token = `<tptz:ProfileToken>${escapeXml(profile)}</tptz:ProfileToken>`;
    const call = { target, prefix: 'tptz' as const, operation, inside: `${token}${inside}`, timeoutMs: CALL_MS };
    return await caller.call(call, this.#closed.signal);
  }
}

function presetElement(token: string): string {
  return `<tptz:PresetToken>${escapeXml(token)}</tptz:PresetToken>`;
}

function within(value: number, least = -1): number {
  return Number.isFinite(value) ? Math.min(Math.max(Math.round(value * 1000) / 1000, least), 1) : 0;
}

function vector({ pan, tilt, zoom }: PtzPlace, leastZoom: number): string {
  const hasTurn = pan !== undefined || tilt !== undefined;
  const turn = hasTurn ? `<tt:PanTilt x="${within(pan ?? 0)}" y="${within(tilt ?? 0)}"/>` : '';
  return `${turn}${zoom === undefined ? '' : `<tt:Zoom x="${within(zoom, leastZoom)}"/>`}`;
}

function part(element: ReturnType<typeof find>, name: string): number | undefined {
  const value = Number(element?.attributes.find(one => one.name === name)?.value || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** What the camera's first node can do. */
export async function askPtzAbilities(caller: SoapCaller, target: Target, signal: AbortSignal): Promise<PtzAbilities> {
  const answer = await caller.call({ target, prefix: 'tptz', operation: 'GetNodes' }, signal);
  const node = find(answer, 'PTZNode');
  const spaces = find(node, 'SupportedPTZSpaces');
  const has = (name: string) => find(spaces, name) !== undefined;
  return {
    continuous: has('ContinuousPanTiltVelocitySpace') || has('ContinuousZoomVelocitySpace'),
    absolute: has('AbsolutePanTiltPositionSpace') || has('AbsoluteZoomPositionSpace'),
    relative: has('RelativePanTiltTranslationSpace') || has('RelativeZoomTranslationSpace'),
    zoom: has('ContinuousZoomVelocitySpace') || has('AbsoluteZoomPositionSpace'),
    presets: Math.min(Math.max(Math.floor(numberAt(node, 'MaximumNumberOfPresets') ?? 0), 0), 1000),
    home: textAt(node, 'HomeSupported') === 'true' || textAt(node, 'HomeSupported') === '1',
  };
}
