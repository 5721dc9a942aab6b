// The supervisor keeps systemd's watchdog quiet exactly as long as main thread and engine work.
import * as assert from 'uvu/assert';
import { Supervisor } from '../../src/native/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('native supervisor');

function setUp(watchdogMs: number | undefined) {
  const sent: string[] = [];
  const clock = new FakeClock();
  const log = fakeLog();
  const engine = { answers: true };
  const manager = { listens: true };
  const supervisor = new Supervisor({
    send: state => {
      sent.push(state);
      return manager.listens;
    },
    ping: () => (engine.answers ? Promise.resolve() : new Promise<void>(() => undefined)),
    watchdogMs,
    clock,
    log: log.logger,
  });
  const beats = () => sent.filter(state => state === 'WATCHDOG=1').length;
  return { supervisor, sent, beats, clock, engine, manager, log };
}

test('says ready, then beats at half the time of the watchdog', async () => {
  const { supervisor, sent, beats, clock } = setUp(30_000);
  supervisor.ready();
  assert.equal(sent, ['READY=1', 'WATCHDOG=1']);
  await clock.advance(14_999);
  assert.is(beats(), 1);
  await clock.advance(1);
  assert.is(beats(), 2);
  await clock.advance(60_000);
  assert.is(beats(), 6);
});

test('is silent once the engine does not answer', async () => {
  const { supervisor, beats, clock, engine, log } = setUp(30_000);
  supervisor.ready();
  engine.answers = false;
  await clock.advance(15_000);
  assert.is(beats(), 2, 'the last question was answered');
  await clock.advance(60_000);
  assert.is(beats(), 2);
  assert.ok(log.messages('error').includes('the engine does not answer'));
});

test('goes on beating while the service stops, without the engine', async () => {
  const { supervisor, sent, beats, clock, engine } = setUp(30_000);
  supervisor.ready();
  engine.answers = false;
  await clock.advance(15_000);
  supervisor.stopping();
  assert.is(sent.at(-1), 'STOPPING=1');
  await clock.advance(30_000);
  assert.is(beats(), 4);
});

test('has no beat where nobody watches', async () => {
  for (const watchdogMs of [undefined, 0, Number.NaN, -1]) {
    const { supervisor, sent, clock } = setUp(watchdogMs);
    supervisor.ready();
    assert.equal(sent, ['READY=1']);
    assert.is(clock.pending, 0, String(watchdogMs));
  }
});

test('a manager that does not hear is worth a warning', () => {
  const { supervisor, manager, log } = setUp(undefined);
  manager.listens = false;
  supervisor.ready();
  assert.is(log.messages('warn').length, 1);
});

test.run();
