// What admins do with users.
import { isDeepStrictEqual } from 'node:util';
import { type CameraId, NvrError } from '../core/index.ts';
import type { Right, Role } from './caller.ts';
import type { AccountParts, Actor } from './parts.ts';
import { checkPassword } from './password.ts';
import type { UserRecord } from './user.ts';

export interface NewUser {
  name: string;
  password: string;
  role: Role;
  /** Absent = all. */
  cameras?: CameraId[] | undefined;
  rights?: Right[] | undefined;
}

export interface UserPatch {
  name?: string | undefined;
  password?: string | undefined;
  role?: Role | undefined;
  /** null = all. */
  cameras?: CameraId[] | null | undefined;
  rights?: Right[] | undefined;
}

/** A user as admins see it. */
export interface UserView {
  id: number;
  name: string;
  role: Role;
  cameras?: CameraId[];
  rights: Right[];
  createdMs: number;
  lastSeenMs?: number;
  /** Its key in the configuration file that gives it; while there is one, `change` and `remove` refuse. */
  provisioned?: string;
  sessions: number;
  tokens: number;
}

export class UserAdmin {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  list(): UserView[] {
    return this.#parts.users.list().map(user => this.#view(user));
  }

  get(id: number): UserView | undefined {
    const user = this.#parts.users.get(id);
    return user && this.#view(user);
  }

  /** Rejects with `invalid-argument` naming the field. */
  async add(actor: Actor, input: NewUser): Promise<UserView> {
    const { users, table, hasher, turns, clock, tell } = this.#parts;
    const { name, role, cameras, rights = [] } = input;
    checkPassword(input.password, name);
    const password = await hasher.hash(input.password);
    return turns.run(async () => {
      const fields = { name, role, rights, ...(cameras && { cameras }) };
      const user: UserRecord = { id: '1', ...fields, password, createdMs: clock.nowMs() };
      users.check(user);
      user.id = String(table.nextUserId());
      await table.change([users.change(user)]);
      users.put(user);
      tell(actor, { action: 'add', target: `user ${name}`, detail: role });
      return this.#view(user);
    });
  }

  /** What a user may do changes at once, also for its sessions and tokens; another password ends its sessions. Rejects with `not-found`. */
  async change(actor: Actor, id: number, patch: UserPatch): Promise<UserView> {
    const { users, hasher, turns, tell } = this.#parts;
    const { password, cameras, ...fields } = patch;
    if (password !== undefined && id === actor.caller.user) {
      throw new NvrError('invalid-argument', 'your own password asks for the present one', {
        field: 'password',
        cure: 'Change it on your own page (PATCH /api/me).',
      });
    }
    refuseProvisioned(this.#parts, this.#existing(id));
    if (password !== undefined) checkPassword(password, patch.name ?? this.#existing(id).name);
    const hash = password === undefined ? undefined : await hasher.hash(password);
    return turns.run(async () => {
      const before = this.#existing(id);
      const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
      const { cameras: had, ...rest } = before;
      const wanted = cameras === undefined ? had : (cameras ?? undefined);
      const user: UserRecord = {
        ...rest,
        ...given,
        ...(wanted && { cameras: wanted }),
        ...(hash && { password: hash }),
      };
      users.check(user, before);
      if (isDeepStrictEqual(user, before)) return this.#view(user);
      await this.#store(user, hash !== undefined);
      const detail = [
        ...Object.keys(given),
        ...(cameras === undefined ? [] : ['cameras']),
        ...(hash ? ['password'] : []),
      ];
      tell(actor, { action: 'change', target: `user ${user.name}`, detail: detail.join(', ') });
      return this.#view(user);
    });
  }

  /** `ends`: all sessions, in the same commit; else they go on with what the user may now. */
  async #store(user: UserRecord, ends: boolean): Promise<void> {
    const { users, table, sessions, tokens } = this.#parts;
    const id = Number(user.id);
    const ended = ends ? sessions.of(id) : [];
    await table.change([users.change(user), ...sessions.endings(ended)]);
    users.put(user);
    sessions.drop(ended);
    // Begun with the old password meanwhile.
    if (ends) sessions.end(sessions.of(id));
    sessions.renew(id);
    tokens.renew(id);
  }

  /** Removes the user with its sessions and tokens. Rejects with `not-found`, and `failed-precondition` for the only admin. */
  remove(actor: Actor, id: number): Promise<void> {
    const { users, table, sessions, tokens, turns, tell } = this.#parts;
    return turns.run(async () => {
      const user = this.#existing(id);
      refuseProvisioned(this.#parts, user);
      users.checkLastAdmin(user);
      const [itsSessions, itsTokens] = [sessions.of(id), tokens.of(id)];
      const gone = { kind: 'users', id: user.id, row: undefined } as const;
      await table.change([gone, ...sessions.endings(itsSessions), ...tokens.endings(itsTokens)]);
      users.drop(user);
      sessions.drop(itsSessions);
      // Begun meanwhile.
      sessions.end(sessions.of(id));
      tokens.drop(itsTokens);
      tell(actor, { action: 'remove', target: `user ${user.name}` });
    });
  }

  /** Ends all sessions of the user, in the same commit. */
  async setPassword(
    actor: Actor,
    { id, name }: Pick<UserRecord, 'id' | 'name'>,
    password: string,
  ): Promise<UserRecord> {
    const { hasher, turns, tell } = this.#parts;
    checkPassword(password, name);
    const hash = await hasher.hash(password);
    return turns.run(async () => {
      const user: UserRecord = { ...this.#existing(Number(id)), password: hash };
      await this.#store(user, true);
      tell(actor, { action: 'change', target: `user ${user.name}`, detail: 'password' });
      return user;
    });
  }

  #existing(id: number): UserRecord {
    const user = this.#parts.users.get(id);
    if (!user) throw new NvrError('not-found', 'there is no such user');
    return user;
  }

  #view({ id, name, role, cameras, rights, createdMs, lastSeenMs, provisioned }: UserRecord): UserView {
    const { sessions, tokens, provisionedBy } = this.#parts;
    return {
      ...{ id: Number(id), name, role, rights, createdMs },
      ...(cameras && { cameras }),
      ...(lastSeenMs !== undefined && { lastSeenMs }),
      ...(provisioned !== undefined && provisionedBy !== undefined && { provisioned }),
      sessions: sessions.of(Number(id)).length,
      tokens: tokens.of(Number(id)).length,
    };
  }
}

/** What the file says would be back with the next start; better to say so than to forget it then. */
export function refuseProvisioned({ provisionedBy }: AccountParts, { name, provisioned }: UserRecord): void {
  if (provisionedBy === undefined || provisioned === undefined) return;
  throw new NvrError('failed-precondition', `${name} comes from ${provisionedBy}`, {
    cure: `Change "users.${provisioned}" there and restart the service.`,
  });
}
