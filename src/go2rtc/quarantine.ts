// Keeps streams away from go2rtc that end it or make it spin, and lets them back in time.
import type { Clock, Logger } from '../core/index.ts';
import type { LogLine } from './log-line.ts';
import { isSameSource } from './source-address.ts';
import type { ChildExit, SourceWords, StreamName } from './state.ts';
import type { StreamTable } from './stream-table.ts';
import { Suspects } from './suspects.ts';
import { quarantineWords, SPINNING, STRAYED } from './words.ts';

export interface QuarantineParts {
  table: StreamTable;
  clock: Clock;
  log: Logger;
}

/** So often in a second re-dials nobody who waits between two tries. */
const SPINS_PER_S = 10;
/** In which everybody closes the stream, so that it is described anew when it is opened again. */
const HELD_MS = 2000;
/** One that is set aside for what its camera said is tried again after. */
const ASIDE_MS = 10 * 60_000;
/** More than the streams that there can be at a time. */
const MOST_REMEMBERED = 1024;
/** Of Go: a fatal error or a panic. */
const GO_FATAL = 2;

export class Quarantine {
  readonly suspects: Suspects;
  readonly #parts: QuarantineParts;
  readonly #returns = new Map<StreamName, { words: SourceWords; cancel: () => void }>();
  /** What was last wanted of each: who lets go of a stream and takes it again has not changed it. */
  readonly #sources = new Map<StreamName, string>();
  readonly #spins = new Map<StreamName, { sinceMs: number; count: number }>();

  constructor(parts: QuarantineParts) {
    this.#parts = parts;
    this.suspects = new Suspects(parts.clock);
  }

  /** A line of the running process: about a source that is dialled over and over, perhaps. */
  heard({ error, url }: LogLine): void {
    if (url === undefined || !error?.includes('start from CONN state')) return;
    // Which of those with the same source it is cannot be known: to close the wrong one would let the other spin on.
    for (const name of this.#parts.table.named(source => isSameSource(url, source) === true)) this.#redialled(name);
  }

  /** Its source has led to this machine or a link-local address. */
  strayed(name: StreamName): void {
    this.#setAside(name, 'a source leads to this machine or to a link-local address', STRAYED);
  }

  /** What its camera says of itself has no end. */
  talkative(name: StreamName): void {
    this.#setAside(name, 'a camera describes itself at too great a length', quarantineWords('it says too much'));
  }

  /** The process ended by itself. */
  ended({ code, signal }: ChildExit): void {
    // Somebody's SIGKILL, or the kernel's for want of memory, says nothing about a stream.
    const isItsOwn = code === GO_FATAL || (signal !== undefined && signal !== 9 && signal !== 15);
    const name = isItsOwn ? this.suspects.ended() : undefined;
    if (!isItsOwn) this.suspects.stopped();
    if (name === undefined) return;
    this.#parts.log.warn('a stream that ends go2rtc is set aside', { stream: name });
    this.#bar(name, quarantineWords('go2rtc ended each time it was opened'), this.suspects.asideMs(name));
  }

  /** Nothing is held against another source; undefined = nobody wants it at present. */
  changed(name: StreamName, source: string | undefined): void {
    if (source === undefined) return;
    if (this.#sources.get(name) === source) {
      const { words } = this.#returns.get(name) ?? {};
      if (words) this.#parts.table.bar(name, words);
      return;
    }
    this.#remember(name, source);
    this.#forget(name);
  }

  stop(): void {
    for (const { cancel } of this.#returns.values()) cancel();
    this.#returns.clear();
  }

  #redialled(name: StreamName): void {
    if (this.#returns.has(name)) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const spin = this.#spins.get(name);
    if (!spin || nowMs - spin.sinceMs >= 1000) this.#spins.set(name, { sinceMs: nowMs, count: 1 });
    else if (++spin.count >= SPINS_PER_S) this.#spun(name);
  }

  #remember(name: StreamName, source: string): void {
    this.#sources.delete(name);
    this.#sources.set(name, source);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size <= MOST_REMEMBERED || oldest === undefined) return;
    this.#sources.delete(oldest);
    const wasBarred = this.#returns.has(oldest);
    this.#forget(oldest);
    // Nobody else would let it back.
    if (wasBarred) this.#parts.table.bar(oldest, undefined);
  }

  #setAside(name: StreamName, why: string, words: SourceWords): void {
    if (this.#returns.has(name)) return;
    this.#parts.log.warn(why, { stream: name });
    this.#bar(name, words, ASIDE_MS);
  }

  #forget(name: StreamName): void {
    this.suspects.forget(name);
    this.#spins.delete(name);
    this.#returns.get(name)?.cancel();
    this.#returns.delete(name);
  }

  #spun(name: StreamName): void {
    this.#spins.delete(name);
    const isSetAside = this.suspects.spun(name);
    this.#parts.log.warn('a source is dialled over and over', { stream: name, setAside: isSetAside });
    if (isSetAside) {
      const words = quarantineWords('what it delivers changed over and over, or fits nobody who takes it');
      this.#bar(name, words, this.suspects.asideMs(name));
    } else this.#bar(name, SPINNING, HELD_MS);
  }

  #bar(name: StreamName, words: SourceWords, forMs: number): void {
    const { table, clock } = this.#parts;
    this.#returns.get(name)?.cancel();
    const cancel = clock.after(forMs, () => {
      this.#returns.delete(name);
      table.bar(name, undefined);
    });
    this.#returns.set(name, { words, cancel });
    table.bar(name, words);
  }
}
