// Sub streams: recorded beside a main stream that browsers cannot play, connected only when needed, and no harm to main.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type {
  Camera as ApiCamera,
  CameraList,
  Health,
  Segment,
  SegmentList,
  Status,
  Timeline,
} from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { footageFaults, listSegments, segmentPath, timelineOf } from '../support/footage.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const SEGMENT_MS = 5000;
const CLIP = { main: CLIPS.smallHevc, sub: CLIPS.smallSilent } as const;

const test = suite('sub streams', { timeoutMs: 90_000 });
const cameras: Camera[] = [];
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

type StreamName = Segment['stream'];

async function makeCamera(clip: (typeof CLIPS)[keyof typeof CLIPS]): Promise<Camera> {
  const camera = await Camera.start({ clips: [await clipFile(clip)] });
  cameras.push(camera);
  return camera;
}

async function ofStream(service: Service, stream: StreamName): Promise<Segment[]> {
  return (await listSegments(service, 1)).filter(segment => segment.stream === stream);
}

async function until(service: Service, stream: StreamName, done: (segments: Segment[]) => boolean): Promise<Segment[]> {
  const path = `/api/segments?camera=1&stream=${stream}&limit=500`;
  return (await service.until<SegmentList>(path, list => done(list.segments), 20_000)).segments;
}

const hasOpen = (segments: Segment[]) => segments.some(segment => segment.open && segment.sizeBytes > 0);

/** The pictures of the files are those of the looping clip, in order; without a hole where `isWhole`. */
async function checkPictures(dataDir: string, segments: Segment[], clip: string, isWhole: boolean): Promise<number> {
  const loop = (await probe(clip)).video.map(packet => packet.sha256);
  assert.is(new Set(loop).size, loop.length);
  let next: number | undefined;
  let pictures = 0;
  for (const segment of segments) {
    const { video, streams } = await probe(join(dataDir, 'segments', segmentPath(segment)));
    assert.ok(video[0]?.key, segment.id);
    if (next === undefined || !isWhole) next = loop.indexOf(video[0]?.sha256 ?? '');
    assert.ok(next >= 0, `${segment.id} begins with a picture that was never sent`);
    const expected = video.map((_, index) => loop[((next ?? 0) + index) % loop.length]);
    assert.equal(
      video.map(packet => packet.sha256),
      expected,
      segment.id,
    );
    const tag = segment.stream === 'main' ? 'hvc1' : 'avc1';
    assert.ok(segment.codecs.startsWith(tag) && streams.some(one => one.tag === tag), segment.codecs);
    next += video.length;
    pictures += video.length;
  }
  return pictures;
}

const problem = gstProblem();
test.needs(
  problem === undefined,
  problem ?? '',
  'beside an H.265 main an H.264 sub is recorded; main survives it, and both survive kill -9',
  async () => {
    const clips = { main: await clipFile(CLIP.main), sub: await clipFile(CLIP.sub) };
    const mains = await GstCameras.start({ mounts: { main: { clip: clips.main } } });
    const subs = await GstCameras.start({ mounts: { sub: { clip: clips.sub, audio: false } } });
    const service = await Service.start();
    await service.post('/api/cameras', {
      name: 'Door',
      main: { url: mains.url('main') },
      sub: { url: subs.url('sub') },
      record: { segmentMs: SEGMENT_MS },
    });
    const isBoth = (camera: ApiCamera) => camera.state.name === 'live' && camera.state.sub?.name === 'live';
    const { state } = await service.until<ApiCamera>('/api/cameras/1', isBoth);
    assert.equal(
      [state.main?.codec, state.sub?.codec, state.sub?.width, state.sub?.audio],
      ['h265', 'h264', 320, undefined],
    );
    await until(service, 'sub', segments => segments.length >= 2);

    subs.kill('SIGKILL');
    const { sub } = (await service.until<ApiCamera>('/api/cameras/1', one => one.state.sub?.reason === 'refused'))
      .state;
    assert.equal([sub?.name, sub?.codec], ['reconnecting', 'h264']);
    const soon = (await ofStream(service, 'main')).length;
    await until(service, 'main', segments => segments.length > soon);
    const during = await service.get<ApiCamera>('/api/cameras/1');
    assert.equal([during.state.name, during.state.reconnects, during.state.reason], ['live', 0, undefined]);
    const { problems } = await service.get<Status>('/api/status');
    assert.equal(
      problems.map(({ kind, camera }) => [kind, camera]),
      [['sub-stream', 1]],
    );
    assert.equal(await service.get<Health>('/api/health'), { status: 'ok' });
    const ended = (await ofStream(service, 'sub')).at(-1);
    assert.equal([ended?.open, ended?.endReason], [false, 'reconnect']);

    await GstCameras.start({ mounts: { sub: { clip: clips.sub, audio: false } }, port: subs.port });
    await until(service, 'sub', hasOpen);
    const shown = await service.get<Timeline>(
      `/api/timeline?camera=1&stream=sub&startMs=${Date.now() - 86_400_000}&endMs=${Date.now()}`,
    );
    assert.equal([shown.cameras[0]?.footage.length, shown.cameras[0]?.gaps], [2, []]);
    assert.equal((await timelineOf(service, 1)).gaps, []);
    const range = `startMs=${(ended?.endMs ?? 0) - 2000}&endMs=${ended?.endMs}`;
    const cut = await service.exchange('GET', `/api/export.mp4?camera=1&stream=sub&${range}`);
    assert.is(cut.status, 200);
    assert.ok(cut.data.includes('avc1') && !cut.data.includes('hvc1'));

    await until(service, 'main', hasOpen);
    service.kill('SIGKILL');
    await service.child.exited;
    const killedAtMs = Date.now();
    const second = await Service.start({ dataDir: service.dataDir });
    const before: Segment[] = [];
    for (const stream of ['main', 'sub'] as const) {
      const adopted = (segments: Segment[]) =>
        segments.some(one => one.startMs < killedAtMs && one.endReason === 'crash');
      const all = await until(second, stream, adopted);
      before.push(...all.filter(one => one.startMs < killedAtMs));
      await until(second, stream, hasOpen);
    }
    assert.is((await second.stop()).code, 0);
    assert.is(before.filter(one => one.endReason === 'crash').length, 2);
    const own = (stream: StreamName) => before.filter(segment => segment.stream === stream);
    assert.ok((await checkPictures(service.dataDir, own('main'), clips.main, true)) > 200);
    assert.ok((await checkPictures(service.dataDir, own('sub'), clips.sub, false)) > 100);

    const third = await Service.start({ dataDir: service.dataDir });
    assert.equal(await footageFaults(third), []);
    const { gaps } = await timelineOf(third, 1);
    assert.equal(
      gaps.map(gap => gap.reason),
      ['crash', 'restart'],
      JSON.stringify(gaps),
    );
    await third.stop();
  },
);

test('auto with an H.264 main never connects to the sub stream; both and main do as they say', async () => {
  const [main, sub] = [await makeCamera(CLIPS.small), await makeCamera(CLIPS.smallSilent)];
  const service = await Service.start();
  const same = await service.ask('POST', '/api/cameras', {
    name: 'x',
    main: { url: main.url },
    sub: { url: main.url },
  });
  assert.equal([same.status, (same.body as { error: { field: string } }).error.field], [400, 'sub.url']);
  await service.post('/api/cameras', { name: 'Door', main: { url: main.url }, sub: { url: sub.url } });
  await service.until<ApiCamera>('/api/cameras/1', one => one.state.main !== undefined);
  await until(service, 'main', hasOpen);
  assert.equal([sub.requests, sub.connections], [[], 0]);
  assert.is((await service.get<ApiCamera>('/api/cameras/1')).state.sub?.name, 'idle');

  await service.patch('/api/cameras/1', { record: { streams: 'both' } });
  await until(service, 'sub', hasOpen);
  assert.is(sub.connections, 1);
  await service.patch('/api/cameras/1', { record: { streams: 'main' } });
  assert.equal(
    (await ofStream(service, 'sub')).map(({ open, endReason }) => [open, endReason]),
    [[false, 'mode']],
  );
  await service.until<ApiCamera>('/api/cameras/1', one => one.state.sub?.name === 'idle');
  for (let waits = 0; sub.connections > 0 && waits < 100; waits++) await new Promise(done => setTimeout(done, 50));
  assert.is(sub.connections, 0);
  assert.ok(
    (await until(service, 'main', hasOpen)).every(segment => segment.open),
    'main went on in one file',
  );
  assert.is(main.requests.filter(one => one.method === 'PLAY').length, 1);
  assert.is((await service.stop()).code, 0);
});

test('auto lets a sub stream go that is H.265 as well, and leaves it alone', async () => {
  const [main, sub] = [await makeCamera(CLIPS.smallHevc), await makeCamera(CLIPS.smallHevcBFrames)];
  const service = await Service.start();
  await service.post('/api/cameras', { name: 'Door', main: { url: main.url }, sub: { url: sub.url } });
  const looked = (one: ApiCamera) => one.state.sub?.name === 'idle' && one.state.sub.codec === 'h265';
  await service.until<ApiCamera>('/api/cameras/1', looked);
  const describes = () => sub.requests.filter(one => one.method === 'DESCRIBE').length;
  assert.is(describes(), 1);
  await main.inject({ kind: 'close' });
  await service.until<ApiCamera>('/api/cameras/1', one => one.state.reconnects === 1 && one.state.name === 'live');
  await service.patch('/api/cameras/1', { name: 'Gate' });
  await until(service, 'main', hasOpen);
  assert.is(describes(), 1);
  await service.patch('/api/cameras/1', { sub: { url: (await makeCamera(CLIPS.small)).url } });
  await until(service, 'sub', hasOpen);
  assert.is((await service.stop()).code, 0);
});

test('the cameras of the demo have sub streams, which rest until they are wanted', async () => {
  const service = await Service.start({ args: ['--demo'] });
  const { cameras: all } = await service.until<CameraList>('/api/cameras', list =>
    list.cameras.every(camera => camera.state.main !== undefined),
  );
  assert.equal(
    all.map(({ record, state }) => [record.streams, state.main?.codec, state.sub?.name]),
    Array(2).fill(['auto', 'h264', 'idle']),
  );
  await service.patch('/api/cameras/1', { record: { streams: 'both' } });
  await until(service, 'sub', hasOpen);
  const { state } = await service.get<ApiCamera>('/api/cameras/1');
  assert.ok((state.sub?.width ?? 0) > 0 && (state.sub?.width ?? 0) < (state.main?.width ?? 0));
  assert.is((await service.stop()).code, 0);
});

test.run();
