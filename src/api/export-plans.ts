// Plans of exports, kept a little: a player asks for one file in many ranges, and each plan reads every table of its segments.
import { type Clock, NvrError } from '../core/index.ts';
import type { ExportFile } from '../native/index.ts';

/** Each holds up to 16 MB of tables. */
const MAX_PLANS = 2;
/** Each holds a buffer of its own. */
const MAX_READERS_OF_PLAN = 8;
/** How long a plan that nobody reads is kept. */
const KEEP_MS = 30_000;
const RETRY_AFTER_S = 10;

/** One reader's hold on a plan. */
export interface ExportLease {
  readonly file: Pick<ExportFile, 'facts' | 'unreadable'>;
  /** As `ExportFile.read`; readers of one plan take turns. */
  read(offset: number, buffer: Buffer): Promise<number>;
  /** Idempotent. */
  release(): void;
}

interface Entry {
  file: Promise<ExportFile>;
  readers: number;
  /** Asked while it is planned: whether this reader still waits. */
  waiting: Set<() => boolean>;
  turn: Promise<unknown>;
  cancelEnd: (() => void) | undefined;
}

export class ExportPlans {
  readonly #clock: Clock;
  /** Oldest use first. */
  readonly #entries = new Map<string, Entry>();
  /** Not in #entries any more, but still read. */
  #retired = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The plan that `key` stands for, made by `make` unless it is there. Rejects with `resource-exhausted` when too many others
   * are in use, else as `make`, to which it hands whether somebody still waits.
   */
  async take(
    key: string,
    isWanted: () => boolean,
    make: (isWanted: () => boolean) => Promise<ExportFile>,
  ): Promise<ExportLease> {
    const entry = this.#entries.get(key) ?? this.#begin(key, isWanted, make);
    if (entry.readers >= MAX_READERS_OF_PLAN) throw tooMany('readers of this export');
    entry.cancelEnd?.();
    entry.cancelEnd = undefined;
    entry.readers++;
    entry.waiting.add(isWanted);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    try {
      return this.#lease(key, entry, await entry.file);
    } catch (error) {
      this.#retire(key, entry);
      this.#leave(key, entry);
      throw error;
    } finally {
      entry.waiting.delete(isWanted);
    }
  }

  /** Ends what nobody reads; the rest ends with its last reader. */
  stop(): void {
    for (const [key, entry] of [...this.#entries]) this.#retire(key, entry);
  }

  #begin(key: string, first: () => boolean, make: (isWanted: () => boolean) => Promise<ExportFile>): Entry {
    for (const [other, entry] of [...this.#entries]) {
      if (this.#entries.size + this.#retired < MAX_PLANS) break;
      if (entry.readers === 0) this.#retire(other, entry);
    }
    if (this.#entries.size + this.#retired >= MAX_PLANS) throw tooMany('exports');
    const waiting = new Set([first]);
    const isWanted = () => {
      if ([...waiting].some(one => one())) return true;
      // Planning ends now: who comes later needs another one.
      const entry = this.#entries.get(key);
      if (entry?.waiting === waiting) this.#retire(key, entry);
      return false;
    };
    return { file: make(isWanted), readers: 0, waiting, turn: Promise.resolve(), cancelEnd: undefined };
  }

  #lease(key: string, entry: Entry, file: ExportFile): ExportLease {
    let held = true;
    return {
      file,
      read: (offset, buffer) => {
        const reading = entry.turn.then(() => file.read(offset, buffer));
        entry.turn = reading.catch(() => this.#retire(key, entry));
        return reading;
      },
      release: () => {
        if (held) this.#leave(key, entry);
        held = false;
      },
    };
  }

  #leave(key: string, entry: Entry): void {
    if (--entry.readers > 0) return;
    if (this.#entries.get(key) !== entry) {
      this.#retired--;
      close(entry);
    } else entry.cancelEnd = this.#clock.after(KEEP_MS, () => this.#retire(key, entry));
  }

  /** Nobody gets it from now on. */
  #retire(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    entry.cancelEnd?.();
    if (entry.readers > 0) this.#retired++;
    else close(entry);
  }
}

function close(entry: Entry): void {
  // What could not be planned holds nothing; who asked for it was told.
  entry.file.then(
    file => file.close(),
    () => {},
  );
}

function tooMany(what: string): NvrError {
  const many = what === 'exports' ? MAX_PLANS : MAX_READERS_OF_PLAN;
  return new NvrError('resource-exhausted', `${many} ${what} are under way already`, {
    retryAfterS: RETRY_AFTER_S,
    cure: 'Try again when one of them is done.',
  });
}
