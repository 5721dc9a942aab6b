// A closed file that is damaged in its middle: a start takes it as it is, check says so, repair mends it. Real files, real addon.
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { lockDirectory, segmentExaminer } from '../../src/native/index.ts';
import { checkStore, type ExamineSegment, openStore, type StoreFault } from '../../src/storage/index.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { fakeLog } from '../support/fake-log.ts';
import { makeSegmentFile } from '../support/segment-file.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { examineFake, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: damaged files');
const KEY = { camera: 1, stream: 'main', startMs: Date.UTC(2026, 0, 2), clockGen: 0 } as const;
const EVERYTHING = { camera: 1, startMs: 0, endMs: KEY.startMs + 86_400_000, limit: 10 };
/** Far from the last ones, which are looked at. */
const DAMAGED = 2;

const { logger: log } = fakeLog('storage');
const options = () => ({ examine: segmentExaminer(), lock: lockDirectory, clock: systemClock, log });

async function started(dir: string) {
  const store = await openStore(dir, { ...options(), rebuild: 'files' });
  await store.start(new AbortController().signal);
  await store.recovered();
  return store;
}

async function faultsOf(dir: string, examine: ExamineSegment = segmentExaminer()): Promise<string[]> {
  const faults: StoreFault[] = [];
  await checkStore(dir, { ...options(), examine, onFault: fault => void faults.push(fault) });
  return faults.map(fault => `${fault.kind}: ${fault.message}`);
}

test('is taken in as it is, found by a check, and cut by a repair', async () => {
  const dir = tempDir('damage');
  const first = await started(dir);
  const clip = await clipFile(CLIPS.small);
  const spec = {
    ...KEY,
    storeUuid: first.uuid,
    folder: first.segmentsFolder,
    clip,
    closed: true,
    fragmentPictures: 10,
  };
  const file = await makeSegmentFile(spec);
  await first.stop();
  assert.ok(file.fragments.length > DAMAGED + 5);
  const damagedAt = file.fragments[DAMAGED] ?? 0;
  const descriptor = openSync(file.path, 'r+');
  writeSync(descriptor, 'mooF', damagedAt + 4);
  closeSync(descriptor);
  const damaged = readFileSync(file.path);

  const taking = await started(dir);
  const [taken] = taking.segments.list(EVERYTHING).segments;
  assert.is(taken?.sizeBytes, file.sizeBytes);
  assert.ok(Math.abs((taken?.endMs ?? 0) - file.endMs) <= 1);
  assert.is(taking.adopted.repaired, 0);
  await taking.stop();
  assert.ok(readFileSync(file.path).equals(damaged));
  assert.equal(await faultsOf(dir), ['unreadable-file: it is damaged before its end']);

  const mending = await started(dir);
  assert.equal(await mending.mend(), { dropped: 0, corrected: 1, failed: 0 });
  const [mended] = mending.segments.list(EVERYTHING).segments;
  assert.is(mended?.sizeBytes, damagedAt);
  await mending.stop();
  assert.is(statSync(file.path).size, damagedAt);
  const [copy = ''] = readdirSync(join(dir, 'quarantine'));
  assert.ok(readFileSync(join(dir, 'quarantine', copy)).equals(damaged), 'what lay behind the damage is not lost');
  assert.equal(await faultsOf(dir), []);
});

test('files of an hour that end by the clock of the board, not of the camera, are no damage', async () => {
  const dir = tempDir('clocks');
  const examine = examineFake;
  const first = await openStore(dir, { ...options(), examine });
  await first.start(new AbortController().signal);
  for (const at of [0, 3_598_000]) {
    const segment = { ...KEY, startMs: KEY.startMs + at, store: first.uuid };
    writeSegment(first.segmentsFolder, segment, 3600, true);
  }
  await first.stop();
  const store = await openStore(dir, { ...options(), examine, rebuild: 'files' });
  await store.start(new AbortController().signal);
  await store.recovered();
  assert.is(store.segments.list(EVERYTHING).segments[0]?.endMs, KEY.startMs + 3_598_000);
  assert.equal(await store.mend(), { dropped: 0, corrected: 0, failed: 0 });
  await store.stop();
  assert.equal(await faultsOf(dir, examine), []);
});

test.run();
