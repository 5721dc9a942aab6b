// Power cuts: an ext4 volume of our own forgets at once what was not yet durable (its shutdown without a flush), again and again.
import { join } from 'node:path';
import type { CameraList } from '../../src/api/contract.ts';
import { loopDiskProblem, makeLoopDisk } from '../bench/loop-disk.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { judgeRestart } from '../support/kill-rounds.ts';
import { Service } from '../support/service.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause } from './fault.ts';
import { KillSums } from './kill.ts';

/** Fragment and sync period, and the disk's own time. */
const LOST_MS = 3000;
/** From the start of the process until all that the cut left is in the index. */
const REPAIR_MS = 2000;
const CAMERAS = ['one', 'two', 'three', 'four'];

export const powerCuts: FaultTest = {
  name: 'power-cut',
  title: 'power cuts of an ext4 volume with 4 cameras',
  rounds: 100,
  fewRounds: 3,
  problem: loopDiskProblem,
  run,
};

async function run({ rounds, seed, say }: FaultPlan): Promise<FaultResult> {
  const disk = makeLoopDisk(1024);
  if (!disk) return { faults: ['the loop device went away'], figures: {} };
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const options = { dataDir: join(disk.folder, 'data') };
  const chance = chanceOf(seed);
  const sums = new KillSums(LOST_MS, REPAIR_MS);
  try {
    for (let cut = 1; cut <= rounds; cut++) {
      const recordMs = 3000 + chance(5000);
      const service = await Service.start(options, 30_000);
      if (cut === 1) {
        for (const name of CAMERAS)
          await service.post('/api/cameras', { name, main: { url: camera.url }, record: { segmentMs: 5000 } });
      }
      await service.until<CameraList>('/api/cameras', list => list.cameras.every(one => one.state.name === 'live'));
      await pause(recordMs);
      const cutAtMs = Date.now();
      disk.cut();
      service.kill('SIGKILL');
      await service.child.exited;
      disk.remount();
      const result = await judgeRestart(options, cutAtMs, [1, 2, 3, 4]);
      camera.sent.length = 0;
      const where = `cut ${cut} after ${recordMs} ms`;
      say(`${where}: ${JSON.stringify(result)}`);
      sums.add(result, true, where);
    }
  } finally {
    await camera.stop();
    disk.remove();
  }
  return sums.result();
}
