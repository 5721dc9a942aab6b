// The audit table: lines in the order in which they were written, as many as there is room for; the oldest go.
import type { Database } from './database.ts';
import { decodeRow, encodeRow } from './rows.ts';

/** With the bound of each row at most 2.6 MB of the index. */
const MAX_ROWS = 4096;
const MAX_ROW_BYTES = 640;
const KEY_BYTES = 6;
const FIRST = Buffer.alloc(KEY_BYTES);
const LAST = Buffer.alloc(KEY_BYTES, 0xff);

export interface AuditLine {
  /** Rises by one from line to line. */
  n: number;
  value: unknown;
}

export class AuditTable {
  readonly #database: Database;
  readonly #maxRows: number;
  /** Numbers of the oldest line and of the next one; undefined until they are needed. */
  #ends: { first: number; next: number } | undefined;

  constructor(database: Database, maxRows: number = MAX_ROWS) {
    this.#database = database;
    this.#maxRows = maxRows;
  }

  /** Adds a line and gives its number; durable with the next commit. Gives undefined for a line that is too long. */
  append(value: unknown): number | undefined {
    const row = encodeRow(value);
    if (row.length > MAX_ROW_BYTES) return undefined;
    const ends = this.#load();
    const n = ends.next++;
    this.#database.put('audit', keyOf(n), row);
    for (; ends.next - ends.first > this.#maxRows; ends.first++) this.#database.remove('audit', keyOf(ends.first));
    return n;
  }

  /** Writes a line anew that is still there. */
  replace(n: number, value: unknown): void {
    const row = encodeRow(value);
    const { first, next } = this.#load();
    if (n >= first && n < next && row.length <= MAX_ROW_BYTES) this.#database.put('audit', keyOf(n), row);
  }

  /** At most `limit` lines below number `before`, newest first; damaged ones are left out, which may leave none. */
  list(limit: number, before: number = Number.MAX_SAFE_INTEGER): { lines: AuditLine[]; next?: number } {
    const to = before > LAST.readUIntBE(0, KEY_BYTES) ? LAST : keyOf(Math.max(0, before));
    const rows = this.#database.range('audit', { from: FIRST, to, reverse: true, limit: limit + 1 });
    const lines = rows.slice(0, limit).flatMap(({ key, value }) => {
      const line = key.length === KEY_BYTES ? decodeRow(value) : undefined;
      return line === undefined ? [] : [{ n: key.readUIntBE(0, KEY_BYTES), value: line }];
    });
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return { lines, ...(last && { next: last.key.readUIntBE(0, KEY_BYTES) }) };
  }

  #load(): { first: number; next: number } {
    if (this.#ends) return this.#ends;
    const end = (reverse: boolean) => {
      const [entry] = this.#database.range('audit', { from: FIRST, to: LAST, reverse, limit: 1 });
      return entry?.key.length === KEY_BYTES ? entry.key.readUIntBE(0, KEY_BYTES) : undefined;
    };
    const [first, last] = [end(false), end(true)];
    this.#ends = { first: first ?? 1, next: (last ?? 0) + 1 };
    return this.#ends;
  }
}

function keyOf(n: number): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUIntBE(n, 0, KEY_BYTES);
  return key;
}
