// Activity of the timeline: what levels say, and that hostile ranges cost no more than their buckets.
import * as assert from 'uvu/assert';
import { type ActivityInput, activity, levelOfRate } from '../../src/api/timeline-activity.ts';
import { suite } from '../support/suite.ts';

const test = suite('timeline activity');

const levelsOf = (input: ActivityInput) => Array.from(activity(input));

const range = { startMs: 0, endMs: 10_000, buckets: 10 };

test('no footage is 0, usual footage 1', () => {
  const levels = levelsOf({ ...range, sizes: [[0, 5000, 50_000]], events: [], footage: [[0, 5000]] });
  assert.equal(levels, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
});

test('more bytes than usual are higher, four times as many the most', () => {
  assert.equal(
    [0.1, 1, 1.5, 2, 4, 100].map(rate => levelOfRate(rate, 1)),
    [1, 1, 3, 4, 7, 7],
  );
  assert.is(levelOfRate(5, 0), 1);
  const sizes: [number, number, number][] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(n => [
    n * 1000,
    n * 1000 + 1000,
    n === 4 ? 4000 : 1000,
  ]);
  assert.equal(levelsOf({ ...range, sizes, events: [], footage: [[0, 10_000]] }), [1, 1, 1, 1, 7, 1, 1, 1, 1, 1]);
});

test('events lie above all bytes, by the part of the bucket that they take', () => {
  const levels = levelsOf({
    ...range,
    sizes: [],
    events: [
      [1000, 2500],
      [4999, 5001],
    ],
    footage: [[0, 10_000]],
  });
  assert.equal(levels, [1, 15, 12, 1, 8, 8, 1, 1, 1, 1]);
});

test('what reaches out of the range counts inside of it only', () => {
  const levels = levelsOf({
    ...range,
    sizes: [],
    events: [
      [-5000, 500],
      [9500, 99_000],
    ],
    footage: [[-100, 99_000]],
  });
  assert.equal(levels, [12, 1, 1, 1, 1, 1, 1, 1, 1, 12]);
});

test.run();
