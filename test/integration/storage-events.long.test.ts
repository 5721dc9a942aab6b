// A hundred thousand events over real LMDB: what lists, questions of retention, a start and the index take. Printed, not judged.
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { type EventQuery, openStore, type Store } from '../../src/storage/index.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake } from './storage-segment-file.ts';

const test = suite('storage: a hundred thousand events', { timeoutMs: 300_000 });
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const COUNT = 100_000;
const CAMERAS = 8;
const DAY_MS = 86_400_000;
const STEP_MS = 26_000;
const SEGMENT_MS = 300_000;
const LABELS = ['person', 'car', 'dog', 'cat', 'bird', 'parcel', 'face', 'truck'];
const ROUNDS = 20;

async function started(dir: string): Promise<Store> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 400 * DAY_MS },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
  });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

async function fill(store: Store): Promise<void> {
  for (let n = 0; n < COUNT; n++) {
    const startMs = T0 + n * STEP_MS;
    const first = LABELS[(n * 7) % 5] as string;
    // Two labels that are rare, and one that is in one event only.
    const labels = n % 9973 === 0 ? ['truck'] : n === 1234 ? ['unicorn'] : [first, 'person'];
    store.events.create(1 + (n % CAMERAS), startMs, {
      endMs: startMs + 8000,
      labels,
      zones: n % 3 === 0 ? ['door'] : ['garden', 'street'],
      sources: n % 5 === 0 ? ['http'] : ['motion', 'detection'],
      score: (n % 100) / 100,
      boxes: [{ label: first, box: [0.1, 0.2, 0.3, 0.4], score: 0.8, atMs: startMs + 40 }],
      preRoll: { promisedMs: 5000, deliveredMs: 5000 },
      postRollMs: 10_000,
      // The last user has no bit of its own in the directory.
      reviewedBy: { all: false, users: n < COUNT - 500 ? [1, 40] : [] },
      locked: n % 5000 === 0,
    });
    if (n % 5000 === 4999) await store.flush();
  }
}

function segmentOf(camera: number, startMs: number) {
  const key = { camera, stream: 'main' as const, startMs, clockGen: 0 };
  const path = segmentPath(key, false);
  return { ...key, endMs: startMs + SEGMENT_MS, sizeBytes: 1e6, codecs: 'avc1', endReason: 'length' as const, path };
}

/** The slowest and the middle one of some rounds, ms. */
function timed(what: string, action: () => unknown): void {
  const times = Array.from({ length: ROUNDS }, () => {
    const before = performance.now();
    action();
    return performance.now() - before;
  }).sort((a, b) => a - b);
  console.log(`${what}: ${times[ROUNDS >> 1]?.toFixed(2)} ms, at most ${times.at(-1)?.toFixed(2)}`);
}

test('lists, overlaps and a start', async () => {
  const dir = tempDir('events');
  const store = await started(dir);
  await fill(store);
  console.log(`index: ${(store.indexBytes() / 1e6).toFixed(1)} MB`);
  await store.stop();
  const beforeMs = performance.now();
  const again = await started(dir);
  console.log(`start: ${(performance.now() - beforeMs).toFixed(0)} ms`);
  const { events } = again;
  const endMs = T0 + COUNT * STEP_MS;
  const queries: Record<string, Partial<EventQuery>> = {
    'newest page': {},
    'one camera': { cameras: [3] },
    'a common label': { label: 'dog' },
    'a rare label': { label: 'truck' },
    'one event of all': { label: 'unicorn' },
    'no such label': { label: 'nothing' },
    'a day': { startMs: T0 + 10 * DAY_MS, endMs: T0 + 11 * DAY_MS },
    'not reviewed': { reviewed: { user: 1, is: false } },
    'not reviewed by a late user': { reviewed: { user: 40, is: false } },
    locked: { locked: true },
    'label, zone and source': { label: 'cat', zone: 'door', source: 'http' },
  };
  for (const [what, query] of Object.entries(queries)) {
    timed(`page of 50, ${what}`, () => events.list({ limit: 50, ...query }));
  }
  const { cursor } = events.list({ limit: 50, endMs: T0 + 5 * DAY_MS });
  timed('page of 50 behind a cursor', () => events.list({ limit: 50, cursor: cursor ?? '' }));
  timed('overlapping a minute', () => events.overlapping(1, T0 + 10 * DAY_MS, T0 + 10 * DAY_MS + 60_000));
  timed('footage of a day', () => events.footage(1, T0 + 10 * DAY_MS, T0 + 11 * DAY_MS));
  timed('between, a day, 60', () => events.between(1, T0 + 10 * DAY_MS, T0 + 11 * DAY_MS, 60));
  timed('between, a month, 60', () => events.between(1, T0, endMs, 60));
  timed('an update', () =>
    events.update(`1-${T0 + 80 * STEP_MS}-0`, { reviewedBy: { all: false, users: [1, 2, 40] } }),
  );
  const oldest = (camera: number, ofEvents: boolean) =>
    again.segments.oldest({ camera, stream: 'main', ofEvents, limit: 16, earliestMs: 0, nowMs: endMs });
  for (let at = T0 - DAY_MS; at < endMs; at += SEGMENT_MS) again.segments.record(segmentOf(1, at));
  const beginMs = performance.now();
  assert.is(oldest(1, false).length, 16);
  console.log(`oldest of no event, first: ${(performance.now() - beginMs).toFixed(2)} ms`);
  timed('oldest of no event', () => oldest(1, false));
  timed('oldest of events', () => oldest(1, true));
  timed('bytes that are locked', () => again.segments.lockedBytes(1));
  // Neither label nor source is rare, and no event has both.
  const both = { label: 'cat', source: 'http' } as const;
  let pages = 0;
  for (let next: string | undefined = ''; next !== undefined; pages++) {
    const page = events.list({ limit: 50, ...both, ...(next ? { cursor: next } : {}) });
    assert.equal(page.events, []);
    next = page.cursor;
  }
  console.log(`${pages} pages until it is known that there is none`);
  assert.ok(pages < 20);
  assert.is(events.list({ limit: 50, label: 'unicorn' }).events.length, 1);
  assert.is(events.list({ limit: 50, label: 'nothing' }).events.length, 0);
  for (const user of [1, 40]) {
    assert.is(events.list({ limit: 500, reviewed: { user, is: false } }).events.length, 500);
  }
  assert.is(events.list({ limit: 1000, locked: true }).events.length, COUNT / 5000);
  await again.stop();
});

test.run();
