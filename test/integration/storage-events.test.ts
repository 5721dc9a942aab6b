// Events over real LMDB and files: restarts, the spare copy of the index, deletions, pictures, a kill at each step, a full index.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { type EventQuery, openStore, type Store, type StoreOptions } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { CODECS, examineFake, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: events over LMDB', { timeoutMs: 200_000 });
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const here = dirname(fileURLToPath(import.meta.url));
/** Inside the checkout, so that the child finds lmdb. */
const child = join(here, `../../build/fixtures/storage-kill-events-${process.pid}.mjs`);
/** More than there are; the child must come to its end before. */
const MAX_STEPS = 200;

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

/** Ten seconds of footage. */
function record(store: Store, camera: number, startMs: number): string {
  const key = { camera, stream: 'main' as const, startMs, clockGen: 0 };
  const path = writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, 10, true);
  const { size: sizeBytes } = statSync(join(store.segmentsFolder, path));
  store.segments.record({ ...key, endMs: startMs + 10_000, sizeBytes, codecs: CODECS, endReason: 'length', path });
  return `${camera}-main-${startMs}-0`;
}

function ids(store: Store, query: Partial<EventQuery> = {}): string[] {
  return store.events.list({ limit: 1000, ...query }).events.map(event => event.id);
}

function picture(store: Store, id: string): string {
  const path = store.events.picturePath(id) ?? '';
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'picture');
  return path;
}

test('events come back after a restart, and with the spare copy of the index', async () => {
  const dir = tempDir('events');
  const store = await started(dir);
  for (let n = 0; n < 3; n++) record(store, 1, T0 + n * 10_000);
  const copied = store.events.create(1, T0 + 1000, {
    endMs: T0 + 2000,
    labels: ['person'],
    locked: true,
    note: 'kept',
  });
  const going = store.events.create(1, T0 + 12_000, { labels: ['car'] });
  await store.copyIndex();
  const later = store.events.create(1, T0 + 21_000, { endMs: T0 + 22_000 });
  await store.stop();
  const again = await started(dir);
  assert.equal(ids(again), [later.id, going.id, copied.id]);
  assert.equal(again.events.get(copied.id), copied);
  assert.is(again.events.get(going.id)?.endMs, T0 + 30_000, 'to the end of the footage');
  assert.equal(again.events.ongoing(), []);
  await again.stop();
  writeFileSync(join(dir, 'index', 'data.mdb'), Buffer.alloc(70_000, 7));
  const restored = await started(dir);
  assert.equal(ids(restored), [going.id, copied.id]);
  assert.equal(restored.events.get(copied.id), copied);
  assert.equal(ids(restored, { label: 'car' }), [going.id]);
  await restored.stop();
});

test('what a locked event holds is refused, by lists and alone; events go with the last of their footage', async () => {
  const dir = tempDir('events');
  const store = await started(dir);
  const segments = [0, 1, 2].map(n => record(store, 1, T0 + n * 10_000));
  const [first = '', second = '', third = ''] = segments;
  const locked = store.events.create(1, T0 + 11_000, { endMs: T0 + 12_000, locked: true });
  const wide = store.events.create(1, T0 + 9000, { endMs: T0 + 9500, postRollMs: 1000 });
  const path = picture(store, wide.id);
  await assertRejects(store.deleteSegment(second), 'failed-precondition');
  const gone = await store.deleteSegments(segments.slice(0, 2));
  assert.equal(
    gone.map(segment => segment.id),
    [first],
  );
  assert.ok(store.events.get(wide.id), 'its post-roll is left');
  store.events.update(locked.id, { locked: false });
  await store.deleteSegment(second);
  assert.equal(ids(store), []);
  assert.ok(store.segments.get(third));
  await store.stop();
  assert.not.ok(existsSync(path));
});

test('a camera goes with its events and their pictures, but for locked ones and their footage', async () => {
  const dir = tempDir('events');
  const store = await started(dir);
  for (const id of [1, 2]) await store.cameras.put({ id });
  const kept = record(store, 1, T0);
  record(store, 1, T0 + 10_000);
  record(store, 2, T0);
  const locked = store.events.create(1, T0 + 1000, { endMs: T0 + 2000, locked: true });
  const gone = [11_000, 12_000].map(ms => store.events.create(1, T0 + ms, { endMs: T0 + ms + 1 }).id);
  const other = store.events.create(2, T0 + 1000, { endMs: T0 + 2000 });
  const paths = [locked.id, ...gone, other.id].map(id => picture(store, id));
  await store.cameras.remove(1, true);
  const purged = await store.deleteCamera(1);
  assert.equal(purged.kept.segments, 1);
  assert.ok(store.segments.get(kept));
  assert.equal(ids(store).sort(), [locked.id, other.id].sort());
  await store.stop();
  assert.equal(paths.map(existsSync), [true, false, false, true]);
  const again = await started(dir);
  assert.equal(ids(again).sort(), [locked.id, other.id].sort());
  await again.stop();
});

test('pictures whose events are gone are swept at a start, others and files of the owner stay', async () => {
  const dir = tempDir('events');
  const store = await started(dir);
  const event = store.events.create(1, T0, { endMs: T0 });
  const kept = picture(store, event.id);
  const folder = dirname(kept);
  const lone = join(folder, `1-${T0 + 5}-0.jpg`);
  const half = join(folder, `${event.id}.jpg.tmp`);
  const owner = join(folder, 'holiday.jpg');
  const other = join(folder, `2-${T0}-0.jpg`);
  for (const path of [lone, half, owner, other]) writeFileSync(path, 'x');
  const empty = join(dir, 'snapshots', '3', '2026-01-01');
  mkdirSync(empty, { recursive: true });
  await store.stop();
  const again = await started(dir);
  assert.equal([kept, lone, half, owner, other, empty].map(existsSync), [true, false, false, true, true, false]);
  await again.stop();
});

test('a full index: the oldest events make room, segments are recorded, nothing is refused', async () => {
  const dir = tempDir('events');
  const store = await started(dir, { maxIndexBytes: 1024 * 1024 });
  const note = 'n'.repeat(500);
  const payload = 'p'.repeat(1024);
  let made = 0;
  for (let round = 0; round < 30; round++) {
    for (let n = 0; n < 60; n++) {
      const startMs = T0 + made++ * 1000;
      store.events.create(1, startMs, { endMs: startMs, note, payload, locked: made === 5 });
    }
    record(store, 1, T0 + round * 10_000);
    await store.flush();
  }
  const left = store.events.list({ limit: 5000 }).events;
  assert.ok(left.length > 100 && left.length < made, `${left.length} of ${made} are left`);
  assert.is(left.at(-1)?.startMs, T0 + 4000, 'the locked one');
  assert.is(left[0]?.startMs, T0 + (made - 1) * 1000);
  assert.is(left.at(-2)?.startMs, T0 + (made - left.length + 1) * 1000, 'and all of the newest');
  assert.ok(store.indexBytes() < 1.5 * 1024 * 1024, `${store.indexBytes()} bytes`);
  await store.stop();
});

interface Run {
  notes: string[];
  ended: boolean;
}

function run(dir: string, killAt: number): Run {
  const notes = join(tempDir('notes'), 'notes');
  const result = spawnSync(process.execPath, [child, dir, notes, 'events', `${killAt}`], { encoding: 'utf8' });
  const lines = existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : [];
  if (result.signal !== 'SIGKILL') assert.is(result.status, 0, result.stderr);
  return { notes: lines, ended: result.signal !== 'SIGKILL' };
}

/** What was promised is there, and lists, footage, rows and pictures agree. */
function check(store: Store, notes: readonly string[], where: string): void {
  const known = store.events.list({ limit: 1000 }).events;
  const find = (id: string) => known.find(event => event.id === id);
  const gone = new Set(notes.filter(line => line.startsWith('gone')).map(line => line.split(' ')[1]));
  const going = new Set(notes.filter(line => line.startsWith('going')).map(line => line.split(' ')[1]));
  for (const line of notes) {
    const [what, id = '', value = ''] = line.split(' ');
    if (what === 'gone') assert.not.ok(find(id), `${line} ${where}`);
    if (what === 'event' && !going.has(id)) assert.ok(find(id), `${line} ${where}`);
    if (what === 'ended' && !going.has(id)) assert.is(find(id)?.endMs, Number(value), `${line} ${where}`);
    if (what === 'locked' && !gone.has(id)) assert.ok(find(id)?.locked, `${line} ${where}`);
  }
  for (const event of known) {
    assert.equal(store.events.get(event.id), event, where);
    assert.ok(event.endMs !== undefined, `${event.id} has an end ${where}`);
    const around = store.events.overlapping(event.camera, event.startMs, event.startMs + 1);
    assert.ok(
      around.some(other => other.id === event.id),
      `${event.id} ${where}`,
    );
  }
  const pictures = join(store.dir, 'snapshots');
  const names = (readdirSync(pictures, { recursive: true }) as string[]).filter(name => name.endsWith('.jpg'));
  for (const name of names) assert.ok(find(name.slice(name.lastIndexOf('/') + 1, -4)), `${name} ${where}`);
}

test('killed at every step: what was promised is there, and no picture without its event', async () => {
  mkdirSync(dirname(child), { recursive: true });
  await build({
    entryPoints: [join(here, 'storage-kill-child.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['lmdb'],
    logLevel: 'error',
  });
  const template = join(tempDir('kill'), 'data');
  await (await started(template)).stop();
  const killedAt = new Set<string>();
  let ended = false;
  for (let step = 1; !ended && step <= MAX_STEPS; step++) {
    const dir = join(tempDir('kill'), 'data');
    cpSync(template, dir, { recursive: true });
    const { notes, ended: atEnd } = run(dir, step);
    ended = atEnd;
    killedAt.add(notes.at(-1) ?? '');
    const store = await started(dir);
    check(store, notes, `after ${notes.at(-1) ?? 'nothing'}`);
    await store.stop();
  }
  assert.ok(ended);
  for (const name of ['index-commit', 'index-committed', 'event-made', 'event-ended', 'delete-mark', 'delete-drop']) {
    assert.ok(killedAt.has(`killed-at ${name}`), name);
  }
});

async function assertRejects(promise: Promise<unknown>, kind: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: { kind: string }) => reason,
  );
  assert.is(error?.kind, kind);
}

test.run();
