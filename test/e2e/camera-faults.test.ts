// Cameras that freeze, die and come back, beside one that works: states, gaps, and nothing lost that was sent.
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera } from '../../src/api/contract.ts';
import { differenceFromRun } from '../support/access-units.ts';
import { Camera } from '../support/camera.ts';
import { CameraChild } from '../support/camera-child.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { listSegments, timelineOf } from '../support/footage.ts';
import { hashes, probeSegments } from '../support/recorded.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const GOP_MS = 1000;

const cameras: Camera[] = [];
const test = suite('faulty cameras', { timeoutMs: 90_000 });
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

async function add(service: Service, name: string, url: string): Promise<number> {
  return (await service.post<{ id: number }>('/api/cameras', { name, main: { url } })).id;
}

function isLive(camera: ApiCamera): boolean {
  return camera.state.name === 'live';
}

test('a frozen camera is stalled within 6 s, has a gap from its last packet, and disturbs nobody', async () => {
  const clip = await clipFile(CLIPS.small);
  const frozen = await CameraChild.start({ clips: [clip] });
  const good = await Camera.start({ clips: [clip] });
  cameras.push(good);
  const service = await Service.start();
  const frozenId = await add(service, 'Frozen', frozen.url);
  const goodId = await add(service, 'Good', good.url);
  await service.until<ApiCamera>(`/api/cameras/${frozenId}`, isLive);
  await service.until<ApiCamera>(`/api/cameras/${goodId}`, isLive);
  await pause(2500);

  frozen.kill('SIGSTOP');
  const stoppedMs = Date.now();
  const stalled = await service.until<ApiCamera>(`/api/cameras/${frozenId}`, one => one.state.name === 'stalled', 8000);
  assert.ok(Date.now() - stoppedMs <= 6000, `stalled after ${Date.now() - stoppedMs} ms`);
  assert.is(stalled.state.reason, 'stalled');
  await service.until<ApiCamera>(`/api/cameras/${frozenId}`, one => one.state.name === 'reconnecting', 8000);
  const reconnectingMs = Date.now();
  assert.ok(reconnectingMs - stoppedMs >= 9000, 'not before ten seconds without a picture');

  frozen.kill('SIGCONT');
  await service.until<ApiCamera>(`/api/cameras/${frozenId}`, isLive, 15_000);
  await service.until<{ segments: unknown[] }>(`/api/segments?camera=${frozenId}`, list => list.segments.length >= 2);
  const { gaps } = await timelineOf(service, frozenId);
  const gap = gaps.find(one => one.reason === 'stalled');
  assert.ok(gap, JSON.stringify(gaps));
  assert.ok(
    Math.abs((gap?.startMs ?? 0) - stoppedMs) <= 300,
    `the gap begins ${(gap?.startMs ?? 0) - stoppedMs} ms after`,
  );
  assert.ok((gap?.endMs ?? 0) > reconnectingMs - 1000, 'and ends when pictures come again');

  await service.patch(`/api/cameras/${goodId}`, { record: { mode: 'off' } });
  const files = await probeSegments(service.dataDir, await listSegments(service, goodId));
  const sent = good.sentUnits('video', 1).map(unit => unit.sha256);
  assert.is(differenceFromRun(hashes(files, 'video'), sent), undefined, 'the other camera');
  assert.equal(
    (await timelineOf(service, goodId)).gaps.filter(one => one.reason !== 'stopped'),
    [],
  );
  assert.is((await service.stop()).code, 0);
});

test('a camera that is killed and back after 5 s is recorded again at once', async () => {
  const clip = await clipFile(CLIPS.small);
  const first = await CameraChild.start({ clips: [clip] });
  const service = await Service.start();
  const id = await add(service, 'Killed', first.url);
  await service.until<ApiCamera>(`/api/cameras/${id}`, isLive);
  await pause(2000);
  first.kill('SIGKILL');
  const killedMs = Date.now();
  const lost = await service.until<ApiCamera>(`/api/cameras/${id}`, one => one.state.name === 'reconnecting', 3000);
  assert.ok(lost.state.reason, 'a reason');
  await pause(5000 - (Date.now() - killedMs));
  await CameraChild.start({ clips: [clip], port: first.port });
  const backMs = Date.now();
  const { segments } = await service.until<{ segments: { startMs: number }[] }>(
    `/api/segments?camera=${id}`,
    list => list.segments.length >= 2,
    10_000,
  );
  const again = segments.at(-1)?.startMs ?? 0;
  assert.ok(again - backMs <= 1500 + GOP_MS, `recorded again ${again - backMs} ms after it is back`);
  const gap = (await timelineOf(service, id)).gaps.at(-1);
  assert.is(gap?.reason, 'offline');
  assert.ok(
    Math.abs((gap?.startMs ?? 0) - killedMs) <= 300,
    `the gap begins ${(gap?.startMs ?? 0) - killedMs} ms after`,
  );
  assert.is(gap?.endMs, again);
  assert.is((await service.stop()).code, 0);
});

test('losses, noise, a new source and a jump of time leave files that play and times that rise', async () => {
  const script = [
    { atVideoUnit: 60, fault: { kind: 'lose' as const, track: 'video' as const, packets: 1 } },
    { atVideoUnit: 90, fault: { kind: 'garbage' as const, bytes: 37 } },
    { atVideoUnit: 120, fault: { kind: 'new-ssrc' as const } },
    { atVideoUnit: 160, fault: { kind: 'jump' as const, byMs: 3_600_000 } },
    { atVideoUnit: 200, fault: { kind: 'jump' as const, byMs: -86_400_000, videoUnits: 1 } },
  ];
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)], script });
  cameras.push(camera);
  const service = await Service.start();
  const id = await add(service, 'Confused', camera.url);
  await pause(12_000);
  await service.patch(`/api/cameras/${id}`, { record: { mode: 'off' } });
  const segments = await listSegments(service, id);
  const files = await probeSegments(service.dataDir, segments);
  const recorded = hashes(files, 'video');
  const whole = camera.sentUnits('video', 1).filter(unit => unit.whole);
  const known = new Set(whole.map(unit => unit.sha256));
  // One picture was sent in part; what arrived of it may stand in the file.
  const intact = recorded.filter(sha256 => known.has(sha256));
  assert.ok(recorded.length - intact.length <= 1, `${recorded.length - intact.length} pictures that nobody sent`);
  assert.is(
    differenceFromRun(
      intact,
      whole.map(unit => unit.sha256),
    ),
    undefined,
  );
  const spanMs = (segments.at(-1)?.endMs ?? 0) - (segments[0]?.startMs ?? 0);
  assert.ok(Math.abs(spanMs - recorded.length * 40) < 1500, `${spanMs} ms for ${recorded.length} pictures`);
  for (const file of files) {
    const times = file.video.map(packet => packet.dtsTicks);
    assert.ok(
      times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)),
      'decode times rise',
    );
    assert.ok(file.durationS < 60, `${file.segment.id} claims ${file.durationS} s`);
  }
  await service.stop();
});

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, ms)));
}

test.run();
