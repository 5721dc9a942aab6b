// Holding a camera's movement without a browser: what is said, how often, and that it always ends.
import * as assert from 'uvu/assert';
import type { PtzCommand } from '../../src/api/contract.ts';
import { EACH_MS, PtzHold, stepOf, velocityOf } from '../../web/src/live/ptz-hold.ts';
import { suite } from '../support/suite.ts';

const test = suite('web ptz');
const RIGHT = { pan: 1, tilt: 0, zoom: 0 };
const UP = { pan: 0, tilt: 1, zoom: 0 };
const settled = () => new Promise(resolve => setImmediate(resolve));

function world() {
  const sent: PtzCommand[] = [];
  const waiting: ((isTaken: boolean) => void)[] = [];
  let tick: (() => void) | undefined;
  let delays = false;
  const hold = new PtzHold({
    send: command => {
      sent.push(command);
      return delays && command.action === 'move'
        ? new Promise(resolve => waiting.push(resolve))
        : Promise.resolve(true);
    },
    each: (ms, action) => {
      assert.is(ms, EACH_MS);
      tick = action;
      return () => {
        tick = undefined;
      };
    },
  });
  return {
    ...{ hold, sent, waiting, actions: () => sent.map(({ action }) => action) },
    slow: () => {
      delays = true;
    },
    runs: () => tick !== undefined,
    tick: async () => {
      tick?.();
      await settled();
    },
  };
}

test('a move is said at once, each half second, and a stop at the end, once', async () => {
  const { hold, sent, actions, tick, runs } = world();
  hold.hold(RIGHT);
  await settled();
  await tick();
  await tick();
  assert.equal(sent, [1, 2, 3].map(() => ({ action: 'move', ...RIGHT })) as PtzCommand[]);
  hold.release();
  hold.release();
  await tick();
  assert.equal([actions().slice(3), runs()], [['stop'], false]);
});

test('nothing is said by letting go of what is not held', () => {
  const { hold, sent } = world();
  hold.release();
  assert.equal(sent, []);
});

test('another direction takes its place at once', async () => {
  const { hold, sent } = world();
  hold.hold(RIGHT);
  await settled();
  hold.hold(UP);
  await settled();
  assert.equal(sent, [
    { action: 'move', ...RIGHT },
    { action: 'move', ...UP },
  ] as PtzCommand[]);
});

test('moves do not pile up on a slow way, and a stop that overtook one is repeated behind it', async () => {
  const { hold, actions, waiting, slow, tick } = world();
  slow();
  hold.hold(RIGHT);
  await tick();
  await tick();
  assert.equal(actions(), ['move']);
  hold.release();
  assert.equal(actions(), ['move', 'stop']);
  waiting[0]?.(true);
  await settled();
  assert.equal(actions(), ['move', 'stop', 'stop']);
});

test('on a slow way the newest direction is said next', async () => {
  const { hold, sent, waiting, slow } = world();
  slow();
  hold.hold(RIGHT);
  hold.hold({ ...RIGHT, pan: 0.5 });
  hold.hold(UP);
  waiting[0]?.(true);
  await settled();
  assert.equal(sent.slice(1), [{ action: 'move', ...UP }] as PtzCommand[]);
});

test('what is refused is not said again', async () => {
  const { hold, actions, waiting, slow, runs } = world();
  slow();
  hold.hold(RIGHT);
  waiting[0]?.(false);
  await settled();
  assert.equal([actions(), hold.isHeld, runs()], [['move', 'stop'], false, false]);
});

test('keys that are held together add up', () => {
  const of = (...keys: string[]) => velocityOf(new Set(keys), 0.5);
  assert.equal(of('ArrowRight', 'ArrowUp'), { pan: 0.5, tilt: 0.5, zoom: 0 });
  assert.equal(of('ArrowLeft', 'ArrowRight'), { pan: 0, tilt: 0, zoom: 0 });
  assert.equal(of('-'), { pan: 0, tilt: 0, zoom: -0.5 });
  assert.equal(of('+', '='), { pan: 0, tilt: 0, zoom: 0.5 });
});

test('a step names only what moves', () => {
  assert.equal(stepOf({ pan: 1, tilt: 0, zoom: 0 }), { pan: 0.1 });
  assert.equal(stepOf({ pan: 0, tilt: -0.5, zoom: 1 }), { tilt: -0.05, zoom: 0.1 });
  assert.equal(stepOf({ pan: 0, tilt: 0, zoom: 0 }), {});
});

test.run();
