// The built service on a small volume: it goes on when the volume is full, and records again when it was full of other things.
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseSegmentId } from '../../src/core/index.ts';
import { stopChildren } from '../support/child.ts';
import { footageFaults, listSegments, timelineOf } from '../support/footage.ts';
import { recordPastFull, startFull } from '../support/full-volume.ts';
import { suite } from '../support/suite.ts';
import { mountProblem, Volume } from '../support/volume.ts';

const test = suite('a full volume', { timeoutMs: 120_000 });
test.after(stopChildren);
const problem = mountProblem();

test.needs(!problem, problem ?? '', 'the floor holds, the oldest goes first, locks stay, nothing stalls', async () => {
  const result = await recordPastFull(new Volume(32).folder, 25_000);
  assert.ok(result.lowestFreeBytes >= result.floorBytes, JSON.stringify([result.lowestFreeBytes, result.floorBytes]));
  assert.ok(result.deleted.length >= 6, `${result.deleted.length} deleted`);
  assert.is(result.locked.length, 1);
  assert.equal(result.faults, []);
  assert.equal(
    result.gapReasons.filter(reason => !['deleted', 'disabled'].includes(reason)),
    [],
  );
  assert.ok(result.longestHoleMs <= 200, `a hole of ${result.longestHoleMs} ms`);
  const starts = result.deleted.map(id => parseSegmentId(id)?.startMs ?? 0);
  assert.equal(
    starts,
    starts.toSorted((a, b) => a - b),
    'oldest first over both cameras',
  );
  assert.ok(result.remaining.every(segment => segment.startMs > (starts.at(-1) ?? 0)));
});

test.needs(
  !problem,
  problem ?? '',
  'full of other files: a gap says so, and recording is back within 10 s of space',
  async () => {
    const dir = new Volume(48).folder;
    const { service, cameras, ids } = await startFull(dir);
    const [id = 0] = ids;
    await service.until<{ segments: unknown[] }>(
      `/api/segments?camera=${id}`,
      list => list.segments.length >= 2,
      30_000,
    );
    // Locked, so that retention cannot help.
    for (const segment of await listSegments(service, id)) {
      if (!segment.open) await service.patch(`/api/segments/${segment.id}`, { locked: true });
    }
    const filler = join(dir, 'filler');
    const isFull = (camera: number) =>
      timelineOf(service, camera).then(({ gaps }) => gaps.at(-1)?.reason === 'disk-full');
    const deadline = Date.now() + 60_000;
    for (let n = 0; !(await isFull(id)); n++) {
      assert.ok(Date.now() < deadline, 'no gap disk-full');
      const { bavail, bsize } = statfsSync(dir);
      writeFileSync(`${filler}${n}`, Buffer.alloc(Math.max(0, bavail * bsize)));
      await pause(500);
    }
    assert.is((await service.get<{ status: string }>('/api/health')).status, 'degraded');
    const { problems } = await service.get<{ problems: { cure?: string }[] }>('/api/status');
    assert.ok(
      problems.some(one => one.cure),
      JSON.stringify(problems),
    );
    const [oldest] = await listSegments(service, id);
    await service.download(oldest?.id ?? '');
    for (let n = 0; n < 200; n++) rmSync(`${filler}${n}`, { force: true });
    const spaceMs = Date.now();
    for (const camera of ids) {
      while ((await timelineOf(service, camera)).gaps.at(-1)?.endMs === undefined) {
        assert.ok(Date.now() - spaceMs <= 10_000, 'not recording again after 10 s');
        await pause(100);
      }
    }
    await pause(1000);
    assert.equal(await footageFaults(service, () => false), []);
    assert.is((await service.stop()).code, 0);
    await Promise.all(cameras.map(camera => camera.stop()));
  },
);

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

test.run();
