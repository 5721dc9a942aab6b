// How soon a camera behind go2rtc is recorded again: after go2rtc's death, after its own absence, after go2rtc grew too large.
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { listSegments } from '../support/footage.ts';
import { both } from '../support/go2rtc/both.ts';
import {
  addCamera,
  gapsOf,
  type HubState,
  hubPid,
  isLive,
  recordsAfter,
  startWithHub,
} from '../support/go2rtc/hub-service.ts';
import { type Program, until } from '../support/go2rtc/peer.ts';
import { standIn } from '../support/go2rtc/stand-in.ts';
import type { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc: how soon again', { timeoutMs: 240_000 });
const cameras: Camera[] = [];
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});
const each = both(test, { timeScale: 1 });
/** Of the clip. */
const GOP_MS = 1000;

interface World {
  service: Service;
  direct: number;
  behind: number;
  camera: Camera;
}

async function world(program: Program): Promise<World> {
  const clips = [await clipFile(CLIPS.small)];
  const [one, other] = [await Camera.start({ clips }), await Camera.start({ clips })];
  cameras.push(one, other);
  const service = await startWithHub(program);
  const direct = await addCamera(service, 'Direct', one.url, { hub: 'direct' });
  const behind = await addCamera(service, 'Behind', other.url, { hub: 'go2rtc' });
  for (const id of [direct, behind]) await service.until<ApiCamera>(`/api/cameras/${id}`, isLive, 30_000);
  for (const id of [direct, behind]) await recordsAfter(service, id, Date.now() + 2000);
  return { service, direct, behind, camera: other };
}

/** When the first segment began that is newer than `sinceMs`. */
async function againMs({ service, behind }: World, sinceMs: number): Promise<number> {
  let startMs: number | undefined;
  await until(async () => {
    const segments = await listSegments(service, behind);
    startMs = segments.find(one => one.startMs >= sinceMs)?.startMs;
    return startMs !== undefined;
  }, 'footage');
  return startMs ?? Number.NaN;
}

async function end({ service, direct }: World): Promise<void> {
  assert.equal(await gapsOf(service, direct), [], 'the direct camera');
  assert.is((await service.stop()).code, 0);
}

each('killed: recording again within 3 s of the start of the next one', async program => {
  const all = await world(program);
  for (let round = 0; round < 3; round++) {
    const pid = await hubPid(all.service);
    const killedMs = Date.now();
    process.kill(pid, 'SIGKILL');
    await hubPid(all.service, pid);
    const { state } = await all.service.get<{ state: HubState & { sinceMs: number } }>('/api/go2rtc');
    const tookMs = (await againMs(all, killedMs)) - state.sinceMs;
    console.log(`${program.name}: killed, ready after ${state.sinceMs - killedMs} ms, footage ${tookMs} ms later`);
    assert.ok(tookMs <= 3000, `${tookMs} ms`);
  }
  await end(all);
});

each('a camera gone for 32 s: recording again within 1.5 s and a group of pictures', async program => {
  const all = await world(program);
  await all.camera.inject({ kind: 'die' });
  await new Promise(resolve => setTimeout(resolve, 32_000));
  await all.camera.inject({ kind: 'come-back' });
  const backMs = Date.now();
  const tookMs = (await againMs(all, backMs)) - backMs;
  console.log(`${program.name}: back after 32 s, footage ${tookMs} ms later`);
  assert.ok(tookMs <= 1500 + GOP_MS, `${tookMs} ms`);
  await end(all);
});

test('grown too large: replaced, and recording again', async () => {
  const program: Program = { name: 'stand-in', path: standIn({ leakMiBPerSecond: 20 }), timeScale: 1 };
  const all = await world(program);
  const pid = await hubPid(all.service);
  // Its size is looked at each minute.
  await all.service.until<{ state: HubState }>('/api/go2rtc', ({ state }) => state.restarts > 0, 90_000);
  await hubPid(all.service, pid);
  await recordsAfter(all.service, all.behind, Date.now());
  assert.throws(() => process.kill(pid, 0));
  await end(all);
});

test.run();
