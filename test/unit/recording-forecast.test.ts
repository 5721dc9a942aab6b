// How many days each camera will keep.
import * as assert from 'uvu/assert';
import { type ForecastCamera, forecast } from '../../src/recording/forecast.ts';
import { suite } from '../support/suite.ts';

const test = suite('forecast');
const GB = 1e9;

function camera(id: number, more: Partial<ForecastCamera> = {}): ForecastCamera {
  const rules = { priority: 50, eventsOnly: false, days: null, quotaBytes: null };
  return { camera: id, ...rules, bytesPerDay: 10 * GB, lockedBytes: 0, ...more };
}

function days(cameras: ForecastCamera[], roomBytes: number, totalQuotaBytes: number | null = null) {
  return forecast({ cameras, roomBytes, totalQuotaBytes }).map(({ days: n, limit }) => [
    n === null ? null : Math.round(n * 100) / 100,
    limit,
  ]);
}

test('cameras share the room by what they write', () => {
  assert.equal(days([camera(1), camera(2, { bytesPerDay: 30 * GB })], 400 * GB), [
    [10, 'floor'],
    [10, 'floor'],
  ]);
});

test('what one camera does not take by its own rules is left to the others', () => {
  const cameras = [camera(1, { days: 3 }), camera(2, { quotaBytes: 20 * GB }), camera(3)];
  assert.equal(days(cameras, 100 * GB), [
    [3, 'age'],
    [2, 'camera-quota'],
    [5, 'floor'],
  ]);
});

test('a camera that records events only reaches back four times as far', () => {
  const cameras = [camera(1, { eventsOnly: true, bytesPerDay: 1 * GB }), camera(2)];
  assert.equal(days(cameras, 140 * GB), [
    [40, 'floor'],
    [10, 'floor'],
  ]);
});

test('priority 100 reaches back twice as far as 50, and 0 half as far', () => {
  const cameras = [camera(1, { priority: 100 }), camera(2), camera(3, { priority: 0 })];
  assert.equal(days(cameras, 350 * GB), [
    [20, 'floor'],
    [10, 'floor'],
    [5, 'floor'],
  ]);
});

test('the total quota, locked footage, cameras that write nothing', () => {
  assert.equal(days([camera(1)], 500 * GB, 100 * GB), [[10, 'total-quota']]);
  assert.equal(days([camera(1, { lockedBytes: 40 * GB })], 100 * GB), [[6, 'floor']]);
  assert.equal(days([camera(1, { bytesPerDay: 0 }), camera(2)], 100 * GB), [
    [null, null],
    [10, 'floor'],
  ]);
  assert.equal(days([camera(1)], -5), [[0, 'floor']]);
});

test('with room for more, the rules of the cameras say when', () => {
  assert.equal(days([camera(1, { days: 7 }), camera(2, { days: 30 })], 1e15), [
    [7, 'age'],
    [30, 'age'],
  ]);
});

test.run();
