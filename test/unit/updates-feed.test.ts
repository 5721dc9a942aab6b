// The socket of updates: who hears what, how often, and what happens to those who do not read.
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Caller } from '../../src/accounts/index.ts';
import type { Update } from '../../src/api/contract.ts';
import type { WebSocketHandler } from '../../src/api/server.ts';
import { UpdatesFeed } from '../../src/api/updates-feed.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { parseInput } from '../../src/core/index.ts';
import { ADMIN } from '../support/ask-router.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('updates');

let folder: string;
let fakes: FakeServices;
let clock: FakeClock;
let feed: UpdatesFeed;

// biome-ignore lint/suspicious/noExplicitAny: tests look into any message
type Heard = any;

test.before.each(async () => {
  folder = tempDir('updates');
  fakes = await fakeServices(folder);
  clock = fakes.services.clock as FakeClock;
  feed = new UpdatesFeed(fakes.services);
  for (const name of ['Door', 'Yard']) {
    await fakes.cameras.add(parseInput(newCameraSchema, { name, main: { url: `rtsp://10.0.0.2/${name}` } }));
  }
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

class Page {
  readonly heard: Heard[] = [];
  bufferedBytes = 0;
  readonly handler: WebSocketHandler;

  constructor(caller: Caller = ADMIN) {
    this.handler = feed.listener(caller);
    const waiting = () => this.bufferedBytes;
    this.handler.opened({
      close: () => undefined,
      send: message => this.heard.push(JSON.parse(String(message)) as Update),
      get bufferedBytes() {
        return waiting();
      },
    });
  }

  of(type: string): Heard[] {
    return this.heard.filter(one => one.type === type);
  }
}

function viewer(...cameras: number[]): Caller {
  return { ...ADMIN, role: 'viewer', cameras: new Set(cameras) };
}

test('hello holds all states first', () => {
  fakes.gaps.set(2, { startMs: 5, reason: 'offline' });
  const page = new Page();
  const [hello] = page.heard;
  assert.is(hello.type, 'hello');
  assert.equal(
    hello.cameras.map((camera: Heard) => camera.name),
    ['Door', 'Yard'],
  );
  assert.equal(hello.gaps, [{ camera: 2, gap: { startMs: 5, reason: 'offline' } }]);
  assert.equal(hello.events, []);
  assert.is(hello.system.timeMs, clock.nowMs());
  assert.is(hello.system.cameras.length, 2);
});

test('a page hears only of cameras that its caller may see', async () => {
  fakes.problems.push({ kind: 'camera', camera: 1, message: 'one' }, { kind: 'camera', camera: 2, message: 'two' });
  fakes.gaps.set(1, { startMs: 5, reason: 'offline' });
  const page = new Page(viewer(2));
  const [hello] = page.heard;
  assert.equal(
    hello.cameras.map((camera: Heard) => camera.id),
    [2],
  );
  assert.equal(hello.gaps, []);
  assert.ok(hello.problems.every((problem: Heard) => problem.camera === 2));
  assert.equal(
    hello.system.cameras.map((row: number[]) => row[0]),
    [2],
  );
  const { bus } = fakes.world;
  for (const camera of [1, 2]) {
    const stream = 'main' as const;
    bus.emit('segment.opened', { camera, stream, id: `${camera}-main-7-0`, startMs: 7 });
    bus.emit('gap.opened', { camera, stream, startMs: 7, reason: 'offline' });
    bus.emit('footage.deleted', { camera, fromMs: 1, untilMs: 2 });
    bus.emit('camera.changed', { camera });
    bus.emit('event.removed', { camera, id: `${camera}-7-0` });
  }
  fakes.problems.push({ kind: 'camera', camera: 1, message: 'three' });
  await clock.advance(15_000);
  const heardOf = page.heard.slice(1).filter(one => !['system', 'storage'].includes(one.type));
  assert.is(heardOf.length, 6);
  for (const one of heardOf) {
    if (one.type === 'problems') assert.ok(one.problems.every((problem: Heard) => problem.camera === 2));
    else assert.ok(one.camera === 2 || one.camera?.id === 2 || one.id === 2, JSON.stringify(one));
  }
  assert.ok(page.of('system').every(one => one.cameras.every((row: number[]) => row[0] === 2)));
});

test('of an event each hears whether it has reviewed it itself', async () => {
  const pages = [1, 2, 1].map(user => new Page({ ...ADMIN, user }));
  const { events } = fakes.world;
  const id = events.trigger({ camera: 1, source: 'http', action: 'start' });
  assert.ok(id);
  await events.change(id, { reviewed: true }, 2);
  await clock.advance(3000);
  assert.equal(
    pages.map(page => [page.of('event').at(-1)?.event.id, page.of('event').at(-1)?.event.reviewed]),
    [false, true, false].map(reviewed => [id, reviewed]),
  );
  const greeted = [1, 2].map(user => new Page({ ...ADMIN, user }).heard[0].events[0]);
  assert.equal(
    greeted.map(event => [event.id, event.reviewed]),
    [false, true].map(reviewed => [id, reviewed]),
  );
  assert.not.ok(
    JSON.stringify(pages.map(page => page.heard)).includes('reviewedBy'),
    'who else has is nobody’s business',
  );
  await events.stop();
});

test('of one thing a message is told each 250 ms, the newest', async () => {
  const page = new Page();
  await clock.advance(1);
  page.heard.length = 0;
  const { bus } = fakes.world;
  const gap = { camera: 1, stream: 'main', startMs: 7, reason: 'offline' } as const;
  for (let i = 0; i < 100; i++) {
    bus.emit('gap.opened', gap);
    bus.emit('gap.closed', { ...gap, endMs: 10 + i });
    await clock.advance(10);
  }
  await clock.advance(250);
  const gaps = page.of('gap');
  assert.ok(gaps.length >= 4 && gaps.length <= 6, `${gaps.length}`);
  assert.equal(gaps.at(-1), { type: 'gap', camera: 1, gap: { startMs: 7, reason: 'offline', endMs: 109 } });
});

test('deletions of one camera are told as one', async () => {
  const page = new Page();
  fakes.world.bus.emit('footage.deleted', { camera: 1, fromMs: 5, untilMs: 9 });
  fakes.world.bus.emit('footage.deleted', { camera: 1, fromMs: 3, untilMs: 4 });
  await clock.advance(1);
  assert.equal(page.of('deleted'), [{ type: 'deleted', camera: 1, fromMs: 3, untilMs: 9 }]);
});

test('who reads too slowly gets a new hello and no backlog', async () => {
  const page = new Page();
  await clock.advance(1);
  page.bufferedBytes = 1_000_000;
  for (let i = 0; i < 1000; i++) {
    fakes.world.bus.emit('gap.opened', { camera: 1, stream: 'main', startMs: i, reason: 'offline' });
  }
  await clock.advance(20_000);
  const before = page.heard.length;
  page.handler.message('{"ping": 1}');
  assert.is(page.heard.length, before);
  page.bufferedBytes = 0;
  page.handler.drained?.();
  assert.is(page.heard.length, before + 1);
  assert.is(page.heard.at(-1).type, 'hello');
});

test('pings come back, everything else is ignored', () => {
  const page = new Page();
  page.heard.length = 0;
  for (const text of ['{"ping": 42}', '{"ping": "x"}', '{"ping": 1e999}', '[1]', 'null', '{', ''])
    page.handler.message(text);
  assert.equal(page.heard, [{ ping: 42 }]);
});

test('activity tells of bytes and events, at most once a second and only changes', async () => {
  const page = new Page();
  const rate = (bitrateBps: number) => fakes.engine.figures.set(1, { bitrateBps });
  rate(1_000_000);
  await clock.advance(10_000);
  assert.equal(page.of('activity'), [{ type: 'activity', camera: 1, level: 1 }]);
  rate(8_000_000);
  await clock.advance(1000);
  const { level } = page.of('activity').at(-1);
  assert.ok(level >= 6 && level <= 7, `${level}`);
  fakes.world.bus.emit('event.opened', { camera: 1, id: '1-1-0', startMs: 1, labels: [], sources: [] });
  await clock.advance(1000);
  assert.is(page.of('activity').at(-1).level, 15);
  const told = page.of('activity').length;
  await clock.advance(20_000);
  assert.is(page.of('activity').length, told);
});

test('nothing runs while nobody listens', async () => {
  const before = clock.pending;
  const page = new Page();
  const other = new Page();
  fakes.world.bus.emit('gap.opened', { camera: 1, stream: 'main', startMs: 1, reason: 'offline' });
  page.handler.closed();
  assert.ok(clock.pending > before);
  other.handler.closed();
  assert.is(feed.size, 0);
  assert.is(clock.pending, before);
  fakes.world.bus.emit('gap.opened', { camera: 1, stream: 'main', startMs: 1, reason: 'offline' });
  assert.is(clock.pending, before);
  await clock.advance(100_000);
  assert.is(other.of('gap').length, 0);
});

test('sixteen quiet cameras take less than 2 KB a second', async () => {
  for (let i = 0; i < 14; i++) {
    await fakes.cameras.add(parseInput(newCameraSchema, { name: `${i}`, main: { url: `rtsp://10.0.0.2/${i}` } }));
  }
  const page = new Page();
  await clock.advance(1000);
  page.heard.length = 0;
  for (let second = 0; second < 60; second++) {
    for (let camera = 1; camera <= 16; camera++) {
      const wave = second % 2 === 0 ? 1 : 1.3;
      fakes.engine.figures.set(camera, { bitrateBps: 2_000_000 * wave, fps: 15.3 });
    }
    await clock.advance(1000);
  }
  const bytes = page.heard.reduce((sum, one) => sum + JSON.stringify(one).length, 0);
  assert.ok(bytes / 60 <= 2048, `${bytes / 60} bytes per second`);
});

test.run();
