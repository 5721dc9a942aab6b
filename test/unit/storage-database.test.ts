// Batches of commits, rows that wait, and volumes that refuse: the index above a stand-in for LMDB.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { Database } from '../../src/storage/database.ts';
import type { Change, Entry, Environment, Range, TableName } from '../../src/storage/environment.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('storage: commits');
const MAX_BYTES = 1000;

/** A volume with one index on it. */
class FakeVolume {
  readonly rows = new Map<string, Entry>();
  commits: Change[][] = [];
  opened = 0;
  failure: NvrError | undefined;
  /** When set, commits wait for it. */
  gate: Promise<void> | undefined;

  open(): Environment {
    this.opened++;
    let panic = false;
    const usable = () => {
      if (panic) throw new NvrError('unavailable', 'MDB_PANIC');
    };
    return {
      get: (table, key) => {
        usable();
        return this.rows.get(name(table, key))?.value;
      },
      range: (table, range) => {
        usable();
        return this.#range(table, range);
      },
      copyTo: async () => undefined,
      write: async changes => {
        usable();
        await this.gate;
        if (this.failure) {
          panic = this.failure.kind === 'unavailable';
          throw this.failure;
        }
        this.commits.push([...changes]);
        for (const { table, key, value } of changes) {
          if (value) this.rows.set(name(table, key), { key, value });
          else this.rows.delete(name(table, key));
        }
      },
      usedBytes: () => [...this.rows.values()].reduce((sum, { key, value }) => sum + key.length + value.length, 0),
      close: async () => undefined,
    };
  }

  #range(table: TableName, { from, to, reverse, limit }: Range): Entry[] {
    const found = [...this.rows]
      .filter(
        ([row, { key }]) => row === name(table, key) && Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0,
      )
      .map(([, entry]) => entry)
      .sort((a, b) => Buffer.compare(a.key, b.key));
    return (reverse ? found.reverse() : found).slice(0, limit);
  }
}

function name(table: TableName, key: Buffer): string {
  return `${table} ${key.toString('hex')}`;
}

function setUp(onFull: (full: boolean) => void = () => undefined) {
  const full: boolean[] = [];
  const volume = new FakeVolume();
  const clock = new FakeClock();
  const health: (NvrError | undefined)[] = [];
  const database = new Database({
    open: () => volume.open(),
    clock,
    log: fakeLog('storage').logger,
    maxBytes: MAX_BYTES,
    onStep: () => undefined,
    onHealth: problem => health.push(problem),
    onFull: now => {
      full.push(now);
      onFull(now);
    },
  });
  database.start();
  return { volume, clock, health, full, database };
}

const key = (n: number) => Buffer.from([n]);
const value = (text: string) => Buffer.from(text);
const range = { from: key(0), to: key(200), limit: 10 };

async function rejection(promise: Promise<unknown>): Promise<NvrError> {
  return promise.then(
    () => {
      throw new Error('nothing was rejected');
    },
    (error: NvrError) => error,
  );
}

test('changes are readable at once and committed together after 10 s', async () => {
  const { volume, clock, database } = setUp();
  for (let n = 1; n <= 50; n++) {
    database.put('segments', key(n), value('x'));
    database.put('gaps', key(n), value('y'));
    await clock.advance(100);
  }
  assert.is(database.get('segments', key(50))?.toString(), 'x');
  assert.is(volume.commits.length, 0);
  await clock.advance(5100);
  assert.is(volume.commits.length, 1);
  assert.is(volume.commits[0]?.length, 100);
  assert.not.ok(database.dirty);
  assert.is(clock.pending, 0, 'no timer while nothing waits');
});

test('ranges show what waits: added, changed and removed, both ways, within the limit', async () => {
  const { database } = setUp();
  for (const n of [1, 3, 5, 7]) database.put('gaps', key(n), value(`old${n}`));
  await database.flush();
  database.put('gaps', key(2), value('new2'));
  database.put('gaps', key(3), value('new3'));
  database.remove('gaps', key(1));
  database.remove('gaps', key(5));
  database.put('segments', key(4), value('other table'));
  const texts = (found: Entry[]) => found.map(entry => entry.value.toString());
  assert.equal(texts(database.range('gaps', range)), ['new2', 'new3', 'old7']);
  assert.equal(texts(database.range('gaps', { ...range, reverse: true, limit: 2 })), ['old7', 'new3']);
  assert.equal(texts(database.range('gaps', { ...range, limit: 1 })), ['new2']);
  assert.equal(texts(database.range('gaps', { ...range, from: key(3), to: key(7) })), ['new3']);
});

test('flush covers what came while a commit was under way, in one more commit', async () => {
  const { volume, database } = setUp();
  let open = () => {};
  volume.gate = new Promise(resolve => {
    open = resolve;
  });
  database.put('gaps', key(1), value('a'));
  const first = database.flush();
  database.put('gaps', key(1), value('b'));
  database.put('gaps', key(2), value('c'));
  const later = [database.flush(), database.flush(), database.flush()];
  open();
  await Promise.all([first, ...later]);
  assert.equal(
    volume.commits.map(changes => changes.length),
    [1, 2],
  );
  assert.is(volume.rows.get(name('gaps', key(1)))?.value.toString(), 'b');
  await database.flush();
  assert.is(volume.commits.length, 2, 'nothing waits, nothing is committed');
});

test('a full volume: told once, readable all the while, tried again, and over when there is room', async () => {
  const { volume, clock, health, database } = setUp();
  volume.failure = new NvrError('resource-exhausted', 'ENOSPC');
  database.put('segments', key(1), value('kept'));
  assert.is((await rejection(database.flush())).kind, 'resource-exhausted');
  assert.is(database.get('segments', key(1))?.toString(), 'kept');
  await clock.advance(25_000);
  assert.equal(
    health.map(problem => problem?.kind),
    ['resource-exhausted'],
  );
  volume.failure = undefined;
  await clock.advance(10_000);
  assert.is(volume.rows.size, 1);
  assert.equal(
    health.map(problem => problem?.kind),
    ['resource-exhausted', undefined],
  );
  assert.is(volume.opened, 1);
});

test('an environment that panics is opened anew, and nothing is lost', async () => {
  const { volume, clock, health, database } = setUp();
  volume.failure = new NvrError('unavailable', 'EIO');
  database.put('segments', key(1), value('kept'));
  assert.is((await rejection(database.flush())).kind, 'unavailable');
  assert.is(database.get('segments', key(1))?.toString(), 'kept');
  assert.is(database.get('segments', key(2)), undefined, 'read by means of files that are opened anew');
  assert.is(volume.opened, 2);
  volume.failure = undefined;
  await clock.advance(10_000);
  assert.is(volume.opened, 2);
  assert.is(volume.rows.size, 1);
  assert.is(database.get('segments', key(2)), undefined);
  assert.equal(
    health.map(problem => problem?.kind),
    ['unavailable', undefined],
  );
});

test('above its bound new rows about footage wait, all else is committed, and it is told once', async () => {
  const { volume, clock, database, health, full } = setUp();
  database.put('segments', key(1), value('x'.repeat(900)));
  await database.flush();
  database.put('segments', key(2), value('y'.repeat(900)));
  await database.flush();
  assert.equal([volume.rows.size, database.full, full], [1, true, [true]]);
  assert.is(database.get('segments', key(2))?.length, 900, 'readable all the while');
  database.put('garbage', key(3), value('g'));
  database.put('segments', key(1), value('z'.repeat(950)));
  await database.flush();
  assert.equal([volume.rows.size, volume.rows.get('segments 01')?.value.length], [2, 950], 'rows that are there grow');
  await clock.advance(60_000);
  assert.is(volume.commits.length, 2, 'what waits for room alone costs no commit');
  database.remove('segments', key(1));
  await database.flush();
  await database.flush();
  assert.equal([volume.rows.size, database.full, database.dirty, full], [2, false, false, [true, false]]);
  assert.equal(health, []);
});

test('what is noted when the index is full is in the first commit that leaves rows out', async () => {
  const { volume, database } = setUp(full => {
    if (full) database.put('settings', key(9), value('look'));
  });
  database.put('segments', key(1), value('x'.repeat(2000)));
  database.put('open', key(2), value('o'));
  await database.flush();
  assert.is(volume.commits.length, 1);
  assert.equal([...volume.rows.keys()], ['open 02', 'settings 09']);
});

test('close commits what waits; afterwards nothing is open and no timer runs', async () => {
  const { volume, clock, database } = setUp();
  database.put('gaps', key(1), value('a'));
  await database.close();
  assert.is(volume.commits.length, 1);
  await settle();
  assert.is(clock.pending, 0);
});

test('close says when the last commit failed, and closes all the same', async () => {
  const { volume, clock, database } = setUp();
  volume.failure = new NvrError('resource-exhausted', 'ENOSPC');
  database.put('gaps', key(1), value('a'));
  assert.is((await rejection(database.close())).kind, 'resource-exhausted');
  assert.is(clock.pending, 0);
});

test.run();
