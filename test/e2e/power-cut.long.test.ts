// Power cuts: the volume forgets at once what was not yet durable (ext4's shutdown without a flush), again and again.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CameraList } from '../../src/api/contract.ts';
import { makeLoopDisk } from '../bench/loop-disk.ts';
import { Camera } from '../support/camera.ts';
import { run, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { judgeRestart } from '../support/kill-rounds.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const CUTS = 10;
/** Fragment and sync period, and the disk's own time. */
const LOST_MS = 3000;
/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. */
const CUT = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))`;

const disk = makeLoopDisk(256);
const test = suite('power cuts', { timeoutMs: 600_000 });
test.after(async () => {
  await stopChildren();
  disk?.remove();
});

test.needs(
  disk !== undefined,
  'needs root and loop devices',
  `${CUTS} cuts: files play, the index is right`,
  async () => {
    const folder = disk?.folder ?? '';
    const seed = Date.now() % 100_000;
    const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
    const options = { dataDir: join(folder, 'data') };
    let random = seed;
    for (let cut = 1; cut <= CUTS; cut++) {
      random = (random * 48_271) % 2_147_483_647;
      const recordMs = 3000 + (random % 5000);
      const service = await Service.start(options, 30_000);
      if (cut === 1) {
        for (const name of ['one', 'two']) {
          await service.post('/api/cameras', { name, main: { url: camera.url }, record: { segmentMs: 5000 } });
        }
      }
      await service.until<CameraList>('/api/cameras', list => list.cameras.every(one => one.state.name === 'live'));
      await new Promise(resolve => setTimeout(resolve, recordMs));
      const cutAtMs = Date.now();
      await run('/usr/bin/python3', ['-c', CUT, folder]);
      service.kill('SIGKILL');
      await service.child.exited;
      remount(folder);

      const result = await judgeRestart(options, cutAtMs, [1, 2]);
      const where = `seed ${seed}, cut ${cut} after ${recordMs} ms`;
      process.stdout.write(`${where}: ${JSON.stringify(result)}\n`);
      assert.equal(result.faults, [], where);
      assert.ok(result.lostMs <= LOST_MS, `${where}: ${result.lostMs} ms are lost`);
      assert.ok(result.recordingAgainMs <= 5000, `${where}: recording again after ${result.recordingAgainMs} ms`);
    }
    await camera.stop();
  },
);

/** Reads from the device what really is on it, replaying the journal. */
function remount(folder: string): void {
  const mounted = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const device = mounted.find(line => line.split(' ')[1] === folder)?.split(' ')[0] ?? '';
  for (const command of [
    ['umount', folder],
    ['mount', '-t', 'ext4', device, folder],
  ] as const) {
    const { status, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
    assert.is(status, 0, `${command.join(' ')}: ${stderr}`);
  }
}

test.run();
