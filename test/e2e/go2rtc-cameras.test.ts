// Cameras that the service reaches through go2rtc, the stand-in always and a real one where there is one: they record, and what befalls
// go2rtc or the camera is a gap with its reason, behind which recording goes on.
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera, ProbeResult, Segment, Status } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { listSegments, timelineOf } from '../support/footage.ts';
import { programs, realGo2rtc } from '../support/go2rtc/peer.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras behind go2rtc', { timeoutMs: 120_000 });
const problem = gstProblem() ?? serviceProblem();
const real = realGo2rtc();
test.after(stopChildren);

const isLive = (camera: ApiCamera) => camera.state.name === 'live';

async function world(binary: string, mount: { udp?: boolean; ticks?: 'pcma' } = {}) {
  const clip = await clipFile(CLIPS.small);
  const cameras = await GstCameras.start({ mounts: { cam: { clip, ...mount }, direct: { clip } } });
  const service = await Service.start();
  await service.patch('/api/settings', { go2rtc: { binary, webrtcPort: 0 } });
  await service.until<Status>('/api/status', ({ go2rtc }) => go2rtc.name === 'idle');
  const add = async (name: string, more: object) =>
    (await service.post<{ id: number }>('/api/cameras', { name, ...more })).id;
  const live = (id: number) => service.until<ApiCamera>(`/api/cameras/${id}`, isLive, 20_000);
  const recorded = (id: number, least: number) =>
    service.until<{ segments: Segment[] }>(
      `/api/segments?camera=${id}`,
      ({ segments }) => segments.length >= least,
      20_000,
    );
  const pid = async () => (await service.get<Status>('/api/status')).go2rtc.pid;
  return { clip, cameras, service, add, live, recorded, pid };
}

for (const { name, path } of problem ? [] : programs({ timeScale: 1 })) {
  test(`${name}: a camera behind it records, and goes on after go2rtc was killed; one beside it has no gap`, async () => {
    const { cameras, service, add, live, recorded, pid } = await world(path);
    const direct = await add('Direct', { main: { url: cameras.url('direct') } });
    const behind = await add('Behind', { main: { url: cameras.url('cam') }, hub: 'go2rtc' });
    const shown = await live(behind);
    assert.equal([shown.hub, shown.state.main?.codec, shown.state.main?.audio], ['go2rtc', 'h264', 'aac']);
    await live(direct);
    await recorded(behind, 1);
    await new Promise(resolve => setTimeout(resolve, 2500));
    const before = await pid();
    assert.type(before, 'number');
    process.kill(Number(before), 'SIGKILL');
    await service.until<ApiCamera>(`/api/cameras/${behind}`, one => one.state.reason === 'hub', 15_000);
    await live(behind);
    const { segments } = await recorded(behind, 2);
    assert.ok(segments.some(({ endReason }) => endReason === 'reconnect'));
    const { gaps } = await timelineOf(service, behind);
    assert.equal(
      gaps.filter(gap => gap.endMs !== undefined).map(({ reason }) => reason),
      ['hub'],
      JSON.stringify(gaps),
    );
    assert.is.not(await pid(), before);
    assert.equal((await timelineOf(service, direct)).gaps, []);
    assert.equal((await listSegments(service, direct)).length, 1);
    assert.is((await service.stop()).code, 0);
  });

  test(`${name}: a camera behind it that dies and comes back is recorded again`, async () => {
    const { clip, cameras, service, add, live, recorded } = await world(path);
    const id = await add('Behind', { main: { url: cameras.url('cam') }, hub: 'go2rtc' });
    await live(id);
    await recorded(id, 1);
    await new Promise(resolve => setTimeout(resolve, 2000));
    const { port } = cameras;
    cameras.kill('SIGKILL');
    await service.until<ApiCamera>(`/api/cameras/${id}`, one => one.state.name === 'reconnecting', 15_000);
    await service.until<ApiCamera>(
      `/api/cameras/${id}`,
      one => one.state.name !== 'live' && one.state.reason !== 'stalled',
      15_000,
    );
    await GstCameras.start({ mounts: { cam: { clip } }, port });
    await live(id);
    await recorded(id, 2);
    const { gaps } = await timelineOf(service, id);
    assert.ok(
      gaps.length >= 1 && gaps.every(({ reason }) => reason === 'stalled' || reason === 'offline'),
      JSON.stringify(gaps),
    );
    assert.is((await service.stop()).code, 0);
  });

  test(`${name}: what cannot be had through it is told in words; a changed source is taken over`, async () => {
    const { cameras, service, add, live } = await world(path);
    const wrong = await add('Wrong', { main: { url: cameras.url('nothing') }, hub: 'go2rtc' });
    const failing = await service.until<ApiCamera>(
      `/api/cameras/${wrong}`,
      ({ state }) => state.reason !== undefined && state.reason !== 'hub',
      20_000,
    );
    assert.ok(failing.state.message && failing.state.cure, JSON.stringify(failing.state));
    const tried = await service.post<ProbeResult>('/api/cameras/probe', { url: cameras.url('cam') });
    assert.is(tried.ok, true);
    await service.patch(`/api/cameras/${wrong}`, { main: { url: cameras.url('cam') } });
    await live(wrong);
    await service.delete(`/api/cameras/${wrong}`);
    assert.is((await service.stop()).code, 0);
  });
}

test.needs(
  real !== undefined && !problem,
  problem ?? 'no go2rtc here (GO2RTC_BIN or PATH)',
  'real: a camera that sends over UDP only is recorded by way of go2rtc, with its transport set',
  async () => {
    const { cameras, service, add, live, recorded } = await world(String(real), { udp: true });
    const url = cameras.url('cam');
    const refused = await add('Over TCP', { main: { url } });
    const failed = await service.until<ApiCamera>(
      `/api/cameras/${refused}`,
      ({ state }) => state.reason !== undefined,
      15_000,
    );
    assert.equal(
      [failed.state.name, failed.state.reason],
      ['failed', 'unsupported-transport'],
      JSON.stringify(failed.state),
    );
    await service.patch(`/api/cameras/${refused}`, { main: { transport: 'udp' } });
    await live(refused);
    await recorded(refused, 1);
    assert.is((await service.stop()).code, 0);
  },
);

if (problem) test.needs(false, problem, 'cameras behind go2rtc', () => undefined);

test.run();
