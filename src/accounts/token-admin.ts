// What users do with their API tokens, and admins with those of others.
import { type CameraId, NvrError } from '../core/index.ts';
import { credentialOf } from './bearer-secret.ts';
import { RIGHTS, type Right, ROLES, type Role } from './caller.ts';
import type { AccountParts, Actor } from './parts.ts';
import type { TokenRecord } from './tokens.ts';
import type { UserRecord } from './user.ts';

export interface NewTokenInput {
  name: string;
  /** Absent: the user's own. */
  role?: Role | undefined;
  cameras?: CameraId[] | undefined;
  /** Absent: with the user's role its own, else none. */
  rights?: Right[] | undefined;
  expiresMs?: number | undefined;
}

/** A token without what proves it; `id` is the public one. */
export type TokenView = TokenRecord;

export class TokenAdmin {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /** Newest first. */
  of(user: number): TokenView[] {
    return this.#parts.tokens
      .of(user)
      .map(view)
      .sort((a, b) => b.createdMs - a.createdMs);
  }

  /** Undefined for a token without an end, and when there is none. */
  expiryOf(credential: string): number | undefined {
    return this.#parts.tokens.get(credential)?.expiresMs;
  }

  /**
   * Makes a token for the one who is logged in; its secret is shown this once. Rejects with `permission-denied` for callers with a token: a
   * narrow one would make itself a wide one, and one that expires one that does not. `invalid-argument` for more than the user may.
   */
  create(actor: Actor, input: NewTokenInput): Promise<TokenView & { token: string }> {
    const { users, tokens, table, turns, tell, clock } = this.#parts;
    return turns.run(async () => {
      const user = users.get(actor.caller.user);
      if (!user || actor.caller.by !== 'session') {
        throw new NvrError('permission-denied', 'only somebody who is logged in may make tokens', { cure: 'Log in.' });
      }
      if (input.expiresMs !== undefined && input.expiresMs <= clock.nowMs()) {
        const cure = 'Choose a later time, UTC in milliseconds.';
        throw new NvrError('invalid-argument', 'the token would have expired already', { field: 'expiresMs', cure });
      }
      const { secret, record, change } = tokens.make(actor.caller.user, fieldsOf(user, input));
      await table.change([change]);
      tokens.add(record);
      tell(actor, { action: 'add', target: `token ${record.name}`, detail: record.role });
      return { ...view(record), token: secret };
    });
  }

  /** `mayRevoke` is asked whose it may be. Rejects with `not-found`. */
  revoke(actor: Actor, id: string, mayRevoke: (user: number) => boolean): Promise<void> {
    const { tokens, users, table, turns, tell } = this.#parts;
    return turns.run(async () => {
      const record = tokens.get(id);
      if (!record || !mayRevoke(record.user)) throw new NvrError('not-found', 'there is no such token');
      await table.change(tokens.endings([record]));
      tokens.drop([record]);
      const detail = `of ${users.get(record.user)?.name}`;
      tell(actor, { action: 'remove', target: `token ${record.name}`, detail });
    });
  }
}

/** Throws `invalid-argument` for what the user may not do itself. */
function fieldsOf(user: UserRecord, { name, role = user.role, cameras, rights, expiresMs }: NewTokenInput) {
  const refuse = (field: string, message: string) =>
    new NvrError('invalid-argument', message, { field, cure: 'A token may do no more than its user.' });
  if (ROLES.indexOf(role) > ROLES.indexOf(user.role)) throw refuse('role', `you are no ${role} yourself`);
  const isAdmin = user.role === 'admin';
  const own = isAdmin ? RIGHTS : user.rights;
  const stranger = rights?.find(right => !own.includes(right));
  if (stranger) throw refuse('rights', `you have no right to ${stranger} yourself`);
  const seen = isAdmin ? undefined : user.cameras;
  const unseen = seen && cameras?.find(camera => !seen.includes(camera));
  if (unseen !== undefined) throw refuse('cameras', `you do not see camera ${unseen} yourself`);
  // A camera list in a token of an admin's role would not hold: an admin sees all.
  if (role === 'admin' && cameras) {
    throw refuse('cameras', 'a token with the role of an admin sees all cameras');
  }
  return {
    ...{ name, role, rights: rights ?? (role === user.role ? user.rights : []) },
    ...(cameras && { cameras }),
    ...(expiresMs !== undefined && { expiresMs }),
  };
}

function view(record: TokenRecord): TokenView {
  const { id, user, name, role, cameras, rights, createdMs, expiresMs, lastUsedMs } = record;
  return {
    ...{ id: credentialOf(id), user, name, role, createdMs },
    rights: role === 'admin' ? [...RIGHTS] : rights,
    ...(cameras && { cameras }),
    ...(expiresMs !== undefined && { expiresMs }),
    ...(lastUsedMs !== undefined && { lastUsedMs }),
  };
}
