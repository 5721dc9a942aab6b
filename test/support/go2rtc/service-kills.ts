// Kills the service while it has a go2rtc, and looks what is left.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { Camera } from '../camera.ts';
import { CLIPS, clipFile } from '../clips.ts';
import { tempDir } from '../temp.ts';
import { addCamera, configOf, hubPid, recordsAfter, startWithHub } from './hub-service.ts';
import { type Program, until } from './peer.ts';

/** Throws when a go2rtc outlives its service, or the next one is not recording again behind one of its own. */
export async function killGo2rtcRounds(program: Program, rounds: number): Promise<void> {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const dataDir = tempDir('data');
  let id: number | undefined;
  let folder = '';
  for (let round = 1; round <= rounds; round++) {
    const service = await startWithHub(program, { dataDir });
    id ??= await addCamera(service, 'Behind', camera.url, { hub: 'go2rtc' });
    const pid = await hubPid(service);
    folder = dirname(configOf(pid));
    await recordsAfter(service, id, Date.now());
    // One folder for all rounds; of those before nothing is left in it but the lock.
    assert.ok(readdirSync(folder).length <= 3, `round ${round}: ${readdirSync(folder).join(' ')}`);
    service.kill('SIGKILL');
    await service.child.exited;
    await until(() => !isAlive(pid), `round ${round}: the end of its go2rtc`, 10_000);
  }
  const last = await startWithHub(program, { dataDir });
  await hubPid(last);
  await last.stop();
  assert.not(existsSync(folder), 'nothing is left after a stop');
  await camera.stop();
}

/** A process that has ended and that nobody has asked about is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
