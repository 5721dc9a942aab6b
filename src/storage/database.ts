// Rows that are readable at once and durable in batches: changes wait in memory for the next commit, all tables together.
import { type Clock, type Logger, NvrError } from '../core/index.ts';
import type { Change, Entry, Environment, Range, TableName } from './environment.ts';

/** Longest time that a change waits for its commit when nobody asks for it. Each commit costs some 30 KB of flash. */
const COMMIT_INTERVAL_MS = 10_000;
/** Room below the bound that is kept as long as something can be removed: this part of it. */
const SPARE_PART = 1 / 32;
/** Tables that grow with the footage. The others have a few rows, and deleting or locking needs them. */
const GROWING: ReadonlySet<TableName> = new Set(['segments', 'gaps']);

export interface DatabaseOptions {
  /** Opens the files; called again after a failure that lmdb does not recover from. */
  open: () => Environment;
  clock: Clock;
  log: Logger;
  /** Bound of what the index may take on the volume; lmdb has none of its own. */
  maxBytes: number;
  onStep: (name: string) => void;
  /** Told about the state of commits whenever it changes: the failure, or undefined when they work again. */
  onHealth: (problem: NvrError | undefined) => void;
  /** Called before a commit that leaves little room below the bound: what it removes goes with that commit. */
  onCrowded?: () => void;
  /** Told when rows begin to wait for room below the bound, before a commit leaves them out, and when none waits any more. */
  onFull?: (full: boolean) => void;
}

/** A change that waits; `value` undefined removes the row. */
type Waiting = Change;

/** The tables of the index with their uncommitted changes. */
export class Database {
  readonly #options: DatabaseOptions;
  #environment: Environment | undefined;
  #waiting = new Map<string, Waiting>();
  #timer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #problem: NvrError | undefined;
  #full = false;
  #closed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** Throws `unavailable` when the files cannot be opened. */
  start(): void {
    this.#environment = this.#options.open();
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    const waiting = this.#waiting.get(rowName(table, key));
    if (waiting) return waiting.value;
    return this.#open().get(table, key);
  }

  /** At most `limit` rows, committed or not, in the order of their keys. */
  range(table: TableName, range: Range): Entry[] {
    const changed = [...this.#waiting.values()].filter(
      change =>
        change.table === table &&
        Buffer.compare(change.key, range.from) >= 0 &&
        Buffer.compare(change.key, range.to) < 0,
    );
    const committed = this.#open().range(table, { ...range, limit: range.limit + changed.length });
    if (changed.length === 0) return committed;
    const rows = new Map(committed.map(entry => [rowName(table, entry.key), entry]));
    for (const { key, value } of changed) {
      if (value) rows.set(rowName(table, key), { key, value });
      else rows.delete(rowName(table, key));
    }
    const direction = range.reverse ? -1 : 1;
    return [...rows.values()].sort((a, b) => direction * Buffer.compare(a.key, b.key)).slice(0, range.limit);
  }

  /** Bytes of the pages in use; 0 while the files are not open. */
  usedBytes(): number {
    return this.#environment?.usedBytes() ?? 0;
  }

  put(table: TableName, key: Buffer, value: Buffer): void {
    this.#change({ table, key, value });
  }

  remove(table: TableName, key: Buffer): void {
    this.#change({ table, key, value: undefined });
  }

  /** True while something waits for its commit. */
  get dirty(): boolean {
    return this.#waiting.size > 0;
  }

  /** True while the index has reached its bound, so that rows about new footage wait in memory. */
  get full(): boolean {
    return this.#full;
  }

  /**
   * Resolves when everything changed before the call is durable, but for rows about footage while the index is `full`. Rejects with
   * `resource-exhausted` (a full volume), `unavailable` or `data-loss`; the changes then stay readable and are tried again.
   */
  flush(): Promise<void> {
    // A commit that has not begun yet takes everything that waits now.
    if (this.#next !== undefined) return this.#next;
    if (this.#running !== undefined) {
      this.#next = this.#running.catch(() => undefined).then(() => this.#begin());
      return this.#next;
    }
    return this.#waiting.size === 0 ? Promise.resolve() : this.#begin();
  }

  /** Writes a compact copy of what is committed into an empty folder. */
  async copyTo(folder: string): Promise<void> {
    await this.#open().copyTo(folder);
  }

  /** Commits what waits and closes the files. Rejects when the last commit failed; the files are closed all the same. */
  async close(): Promise<void> {
    try {
      if (this.#environment) await this.flush();
    } finally {
      this.#closed = true;
      this.#timer?.();
      this.#timer = undefined;
      const environment = this.#environment;
      this.#environment = undefined;
      await environment?.close();
    }
  }

  /** After a failed commit the files are opened anew for whoever reads first. */
  #open(): Environment {
    if (!this.#environment && this.#problem && !this.#closed) this.#environment = this.#options.open();
    if (this.#environment) return this.#environment;
    throw new NvrError('unavailable', 'the index is not open');
  }

  #change(change: Waiting): void {
    this.#waiting.set(rowName(change.table, change.key), change);
    this.#arm();
  }

  #arm(): void {
    if (this.#timer || this.#closed) return;
    this.#timer = this.#options.clock.after(COMMIT_INTERVAL_MS, () => {
      this.#timer = undefined;
      // The failure is told through onHealth, and what waits is tried again.
      this.flush().catch(() => undefined);
    });
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#commit().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #commit(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    try {
      this.#reopen();
      if (!this.#hasRoom(this.#options.maxBytes * (1 - SPARE_PART))) this.#options.onCrowded?.();
      let { fitting, isAll } = this.#fitting();
      if (!isAll) {
        this.#setFull(true);
        fitting = this.#fitting().fitting;
      }
      if (fitting.length > 0) {
        this.#options.onStep('index-commit');
        await this.#open().write(fitting.map(([, change]) => change));
        this.#options.onStep('index-committed');
      }
      for (const [name, change] of fitting) if (this.#waiting.get(name) === change) this.#waiting.delete(name);
      if (isAll) this.#setFull(false);
      this.#report(undefined);
    } catch (error) {
      const problem = error instanceof NvrError ? error : new NvrError('internal', String(error), { cause: error });
      if (problem.kind !== 'resource-exhausted') await this.#abandon();
      this.#report(problem);
      throw problem;
    } finally {
      if (this.#waiting.size > 0) this.#arm();
    }
  }

  /** Above the bound, rows that are new in the tables that grow wait. */
  #fitting(): { fitting: [string, Waiting][]; isAll: boolean } {
    const environment = this.#open();
    const batch = [...this.#waiting];
    if (this.#hasRoom(this.#options.maxBytes)) return { fitting: batch, isAll: true };
    const fitting = batch.filter(
      ([, { table, key, value }]) => !GROWING.has(table) || !value || environment.get(table, key) !== undefined,
    );
    return { fitting, isAll: fitting.length === batch.length };
  }

  /** For what waits, below a bound. */
  #hasRoom(maxBytes: number): boolean {
    let growth = 0;
    for (const { key, value } of this.#waiting.values()) if (value) growth += key.length + value.length;
    return this.#open().usedBytes() + growth <= maxBytes;
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#options.onFull?.(full);
  }

  /** After a failed write lmdb refuses everything until the environment is opened anew. */
  async #abandon(): Promise<void> {
    const environment = this.#environment;
    this.#environment = undefined;
    try {
      await environment?.close();
    } catch (error) {
      this.#options.log.warn('closing the index failed', { error });
    }
  }

  #reopen(): void {
    if (this.#environment) return;
    if (this.#closed) throw new NvrError('unavailable', 'the index is closed');
    this.#environment = this.#options.open();
  }

  #report(problem: NvrError | undefined): void {
    if (problem?.kind === this.#problem?.kind) return;
    this.#problem = problem;
    this.#options.onHealth(problem);
  }
}

function rowName(table: TableName, key: Buffer): string {
  return `${table}:${key.toString('latin1')}`;
}
