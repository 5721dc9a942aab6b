// Recording through go2rtc: whole, in step, through what happens to cameras behind it.
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera } from '../../src/api/contract.ts';
import { differenceFromRun } from '../support/access-units.ts';
import { Camera, type CameraOptions, type SentUnit } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { footageFaults, listSegments } from '../support/footage.ts';
import { both } from '../support/go2rtc/both.ts';
import {
  addCamera,
  gapsOf,
  hubPid,
  hubRtspPort,
  isLive,
  recordsAfter,
  startWithHub,
} from '../support/go2rtc/hub-service.ts';
import type { Program } from '../support/go2rtc/peer.ts';
import { type StandInOptions, standIn } from '../support/go2rtc/stand-in.ts';
import { Tap } from '../support/go2rtc/taps.ts';
import { hashes, probeSegments, type RecordedFile } from '../support/recorded.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import type { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('recording through go2rtc', { timeoutMs: 150_000 });
const cameras: { stop(): Promise<void> }[] = [];
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});
const each = both(test, { timeScale: 1 });

function alone(options: StandInOptions): Program {
  return { name: 'stand-in', path: standIn(options), timeScale: options.timeScale ?? 1 };
}

async function camera(options: Partial<CameraOptions> = {}): Promise<Camera> {
  const made = await Camera.start({ clips: [await clipFile(CLIPS.small)], ...options });
  cameras.push(made);
  return made;
}

async function behind(program: Program, url: string): Promise<{ service: Service; id: number }> {
  const service = await startWithHub(program);
  const id = await addCamera(service, 'Behind', url, { hub: 'go2rtc' });
  await service.until<ApiCamera>(`/api/cameras/${id}`, isLive, 30_000);
  await recordsAfter(service, id, Date.now());
  return { service, id };
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** Ends the recording; its files, which are whole. */
async function files(service: Service, id: number): Promise<RecordedFile[]> {
  await service.patch(`/api/cameras/${id}`, { record: { mode: 'off' } });
  await service.until<{ segments: { open?: boolean }[] }>(`/api/segments?camera=${id}`, ({ segments }) =>
    segments.every(({ open }) => !open),
  );
  assert.equal(await footageFaults(service), []);
  return probeSegments(service.dataDir, await listSegments(service, id));
}

/** Each file holds pictures as they were sent in one session with the camera, without a hole, from a keyframe on. */
function judge(recorded: readonly RecordedFile[], sent: readonly SentUnit[]): void {
  assert.ok(recorded.length > 0);
  for (const file of recorded) {
    assert.ok(file.video[0]?.key, `${file.segment.id} begins with a keyframe`);
    const own = hashes([file], 'video');
    const sessions = new Set(sent.map(({ connection }) => connection));
    const differences = [...sessions].map(connection => {
      const units = sent.filter(unit => unit.connection === connection && unit.kind === 'video');
      return differenceFromRun(
        own,
        units.map(({ sha256 }) => sha256),
      );
    });
    assert.ok(differences.includes(undefined), `${file.segment.id}: ${differences.join('; ')}`);
  }
}

for (const trackOrder of ['audio-first', 'video-first'] as const)
  test(`go2rtc rule R1: picture and sound go where they belong, ${trackOrder}`, async () => {
    const source = await camera();
    const { service, id } = await behind(alone({ trackOrder }), source.url);
    await pause(3000);
    const recorded = await files(service, id);
    judge(recorded, source.sent);
    const sound = source.sentUnits('audio', 1).map(({ sha256 }) => sha256);
    assert.is(differenceFromRun(hashes(recorded, 'audio'), sound), undefined);
    await service.stop();
  });

each(
  'go2rtc rules R1 and R2: whole and from the first keyframe on, also when somebody reads already',
  async program => {
    const source = await camera({ clips: [await clipFile(CLIPS.smallLongGop)] });
    const { service, id } = await behind(program, source.url);
    const url = `rtsp://127.0.0.1:${hubRtspPort(await hubPid(service))}/th-${id}-main?video=h264&audio=aac`;
    const other = await RtspClient.connect(url);
    await other.play(2);
    await service.patch(`/api/cameras/${id}`, { enabled: false });
    await pause(1500);
    await service.patch(`/api/cameras/${id}`, { enabled: true });
    const againMs = Date.now();
    await recordsAfter(service, id, againMs + 1000);
    other.close();
    judge(await files(service, id), source.sent);
    assert.is(source.requests.filter(({ method }) => method === 'PLAY').length, 1, 'one session with the camera');
    await service.stop();
  },
);

both(test, { timeScale: 0.4 })(
  'go2rtc rule R3: it is not taken for dead, nor are answers waited for',
  async program => {
    const source = await camera();
    const { service, id } = await behind(program, source.url);
    // It cuts who was silent for 60 s.
    await pause(program.timeScale * 70_000);
    assert.equal(await gapsOf(service, id), []);
    const recorded = await files(service, id);
    const sent = source.sentUnits('video', 1).map(({ sha256 }) => sha256);
    assert.is(differenceFromRun(hashes(recorded, 'video'), sent), undefined, 'nothing is missing');
    assert.is((await service.stop()).code, 0);
  },
);

each('go2rtc rule R4: a camera that freezes and comes back is recorded again', async program => {
  const source = await camera();
  const { service, id } = await behind(program, source.url);
  await source.inject({ kind: 'freeze' });
  await service.until<ApiCamera>(`/api/cameras/${id}`, one => one.state.name !== 'live', 20_000);
  await pause(3000);
  await source.inject({ kind: 'thaw' });
  const backMs = Date.now();
  await recordsAfter(service, id, backMs + 500);
  assert.ok((await gapsOf(service, id)).length > 0);
  judge(await files(service, id), source.sent);
  await service.stop();
});

each('go2rtc rule R5: somebody else who waits for a dead camera does not keep it from us', async program => {
  const source = await camera();
  const { service, id } = await behind(program, source.url);
  const url = `rtsp://127.0.0.1:${hubRtspPort(await hubPid(service))}/th-${id}-main?video=h264`;
  const other = await RtspClient.connect(url);
  await other.play(1);
  await source.inject({ kind: 'die' });
  // Behind the steps of 1 s: with the other one there it would be dialled each 5 s.
  await pause(9000);
  await source.inject({ kind: 'come-back' });
  const backMs = Date.now();
  await recordsAfter(service, id, backMs);
  other.close();
  judge(await files(service, id), source.sent);
  await service.stop();
});

each('go2rtc rule R6: a camera that was away for a moment: another segment, of another session', async program => {
  const source = await camera();
  const { service, id } = await behind(program, source.url);
  await source.inject({ kind: 'die', backAfterMs: 1500 });
  const diedMs = Date.now();
  await recordsAfter(service, id, diedMs + 4000);
  const recorded = await files(service, id);
  assert.ok(recorded.length > 1);
  judge(recorded, source.sent);
  await service.stop();
});

each('go2rtc rule R7: a service that stood still opens anew, and nothing broken is recorded', async program => {
  const source = await camera({ clips: [await clipFile(CLIPS.full)] });
  const { service, id } = await behind(program, source.url);
  service.kill('SIGSTOP');
  await pause(8000);
  service.kill('SIGCONT');
  await recordsAfter(service, id, Date.now());
  judge(await files(service, id), source.sent);
  await service.stop();
});

each('go2rtc rule R8: the recording asks for no speaker', async program => {
  const source = await camera();
  const tap = await Tap.start(source.url);
  const { service, id } = await behind(program, tap.url);
  await pause(1000);
  const described = tap.requests.filter(({ method }) => method === 'DESCRIBE');
  assert.ok(described.length > 0);
  assert.ok(described.every(({ headers }) => !headers.has('require')));
  assert.equal(await gapsOf(service, id), []);
  await service.stop();
  await tap.stop();
});

test.run();
