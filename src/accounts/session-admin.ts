// What users do with their sessions, and admins with those of others.
import { type Logger, NvrError } from '../core/index.ts';
import { credentialOf } from './bearer-secret.ts';
import type { AccountParts, Actor } from './parts.ts';
import { LIFE_MS, type SessionRecord } from './sessions.ts';

/** A session as its user sees it; `id` is the public one. */
export type SessionView = SessionRecord & { expiresMs: number };

export class SessionAdmin {
  readonly #parts: AccountParts;
  readonly #log: Logger;

  constructor(parts: AccountParts, log: Logger) {
    this.#parts = parts;
    this.#log = log;
  }

  /** The sessions of a user, newest use first. */
  of(user: number): SessionView[] {
    const records = this.#parts.sessions.of(user).sort((a, b) => b.lastSeenMs - a.lastSeenMs);
    return records.map(({ id, ...rest }) => ({ id: credentialOf(id), ...rest, expiresMs: rest.createdMs + LIFE_MS }));
  }

  /** When it ends however much it is used; undefined when there is none. */
  expiryOf(credential: string): number | undefined {
    const session = this.#parts.sessions.get(credential);
    return session && session.createdMs + LIFE_MS;
  }

  /** Ends one session; `mayEnd` is asked whose it may be. Rejects with `not-found`. */
  async end(actor: Actor, id: string, mayEnd: (user: number) => boolean): Promise<void> {
    const { sessions, users, tell } = this.#parts;
    const record = sessions.get(id);
    if (!record || !mayEnd(record.user)) throw new NvrError('not-found', 'there is no such session');
    sessions.end([record]);
    tell(actor, { action: 'remove', target: `session of ${users.get(record.user)?.name}` });
    await this.settle();
  }

  /** Ends all sessions of a user but the one that asks. */
  async endAll(actor: Actor, user: number): Promise<void> {
    const { sessions, users, tell } = this.#parts;
    sessions.end(sessions.of(user).filter(({ id }) => credentialOf(id) !== actor.caller.credential));
    tell(actor, { action: 'remove', target: `sessions of ${users.get(user)?.name}` });
    await this.settle();
  }

  /** Ends the one that asks; a token is not ended by it. */
  async logout(actor: Actor): Promise<void> {
    const { sessions, tell } = this.#parts;
    const { by, credential } = actor.caller;
    const record = by === 'session' && credential !== undefined ? sessions.get(credential) : undefined;
    if (!record) return;
    sessions.end([record]);
    tell(actor, { action: 'logout' });
    await this.settle();
  }

  /** What was noted is made durable; a volume that refuses is told of, and tried again later. */
  async settle(): Promise<void> {
    try {
      await this.#parts.table.flush();
    } catch (error) {
      this.#log.warn('sessions cannot be stored for the time being', { error });
    }
  }
}
