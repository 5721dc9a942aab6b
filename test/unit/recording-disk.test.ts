// What recording makes of a disk's odd moments: files that were never said to be open, and news that come late.
import * as assert from 'uvu/assert';
import { segmentPath } from '../../src/storage/layout.ts';
import { suite } from '../support/suite.ts';
import { recordingWorld, T0, type World } from './recording-world.ts';

const test = suite('recording on bad disks');

function failed(world: World, path: string, code: string, step: string, startMs: number): void {
  const stream = { camera: 1, stream: 'main' } as const;
  world.engine.emit({ type: 'storage-failed', ...stream, path, code, step, startMs, lostBytes: 9 });
}

test('a file that could neither be made nor removed is left to the next start', async () => {
  const world = await recordingWorld();
  const path = segmentPath({ camera: 1, stream: 'main', startMs: T0, clockGen: 0 }, false);
  failed(world, path, 'EIO', 'create', T0);
  world.wrote(T0 + 5000, T0 + 9000, 'mode');
  await world.camera(1, { enabled: false });
  assert.is(world.calls.at(-1), 'close 1/main leftovers');
});

test('a file that could not be made and is gone is no leftover', async () => {
  const world = await recordingWorld();
  failed(world, '', 'EIO', 'create', T0);
  world.wrote(T0 + 5000, T0 + 9000, 'mode');
  await world.camera(1, { enabled: false });
  assert.is(world.calls.at(-1), 'close 1/main');
});

test('files that a hung disk made from its queue do not end the gap behind them', async () => {
  const world = await recordingWorld();
  world.engine.link(1, 'live');
  world.opened(T0);
  failed(world, '', 'slow-disk', 'write', T0 + 16_000);
  world.closed(T0, T0 + 5000, 'length');
  world.wrote(T0 + 5000, T0 + 10_000);
  world.opened(T0 + 10_000);
  world.closed(T0 + 10_000, T0 + 16_000, 'timestamp-jump');
  assert.equal(world.gapList(), [[16_000, undefined, 'slow-disk']]);
  world.opened(T0 + 22_000);
  assert.equal(world.gapList(), [[16_000, 22_000, 'slow-disk']]);
});

test.run();
