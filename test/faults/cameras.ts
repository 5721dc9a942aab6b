// Cameras that die and come back, one of two at a time: each is recorded again soon, and the other never misses a picture.
import type { CameraList, SegmentList } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { CameraChild } from '../support/camera-child.ts';
import { footageFaults, listSegments, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause } from './fault.ts';
import { Growth } from './growth.ts';

/** From the first moment at which the camera answers: an attempt each second, and its first keyframe. */
const RECORDING_AGAIN_MS = 5000;
/** The last whole fragment may be missing with the connection. */
const LOST_MS = 1500;
const CLIP = { fps: 10, seconds: 10, gop: 10, unitBytes: 4000, audio: true };

export const cameraRestarts: FaultTest = {
  name: 'cameras',
  title: 'a camera is killed and started again',
  rounds: 200,
  fewRounds: 4,
  problem: () => undefined,
  run,
};

async function run({ rounds, seed, say }: FaultPlan): Promise<FaultResult> {
  const faults: string[] = [];
  const chance = chanceOf(seed);
  const steady = await Camera.start({ clips: [CLIP] });
  let mortal = await CameraChild.start({ clips: [CLIP] });
  const service = await Service.start();
  for (const [name, url] of [
    ['Mortal', mortal.url],
    ['Steady', steady.url],
  ])
    await service.post('/api/cameras', { name, main: { url }, record: { segmentMs: 5000 } });
  await live(service);
  const growth = new Growth(service.pid);
  let worstAgainMs = 0;
  let worstLostMs = 0;
  for (let round = 1; round <= rounds; round++) {
    await pause(3000 + chance(3000));
    const killedMs = Date.now();
    mortal.kill('SIGKILL');
    await mortal.child.exited;
    await pause(chance(3000));
    mortal = await CameraChild.start({ clips: [CLIP], port: mortal.port });
    const startedMs = Date.now();
    const seen = await service
      .until<SegmentList>(
        `/api/segments?camera=1&startMs=${killedMs}`,
        list => list.segments.some(one => one.startMs > killedMs),
        20_000,
      )
      .catch(() => undefined);
    const againMs = Math.max(0, (seen?.segments.at(-1)?.startMs ?? Number.POSITIVE_INFINITY) - startedMs);
    const before = (await listSegments(service, 1)).filter(segment => segment.startMs < killedMs).at(-1);
    const lostMs = Math.max(0, killedMs - (before?.endMs ?? 0));
    worstAgainMs = Math.max(worstAgainMs, againMs);
    worstLostMs = Math.max(worstLostMs, lostMs);
    say(`restart ${round}: ${lostMs} ms before the death are lost, recorded again after ${againMs} ms`);
    if (againMs > RECORDING_AGAIN_MS) faults.push(`restart ${round}: recorded again after ${againMs} ms`);
    if (lostMs > LOST_MS) faults.push(`restart ${round}: ${lostMs} ms before the death are lost`);
    if (before && !before.open && before.endReason !== 'reconnect')
      faults.push(`restart ${round}: the segment ended with "${before.endReason}"`);
    growth.look();
    steady.sent.length = 0;
  }
  await pause(1500);
  const gaps = (await timelineOf(service, 1)).gaps;
  if (gaps.length !== rounds) faults.push(`${gaps.length} gaps for ${rounds} deaths`);
  for (const gap of gaps) if (gap.reason !== 'offline') faults.push(`a gap "${gap.reason}" at ${gap.startMs}`);
  const others = (await timelineOf(service, 2)).gaps;
  if (others.length > 0) faults.push(`the other camera has gaps: ${JSON.stringify(others.slice(0, 3))}`);
  faults.push(...growth.faults(), ...(await footageFaults(service, () => false)));
  const { code } = await service.stop();
  if (code !== 0) faults.push(`the stop ended with ${code}`);
  await mortal.stop();
  await steady.stop();
  return { faults, figures: { restarts: rounds, worstAgainMs, worstLostMs, ...growth.figures() } };
}

async function live(service: Service): Promise<void> {
  await service.until<CameraList>('/api/cameras', list => list.cameras.every(one => one.state.name === 'live'), 20_000);
}
