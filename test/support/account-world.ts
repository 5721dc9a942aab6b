// Accounts over an index in memory, with a clock that tests move.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Accounts,
  type Actor,
  type Caller,
  type LoggedIn,
  NOBODY,
  type ProvisionedUsers,
} from '../../src/accounts/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { AccountTable } from '../../src/storage/accounts.ts';
import { AuditTable } from '../../src/storage/audit.ts';
import { Database } from '../../src/storage/database.ts';
import { SettingsTable } from '../../src/storage/settings.ts';
import { MemoryIndex } from '../unit/storage-memory-index.ts';
import { FakeClock } from './fake-clock.ts';
import { fakeLog } from './fake-log.ts';
import { tempDir } from './temp.ts';

/** Good enough for all tests. */
export const PASSWORD = 'correct horse staple';

export class AccountWorld {
  readonly clock = new FakeClock();
  readonly log = fakeLog('accounts');
  readonly dir = tempDir('accounts');
  readonly index = new MemoryIndex();
  /** Sessions and tokens that ended. */
  readonly revoked: string[] = [];
  /** Thrown by the next commits while set. */
  failure: NvrError | undefined;
  /** What commits wait for. */
  hold: Promise<void> | undefined;
  /** How many commits began. */
  commits = 0;
  database!: Database;
  table!: AccountTable;
  accounts!: Accounts;

  static async make(): Promise<AccountWorld> {
    const world = new AccountWorld();
    await world.restart();
    return world;
  }

  /** What a configuration file gives, from the next restart on. */
  provisioned: ProvisionedUsers | undefined;

  /** As a new start of the service on the same index; nothing is written down before. */
  async restart(stale = false): Promise<void> {
    this.accounts?.stop();
    const { clock, log, dir, index } = this;
    const open = () => ({
      get: index.get.bind(index),
      range: index.range.bind(index),
      usedBytes: () => 0,
      copyTo: async () => {},
      close: async () => {},
      write: async (changes: Parameters<MemoryIndex['write']>[0]) => {
        this.commits++;
        await this.hold;
        if (this.failure) throw this.failure;
        await index.write(changes);
      },
    });
    this.database = new Database({
      ...{ open, clock, log: log.logger, maxBytes: 1e9 },
      onStep: () => undefined,
      onHealth: () => undefined,
    });
    this.database.start();
    this.table = new AccountTable({ database: this.database, dir, log: log.logger, onStep: () => undefined });
    await this.table.load(stale);
    const store = {
      accounts: this.table,
      audit: new AuditTable(this.database),
      settings: new SettingsTable(this.database),
      dir,
    };
    const { provisioned } = this;
    this.accounts = new Accounts({ store, clock, provisioned, log: log.logger });
    this.accounts.onRevoked(credential => this.revoked.push(credential));
    await this.accounts.start();
  }

  /** With the set-up code. */
  async setUp(name = 'anna', address = '10.0.0.1'): Promise<LoggedIn> {
    const code = this.accounts.setupCode ?? '';
    return this.accounts.setup({ code, name, password: PASSWORD }, { remoteAddress: address, userAgent: 'Browser' });
  }

  login(name: string, password = PASSWORD, address = '10.0.0.1'): Promise<LoggedIn> {
    return this.accounts.login({ name, password }, { remoteAddress: address, userAgent: 'Browser' });
  }

  callerOf({ secret }: { secret: string }): Caller | undefined {
    return this.accounts.identify({ cookie: `thimble_session=${secret}` });
  }

  callerOfToken(token: string): Caller | undefined {
    return this.accounts.identify({ authorization: `Bearer ${token}` });
  }

  actor(who: { secret: string } | undefined): Actor {
    return { caller: (who && this.callerOf(who)) ?? NOBODY, remoteAddress: '10.0.0.1' };
  }

  get mirror(): { nextId: number; users: Record<string, unknown>[]; tokens: Record<string, unknown>[] } {
    return JSON.parse(readFileSync(join(this.dir, 'users.json'), 'utf8')).body;
  }

  get setupFile(): string | undefined {
    const path = join(this.dir, 'setup-code');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }
}

/** The error that a promise rejects with. */
export async function refused(promise: Promise<unknown>): Promise<NvrError> {
  const error = await promise.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (error instanceof NvrError) return error;
  throw error;
}
