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
}

export interface KillPlan {
  dataDir: string;
  /** rtsp:// addresses of running cameras. */
  urls: string[];
  /** Milliseconds of recording before the kill, counted from when all cameras are live. */
  recordMs: number;
  /** Waits for the process to die on its own (a wrapper kills it) instead of killing it. */
  wrapper?: string[];
}

/** One round: start, record, kill -9, start, judge, stop cleanly. The first round adds the cameras. */
export async function killRound(plan: KillPlan): Promise<KillRound> {
  const options: ServiceOptions = { dataDir: plan.dataDir };
  const killedAtMs = await recordAndDie(plan, options);
  const startedMs = Date.now();
  const service = await Service.start(options, 30_000);
  try {
    const ids = (await service.get<CameraList>('/api/cameras')).cameras.map(camera => camera.id);
    const recordingAgainMs = await recordingAgain(service, ids, killedAtMs, startedMs);
    await adopted(service);
    const lostMs = killedAtMs === undefined ? 0 : Math.max(...(await losses(service, ids, killedAtMs)));
    return {
      faults: await footageFaults(service, segment => segment.endMs > startedMs - 30_000),
      lostMs,
      recordingAgainMs,
    };
  } finally {
    await service.stop();
  }
}

/** Wall time of the kill; undefined when the process died before all cameras were live. */
async function recordAndDie(plan: KillPlan, options: ServiceOptions): Promise<number | undefined> {
  if (plan.wrapper) {
    const { child } = Service.spawn({ ...options, wrapper: plan.wrapper });
    const limit = setTimeout(() => child.kill('SIGKILL'), plan.recordMs);
    await child.exited;
    clearTimeout(limit);
    return undefined;
  }
  const service = await Service.start(options, 30_000);
  const { cameras } = await service.get<CameraList>('/api/cameras');
  for (const [index, url] of plan.urls.slice(cameras.length).entries()) {
    const camera = { name: `Camera ${cameras.length + index + 1}`, main: { url }, record: { segmentMs: 5000 } };
    await service.post('/api/cameras', camera);
  }
  await service.until<CameraList>('/api/cameras', list => list.cameras.every(one => one.state.name === 'live'), 20_000);
  await new Promise(resolve => setTimeout(resolve, plan.recordMs));
  const killedAtMs = Date.now();
  service.kill('SIGKILL');
  await service.child.exited;
  return killedAtMs;
}

async function recordingAgain(
  service: Service,
  ids: number[],
  killedAtMs: number | undefined,
  startedMs: number,
): Promise<number> {
  let last = startedMs;
  for (const id of ids) {
    for (;;) {
      const segments = await listSegments(service, id);
      const fresh = segments.find(segment => segment.startMs >= (killedAtMs ?? startedMs));
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

async function losses(service: Service, ids: number[], killedAtMs: number): Promise<number[]> {
  const result: number[] = [];
  for (const id of ids) {
    const before = (await listSegments(service, id)).filter(segment => segment.startMs < killedAtMs);
    const newest = Math.max(0, ...before.map(segment => segment.endMs));
    result.push(killedAtMs - newest);
  }
  return result;
}
