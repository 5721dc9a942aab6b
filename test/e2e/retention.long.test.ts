// A day of retention at a full 2 GB disk, accelerated: each segment of 5 s stands for one of 5 min, as many as a day has.
import * as assert from 'uvu/assert';
import { loopDiskProblem, makeLoopDisk } from '../bench/loop-disk.ts';
import { stopChildren } from '../support/child.ts';
import { recordPastFull } from '../support/full-volume.ts';
import { suite } from '../support/suite.ts';

const SEGMENTS = 288;
/** Fills the disk in four minutes. */
const LOAD = { cameras: 4, bytesPerSecond: 2_000_000 };
const test = suite('a day on a full disk', { timeoutMs: SEGMENTS * 5000 + 120_000 });
test.after(stopChildren);
const problem = loopDiskProblem();

test.needs(!problem, problem ?? '', 'no stall, no orphan, and the floor is never broken', async () => {
  const disk = makeLoopDisk(2048);
  assert.ok(disk);
  const result = await recordPastFull(disk?.folder ?? '', SEGMENTS * 5000, LOAD);
  assert.ok(result.lowestFreeBytes >= result.floorBytes, JSON.stringify([result.lowestFreeBytes, result.floorBytes]));
  // Some 170 files of 10 MB have room.
  assert.ok(result.deleted.length >= LOAD.cameras * SEGMENTS - 200, `${result.deleted.length} deleted`);
  assert.is(result.locked.length, 1);
  assert.equal(result.faults, []);
  assert.ok(result.longestHoleMs <= 200, `a hole of ${result.longestHoleMs} ms`);
  assert.equal(
    result.gapReasons.filter(reason => !['deleted', 'disabled'].includes(reason)),
    [],
  );
  // What was deleted is one gap before the locked segment's end and one behind it for its camera, and one for each other.
  assert.ok(result.gapReasons.filter(reason => reason === 'deleted').length <= LOAD.cameras + 1);
});

test.run();
