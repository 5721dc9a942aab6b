// How the grid places its tiles, and which of them move.
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { arrange, LAYOUTS, neighbour, pagesOf } from '../../web/src/live/layout.ts';
import { AFTER_MS, isSaverOn, KeepsUp, mostMoving, planTiles, type SaverInput } from '../../web/src/live/saver.ts';
import { troubleOf } from '../../web/src/live/tile-state.ts';
import { boardAheadMs } from '../../web/src/zone.ts';
import { suite } from '../support/suite.ts';

const test = suite('web grid');
const DESKTOP = { width: 1376, height: 850 };
const PHONE = { width: 390, height: 730 };
const COMPUTER = { isPhone: false, isTablet: false, savesData: false };
const HAND = { ...COMPUTER, isPhone: true };

test('tiles fill the screen by its aspect', () => {
  const columns = (count: number, room = DESKTOP) => arrange('auto', count, room).columns;
  assert.equal(
    [1, 2, 3, 4, 5, 6, 9, 16].map(count => columns(count)),
    [1, 2, 2, 2, 3, 3, 3, 4],
  );
  assert.equal(
    [1, 3, 4, 5, 12].map(count => columns(count, PHONE)),
    [1, 1, 1, 2, 2],
  );
  assert.is(columns(2, { width: 700, height: 1000 }), 1);
});

test('every camera has a tile in every layout, and no page is much emptier than the others', () => {
  for (const layout of LAYOUTS)
    for (const room of [DESKTOP, PHONE, { width: 320, height: 200 }, { width: 3840, height: 2160 }])
      for (const count of [1, 2, 5, 7, 16, 17, 33, 100]) {
        const { perPage, columns, rows, firstSpan } = arrange(layout, count, room);
        const cells = columns * rows;
        assert.ok(perPage >= 1 && perPage <= cells - firstSpan ** 2 + 1, `${layout} ${count}`);
        const items = Array.from({ length: count }, (_, index) => index);
        assert.equal(pagesOf(items, perPage).flat(), items);
        if (layout === 'auto') assert.ok(perPage <= 16, `${count}: ${perPage}`);
      }
  assert.is(arrange('auto', 17, DESKTOP).perPage, 9);
  assert.equal(pagesOf([], 4), [[]]);
});

test('arrows lead to neighbours and stay at the edges', () => {
  const place = arrange('3x3', 9, DESKTOP);
  assert.is(neighbour(4, 'ArrowUp', place, 9), 1);
  assert.is(neighbour(4, 'ArrowRight', place, 9), 5);
  assert.is(neighbour(0, 'ArrowLeft', place, 9), 0);
  assert.is(neighbour(7, 'ArrowDown', place, 8), 7);
});

function input(change: Partial<SaverInput> = {}): SaverInput {
  const tiles = Array.from({ length: 6 }, (_, index) => ({ camera: index + 1, inSight: true, activeMs: 0 }));
  return { choice: 'live', device: COMPUTER, cameras: 6, tiles, limit: undefined, nowMs: 100_000, ...change };
}

function moving(change: Partial<SaverInput>): number[] {
  return [...planTiles(input(change)).modes].flatMap(([camera, mode]) => (mode === 'live' ? [camera] : []));
}

test('as many move as the device can take', () => {
  assert.equal(moving({}), [1, 2, 3, 4, 5, 6]);
  assert.equal(moving({ device: HAND }), [1, 2, 3, 4]);
  assert.is(planTiles(input({ device: HAND })).held, 2);
  assert.is(mostMoving({ ...COMPUTER, isTablet: true }), 9);
  const many = Array.from({ length: 20 }, (_, index) => ({ camera: index + 1, inSight: true, activeMs: 0 }));
  assert.is(moving({ tiles: many, cameras: 20 }).length, 16);
});

test('what is out of sight is off', () => {
  const tiles = [1, 2, 3].map(camera => ({ camera, inSight: camera < 3, activeMs: 0 }));
  const { modes, held } = planTiles(input({ tiles }));
  assert.equal([...modes.values()], ['live', 'live', 'off']);
  assert.is(held, 0);
});

test('saver moves only where something happens, and a while longer', () => {
  const at = (activeMs: number) =>
    [1, 2].map(camera => ({ camera, inSight: true, activeMs: camera === 2 ? activeMs : 0 }));
  assert.equal(moving({ choice: 'saver', tiles: at(0) }), []);
  assert.equal(moving({ choice: 'saver', tiles: at(100_000 - AFTER_MS + 1) }), [2]);
  assert.equal(moving({ choice: 'saver', tiles: at(100_000 - AFTER_MS) }), []);
  const { stillMs, isSaver, held } = planTiles(input({ choice: 'saver', tiles: at(0) }));
  assert.equal({ stillMs, isSaver, held }, { stillMs: 10_000, isSaver: true, held: 0 });
  assert.is(planTiles(input({ choice: 'saver', cameras: 17 })).stillMs, 30_000);
});

test('by itself it saves on phones with many cameras and where little data is wanted', () => {
  assert.not.ok(isSaverOn('auto', HAND, 4));
  assert.ok(isSaverOn('auto', HAND, 5));
  assert.not.ok(isSaverOn('auto', COMPUTER, 50));
  assert.ok(isSaverOn('auto', { ...COMPUTER, savesData: true }, 1));
  assert.not.ok(isSaverOn('live', HAND, 50));
});

test('when not all can move, those move where something happened last', () => {
  const tiles = [1, 2, 3, 4].map(camera => ({
    camera,
    inSight: true,
    activeMs: camera === 3 ? 50_000 : camera === 4 ? 90_000 : 0,
  }));
  assert.equal(moving({ tiles, limit: 2 }).sort(), [3, 4]);
  assert.is(planTiles(input({ tiles, limit: 2 })).held, 2);
});

test('a device that drops more than a fifth of its frames for five seconds does not keep up', () => {
  const judge = (droppedPerSecond: number, seconds: number) => {
    const keepsUp = new KeepsUp();
    return Array.from({ length: seconds + 1 }, (_, second) =>
      keepsUp.sample(second * 1000, second * 100, second * droppedPerSecond),
    );
  };
  assert.not.ok(judge(20, 20).includes(true));
  assert.is(judge(30, 6).indexOf(true), 5);
  const keepsUp = new KeepsUp();
  for (let second = 0; second < 5; second++) keepsUp.sample(second * 1000, second * 100, second * 50);
  // A video is closed: what it counted is gone, and nothing follows from the sums before.
  assert.not.ok(keepsUp.sample(5000, 50, 10));
  assert.not.ok(new KeepsUp().sample(0, 0, 0));
});

test('a picture that is not there yet says so, and counts by the clock of this device', () => {
  const camera = (name: string) => ({ state: { name, sinceMs: 10_000_000 } }) as Camera;
  const waiting = { is: 'waiting', reason: 'camera', sinceMs: 0 } as const;
  boardAheadMs.value = 3_600_000;
  assert.equal(troubleOf(camera('starting'), waiting), { text: 'Connecting.', sinceMs: 6_400_000 });
  assert.is(troubleOf(camera('reconnecting'), waiting)?.offer, 'health');
  assert.is(troubleOf(camera('live'), { is: 'playing' }), undefined);
  boardAheadMs.value = 0;
});

test.run();
