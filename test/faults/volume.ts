// The volume goes away while the service records, and comes back: a gap, nothing in the directory underneath, and recording again.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Camera } from '../support/camera.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { mount, mountProblem, unmount, Volume } from '../support/volume.ts';
import { type FaultPlan, type FaultResult, type FaultTest, pause, within } from './fault.ts';

export const missingVolume: FaultTest = {
  name: 'volume',
  title: 'the volume is unmounted while it is recorded to, and mounted again',
  rounds: 3,
  fewRounds: 1,
  problem: mountProblem,
  run,
};

async function run({ rounds, say }: FaultPlan): Promise<FaultResult> {
  const faults: string[] = [];
  const dir = join(tempDir('mount'), 'data');
  mkdirSync(dir);
  const volume = new Volume(200).folder;
  if (!mount('--bind', volume, dir)) return { faults: ['cannot bind the volume'], figures: {} };
  const clip = { fps: 10, seconds: 10, gop: 10, unitBytes: 5000, audio: false };
  const camera = await Camera.start({ clips: [clip] });
  let worstBackMs = 0;
  try {
    const service = await Service.start({ dataDir: dir });
    const body = { name: 'Yard', main: { url: camera.url }, record: { segmentMs: 5000 } };
    const { id } = await service.post<{ id: number }>('/api/cameras', body);
    await service.until<{ segments: unknown[] }>(`/api/segments?camera=${id}`, list => list.segments.length > 0);
    const last = async () => (await timelineOf(service, id)).gaps.at(-1);
    for (let round = 1; round <= rounds; round++) {
      const fault = (words: string) => faults.push(`round ${round}: ${words}`);
      if (!unmount(dir)) fault('cannot unmount');
      const gone = await within(10_000, async () => {
        const gap = await last();
        return gap?.reason === 'no-volume' && gap.endMs === undefined;
      });
      if (!gone) fault('no gap "no-volume" within 10 s');
      if ((await service.get<{ status: string }>('/api/health')).status !== 'degraded') fault('health is not degraded');
      await pause(7000);
      if (readdirSync(dir).length > 0) fault(`made underneath the mount: ${readdirSync(dir).join(' ')}`);
      const mountedMs = Date.now();
      if (!mount('--bind', volume, dir)) fault('cannot mount again');
      if (!(await within(10_000, async () => (await last())?.endMs !== undefined))) fault('not recorded again in 10 s');
      worstBackMs = Math.max(worstBackMs, Date.now() - mountedMs);
      await pause(2000);
      for (const words of await footageFaults(service, () => false)) fault(words);
      say(`round ${round}: recording again after ${Date.now() - mountedMs - 2000} ms`);
    }
    const { code } = await service.stop();
    if (code !== 0) faults.push(`the stop ended with ${code}`);
  } finally {
    unmount(dir);
    await camera.stop();
  }
  return { faults, figures: { worstBackMs } };
}
