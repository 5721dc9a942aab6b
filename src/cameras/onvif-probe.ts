// Finds cameras in the network, and tries one over ONVIF that is not added yet.
import { type Clock, isAbort, type Logger, NvrError } from '../core/index.ts';
import {
  type AddressRules,
  type DiscoveryResult,
  discover,
  OnvifCamera,
  OnvifError,
  type OnvifProblem,
  onvifProblemWords,
  readDeviceAddress,
  writeDeviceAddress,
} from '../onvif/index.ts';
import { checkOnvifAddress } from './onvif-merge.ts';
import type { OnvifProbe } from './onvif-settings.ts';

/** Nobody looks for cameras in several ways at a time; each search asks the whole network. */
const MAX_SEARCHES = 2;
const MAX_PROBES = 4;
/** Slow cameras take some seconds for all the questions. */
const DEADLINE_MS = 20_000;

export interface OnvifProberOptions {
  clock: Clock;
  log: Logger;
  rules: AddressRules;
}

export interface OnvifProbeInput {
  address: string;
  videoSource?: string | null | undefined;
  checkCertificate?: boolean | undefined;
  allowBasic?: boolean | undefined;
}

export interface OnvifProbeResult {
  ok: boolean;
  streams: [];
  onvif?: OnvifProbe;
  problem?: { kind: OnvifProblem; message: string; cure: string };
}

export class OnvifProber {
  readonly #options: OnvifProberOptions;
  #searches = 0;
  #probes = 0;

  constructor(options: OnvifProberOptions) {
    this.#options = options;
  }

  /** Rejects with `unavailable` while it is searched for others. */
  async discover(waitMs: number): Promise<DiscoveryResult> {
    const { clock, rules } = this.#options;
    if (this.#searches >= MAX_SEARCHES) throw busy('cameras are being searched for already');
    this.#searches += 1;
    try {
      const { signal } = new AbortController();
      return await discover({ clock, signal, waitMs, allowLoopback: rules.allowLoopback });
    } finally {
      this.#searches -= 1;
    }
  }

  /** Asked once, with this login only. Rejects with `invalid-argument` for what is no address, `unavailable` while 4 others are tried. */
  async probe(
    input: OnvifProbeInput,
    login: { username?: string | null | undefined; password?: string | null | undefined },
  ): Promise<OnvifProbeResult> {
    const { clock, log, rules } = this.#options;
    checkOnvifAddress(input.address, 'onvif.address', rules.allowLoopback);
    const device = readDeviceAddress(input.address);
    if (!device) throw new NvrError('internal', 'an address that was checked cannot be read');
    if (this.#probes >= MAX_PROBES) throw busy(`${MAX_PROBES} cameras are being tried already`);
    const { username, password } = login;
    const { checkCertificate = false, allowBasic = false, videoSource } = input;
    this.#probes += 1;
    const deadline = new AbortController();
    const cancel = clock.after(DEADLINE_MS, () => deadline.abort());
    const camera = new OnvifCamera({
      ...{ device, rules, clock, log, checkCertificate, allowBasic, events: false },
      ...(username ? { login: { username, password: password ?? '' } } : {}),
      ...(videoSource ? { videoSource } : {}),
    });
    try {
      const found = await camera.probe(deadline.signal);
      return { ok: true, streams: [], onvif: { address: writeDeviceAddress(device), ...found } };
    } catch (error) {
      if (error instanceof OnvifError) return failure(error.problem);
      if (isAbort(error)) return failure('timeout');
      throw error;
    } finally {
      cancel();
      this.#probes -= 1;
      await camera.close();
    }
  }
}

function failure(kind: OnvifProblem): OnvifProbeResult {
  return { ok: false, streams: [], problem: { kind, ...onvifProblemWords(kind) } };
}

function busy(message: string): NvrError {
  return new NvrError('unavailable', message, { cure: 'Try again in a moment.' });
}
