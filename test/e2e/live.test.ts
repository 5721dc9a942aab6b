// Live views of the built service, over both HTTP servers: what cameras send comes out whole, in order and playable.
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Camera as CameraView } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { decodeWhole, probe } from '../support/ffprobe.ts';
import { LiveClient, type LivePart, partFile } from '../support/live-client.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('live', { timeoutMs: 60_000 });
const cameras: Camera[] = [];

test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

async function start(clip: keyof typeof CLIPS): Promise<Camera> {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS[clip])] });
  cameras.push(camera);
  return camera;
}

async function add(service: Service, main: Camera, sub?: Camera): Promise<number> {
  const streams = { main: { url: main.url }, ...(sub ? { sub: { url: sub.url } } : {}) };
  const { id } = await service.post<{ id: number }>('/api/cameras', { name: 'Door', ...streams });
  for (;;) {
    const { state } = await service.get<CameraView>(`/api/cameras/${id}`);
    if (state.name === 'live') return id;
    await wait(50);
  }
}

function write(part: LivePart): string {
  const path = join(tempDir('live'), 'live.mp4');
  writeFileSync(path, partFile(part));
  return path;
}

/** What the camera sent, from the first picture that was shown on. */
async function checkAgainst(camera: Camera, part: LivePart): Promise<void> {
  const path = write(part);
  await decodeWhole(path);
  const { video, audio } = await probe(path);
  for (const [track, kind] of [
    [video, 'video'],
    [audio, 'audio'],
  ] as const) {
    const sent = camera.sentUnits(kind).map(unit => unit.sha256);
    const from = sent.indexOf(track[0]?.sha256 ?? 'nothing');
    assert.ok(from >= 0, `${kind} begins with something that was never sent`);
    assert.equal(
      track.map(({ sha256 }) => sha256),
      sent.slice(from, from + track.length),
      kind,
    );
    const steps = track.slice(1).map((packet, i) => packet.dtsTicks - (track[i]?.dtsTicks ?? 0));
    assert.ok(steps.every(step => step > 0));
  }
}

for (const http of ['uws', 'node']) {
  test(`${http}: begins at once, loses nothing, and ends when the camera goes`, async () => {
    const service = await Service.start({ args: ['--http', http] });
    const camera = await start('small');
    const id = await add(service, camera);
    await wait(1500);
    const first = await LiveClient.open(service, id);
    const second = await LiveClient.open(service, id, '?audio=0');
    await first.until(() => first.fragments >= 75);
    await second.until(() => second.fragments >= 75);
    for (const { problem, parts } of [first, second]) {
      assert.is(problem, '');
      assert.is(parts.length, 1);
      assert.is(parts[0]?.header.width, 320);
      assert.is(parts[0]?.header.stream, 'main');
    }
    assert.match(first.last?.header.codecs ?? '', /^avc1\.\w{6},mp4a\.40\.2$/);
    assert.match(second.last?.header.codecs ?? '', /^avc1\.\w{6}$/);
    await checkAgainst(camera, first.parts[0] as LivePart);

    first.socket.send('{"pause":true}');
    await wait(300);
    const paused = first.fragments;
    await wait(500);
    assert.is(first.fragments, paused);
    first.socket.send('{"pause":false}');
    await first.until(() => first.fragments > paused + 10);
    assert.is(first.problem, '');
    assert.is(first.last?.header.codecs, first.parts[0]?.header.codecs);

    await service.patch(`/api/cameras/${id}`, { enabled: false });
    await first.until(() => first.closed !== undefined);
    assert.equal(first.closed, { code: 4000, reason: 'the camera is disabled' });
    const late = await LiveClient.open(service, id);
    await late.until(() => late.closed !== undefined);
    assert.is(late.closed?.code, 4000);
    await service.stop();
  });
}

for (const http of ['uws', 'node']) {
  test(`${http}: motion JPEG goes on until it is left`, async () => {
    const service = await Service.start({ args: ['--http', http] });
    const id = await add(service, await start('small'));
    await wait(1200);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const path = `/api/cameras/${id}/mjpeg?fps=5&width=160`;
      const asked = request(new URL(path, service.ready.url), { headers: service.headers }, resolve);
      asked.on('error', reject).end();
    });
    assert.is(answer.statusCode, 200);
    assert.match(answer.headers['content-type'] ?? '', /^multipart\/x-mixed-replace; boundary=thimble-picture$/);
    let bytes = Buffer.alloc(0);
    for await (const piece of answer) {
      bytes = Buffer.concat([bytes, piece as Buffer]);
      if (bytes.toString('latin1').split('--thimble-picture\r\n').length > 4) break;
    }
    const times = [...bytes.toString('latin1').matchAll(/X-Picture-Time-Ms: (\d+)\r\n\r\n\xff\xd8/g)].map(found =>
      Number(found[1]),
    );
    assert.ok(times.length >= 3);
    // A keyframe each second.
    assert.ok(times.slice(1).every((time, i) => time - (times[i] ?? 0) > 900));
    answer.destroy();
    await service.stop();
  });
}

test('H.265 with reordered pictures, over a lost connection', async () => {
  const service = await Service.start();
  const camera = await start('smallHevcBFrames');
  const id = await add(service, camera);
  const client = await LiveClient.open(service, id);
  await client.until(() => client.fragments >= 60);
  await checkAgainst(camera, client.parts[0] as LivePart);
  await camera.inject({ kind: 'close' });
  await client.until(() => client.parts.length >= 2 && (client.last?.fragments.length ?? 0) > 30);
  assert.is(client.problem, '');
  const [before, after] = [client.parts[0], client.last] as [LivePart, LivePart];
  assert.ok(Math.abs(before.header.zeroMs - after.header.zeroMs) < 200);
  // One file of all of it: media time goes on.
  const path = join(tempDir('live'), 'both.mp4');
  writeFileSync(path, Buffer.concat([partFile(before), ...after.fragments]));
  const { video } = await probe(path);
  assert.ok(video.slice(1).every((packet, i) => packet.dtsTicks > (video[i]?.dtsTicks ?? 0)));
  await client.socket.close();
  await service.stop();
});

test('the sub stream is connected for its viewers; main is shown until it comes', async () => {
  const service = await Service.start();
  const [main, sub] = [await start('full'), await start('small')];
  const id = await add(service, main, sub);
  await wait(500);
  assert.is(sub.requests.length, 0);
  const client = await LiveClient.open(service, id, '?stream=sub&audio=0');
  await client.until(() => client.last?.header.stream === 'sub' && client.last.fragments.length > 25);
  assert.is(client.problem, '');
  const [still, moving] = client.parts as [LivePart, LivePart];
  assert.is(still.header.still, true);
  assert.is(still.header.width, 1280);
  assert.is(still.fragments.length, 1);
  assert.is((await probe(write(still))).video.length, 1);
  await decodeWhole(write(still));
  assert.is(moving.header.width, 320);
  await decodeWhole(write(moving));
  const snapshot = await service.exchange('GET', `/api/cameras/${id}/snapshot.jpg?stream=sub&width=160`);
  assert.is(snapshot.status, 200);
  assert.is(snapshot.headers['content-type'], 'image/jpeg');
  await client.socket.close();
  await service.stop();
});

test('snapshots: the newest, then the last that was recorded, with their times', async () => {
  const service = await Service.start();
  const camera = await start('small');
  const id = await add(service, camera);
  await wait(2000);
  const live = await service.exchange('GET', `/api/cameras/${id}/snapshot.jpg`);
  assert.is(live.status, 200, live.data.toString('utf8', 0, 200));
  assert.ok(Math.abs(Date.now() - Number(live.headers['x-picture-time-ms'])) < 5000);
  await service.patch(`/api/cameras/${id}`, { enabled: false });
  const last = await service.exchange('GET', `/api/cameras/${id}/snapshot.jpg`);
  assert.is(last.status, 200, last.data.toString('utf8', 0, 200));
  assert.ok(Number(last.headers['x-picture-time-ms']) >= Number(live.headers['x-picture-time-ms']));
  const { id: never } = await service.post<{ id: number }>('/api/cameras', {
    name: 'Nobody',
    main: { url: 'rtsp://127.0.0.1:9/none' },
  });
  assert.is((await service.ask('GET', `/api/cameras/${never}/snapshot.jpg`)).status, 503);
  assert.is((await service.ask('GET', '/api/cameras/99/snapshot.jpg')).status, 404);
  await service.stop();
});

test.run();
