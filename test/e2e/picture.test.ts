// Pictures of what a camera sends: while the segment is written, and when it is closed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { ErrorBody, Segment } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { listSegments, segmentPath } from '../support/footage.ts';
import { jpegPixels, psnr, videoPixels } from '../support/pixels.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('pictures', { timeoutMs: 60_000 });
const cameras: Camera[] = [];
let service: Service;

test.before(async () => {
  service = await Service.start();
});
test.after(async () => {
  await service?.stop();
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

async function addCamera(spec: keyof typeof CLIPS): Promise<number> {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS[spec])] });
  cameras.push(camera);
  const { id } = await service.post<{ id: number }>('/api/cameras', { name: spec, main: { url: camera.url } });
  return id;
}

async function picture(segment: Segment, query = '') {
  return service.exchange('GET', `/api/segments/${segment.id}/picture.jpg${query}`);
}

/** Waits for an open segment with so much in it. */
async function openSegment(camera: number, leastMs: number): Promise<Segment> {
  for (;;) {
    const found = (await listSegments(service, camera)).at(-1);
    if (found?.open && found.endMs - found.startMs >= leastMs) return found;
    await wait(100);
  }
}

for (const spec of ['smallHevcBFrames', 'smallBFrames'] as const) {
  test(`${spec}: of the open segment, then of the closed one`, async () => {
    const camera = await addCamera(spec);
    const open = await openSegment(camera, 2500);
    const live = await picture(open, `?atMs=${open.startMs + 2000}`);
    assert.is(live.status, 200, live.data.toString('utf8', 0, 300));
    assert.is(live.headers['content-type'], 'image/jpeg');
    assert.is(live.headers['cache-control'], 'no-store');

    await service.patch(`/api/cameras/${camera}`, { record: { mode: 'off' } });
    const [closed] = await listSegments(service, camera);
    assert.ok(closed && !closed.open && closed.id === open.id);
    const still = await picture(closed, `?atMs=${open.startMs + 2000}`);
    assert.is(still.headers['cache-control'], 'private, no-cache');
    assert.ok(still.headers.etag);
    assert.equal(still.data, live.data);

    const atMs = Number(still.headers['picture-time-ms']);
    assert.ok(Math.abs(atMs - open.startMs - 2000) <= 500, `${atMs - open.startMs}`);
    const path = join(tempDir('jpeg'), 'picture.jpg');
    writeFileSync(path, still.data);
    const file = join(service.dataDir, 'segments', segmentPath(closed));
    const size = { width: 320, height: 180 };
    const wanted = await videoPixels(file, (atMs - open.startMs) / 1000, { matrix: 'bt601', range: 'tv' }, size);
    assert.ok(psnr(await jpegPixels(path), wanted) > 36);

    await service.delete(`/api/segments/${closed.id}`);
    const gone = await service.ask<ErrorBody>('GET', `/api/segments/${closed.id}/picture.jpg`);
    assert.is(gone.status, 404);
    assert.is(gone.body.error.kind, 'not-found');
  });
}

test.run();
