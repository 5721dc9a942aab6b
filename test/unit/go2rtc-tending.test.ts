// A running go2rtc is given what is wanted, in turn and never more than that; whatever is wrong with it is seen.
import * as assert from 'uvu/assert';
import { ForeignAnswer } from '../../src/go2rtc/api.ts';
import { Quarantine } from '../../src/go2rtc/quarantine.ts';
import { StreamTable } from '../../src/go2rtc/stream-table.ts';
import { type EndReason, Tending } from '../../src/go2rtc/tending.ts';
import { limitsFor } from '../../src/go2rtc/vitals.ts';
import { STARTING } from '../../src/go2rtc/words.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeRun, FakeVitals } from '../support/fake-run.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc tending');

const NOWHERE = 'rtsp://127.0.0.1:1/';

function begin(allowLoopback = false) {
  const clock = new FakeClock();
  const log = fakeLog();
  let changes = 0;
  const table: StreamTable = new StreamTable({
    onWant: () => tending.nudge(),
    onChange: () => changes++,
    onSource: (name, source) => quarantine.changed(name, source),
    absence: () => STARTING,
  });
  const quarantine: Quarantine = new Quarantine({ table, clock, log: log.logger });
  const limits = limitsFor(1024 ** 3);
  const run = new FakeRun(7, { path: '/x', folder: '/y', limits });
  const vitals = new FakeVitals();
  const restart: { reason: string | undefined } = { reason: undefined };
  const tending: Tending = new Tending({
    ...{ run, table, quarantine, vitals, limits, allowLoopback, clock, log: log.logger },
    wantsRestart: async () => restart.reason,
  });
  const abort = new AbortController();
  let end: EndReason | undefined;
  const done = tending.until(abort.signal).then(
    reason => {
      end = reason;
    },
    () => undefined,
  );
  const stop = async () => {
    abort.abort();
    await done;
    quarantine.stop();
  };
  return { clock, log, table, quarantine, run, vitals, restart, tending, stop, end: () => end, changes: () => changes };
}

test('a claimed stream is given, and can be pulled from then on', async () => {
  const { table, run, stop } = begin();
  const claim = table.claim('th-1-main', 'rtsp://h/p');
  assert.is(claim.url(), undefined);
  assert.is(claim.problem(), STARTING);
  await settle();
  assert.is(claim.url(), 'rtsp://127.0.0.1:40007/th-1-main');
  assert.is(claim.problem(), undefined);
  assert.equal(run.patches, ['th-1-main rtsp://h/p']);
  await stop();
});

test('a released stream leads nowhere; claimed again with the same source it is there again', async () => {
  const { table, run, stop } = begin();
  const first = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  first.release();
  first.release();
  await settle();
  assert.is(first.url(), undefined);
  assert.is(run.patches.at(-1), `th-1-main ${NOWHERE}`);
  const again = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  assert.ok(again.url());
  assert.is(run.patches.length, 3);
  await stop();
});

test('the newest of several claims says what the source is; the last one to leave removes it', async () => {
  const { table, run, stop } = begin();
  const old = table.claim('th-1-main', 'rtsp://h/old');
  await settle();
  const next = table.claim('th-1-main', 'rtsp://h/new');
  assert.is(old.url(), undefined, 'whoever pulls the old one has to open it anew');
  await settle();
  assert.is(run.sources.get('th-1-main'), 'rtsp://h/new');
  old.release();
  await settle();
  assert.ok(next.url());
  assert.is(run.patches.length, 2, 'nothing changed');
  next.release();
  await settle();
  assert.is(run.sources.get('th-1-main'), NOWHERE);
  await stop();
});

test('a stream that was never given is not removed', async () => {
  const { table, run, stop } = begin();
  table.claim('th-1-main', 'rtsp://h/p').release();
  await settle();
  assert.equal(run.patches, []);
  await stop();
});

test('a renewal gives the same source once more', async () => {
  const { table, run, stop } = begin();
  const claim = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  claim.renew();
  await settle();
  assert.equal(run.patches, ['th-1-main rtsp://h/p', 'th-1-main rtsp://h/p']);
  await stop();
});

test('a refused source has words, and is not offered again until it is another', async () => {
  const { table, run, stop, clock } = begin();
  run.refusal = { state: 'refused', words: { message: 'go2rtc does not know this kind of address', cure: 'x' } };
  const claim = table.claim('th-1-main', 'foo://h/p');
  await clock.advance(20_000);
  assert.is(claim.url(), undefined);
  assert.match(claim.problem()?.message ?? '', /does not know/);
  assert.is(run.patches.length, 1);
  run.refusal = undefined;
  const next = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  assert.ok(next.url());
  await stop();
});

test('a source that would be taken for a stream of ours never reaches go2rtc', async () => {
  const { table, run, stop } = begin();
  const claim = table.claim('th-1-main', 'rtsp://h/th-2-main');
  await settle();
  assert.is(claim.url(), undefined);
  assert.match(claim.problem()?.message ?? '', /ends like a stream/);
  assert.equal(run.patches, []);
  await stop();
});

test('what cannot be a stream is refused at the door', () => {
  const { table } = begin();
  for (const source of [
    'rtsp://h/a b',
    'rtsp://h/{input}',
    ['rtsp://h/', '{X}'].join('$'),
    'nothing',
    '',
    `rtsp://h/${'x'.repeat(2000)}`,
  ])
    assert.throws(() => table.claim('th-1-main', source), /no address/);
  assert.throws(() => table.claim('live' as 'th-1-main', 'rtsp://h/p'), /no name/);
});

test('an address that got no answer is given again', async () => {
  const { table, run, stop, clock } = begin();
  run.hangs = true;
  const claim = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  run.hangs = false;
  assert.is(claim.url(), undefined);
  await clock.advance(1000);
  assert.ok(claim.url());
  await stop();
});

test('a stream whose place was taken is given again, and given up when that does not help', async () => {
  const { table, run, clock, stop } = begin();
  const claim = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  run.sources.set('th-1-main', 'rtsp://h/other');
  await clock.advance(5000);
  assert.is(run.sources.get('th-1-main'), 'rtsp://h/p');
  for (let i = 0; i < 3; i++) {
    run.sources.delete('th-1-main');
    await clock.advance(5000);
  }
  assert.is(claim.url(), undefined);
  assert.match(claim.problem()?.message ?? '', /keeps another source/);
  await stop();
});

test('looks tell who takes a stream and whether its source delivers; what moves has no fault', async () => {
  const { table, run, clock, stop } = begin();
  const claim = table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  run.says({ level: 'warn', message: '[rtsp]', stream: 'th-1-main', error: 'connect: connection refused' });
  assert.is(claim.problem()?.message, 'Nothing answers at the address of the camera');
  assert.ok(claim.url(), 'it may be tried');
  run.consumers.set('th-1-main', ['rtsp', 'webrtc/post']);
  run.moving.add('th-1-main');
  await clock.advance(5000);
  assert.equal(table.states(), [{ name: 'th-1-main', usable: true, consumers: 2, moving: true }]);
  run.says({ level: 'warn', message: '', url: 'rtsp://***@h/p', error: 'EOF' });
  assert.is(claim.problem()?.message, 'The camera closed the connection');
  run.moving.delete('th-1-main');
  await clock.advance(5000);
  assert.is(table.state('th-1-main')?.moving, false);
  await stop();
});

test('what is said of a source is said of each stream that has it', async () => {
  const { table, run, stop } = begin();
  const [main, sub] = [table.claim('th-1-main', 'rtsp://h/p#a'), table.claim('th-1-sub', 'rtsp://u:p@h/p#b')];
  await settle();
  run.says({ level: 'warn', message: '', url: 'rtsp://***@h/p', error: 'EOF' });
  for (const claim of [main, sub]) assert.is(claim.problem()?.message, 'The camera closed the connection');
  await stop();
});

test('a source that leads to this machine is closed, and tried again after ten minutes', async () => {
  const { table, run, clock, stop } = begin();
  const [claim, view] = [
    table.claim('th-1-main', 'rtsp://10.255.255.2/p'),
    table.claim('th-1-view', 'rtsp://127.0.0.1:4000/ring/1/main'),
  ];
  await settle();
  for (const name of ['th-1-main', 'th-1-view']) {
    run.moving.add(name);
    run.remotes.set(name, '127.0.0.1:4000');
  }
  await clock.advance(5000);
  assert.equal([claim.url(), run.sources.get('th-1-main')], [undefined, NOWHERE]);
  assert.match(claim.problem()?.message ?? '', /sends go2rtc on to this machine/);
  assert.ok(claim.problem()?.refused && claim.problem()?.cure);
  assert.ok(view.url(), 'what names this machine was meant');
  run.moving.delete('th-1-main');
  await clock.advance(600_000);
  assert.ok(claim.url());
  await stop();
  const free = begin(true);
  const allowed = free.table.claim('th-1-main', 'rtsp://cam.test/p');
  await settle();
  free.run.moving.add('th-1-main');
  free.run.remotes.set('th-1-main', '127.0.0.1:554');
  await free.clock.advance(5000);
  assert.ok(allowed.url());
  await free.stop();
});

test('a camera that describes itself without end is set aside, and nobody else suffers', async () => {
  const { table, run, clock, end, stop } = begin();
  const [bad, good] = [table.claim('th-1-main', 'rtsp://h/p'), table.claim('th-2-main', 'rtsp://h/q')];
  await settle();
  run.long.add('th-1-main');
  await clock.advance(10_000);
  assert.equal([end(), bad.url(), good.url() !== undefined], [undefined, undefined, true]);
  assert.match(bad.problem()?.message ?? '', /says too much/);
  run.moving.add('th-2-main');
  await clock.advance(10_000);
  assert.is(table.state('th-2-main')?.moving, true, 'it is looked after');
  run.long.clear();
  await clock.advance(600_000);
  assert.ok(bad.url());
  await stop();
});

test('a name that is taken again while its removal is under way has no address before go2rtc has it again', async () => {
  const { table, run, stop } = begin();
  table.claim('th-1-view', 'rtsp://127.0.0.1:4000/ring/1/main').release();
  const first = table.claim('th-1-view', 'rtsp://127.0.0.1:4000/ring/1/main');
  await settle();
  const seen: (string | undefined)[] = [];
  const patch = run.patch.bind(run);
  let next: ReturnType<typeof table.claim> | undefined;
  run.patch = async (name, source) => {
    const result = await patch(name, source);
    if (source === NOWHERE) next = table.claim('th-1-view', 'rtsp://127.0.0.1:4000/ring/1/main');
    else seen.push(next?.url());
    return result;
  };
  first.release();
  await settle();
  assert.equal(seen, [undefined]);
  assert.equal([next?.url() !== undefined, run.sources.get('th-1-view')], [true, 'rtsp://127.0.0.1:4000/ring/1/main']);
  await stop();
});

test('a process that ends is told with how it ended', async () => {
  const { run, end } = begin();
  run.ends({ code: 2 });
  await settle();
  assert.equal(end(), { kind: 'exited', exit: { code: 2 } });
});

test('one that does not answer twice has to end; once is nothing', async () => {
  const { run, clock, end, stop } = begin();
  await clock.advance(4000);
  run.hangs = true;
  await clock.advance(900);
  assert.is(end(), undefined);
  await clock.advance(200);
  assert.equal(end(), { kind: 'failed', reason: 'its API does not answer' });
  await stop();
});

test('one that was stopped, or whose socket is another', async () => {
  const stopped = begin();
  stopped.vitals.isStopped = true;
  await stopped.clock.advance(5000);
  assert.match(String((stopped.end() as { reason?: string })?.reason), /SIGSTOP/);
  const stolen = begin();
  stolen.run.foreign = new ForeignAnswer('our login is not known');
  await stolen.clock.advance(5000);
  assert.match(String((stolen.end() as { reason?: string })?.reason), /somebody else answers/);
});

test('a core that is busy for half a minute; with viewers for two', async () => {
  const busy = async (viewers: string[]) => {
    const world = begin();
    world.table.claim('th-1-main', 'rtsp://h/p');
    await settle();
    world.run.consumers.set('th-1-main', viewers);
    let looks = 0;
    while (!world.end() && looks < 100) {
      world.vitals.cpuMs += 4900;
      await world.clock.advance(5000);
      looks++;
    }
    await world.stop();
    return looks;
  };
  assert.is(await busy([]), 7);
  assert.is(await busy(['webrtc/post']), 25);
});

test('grown a little it goes in a quiet moment, grown much at once', async () => {
  const quiet = begin();
  quiet.table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  quiet.run.consumers.set('th-1-main', ['rtsp']);
  quiet.vitals.sizeNow = { rssBytes: 200 * 1024 * 1024, fds: 20 };
  await quiet.clock.advance(300_000);
  assert.is(quiet.end(), undefined, 'somebody is being recorded');
  assert.is(quiet.tending.figures.rssBytes, 200 * 1024 * 1024);
  quiet.run.consumers.clear();
  await quiet.clock.advance(65_000);
  assert.equal(quiet.end(), { kind: 'quiet', reason: 'it has grown' });
  const hard = begin();
  hard.vitals.sizeNow = { rssBytes: 20_000_000, fds: 1000 };
  await hard.clock.advance(60_000);
  assert.equal(hard.end(), { kind: 'failed', reason: 'it has grown too large' });
  const other = begin();
  other.restart.reason = 'browsers can be served now';
  await other.clock.advance(60_000);
  assert.equal(other.end(), { kind: 'quiet', reason: 'browsers can be served now' });
});

test('after an end of its own, doubted streams come one by one, and changes still at once', async () => {
  const { table, run, quarantine, clock, stop } = begin();
  for (const name of ['th-1-main', 'th-2-main'] as const) quarantine.suspects.given(name);
  quarantine.ended({ code: 2 });
  for (const id of [1, 2, 3]) table.claim(`th-${id}-main`, `rtsp://h/${id}`);
  // A claim makes its source new, and forgives.
  for (const name of ['th-1-main', 'th-2-main'] as const) quarantine.suspects.given(name);
  quarantine.ended({ code: 2 });
  await settle();
  assert.equal(run.patches, ['th-3-main rtsp://h/3', 'th-1-main rtsp://h/1']);
  await clock.advance(3000);
  assert.is(run.patches.length, 2);
  table.claim('th-4-main', 'rtsp://h/4');
  await settle();
  assert.is(run.patches.at(-1), 'th-4-main rtsp://h/4');
  await clock.advance(1000);
  assert.is(run.patches.at(-1), 'th-2-main rtsp://h/2');
  await stop();
});

test('nothing is left running when nobody needs it', async () => {
  const { table, run, clock, stop } = begin();
  table.claim('th-1-main', 'rtsp://h/p');
  await settle();
  await stop();
  await settle();
  const { length } = run.patches;
  table.claim('th-2-main', 'rtsp://h/q');
  await clock.advance(60_000);
  assert.is(run.patches.length, length);
  assert.is(clock.pending, 0);
});

test.run();
