// The accounts of this board as the API sees them: who somebody is, how one gets in and out, and who may get in at all.
import { background, type Clock, type ErrorKind, type Logger, NvrError, Turns } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import { Audit } from './audit.ts';
import { credentialOf, sessionsIn, tokenIn } from './bearer-secret.ts';
import type { Caller, Role } from './caller.ts';
import { LoginGuard } from './login-guard.ts';
import type { AccountParts, Actor } from './parts.ts';
import { checkPassword, PasswordHasher } from './password.ts';
import { type ProvisionedUsers, provisionPasswords, provisionUsers } from './provisioned.ts';
import { SessionAdmin } from './session-admin.ts';
import { type Origin, Sessions } from './sessions.ts';
import { SetupCode } from './setup-code.ts';
import { TokenAdmin } from './token-admin.ts';
import { type TokenRecord, Tokens } from './tokens.ts';
import { callerOf, narrowed, type UserRecord } from './user.ts';
import { refuseProvisioned, UserAdmin } from './user-admin.ts';
import { Users } from './users.ts';

const OF_VOLUME: ReadonlySet<ErrorKind> = new Set(['resource-exhausted', 'unavailable', 'data-loss']);
const SWEEP_EACH_MS = 600_000;

export interface AccountsOptions {
  /** From the configuration file. */
  provisioned?: ProvisionedUsers | undefined;
  store: Pick<Store, 'accounts' | 'audit' | 'settings' | 'dir'>;
  clock: Clock;
  log: Logger;
}

/** What a request says of who sends it. */
export interface Credentials {
  cookie?: string | undefined;
  authorization?: string | undefined;
  remoteAddress?: string;
}

export interface LoginInput {
  name: string;
  password: string;
  /** Of users with one-time codes, which this version has none of: for them it is not looked at. */
  totp?: string | undefined;
}

export interface LoggedIn {
  name: string;
  role: Role;
  /** For the cookie. */
  secret: string;
}

export class Accounts {
  readonly audit: Audit;
  readonly users: UserAdmin;
  readonly sessions: SessionAdmin;
  readonly tokens: TokenAdmin;
  readonly #options: AccountsOptions;
  readonly #parts: AccountParts;
  readonly #guard: LoginGuard;
  readonly #listeners = new Set<(credential: string) => void>();
  #setup: SetupCode | undefined;
  #timer: (() => void) | undefined;
  #passwords: Promise<void> = Promise.resolve();

  constructor(options: AccountsOptions) {
    const { store, clock, log } = options;
    this.#options = options;
    this.audit = new Audit(store.audit, clock);
    const table = store.accounts;
    const onEnded = (credential: string) => this.#revoked(credential);
    this.#parts = {
      ...{ table, clock, hasher: new PasswordHasher(), turns: new Turns(), users: new Users(table, log) },
      provisionedBy: options.provisioned?.path,
      sessions: new Sessions({ table, clock, onEnded }),
      tokens: new Tokens({ table, clock, onEnded }),
      tell: ({ caller, remoteAddress }, entry) => {
        const by = caller.by === 'nobody' ? {} : { by: caller.by };
        this.audit.record({ user: caller.name, ...by, address: remoteAddress, ...entry });
      },
    };
    this.users = new UserAdmin(this.#parts);
    this.sessions = new SessionAdmin(this.#parts, log);
    this.tokens = new TokenAdmin(this.#parts);
    this.#guard = new LoginGuard(store.settings, clock);
  }

  /** Loads what is stored, and what a configuration file says. Rejects with `failed-precondition` when that cannot be. Without an account there is a set-up code from now on. */
  async start(): Promise<void> {
    const { store, clock, log } = this.#options;
    const { users, sessions, tokens } = this.#parts;
    users.load();
    const isUser = (id: number) => users.get(id) !== undefined;
    sessions.load(isUser);
    tokens.load(isUser);
    this.#guard.load();
    await this.#provision();
    const setup = new SetupCode(store.dir, clock, log);
    if (users.size > 0) await setup.withdraw();
    else {
      this.#setup = setup;
      await setup.publish();
    }
    this.#arm();
  }

  /** A volume that cannot be written does not keep the users out who were there before. */
  async #provision(): Promise<void> {
    const { provisioned, log } = this.#options;
    if (!provisioned) return;
    try {
      await provisionUsers(this.#parts, provisioned.users);
    } catch (error) {
      if (!(error instanceof NvrError) || !OF_VOLUME.has(error.kind)) throw error;
      log.error('the users of the configuration cannot be stored', { file: provisioned.path, error });
    }
    this.#passwords = provisionPasswords(this.#parts, this.users, provisioned.users);
    background(this.#passwords, 'look at the passwords of users', log);
  }

  /** Resolves when the passwords of the configuration file hold, too. */
  async provisioned(): Promise<void> {
    await this.#passwords;
  }

  stop(): void {
    this.#timer?.();
    this.#timer = undefined;
  }

  /** Set while there is no account. */
  get setupCode(): string | undefined {
    return this.#setup?.code;
  }

  /**
   * Who sends these headers; undefined when they prove nothing. A token of ours that does not hold is not made good by a cookie; other
   * credentials in `authorization` are some proxy's.
   */
  identify(credentials: Credentials): Caller | undefined {
    const { users, sessions, tokens, clock } = this.#parts;
    const token = credentials.authorization === undefined ? undefined : tokenIn(credentials.authorization);
    let caller: Caller | undefined;
    if (token) caller = tokens.find(token, record => this.#callerOfToken(record));
    else if (credentials.cookie !== undefined) {
      for (const secret of sessionsIn(credentials.cookie)) {
        caller = sessions.find(secret, ({ id, user }) => this.#callerOfSession(id, user));
        if (caller) break;
      }
    }
    if (caller) users.see(caller.user, clock.nowMs());
    return caller;
  }

  /** What may be done at present with what a session or token has signed; undefined when it has ended, or is none of that user's. */
  callerBy(user: number, credential: string): Caller | undefined {
    const { users, sessions, tokens } = this.#parts;
    const record = users.get(user);
    const token = tokens.get(credential);
    const proof = token ?? sessions.get(credential);
    if (!record || proof?.user !== user || (token && tokens.isExpired(token))) return undefined;
    return callerOf('link', record, token ? narrowed(record, token) : record, credential);
  }

  /** When the session or token of a caller ends, however much it is used; undefined when it has no end. */
  expiryOf({ by, credential = '' }: Caller): number | undefined {
    return (by === 'token' ? this.tokens : this.sessions).expiryOf(credential);
  }

  /** Called when a session or token ends, or may do other things than before: what was opened with it is to be closed. Gives what takes the listener away. */
  onRevoked(listener: (credential: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes the first account, an admin. Rejects with `not-found` once there is one, `permission-denied` for a wrong code,
   * `resource-exhausted` after too many.
   */
  async setup(input: { code: string; name: string; password: string }, origin: Origin): Promise<LoggedIn> {
    const { users, table, hasher, turns, clock } = this.#parts;
    const { code, name, password } = input;
    this.#checkCode(code, origin.remoteAddress);
    checkPassword(password, name);
    const hash = await hasher.hash(password);
    return turns.run(async () => {
      const setup = this.#openSetup();
      const id = String(table.nextUserId());
      const user: UserRecord = { id, name, role: 'admin', rights: [], password: hash, createdMs: clock.nowMs() };
      users.check(user);
      await table.change([users.change(user)]);
      users.put(user);
      this.#setup = undefined;
      await setup.withdraw();
      return this.#begin(user, origin, 'setup');
    });
  }

  #checkCode(code: string, address: string): void {
    try {
      this.#openSetup().check(code, address);
    } catch (error) {
      if (error instanceof NvrError && error.kind === 'permission-denied') {
        this.audit.record({ action: 'denied', address, target: 'set-up code' });
      }
      throw error;
    }
  }

  #openSetup(): SetupCode {
    if (this.#setup) return this.#setup;
    throw new NvrError('not-found', 'there is an account already', { cure: 'Log in.' });
  }

  /** Rejects with `unauthenticated`, in the same words and after the same work for a wrong name and a wrong password; `resource-exhausted` after too many tries. */
  async login({ name, password }: LoginInput, origin: Origin): Promise<LoggedIn> {
    const { users, sessions, hasher } = this.#parts;
    const user = users.named(name);
    const places = user ? sessions.of(Number(user.id)).map(({ address }) => address) : [];
    const attempt = this.#guard.begin(name, origin.remoteAddress, places);
    const isRight = await hasher.verify(password, user?.password).catch((error: unknown) => {
      attempt.undo();
      throw error;
    });
    // It may have been removed or given another password meanwhile.
    const now = user && users.get(Number(user.id));
    if (!isRight || !now || now.password !== user.password) {
      // Somebody may have typed a password instead of a name: what nobody is called is written nowhere.
      const who = user ? { user: user.name } : { detail: 'a name that nobody has' };
      this.audit.record({ action: 'login-failed', ...who, address: origin.remoteAddress });
      throw new NvrError('unauthenticated', 'the name or the password is wrong');
    }
    attempt.succeeded();
    if (now.totp !== undefined) {
      throw new NvrError(
        'failed-precondition',
        'this account asks for one-time codes, which this version does not know',
        {
          cure: 'Use the version that set them up.',
        },
      );
    }
    return this.#begin(now, origin, 'login');
  }

  /** Changes one's own password: ends all sessions and begins a new one. Rejects with `permission-denied` when the present one is wrong. */
  async changePassword(
    actor: Actor & Origin,
    { currentPassword, password }: { currentPassword: string; password: string },
  ): Promise<LoggedIn> {
    const { users, hasher } = this.#parts;
    const { caller, remoteAddress } = actor;
    const user = users.get(caller.user);
    if (!user || caller.by !== 'session')
      throw new NvrError('permission-denied', 'only somebody who is logged in may do this');
    refuseProvisioned(this.#parts, user);
    const attempt = this.#guard.begin(user.name, remoteAddress, [remoteAddress]);
    const isRight = await hasher.verify(currentPassword, user.password).catch((error: unknown) => {
      attempt.undo();
      throw error;
    });
    if (!isRight) {
      const field = 'currentPassword';
      throw new NvrError('permission-denied', 'the present password is wrong', { field, cure: 'Type it again.' });
    }
    attempt.succeeded();
    const changed = await this.users.setPassword(actor, user, password);
    return this.#begin(changed, actor, undefined);
  }

  #begin(user: UserRecord, origin: Origin, action: 'setup' | 'login' | undefined): LoggedIn {
    const { sessions } = this.#parts;
    const { secret } = sessions.begin(Number(user.id), origin);
    const address = origin.remoteAddress;
    if (action) this.audit.record({ action, user: user.name, by: 'session', address });
    // Nobody waits: on a full volume one must get in to make room.
    background(this.sessions.settle(), 'store a session', this.#options.log);
    return { name: user.name, role: user.role, secret };
  }

  #callerOfSession(id: string, userId: number): Caller | undefined {
    const user = this.#parts.users.get(userId);
    return user && callerOf('session', user, user, credentialOf(id));
  }

  #callerOfToken(token: TokenRecord): Caller | undefined {
    const user = this.#parts.users.get(token.user);
    return user && callerOf('token', user, narrowed(user, token), credentialOf(token.id));
  }

  #revoked(credential: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(credential);
      } catch (error) {
        this.#options.log.error('a listener failed', { event: 'revoked', error });
      }
    }
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(SWEEP_EACH_MS, () => {
      this.#parts.sessions.sweep();
      this.#parts.tokens.sweep();
      this.#arm();
    });
  }
}
