// Deaths while cameras in events mode are triggered at random: kill -9, and power cuts of an ext4 volume. Aimed at the moments in which
// the seconds before an event are written, footage is extended, and files are closed.
import { join } from 'node:path';
import type { CameraList } from '../../src/api/contract.ts';
import { loopDiskProblem, makeLoopDisk } from '../bench/loop-disk.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, type ClipSpec, clipFile } from '../support/clips.ts';
import { judgeRestart, type KillRound } from '../support/kill-rounds.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { type EventVerdict, judgeEvents } from './event-judge.ts';
import { EventStorm, MOST_AGE_MS } from './event-storm.ts';
import { type Chance, chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause } from './fault.ts';
import { KillSums } from './kill.ts';

const KILL_LOST_MS = 1500;
const CUT_LOST_MS = 3000;
const CLIPS_SENT: ClipSpec[] = [CLIPS.small, CLIPS.smallBFrames, { ...CLIPS.smallSilent, gop: 50 }, CLIPS.smallHevc];
const EVENTS = { preRollMs: 3000, postRollMs: 1500, mergeMs: 0, maxMs: 10_000 };
/** The first keyframe, and a pre-roll. */
const LEAST_MS = 2000;
const MOST_MORE_MS = 10_000;
/** From a trigger until the past is on disk. */
const FLUSH_MS = 500;
/** From the end of the post-roll until the file is closed: a GOP, and the last sound. */
const CLOSE_MS = 2500;
/** Where the death falls. */
const AIMS = ['anywhere', 'flush', 'close'] as const;

export const eventKills: FaultTest = {
  name: 'kill-events',
  title: 'kill -9 while cameras record events',
  rounds: 100,
  fewRounds: 3,
  problem: () => undefined,
  run: async plan => {
    const die = async (service: Service) => {
      service.kill('SIGKILL');
      await service.child.exited;
    };
    const options = { dataDir: tempDir('kill') };
    return rounds(plan, { options, die, mostLostMs: KILL_LOST_MS, sums: new KillSums(KILL_LOST_MS) });
  },
};

export const eventPowerCuts: FaultTest = {
  name: 'power-cut-events',
  title: 'power cuts while cameras record events',
  rounds: 100,
  fewRounds: 3,
  problem: loopDiskProblem,
  run: async plan => {
    const disk = makeLoopDisk(1024);
    if (!disk) return { faults: ['the loop device went away'], figures: {} };
    const die = async (service: Service) => {
      disk.cut();
      service.kill('SIGKILL');
      await service.child.exited;
      disk.remount();
    };
    const options = { dataDir: join(disk.folder, 'data') };
    const sums = new KillSums(CUT_LOST_MS);
    try {
      return await rounds(plan, { options, die, mostLostMs: CUT_LOST_MS, sums });
    } finally {
      disk.remove();
    }
  },
};

interface Deaths {
  options: ServiceOptions;
  die(service: Service): Promise<void>;
  mostLostMs: number;
  sums: KillSums;
}

async function rounds({ rounds: count, seed, say }: FaultPlan, deaths: Deaths): Promise<FaultResult> {
  const clips = await Promise.all(CLIPS_SENT.map(clipFile));
  const cameras = await Promise.all(clips.map(clip => Camera.start({ clips: [clip] })));
  const chance = chanceOf(seed);
  let events = 0;
  let worstLostEventMs = 0;
  try {
    for (let round = 1; round <= count; round++) {
      const aim = AIMS[chance(AIMS.length)] ?? 'anywhere';
      const recordMs = LEAST_MS + chance(MOST_MORE_MS);
      const where = `round ${round}, ${aim} after ${recordMs} ms`;
      const urls = cameras.map(camera => camera.url);
      const { result, verdict } = await playRound(deaths, urls, { aim, recordMs, seed: seed + round, chance });
      for (const camera of cameras) camera.sent.length = 0;
      say(`${where}: ${JSON.stringify({ ...result, events: verdict?.events, lostEventMs: verdict?.lostEventMs })}`);
      deaths.sums.add(result, true, where);
      events += verdict?.events ?? 0;
      worstLostEventMs = Math.max(worstLostEventMs, verdict?.lostEventMs ?? 0);
    }
  } finally {
    for (const camera of cameras) await camera.stop();
  }
  const { faults, figures } = deaths.sums.result();
  const { worstRecordingAgainMs: _, ...rest } = figures;
  return { faults, figures: { ...rest, events, worstLostEventMs } };
}

interface Round {
  aim: (typeof AIMS)[number];
  recordMs: number;
  seed: number;
  chance: Chance;
}

async function playRound(
  { options, die, mostLostMs }: Deaths,
  urls: readonly string[],
  { aim, recordMs, seed, chance }: Round,
): Promise<{ result: KillRound; verdict: EventVerdict | undefined }> {
  const fromMs = Date.now() - MOST_AGE_MS;
  const service = await Service.start(options, 30_000);
  const ids = await addCameras(service, urls);
  const liveMs = Date.now();
  const storm = new EventStorm(service, ids, seed);
  await pause(recordMs);
  if (aim === 'flush') {
    await Promise.all(ids.map(id => storm.pulse(id)));
    await pause(chance(FLUSH_MS));
  } else if (aim === 'close') {
    await storm.stop();
    await Promise.all(ids.map(id => storm.pulse(id)));
    await pause(EVENTS.postRollMs + chance(CLOSE_MS));
  }
  const killedMs = Date.now();
  await die(service);
  await storm.stop();
  const { preRollMs, postRollMs } = EVENTS;
  let verdict: EventVerdict | undefined;
  const result = await judgeRestart(options, killedMs, [], async again => {
    const before = { fromMs, liveMs, killedMs, taken: storm.taken, preRollMs, postRollMs, mostLostMs };
    verdict = await judgeEvents(again, before);
    return verdict.faults;
  });
  result.faults.push(...storm.faults);
  return { result: { ...result, lostMs: verdict?.lostMs ?? 0 }, verdict };
}

/** The first round adds them; resolves when all are live. */
async function addCameras(service: Service, urls: readonly string[]): Promise<number[]> {
  const { cameras } = await service.get<CameraList>('/api/cameras');
  for (const [index, url] of urls.slice(cameras.length).entries()) {
    const record = { mode: 'events', segmentMs: 5000 };
    await service.post('/api/cameras', { name: `Camera ${index + 1}`, main: { url }, record, events: EVENTS });
  }
  const isLive = ({ cameras: all }: CameraList) => all.every(one => one.state.name === 'live');
  return (await service.until<CameraList>('/api/cameras', isLive, 20_000)).cameras.map(camera => camera.id);
}
