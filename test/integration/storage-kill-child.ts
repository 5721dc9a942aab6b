// The process that storage-kill.test.ts kills: works with a store and a stand-in for the engine, and ends itself at a given step
// (the number of it, or its name).
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SegmentKey } from '../../src/core/index.ts';
import { Log, systemClock } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { CODECS, examineFake, tear, writeSegment } from './storage-segment-file.ts';

export const START_MS = Date.UTC(2026, 0, 2, 3, 0, 0);
/** Lengths in fragments of the segments that are made in turn. */
const LENGTHS = [4, 6, 3];

const [dir = '', notes = '', scenario = '', killAt = '0'] = process.argv.slice(2);
let steps = 0;

function step(name: string): void {
  steps++;
  if (killAt !== String(steps) && killAt !== name) return;
  note(`killed-at ${name}`);
  process.kill(process.pid, 'SIGKILL');
}

/** What was promised by the time; the test holds the store to it. */
function note(text: string): void {
  appendFileSync(notes, `${text}\n`);
}

async function record(store: Store, stream: 'main' | 'sub', fromMs: number, cut: boolean): Promise<string[]> {
  const ids: string[] = [];
  let startMs = fromMs;
  for (const fragments of LENGTHS) {
    const key: SegmentKey = { camera: 1, stream, startMs, clockGen: store.clockGeneration };
    const last = cut && fragments === LENGTHS.at(-1);
    const path = writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, fragments, !last);
    if (last) tear(join(store.segmentsFolder, path));
    step('file-written');
    const endMs = startMs + fragments * 1000;
    if (!last) {
      store.segments.record({ ...key, endMs, sizeBytes: 1, codecs: CODECS, endReason: 'length', path });
      ids.push(`1-${stream}-${startMs}-${key.clockGen}`);
    }
    step('recorded');
    startMs = endMs;
  }
  return ids;
}

async function work(store: Store): Promise<void> {
  await store.cameras.put({ id: store.cameras.nextId() });
  note('camera 1');
  await store.openStream(1, 'main');
  step('licensed');
  const [first = '', second = ''] = await record(store, 'main', START_MS, false);
  await store.flush();
  note(`segment ${second}`);
  await store.deleteSegment(first);
  note(`deleted ${first}`);
  await store.setClockGeneration(1, -5000);
  note('generation 1');
  await store.openStream(1, 'sub');
  await record(store, 'sub', START_MS, true);
  await store.closeStream(1, 'main');
  step('stopping');
}

/** Events over three segments: made, ended, locked, removed, and deleted with their footage. */
async function happen(store: Store): Promise<void> {
  await store.openStream(1, 'main');
  const [first = '', second = ''] = await record(store, 'main', START_MS, false);
  const make = (offsetMs: number, lengthMs?: number) => {
    const startMs = START_MS + offsetMs;
    const fields = lengthMs === undefined ? {} : { endMs: startMs + lengthMs };
    const { id } = store.events.create(1, startMs, { labels: ['person'], ...fields });
    step('event-made');
    const path = store.events.picturePath(id) ?? '';
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'picture');
    step('event-picture');
    return id;
  };
  const withFirst = make(1000, 500);
  const locked = make(5000, 500);
  const going = make(9000);
  await store.flush();
  for (const id of [withFirst, locked, going]) note(`event ${id}`);
  store.events.update(locked, { locked: true });
  await store.flush();
  note(`locked ${locked}`);
  // From here on it may be gone.
  note(`going ${withFirst}`);
  await store.deleteSegments([first, second]);
  step('event-footage-deleted');
  await store.flush();
  note(`gone ${withFirst}`);
  store.events.update(going, { endMs: START_MS + 9700 });
  step('event-ended');
  await store.flush();
  note(`ended ${going} ${START_MS + 9700}`);
  note(`going ${going}`);
  store.events.remove(going);
  step('event-removed');
  await store.flush();
  note(`gone ${going}`);
  make(10_000);
  await store.closeStream(1, 'main');
}

async function main(): Promise<void> {
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
    clock: { ...systemClock, nowMs: () => START_MS + 60_000 },
    log: log.logger('storage'),
    boot: { bootId: 'boot', oomKills: 0 },
    onStep: step,
  });
  await store.start(new AbortController().signal);
  step('started');
  if (scenario === 'work') await work(store);
  else if (scenario === 'events') await happen(store);
  else {
    await store.openStream(1, 'main');
    const [locked = ''] = await record(store, 'main', START_MS + 100_000, false);
    await store.recovered();
    step('recovered');
    await store.closeStream(1, 'main');
    await store.lockSegment(locked, true);
    note(`locked ${locked}`);
    await store.cameras.remove(1, true);
    note('purged 1');
    await store.deleteCamera(1);
  }
  await store.stop();
  note('done');
}

await main();
