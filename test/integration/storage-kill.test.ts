// Kills a process at every step of the store's work, and holds the next one to the storage invariants: the index is what lies on
// the volume, what was promised is there, what was deleted is gone.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake } from './storage-segment-file.ts';

const test = suite('storage: killed at every step', { timeoutMs: 300_000 });
const here = dirname(fileURLToPath(import.meta.url));
const START_MS = Date.UTC(2026, 0, 2, 3, 0, 0);
/** Inside the checkout, so that the child finds lmdb. */
const child = join(here, `../../build/fixtures/storage-kill-child-${process.pid}.mjs`);
/** More than there are; the child must come to its end before. */
const MAX_STEPS = 300;

interface Run {
  dir: string;
  notes: string[];
  ended: boolean;
}

function run(dir: string, scenario: string, killAt: number | string): Run {
  const notes = join(tempDir('notes'), 'notes');
  const result = spawnSync(process.execPath, [child, dir, notes, scenario, `${killAt}`], { encoding: 'utf8' });
  const lines = existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : [];
  if (result.signal !== 'SIGKILL') assert.is(result.status, 0, result.stderr);
  return { dir, notes: lines, ended: result.signal !== 'SIGKILL' };
}

async function opened(dir: string, examine = examineFake): Promise<Store> {
  const store = await openStore(dir, {
    examine,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => START_MS + 120_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
  });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

function listed(store: Store) {
  return store.segments.list({ camera: 1, startMs: 0, endMs: START_MS * 2, limit: 1000 }).segments;
}

function filesOf(store: Store): string[] {
  const names = readdirSync(store.segmentsFolder, { recursive: true, withFileTypes: true });
  return names
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(store.segmentsFolder.length + 1))
    .sort();
}

/** The invariants, for a store whose backlog is done with. */
function check(store: Store, notes: string[], where: string): void {
  const segments = listed(store);
  assert.equal(segments.map(segment => segment.path).sort(), filesOf(store), `index = files ${where}`);
  assert.is(store.segments.totals().segments, segments.length, `totals ${where}`);
  const known = (id: string) => segments.some(segment => segment.id === id);
  const purged = notes.some(line => line.startsWith('purged'));
  for (const line of notes) {
    const [what, value = ''] = line.split(' ');
    if (what === 'camera' && !purged) assert.equal(store.cameras.list(), [{ id: Number(value) }], `camera ${where}`);
    if (what === 'segment' && !purged) assert.ok(known(value), `${line} ${where}`);
    if (what === 'deleted') assert.not.ok(known(value), `${line} ${where}`);
    if (what === 'locked') assert.ok(segments.find(({ id }) => id === value)?.locked, `${line} ${where}`);
    if (what === 'generation') assert.ok(store.clockGeneration >= Number(value), `${line} ${where}`);
  }
  if (purged) {
    assert.equal(store.cameras.list(), [], `camera ${where}`);
    const locked = notes.filter(line => line.startsWith('locked'));
    assert.equal(
      segments.map(({ id }) => `locked ${id}`),
      locked,
      `what is left ${where}`,
    );
  }
  for (const { startMs, endMs, stream, clockGen } of segments) {
    const overlapping = segments.filter(
      other => other.stream === stream && other.clockGen === clockGen && other.startMs < endMs && other.endMs > startMs,
    );
    assert.is(overlapping.length, 1, `no overlap ${where}`);
  }
}

async function survives({ dir, notes }: Run): Promise<void> {
  const where = `after ${notes.at(-1) ?? 'nothing'}`;
  const store = await opened(dir);
  check(store, notes, where);
  await store.openStream(1, 'main');
  await store.closeStream(1, 'main');
  const before = listed(store);
  await store.stop();
  const again = await opened(dir, () => Promise.reject(new Error(`something is left to adopt ${where}`)));
  assert.equal(listed(again), before, where);
  await again.stop();
}

test.before(async () => {
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
});

test('while a new store records, deletes and closes', async () => {
  const killedAt = new Set<string>();
  let ended = false;
  for (let step = 1; !ended && step <= MAX_STEPS; step++) {
    const result = run(join(tempDir('kill'), 'data'), 'work', step);
    ended = result.ended;
    killedAt.add(result.notes.at(-1) ?? '');
    await survives(result);
  }
  assert.ok(ended);
  for (const name of [
    'identity-write',
    'index-commit',
    'licence-opened',
    'delete-unlink',
    'delete-drop',
    'mirror-write',
  ]) {
    assert.ok(killedAt.has(`killed-at ${name}`), name);
  }
});

test('while the next one adopts what it left, records, and deletes a camera', async () => {
  const template = join(tempDir('kill'), 'data');
  // Both streams have files that the index does not know.
  run(template, 'work', 'stopping');
  const killedAt = new Set<string>();
  let ended = false;
  for (let step = 1; !ended && step <= MAX_STEPS; step++) {
    const dir = join(tempDir('kill'), 'data');
    cpSync(template, dir, { recursive: true });
    const result = run(dir, 'recover', step);
    ended = result.ended;
    killedAt.add(result.notes.at(-1) ?? '');
    await survives(result);
  }
  assert.ok(ended);
  for (const name of ['adopt-examine', 'adopt-examined', 'delete-mark', 'delete-sync', 'delete-leftovers']) {
    assert.ok(killedAt.has(`killed-at ${name}`), name);
  }
});

test.run();
