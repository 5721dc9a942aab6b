import * as assert from 'uvu/assert';
import { type Component, Lifecycle } from '../../src/core/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('core lifecycle');

function setUp() {
  const clock = new FakeClock();
  const log = fakeLog();
  const lifecycle = new Lifecycle({ log: log.logger, clock });
  const order: string[] = [];
  const add = (name: string, priority: number, rest: Partial<Component> = {}) =>
    lifecycle.register({
      name,
      priority,
      deadlineMs: 1000,
      stop: async () => {
        order.push(name);
      },
      ...rest,
    });
  return { clock, log, lifecycle, order, add };
}

const never = () => new Promise<void>(() => undefined);

test('stops by falling priority, equal ones at the same time', async () => {
  const { lifecycle, order, add } = setUp();
  let release = () => {};
  const gate = new Promise<void>(resolve => (release = resolve));
  add('index', 0);
  add('http', 20);
  add('files', 80, {
    stop: async () => {
      order.push('files');
      await gate;
    },
  });
  add('links', 80);
  const stopped = lifecycle.stop('test');
  await settle();
  assert.equal(order, ['files', 'links']);
  release();
  assert.is(await stopped, true);
  assert.equal(order, ['files', 'links', 'http', 'index']);
});

test('aborts its signal at once, and takes nothing new afterwards', async () => {
  const { lifecycle, add } = setUp();
  assert.is(lifecycle.signal.aborted, false);
  const stopped = lifecycle.stop('test');
  assert.is(lifecycle.signal.aborted, true);
  assert.throws(() => add('late', 1));
  await stopped;
});

test('goes on past failures and says that the stop was not clean', async () => {
  const { lifecycle, order, add, log } = setUp();
  add('bad', 50, { stop: () => Promise.reject(new Error('no')) });
  add('thrower', 50, {
    stop: () => {
      throw new Error('at once');
    },
  });
  add('good', 0);
  assert.is(await lifecycle.stop('test'), false);
  assert.equal(order, ['good']);
  assert.is(log.messages('error').length, 2);
});

test('leaves behind what misses its deadline', async () => {
  const { lifecycle, order, add, clock } = setUp();
  add('hung', 50, { stop: never, deadlineMs: 300 });
  add('good', 0);
  const stopped = lifecycle.stop('test');
  await clock.advance(299);
  assert.equal(order, []);
  await clock.advance(1);
  assert.is(await stopped, false);
  assert.equal(order, ['good']);
  assert.is(clock.pending, 0);
});

test('in a hurry it waits only for what closes files', async () => {
  const { lifecycle, order, add, clock } = setUp();
  add('slow', 90, { stop: never });
  add('files', 80, { closesFiles: true });
  add('http', 20);
  add('index', 0, { closesFiles: true });
  const stopped = lifecycle.stop('test');
  await settle();
  assert.equal(order, []);
  lifecycle.hurry();
  assert.is(await stopped, false);
  assert.equal(order, ['files', 'index']);
  assert.is(clock.pending, 0);
});

test('a hurry does not cut short what closes files', async () => {
  const { lifecycle, add, clock } = setUp();
  let closed = false;
  add('files', 80, {
    closesFiles: true,
    stop: () => clock.sleep(500).then(() => void (closed = true)),
  });
  const stopped = lifecycle.stop('test');
  lifecycle.hurry();
  await clock.advance(499);
  assert.is(closed, false);
  await clock.advance(1);
  assert.is(await stopped, true);
  assert.is(closed, true);
});

test('stopping twice is stopping once', async () => {
  const { lifecycle, order, add } = setUp();
  add('one', 1);
  assert.equal(await Promise.all([lifecycle.stop('a'), lifecycle.stop('b')]), [true, true]);
  assert.equal(order, ['one']);
});

test.run();
