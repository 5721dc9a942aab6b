// A process that changes accounts and kills itself at a chosen step; what it notes is what had been promised by then.
// argv: directory, file for notes, number of the step.
import { appendFileSync } from 'node:fs';
import { Accounts, NOBODY } from '../../src/accounts/index.ts';
import { Log, systemClock } from '../../src/core/index.ts';
import { openStore } from '../../src/storage/index.ts';
import { examineFake } from './storage-segment-file.ts';

const [dir = '', notes = '', killAt = '0'] = process.argv.slice(2);
const PASSWORD = 'correct horse staple';
let steps = 0;

function note(line: string): void {
  appendFileSync(notes, `${line}\n`);
}

function step(name: string): void {
  if (++steps < Number(killAt)) return;
  note(`killed-at ${name}`);
  process.kill(process.pid, 'SIGKILL');
}

const log = new Log({
  clock: systemClock,
  write: () => undefined,
  human: false,
  levels: { other: 'error', tags: {} },
  ringBytes: 0,
  repeatMs: 0,
});
const store = await openStore(dir, {
  examine: examineFake,
  lock: () => ({ unlock: () => undefined }),
  clock: systemClock,
  log: log.logger('storage'),
  boot: { bootId: 'boot', oomKills: 0 },
  onStep: step,
});
await store.start(new AbortController().signal);
const accounts = new Accounts({ store, clock: systemClock, log: log.logger('accounts') });
await accounts.start();
note('is ');
step('started');

/** Names with roles, and names of tokens, once `action` is done. */
async function change(state: string, action: () => Promise<unknown>): Promise<void> {
  note(`going ${state}`);
  await action();
  note(`is ${state}`);
  step('done');
}

const origin = { remoteAddress: '10.0.0.1' };
let secret = '';
const actor = () => ({
  caller: accounts.identify({ cookie: `thimble_session=${secret}` }) ?? NOBODY,
  remoteAddress: '10.0.0.1',
});
await change('anna:admin', async () => {
  const code = accounts.setupCode ?? '';
  secret = (await accounts.setup({ code, name: 'anna', password: PASSWORD }, origin)).secret;
});
await change('anna:admin bob:viewer', () =>
  accounts.users.add(actor(), { name: 'bob', password: PASSWORD, role: 'viewer' }),
);
const anna = accounts.users.list()[0]?.id ?? 0;
const bob = accounts.users.list()[1]?.id ?? 0;
await change('anna:admin bob:viewer HA', () => accounts.tokens.create(actor(), { name: 'HA' }));
await change('anna:admin bob:operator HA', () => accounts.users.change(actor(), bob, { role: 'operator' }));
const [token] = accounts.tokens.of(anna);
await change('anna:admin bob:operator', () => accounts.tokens.revoke(actor(), token?.id ?? '', () => true));
await change('anna:admin', () => accounts.users.remove(actor(), bob));
accounts.stop();
await store.stop();
note('done');
