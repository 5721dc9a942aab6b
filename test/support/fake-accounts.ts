// Accounts without passwords: callers by name.
import type { Accounts, AuditEntry, Caller } from '../../src/accounts/index.ts';
import type { Identifier } from '../../src/api/gate.ts';
import { ADMIN } from './ask-router.ts';

/** Whoever is in `callers` proves it by `Bearer NAME`, `Basic NAME` or the cookie NAME; `anybody` is everybody else. */
export class FakeAccounts implements Identifier {
  setupCode: string | undefined;
  readonly callers = new Map<string, Caller>();
  anybody: Caller | undefined;
  /** What the audit log was told. */
  readonly told: AuditEntry[] = [];
  readonly audit = { record: (entry: AuditEntry) => void this.told.push(entry) };

  onRevoked(): void {}

  /** Everybody may everything. */
  static open(): FakeAccounts {
    const accounts = new FakeAccounts();
    accounts.anybody = ADMIN;
    return accounts;
  }

  /** For those who take the real ones: only what the gate asks of them is there. */
  get real(): Accounts {
    return this as unknown as Accounts;
  }

  identify({ cookie, authorization }: { cookie?: string; authorization?: string }): Caller | undefined {
    const known = this.callers.get(authorization?.split(' ')[1] ?? cookie ?? '');
    return known ? { ...known, by: authorization === undefined ? 'session' : 'token' } : this.anybody;
  }

  callerBy(user: number, _credential: string): Caller | undefined {
    return [...this.callers.values()].find(known => known.user === user);
  }

  expiryOf(): number | undefined {
    return undefined;
  }
}
