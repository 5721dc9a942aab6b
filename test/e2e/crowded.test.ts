// Other programs fill the volume of the built service: footage makes room down to a part of what there was, and a gap says the rest.
import * as assert from 'uvu/assert';
import type { Problem, Status, StorageInfo } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { startFull } from '../support/full-volume.ts';
import type { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { mountProblem, Volume } from '../support/volume.ts';

const test = suite('a crowded volume', { timeoutMs: 120_000 });
test.after(stopChildren);
const problem = mountProblem();

const storage = (service: Service) => service.get<StorageInfo>('/api/storage');

test.needs(
  !problem,
  problem ?? '',
  'footage is not eaten up, the owner is told, and all is well with room',
  async () => {
    const volume = new Volume(48);
    const { service, cameras, ids } = await startFull(volume.folder);
    await service.patch('/api/settings', { storage: { leastKeptPercent: 80, floorBytes: 16 * 1024 * 1024 } });
    const [id = 0] = ids;
    const before = await service.until<StorageInfo>('/api/storage', ({ segments }) => segments >= 6, 60_000);
    // At once, as a copy of something large does it; what retention frees is taken, too.
    const isFull = async () => (await timelineOf(service, id)).gaps.at(-1)?.reason === 'disk-full';
    const deadlineMs = Date.now() + 60_000;
    while (!(await isFull())) {
      assert.ok(Date.now() < deadlineMs, 'no gap disk-full');
      volume.fill();
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    const told = (await service.get<Status>('/api/status')).problems.find((one: Problem) => one.kind === 'no-space');
    assert.match(told?.message ?? '', /^Other files have filled the storage volume/);
    assert.ok(told?.cure);
    const left = await storage(service);
    // 80 % of the most there was, less the room that was made in it and the file at the border.
    assert.ok(left.sizeBytes >= before.sizeBytes * 0.3, `${left.sizeBytes} of ${before.sizeBytes} left`);
    assert.is((await service.get<{ status: string }>('/api/health')).status, 'degraded');

    volume.makeRoom();
    for (const camera of ids) {
      await service.until<{ cameras: { gaps: { endMs?: number }[] }[] }>(
        `/api/timeline?camera=${camera}&startMs=${Date.now() - 86_400_000}&endMs=${Date.now() + 3_600_000}`,
        ({ cameras: [one] }) => one?.gaps.at(-1)?.endMs !== undefined,
        30_000,
      );
    }
    await service.until<Status>(
      '/api/status',
      ({ problems }) => !problems.some(({ kind }) => kind === 'no-space'),
      30_000,
    );
    assert.equal(await footageFaults(service, () => false), []);
    assert.is((await service.stop()).code, 0);
    await Promise.all(cameras.map(camera => camera.stop()));
  },
);

test.run();
