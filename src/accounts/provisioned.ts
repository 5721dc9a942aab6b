// Users that come from a configuration file: what has to be stored so that accounts and file agree.
import { isDeepStrictEqual } from 'node:util';
import { NvrError } from '../core/index.ts';
import type { AccountChange } from '../storage/index.ts';
import { NOBODY } from './caller.ts';
import type { AccountParts } from './parts.ts';
import { nameKey, type Powers, type UserRecord } from './user.ts';
import type { UserAdmin } from './user-admin.ts';
import { MAX_USERS } from './users.ts';

export interface ProvisionedUser extends Powers {
  /** Says which user it is: the one that came under this key before, else the one of this name. */
  key: string;
  name: string;
  password: string;
}

export interface ProvisionedUsers {
  /** Of the file; nobody else may change these users. */
  path: string;
  users: readonly ProvisionedUser[];
}

const ACTOR = { caller: NOBODY, remoteAddress: '' };
const DETAIL = 'by the configuration';

/**
 * Adds and changes users, and removes those that the file had before and has no longer, in one commit; nothing when nothing differs. Passwords
 * of users that are there already are left to `provisionPasswords`. Rejects with `failed-precondition` when there would be no admin or too
 * many users, `invalid-argument` when two would have one name.
 */
export async function provisionUsers(parts: AccountParts, wanted: readonly ProvisionedUser[]): Promise<void> {
  const { users, sessions, tokens, table, hasher, clock, tell } = parts;
  const before = new Map(wanted.map(one => [one.key, knownAs(parts, one)]));
  const changed: UserRecord[] = [];
  for (const { key, name, role, cameras, rights, password } of wanted) {
    const known = before.get(key);
    const { cameras: _cameras, ...kept } = known ?? {
      id: String(table.nextUserId()),
      password: await hasher.hash(password),
      createdMs: clock.nowMs(),
    };
    const user: UserRecord = { ...kept, name, role, rights, ...(cameras && { cameras }), provisioned: key };
    if (!isDeepStrictEqual(user, known)) changed.push(user);
  }
  const kept = new Set([...before.values()].map(user => user?.id));
  const left = users.list().filter(user => user.provisioned !== undefined && !kept.has(user.id));
  if (changed.length + left.length === 0) return;
  checkAll([
    ...users.list().filter(({ id }) => !left.some(gone => gone.id === id) && !changed.some(user => user.id === id)),
    ...changed,
  ]);
  const ended = left.flatMap(({ id }) => sessions.of(Number(id)));
  const revoked = left.flatMap(({ id }) => tokens.of(Number(id)));
  const removals = left.map(({ id }): AccountChange => ({ kind: 'users', id, row: undefined }));
  const stored = changed.map(user => users.change(user));
  await table.change([...stored, ...removals, ...sessions.endings(ended), ...tokens.endings(revoked)]);
  for (const user of changed) {
    const action = users.get(Number(user.id)) ? 'change' : 'add';
    users.put(user);
    tell(ACTOR, { action, target: `user ${user.name}`, detail: DETAIL });
  }
  for (const user of left) {
    users.drop(user);
    tell(ACTOR, { action: 'remove', target: `user ${user.name}`, detail: DETAIL });
  }
  sessions.drop(ended);
  tokens.drop(revoked);
}

/** Gives those users the password of the file that have another one. Takes a hash for each, so nobody should wait for it. */
export async function provisionPasswords(
  parts: AccountParts,
  admin: Pick<UserAdmin, 'setPassword'>,
  wanted: readonly ProvisionedUser[],
): Promise<void> {
  for (const one of wanted) {
    const user = knownAs(parts, one);
    if (user && !(await parts.hasher.verify(one.password, user.password))) {
      await admin.setPassword(ACTOR, user, one.password);
    }
  }
}

function knownAs({ users }: AccountParts, { key, name }: ProvisionedUser): UserRecord | undefined {
  const byKey = users.list().find(user => user.provisioned === key);
  if (byKey) return byKey;
  const byName = users.named(name);
  return byName?.provisioned === undefined ? byName : undefined;
}

function checkAll(users: readonly UserRecord[]): void {
  if (users.length > MAX_USERS) {
    throw new NvrError('failed-precondition', `there would be ${users.length} users`, {
      cure: `There are at most ${MAX_USERS}: remove some, also those that are not in the file.`,
    });
  }
  if (!users.some(({ role }) => role === 'admin')) {
    throw new NvrError('failed-precondition', 'no user would be an admin', {
      cure: 'Give one of them the role admin.',
    });
  }
  const names = new Set<string>();
  for (const { name } of users) {
    if (names.has(nameKey(name))) {
      throw new NvrError('invalid-argument', `there would be two users of the name ${name}`, { cure: 'Rename one.' });
    }
    names.add(nameKey(name));
  }
}
