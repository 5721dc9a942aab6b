// Keeps streams away from go2rtc that end it or make it spin, and lets them back in time.
import type { Clock, Logger } from '../core/index.ts';
import type { LogLine } from './log-line.ts';
import { isSameSource } from './source-address.ts';
import type { ChildExit, StreamName, Words } from './state.ts';
import type { StreamTable } from './stream-table.ts';
import { Suspects } from './suspects.ts';
import { quarantineWords, SPINNING } from './words.ts';

export interface QuarantineParts {
  table: StreamTable;
  clock: Clock;
  log: Logger;
}

/** So often in a second re-dials nobody who waits between two tries. */
const SPINS_PER_S = 10;
/** In which everybody closes the stream, so that it is described anew when it is opened again. */
const HELD_MS = 2000;
/** More than the streams that there can be at a time. */
const MOST_REMEMBERED = 1024;
/** Of Go: a fatal error or a panic. */
const GO_FATAL = 2;

export class Quarantine {
  readonly suspects: Suspects;
  readonly #parts: QuarantineParts;
  readonly #returns = new Map<StreamName, { words: Words; cancel: () => void }>();
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
    const { table, clock } = this.#parts;
    const name = table.named(source => isSameSource(url, source) === true);
    if (name === undefined || this.#returns.has(name)) return;
    const nowMs = clock.monotonicMs();
    const spin = this.#spins.get(name);
    if (!spin || nowMs - spin.sinceMs >= 1000) this.#spins.set(name, { sinceMs: nowMs, count: 1 });
    else if (++spin.count >= SPINS_PER_S) this.#spun(name);
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

  #remember(name: StreamName, source: string): void {
    this.#sources.delete(name);
    this.#sources.set(name, source);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size <= MOST_REMEMBERED || oldest === undefined) return;
    this.#sources.delete(oldest);
    this.#forget(oldest);
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

  #bar(name: StreamName, words: Words, forMs: number): void {
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
