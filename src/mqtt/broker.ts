// Keeps us connected to one broker: tries again with longer and longer pauses, holds back news while it is away, says how it is.
import { background, type Clock, type Logger } from '../core/index.ts';
import { BrokerLink, type BrokerTarget, type LinkOptions, VersionRefused } from './broker-link.ts';
import { BrokerFault, type BrokerFaultKind, type BrokerProblem, faultOf } from './faults.ts';
import { Outbox } from './outbox.ts';
import type { ProtocolLevel, Publication } from './wire.ts';

export type BrokerStateName = 'connecting' | 'online' | 'away';

export interface BrokerState {
  name: BrokerStateName;
  sinceMs: number;
  /** While it is online. */
  protocol?: '3.1.1' | '5';
  /** Why it is away. */
  problem?: BrokerProblem;
  /** UTC of the next attempt while it is away. */
  retryAtMs?: number;
}

export interface BrokerFigures {
  queued: number;
  queuedBytes: number;
  published: number;
  /** News that went for want of room. */
  dropped: number;
}

export interface BrokerOptions {
  /** Throws `BrokerFault` when there are no usable settings. */
  target(): BrokerTarget;
  /** `auto`: 5, else 3.1.1. */
  protocol: 'auto' | '3.1.1' | '5';
  clock: Clock;
  log: Logger;
  /** 0 to 1, for the pauses. */
  random(): number;
  /** Says hello. It counts as online when that resolves; where it rejects, the connection is given up. */
  onLink(link: BrokerLink, signal: AbortSignal): Promise<void>;
  /** It is away. */
  onLost(): void;
  /** There may be room for states again. */
  onRoom(): void;
  onMessage(topic: string, payload: Buffer, isRetained: boolean): void;
  onOversized(sizeBytes: number): void;
}

/** Home Assistant asks each ten seconds: behind a broker's restart its states come soon after its return. */
const RETRY_MS = [1000, 2000, 5000, 10_000, 15_000];
/** What only the owner can mend is not tried as often: some brokers lock out whoever fails again and again. */
const PATIENT_RETRY_MS = 120_000;
const PATIENT: ReadonlySet<BrokerFaultKind> = new Set<BrokerFaultKind>([
  ...(['unauthorized', 'forbidden', 'topic-forbidden', 'prefix-in-use', 'certificate'] as const),
  ...(['client-certificate', 'password-unreadable', 'no-retain', 'address-forbidden'] as const),
]);
const JITTER = 0.2;
/** A link that held so long begins anew with the short pauses. */
const STEADY_MS = 30_000;

export class Broker {
  readonly #options: BrokerOptions;
  readonly #outbox = new Outbox();
  readonly #abort = new AbortController();
  #link: BrokerLink | undefined;
  #state: BrokerState;
  #level: ProtocolLevel;
  #published = 0;
  #running: Promise<void> | undefined;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#level = options.protocol === '3.1.1' ? 4 : 5;
    this.#state = { name: 'connecting', sinceMs: options.clock.nowMs() };
  }

  start(): void {
    this.#running = this.#run();
    background(this.#running, 'keep the broker', this.#options.log);
  }

  /** Leaves in good order, `lastWords` first when the broker is there, within a second. Idempotent. */
  async stop(lastWords: readonly Publication[]): Promise<void> {
    const link = this.isOnline ? this.#link : undefined;
    if (link && !this.#abort.signal.aborted) {
      const deadline = new AbortController();
      const late = this.#options.clock.sleep(1000, deadline.signal).catch(() => undefined);
      const last = lastWords.at(-1);
      for (const one of lastWords.slice(0, -1)) link.publish({ ...one, qos: 0 });
      const said = last ? link.publishSurely(last).catch(() => undefined) : Promise.resolve();
      await Promise.race([said, late]);
      deadline.abort();
    }
    this.#abort.abort();
    this.#link?.leave();
    this.#outbox.clear();
    await this.#running?.catch(() => undefined);
  }

  get isOnline(): boolean {
    return this.#state.name === 'online';
  }

  state(): BrokerState {
    return this.#state;
  }

  figures(): BrokerFigures {
    const { length, sizeBytes, dropped } = this.#outbox;
    const waiting = this.#link?.backlogBytes ?? 0;
    return { queued: length, queuedBytes: sizeBytes + waiting, published: this.#published, dropped };
  }

  /** News: with QoS 1, later when the broker is away or slow. */
  tell(topic: string, payload: Buffer): void {
    if (this.#abort.signal.aborted) return;
    this.#outbox.add({ topic, payload, qos: 1, retain: false });
    this.#flush();
  }

  /** At once or not at all: false when the broker is away or slow, and `onRoom` will be called when it can be tried again. */
  publish(publication: Publication): boolean {
    const link = this.#link;
    if (!link?.hasRoom()) return false;
    // Too long for this broker is too long for ever.
    if (link.publish(publication)) this.#published++;
    return true;
  }

  async #run(): Promise<void> {
    const { clock, log, random, onLost } = this.#options;
    const { signal } = this.#abort;
    let failures = 0;
    while (!signal.aborted) {
      const beganMs = clock.monotonicMs();
      const fault = await this.#once().catch((error: unknown) => {
        if (signal.aborted) return undefined;
        if (!(error instanceof BrokerFault)) log.error('the broker could not be talked to', { error });
        return faultOf(error);
      });
      this.#link = undefined;
      // Whatever fails while we leave fails because of it.
      if (!fault || signal.aborted) return;
      const wasOnline = this.isOnline;
      if (wasOnline && clock.monotonicMs() - beganMs >= STEADY_MS) failures = 0;
      const { problem } = fault;
      const pauseMs = PATIENT.has(problem.kind)
        ? PATIENT_RETRY_MS
        : (RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0);
      const retryMs = Math.round(pauseMs * (1 + JITTER * (2 * random() - 1)));
      failures++;
      const isNews = wasOnline || problem.kind !== this.#state.problem?.kind;
      this.#become('away', { problem, retryAtMs: clock.nowMs() + retryMs });
      if (isNews) log.warn('the MQTT broker is away', { problem: problem.kind, message: problem.message, retryMs });
      onLost();
      await clock.sleep(retryMs, signal);
    }
  }

  /** One connection from its beginning to its end, which it resolves with. */
  async #once(): Promise<BrokerFault> {
    const { onLink, onRoom, onMessage, onOversized, clock, log } = this.#options;
    let end: (fault: BrokerFault) => void = () => undefined;
    const ended = new Promise<BrokerFault>(resolve => {
      end = resolve;
    });
    const alive = new AbortController();
    const options: LinkOptions = {
      ...{ clock, onMessage, onOversized },
      onRoom: () => {
        this.#flush();
        onRoom();
      },
      onClosed: (fault, unacknowledged) => {
        this.#outbox.putBack(unacknowledged);
        alive.abort();
        end(fault);
      },
    };
    const link = await this.#open(options);
    this.#link = link;
    try {
      await onLink(link, AbortSignal.any([alive.signal, this.#abort.signal]));
    } catch (error) {
      link.leave();
      // Whatever was under way when it ended failed for that.
      throw alive.signal.aborted ? await ended : error;
    }
    if (alive.signal.aborted) return ended;
    this.#become('online', { protocol: link.level === 5 ? '5' : '3.1.1' });
    log.info('the MQTT broker is there', { protocol: this.#state.protocol });
    this.#flush();
    onRoom();
    const onAbort = () => end(new BrokerFault('closed'));
    this.#abort.signal.addEventListener('abort', onAbort, { once: true });
    return ended.finally(() => this.#abort.signal.removeEventListener('abort', onAbort));
  }

  /** Brokers without MQTT 5 say so, or just end the connection. */
  async #open(options: LinkOptions): Promise<BrokerLink> {
    const target = this.#options.target();
    const { signal } = this.#abort;
    try {
      return await BrokerLink.open(target, this.#level, options, signal);
    } catch (error) {
      const isOld =
        error instanceof VersionRefused || (error instanceof BrokerFault && error.problem.kind === 'closed');
      if (!isOld || this.#level === 4 || this.#options.protocol === '5') {
        throw error instanceof VersionRefused ? new BrokerFault('forbidden', 'it does not know MQTT 5') : error;
      }
      const link = await BrokerLink.open(target, 4, options, signal);
      this.#level = 4;
      return link;
    }
  }

  #become(name: BrokerStateName, more: Omit<BrokerState, 'name' | 'sinceMs'>): void {
    const sinceMs = name === this.#state.name ? this.#state.sinceMs : this.#options.clock.nowMs();
    this.#state = { name, sinceMs, ...more };
  }

  #flush(): void {
    if (!this.isOnline) return;
    while (this.#link?.hasRoom(true)) {
      const next = this.#outbox.take();
      if (!next) return;
      if (this.#link.publish(next)) this.#published++;
    }
  }
}
