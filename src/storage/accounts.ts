// The tables of users, tokens and sessions, and the mirror of the first two: plain objects of the accounts folder, kept in the index and in
// one small file beside it, so that a lost index loses no account.
import { join } from 'node:path';
import { type Logger, NvrError } from '../core/index.ts';
import { readChecked, writeChecked } from './checked-file.ts';
import type { Database } from './database.ts';
import { decodeRow, encodeRow } from './rows.ts';

export type AccountKind = 'users' | 'tokens' | 'sessions';

/** What storage knows of each; the rest of the object is its owner's. Holds hashes, never what was hashed. */
export interface AccountRow {
  /** Letters, digits, `-` and `_`. */
  readonly id: string;
}

export interface AccountChange {
  kind: AccountKind;
  id: string;
  /** Undefined removes the row. */
  row: AccountRow | undefined;
}

const MIRROR_FILE = 'users.json';
const MAX_ROW_BYTES = 16 * 1024;
const MAX_ROWS = 10_000;
const KINDS: readonly AccountKind[] = ['users', 'tokens', 'sessions'];
const NEXT_ID_KEY = Buffer.from('next-user-id');
const MAX_ID = 999_999_999;

interface Mirror {
  nextId: number;
  users: AccountRow[];
  tokens: AccountRow[];
}

export class AccountTable {
  readonly #database: Database;
  readonly #path: string;
  readonly #log: Logger;
  readonly #onStep: (name: string) => void;
  /** As JSON, so that nobody can change what is stored by changing an object. */
  readonly #rows: Record<AccountKind, Map<string, string>> = {
    users: new Map(),
    tokens: new Map(),
    sessions: new Map(),
  };
  /** Rows of changes that are being committed, and whether they were removed meanwhile. */
  readonly #changing = new Map<string, { removed: boolean }>();
  #nextId = 1;
  #mirroring: Promise<void> = Promise.resolve();
  #mirrored = '';

  constructor(options: { database: Database; dir: string; log: Logger; onStep: (name: string) => void }) {
    this.#database = options.database;
    this.#path = join(options.dir, MIRROR_FILE);
    this.#log = options.log;
    this.#onStep = options.onStep;
  }

  /**
   * `stale`: the index is new, a spare copy, or one that somebody has put there. Then the mirror is what counts, and no session does: it
   * may have been ended since.
   */
  async load(stale: boolean): Promise<void> {
    const mirror = await this.#readMirror();
    for (const kind of KINDS) this.#loadRows(kind, kind === 'sessions' ? [] : mirror[kind]);
    if (stale) {
      if (mirror.nextId > 1) for (const kind of ['users', 'tokens'] as const) this.#replace(kind, mirror[kind]);
      this.#replace('sessions', []);
    }
    const row = this.#database.get('settings', NEXT_ID_KEY);
    this.#nextId = Math.max(1, countOf(row && decodeRow(row)), mirror.nextId);
    for (const id of this.#rows.users.keys()) this.#nextId = Math.max(this.#nextId, countOf(Number(id)) + 1);
  }

  #loadRows(kind: AccountKind, spares: readonly AccountRow[]): void {
    const range = { from: Buffer.alloc(1), to: Buffer.alloc(65, 0xff), limit: MAX_ROWS };
    for (const { key, value } of this.#database.range(kind, range)) {
      const id = key.toString('latin1');
      const row = parseRow(decodeRow(value));
      if (row?.id === id) this.#rows[kind].set(id, JSON.stringify(row));
      else {
        this.#log.error('a row of the index is damaged', { table: kind, row: key.toString('hex') });
        this.#database.remove(kind, key);
        const spare = spares.find(other => other.id === id);
        if (spare) this.#store(kind, id, JSON.stringify(spare));
      }
    }
  }

  #replace(kind: AccountKind, rows: readonly AccountRow[]): void {
    const kept = new Set(rows.map(row => row.id));
    for (const id of [...this.#rows[kind].keys()].filter(known => !kept.has(known))) this.#store(kind, id, undefined);
    for (const row of rows) this.#store(kind, row.id, JSON.stringify(row));
  }

  /** Copies of all rows. Their shape is for the caller to check. */
  list(kind: AccountKind): AccountRow[] {
    return [...this.#rows[kind].values()].map(text => JSON.parse(text) as AccountRow);
  }

  /** A number that no user had before; it is taken as soon as a user with it is stored. */
  nextUserId(): number {
    if (this.#nextId > MAX_ID) throw new NvrError('resource-exhausted', 'there are no user numbers left');
    return this.#nextId++;
  }

  /** Makes all these changes in one commit; durable when it resolves. Rejects, with nothing changed, when that is not possible. One at a time. */
  async change(changes: readonly AccountChange[]): Promise<void> {
    const texts = changes.map(change => textOf(change));
    const before = changes.map(({ kind, id }) => this.#rows[kind].get(id));
    const marks = changes.map(() => ({ removed: false }));
    for (const [index, { kind, id }] of changes.entries()) {
      this.#changing.set(`${kind} ${id}`, marks[index] as { removed: boolean });
      this.#store(kind, id, texts[index]);
    }
    try {
      await this.#database.flush();
      await this.#mirrorAtOnce();
    } catch (error) {
      for (const [index, { kind, id }] of changes.entries()) {
        if (!marks[index]?.removed) this.#store(kind, id, before[index]);
      }
      throw error;
    } finally {
      // Only now: until this resolves their owner has the old rows.
      for (const { kind, id } of changes) this.#changing.delete(`${kind} ${id}`);
    }
  }

  /** The index has it; the next change or start writes the mirror again. */
  async #mirrorAtOnce(): Promise<void> {
    try {
      await this.mirror();
    } catch (error) {
      this.#log.error('the copy of the users could not be written', { error });
    }
  }

  /**
   * The same for what nobody waits for: it goes with the next commit, and a volume that refuses is tried again. What is new of a row that is
   * being changed is left out: it would undo the change.
   */
  note(changes: readonly AccountChange[]): void {
    for (const change of changes) {
      const changing = this.#changing.get(`${change.kind} ${change.id}`);
      if (changing && change.row !== undefined) continue;
      if (changing) changing.removed = true;
      this.#store(change.kind, change.id, textOf(change));
    }
  }

  /** Resolves when what was noted is durable. Rejects when the volume refuses; it is then tried again. */
  flush(): Promise<void> {
    return this.#database.flush();
  }

  /** Brings the mirror up to date; writes nothing when it already is. */
  mirror(): Promise<void> {
    const run = this.#mirroring.then(() => this.#writeMirror());
    this.#mirroring = run.catch(() => undefined);
    return run;
  }

  #store(kind: AccountKind, id: string, text: string | undefined): void {
    const key = Buffer.from(id, 'latin1');
    if (text === undefined) {
      this.#rows[kind].delete(id);
      this.#database.remove(kind, key);
      return;
    }
    this.#rows[kind].set(id, text);
    this.#database.put(kind, key, encodeRow(JSON.parse(text)));
    if (kind !== 'users') return;
    this.#nextId = Math.max(this.#nextId, countOf(Number(id)) + 1);
    this.#database.put('settings', NEXT_ID_KEY, encodeRow(this.#nextId));
  }

  async #readMirror(): Promise<Mirror> {
    const empty: Mirror = { nextId: 1, users: [], tokens: [] };
    let body: unknown;
    try {
      const file = await readChecked(this.#path);
      if (file.state === 'absent') return empty;
      if (file.state !== 'good') this.#log.warn('the copy of the users is damaged', { state: file.state });
      body = file.state === 'damaged' ? undefined : file.body;
    } catch (error) {
      this.#log.warn('the copy of the users cannot be read', { error });
    }
    const { nextId, users, tokens } = (body ?? {}) as Partial<Record<keyof Mirror, unknown>>;
    return { nextId: Math.max(1, countOf(nextId)), users: parseRows(users), tokens: parseRows(tokens) };
  }

  async #writeMirror(): Promise<void> {
    const mirror: Mirror = { nextId: this.#nextId, users: this.list('users'), tokens: this.list('tokens') };
    const text = JSON.stringify(mirror);
    // Where there was never an account, there is no file.
    if (text === this.#mirrored || (this.#mirrored === '' && this.#nextId === 1)) return;
    this.#onStep('users-write');
    await writeChecked(this.#path, mirror);
    this.#onStep('users-written');
    this.#mirrored = text;
  }
}

/** Throws `invalid-argument` for what cannot be stored. */
function textOf({ id, row }: AccountChange): string | undefined {
  if (!isId(id)) throw new NvrError('invalid-argument', 'an account row needs an id', { field: 'id' });
  if (row === undefined) return undefined;
  const text = JSON.stringify(row);
  if (row.id !== id || Buffer.byteLength(text) > MAX_ROW_BYTES) {
    throw new NvrError('invalid-argument', `an account row takes at most ${MAX_ROW_BYTES} bytes`);
  }
  return text;
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id);
}

function parseRow(value: unknown): AccountRow | undefined {
  return isId((value as Partial<AccountRow> | null | undefined)?.id) ? (value as AccountRow) : undefined;
}

function parseRows(values: unknown): AccountRow[] {
  const rows = Array.isArray(values) ? values.slice(0, MAX_ROWS) : [];
  return rows.map(parseRow).filter(row => row !== undefined);
}

function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_ID ? (value as number) : 0;
}
