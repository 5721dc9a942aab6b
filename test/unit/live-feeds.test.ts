import * as assert from 'uvu/assert';
import type { LiveHeader } from '../../src/api/contract.ts';
import { LiveFeeds, MOST_OF_USER, MOST_VIEWERS } from '../../src/api/live-feeds.ts';
import { LiveViewer, type LiveViewerOptions } from '../../src/api/live-viewer.ts';
import { Live, type LiveFragment, type LiveHeaderFacts } from '../../src/native/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeLive } from '../support/fake-live.ts';
import { FakePeer } from '../support/fake-peer.ts';
import { suite } from '../support/suite.ts';

const test = suite('live feeds');

let surface: FakeLive;
let live: Live;
let feeds: LiveFeeds;
let clock: FakeClock;
let ended = 0;

test.before.each(() => {
  surface = new FakeLive();
  live = new Live(surface);
  feeds = new LiveFeeds(live);
  clock = new FakeClock();
  ended = 0;
});

function enter(options: Partial<LiveViewerOptions> = {}): { viewer: LiveViewer; peer: FakePeer } {
  const viewer = new LiveViewer({
    ...{ feeds, camera: 1, stream: 'main', sound: true, user: 1, clock },
    wantsStill: () => false,
    refusal: () => undefined,
    onWatching: () => () => ended++,
    ...options,
  });
  const peer = new FakePeer();
  viewer.opened(peer);
  return { viewer, peer };
}

function header(change: Partial<LiveHeaderFacts> = {}): void {
  live.deliver({
    ...{ type: 'live-header', camera: 1, stream: 'main', sound: true, viewer: 0, generation: 1, codecs: 'avc1.640020' },
    ...{ width: 640, height: 360, fps: 12, startMs: 5000, zeroMs: 4000, init: Buffer.from('initinit') },
    ...change,
  });
}

/** `name`: eight characters; `sizeBytes` more follow when it is to be large. */
function fragment(name: string, change: Partial<LiveFragment> = {}): void {
  const sizeBytes = change.sizeBytes ?? name.length;
  if (sizeBytes <= surface.buffer.length) surface.buffer.write(name, 'latin1');
  const data = sizeBytes <= surface.buffer.length ? {} : { data: Buffer.alloc(sizeBytes, name, 'latin1') };
  live.deliver({
    ...{ type: 'live-fragment', camera: 1, stream: 'main', sound: true, viewer: 0, key: false, goesOn: true },
    ...{ sizeBytes, ...data },
    ...change,
  });
}

function begin(viewer: LiveViewer, generation = 1): void {
  header({ viewer: viewer.number, generation });
  fragment('begin...', { viewer: viewer.number, key: true });
}

test('one feed for all viewers of a stream, and none behind the last', () => {
  const first = enter();
  assert.equal(surface.calls.splice(0), ['watch 1 main true 1']);
  const second = enter();
  const quiet = enter({ sound: false });
  assert.equal(surface.calls.splice(0), ['watch 1 main true 2', 'watch 1 main false 3']);
  assert.equal(feeds.figures(), { viewers: 3, feeds: 2, queuedBytes: 0, skipped: 0 });
  first.viewer.closed();
  assert.equal(surface.calls, []);
  second.viewer.closed();
  assert.equal(surface.calls.splice(0), ['end 1 main true']);
  quiet.viewer.closed();
  assert.equal(surface.calls.splice(0), ['end 1 main false']);
  assert.is(surface.buffer.length, 0);
  assert.equal(feeds.figures(), { viewers: 0, feeds: 0, queuedBytes: 0, skipped: 0 });
  assert.is(ended, 3);
  enter({ refusal: () => 'no' }).viewer.closed();
  assert.is(ended, 3);
});

test('a text, the init segment and what there is so far; then what comes', () => {
  const { viewer, peer } = enter();
  fragment('too soon', { key: true });
  assert.equal(peer.take(), []);
  begin(viewer);
  fragment('picture1');
  const [text, ...rest] = peer.take();
  const told: LiveHeader = JSON.parse(text ?? '');
  assert.equal(told, {
    ...{ codecs: 'avc1.640020', width: 640, height: 360, fps: 12, startMs: 5000, zeroMs: 4000, stream: 'main' },
  });
  assert.equal(rest, ['initinit', 'begin...', 'picture1']);
});

test('a begin is for whoever asked for it', () => {
  const first = enter();
  begin(first.viewer);
  first.peer.take();
  const second = enter();
  begin(second.viewer);
  fragment('picture1');
  assert.equal(first.peer.take(), ['picture1']);
  assert.is(second.peer.take().length, 4);
});

test('a pause ends the feed of nobody else, and goes on with a keyframe but without what is known', async () => {
  const first = enter();
  const other = enter();
  begin(first.viewer);
  begin(other.viewer);
  first.peer.take();
  surface.calls.splice(0);
  first.viewer.message('{"pause":true}');
  first.viewer.message('{"pause":true}');
  fragment('picture1', { key: true });
  assert.equal(first.peer.take(), []);
  assert.equal(surface.calls.splice(0), []);
  await clock.advance(500);
  first.viewer.message('{"pause":false}');
  assert.equal(surface.calls.splice(0), ['watch 1 main true 1']);
  fragment('picture2', { key: true });
  begin(first.viewer);
  fragment('picture3');
  assert.equal(first.peer.take(), ['begin...', 'picture3']);
  // All pause: nothing is made, and the next feed numbers its headers anew.
  first.viewer.message('{"pause":true}');
  other.viewer.message('{"pause":true}');
  assert.equal(surface.calls.splice(0), ['end 1 main true']);
  await clock.advance(500);
  first.viewer.message('{"pause":false}');
  begin(first.viewer);
  assert.is(first.peer.take().length, 3);
});

test('a client that pauses and goes on without end begins twice a second at most', async () => {
  const { viewer } = enter();
  surface.calls.splice(0);
  for (let i = 0; i < 1000; i++) {
    viewer.message('{"pause":true}');
    viewer.message('{"pause":false}');
    await clock.advance(1);
  }
  const begins = surface.calls.filter(call => call.startsWith('watch')).length;
  assert.ok(begins >= 1 && begins <= 2, String(begins));
  viewer.message('{"pause":true}');
  surface.calls.splice(0);
  await clock.advance(1000);
  viewer.message('{"pause":false}');
  viewer.message('{"pause":true}');
  viewer.message('{"pause":false}');
  viewer.closed();
  surface.calls.splice(0);
  await clock.advance(1000);
  assert.equal(surface.calls, []);
});

test('what clients send that is no pause changes nothing', () => {
  const { viewer, peer } = enter();
  begin(viewer);
  for (const text of ['', '{', '[]', 'null', '{"pause":1}', '{"pause":"true"}', '{"__proto__":{"pause":true}}']) {
    viewer.message(text);
  }
  peer.take();
  fragment('picture1');
  assert.equal(peer.take(), ['picture1']);
});

test('a header for all begins a feed for those who wait', () => {
  const { peer } = enter();
  header();
  fragment('picture0');
  fragment('picture1', { key: true });
  fragment('picture2');
  assert.equal(peer.take().slice(1), ['initinit', 'picture1', 'picture2']);
  header({ generation: 2 });
  fragment('picture3');
  fragment('picture4', { key: true });
  assert.equal(peer.take().slice(1), ['initinit', 'picture4']);
});

test('a begin that does not go on waits for the next keyframe', () => {
  const { viewer, peer } = enter();
  header({ viewer: viewer.number });
  fragment('begin...', { viewer: viewer.number, key: true, goesOn: false });
  fragment('picture1');
  fragment('picture2', { key: true });
  assert.equal(peer.take().slice(2), ['begin...', 'picture2']);
});

test('main shows its key picture until the sub stream comes', () => {
  const { viewer, peer } = enter({ stream: 'sub', sound: false, wantsStill: () => true });
  assert.equal(surface.calls, ['key 1 main 1', 'watch 1 sub false 1']);
  header({ viewer: viewer.number, sound: false });
  fragment('still...', { viewer: viewer.number, sound: false, key: true, goesOn: false });
  const [text, ...rest] = peer.take();
  assert.is(JSON.parse(text ?? '').still, true);
  assert.is(JSON.parse(text ?? '').stream, 'main');
  assert.equal(rest, ['initinit', 'still...']);
  header({ stream: 'sub', sound: false });
  fragment('sub1....', { stream: 'sub', sound: false, key: true });
  const [next, ...more] = peer.take();
  assert.is(JSON.parse(next ?? '').still, undefined);
  assert.equal(more, ['initinit', 'sub1....']);
  header({ viewer: viewer.number, sound: false });
  fragment('too late', { viewer: viewer.number, sound: false, key: true });
  assert.equal(peer.take(), []);
});

test('who cannot keep up loses pictures up to a keyframe, and nobody else does', () => {
  const slow = enter();
  const fast = enter();
  begin(slow.viewer);
  begin(fast.viewer);
  slow.peer.take();
  slow.peer.takes = false;
  for (let i = 0; i < 30; i++) fragment('picture.', { sizeBytes: 100_000 });
  assert.is(slow.peer.take().length, 10);
  assert.ok(slow.peer.bufferedBytes <= 1024 * 1024);
  assert.is(feeds.figures().skipped, 20);
  fragment('key.....', { key: true });
  assert.equal(slow.peer.take(), []);
  slow.peer.takes = true;
  slow.peer.bufferedBytes = 0;
  fragment('picture.');
  fragment('key.....', { key: true });
  fragment('picture.');
  assert.equal(slow.peer.take(), ['key.....', 'picture.']);
  assert.is(fast.peer.take().length, 3 + 30 + 4);
});

test('what waits longer than two seconds is too much, however little it is', async () => {
  const { viewer, peer } = enter();
  begin(viewer);
  peer.take();
  peer.takes = false;
  fragment('picture1');
  await clock.advance(1900);
  fragment('picture2');
  await clock.advance(200);
  fragment('picture3');
  assert.equal(peer.take(), ['picture1', 'picture2']);
});

test('who takes nothing for long is cut off', async () => {
  const { viewer, peer } = enter();
  begin(viewer);
  peer.takes = false;
  for (let second = 0; second < 19; second++) {
    fragment('key.....', { key: true });
    await clock.advance(1000);
  }
  assert.is(peer.closed, undefined);
  // A little is something.
  peer.bufferedBytes -= 1;
  for (let second = 0; second < 19; second++) {
    fragment('key.....', { key: true });
    await clock.advance(1000);
  }
  assert.is(peer.closed, undefined);
  await clock.advance(3000);
  fragment('key.....', { key: true });
  assert.equal(peer.closed, { code: 1013, reason: 'the pictures are not taken' });
});

test('all slow viewers together have a bound, and who keeps up does not suffer by them', () => {
  const fast = enter();
  begin(fast.viewer);
  fast.peer.take();
  const all = Array.from({ length: 40 }, (_, i) => enter({ user: 2 + (i % 2) }));
  for (const { viewer, peer } of all) {
    begin(viewer);
    peer.takes = false;
  }
  for (let i = 0; i < 20; i++) fragment('picture.', { sizeBytes: 100_000 });
  assert.is(fast.peer.take().length, 20);
  assert.ok(feeds.figures().queuedBytes <= 25 * 1024 * 1024, String(feeds.figures().queuedBytes));
  assert.ok(feeds.figures().queuedBytes > 20 * 1024 * 1024);
  // Whoever comes now and takes nothing either is given only so much, and the slowest end.
  for (let i = 0; i < 40; i++) {
    const { viewer, peer } = enter();
    peer.takes = false;
    header({ viewer: viewer.number });
    fragment('begin...', { viewer: viewer.number, key: true, sizeBytes: 3_000_000 });
  }
  assert.ok(feeds.figures().queuedBytes <= 52 * 1024 * 1024, String(feeds.figures().queuedBytes));
  assert.ok(all.some(({ peer }) => peer.closed?.code === 1013));
  for (const { viewer, peer } of all) if (peer.closed) viewer.closed();
  fragment('key.....', { key: true, sizeBytes: 300_000 });
  assert.is(fast.peer.closed, undefined);
});

test('a picture larger than any is left out', () => {
  const { viewer, peer } = enter();
  begin(viewer);
  peer.take();
  fragment('huge....', { key: true, sizeBytes: 5_000_000 });
  fragment('picture.');
  assert.equal(peer.take(), []);
  fragment('key.....', { key: true });
  assert.equal(peer.take(), ['key.....']);
});

test('the buffer of fragments is used again, unless somebody still needs it', () => {
  const { viewer, peer } = enter();
  const { buffer } = surface;
  begin(viewer);
  for (let i = 0; i < 5; i++) fragment(`picture${i}`);
  assert.is(surface.buffer, buffer);
  peer.takes = false;
  fragment('kept....');
  assert.is.not(surface.buffer, buffer);
  const kept = peer.buffers.at(-1);
  const next = surface.buffer;
  fragment('copied1.');
  fragment('copied2.');
  assert.is(surface.buffer, next);
  assert.is(kept?.toString('latin1'), 'kept....');
  assert.equal(
    peer.buffers.slice(-2).map(sent => sent.toString('latin1')),
    ['copied1.', 'copied2.'],
  );
  // It takes at once again.
  peer.takes = true;
  peer.bufferedBytes = 0;
  fragment('copied3.');
  fragment('prompt..');
  assert.is(surface.buffer, next);
  assert.is(peer.buffers.at(-1)?.buffer, next.buffer);
});

test('a socket that sends everything a little later, as encrypted ones do, uses the same memory again', () => {
  const { viewer, peer } = enter();
  const other = enter();
  begin(viewer);
  begin(other.viewer);
  peer.takes = other.peer.takes = false;
  fragment('kept....');
  const memory = new Set<ArrayBufferLike>();
  for (let i = 0; i < 100; i++) {
    fragment('later...');
    assert.is(peer.buffers.at(-1), other.peer.buffers.at(-1));
    memory.add((peer.buffers.at(-1) as Buffer).buffer);
    peer.bufferedBytes = 0;
    viewer.drained();
    other.peer.bufferedBytes = 0;
    other.viewer.drained();
  }
  assert.is(memory.size, 1);
  // Not while somebody still sends it.
  fragment('first...');
  const first = peer.buffers.at(-1);
  peer.bufferedBytes = 0;
  viewer.drained();
  fragment('second..');
  assert.is.not((peer.buffers.at(-1) as Buffer).buffer, first?.buffer);
  assert.is(String(first), 'first...');
  // Nor after an end in the middle.
  const second = peer.buffers.at(-1);
  viewer.closed();
  other.peer.bufferedBytes = 0;
  other.viewer.drained();
  for (let i = 0; i < 3; i++) fragment('third...');
  assert.is(String(second), 'second..');
});

test('a larger fragment comes in a buffer of its own, and the next one fits', () => {
  const { viewer, peer } = enter();
  begin(viewer);
  fragment('large...', { sizeBytes: 300_000 });
  assert.is(peer.buffers.at(-1)?.length, 300_000);
  assert.is(surface.buffer.length, 512 * 1024);
  fragment('huge....', { sizeBytes: 3_000_000 });
  fragment('huge....', { sizeBytes: 3_000_000 });
  assert.is(surface.buffer.length, 1024 * 1024);
});

test('a camera that cannot be watched, or any longer, says why', () => {
  const { peer } = enter({ refusal: () => 'the camera is disabled' });
  assert.equal(peer.closed, { code: 4000, reason: 'the camera is disabled' });
  assert.equal(surface.calls, []);
  let refusal: string | undefined;
  const watching = enter({ refusal: () => refusal });
  watching.viewer.check();
  assert.is(watching.peer.closed, undefined);
  refusal = 'the camera was removed';
  watching.viewer.check();
  assert.equal(watching.peer.closed, { code: 4000, reason: 'the camera was removed' });
});

test('so many watch, and no more', () => {
  for (let i = 0; i < MOST_OF_USER; i++) assert.is(enter().peer.closed, undefined);
  const more = enter();
  assert.equal(more.peer.closed, { code: 1013, reason: 'this login watches 48 pictures already' });
  more.viewer.closed();
  for (let i = MOST_OF_USER; i < MOST_VIEWERS; i++) {
    assert.is(enter({ user: 2 + (i % 2) }).peer.closed, undefined);
  }
  const { viewer, peer } = enter({ user: 4 });
  assert.equal(peer.closed, { code: 1013, reason: 'too many watch live' });
  viewer.closed();
  assert.is(feeds.figures().viewers, MOST_VIEWERS);
});

test('a copy that one has sent already is not written over while another still needs it', () => {
  const quick = enter();
  const slow = enter();
  begin(quick.viewer);
  begin(slow.viewer);
  quick.peer.takes = slow.peer.takes = false;
  fragment('kept....');
  // From now on both get copies, and the first is rid of its own within the call.
  quick.peer.takes = true;
  quick.peer.bufferedBytes = 0;
  fragment('copied1.');
  fragment('copied2.');
  assert.equal(
    slow.peer.buffers.slice(-2).map(sent => sent.toString('latin1')),
    ['copied1.', 'copied2.'],
  );
});

test('a socket that ends while it is sent a header harms nobody', () => {
  const first = enter();
  const second = enter();
  first.peer.send = () => first.viewer.closed();
  header();
  assert.is(second.peer.take().length, 2);
});

test.run();
