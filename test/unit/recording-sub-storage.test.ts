// Footage of sub streams takes room like that of main: retention and forecast count both.
import * as assert from 'uvu/assert';
import type { StreamName } from '../../src/core/index.ts';
import { StorageReport } from '../../src/recording/storage-report.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { DAY_MS, MB, RetentionWorld, T0 } from '../support/retention-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('storage of sub streams');

function add(world: RetentionWorld, stream: StreamName, startMs: number, sizeBytes: number): string {
  const key = { camera: 1, stream, startMs, clockGen: 0 };
  const rest = { sizeBytes, codecs: 'avc1', endReason: 'length', path: segmentPath(key, false) } as const;
  world.segments.record({ ...key, ...rest, endMs: startMs + 60_000 });
  return `1-${stream}-${startMs}-0`;
}

/** A segment of each stream a day: main of 8 MB, a minute later sub of 2 MB. */
function footage(world: RetentionWorld, days: number): string[] {
  return Array.from({ length: days }, (_, day) => [
    add(world, 'main', T0 + day * DAY_MS, 8 * MB),
    add(world, 'sub', T0 + day * DAY_MS + 60_000, 2 * MB),
  ]).flat();
}

test('what was recorded first goes first, whatever its stream', async () => {
  const world = new RetentionWorld().camera(1);
  const ids = footage(world, 95);
  assert.equal(await world.look(), ids.slice(0, 10));
  await world.retention.stop();
});

test('the quota of a camera is for both streams', async () => {
  const world = new RetentionWorld().camera(1, { quotaBytes: 100 * MB });
  const ids = footage(world, 15);
  assert.equal(await world.look(), ids.slice(0, 10));
  await world.retention.stop();
});

test('the forecast counts what both write', async () => {
  const world = new RetentionWorld().camera(1);
  const nowMs = world.clock.nowMs();
  const { segments, engine, clock, settings, retention } = world;
  for (let minute = 0; minute < 60; minute++) {
    add(world, 'main', nowMs - (60 - minute) * 60_000, 4 * MB);
    add(world, 'sub', nowMs - (60 - minute) * 60_000, MB);
  }
  const volume = async () => ({ freeBytes: world.freeBytes, totalBytes: world.totalBytes });
  const cameras = { list: () => world.cameras as never };
  const report = new StorageReport({
    ...{ store: { segments, volume }, engine, cameras, settings: () => settings, retention, clock },
  });
  const [camera] = await report.forecast();
  assert.is(camera?.bytesPerDay, 5 * MB * 60 * 24);
  const { cameras: shown } = await report.figures();
  assert.equal([shown[0]?.segments, shown[0]?.sizeBytes], [120, 300 * MB]);
});

test.run();
