// go2rtc is there while somebody needs it, comes back when it fails, and says what is wrong when it does not.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { SilentPeer } from '../../src/go2rtc/socket-request.ts';
import { settle } from '../support/fake-clock.ts';
import { FakeHubProcess, FOUND } from '../support/fake-hub-process.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc service');

const MINUTE = 60_000;
const SOURCE = 'rtsp://u:p@h/p';
const { signal } = new AbortController();

test('it starts with the first claim, and ends ten minutes after the last', async () => {
  const hub = new FakeHubProcess();
  hub.service.start();
  await hub.clock.advance(MINUTE);
  assert.is(hub.name, 'idle');
  assert.is(hub.runs.length, 0);
  const claim = hub.service.claim('th-1-main', SOURCE);
  await settle();
  assert.is(hub.name, 'ready');
  assert.is(claim.url(), 'rtsp://127.0.0.1:40001/th-1-main');
  const { version, path, pid, webrtc, restarts } = hub.service.state();
  assert.equal(
    { version, path, pid, webrtc, restarts },
    { version: '1.9.14', path: '/bin/go2rtc', pid: 1, webrtc: true, restarts: 0 },
  );
  await hub.clock.advance(60 * MINUTE);
  assert.is(hub.name, 'ready');
  claim.release();
  await hub.clock.advance(9 * MINUTE);
  hub.service.claim('th-2-main', SOURCE).release();
  await hub.clock.advance(9.9 * MINUTE);
  assert.is(hub.name, 'ready', 'somebody needed it in between');
  await hub.clock.advance(0.2 * MINUTE);
  assert.is(hub.name, 'idle');
  assert.is(hub.run.stopped, 'term');
  await hub.service.stop();
  assert.is(hub.released, 1);
  assert.is(hub.clock.pending, 0);
});

test('kept always, it is there from the start', async () => {
  const hub = new FakeHubProcess({ keep: 'always' });
  hub.service.start();
  await hub.clock.advance(60 * MINUTE);
  assert.is(hub.name, 'ready');
  assert.is(hub.runs.length, 1);
  await hub.service.stop();
});

test('without a program there are words, and it is looked for again while somebody needs it', async () => {
  const hub = new FakeHubProcess();
  hub.binary = { state: 'absent', words: { message: 'There is no go2rtc on this machine', cure: 'Install it.' } };
  hub.service.start();
  await settle();
  assert.is(hub.name, 'absent');
  assert.equal(hub.service.problems(), [], 'nobody needs it');
  const claim = hub.service.claim('th-1-main', SOURCE);
  await settle();
  assert.is(claim.url(), undefined);
  assert.is(claim.problem()?.message, 'There is no go2rtc on this machine');
  assert.is(hub.service.problems()[0]?.message, 'There is no go2rtc on this machine.');
  hub.binary = FOUND;
  await hub.clock.advance(30_000);
  assert.ok(claim.url());
  assert.equal(hub.service.problems(), []);
  await hub.service.stop();
});

test('a program that is put there while nobody needs it is known of within half a minute', async () => {
  const hub = new FakeHubProcess();
  hub.binary = { state: 'absent', words: { message: 'There is no go2rtc on this machine', cure: 'Install it.' } };
  hub.service.start();
  await settle();
  hub.binary = FOUND;
  await hub.clock.advance(30_000);
  assert.is(hub.name, 'idle');
  assert.is(hub.service.state().version, '1.9.14');
  assert.is(hub.runs.length, 0);
  await hub.service.stop();
});

test('a program that was just installed is taken at once', async () => {
  const hub = new FakeHubProcess();
  hub.binary = { state: 'unusable', path: '/x', words: { message: '/x is another program', cure: 'y' } };
  hub.service.start();
  hub.service.claim('th-1-main', SOURCE);
  await settle();
  assert.is(hub.name, 'unusable');
  assert.is(hub.service.state().path, '/x');
  hub.binary = FOUND;
  hub.service.recheck();
  await settle();
  assert.is(hub.name, 'ready');
  await hub.service.stop();
});

test('without a place for its configuration it is unusable, and tried again', async () => {
  const hub = new FakeHubProcess();
  const { folder } = hub;
  hub.folder = { state: 'failed', words: { message: 'no place', cure: 'x' } };
  hub.service.start();
  const claim = hub.service.claim('th-1-main', SOURCE);
  await settle();
  assert.is(hub.name, 'unusable');
  assert.is(claim.problem()?.message, 'no place');
  hub.folder = folder;
  await hub.clock.advance(30_000);
  assert.is(hub.name, 'ready');
  await hub.service.stop();
});

test('after a crash it is there again within a second, with all its streams', async () => {
  const hub = new FakeHubProcess();
  hub.service.start();
  const claims = [1, 2, 3].map(id => hub.service.claim(`th-${id}-main`, `rtsp://h/${id}`));
  await hub.clock.advance(MINUTE);
  hub.run.said = 'fatal error: concurrent map writes';
  hub.run.ends({ code: 2 });
  await settle();
  assert.is(hub.name, 'restarting');
  for (const claim of claims) assert.is(claim.url(), undefined);
  await hub.clock.advance(1000);
  assert.is(hub.name, 'ready');
  for (const [index, claim] of claims.entries()) assert.is(claim.url(), `rtsp://127.0.0.1:40002/th-${index + 1}-main`);
  assert.is(hub.service.state().restarts, 1);
  const line = hub.log.lines.find(({ msg }) => msg === 'go2rtc failed');
  assert.is(line?.reason, 'it ended with exit code 2: fatal error: concurrent map writes');
  await hub.service.stop();
});

test('one that hangs is killed, not asked to go', async () => {
  const hub = new FakeHubProcess({ keep: 'always' });
  hub.service.start();
  await settle();
  const [first] = hub.runs;
  hub.vitals.isStopped = true;
  await hub.clock.advance(5000);
  hub.vitals.isStopped = false;
  assert.is(first?.stopped, 'kill');
  await hub.clock.advance(1000);
  assert.is(hub.name, 'ready');
  assert.is(hub.runs.length, 2);
  await hub.service.stop();
});

test('one that keeps failing rests; whoever changes something wakes it', async () => {
  const hub = new FakeHubProcess();
  hub.fail('it ended with exit code 1');
  hub.service.start();
  const claim = hub.service.claim('th-1-main', SOURCE);
  await hub.clock.advance(10_000);
  assert.is(hub.requests.length, 6);
  assert.is(hub.name, 'resting');
  assert.is(claim.problem()?.message, 'go2rtc keeps failing and rests: it ended with exit code 1');
  assert.match(hub.service.problems()[0]?.message ?? '', /keeps failing and rests/);
  await hub.clock.advance(49_000);
  assert.is(hub.requests.length, 6);
  await hub.clock.advance(7000);
  assert.is(hub.requests.length, 7, 'after a minute it is tried once');
  assert.is(hub.name, 'resting');
  hub.service.claim('th-2-main', SOURCE);
  await settle();
  assert.is(hub.requests.length, 7, 'a claim is no reason');
  hub.failure = undefined;
  hub.service.recheck();
  await settle();
  assert.is(hub.name, 'ready');
  await hub.service.stop();
});

test('a taken port costs the viewers over WebRTC, nobody else', async () => {
  const hub = new FakeHubProcess();
  hub.webrtcFault = { message: 'Port 8555 is in use', cure: 'x' };
  hub.service.start();
  const claim = hub.service.claim('th-1-view', SOURCE);
  await settle();
  assert.ok(claim.url());
  assert.is(hub.service.state().webrtc, false);
  assert.is(hub.service.problems()[0]?.message, 'Port 8555 is in use.');
  const error = await hub.service.answer('th-1-view', 'offer', signal).catch((reason: unknown) => reason);
  assert.instance(error, NvrError);
  assert.is((error as NvrError).message, 'Port 8555 is in use');
  hub.webrtcFault = undefined;
  hub.run.consumers.set('th-1-view', ['rtsp']);
  await hub.clock.advance(2 * MINUTE);
  assert.is(hub.service.state().webrtc, false, 'somebody is being recorded');
  assert.match(hub.service.problems()[0]?.message ?? '', /is free again/);
  hub.run.consumers.clear();
  await hub.clock.advance(2 * MINUTE);
  assert.is(hub.service.state().webrtc, true);
  assert.equal(hub.service.problems(), []);
  assert.is(hub.service.state().restarts, 0, 'it was no failure');
  await hub.service.stop();
});

test('one that does not listen for browsers is started without, and with it later', async () => {
  const hub = new FakeHubProcess();
  hub.fail('it did not say [webrtc] listen udp', true);
  hub.service.start();
  hub.service.claim('th-1-main', SOURCE);
  await settle();
  hub.failure = undefined;
  await hub.clock.advance(200);
  assert.is(hub.name, 'ready');
  assert.is(hub.service.state().webrtc, false);
  await hub.clock.advance(9 * MINUTE);
  assert.is(hub.service.state().webrtc, false);
  await hub.clock.advance(2 * MINUTE);
  assert.is(hub.service.state().webrtc, true);
  await hub.service.stop();
});

test('an answer waits until go2rtc is there', async () => {
  const hub = new FakeHubProcess();
  hub.service.start();
  hub.service.claim('th-1-view', SOURCE);
  assert.is(await hub.service.answer('th-1-view', 'offer', signal), 'v=0 th-1-view offer');
  const other = await hub.service.answer('th-2-view', 'offer', signal).catch((error: NvrError) => error.kind);
  assert.is(other, 'failed-precondition', 'nobody has claimed it');
  const abort = new AbortController();
  abort.abort();
  const aborted = await hub.service.answer('th-1-view', 'offer', abort.signal).catch((error: Error) => error.name);
  assert.is(aborted, 'AbortError');
  await hub.service.stop();
});

test('an answer that nobody can give has words', async () => {
  const hub = new FakeHubProcess();
  hub.binary = { state: 'absent', words: { message: 'There is no go2rtc on this machine', cure: 'Install it.' } };
  hub.service.start();
  hub.service.claim('th-1-view', SOURCE);
  const error = (await hub.service.answer('th-1-view', 'offer', signal).catch(reason => reason)) as NvrError;
  assert.is(error.message, 'There is no go2rtc on this machine');
  assert.is(error.cure, 'Install it.');
  await hub.service.stop();
});

test('pictures are made one at a time per stream, for all who ask, however long they wait', async () => {
  const hub = new FakeHubProcess();
  hub.service.start();
  hub.service.claim('th-1-main', SOURCE);
  hub.service.claim('th-2-main', SOURCE);
  await settle();
  let give: (picture: Buffer) => void = () => undefined;
  hub.run.frame = () => {
    hub.run.frames++;
    return new Promise(resolve => {
      give = resolve;
    });
  };
  const abort = new AbortController();
  const first = hub.service.snapshot('th-1-main', 'mp4', abort.signal).catch((error: Error) => error.name);
  const second = hub.service.snapshot('th-1-main', 'mp4', signal);
  const other = await hub.service.snapshot('th-1-main', 'jpeg', signal).catch((error: NvrError) => error.kind);
  assert.is(other, 'resource-exhausted');
  abort.abort();
  assert.is(await first, 'AbortError');
  assert.is(hub.run.frames, 1);
  give(Buffer.from('picture'));
  assert.is(String(await second), 'picture');
  await settle();
  void hub.service.snapshot('th-1-main', 'mp4', signal);
  await settle();
  assert.is(hub.run.frames, 2);
  give(Buffer.from('x'));
  await settle();
  await hub.service.stop();
});

test('after a picture that never came the next waits until its consumer is gone', async () => {
  const hub = new FakeHubProcess();
  hub.service.start();
  hub.service.claim('th-1-main', SOURCE);
  await settle();
  const { frame } = hub.run;
  hub.run.frame = () => Promise.reject(new SilentPeer());
  hub.run.consumers.set('th-1-main', ['mp4']);
  await hub.clock.advance(5000);
  const ask = () => hub.service.snapshot('th-1-main', 'mp4', signal).then(String, (error: NvrError) => error.message);
  assert.match(await ask(), /did not answer in time/);
  await settle();
  hub.run.frame = frame;
  assert.is(await ask(), 'The camera does not answer');
  hub.run.consumers.clear();
  await hub.clock.advance(5000);
  assert.is(await ask(), 'th-1-main');
  await hub.service.stop();
});

test('settings are in force at once; the same ones change nothing', async () => {
  const hub = new FakeHubProcess();
  hub.service.start();
  const claim = hub.service.claim('th-1-main', SOURCE);
  await settle();
  hub.service.configure({ keep: 'onDemand', webrtc: { port: 8555, addresses: [] } });
  await hub.clock.advance(1000);
  assert.is(hub.runs.length, 1);
  hub.service.configure({ keep: 'onDemand', webrtc: { port: 0, addresses: [] } });
  await hub.clock.advance(1000);
  assert.is(hub.runs.length, 2);
  assert.is(hub.requests.at(-1)?.webrtc, undefined);
  assert.ok(claim.url());
  assert.is(hub.service.state().restarts, 0);
  claim.release();
  await hub.clock.advance(11 * MINUTE);
  assert.is(hub.name, 'idle');
  hub.service.configure({ keep: 'always', webrtc: { port: 0, addresses: [] } });
  await hub.clock.advance(11 * MINUTE);
  assert.is(hub.name, 'ready');
  await hub.service.stop();
});

test('those who listen hear of each change once, and one that throws harms nobody', async () => {
  const hub = new FakeHubProcess();
  hub.service.onChange(() => {
    throw new Error('listener');
  });
  hub.service.start();
  await settle();
  const before = hub.changes;
  for (let id = 1; id <= 20; id++) hub.service.claim(`th-${id}-main`, SOURCE);
  await Promise.resolve();
  assert.is(hub.changes, before + 1);
  await settle();
  const { changes } = hub;
  await hub.clock.advance(10 * MINUTE);
  assert.is(hub.changes, changes, 'looks at what stays the same are no change');
  await hub.service.stop();
});

test('the stop ends a start, a rest and a wait alike', async () => {
  for (const prepare of [
    (hub: FakeHubProcess) => hub.fail('x'),
    (hub: FakeHubProcess) => {
      hub.binary = { state: 'absent', words: { message: 'x', cure: 'y' } };
    },
    () => undefined,
  ]) {
    const hub = new FakeHubProcess();
    prepare(hub);
    hub.service.start();
    const claim = hub.service.claim('th-1-main', SOURCE);
    await hub.clock.advance(10_000);
    await hub.service.stop();
    await hub.service.stop();
    assert.is(claim.url(), undefined);
    assert.is(hub.clock.pending, 0);
    assert.equal(hub.log.messages('error'), []);
  }
});

test.run();
