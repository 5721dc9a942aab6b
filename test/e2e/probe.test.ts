// Trying cameras before they are added, against our camera with its faults.
import * as assert from 'uvu/assert';
import type { ProbeResult } from '../../src/api/contract.ts';
import { Camera, type CameraOptions } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('camera probe', { timeoutMs: 40_000 });
test.after(stopChildren);

test('tells what a camera sends, or what is wrong, and adds nothing', async () => {
  const service = await Service.start();
  const clip = await clipFile(CLIPS.small);
  const ask = (body: object) => service.post<ProbeResult>('/api/cameras/probe', body);
  const withCamera = async (options: Partial<CameraOptions>, body: object = {}) => {
    const camera = await Camera.start({ clips: [clip], ...options });
    try {
      return await ask({ url: camera.url, ...body });
    } finally {
      await camera.stop();
    }
  };
  const [good, silent, wrong, missing, strange] = await Promise.all([
    withCamera({}),
    ask({ url: 'rtsp://127.0.0.1:9/none' }),
    withCamera({ refuseDescribe: 401 }, { username: 'me', password: 'canary-secret' }),
    withCamera({ refuseDescribe: 404 }),
  ]).then(async first => [...first, await withCamera({ claimVideo: 'VP9' })]);
  const [stream] = good?.streams ?? [];
  assert.equal(
    [good?.ok, stream?.codec, stream?.width, stream?.height, stream?.audio],
    [true, 'h264', 320, 180, 'aac'],
  );
  assert.ok(Math.abs((stream?.fps ?? 0) - 25) <= 2.5, `${stream?.fps} pictures per second`);
  const picture = Buffer.from(good?.picture ?? '', 'base64');
  assert.equal([...picture.subarray(0, 3)], [0xff, 0xd8, 0xff], 'a JPEG of what it sees');
  const kinds = [silent, wrong, missing, strange].map(result => result?.problem?.kind);
  assert.equal(kinds, ['refused', 'unauthorized', 'no-stream', 'unsupported-codec']);
  assert.not.match(JSON.stringify([wrong, service.child.stdout]), 'canary-secret');
  assert.equal(await service.get('/api/cameras'), { cameras: [] });
  assert.is((await service.stop()).code, 0);
});

test.run();
