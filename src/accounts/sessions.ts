// Sessions: who is logged in from where, until when.
import * as v from 'valibot';
import type { Clock } from '../core/index.ts';
import type { AccountChange, AccountTable } from '../storage/index.ts';
import { credentialOf, hashOf, newSecret } from './bearer-secret.ts';
import type { Caller } from './caller.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A session that nobody uses for so long is over. */
export const IDLE_MS = 14 * DAY_MS;
/** However much it is used. */
export const LIFE_MS = 90 * DAY_MS;
/** When it was seen is written so often, not more. */
const SEEN_EACH_MS = HOUR_MS;
/** The wall clock and the one that never steps may differ by so much. */
const STEP_MS = 60_000;
const MAX_OF_USER = 16;
const MAX_USER_AGENT_CHARS = 200;
/** Before it no clock was right of a board that runs this. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

export interface SessionRecord {
  /** Hash of the secret. */
  id: string;
  user: number;
  createdMs: number;
  /** To the hour. */
  lastSeenMs: number;
  address: string;
  userAgent?: string;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sessionSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
  user: v.pipe(count, v.minValue(1)),
  createdMs: count,
  lastSeenMs: count,
  address: v.string(),
  userAgent: v.optional(v.string()),
});

interface LiveSession {
  record: SessionRecord;
  /** Undefined when it is to be found out anew. */
  caller?: Caller | undefined;
  /** When it was seen in this run: both clocks. */
  seen?: { wallMs: number; monotonicMs: number };
}

/** Where a request comes from. */
export interface Origin {
  remoteAddress: string;
  userAgent?: string | undefined;
}

export class Sessions {
  readonly #table: Pick<AccountTable, 'list' | 'note'>;
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #onEnded: (credential: string) => void;
  readonly #sessions = new Map<string, LiveSession>();

  constructor(options: {
    table: Pick<AccountTable, 'list' | 'note'>;
    clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
    /** A session ended, or what it may do has changed. */
    onEnded: (credential: string) => void;
  }) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#onEnded = options.onEnded;
  }

  load(isUser: (id: number) => boolean): void {
    for (const row of this.#table.list('sessions')) {
      const result = v.safeParse(sessionSchema, row);
      if (result.success && isUser(result.output.user)) {
        this.#sessions.set(row.id, { record: this.#dated(result.output as SessionRecord) });
      } else this.#table.note([{ kind: 'sessions', id: row.id, row: undefined }]);
    }
    this.sweep();
  }

  /** Begins one; of too many of a user the one that was not used for longest ends. */
  begin(user: number, { remoteAddress, userAgent }: Origin): { secret: string; record: SessionRecord } {
    const secret = newSecret('session');
    const nowMs = this.#clock.nowMs();
    const record: SessionRecord = {
      id: hashOf(secret),
      user,
      createdMs: nowMs,
      lastSeenMs: nowMs,
      address: remoteAddress.slice(0, 64),
      ...(userAgent ? { userAgent: userAgent.slice(0, MAX_USER_AGENT_CHARS) } : {}),
    };
    const others = this.of(user).sort((a, b) => a.lastSeenMs - b.lastSeenMs || a.createdMs - b.createdMs);
    this.end(others.slice(0, Math.max(0, others.length - MAX_OF_USER + 1)));
    this.#sessions.set(record.id, { record, seen: { wallMs: nowMs, monotonicMs: this.#clock.monotonicMs() } });
    this.#table.note([{ kind: 'sessions', id: record.id, row: record }]);
    return { secret, record };
  }

  /** The caller that a secret proves; `make` finds out what the user of a session may, undefined = there is no such user. */
  find(secret: string, make: (record: SessionRecord) => Caller | undefined): Caller | undefined {
    const session = this.#sessions.get(hashOf(secret));
    if (!session) return undefined;
    this.#followClock(session);
    if (this.#isOver(session.record)) {
      this.end([session.record]);
      return undefined;
    }
    session.caller ??= make(session.record);
    if (session.caller) this.#touch(session);
    return session.caller;
  }

  get(credential: string): SessionRecord | undefined {
    return this.all().find(record => credentialOf(record.id) === credential);
  }

  of(user: number): SessionRecord[] {
    return this.all().filter(record => record.user === user);
  }

  all(): SessionRecord[] {
    return [...this.#sessions.values()].map(({ record }) => record).filter(record => !this.#isOver(record));
  }

  /** They end now, and on the volume with the next commit. */
  end(records: readonly SessionRecord[]): void {
    this.#table.note(this.endings(records));
    this.drop(records);
  }

  /** As changes, to be stored with others. */
  endings(records: readonly SessionRecord[]): AccountChange[] {
    return records.map(({ id }) => ({ kind: 'sessions', id, row: undefined }));
  }

  /** They end; on the volume they have. */
  drop(records: readonly SessionRecord[]): void {
    for (const record of records) if (this.#sessions.delete(record.id)) this.#onEnded(credentialOf(record.id));
  }

  /** What the user may do has changed. */
  renew(user: number): void {
    for (const session of this.#sessions.values()) {
      if (session.record.user !== user) continue;
      session.caller = undefined;
      this.#onEnded(credentialOf(session.record.id));
    }
  }

  /** Ends those whose time is over. */
  sweep(): void {
    for (const session of this.#sessions.values()) this.#followClock(session);
    this.end([...this.#sessions.values()].map(({ record }) => record).filter(record => this.#isOver(record)));
  }

  #isOver({ createdMs, lastSeenMs }: SessionRecord): boolean {
    const nowMs = this.#clock.nowMs();
    return nowMs - lastSeenMs >= IDLE_MS || nowMs - createdMs >= LIFE_MS;
  }

  /** One of an earlier run whose clock was not set yet begins anew, now that it is. */
  #dated(record: SessionRecord): SessionRecord {
    const nowMs = this.#clock.nowMs();
    if (record.createdMs >= EARLIEST_MS || nowMs < EARLIEST_MS) return record;
    const dated = { ...record, createdMs: nowMs, lastSeenMs: nowMs };
    this.#table.note([{ kind: 'sessions', id: record.id, row: dated }]);
    return dated;
  }

  /** When the board's clock is set, the sessions of this run do not age by it: a board without a battery begins in 1970. */
  #followClock(session: LiveSession): void {
    const { seen, record } = session;
    if (!seen) return;
    const stepMs = Math.round(this.#clock.nowMs() - seen.wallMs - (this.#clock.monotonicMs() - seen.monotonicMs));
    if (Math.abs(stepMs) < STEP_MS) return;
    seen.wallMs += stepMs;
    const [createdMs, lastSeenMs] = [Math.max(0, record.createdMs + stepMs), Math.max(0, record.lastSeenMs + stepMs)];
    session.record = { ...record, createdMs, lastSeenMs };
    this.#table.note([{ kind: 'sessions', id: record.id, row: session.record }]);
  }

  #touch(session: LiveSession): void {
    const nowMs = this.#clock.nowMs();
    const seen = (session.seen ??= { wallMs: nowMs, monotonicMs: 0 });
    seen.wallMs = nowMs;
    seen.monotonicMs = this.#clock.monotonicMs();
    if (Math.abs(nowMs - session.record.lastSeenMs) < SEEN_EACH_MS) return;
    session.record = { ...session.record, lastSeenMs: nowMs };
    this.#table.note([{ kind: 'sessions', id: session.record.id, row: session.record }]);
  }
}
