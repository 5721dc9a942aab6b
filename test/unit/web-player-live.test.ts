// How live pictures stay close to now, and what is tried when they do not move.
import * as assert from 'uvu/assert';
import { retryDelayMs } from '../../web/src/player/board.ts';
import { LiveDelay } from '../../web/src/player/live-delay.ts';
import { Watchdog } from '../../web/src/player/watchdog.ts';
import { suite } from '../support/suite.ts';

const test = suite('web player: live');

test('the start jumps over what the key picture brought with it', () => {
  const delay = new LiveDelay();
  const order = delay.look(100, 101.8, 0);
  assert.is(order.rate, 1);
  const jumpToS = order.jumpToS ?? 0;
  assert.ok(jumpToS > 101.8 - delay.aimS && jumpToS < 101.8 - 0.1, `${jumpToS}`);
});

test('a little too late is played away, much too late is jumped over', () => {
  const delay = new LiveDelay();
  delay.look(0, 0.4, 0);
  assert.equal(delay.look(10, 10.5, 10_000), { rate: 1 });
  assert.equal(delay.look(10, 10.9, 10_100), { rate: 1.05 });
  assert.equal(delay.look(10, 10.6, 10_200), { rate: 1.05 }, 'until it is as it should be');
  assert.equal(delay.look(10, 10.45, 10_300), { rate: 1 });
  assert.equal(delay.look(10, 11.5, 10_400), { rate: 1.25 });
  const { jumpToS } = delay.look(10, 15, 10_500);
  assert.ok(jumpToS !== undefined && jumpToS > 14 && jumpToS < 15);
});

test('where speeds may not be changed there are only jumps', () => {
  const delay = new LiveDelay(true);
  delay.look(0, 0.4, 0);
  assert.equal(delay.look(10, 11.5, 10_000), { rate: 1 });
  assert.ok(delay.look(10, 15, 10_000).jumpToS);
});

test('an uneven network gets more time, and loses it again', () => {
  const delay = new LiveDelay();
  delay.look(0, 0.4, 0);
  const before = delay.aimS;
  delay.starved(1000);
  assert.is(delay.aimS, before, 'at the start that is nothing');
  for (let count = 0; count < 20; count++) delay.starved(10_000);
  assert.ok(delay.aimS > before + 0.5 && delay.aimS < before + 0.61, `${delay.aimS}`);
  for (let ms = 10_000; ms < 400_000; ms += 10_000) delay.look(0, 0.5, ms);
  assert.ok(Math.abs(delay.aimS - before) < 1e-9);
});

test('a picture that stands still is rebuilt once, then something else is tried', () => {
  const watchdog = new Watchdog();
  const advices: string[] = [];
  let nowMs = 0;
  const seconds = (count: number, frames: number) => {
    for (let second = 0; second < count; second++) {
      nowMs += 1000;
      const advice = watchdog.look({ bytes: nowMs, frames, cameraLive: true }, nowMs);
      if (advice) advices.push(`${nowMs} ${advice}`);
    }
  };
  watchdog.begin(0);
  seconds(1, 10);
  seconds(3, 10);
  assert.equal(advices, ['4000 rebuild']);
  watchdog.begin(nowMs);
  seconds(1, 10);
  seconds(3, 10);
  assert.equal(advices, ['4000 rebuild', '8000 next-way']);
});

test('silence of a camera that is live asks for another connection; that of one that is not waits', () => {
  const watchdog = new Watchdog();
  watchdog.begin(0);
  assert.is(watchdog.look({ bytes: 5, frames: 1, cameraLive: true }, 1000), undefined);
  assert.is(watchdog.look({ bytes: 5, frames: 1, cameraLive: false }, 4000), undefined);
  assert.is(watchdog.look({ bytes: 5, frames: 1, cameraLive: true }, 4000), 'reconnect');
});

test('a first picture that does not come within 4 s is looked for elsewhere', () => {
  const watchdog = new Watchdog();
  watchdog.begin(0);
  for (const ms of [1000, 2000, 3000])
    assert.is(watchdog.look({ bytes: ms, frames: 0, cameraLive: true }, ms), undefined);
  assert.is(watchdog.look({ bytes: 4000, frames: 0, cameraLive: true }, 4000), 'next-way');
});

test('time in which the page slept does not count', () => {
  const watchdog = new Watchdog();
  watchdog.begin(0);
  watchdog.look({ bytes: 5, frames: 5, cameraLive: true }, 1000);
  watchdog.excuse(60_000);
  assert.is(watchdog.look({ bytes: 5, frames: 5, cameraLive: true }, 61_000), undefined);
});

test('attempts come at most 8 s apart, and not all at once', () => {
  const delayMs = (failures: number, random: number) => Math.round(retryDelayMs(failures, () => random));
  assert.equal(
    [0, 3, 50].map(failures => delayMs(failures, 0.5)),
    [500, 4000, 8000],
  );
  assert.equal(
    [0, 1].map(random => delayMs(0, random)),
    [400, 600],
  );
});

test.run();
