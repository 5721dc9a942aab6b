// Who has reviewed an event: each user for itself, in a bounded list, and what the directory holds of it.
import * as assert from 'uvu/assert';
import type { StoredEvent } from '../../src/storage/event.ts';
import { boundEvent, decodeEvent, encodeEvent } from '../../src/storage/event-codec.ts';
import {
  boundReviewers,
  certainBits,
  isReviewedBy,
  MAX_REVIEWERS,
  NO_REVIEWERS,
  type Reviewers,
  reviewBits,
  reviewerBit,
  withReview,
} from '../../src/storage/event-reviewers.ts';
import { byteTests, decodeMatching, encodeTimes, eventTime } from '../../src/storage/event-times-codec.ts';
import { decodeRow, encodeRow } from '../../src/storage/rows.ts';
import { suite } from '../support/suite.ts';

const test = suite('reviewers of events');

const T0 = 1_700_000_000_000;
const KEY = { camera: 1, startMs: T0, n: 0 };
const USERS = [0, 1, 2, 5, 6, 7, 64, 1_000_000];
const EVERYBODY: Reviewers = { all: true, users: [] };

function reviewed(reviewers: Reviewers): number[] {
  return USERS.filter(user => isReviewedBy(reviewers, user));
}

test('each marks for itself, and takes its own mark back', () => {
  let reviewers = withReview(NO_REVIEWERS, 2, true);
  reviewers = withReview(reviewers, 64, true);
  assert.equal(reviewed(reviewers), [2, 64]);
  assert.is(withReview(reviewers, 64, true), reviewers);
  assert.equal(reviewed(withReview(reviewers, 2, false)), [64]);
  assert.is(withReview(reviewers, 5, false), reviewers);
});

test('what was marked for all stays so for everybody but who takes it back', () => {
  let reviewers = withReview(EVERYBODY, 6, false);
  reviewers = withReview(reviewers, 1, false);
  assert.equal(
    reviewed(reviewers),
    USERS.filter(user => user !== 6 && user !== 1),
  );
  assert.equal(
    reviewed(withReview(reviewers, 6, true)),
    USERS.filter(user => user !== 1),
  );
});

test('the list is bounded: of too many the oldest mark goes', () => {
  let reviewers = NO_REVIEWERS;
  for (let user = 1; user <= MAX_REVIEWERS + 1; user++)
    reviewers = boundReviewers(withReview(reviewers, user * 1000, true));
  assert.is(reviewers.users.length, MAX_REVIEWERS);
  assert.not.ok(isReviewedBy(reviewers, 1000));
  assert.ok(isReviewedBy(reviewers, 2000));
  assert.ok(isReviewedBy(reviewers, (MAX_REVIEWERS + 1) * 1000));
  assert.equal(boundReviewers({ all: false, users: [4, 4, -1, 0.5, Number.NaN, 9] }).users, [4, 9]);
  const row = encodeEvent(boundEvent(KEY, { reviewedBy: reviewers }));
  assert.ok(row.length < 1024, `${row.length} bytes`);
});

test('a row of the time of one mark for all is reviewed by everybody, or by nobody', () => {
  for (const [flags, all] of [
    [0, false],
    [1, false],
    [2, true],
    [3, true],
  ] as const) {
    const old = encodeRow([0, [], [], 0, null, [], 0, 0, 0, null, flags, null, null, null]);
    const event = decodeEvent(KEY, old);
    assert.equal(event?.reviewedBy, { all, users: [] });
    assert.is(event?.locked, (flags & 1) === 1);
    assert.equal(decodeEvent(KEY, encodeEvent(event as StoredEvent)), event);
  }
});

test('an older version reads a row of today: what all have reviewed as it did', () => {
  const list = decodeRow(encodeEvent(boundEvent(KEY, { locked: true, reviewedBy: EVERYBODY }))) as unknown[];
  assert.equal([list[10], list[14]], [3, null]);
  const own = decodeRow(encodeEvent(boundEvent(KEY, { reviewedBy: { all: false, users: [3, 1] } }))) as unknown[];
  assert.equal([own[10], own[14]], [0, [3, 1]]);
});

const CASES: Reviewers[] = [
  ...[NO_REVIEWERS, EVERYBODY],
  ...USERS.flatMap(user => [true, false].map(all => ({ all, users: [user] }))),
  ...[true, false].map(all => ({ all, users: [1, 2, 3, 4, 5] })),
  ...[true, false].map(all => ({ all, users: [1, 6, 7] })),
];

test('the bits of the directory never leave out who is to be found', () => {
  for (const reviewers of CASES) {
    const bits = reviewBits(reviewers);
    assert.is(bits & ~0xfe, 0);
    for (const user of USERS) {
      const is = isReviewedBy(reviewers, user);
      const where = `${JSON.stringify(reviewers)} by ${user}`;
      if (is) assert.ok(bits & reviewerBit(user), where);
      else assert.is(bits & certainBits(user), 0, where);
      // Users with a bit of their own are known for certain.
      if (user >= 1 && user <= 5) assert.is((bits & reviewerBit(user)) !== 0, is, where);
    }
  }
});

test('a row of the directory is sifted by user; one of an older version too', () => {
  const key = Buffer.from('key');
  const passes = (byte: (row: Buffer) => Buffer, reviewers: Reviewers, user: number, is: boolean) => {
    const time = eventTime(boundEvent(KEY, { reviewedBy: reviewers }), 0);
    const tests = byteTests({
      ...{ labels: { low: 0, high: 0 }, zones: { low: 0, high: 0 }, sources: 0, locked: undefined },
      reviewed: { user, is },
    });
    return decodeMatching(key, byte(encodeTimes(key, [time])), tests)?.length;
  };
  const same = (row: Buffer) => row;
  for (const user of USERS) {
    assert.is(passes(same, NO_REVIEWERS, user, true), 0);
    assert.is(passes(same, NO_REVIEWERS, user, false), 1);
    assert.is(passes(same, EVERYBODY, user, true), 1);
    assert.is(passes(same, EVERYBODY, user, false), 0);
    // Only the one bit, as it was written.
    const time = { ...eventTime(boundEvent(KEY, {}), 0), reviewed: 2 };
    const older = () => encodeTimes(key, [time]);
    assert.is(passes(older, NO_REVIEWERS, user, true), 1);
    assert.is(passes(older, NO_REVIEWERS, user, false), 0);
  }
});

test.run();
