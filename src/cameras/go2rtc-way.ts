// The way of one stream through go2rtc: the source that it is given, what becomes of it, and when it is tried by another address.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { addressKind, background, type Clock, isOwnAddress, type Logger, NvrError } from '../core/index.ts';
import type { LinkProblem } from '../native/index.ts';
import type { Go2rtcSource } from './go2rtc-source.ts';
import type { Explanation, NoRoute, Route } from './hub.ts';

interface SourceWords {
  message: string;
  cure: string;
  /** The kind of fault, where it is known; those that are problems of links bear their names. */
  fault?: string;
  /** There is no address until that is over. */
  refused?: true;
  /** Which it is in seconds, by itself. */
  passing?: true;
}

/** The part of `Go2rtc` that cameras need. */
export interface HubProcess {
  state(): { name: string; message?: string; cure?: string };
  onChange(listener: () => void): () => void;
  claim(
    name: `th-${number}-${'main' | 'sub'}`,
    source: string,
  ): { url(): string | undefined; problem(): SourceWords | undefined; renew(): void; release(): void };
}

export interface WayOptions {
  process: HubProcess;
  name: `th-${number}-${'main' | 'sub'}`;
  /** Tried in turn; at least one. */
  sources: readonly Go2rtcSource[];
  allowLoopback: boolean;
  clock: Clock;
  log: Logger;
  /** The addresses of a name, one name at a time. */
  resolve: (host: string) => Promise<string[]>;
  /** `route` may answer otherwise now. */
  onChange: () => void;
}

/** Only what our recorder takes; both kinds at once, as a track that is asked for later makes go2rtc connect to the camera anew. */
const TRACKS = '?video=h264,h265&audio=aac,opus,pcma,pcmu';
/** Cameras lock accounts after a few wrong passwords. */
const LOGIN_MS = [300_000, 1_800_000] as const;
const RESOLVE_AGAIN_MS = 5000;
/** Between two looks whether a name leads elsewhere now. */
const STALE_MS = 60_000;
const RENEW_APART_MS = 10_000;
/** States of go2rtc that somebody has to do something about. */
const LASTING: ReadonlySet<string> = new Set(['absent', 'unusable', 'resting']);
const LINK_FAULTS: Readonly<Record<string, LinkProblem>> = {
  unauthorized: 'unauthorized',
  refused: 'refused',
  unreachable: 'unreachable',
  'unknown-host': 'unknown-host',
  timeout: 'timeout',
  closed: 'closed',
  'not-found': 'not-found',
  'other-codecs': 'unsupported-codec',
};

export class Go2rtcWay {
  readonly #options: WayOptions;
  #index = 0;
  #claim: ReturnType<HubProcess['claim']> | undefined;
  /** What the claim was made with. */
  #source = '';
  /** Why there is none. */
  #bar: NoRoute | undefined;
  #loginFailures = 0;
  /** When the last wait after a refused login was over. */
  #restedMs = Number.NEGATIVE_INFINITY;
  #resolvedMs = Number.NEGATIVE_INFINITY;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #over = false;

  constructor(options: WayOptions) {
    this.#options = options;
    this.#begin();
  }

  route(): Route | NoRoute {
    if (this.#bar) return this.#bar;
    const { process } = this.#options;
    const url = this.#claim?.url();
    if (url !== undefined) {
      return { able: true, urls: [`${url}${TRACKS}`], username: '', password: '', allowLoopback: true, hub: true };
    }
    const state = process.state();
    const own = this.#claim?.problem();
    const refused = state.name === 'ready' && own?.refused ? own : undefined;
    const { message, cure } = { ...STARTING, ...defined(state), ...refused };
    const isLasting = (refused !== undefined && !refused.passing) || LASTING.has(state.name);
    const passing = state.name === 'restarting' || refused ? 'mends' : 'begins';
    return { able: false, message: sentence(message), cure: sentence(cure), ...(isLasting ? {} : { passing }) };
  }

  /** Tries another address or another login time, as the cause wants it. */
  failed(problem: LinkProblem): Explanation | undefined {
    // go2rtc itself, or a camera that it has again already: the address is not to blame.
    if (this.#over || this.#bar || !this.#claim || problem === 'hub' || problem === 'closed') return undefined;
    const words = this.#claim.problem();
    const cause = words?.fault === undefined ? undefined : LINK_FAULTS[words.fault];
    if (words && cause === 'unauthorized') this.#rest(words);
    else if (this.#options.sources.length > 1 && problem !== 'stalled') this.#next();
    else this.#again();
    if (!words) return undefined;
    const { message, cure } = words;
    return { ...(cause ? { problem: cause } : {}), message: sentence(message), cure: sentence(cure) };
  }

  end(): void {
    this.#over = true;
    this.#drop();
  }

  #drop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#claim?.release();
    this.#claim = undefined;
  }

  #next(): void {
    this.#index = (this.#index + 1) % this.#options.sources.length;
    this.#begin();
    this.#options.onChange();
  }

  #again(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#isName() && nowMs - this.#resolvedMs >= STALE_MS)
      background(this.#resolve(), 'resolve a camera', this.#log);
    if (nowMs - this.#renewedMs < RENEW_APART_MS) return;
    this.#renewedMs = nowMs;
    this.#claim?.renew();
  }

  /** A login that was refused is tried as seldom as it would be directly. */
  #rest({ message, cure }: SourceWords): void {
    // What went well for so long is a camera that has just refused for the first time: some do while they start.
    if (this.#options.clock.monotonicMs() - this.#restedMs >= LOGIN_MS[1]) this.#loginFailures = 0;
    const waitMs = LOGIN_MS[Math.min(this.#loginFailures++, LOGIN_MS.length - 1)] ?? LOGIN_MS[0];
    this.#drop();
    this.#bar = { able: false, problem: 'unauthorized', message: sentence(message), cure: sentence(cure) };
    this.#later(waitMs, () => {
      this.#restedMs = this.#options.clock.monotonicMs();
      this.#begin();
    });
    this.#options.onChange();
  }

  #begin(): void {
    this.#cancel?.();
    this.#bar = undefined;
    if (this.#isName()) {
      this.#drop();
      this.#bar = {
        able: false,
        passing: 'begins',
        message: 'The name of the camera is looked up.',
        cure: 'Wait a moment.',
      };
      background(this.#resolve(), 'resolve a camera', this.#log);
      return;
    }
    const { host } = this.#current;
    if (this.#isAllowed(host)) {
      this.#take(this.#current.write());
      return;
    }
    this.#drop();
    this.#bar = FORBIDDEN;
  }

  /** What a name leads to is looked at before go2rtc gets there, and is what it gets: it would ask again, and go anywhere. */
  async #resolve(): Promise<void> {
    const source = this.#current;
    this.#resolvedMs = this.#options.clock.monotonicMs();
    const addresses = await this.#options.resolve(source.host).catch(() => []);
    if (this.#over || source !== this.#current) return;
    const allowed = addresses.find(address => this.#isAllowed(address));
    if (allowed !== undefined) {
      const written = source.replaceable ? source.write(allowed) : source.write();
      if (this.#claim && written === this.#source) return;
      this.#bar = undefined;
      this.#take(written);
    } else if (addresses.length > 0) {
      this.#drop();
      this.#bar = FORBIDDEN;
      // Routers that start tell such addresses of every name.
      this.#later(STALE_MS, () => background(this.#resolve(), 'resolve a camera', this.#log));
    } else {
      // Where it led before, it may lead still.
      if (!this.#claim) this.#bar = UNKNOWN;
      this.#later(RESOLVE_AGAIN_MS, () => background(this.#resolve(), 'resolve a camera', this.#log));
    }
    this.#options.onChange();
  }

  /** The newest claim of a stream says what its source is. */
  #take(source: string): void {
    const { process, name } = this.#options;
    const before = this.#claim;
    this.#source = source;
    this.#claim = undefined;
    try {
      this.#claim = process.claim(name, source);
    } catch (error) {
      if (!(error instanceof NvrError)) throw error;
      this.#bar = { able: false, message: sentence(error.message), cure: sentence(error.cure ?? 'Look at the log') };
    }
    before?.release();
  }

  #later(ms: number, action: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(ms, () => {
      if (this.#over) return;
      action();
      this.#options.onChange();
    });
  }

  /** One whose address matters. */
  #isName(): boolean {
    return !this.#options.allowLoopback && isIP(this.#current.host) === 0;
  }

  #isAllowed(address: string): boolean {
    return this.#options.allowLoopback || (addressKind(address) === 'ordinary' && !isOwnAddress(address));
  }

  get #current(): Go2rtcSource {
    const { sources } = this.#options;
    return sources[this.#index % sources.length] as Go2rtcSource;
  }

  get #log(): Logger {
    return this.#options.log;
  }
}

const STARTING = { message: 'go2rtc is starting', cure: 'Wait a moment' };

const FORBIDDEN: NoRoute = {
  able: false,
  problem: 'address-forbidden',
  message: 'The address leads to this machine or to a link-local address.',
  cure: 'Use the address that the camera has in your network.',
};

const UNKNOWN: NoRoute = {
  able: false,
  passing: 'mends',
  problem: 'unknown-host',
  message: 'The name of the camera is not known in this network.',
  cure: 'Check the spelling, or use its IP address.',
};

function defined({ message, cure }: { message?: string; cure?: string }): { message?: string; cure?: string } {
  return { ...(message === undefined ? {} : { message }), ...(cure === undefined ? {} : { cure }) };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** By the system, which may take a thread for as long as it likes: so one name after the other. */
export function systemResolver(): (host: string) => Promise<string[]> {
  let before: Promise<unknown> = Promise.resolve();
  return host => {
    const found = before.then(async () => (await lookup(host, { all: true, verbatim: true })).map(one => one.address));
    before = found.catch(() => undefined);
    return found;
  };
}
