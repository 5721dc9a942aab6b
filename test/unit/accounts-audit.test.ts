import * as assert from 'uvu/assert';
import { Audit } from '../../src/accounts/audit.ts';
import type { AuditEntry } from '../../src/accounts/index.ts';
import { AuditTable } from '../../src/storage/audit.ts';
import { Database } from '../../src/storage/database.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { MemoryIndex } from './storage-memory-index.ts';

const test = suite('accounts: audit');

function setUp(maxRows?: number) {
  const [clock, index] = [new FakeClock(), new MemoryIndex()];
  const database = new Database({
    ...{ open: () => index, clock, log: fakeLog().logger, maxBytes: 1e9 },
    onStep: () => undefined,
    onHealth: () => undefined,
  });
  database.start();
  const table = new AuditTable(database, maxRows);
  return { clock, database, table, audit: new Audit(table, clock) };
}

const DENIED: AuditEntry = {
  action: 'denied',
  user: 'bob',
  by: 'session',
  address: '10.0.0.9',
  target: 'GET /api/logs',
};

test('tells who did what, newest first, page by page', () => {
  const { audit, clock } = setUp();
  for (let n = 1; n <= 5; n++)
    audit.record({ action: n % 2 ? 'change' : 'export', user: 'anna', target: `camera ${n}` });
  const first = audit.list({ limit: 2 });
  assert.equal(
    first.entries.map(({ id, target, timeMs }) => [id, target, timeMs]),
    [
      [5, 'camera 5', clock.nowMs()],
      [4, 'camera 4', clock.nowMs()],
    ],
  );
  const second = audit.list({ limit: 2, cursor: first.cursor });
  assert.equal(
    second.entries.map(({ id }) => id),
    [3, 2],
  );
  const third = audit.list({ limit: 2, cursor: second.cursor });
  assert.equal([third.entries.map(({ id }) => id), third.cursor], [[1], undefined]);
  assert.equal(
    audit.list({ limit: 9, action: 'export' }).entries.map(({ id }) => id),
    [4, 2],
  );
  const exports = audit.list({ limit: 1, action: 'export' });
  assert.equal(
    audit.list({ limit: 1, action: 'export', cursor: exports.cursor }).entries.map(({ id }) => id),
    [2],
  );
  assert.equal(audit.list({ limit: 9, cursor: '0' }).entries, []);
  assert.is(audit.list({ limit: 1, cursor: '999999999999999' }).entries.length, 1);
});

test('the oldest go, and their numbers are never used again', async () => {
  const { table, database } = setUp(10);
  for (let n = 0; n < 25; n++) table.append({ n });
  await database.flush();
  assert.equal(
    table.list(100).lines.map(({ n }) => n),
    [25, 24, 23, 22, 21, 20, 19, 18, 17, 16],
  );
  const again = new AuditTable(database, 10);
  assert.is(again.append({}), 26);
  assert.is(again.list(100).lines.length, 10);
  again.replace(3, { n: 'gone' });
  assert.is(again.list(100).lines.length, 10);
});

test('a flood of refusals is counted in one line', async () => {
  const { audit, clock, database, table } = setUp();
  for (let n = 0; n < 1000; n++) audit.record(DENIED);
  await database.flush();
  assert.equal(
    audit.list({ limit: 100 }).entries.map(({ count }) => count),
    [1000],
  );
  // Written only at each doubling, so that the volume is spared.
  const stored = (before?: number) => (table.list(1, before).lines[0] as { value: { count: number } }).value.count;
  assert.is(stored(), 512);
  await clock.advance(60_000);
  audit.record(DENIED);
  assert.equal(
    audit.list({ limit: 100 }).entries.map(({ count }) => count),
    [undefined, 1000],
  );
  assert.is(stored(2), 1000);
});

test('of refusals of many kinds the first sixty a minute are told one by one', async () => {
  const { audit, clock } = setUp();
  for (let n = 0; n < 1000; n++) audit.record({ ...DENIED, target: `GET /api/${n}` });
  const { entries } = audit.list({ limit: 500 });
  assert.is(entries.length, 61);
  assert.equal([entries[0]?.count, entries[0]?.detail, entries[0]?.target], [940, 'of many kinds', undefined]);
  // What was done is told all the same.
  for (let n = 0; n < 10; n++) audit.record({ action: 'export', user: 'anna', target: 'camera 1' });
  assert.is(audit.list({ limit: 500 }).entries.length, 71);
  await clock.advance(60_000);
  audit.record({ ...DENIED, target: 'GET /api/x' });
  assert.is(audit.list({ limit: 500 }).entries.length, 72);
});

test('refusals wash nothing out, however long they go on', async () => {
  const { audit, clock } = setUp();
  audit.record({ action: 'remove', user: 'bob', target: 'camera 1' });
  const days = 7;
  for (let minute = 0; minute < days * 24 * 60; minute++) {
    for (let n = 0; n < 2; n++) audit.record({ ...DENIED, target: `GET /api/${minute}/${n}` });
    audit.record({ action: 'login-failed', user: 'anna', address: `10.0.${minute >> 8}.${minute & 255}` });
    clock.stall(60_000);
  }
  const { entries } = audit.list({ limit: 5000 });
  assert.ok(entries.length <= days * (240 + 2 * 24) + 1, `${entries.length}`);
  assert.is(entries.at(-1)?.action, 'remove');
  const told = entries.reduce((sum, { count = 1 }) => sum + count, 0);
  assert.is(told, days * 24 * 60 * 3 + 1, 'all are counted');
});

test('whatever is told fits into a line', () => {
  const { audit, table } = setUp();
  const texts = ['x', '\u0000', '\u{1f600}', '\ud800', '"', '\\', '\u202e', '\u00e9'].map(char => char.repeat(5000));
  for (const text of texts) {
    audit.record({ action: 'change', user: text, by: 'session', address: text, target: text, detail: text });
  }
  assert.is(table.list(100).lines.length, texts.length);
  assert.not.match(JSON.stringify(audit.list({ limit: 100 })), /\\u0000|\u202e/);
});

test('lines that cannot be read are left out', async () => {
  const { audit, table } = setUp();
  for (const value of [null, 3, {}, { action: 'x', timeMs: 1 }, { action: 'login' }]) table.append(value);
  audit.record({ action: 'login', user: 'anna' });
  assert.is(audit.list({ limit: 2 }).entries.length, 1);
});

test.run();
