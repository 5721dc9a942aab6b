// The mirror of locked events: a lost, rebuilt or old index takes them in again, and their footage stays.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { writeChecked } from '../../src/storage/checked-file.ts';
import { boundEvent } from '../../src/storage/event-codec.ts';
import { openStore, type Store, type StoredEvent, type StoreOptions } from '../../src/storage/index.ts';
import { LockedEvents } from '../../src/storage/locked-events.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake, recordSegment } from './storage-segment-file.ts';

const test = suite('storage: mirror of locked events', { timeoutMs: 60_000 });
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const MIRROR = 'locked-events.json';

async function started(dir: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 10 * 86_400_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
    ...more,
  });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

function ids(store: Store): string[] {
  return store.events.list({ limit: 1000 }).events.map(event => event.id);
}

async function refusal(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error instanceof NvrError ? error.kind : String(error);
  }
}

/** Two segments with an event in each, the first one locked. */
async function filled(dir: string): Promise<{ store: Store; held: string; locked: string; plain: string }> {
  const store = await started(dir);
  const held = recordSegment(store, T0);
  recordSegment(store, T0 + 10_000);
  const fields = {
    labels: ['person'],
    payload: '{"a":1}',
    note: 'the postman',
    preRoll: { promisedMs: 1000, deliveredMs: 1000 },
    reviewedBy: { all: false, users: [2, 70] },
  };
  const locked = store.events.create(1, T0 + 2000, { ...fields, endMs: T0 + 3000 }).id;
  const plain = store.events.create(1, T0 + 12_000, { endMs: T0 + 13_000 }).id;
  store.events.update(locked, { locked: true });
  return { store, held, locked, plain };
}

test('a rebuilt index has the locked events as they were, and they hold their footage', async () => {
  const dir = tempDir('locked');
  const { store, held, locked } = await filled(dir);
  const before = store.events.get(locked);
  await store.stop();
  const again = await started(dir, { rebuild: 'index' });
  assert.equal(ids(again), [locked]);
  assert.equal(again.events.get(locked), before);
  assert.is(await refusal(again.deleteSegment(held)), 'failed-precondition');
  assert.ok(again.segments.lockedBytes() > 0);
  await again.stop();
  const last = await started(dir);
  assert.equal(last.events.get(locked), before);
  await last.stop();
});

test('it is durable with the flush: the index and its copy may be lost right behind it', async () => {
  const dir = tempDir('locked');
  const { store, held, locked } = await filled(dir);
  const going = store.events.create(1, T0 + 14_000, { locked: true });
  await store.flush();
  const other = join(tempDir('killed'), 'data');
  cpSync(dir, other, { recursive: true });
  await store.stop();
  rmSync(join(other, 'index'), { recursive: true });
  const again = await started(other);
  assert.equal(ids(again), [going.id, locked]);
  assert.is(again.events.get(going.id)?.endMs, T0 + 20_000, 'to the end of its footage');
  assert.is(await refusal(again.deleteSegment(held)), 'failed-precondition');
  await again.stop();
});

test('a spare copy of the index from before the lock, and a lock that was taken back', async () => {
  const dir = tempDir('locked');
  const { store, held, locked, plain } = await filled(dir);
  store.events.update(locked, { locked: false });
  await store.copyIndex();
  store.events.update(locked, { locked: true, note: 'later' });
  await store.stop();
  writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(70_000, 7));
  const again = await started(dir);
  assert.equal(ids(again), [plain, locked]);
  assert.equal([again.events.get(locked)?.locked, again.events.get(locked)?.note], [true, 'later']);
  assert.is(await refusal(again.deleteSegment(held)), 'failed-precondition');
  again.events.update(locked, { locked: false });
  await again.flush();
  await again.stop();
  const last = await started(dir, { rebuild: 'index' });
  assert.equal(ids(last), []);
  assert.is(await refusal(last.deleteSegment(held)), undefined);
  await last.stop();
});

test('an index that its owner put back by hand, from before the lock', async () => {
  const dir = tempDir('locked');
  const { store, held, locked } = await filled(dir);
  store.events.update(locked, { locked: false });
  await store.stop();
  const index = join(dir, 'index', 'data.mdb');
  const older = readFileSync(index);
  const between = await started(dir);
  between.events.update(locked, { locked: true });
  await between.stop();
  writeFileSync(index, older);
  const again = await started(dir);
  assert.is(again.events.get(locked)?.locked, true);
  assert.is(await refusal(again.deleteSegment(held)), 'failed-precondition');
  await again.stop();
});

test('a volume that was away is written to when it is back, without another change', async () => {
  const dir = tempDir('locked');
  const clock = new FakeClock();
  const rows = new Map<string, StoredEvent>();
  const mirror = new LockedEvents({
    dir,
    events: { locked: () => rows.values() as Generator<StoredEvent>, restore: () => undefined, get: () => undefined },
    clock,
    log: fakeLog('storage').logger,
    onStep: () => undefined,
  });
  await mirror.load(false);
  await mirror.write();
  rows.set('1-5-0', boundEvent({ camera: 1, startMs: 5, n: 0 }, { locked: true }));
  mirror.noteChange();
  await mirror.write();
  assert.not.ok(existsSync(join(dir, MIRROR)));
  mkdirSync(join(dir, 'segments'));
  await clock.advance(10_000);
  await mirror.write();
  assert.match(readFileSync(join(dir, MIRROR), 'utf8'), '1-5-0');
  await mirror.stop();
  assert.is(clock.pending, 0);
});

test('without locked events there is no file, and none is written anew that says the same', async () => {
  const dir = tempDir('locked');
  const steps: string[] = [];
  const writes = () => steps.splice(0).filter(step => step === 'locked-events-write').length;
  const onStep = (step: string) => steps.push(step);
  const store = await started(dir, { onStep });
  const plain = store.events.create(1, T0, { endMs: T0 + 1000 });
  await store.flush();
  store.events.update(plain.id, { note: 'nothing' });
  await store.flush();
  assert.equal([writes(), existsSync(join(dir, MIRROR))], [0, false]);
  store.events.update(plain.id, { locked: true });
  await store.flush();
  await store.flush();
  store.events.update(plain.id, { locked: true });
  await store.stop();
  assert.is(writes(), 1);
  const again = await started(dir, { onStep });
  assert.is(writes(), 0);
  again.events.remove(plain.id);
  await again.stop();
  assert.is(writes(), 1);
  assert.not.match(readFileSync(join(dir, MIRROR), 'utf8'), plain.id);
});

test('a damaged file is set aside and made anew from the index; what others wrote into it is checked', async () => {
  const dir = tempDir('locked');
  const { store, locked } = await filled(dir);
  await store.stop();
  const path = join(dir, MIRROR);
  const good = JSON.parse(readFileSync(path, 'utf8')).body;
  rmSync(`${path}.previous`, { force: true });
  writeFileSync(path, 'rubbish');
  const lines = fakeLog('storage');
  const again = await started(dir, { log: lines.logger });
  assert.equal(readdirSync(join(dir, 'quarantine')), [`${MIRROR}.1`]);
  assert.ok(lines.lines.some(line => JSON.stringify(line).includes('set aside')));
  await again.stop();
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).body, good);

  const [[id, row]] = good as [[string, string]];
  const hostile = [
    null,
    7,
    ['1-2'],
    [id],
    [id, 5],
    ['../../x', row],
    [`1-${T0}-99999999`, row],
    ['1-1-0', 'AAAA'],
    [id, row],
  ];
  for (const [body, expected] of [
    [hostile, [locked]],
    [{ events: 1 }, []],
    ['text', []],
  ] as const) {
    rmSync(`${path}.previous`, { force: true });
    await writeChecked(path, body);
    const one = await started(dir, { rebuild: 'index' });
    assert.equal(ids(one), expected);
    await one.stop();
  }
});

test('what does not fit goes without its payload and boxes', async () => {
  const dir = tempDir('locked');
  const { store, locked } = await filled(dir);
  const payload = JSON.stringify('x'.repeat(1000));
  const boxes = Array.from({ length: 8 }, (_, n) => ({
    label: `ein Ding ${n} ${'ü'.repeat(20)}`,
    box: [0, 0, 1, 1] as [number, number, number, number],
    atMs: T0,
  }));
  store.events.update(locked, { payload, boxes, note: 'n'.repeat(500) });
  await store.stop();
  utimesSync(join(dir, 'index', 'data.mdb'), 1, 1);
  const touched = await started(dir);
  assert.equal([touched.events.get(locked)?.payload, touched.events.get(locked)?.boxes.length], [payload, 8]);
  await touched.stop();
  const again = await started(dir, { rebuild: 'index' });
  const { note, boxes: left, payload: none, labels } = again.events.get(locked) ?? {};
  assert.equal([note, left, none, labels], ['n'.repeat(500), [], undefined, ['person']]);
  await again.stop();
});

test.run();
