// Which stream ends go2rtc or makes it spin, and for how long such a one is set aside.
import type { Clock } from '../core/index.ts';
import type { StreamName } from './state.ts';

/** A stream that was given to go2rtc so shortly before its end may be the cause. */
const SUSPECT_MS = 4000;
/** Twice alone under suspicion is no chance. */
const ENDS_UNTIL_SET_ASIDE = 2;
/** A camera whose codec was changed spins once. */
const SPINS_UNTIL_SET_ASIDE = 3;
/** Older findings do not count. */
const MEMORY_MS = 10 * 60_000;
const SET_ASIDE_MS = [10 * 60_000, 60 * 60_000, 6 * 60 * 60_000];

interface Findings {
  ends: number[];
  spins: number[];
  /** Monotonic. */
  asideUntilMs: number;
  times: number;
}

export class Suspects {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #records = new Map<StreamName, Findings>();
  /** Given to the running go2rtc, when; monotonic. */
  readonly #given = new Map<StreamName, number>();
  /** While one of several killed it, they are given one by one. */
  #careful = false;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Those that are doubted come last and one by one, so that the next end tells which it is. */
  order(names: readonly StreamName[]): { atOnce: StreamName[]; oneByOne: StreamName[] } {
    if (!this.#careful) return { atOnce: [...names], oneByOne: [] };
    const nowMs = this.#clock.monotonicMs();
    const isDoubted = (name: StreamName) =>
      this.#records.get(name)?.ends.some(atMs => nowMs - atMs < MEMORY_MS) ?? false;
    return { atOnce: names.filter(name => !isDoubted(name)), oneByOne: names.filter(isDoubted) };
  }

  /** Between two that are given one by one. */
  get pauseMs(): number {
    return SUSPECT_MS;
  }

  given(name: StreamName): void {
    this.#given.set(name, this.#clock.monotonicMs());
  }

  /** go2rtc ended by itself. The stream that is set aside for it, if one is. */
  ended(): StreamName | undefined {
    const nowMs = this.#clock.monotonicMs();
    const suspects = [...this.#given].filter(([, atMs]) => nowMs - atMs < SUSPECT_MS).map(([name]) => name);
    this.#given.clear();
    for (const name of suspects) this.#note(name).ends.push(nowMs);
    this.#careful = suspects.length > 0;
    const [only] = suspects;
    if (suspects.length !== 1 || only === undefined) return undefined;
    if (this.#note(only).ends.length < ENDS_UNTIL_SET_ASIDE) return undefined;
    // Which it was is known: nobody else has to wait any more.
    this.#careful = false;
    for (const record of this.#records.values()) record.ends = [];
    return this.#setAside(only);
  }

  /** It was stopped by us, or ended by something else than a stream. */
  stopped(): void {
    this.#given.clear();
  }

  /** It re-dialled many times a second. True when it is set aside for that. */
  spun(name: StreamName): boolean {
    const record = this.#note(name);
    record.spins.push(this.#clock.monotonicMs());
    return record.spins.length >= SPINS_UNTIL_SET_ASIDE && this.#setAside(name) !== undefined;
  }

  /** Milliseconds until it may be tried again; 0 = it may be. */
  asideMs(name: StreamName): number {
    return Math.max((this.#records.get(name)?.asideUntilMs ?? 0) - this.#clock.monotonicMs(), 0);
  }

  /** Its source is another now, or nobody wants it any more. */
  forget(name: StreamName): void {
    this.#records.delete(name);
    this.#given.delete(name);
  }

  #note(name: StreamName): Findings {
    const nowMs = this.#clock.monotonicMs();
    const isNew = (atMs: number) => nowMs - atMs < MEMORY_MS;
    const { ends, spins, asideUntilMs, times } = this.#records.get(name) ?? {
      ends: [],
      spins: [],
      asideUntilMs: 0,
      times: 0,
    };
    const record = { ends: ends.filter(isNew), spins: spins.filter(isNew), asideUntilMs, times };
    this.#records.set(name, record);
    return record;
  }

  #setAside(name: StreamName): StreamName {
    const record = this.#note(name);
    const forMs = SET_ASIDE_MS[Math.min(record.times, SET_ASIDE_MS.length - 1)] ?? 0;
    record.asideUntilMs = this.#clock.monotonicMs() + forMs;
    record.times++;
    record.ends = [];
    record.spins = [];
    return name;
  }
}
