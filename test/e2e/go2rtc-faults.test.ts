// go2rtc killed, stopped, spinning, robbed of its socket, with its port taken: who is recorded directly never notices, who is behind
// it is recorded again.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { footageFaults, listSegments } from '../support/footage.ts';
import { both } from '../support/go2rtc/both.ts';
import {
  addCamera,
  configOf,
  gapsOf,
  type HubState,
  hubPid,
  isLive,
  recordsAfter,
  startWithHub,
} from '../support/go2rtc/hub-service.ts';
import type { Program } from '../support/go2rtc/peer.ts';
import type { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc fails', { timeoutMs: 150_000 });
const cameras: Camera[] = [];
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});
const each = both(test, { timeScale: 1 });

interface World {
  service: Service;
  direct: number;
  behind: number;
  behindCamera: Camera;
}

async function camera(options: Partial<Parameters<typeof Camera.start>[0]> = {}): Promise<Camera> {
  const made = await Camera.start({ clips: [await clipFile(CLIPS.small)], ...options });
  cameras.push(made);
  return made;
}

/** Two cameras that are recorded, one to each side. */
async function world(program: Program): Promise<World> {
  const [directCamera, behindCamera] = [await camera(), await camera()];
  const service = await startWithHub(program);
  const direct = await addCamera(service, 'Direct', directCamera.url, { hub: 'direct' });
  const behind = await addCamera(service, 'Behind', behindCamera.url, { hub: 'go2rtc' });
  for (const id of [direct, behind]) await service.until<ApiCamera>(`/api/cameras/${id}`, isLive, 30_000);
  const nowMs = Date.now();
  for (const id of [direct, behind]) await recordsAfter(service, id, nowMs);
  return { service, direct, behind, behindCamera };
}

/** What has to hold whatever happened; ends the service. */
async function judge({ service, direct, behind }: World, isNoticed = true): Promise<void> {
  assert.equal(await gapsOf(service, direct), [], 'the direct camera');
  const gaps = await gapsOf(service, behind);
  if (isNoticed) assert.ok(gaps.length > 0, 'a gap of the camera behind it');
  assert.ok(gaps.every(({ reason }) => typeof reason === 'string' && reason.length > 0));
  for (const id of [direct, behind]) await service.patch(`/api/cameras/${id}`, { record: { mode: 'off' } });
  assert.equal(await footageFaults(service), []);
  assert.is((await service.stop()).code, 0);
}

for (const [what, signal] of [
  ['killed', 'SIGKILL'],
  ['stopped', 'SIGSTOP'],
] as const)
  each(`${what}: recording again behind another one`, async program => {
    const all = await world(program);
    const pid = await hubPid(all.service);
    process.kill(pid, signal);
    await hubPid(all.service, pid);
    await recordsAfter(all.service, all.behind, Date.now());
    assert.throws(() => process.kill(pid, 0), 'the old one is gone');
    await judge(all);
  });

each('a camera that comes back with another codec: recorded with that, and go2rtc lives', async program => {
  const all = await world(program);
  const pid = await hubPid(all.service);
  const { port } = all.behindCamera;
  await all.behindCamera.stop();
  await camera({ clips: [await clipFile(CLIPS.smallHevc)], port });
  const changedMs = Date.now();
  await recordsAfter(all.service, all.behind, changedMs + 2000);
  assert.is(await hubPid(all.service), pid);
  const { state } = await all.service.get<ApiCamera>(`/api/cameras/${all.behind}`);
  assert.is(state.main?.codec, 'h265');
  const segments = (await listSegments(all.service, all.behind)).sort((one, other) => one.startMs - other.startMs);
  assert.ok(segments.length > 1, 'no file holds two codecs');
  const gaps = await gapsOf(all.service, all.behind);
  // It may be back before anybody misses it; what is missing for longer is told.
  for (const [place, { startMs }] of segments.entries()) {
    const endMs = segments[place - 1]?.endMs ?? startMs;
    if (startMs - endMs > 2000)
      assert.ok(
        gaps.some(gap => gap.startMs < startMs),
        `a hole of ${startMs - endMs} ms`,
      );
  }
  await judge(all, false);
});

each('its socket stolen: nobody loses his footage for long', async program => {
  const all = await world(program);
  const pid = await hubPid(all.service);
  const thief = spawn(program.path, ['-config', configOf(pid)], { stdio: 'ignore' });
  // Whether or not it has to be started anew, both are recorded after the next looks.
  await new Promise(resolve => setTimeout(resolve, 12_000));
  await recordsAfter(all.service, all.behind, Date.now());
  thief.kill('SIGKILL');
  await new Promise(resolve => setTimeout(resolve, 12_000));
  await recordsAfter(all.service, all.behind, Date.now());
  await judge(all, false);
});

each('its port for browsers taken: words about it, and all is recorded', async program => {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const all = await world(program);
  await all.service.patch('/api/settings', { go2rtc: { webrtcPort: port } });
  await all.service.until<{ problems: { kind: string; message: string }[] }>(
    '/api/status',
    ({ problems }) => problems.some(({ kind }) => kind === 'go2rtc'),
    30_000,
  );
  await hubPid(all.service);
  await recordsAfter(all.service, all.behind, Date.now());
  server.close();
  await judge(all, false);
});

each('a camera behind it that is gone for a while is recorded again, whatever its steps are', async program => {
  const all = await world(program);
  await all.behindCamera.inject({ kind: 'die' });
  await new Promise(resolve => setTimeout(resolve, 12_000));
  await all.behindCamera.inject({ kind: 'come-back' });
  await recordsAfter(all.service, all.behind, Date.now());
  assert.is((await all.service.get<{ state: HubState }>('/api/go2rtc')).state.restarts, 0);
  await judge(all);
});

test.run();
