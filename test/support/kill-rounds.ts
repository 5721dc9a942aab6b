// Kills the service while it records, starts it again, and measures what is lost.
import type { CameraList } from '../../src/api/contract.ts';
import { footageFaults, listSegments } from './footage.ts';
import { Service, type ServiceOptions } from './service.ts';

export interface KillRound {
  /** What is wrong with the footage after the restart; empty when all is well. */
  faults: string[];
  /** Time between the kill and the end of the newest footage before it, the worst camera. */
  lostMs: number;
  /** From the start of the new process to footage of every camera after it. */
  recordingAgainMs: number;
  /** From the start of the new process until all that the old one left was in the index; 0 = it left nothing. */
  repairMs: number;
}

/** How soon a service that was started after a death has to record every camera again. */
export const RECORDING_AGAIN_MS = 5000;
/** From `live` to the first keyframe and its fragment on the disk: who dies sooner has nothing to lose. */
export const FIRST_FRAGMENT_MS = 3000;

export interface KillPlan extends Pick<ServiceOptions, 'command'> {
  dataDir: string;
  /** rtsp:// addresses of running cameras. */
  urls: string[];
  /** Milliseconds of recording before the kill, counted from when all cameras are live. */
  recordMs: number;
}

/** One round: start, record, kill -9, start, judge, stop cleanly. The first round adds the cameras. */
export async function killRound(plan: KillPlan): Promise<KillRound> {
  const options = { dataDir: plan.dataDir, ...(plan.command && { command: plan.command }) };
  const death = await recordAndDie(plan, options);
  return judgeRestart(options, death.killedAtMs, death.recorded);
}

/**
 * Starts the service on what a killed one left, judges, and stops it cleanly. `recorded`: the cameras that may have lost something.
 * `look` adds what else is wrong, once the leftovers are adopted.
 */
export async function judgeRestart(
  options: ServiceOptions,
  killedAtMs: number,
  recorded: readonly number[],
  look: (service: Service) => Promise<string[]> = async () => [],
): Promise<KillRound> {
  const startedMs = Date.now();
  const service = await Service.start(options, 30_000);
  let round: KillRound;
  try {
    const { cameras } = await service.get<CameraList>('/api/cameras');
    const ids = cameras.filter(camera => camera.record.mode === 'continuous').map(camera => camera.id);
    const recordingAgainMs = await recordingAgain(service, ids, killedAtMs, startedMs);
    await adopted(service);
    const lostMs = Math.max(0, ...(await losses(service, recorded, killedAtMs)));
    const faults = await footageFaults(service, segment => segment.endMs > startedMs - 30_000);
    faults.push(...(await look(service)));
    const repairMs = repairTime(service, startedMs);
    round = { faults, lostMs, recordingAgainMs, repairMs };
  } finally {
    await service.stop();
  }
  const { code } = await service.child.exited;
  if (code !== 0) round.faults.push(`the stop after it ended with ${code}`);
  return round;
}

/** Wall time of the kill, and which cameras were being recorded. */
async function recordAndDie(
  plan: KillPlan,
  options: ServiceOptions,
): Promise<{ killedAtMs: number; recorded: number[] }> {
  const service = await Service.start(options, 30_000);
  const { cameras } = await service.get<CameraList>('/api/cameras');
  for (const [index, url] of plan.urls.slice(cameras.length).entries()) {
    const camera = { name: `Camera ${cameras.length + index + 1}`, main: { url }, record: { segmentMs: 5000 } };
    await service.post('/api/cameras', camera);
  }
  const live = await service.until<CameraList>(
    '/api/cameras',
    list => list.cameras.every(one => one.state.name === 'live'),
    20_000,
  );
  await new Promise(resolve => setTimeout(resolve, plan.recordMs));
  const killedAtMs = Date.now();
  service.kill('SIGKILL');
  await service.child.exited;
  return { killedAtMs, recorded: live.cameras.map(camera => camera.id) };
}

async function recordingAgain(service: Service, ids: number[], killedAtMs: number, startedMs: number): Promise<number> {
  let last = startedMs;
  for (const id of ids) {
    for (;;) {
      const segments = await listSegments(service, id);
      const fresh = segments.find(segment => segment.startMs >= killedAtMs);
      if (fresh) {
        last = Math.max(last, fresh.startMs);
        break;
      }
      if (Date.now() - startedMs > 20_000) throw new Error(`camera ${id} does not record again`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
  return last - startedMs;
}

/** Adoption runs in the background: all is settled when the index knows every file. */
async function adopted(service: Service): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    if ((await footageFaults(service, () => false)).length === 0) return;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

function repairTime(service: Service, startedMs: number): number {
  const told = service.log.find(line => line.msg === 'files of earlier runs adopted');
  return told ? Number(told.timeMs) - startedMs : 0;
}

async function losses(service: Service, ids: readonly number[], killedAtMs: number): Promise<number[]> {
  const result: number[] = [];
  for (const id of ids) {
    const before = (await listSegments(service, id)).filter(segment => segment.startMs < killedAtMs);
    const newest = Math.max(0, ...before.map(segment => segment.endMs));
    result.push(killedAtMs - newest);
  }
  return result;
}
