// Which streams are wanted of go2rtc, with which sources, and how each is. It outlives every process.
import { NvrError } from '../core/index.ts';
import { isStreamName, looksLikeStream, NOWHERE } from './source-address.ts';
import type { SourceWords, StreamClaim, StreamName, StreamState, Words } from './state.ts';
import { RENAMED } from './words.ts';

export interface TableParts {
  /** Something is wanted that was not, or the other way round. */
  onWant: () => void;
  /** What claims say has changed. */
  onChange: () => void;
  /** The source of a stream is another, or nobody's any more. */
  onSource: (name: StreamName, source: string | undefined) => void;
  /** Why there is no address for any stream. */
  absence: () => Words;
}

interface Claim {
  source: string;
}

/** One stream; the newest claim says what its source is. */
class Entry {
  readonly name: StreamName;
  readonly claims: Claim[] = [];
  /** Where it can be pulled, of the running process. */
  url: string | undefined;
  /** It is kept from everybody. */
  barred: SourceWords | undefined;
  /** go2rtc does not take its source. */
  refused: Words | undefined;
  /** What its source last failed with. */
  fault: SourceWords | undefined;
  consumers = 0;
  moving = false;

  constructor(name: StreamName) {
    this.name = name;
  }

  get source(): string | undefined {
    return this.claims.at(-1)?.source;
  }
}

/** More than any board has cameras for. */
const MOST_STREAMS = 512;
const MOST_SOURCE_CHARS = 2000;

export class StreamTable {
  readonly #parts: TableParts;
  readonly #entries = new Map<StreamName, Entry>();
  readonly #renewals = new Set<StreamName>();

  constructor(parts: TableParts) {
    this.#parts = parts;
  }

  /** Throws `invalid-argument` for what can be no stream, `resource-exhausted` for too many. */
  claim(name: StreamName, source: string): StreamClaim {
    if (!isStreamName(name)) throw new NvrError('invalid-argument', `${name} is no name of a stream`);
    if (source.length > MOST_SOURCE_CHARS || /[\s{}$]/.test(source) || !/^[a-z][a-z0-9+.-]*:/i.test(source)) {
      throw new NvrError('invalid-argument', 'this is no address that go2rtc could be given');
    }
    const entry = this.#entries.get(name) ?? this.#enter(name);
    const own: Claim = { source };
    this.#change(entry, () => entry.claims.push(own));
    const isOurs = () => this.#entries.get(name) === entry && entry.claims.includes(own);
    return {
      url: () => (isOurs() && !this.#barrier(entry) ? entry.url : undefined),
      problem: () => (isOurs() ? this.#problem(entry) : this.#parts.absence()),
      renew: () => {
        if (!isOurs() || entry.source === NOWHERE) return;
        this.#renewals.add(name);
        this.#parts.onWant();
      },
      release: () => {
        if (!isOurs()) return;
        this.#change(entry, () => entry.claims.splice(entry.claims.indexOf(own), 1));
        if (entry.claims.length === 0) this.#entries.delete(name);
      },
    };
  }

  get size(): number {
    return this.#entries.size;
  }

  has(name: StreamName): boolean {
    return this.#entries.has(name);
  }

  names(): StreamName[] {
    return [...this.#entries.keys()];
  }

  /** What go2rtc is to have in its place; nowhere while nobody may have it. Undefined for what nobody wants. */
  wanted(name: StreamName): string | undefined {
    const entry = this.#entries.get(name);
    if (!entry?.source) return undefined;
    return this.#barrier(entry) ? NOWHERE : entry.source;
  }

  /** Whose source a log line may be about: two streams can have the same address, or differ only in what stands behind #. */
  named(matches: (source: string) => boolean): StreamName[] {
    return [...this.#entries.values()]
      .filter(({ source }) => source !== undefined && matches(source))
      .map(({ name }) => name);
  }

  /** Those whose source is to be given once more; each is told once. */
  takeRenewals(): StreamName[] {
    const names = [...this.#renewals].filter(name => this.#entries.has(name));
    this.#renewals.clear();
    return names;
  }

  usable(name: StreamName, url: string): void {
    const entry = this.#entries.get(name);
    if (!entry || (entry.url === url && !entry.refused)) return;
    entry.url = url;
    entry.refused = undefined;
    this.#parts.onChange();
  }

  refused(name: StreamName, words: Words): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    entry.url = undefined;
    entry.refused = words;
    this.#parts.onChange();
  }

  /** Keeps everybody from it, or with undefined lets them have it again. */
  bar(name: StreamName, words: SourceWords | undefined): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.barred === words) return;
    entry.barred = words;
    // Until go2rtc has its source again.
    entry.url = undefined;
    this.#parts.onChange();
    this.#parts.onWant();
  }

  failed(name: StreamName, words: SourceWords): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.fault?.message === words.message) return;
    entry.fault = words;
    this.#parts.onChange();
  }

  /** As of a look at the running process. What moves has no fault. */
  seen(name: StreamName, consumers: number, moving: boolean): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    entry.consumers = consumers;
    entry.moving = moving;
    if (!moving || !entry.fault) return;
    entry.fault = undefined;
    this.#parts.onChange();
  }

  /** The process is gone, and with it all addresses. */
  clear(): void {
    for (const entry of this.#entries.values()) {
      entry.url = undefined;
      entry.refused = undefined;
      entry.consumers = 0;
      entry.moving = false;
    }
    this.#parts.onChange();
  }

  states(): StreamState[] {
    return [...this.#entries.values()].map(entry => this.#stateOf(entry));
  }

  state(name: StreamName): StreamState | undefined {
    const entry = this.#entries.get(name);
    return entry && this.#stateOf(entry);
  }

  #stateOf(entry: Entry): StreamState {
    const usable = entry.url !== undefined && !this.#barrier(entry);
    const problem = usable ? entry.fault : this.#problem(entry);
    const { name, consumers, moving } = entry;
    return { name, usable, consumers, moving, ...(problem && { problem }) };
  }

  #enter(name: StreamName): Entry {
    if (this.#entries.size >= MOST_STREAMS) {
      throw new NvrError('resource-exhausted', 'go2rtc has too many streams', { retryAfterS: 60 });
    }
    const entry = new Entry(name);
    this.#entries.set(name, entry);
    return entry;
  }

  #change(entry: Entry, change: () => void): void {
    const before = entry.source;
    change();
    if (before === entry.source) return;
    // Another source has none of the faults of the one before.
    entry.fault = undefined;
    entry.refused = undefined;
    entry.barred = undefined;
    entry.url = undefined;
    this.#parts.onSource(entry.name, entry.source);
    this.#parts.onWant();
    this.#parts.onChange();
  }

  /** Why nobody may have it, whatever go2rtc says. */
  #barrier(entry: Entry): SourceWords | undefined {
    return entry.source !== undefined && looksLikeStream(entry.source) ? RENAMED : entry.barred;
  }

  #problem(entry: Entry): SourceWords | undefined {
    const barrier = this.#barrier(entry) ?? entry.refused;
    if (barrier) return { ...barrier, refused: true };
    return entry.url === undefined ? this.#parts.absence() : entry.fault;
  }
}
