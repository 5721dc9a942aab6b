// How often go2rtc may fail, and which stream is blamed for it.
import * as assert from 'uvu/assert';
import { Quarantine } from '../../src/go2rtc/quarantine.ts';
import { RestartBudget } from '../../src/go2rtc/restart-budget.ts';
import { StreamTable } from '../../src/go2rtc/stream-table.ts';
import { Suspects } from '../../src/go2rtc/suspects.ts';
import { limitsFor } from '../../src/go2rtc/vitals.ts';
import { STARTING } from '../../src/go2rtc/words.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc failures');

test('five quick starts in ten minutes, then rests that grow', async () => {
  const clock = new FakeClock();
  const budget = new RestartBudget(clock);
  const pauses = [];
  for (let i = 0; i < 9; i++) {
    const pause = budget.failed();
    pauses.push(`${pause.kind} ${pause.ms}`);
    await clock.advance(pause.ms + 100);
  }
  assert.equal(pauses.slice(0, 5), ['delay 200', 'delay 500', 'delay 1000', 'delay 1000', 'delay 2000']);
  assert.equal(pauses.slice(5), ['rest 60000', 'rest 120000', 'rest 300000', 'rest 600000']);
});

test('what was well for ten minutes has all its chances again', async () => {
  const clock = new FakeClock();
  const budget = new RestartBudget(clock);
  for (let i = 0; i < 6; i++) budget.failed();
  await clock.advance(60_000 + 9 * 60_000);
  assert.is(budget.failed().kind, 'rest', 'it was well for nine minutes only');
  await clock.advance(2 * 60_000 + 10 * 60_000);
  assert.equal(budget.failed(), { kind: 'delay', ms: 200 });
});

test('a failure every three minutes never makes it rest', async () => {
  const clock = new FakeClock();
  const budget = new RestartBudget(clock);
  for (let i = 0; i < 50; i++) {
    assert.is(budget.failed().kind, 'delay');
    await clock.advance(3 * 60_000);
  }
});

test('somebody who changed something is listened to', () => {
  const budget = new RestartBudget(new FakeClock());
  for (let i = 0; i < 8; i++) budget.failed();
  budget.forgive();
  assert.equal(budget.failed(), { kind: 'delay', ms: 200 });
});

test('of several suspects none is set aside; then they come one by one', async () => {
  const clock = new FakeClock();
  const suspects = new Suspects(clock);
  const names = ['th-1-main', 'th-2-main', 'th-3-main'] as const;
  assert.equal(suspects.order(names), { atOnce: [...names], oneByOne: [] });
  suspects.given('th-1-main');
  await clock.advance(10_000);
  suspects.given('th-2-main');
  suspects.given('th-3-main');
  await clock.advance(1000);
  assert.is(suspects.ended(), undefined);
  assert.equal(suspects.order(names), { atOnce: ['th-1-main'], oneByOne: ['th-2-main', 'th-3-main'] });
  suspects.given('th-1-main');
  suspects.given('th-2-main');
  await clock.advance(suspects.pauseMs);
  suspects.given('th-3-main');
  await clock.advance(500);
  assert.is(suspects.ended(), 'th-3-main', 'the second had lived on for long enough');
  assert.is(suspects.asideMs('th-3-main'), 600_000);
  assert.is(suspects.asideMs('th-2-main'), 0);
});

test('when it is known which one it was, the others wait no longer; nor do they after ten minutes', async () => {
  const clock = new FakeClock();
  const suspects = new Suspects(clock);
  const names = ['th-1-main', 'th-2-main'] as const;
  const all = { atOnce: [...names], oneByOne: [] };
  for (const name of names) suspects.given(name);
  suspects.ended();
  assert.equal(suspects.order(names).oneByOne, [...names]);
  suspects.given('th-2-main');
  assert.is(suspects.ended(), 'th-2-main');
  assert.equal(suspects.order(names), all);
  for (const name of names) suspects.given(name);
  suspects.ended();
  await clock.advance(600_000);
  assert.equal(suspects.order(names), all, 'that was long ago');
});

test('one that is set aside again stays away for longer; another source starts anew', async () => {
  const clock = new FakeClock();
  const suspects = new Suspects(clock);
  const kill = () => {
    suspects.given('th-1-main');
    return suspects.ended();
  };
  assert.is(kill(), undefined);
  assert.is(kill(), 'th-1-main');
  await clock.advance(600_000);
  assert.is(suspects.asideMs('th-1-main'), 0);
  kill();
  assert.is(kill(), 'th-1-main');
  assert.is(suspects.asideMs('th-1-main'), 3_600_000);
  suspects.forget('th-1-main');
  assert.is(suspects.asideMs('th-1-main'), 0);
});

function isolation() {
  const clock = new FakeClock();
  const log = fakeLog();
  const table = new StreamTable({
    onWant: () => undefined,
    onChange: () => undefined,
    onSource: (name, source) => quarantine.changed(name, source),
    absence: () => STARTING,
  });
  const quarantine: Quarantine = new Quarantine({ table, clock, log: log.logger });
  const claim = table.claim('th-1-main', 'rtsp://u:p@h/p#backchannel=0');
  table.claim('th-2-main', 'rtsp://h/q');
  /** As who looks after the process does when it has the source. */
  const give = () => {
    for (const name of table.names()) table.usable(name, `rtsp://127.0.0.1:1/${name}`);
  };
  give();
  const spin = (times: number, url = 'rtsp://***@h/p#backchannel=0') => {
    for (let i = 0; i < times; i++)
      quarantine.heard({ level: 'warn', message: '', error: 'start from CONN state', url });
  };
  return { clock, log, table, quarantine, claim, spin, give };
}

test('a stream that spins is closed for everybody, and opened again', async () => {
  const { clock, table, claim, spin, give } = isolation();
  spin(9);
  assert.ok(claim.url(), 'a few tries are no spin');
  await clock.advance(1000);
  spin(9);
  assert.ok(claim.url(), 'nor are they when they come over seconds');
  spin(2);
  assert.is(claim.url(), undefined);
  assert.is(claim.problem()?.message, 'The source changed what it delivers; it is opened anew');
  assert.ok(claim.problem()?.refused && claim.problem()?.passing);
  assert.is(table.wanted('th-1-main'), 'rtsp://127.0.0.1:1/');
  assert.is(table.wanted('th-2-main'), 'rtsp://h/q', 'no other suffers');
  await clock.advance(2000);
  assert.is(claim.url(), undefined, 'go2rtc does not have it again yet');
  give();
  assert.ok(claim.url());
});

test('one that spins three times in ten minutes is set aside', async () => {
  const { clock, claim, spin, give, table } = isolation();
  for (let i = 0; i < 3; i++) {
    assert.ok(claim.url());
    spin(10);
    assert.is(claim.url(), undefined);
    await clock.advance(2000);
    give();
  }
  assert.is(claim.url(), undefined);
  assert.match(claim.problem()?.message ?? '', /set aside for a while/);
  assert.is(claim.problem()?.passing, undefined);
  claim.release();
  const again = table.claim('th-1-main', 'rtsp://u:p@h/p#backchannel=0');
  assert.match(again.problem()?.message ?? '', /set aside for a while/, 'to let go and take it again is no way round');
  await clock.advance(600_000);
  give();
  assert.ok(again.url());
  spin(10);
  await clock.advance(500);
  assert.is(again.url(), undefined);
  table.claim('th-1-main', 'rtsp://h/other');
  assert.is(table.wanted('th-1-main'), 'rtsp://h/other', 'another source is tried at once');
});

test('of two streams with the same source both are closed: one of them spins', () => {
  const { table, claim, spin, give } = isolation();
  const twin = table.claim('th-3-main', 'rtsp://u:p@h/p#media=audio#backchannel=1');
  give();
  spin(10);
  assert.equal([claim.url(), twin.url()], [undefined, undefined]);
});

test('whoever is forgotten among very many names is let back', async () => {
  const { clock, table, claim, spin } = isolation();
  for (let i = 0; i < 3; i++) {
    spin(10);
    if (i < 2) await clock.advance(2000);
  }
  assert.is(table.wanted('th-1-main'), 'rtsp://127.0.0.1:1/');
  for (let id = 10; id < 1100; id++) table.claim(`th-${id}-main`, 'rtsp://h/x').release();
  await clock.advance(600_000);
  assert.is(table.wanted('th-1-main'), 'rtsp://u:p@h/p#backchannel=0');
  claim.release();
});

test('lines about unknown sources and other faults blame nobody', () => {
  const { claim, spin, quarantine } = isolation();
  spin(100, 'rtsp://elsewhere/p');
  for (let i = 0; i < 100; i++) quarantine.heard({ level: 'warn', message: '', error: 'EOF', url: 'rtsp://h/p' });
  assert.ok(claim.url());
});

test('only an end of its own makes a stream suspect', () => {
  const { claim, quarantine } = isolation();
  for (const exit of [{ signal: 9 }, { signal: 15 }, { code: 0 }, { code: 1 }]) {
    for (let i = 0; i < 3; i++) {
      quarantine.suspects.given('th-1-main');
      quarantine.ended(exit);
    }
  }
  assert.ok(claim.url());
  for (let i = 0; i < 2; i++) {
    quarantine.suspects.given('th-1-main');
    quarantine.ended({ code: 2 });
  }
  assert.is(claim.url(), undefined);
  quarantine.stop();
});

test('limits follow the memory of the board', () => {
  const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
  const small = limitsFor(64 * 1024 * 1024);
  assert.is(mib(small.quiet.rssBytes), 64);
  assert.is(mib(small.hard.rssBytes), 96);
  const large = limitsFor(8 * 1024 ** 3);
  assert.is(mib(large.quiet.rssBytes), 128);
  assert.is(mib(large.hard.rssBytes), 384);
  assert.ok(large.goBytes < large.quiet.rssBytes);
});

test.run();
