// What the parts of `accounts` share.
import type { Clock, Turns } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { Caller } from './caller.ts';
import type { PasswordHasher } from './password.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';
import type { Users } from './users.ts';

/** Who does something, and from where. */
export interface Actor {
  caller: Caller;
  remoteAddress: string;
}

export interface AccountParts {
  table: Store['accounts'];
  users: Users;
  sessions: Sessions;
  tokens: Tokens;
  hasher: PasswordHasher;
  turns: Turns;
  clock: Clock;
  /** The configuration file that gives users; then nobody else may change those. */
  provisionedBy: string | undefined;
  /** Writes down what an actor did. */
  tell(actor: Actor, entry: Pick<AuditEntry, 'action' | 'target' | 'detail'>): void;
}
