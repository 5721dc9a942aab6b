// API tokens: what a program proves itself with, within what its user may, until they expire or are revoked.
import * as v from 'valibot';
import { type Clock, NvrError } from '../core/index.ts';
import type { AccountChange, AccountTable } from '../storage/index.ts';
import { credentialOf, hashOf, newSecret } from './bearer-secret.ts';
import type { Caller } from './caller.ts';
import { type Powers, storedPowers } from './user.ts';

/** When it was used is written so often, not more. */
const USED_EACH_MS = 3_600_000;
const MAX_OF_USER = 16;

export interface TokenRecord extends Powers {
  /** Hash of the secret. */
  id: string;
  user: number;
  name: string;
  createdMs: number;
  expiresMs?: number;
  /** To the hour. */
  lastUsedMs?: number;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const tokenSchema = v.looseObject({
  ...storedPowers,
  id: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
  user: v.pipe(count, v.minValue(1)),
  name: v.string(),
  createdMs: count,
  expiresMs: v.optional(count),
  lastUsedMs: v.optional(count),
});

export type NewTokenFields = Powers & Pick<TokenRecord, 'name' | 'expiresMs'>;

export class Tokens {
  readonly #table: Pick<AccountTable, 'list' | 'note'>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #onEnded: (credential: string) => void;
  readonly #tokens = new Map<string, { record: TokenRecord; caller?: Caller | undefined }>();

  constructor(options: {
    table: Pick<AccountTable, 'list' | 'note'>;
    clock: Pick<Clock, 'nowMs'>;
    /** A token was revoked or expired, or what it may do has changed. */
    onEnded: (credential: string) => void;
  }) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#onEnded = options.onEnded;
  }

  load(isUser: (id: number) => boolean): void {
    for (const row of this.#table.list('tokens')) {
      const result = v.safeParse(tokenSchema, row);
      if (result.success && isUser(result.output.user)) {
        this.#tokens.set(row.id, { record: result.output as TokenRecord });
      }
      // Others stay stored: a later version may know them, or their user.
    }
  }

  /** A token and the change that stores it; it holds once `add` is called. Throws `failed-precondition` when the user has too many. */
  make(user: number, fields: NewTokenFields): { secret: string; record: TokenRecord; change: AccountChange } {
    if (this.of(user).length >= MAX_OF_USER) {
      const cure = 'Revoke one that is not needed any more.';
      throw new NvrError('failed-precondition', `a user has at most ${MAX_OF_USER} tokens`, { cure });
    }
    const secret = newSecret('token');
    const record: TokenRecord = { ...fields, id: hashOf(secret), user, createdMs: this.#clock.nowMs() };
    return { secret, record, change: { kind: 'tokens', id: record.id, row: record } };
  }

  add(record: TokenRecord): void {
    this.#tokens.set(record.id, { record });
  }

  /** The caller that a secret proves; `make` finds out what its user may, undefined = there is no such user. */
  find(secret: string, make: (record: TokenRecord) => Caller | undefined): Caller | undefined {
    const token = this.#tokens.get(hashOf(secret));
    if (!token || this.isExpired(token.record)) return undefined;
    token.caller ??= make(token.record);
    if (token.caller) this.#touch(token);
    return token.caller;
  }

  get(credential: string): TokenRecord | undefined {
    return this.all().find(record => credentialOf(record.id) === credential);
  }

  of(user: number): TokenRecord[] {
    return this.all().filter(record => record.user === user);
  }

  /** Expired ones too: their owner may want to know why something stopped. */
  all(): TokenRecord[] {
    return [...this.#tokens.values()].map(({ record }) => record);
  }

  endings(records: readonly TokenRecord[]): AccountChange[] {
    return records.map(({ id }) => ({ kind: 'tokens', id, row: undefined }));
  }

  /** They hold no more; on the volume they are gone. */
  drop(records: readonly TokenRecord[]): void {
    for (const record of records) if (this.#tokens.delete(record.id)) this.#onEnded(credentialOf(record.id));
  }

  /** What the user may do has changed. */
  renew(user: number): void {
    for (const token of this.#tokens.values()) {
      if (token.record.user !== user) continue;
      token.caller = undefined;
      this.#onEnded(credentialOf(token.record.id));
    }
  }

  /** Tells of those that expired since the last time. */
  sweep(): void {
    for (const token of this.#tokens.values()) {
      if (!token.caller || !this.isExpired(token.record)) continue;
      token.caller = undefined;
      this.#onEnded(credentialOf(token.record.id));
    }
  }

  isExpired({ expiresMs }: TokenRecord): boolean {
    return expiresMs !== undefined && this.#clock.nowMs() >= expiresMs;
  }

  #touch(token: { record: TokenRecord }): void {
    const nowMs = this.#clock.nowMs();
    const { lastUsedMs } = token.record;
    if (lastUsedMs !== undefined && Math.abs(nowMs - lastUsedMs) < USED_EACH_MS) return;
    token.record = { ...token.record, lastUsedMs: nowMs };
    this.#table.note([{ kind: 'tokens', id: token.record.id, row: token.record }]);
  }
}
