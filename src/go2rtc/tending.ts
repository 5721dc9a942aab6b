// Looks after one running go2rtc: gives it its streams, looks how it does, and says why it has to end.
import { background, type Clock, type Logger } from '../core/index.ts';
import { ForeignAnswer } from './api.ts';
import { Bell } from './bell.ts';
import type { Quarantine } from './quarantine.ts';
import type { Run } from './run.ts';
import { LongAnswer } from './socket-request.ts';
import { isSameSource, NOWHERE } from './source-address.ts';
import type { ChildExit, StreamName, Words } from './state.ts';
import { isStrayed } from './strayed.ts';
import type { StreamReport } from './stream-report.ts';
import type { StreamTable } from './stream-table.ts';
import type { Limits, Vitals } from './vitals.ts';
import { faultWords, NOT_KEPT, sourceFault } from './words.ts';

export interface TendingParts {
  run: Run;
  table: StreamTable;
  quarantine: Quarantine;
  vitals: Vitals;
  limits: Limits;
  /** Sources may lead to this machine. */
  allowLoopback: boolean;
  clock: Clock;
  log: Logger;
  /** Asked each minute: why it should be started anew when nobody takes anything, undefined = it need not. */
  wantsRestart: () => Promise<string | undefined>;
}

/** `quiet`: it may be started anew without anybody noticing. The rest are failures. */
export type EndReason =
  | { kind: 'exited'; exit: ChildExit }
  | { kind: 'quiet'; reason: string }
  | { kind: 'failed'; reason: string };

/** As of the last look. */
export interface Figures {
  rssBytes?: number;
  fds?: number;
  cpu01?: number;
}

const LOOK_MS = 5000;
const MINUTE_MS = 60_000;
/** After a change that got no answer. */
const AGAIN_MS = 1000;
/** A core that is busy so long, in looks; with viewers, who may keep a small board busy, longer. */
const BUSY01 = 0.9;
const BUSY_LOOKS = 6;
const BUSY_LOOKS_WITH_VIEWERS = 24;
/** A stream that is another's again and again is given up. */
const MOST_REPAIRS = 3;

interface Given {
  source: string;
  /** Set when go2rtc does not take it. */
  refused?: Words;
  repairs: number;
}

export class Tending {
  readonly #parts: TendingParts;
  readonly #bell: Bell;
  readonly #abort = new AbortController();
  readonly #given = new Map<StreamName, Given>();
  readonly #counts = new Map<StreamName, string>();
  /** To what each is connected, and with which source. */
  readonly #places = new Map<StreamName, string>();
  #figures: Figures = {};
  #takers: ReadonlyMap<string, number> = new Map();
  #consumers = 0;
  #viewers = 0;
  #busyLooks = 0;
  #lastCpu: { cpuMs: number; atMs: number } | undefined;
  #nextDoubtedMs = 0;
  #finish: (reason: EndReason) => void = () => undefined;

  constructor(parts: TendingParts) {
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
  }

  get figures(): Figures {
    return this.#figures;
  }

  /** Who takes a stream as of the last look, also one that nobody wants any more. */
  takers(name: StreamName): number {
    return this.#takers.get(name) ?? 0;
  }

  /** Something is wanted that was not. */
  nudge(): void {
    this.#bell.ring();
  }

  /** Resolves when the process has to end, or has ended. Rejects with the signal's reason when nobody needs it any more. */
  async until(signal: AbortSignal): Promise<EndReason> {
    const { run, quarantine, table, log } = this.#parts;
    run.onLine(line => {
      quarantine.heard(line);
      const { stream, url, error, level } = line;
      if (error === undefined || (level !== 'warn' && level !== 'error')) return;
      const named = url === undefined ? [] : table.named(source => isSameSource(url, source) === true);
      for (const name of stream ? [stream] : named) table.failed(name, faultWords(sourceFault(error)));
    });
    const onAbort = () => this.#abort.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const ended = new Promise<EndReason>((resolve, reject) => {
      this.#finish = resolve;
      this.#abort.signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const exited = run.exited.then((exit): EndReason => ({ kind: 'exited', exit }));
    background(this.#give(), 'streams of go2rtc', log);
    background(this.#look(), 'health of go2rtc', log);
    background(this.#weigh(), 'size of go2rtc', log);
    try {
      signal.throwIfAborted();
      return await Promise.race([exited, ended]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      ended.catch(() => undefined);
      this.#abort.abort();
    }
  }

  /** Keeps what go2rtc has the same as what is wanted of it. */
  async #give(): Promise<void> {
    const { signal } = this.#abort;
    for (;;) {
      const seen = this.#bell.count;
      const waitMs = await this.#giveAll();
      await this.#bell.wait(seen, signal, waitMs);
    }
  }

  /** After how long to try again what could not be done; undefined = all is done. */
  async #giveAll(): Promise<number | undefined> {
    const { table, quarantine, clock } = this.#parts;
    const renewals = new Set(table.takeRenewals());
    const names = [...new Set([...table.names(), ...this.#given.keys()])];
    const { atOnce, oneByOne } = quarantine.suspects.order(names);
    const doubted = new Set(oneByOne);
    let waitMs: number | undefined;
    for (const name of [...atOnce, ...oneByOne]) {
      this.#abort.signal.throwIfAborted();
      const known = this.#given.get(name);
      const source = table.wanted(name) ?? NOWHERE;
      if (known?.source === source && !renewals.has(name)) {
        this.#tell(name, known);
        continue;
      }
      if (known === undefined && source === NOWHERE) continue;
      if (doubted.has(name) && source !== NOWHERE) {
        const leftMs = this.#nextDoubtedMs - clock.monotonicMs();
        if (leftMs > 0) {
          waitMs = Math.min(waitMs ?? leftMs, leftMs);
          continue;
        }
        this.#nextDoubtedMs = clock.monotonicMs() + quarantine.suspects.pauseMs;
      }
      if (!(await this.#giveOne(name, source))) waitMs = Math.min(waitMs ?? AGAIN_MS, AGAIN_MS);
    }
    return waitMs;
  }

  /** False when it got no answer. */
  async #giveOne(name: StreamName, source: string): Promise<boolean> {
    const { run, quarantine, log } = this.#parts;
    try {
      const result = await run.api.patch(name, source);
      if (source !== NOWHERE) quarantine.suspects.given(name);
      const { repairs = 0 } = this.#given.get(name) ?? {};
      const given = { source, repairs, ...(result.state === 'refused' && { refused: result.words }) };
      this.#given.set(name, given);
      if (given.refused) log.warn('go2rtc refuses a source', { stream: name, reason: given.refused.message });
      this.#tell(name, given);
      return true;
    } catch (error) {
      if (error instanceof ForeignAnswer) this.#fail(`somebody else answers in its place: ${error.message}`);
      return false;
    }
  }

  #tell(name: StreamName, { source, refused }: Given): void {
    const { table, run } = this.#parts;
    if (source === NOWHERE || table.wanted(name) !== source) return;
    if (refused) table.refused(name, refused);
    else table.usable(name, `rtsp://127.0.0.1:${run.rtspPort}/${name}`);
  }

  async #look(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      await clock.sleep(LOOK_MS, this.#abort.signal);
      if (!(await this.#isAwake())) return;
      const streams = await this.#ask();
      if (!streams) return;
      if (streams !== 'long') this.#see(streams);
    }
  }

  /** False when it will never answer, or works without end. */
  async #isAwake(): Promise<boolean> {
    const { vitals, run, clock } = this.#parts;
    const pulse = await vitals.pulse(run.pid);
    if (!pulse) return true;
    if (pulse.isStopped) return this.#fail('it was stopped (SIGSTOP)');
    const atMs = clock.monotonicMs();
    const last = this.#lastCpu;
    this.#lastCpu = { cpuMs: pulse.cpuMs, atMs };
    if (!last || atMs <= last.atMs) return true;
    const cpu01 = (pulse.cpuMs - last.cpuMs) / (atMs - last.atMs);
    this.#figures = { ...this.#figures, cpu01 };
    this.#busyLooks = cpu01 >= BUSY01 ? this.#busyLooks + 1 : 0;
    const most = this.#viewers > 0 ? BUSY_LOOKS_WITH_VIEWERS : BUSY_LOOKS;
    return this.#busyLooks < most || this.#fail('it keeps a core busy');
  }

  /** All streams; asked twice before silence counts. Undefined when it does not answer. */
  async #ask(): Promise<Map<string, StreamReport> | 'long' | undefined> {
    for (let left = 2; left > 0; left--) {
      try {
        return await this.#parts.run.api.list();
      } catch (error) {
        if (error instanceof LongAnswer && (await this.#shorten())) return 'long';
        if (error instanceof ForeignAnswer) this.#fail(`somebody else answers in its place: ${error.message}`);
        if (this.#abort.signal.aborted) return undefined;
      }
    }
    this.#fail('its API does not answer');
    return undefined;
  }

  /** Sets those aside whose camera describes itself without end, before nothing is to be known of the others. True when one was found. */
  async #shorten(): Promise<boolean> {
    const { table, run, quarantine } = this.#parts;
    let isFound = false;
    for (const name of table.names()) {
      const isLong = await run.api.isLong(name).catch(() => false);
      if (isLong) quarantine.talkative(name);
      isFound ||= isLong;
    }
    return isFound;
  }

  #see(streams: ReadonlyMap<string, StreamReport>): void {
    const { table } = this.#parts;
    const all = [...streams.values()].flatMap(({ consumers }) => consumers);
    this.#consumers = all.length;
    this.#takers = new Map([...streams].map(([name, { consumers }]) => [name, consumers.length]));
    this.#viewers = all.filter(format => format.startsWith('webrtc')).length;
    for (const name of table.names()) {
      const stream = streams.get(name);
      const connected = stream?.producers.filter(({ isConnected }) => isConnected) ?? [];
      const count = connected.map(one => one.count).join(' ');
      const moving = count !== '' && this.#counts.get(name) !== count;
      this.#counts.set(name, count);
      table.seen(name, stream?.consumers.length ?? 0, moving);
      this.#check(name, stream);
    }
    for (const known of [this.#counts, this.#places])
      for (const name of known.keys()) if (!table.has(name)) known.delete(name);
  }

  /** Gives a stream once more whose place was taken by another source, and takes away one that leads where none may. */
  #check(name: StreamName, stream: StreamReport | undefined): void {
    const { table, quarantine, allowLoopback, log } = this.#parts;
    const given = this.#given.get(name);
    if (!given || given.refused) return;
    const remotes = stream?.producers.filter(one => one.isConnected).map(({ remote }) => remote) ?? [];
    const place = JSON.stringify([given.source, ...remotes]);
    // Judged once: to ask for all addresses of the machine takes a slow board a while.
    const isNew = this.#places.get(name) !== place;
    this.#places.set(name, place);
    if (isNew && !allowLoopback && remotes.some(remote => isStrayed(remote, given.source))) quarantine.strayed(name);
    const isKept = stream?.producers.every(one => one.isConnected || isSameSource(one.url, given.source) !== false);
    if (isKept) return;
    log.warn('go2rtc has another source than it was given', { stream: name });
    if (given.repairs >= MOST_REPAIRS) {
      this.#given.set(name, { ...given, refused: NOT_KEPT });
      table.refused(name, NOT_KEPT);
      return;
    }
    this.#given.set(name, { source: '', repairs: given.repairs + 1 });
    this.#bell.ring();
  }

  /** Memory and open files, each minute. */
  async #weigh(): Promise<void> {
    const { clock, vitals, run, limits, wantsRestart, log } = this.#parts;
    for (let minute = 0; ; minute++) {
      const size = await vitals.size(run.pid);
      if (size) this.#figures = { ...this.#figures, ...size };
      if (size && (size.rssBytes > limits.hard.rssBytes || size.fds > limits.hard.fds)) {
        log.warn('go2rtc has grown too large', { ...size });
        this.#fail('it has grown too large');
        return;
      }
      const isLarge = size && (size.rssBytes > limits.quiet.rssBytes || size.fds > limits.quiet.fds);
      // Not in its first minute, so that what comes and goes does not have it started over and over.
      if (minute > 0) {
        const wanted = await wantsRestart();
        const reason = isLarge ? 'it has grown' : wanted;
        if (this.#consumers === 0 && reason !== undefined) return this.#finish({ kind: 'quiet', reason });
      }
      await clock.sleep(MINUTE_MS, this.#abort.signal);
    }
  }

  /** Always false, for those who go on as long as all is well. */
  #fail(reason: string): false {
    this.#finish({ kind: 'failed', reason });
    return false;
  }
}
