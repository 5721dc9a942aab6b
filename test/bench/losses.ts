// What `kill -9` costs: rounds of recording, killing and starting again, as in the tests of it.
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { killRound } from '../support/kill-rounds.ts';
import type { ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';

const CAMERAS = 2;
/** From `live` to the first fragment on the disk: an earlier kill has nothing to lose. */
const FIRST_FRAGMENT_MS = 3000;
const SPREAD_MS = 2000;

export async function measureLosses(options: Pick<ServiceOptions, 'command'>, rounds: number): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.small);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  try {
    const dataDir = tempDir('kill');
    const urls = names.map(name => server.url(name));
    const lostMs: number[] = [];
    const againMs: number[] = [];
    let faults = 0;
    for (let round = 0; round < rounds; round++) {
      const recordMs = FIRST_FRAGMENT_MS + (SPREAD_MS * round) / rounds;
      const result = await killRound({ ...options, dataDir, urls, recordMs });
      for (const fault of result.faults) process.stderr.write(`${fault}\n`);
      faults += result.faults.length;
      lostMs.push(result.lostMs);
      againMs.push(result.recordingAgainMs);
    }
    lostMs.sort((a, b) => a - b);
    return [
      { id: 'lossMedian', value: lostMs[Math.floor(rounds / 2)] ?? null },
      { id: 'lossWorst', value: Math.max(...lostMs) },
      { id: 'again', value: Math.max(...againMs) },
      { id: 'faults', value: faults },
    ];
  } finally {
    await server.stop();
  }
}
