// A day of retention on a full volume, accelerated: each segment of 5 s stands for one of 5 min, as many as a day has.
import * as assert from 'uvu/assert';
import { stopChildren } from '../support/child.ts';
import { recordPastFull } from '../support/full-volume.ts';
import { suite } from '../support/suite.ts';
import { smallVolume } from '../support/volume.ts';

const SEGMENTS = 288;
const test = suite('a day on a full volume', { timeoutMs: SEGMENTS * 5000 + 120_000 });
test.after(stopChildren);
const volume = smallVolume('128m');

test.needs(volume !== undefined, 'may not mount', 'no stall, no orphan, and the floor is never broken', async () => {
  const result = await recordPastFull(volume ?? '', SEGMENTS * 5000);
  assert.ok(result.lowestFreeBytes >= result.floorBytes, JSON.stringify([result.lowestFreeBytes, result.floorBytes]));
  assert.ok(result.deleted.length >= SEGMENTS, `${result.deleted.length} deleted`);
  assert.is(result.locked.length, 1);
  assert.equal(result.faults, []);
  assert.ok(result.longestHoleMs <= 200, `a hole of ${result.longestHoleMs} ms`);
  assert.equal(
    result.gapReasons.filter(reason => !['deleted', 'disabled'].includes(reason)),
    [],
  );
  // What was deleted is one gap before the locked segment's end and one behind it for that camera, and one for the other.
  assert.ok(result.gapReasons.filter(reason => reason === 'deleted').length <= 3);
});

test.run();
