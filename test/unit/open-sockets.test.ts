import * as assert from 'uvu/assert';
import { OpenSockets } from '../../src/api/open-sockets.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';

const test = suite('open sockets');

function setUp() {
  const clock = new FakeClock();
  const sockets = new OpenSockets(clock);
  const closed: string[] = [];
  /** A socket that is good for as long as `good` says. */
  const open = (name: string, good: () => boolean) => {
    const handler = sockets.watch({ opened: () => {}, message: () => {}, closed: () => {} }, good);
    handler.opened({ bufferedBytes: 0, send: () => {}, close: code => closed.push(`${name} ${code}`) });
    return handler;
  };
  return { clock, sockets, closed, open };
}

test('a socket that is no longer good ends at once when somebody lost a right, and within four seconds anyway', async () => {
  const { clock, sockets, closed, open } = setUp();
  let [first, second] = [true, true];
  open('first', () => first);
  open('second', () => second);
  await clock.advance(3000);
  first = false;
  sockets.lookSoon();
  assert.equal(closed, [], 'not in the middle of the change');
  await clock.advance(0);
  assert.equal(closed, ['first 1008']);
  second = false;
  await clock.advance(4000);
  assert.ok(closed.includes('second 1008'));
});

test('no timer runs while nothing is open', async () => {
  const { clock, sockets, open } = setUp();
  sockets.lookSoon();
  assert.is(clock.pending, 0);
  const handler = open('one', () => true);
  sockets.lookSoon();
  sockets.lookSoon();
  assert.is(clock.pending, 1);
  handler.closed();
  await clock.advance(4000);
  assert.is(clock.pending, 0);
});

test.run();
