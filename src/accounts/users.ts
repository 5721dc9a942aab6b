// All users of this board, in memory as they are stored.
import { type Logger, NvrError } from '../core/index.ts';
import type { AccountChange, AccountTable } from '../storage/index.ts';
import { nameKey, parseUser, type UserRecord } from './user.ts';

export const MAX_USERS = 64;
/** When a user was seen is written so often, not more. */
const SEEN_EACH_MS = 3_600_000;

export class Users {
  readonly #table: Pick<AccountTable, 'list' | 'note'>;
  readonly #log: Logger;
  readonly #users = new Map<number, UserRecord>();

  constructor(table: Pick<AccountTable, 'list' | 'note'>, log: Logger) {
    this.#table = table;
    this.#log = log;
  }

  load(): void {
    for (const row of this.#table.list('users')) {
      const user = parseUser(row);
      if (user) this.#users.set(Number(user.id), user);
      // It stays stored: a later version may know better.
      else this.#log.error('a user cannot be read and is left out', { user: row.id });
    }
  }

  get size(): number {
    return this.#users.size;
  }

  list(): UserRecord[] {
    return [...this.#users.values()].sort((a, b) => Number(a.id) - Number(b.id));
  }

  get(id: number): UserRecord | undefined {
    return this.#users.get(id);
  }

  named(name: string): UserRecord | undefined {
    const key = nameKey(name);
    return [...this.#users.values()].find(user => nameKey(user.name) === key);
  }

  /** Throws when there can be no such user beside the others; `before`: the one that it takes the place of. */
  check(user: UserRecord, before?: UserRecord): void {
    const same = this.named(user.name);
    if (same && same.id !== before?.id) {
      throw new NvrError('invalid-argument', 'there is a user of this name already', {
        field: 'name',
        cure: 'Choose another name.',
      });
    }
    if (!before && this.#users.size >= MAX_USERS) {
      throw new NvrError('failed-precondition', `there are at most ${MAX_USERS} users`, {
        cure: 'Remove one that is not needed any more.',
      });
    }
    if (before && user.role !== 'admin') this.checkLastAdmin(before);
  }

  /** Throws `failed-precondition` for the only admin: without one nobody could change anything any more. */
  checkLastAdmin(user: UserRecord): void {
    if (user.role !== 'admin' || this.list().some(other => other.role === 'admin' && other.id !== user.id)) return;
    throw new NvrError('failed-precondition', `${user.name} is the only admin`, {
      cure: 'Make somebody else an admin first.',
    });
  }

  /** What stores it. */
  change(user: UserRecord): AccountChange {
    return { kind: 'users', id: user.id, row: user };
  }

  /** It is stored. */
  put(user: UserRecord): void {
    this.#users.set(Number(user.id), user);
  }

  drop(user: UserRecord): void {
    this.#users.delete(Number(user.id));
  }

  /** A request of this user came. */
  see(id: number, nowMs: number): void {
    const user = this.#users.get(id);
    if (!user || (user.lastSeenMs !== undefined && Math.abs(nowMs - user.lastSeenMs) < SEEN_EACH_MS)) return;
    const seen = { ...user, lastSeenMs: nowMs };
    this.#users.set(id, seen);
    this.#table.note([this.change(seen)]);
  }
}
