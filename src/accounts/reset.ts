// Gives a new password to somebody who has lost theirs: for whoever owns the data directory, while no service runs on it.
import { type Clock, type Logger, NvrError } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import { Audit } from './audit.ts';
import { forgetTries } from './login-guard.ts';
import { legibleSecret, PasswordHasher } from './password.ts';
import { Sessions } from './sessions.ts';
import type { UserRecord } from './user.ts';
import { Users } from './users.ts';

export interface ResetUser {
  name: string;
  /** Known nowhere else. */
  password: string;
  /** There was no admin left, so that this user is one now. */
  becameAdmin: boolean;
  /** The user comes from a configuration file, whose password is back with the next start that uses it. */
  provisioned: boolean;
}

/** Ends the sessions of the user in the same commit, and takes one-time codes away; tokens stay. Rejects with `not-found` naming those that there are. */
export async function resetUser(
  { store, clock, log }: { store: Pick<Store, 'accounts' | 'audit' | 'settings'>; clock: Clock; log: Logger },
  name: string,
): Promise<ResetUser> {
  const users = new Users(store.accounts, log);
  users.load();
  const user = users.named(name);
  if (!user) {
    const names = users.list().map(known => `"${known.name}"`);
    const cure =
      names.length > 0
        ? `There are: ${names.join(', ')}.`
        : 'Start the service: it shows a set-up code for the first one.';
    throw new NvrError('not-found', `there is no user "${name}"`, { cure });
  }
  const sessions = new Sessions({ table: store.accounts, clock, onEnded: () => undefined });
  sessions.load(id => users.get(id) !== undefined);
  const password = legibleSecret(4, 5);
  const becameAdmin = !users.list().some(({ role }) => role === 'admin');
  const { totp: _totp, ...rest } = user;
  const changed: UserRecord = {
    ...rest,
    ...(becameAdmin && { role: 'admin' as const }),
    password: await new PasswordHasher().hash(password),
  };
  new Audit(store.audit, clock).record({
    action: 'change',
    target: `user ${user.name}`,
    detail: 'password, on the board itself',
  });
  forgetTries(store.settings);
  await store.accounts.change([users.change(changed), ...sessions.endings(sessions.of(Number(user.id)))]);
  return { name: user.name, password, becameAdmin, provisioned: user.provisioned !== undefined };
}
