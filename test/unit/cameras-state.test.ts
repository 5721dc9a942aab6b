import * as assert from 'uvu/assert';
import { problemWords } from '../../src/cameras/problem-words.ts';
import { type LinkEvent, type MachineState, StateMachine } from '../../src/cameras/state-machine.ts';
import type { LinkProblem, LinkState } from '../../src/native/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras state');

function setUp() {
  const clock = new FakeClock();
  const changes: MachineState[] = [];
  const machine = new StateMachine({ clock, onChange: state => changes.push(state) });
  const link = (state: LinkState, problem?: LinkProblem, rest: Partial<LinkEvent> = {}) =>
    machine.link({
      type: 'link',
      camera: 1,
      stream: 'main',
      state,
      lastPacketMs: 0,
      ...(problem ? { problem } : {}),
      ...rest,
    });
  return { clock, machine, link, changes, names: () => changes.map(change => change.name) };
}

test('from the start to pictures', () => {
  const { machine, link, names } = setUp();
  machine.starting();
  link('connecting');
  assert.is(machine.state.name, 'starting');
  link('live');
  assert.is(machine.state.name, 'live');
  assert.equal(names(), ['live']);
});

test('what time and further attempts may mend is reconnecting, with reason and time of the next attempt', () => {
  for (const problem of [
    'refused',
    'unreachable',
    'busy',
    'server-error',
    'timeout',
    'closed',
    'stalled',
    'no-keyframe',
  ] as const) {
    const { machine, link } = setUp();
    machine.starting();
    link('waiting', problem, { retryAtMs: 99, message: 'words' });
    const { sinceMs: _, ...state } = machine.state;
    assert.equal(state, { name: 'reconnecting', reason: problem, detail: 'words', retryAtMs: 99 });
  }
});

test('what only the owner can mend is failed, and stays so during further attempts', () => {
  for (const problem of [
    'unauthorized',
    'not-found',
    'no-video',
    'unsupported-codec',
    'unsupported-transport',
    'address-forbidden',
    'not-rtsp',
  ] as const) {
    const { machine, link } = setUp();
    machine.starting();
    link('waiting', problem, { retryAtMs: 99 });
    link('connecting');
    assert.equal([machine.state.name, machine.state.reason, machine.state.retryAtMs], ['failed', problem, undefined]);
    link('live');
    assert.equal([machine.state.name, machine.state.reason], ['live', undefined]);
  }
});

test('an unknown name is misspelt at first, and a fault of the network later', () => {
  const { machine, link } = setUp();
  machine.starting();
  link('waiting', 'unknown-host');
  assert.is(machine.state.name, 'failed');
  link('live');
  link('waiting', 'unknown-host');
  assert.is(machine.state.name, 'reconnecting');
});

test('stalled is visible for a second before reconnecting', async () => {
  const { machine, link, clock, names } = setUp();
  machine.starting();
  link('live');
  link('stalled', 'stalled');
  await clock.advance(400);
  link('waiting', 'closed');
  assert.is(machine.state.name, 'stalled');
  await clock.advance(599);
  assert.is(machine.state.name, 'stalled');
  await clock.advance(1);
  assert.equal(names(), ['live', 'stalled', 'reconnecting']);
  assert.is(machine.state.reason, 'closed');
});

test('pictures that come back end stalled at once', async () => {
  const { machine, link, clock, names } = setUp();
  link('live');
  link('stalled');
  link('connecting');
  link('live');
  await clock.advance(5000);
  assert.equal(names(), ['live', 'stalled', 'live']);
  assert.is(machine.state.name, 'live');
  assert.is(clock.pending, 0);
});

test('a second change within that second replaces the first', async () => {
  const { machine, link, clock } = setUp();
  link('live');
  link('stalled');
  link('connecting');
  link('waiting', 'refused');
  await clock.advance(1000);
  assert.equal([machine.state.name, machine.state.reason], ['reconnecting', 'refused']);
});

test('says since when, and speaks only when something changed', async () => {
  const { machine, link, clock, changes } = setUp();
  link('waiting', 'refused', { retryAtMs: 1 });
  const sinceMs = machine.state.sinceMs;
  await clock.advance(1000);
  link('connecting');
  link('waiting', 'refused', { retryAtMs: 2 });
  assert.is(changes.length, 1);
  assert.is(machine.state.sinceMs, sinceMs);
  assert.is(machine.state.retryAtMs, 2);
  link('waiting', 'timeout');
  assert.is(changes.length, 2);
  assert.is(machine.state.sinceMs, sinceMs);
});

test('a disabled camera does not listen to the link', async () => {
  const { machine, link, clock } = setUp();
  link('live');
  link('stalled');
  link('connecting');
  machine.disabled();
  await clock.advance(2000);
  link('live');
  assert.is(machine.state.name, 'disabled');
  machine.starting();
  link('live');
  assert.is(machine.state.name, 'live');
});

test('every problem has words and a cure', () => {
  for (const problem of ['refused', 'busy', 'no-keyframe', 'password-unreadable', 'demo-off'] as const) {
    const { message, cure } = problemWords(problem);
    assert.match(message, /^[A-Z].*\.$/);
    assert.match(cure, /^[A-Z].*\.$/);
  }
});

test.run();
