// The volume goes away while the service records, and comes back: a gap, nothing in the directory underneath, and recording again.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { mount, smallVolume, unmount } from '../support/volume.ts';

const test = suite('a missing volume', { timeoutMs: 90_000 });
test.after(stopChildren);
const volume = smallVolume('200m');

test.needs(volume !== undefined, 'may not mount', 'is noticed, not written past, and used again', async () => {
  const dir = join(tempDir('mount'), 'data');
  mkdirSync(dir);
  assert.ok(mount('--bind', volume ?? '', dir));
  const clip = { fps: 10, seconds: 10, gop: 10, unitBytes: 5000, audio: false };
  const camera = await Camera.start({ clips: [clip] });
  try {
    const service = await Service.start({ dataDir: dir });
    const body = { name: 'Yard', main: { url: camera.url }, record: { segmentMs: 5000 } };
    const { id } = await service.post<{ id: number }>('/api/cameras', body);
    await service.until<{ segments: unknown[] }>(`/api/segments?camera=${id}`, list => list.segments.length > 0);
    const last = async () => (await timelineOf(service, id)).gaps.at(-1);

    assert.ok(unmount(dir));
    await within(10_000, async () => (await last())?.reason === 'no-volume');
    assert.is((await service.get<{ status: string }>('/api/health')).status, 'degraded');
    await new Promise(resolve => setTimeout(resolve, 7000));
    assert.equal(readdirSync(dir), [], 'nothing is made underneath');

    assert.ok(mount('--bind', volume ?? '', dir));
    await within(10_000, async () => (await last())?.endMs !== undefined);
    await new Promise(resolve => setTimeout(resolve, 2000));
    assert.equal(await footageFaults(service, () => false), []);
    assert.is((await service.stop()).code, 0);
  } finally {
    unmount(dir);
    await camera.stop();
  }
});

/** Asks until it is so. */
async function within(ms: number, isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + ms; !(await isSo()); ) {
    assert.ok(Date.now() < endMs, `not within ${ms} ms`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

test.run();
