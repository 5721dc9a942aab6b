// The audit log: who did what, kept over restarts. Floods of denials are counted, not written line by line.
import * as v from 'valibot';
import type { Clock } from '../core/index.ts';
import type { AuditTable } from '../storage/index.ts';
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from './audit-entry.ts';
import { BoundedMap } from './bounded-map.ts';

/** The same again within this time is counted in one line. */
const MERGE_MS = 60_000;
const MAX_MERGED = 64;
/** Refusals that are told one by one in that time; of further ones only how many, in a line for each hour. */
const MAX_REFUSALS = 60;
const MERGE_MANY_MS = 3_600_000;
/** The same for a day: there are 4096 lines, and what was done is not to be washed out by what was tried. */
const DAY_MS = 24 * 3_600_000;
const MAX_REFUSALS_OF_DAY = 240;
const OF_MANY_KINDS = 'of many kinds';
const REFUSALS: ReadonlySet<AuditAction> = new Set(['denied', 'login-failed']);
const MAX_TEXT_CHARS = 80;
/** Of all texts of a line: a row takes 640 bytes, and a character up to four. */
const MAX_LINE_CHARS = 100;

export type StoredEntry = AuditEntry & { timeMs: number; count?: number };
export type ListedEntry = StoredEntry & { id: number };

const entrySchema = v.object({
  action: v.picklist(AUDIT_ACTIONS),
  timeMs: v.number(),
  user: v.optional(v.string()),
  by: v.optional(v.picklist(['session', 'token', 'link'])),
  address: v.optional(v.string()),
  target: v.optional(v.string()),
  detail: v.optional(v.string()),
  count: v.optional(v.number()),
});

interface Merged {
  n: number;
  entry: StoredEntry;
  count: number;
}

export interface AuditQuery {
  action?: AuditAction | undefined;
  limit: number;
  /** Of the page before. */
  cursor?: string | undefined;
}

export class Audit {
  readonly #table: Pick<AuditTable, 'append' | 'replace' | 'list'>;
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #merged = new BoundedMap<string, Merged & { sinceMs: number }>(MAX_MERGED);
  readonly #refusals = [
    { count: 0, most: MAX_REFUSALS, sinceMs: Number.NEGATIVE_INFINITY, everyMs: MERGE_MS },
    { count: 0, most: MAX_REFUSALS_OF_DAY, sinceMs: Number.NEGATIVE_INFINITY, everyMs: DAY_MS },
  ];

  constructor(table: Pick<AuditTable, 'append' | 'replace' | 'list'>, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Never throws for what is in the entry: texts are cut. */
  record(entry: AuditEntry): void {
    const isRefusal = REFUSALS.has(entry.action);
    const short = shortened(entry);
    if (isRefusal && this.#merge(short)) return;
    const isFlood = isRefusal && this.#isFlood();
    const told: AuditEntry = isFlood ? { action: entry.action, detail: OF_MANY_KINDS } : short;
    if (isFlood && this.#merge(told)) return;
    const stored: StoredEntry = { timeMs: this.#clock.nowMs(), ...told };
    const n = this.#table.append(stored);
    if (n === undefined || !isRefusal) return;
    const sinceMs = this.#clock.monotonicMs();
    const gone = this.#merged.set(JSON.stringify(told), { n, entry: stored, count: 1, sinceMs });
    if (gone) this.#write(gone);
  }

  /** True when it is counted in a line that is there already. */
  #merge(entry: AuditEntry): boolean {
    const key = JSON.stringify(entry);
    const before = this.#merged.get(key);
    if (!before) return false;
    const mergeMs = entry.detail === OF_MANY_KINDS ? MERGE_MANY_MS : MERGE_MS;
    if (this.#clock.monotonicMs() - before.sinceMs < mergeMs) {
      before.count++;
      // What is listed is counted exactly; the volume is spared.
      if (Number.isInteger(Math.log2(before.count))) this.#write(before);
      return true;
    }
    this.#write(before);
    this.#merged.delete(key);
    return false;
  }

  #write({ n, entry, count }: Merged): void {
    if (count > 1) this.#table.replace(n, { ...entry, count });
  }

  /** Newest first. */
  list({ action, limit, cursor }: AuditQuery): { entries: ListedEntry[]; cursor?: string } {
    const counts = new Map([...this.#merged.entries()].map(([, { n, count }]) => [n, count]));
    const entries: ListedEntry[] = [];
    let before = cursor === undefined ? undefined : Number(cursor);
    for (;;) {
      const { lines, next } = this.#table.list(limit, before);
      for (const { n, value } of lines) {
        const result = v.safeParse(entrySchema, value);
        if (!result.success || (action !== undefined && result.output.action !== action)) continue;
        if (entries.length === limit) return { entries, cursor: String(entries.at(-1)?.id) };
        const count = counts.get(n) ?? result.output.count ?? 1;
        const { count: _stored, ...rest } = result.output as StoredEntry;
        entries.push({ id: n, ...rest, ...(count > 1 && { count }) });
      }
      if (next === undefined) return { entries };
      if (entries.length === limit) return { entries, cursor: String(entries.at(-1)?.id) };
      before = next;
    }
  }

  #isFlood(): boolean {
    const nowMs = this.#clock.monotonicMs();
    for (const span of this.#refusals) {
      if (nowMs - span.sinceMs >= span.everyMs) Object.assign(span, { count: 0, sinceMs: nowMs });
    }
    if (this.#refusals.some(({ count, most }) => count >= most)) return true;
    for (const span of this.#refusals) span.count++;
    return false;
  }
}

function shortened(entry: AuditEntry): AuditEntry {
  let left = MAX_LINE_CHARS;
  const cut = (text: string) => {
    // What cannot be seen would take more bytes.
    const short = [...text.slice(0, 1000).replace(/\p{C}/gu, '\ufffd')]
      .slice(0, Math.min(MAX_TEXT_CHARS, left))
      .join('');
    left -= [...short].length;
    return short;
  };
  const { action, by, user, address, target, detail } = entry;
  return {
    action,
    ...(by && { by }),
    ...(address && { address: address.slice(0, 45).replace(/[^\x21-\x7e]/g, '?') }),
    ...(user && { user: cut(user) }),
    ...(target && { target: cut(target) }),
    ...(detail && { detail: cut(detail) }),
  };
}
