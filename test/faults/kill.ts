// kill -9 at random moments while two cameras record, again and again on the same data directory.
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { FIRST_FRAGMENT_MS, type KillRound, killRound, RECORDING_AGAIN_MS } from '../support/kill-rounds.ts';
import { tempDir } from '../support/temp.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest } from './fault.ts';

const LOST_MS = 1500;
const CAMERAS = ['one', 'two'];

export const kills: FaultTest = {
  name: 'kill',
  title: 'kill -9 at random moments',
  rounds: 200,
  fewRounds: 5,
  problem: gstProblem,
  run,
};

async function run({ rounds, seed, say }: FaultPlan): Promise<FaultResult> {
  const clip = await clipFile(CLIPS.small);
  const server = await GstCameras.start({ mounts: Object.fromEntries(CAMERAS.map(name => [name, { clip }])) });
  const urls = CAMERAS.map(name => server.url(name));
  const dataDir = tempDir('kill');
  const chance = chanceOf(seed);
  const sums = new KillSums(LOST_MS);
  for (let round = 1; round <= rounds; round++) {
    const recordMs = chance(8000);
    const result = await killRound({ dataDir, urls, recordMs });
    const where = `round ${round}, killed after ${recordMs} ms`;
    say(`${where}: ${JSON.stringify(result)}`);
    sums.add(result, recordMs >= FIRST_FRAGMENT_MS, where);
  }
  await server.stop();
  return sums.result();
}

/** Collects rounds that end in a death and judges each. */
export class KillSums {
  readonly #mostLostMs: number;
  readonly #mostRepairMs: number;
  readonly #faults: string[] = [];
  #rounds = 0;
  #judgedForLoss = 0;
  #lostMs = 0;
  #repairMs = 0;
  #recordingAgainMs = 0;

  constructor(mostLostMs: number, mostRepairMs = Number.POSITIVE_INFINITY) {
    this.#mostLostMs = mostLostMs;
    this.#mostRepairMs = mostRepairMs;
  }

  /** `recorded`: all cameras had been recorded for long enough that there was something to lose. */
  add(round: KillRound, recorded: boolean, where: string): void {
    const fault = (words: string) => this.#faults.push(`${where}: ${words}`);
    this.#rounds++;
    for (const words of round.faults) fault(words);
    if (recorded) {
      this.#judgedForLoss++;
      this.#lostMs = Math.max(this.#lostMs, round.lostMs);
      if (round.lostMs > this.#mostLostMs) fault(`${round.lostMs} ms are lost (most ${this.#mostLostMs})`);
    }
    this.#repairMs = Math.max(this.#repairMs, round.repairMs);
    if (round.repairMs > this.#mostRepairMs)
      fault(`leftovers adopted after ${round.repairMs} ms (most ${this.#mostRepairMs})`);
    this.#recordingAgainMs = Math.max(this.#recordingAgainMs, round.recordingAgainMs);
    if (round.recordingAgainMs > RECORDING_AGAIN_MS) fault(`recording again after ${round.recordingAgainMs} ms`);
  }

  result(): FaultResult {
    return {
      faults: this.#faults,
      figures: {
        deaths: this.#rounds,
        judgedForLoss: this.#judgedForLoss,
        worstLostMs: this.#lostMs,
        worstRepairMs: this.#repairMs,
        worstRecordingAgainMs: this.#recordingAgainMs,
      },
    };
  }
}
