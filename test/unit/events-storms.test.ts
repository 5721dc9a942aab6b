// Storms of triggers: what they cost is bounded. And the pictures of events: when they are made, and what becomes of failures.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { EventWorld } from '../support/event-world.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('events: storms and pictures');

let folder = '';
let world: EventWorld;
let t0 = 0;

test.before.each(() => {
  folder = tempDir('events');
  world = new EventWorld(folder);
  world.camera(1);
  t0 = world.clock.nowMs();
});
test.after.each(() => world.events.stop());

function pulse(camera = 1): string {
  return world.events.trigger({ camera, source: 'http', action: 'pulse' }) as string;
}

test('a thousand triggers a minute on each of four cameras: one event each, few calls, few messages, few commits', async () => {
  const labels = ['person', 'dog', 'car', 'bicycle'];
  for (const camera of [1, 2, 3, 4]) world.camera(camera, { maxMs: 600_000 });
  const minutes = 2;
  for (let n = 0; n < minutes * 1000; n++) {
    for (const camera of [1, 2, 3, 4]) {
      const box: [number, number, number, number] = [0, 0, (n % 100) / 100, 1];
      world.events.trigger({
        ...{ camera, source: 'http', action: 'pulse', label: labels[n % 4], score: (n % 997) / 1000 },
        ...{ timeMs: world.clock.nowMs() - (n % 7) * 300, boxes: [{ box, score: (n % 991) / 1000 }] },
      });
    }
    await world.clock.advance(60);
  }
  const seconds = minutes * 60 + 2;
  assert.is(world.events.list({ limit: 100 }).events.length, 4);
  for (const camera of [1, 2, 3, 4]) {
    const captures = world.captures.filter(one => one.camera === camera);
    assert.ok(captures.length <= seconds, `${captures.length} calls`);
    assert.ok(world.told.filter(({ event }) => event.camera === camera).length <= seconds);
    for (const [index, { fromMs }] of captures.entries()) {
      if (index > 0) assert.ok(fromMs <= (captures[index - 1]?.untilMs ?? 0), 'footage without a hole');
    }
  }
  assert.ok(world.commits.length <= seconds, `${world.commits.length} commits`);
  assert.is(
    world.events.figures().triggers.reduce((sum, { count }) => sum + count, 0),
    minutes * 4000,
  );
  await world.clock.advance(120_000);
  assert.is(world.clock.pending, 0);
});

test('storms of triggers with any times, and without a merge window: no storm of events', async () => {
  world.camera(1, { mergeMs: 0, maxMs: 10_000 });
  for (let n = 0; n < 1000; n++) {
    world.events.trigger({
      camera: 1,
      source: 'http',
      action: 'pulse',
      timeMs: world.clock.nowMs() - ((n * 7919) % 60_000),
    });
    await world.clock.advance(60);
  }
  const { length } = world.events.list({ limit: 1000 }).events;
  assert.ok(length <= 61, `${length} events in a minute`);
});

test('storms of starts and stops', async () => {
  for (let n = 0; n < 2000; n++) {
    world.events.trigger({ camera: 1, source: 'http', action: n % 3 === 2 ? 'stop' : 'start', label: `l${n % 200}` });
    await world.clock.advance(20);
  }
  assert.is(world.events.list({ limit: 100 }).events.length, 1);
  assert.ok(world.captures.length <= 42);
});

test('a picture is made when the footage of the cause is on disk, with some behind it', async () => {
  const id = pulse();
  await world.clock.advance(1600);
  assert.equal(world.pictures, []);
  const open = { startMs: t0 - 6000, clockGen: 0, sizeBytes: 900, path: '1/a.mp4', codecs: '' };
  world.written.set(1, { ...open, endMs: t0 + 500 });
  await world.clock.advance(3000);
  assert.equal(world.pictures, [], 'the nearest keyframe may still come');
  world.written.set(1, { ...open, endMs: t0 + 1000 });
  await world.clock.advance(1000);
  const { isWanted, ...request } = world.pictures[0] ?? {};
  assert.equal(request, {
    ...{ path: join(folder, '1/a.mp4'), sizeBytes: 900, camera: 1, stream: 'main', startMs: t0 - 6000, clockGen: 0 },
    ...{ atMs: t0, width: 640 },
  });
  assert.is(isWanted?.(), true);
  await until(() => world.events.get(id).picture !== undefined);
  assert.equal(world.events.get(id).picture, { atMs: t0 + 40, width: 640, height: 360, sizeBytes: 6 });
  assert.is(readFileSync(world.events.picturePath(id), 'utf8'), 'a jpeg');
  assert.equal(readdirSync(dirname(world.events.picturePath(id))), [`${id}.jpg`]);
  assert.equal(world.events.figures().pictures, { waiting: 0, made: 1, failed: 0 });
});

test('what cannot be is tried a few times, said once, and left out; damage is not tried again', async () => {
  const id = pulse();
  await world.clock.advance(60_000);
  assert.equal(world.log.messages('warn'), ['an event goes without a picture']);
  assert.throws(
    () => world.events.picturePath(id),
    (error: NvrError) => error.kind === 'not-found',
  );
  world.make = async () => {
    throw new NvrError('data-loss', 'the keyframe is damaged');
  };
  const at = world.clock.nowMs();
  world.written.set(1, { startMs: at, clockGen: 0, endMs: at + 9000, sizeBytes: 9, path: 'b', codecs: '' });
  pulse();
  await world.clock.advance(2000);
  assert.is(world.pictures.length, 1);
  assert.equal(world.events.figures().pictures, { waiting: 0, made: 0, failed: 2 });
});

test('a GOP of footage behind the cause is waited for, at most two GOPs long and 15 s', async () => {
  const open = { startMs: t0 - 20_000, clockGen: 0, sizeBytes: 900, path: '1/a.mp4', codecs: '' };
  const waited = async (gopMs: number, reachMs: number): Promise<number> => {
    const from = world.clock.monotonicMs();
    const camera = 10 + from;
    world.camera(camera);
    world.gopMs = gopMs;
    const at = world.clock.nowMs();
    pulse(camera);
    const before = world.pictures.length;
    while (world.pictures.length === before) {
      world.written.set(camera, { ...open, endMs: Math.min(world.clock.nowMs(), at + reachMs) });
      await world.clock.advance(500);
    }
    await until(() => world.events.figures().pictures.waiting === 0);
    return world.clock.monotonicMs() - from;
  };
  for (const [gopMs, reachMs, fromMs, toMs] of [
    [500, 60_000, 1000, 2500],
    [4000, 60_000, 4000, 6000],
    [4000, 3000, 8000, 10_500],
    [60_000, 60_000, 15_000, 17_000],
    [60_000, 2000, 15_000, 17_500],
    [0, 200, 4000, 6500],
  ] as const) {
    const ms = await waited(gopMs, reachMs);
    assert.ok(ms >= fromMs && ms <= toMs, `GOP ${gopMs}, ${reachMs} ms behind it: ${ms} ms`);
  }
});

const closedSegment = {
  ...{ id: '', camera: 1, stream: 'main' as const, clockGen: 0, sizeBytes: 9, codecs: '', locked: false },
  endReason: 'length' as const,
};

test('the nearer keyframe may begin the next file', async () => {
  world.make = async ({ atMs, path }) => ({
    ...{ jpeg: Buffer.from(path.slice(-5, -4)), width: 640, height: 360 },
    atMs: path.endsWith('a.mp4') ? atMs - 700 : t0 + 400,
  });
  world.segments.push({ ...closedSegment, startMs: t0 - 9000, endMs: t0 + 400, path: '1/a.mp4' });
  const open = { clockGen: 0, sizeBytes: 9, codecs: '', path: '1/b.mp4' };
  world.written.set(1, { ...open, startMs: t0 + 400, endMs: t0 + 400 });
  const id = pulse();
  await world.clock.advance(2000);
  assert.equal(world.pictures, [], 'nothing of it is on disk');
  world.written.set(1, { ...open, startMs: t0 + 400, endMs: t0 + 900 });
  await world.clock.advance(1000);
  await until(() => world.events.get(id).picture !== undefined);
  assert.is(world.events.get(id).picture?.atMs, t0 + 400);
  assert.is(readFileSync(world.events.picturePath(id), 'utf8'), 'b');
  assert.is(world.pictures.length, 2);
});

test('the next file is not opened when it cannot be nearer, and not missed when it cannot be read', async () => {
  world.segments.push({ ...closedSegment, startMs: t0 - 9000, endMs: t0 + 400, path: '1/a.mp4' });
  world.segments.push({ ...closedSegment, startMs: t0 + 400, endMs: t0 + 5000, path: '1/b.mp4' });
  const first = pulse();
  await world.clock.advance(2000);
  assert.equal(
    world.pictures.map(({ path }) => path),
    [join(folder, '1/a.mp4')],
    '40 ms away',
  );
  await until(() => world.events.get(first).picture !== undefined);
  world.make = async ({ atMs, path }) => {
    if (path.endsWith('b.mp4')) throw new NvrError('data-loss', 'the keyframe is damaged');
    return { jpeg: Buffer.from('a'), atMs: atMs - 2000, width: 640, height: 360 };
  };
  const second = world.events.trigger({ camera: 1, source: 'http', action: 'pulse', timeMs: t0 + 200 });
  assert.is(second, first);
  world.camera(2);
  for (const one of world.segments) Object.assign(one, { camera: 2 });
  const other = world.events.trigger({ camera: 2, source: 'http', action: 'pulse', timeMs: t0 }) as string;
  await world.clock.advance(2000);
  await until(() => world.events.get(other).picture !== undefined);
  assert.is(world.events.get(other).picture?.atMs, t0 - 2000);
});

test('of a camera that came back after the cause, the first picture from then', async () => {
  world.segments.push({ ...closedSegment, startMs: t0 - 4000, endMs: t0 - 3000, path: '1/a.mp4' });
  world.segments.push({ ...closedSegment, startMs: t0 + 1000, endMs: t0 + 9000, path: '1/b.mp4' });
  world.make = async ({ path }) => ({
    ...{ jpeg: Buffer.from('b'), width: 640, height: 360 },
    atMs: path.endsWith('a.mp4') ? t0 - 4000 : t0 + 1000,
  });
  const id = pulse();
  await world.clock.advance(70_000);
  await until(() => world.events.get(id).picture !== undefined);
  assert.is(world.events.get(id).picture?.atMs, t0 + 1000);
});

test('of a camera that was gone by then, the last picture from before', async () => {
  const one = {
    camera: 1,
    stream: 'main' as const,
    clockGen: 0,
    sizeBytes: 9,
    codecs: '',
    endReason: 'reconnect' as const,
  };
  const times = { startMs: t0 - 4000, endMs: t0 - 1000 };
  world.segments.push({ ...one, ...times, id: '', path: '1/a.mp4', locked: false });
  const id = pulse();
  await world.clock.advance(60_000);
  assert.equal(
    world.pictures.map(({ path, atMs }) => [path, atMs]),
    [[join(folder, '1/a.mp4'), t0]],
  );
  await until(() => world.events.get(id).picture !== undefined);
});

test('no picture goes to the directory under a missing volume', async () => {
  world.isThere = false;
  world.written.set(1, { startMs: t0, clockGen: 0, endMs: t0 + 90_000, sizeBytes: 9, path: 'b', codecs: '' });
  pulse();
  await world.clock.advance(60_000);
  assert.is(world.pictures.length, 5);
  assert.equal(readdirSync(folder), []);
  assert.is(world.events.figures().pictures.failed, 1);
});

test('those that wait for their picture are bounded', async () => {
  for (let camera = 1; camera <= 70; camera++) {
    world.camera(camera);
    pulse(camera);
  }
  assert.equal(world.events.figures().pictures, { waiting: 64, made: 0, failed: 6 });
  await world.events.stop();
  assert.is(world.events.figures().pictures.waiting, 0);
});

/** The file is written by the system, outside the clock of the test. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2));
}

test.run();
