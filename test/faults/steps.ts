// kill -9 at every call by which the service changes a file, on a first start and on one that finds the leftovers of a kill.
import { cpSync, rmSync } from 'node:fs';
import type { Camera, CameraList, SegmentList } from '../../src/api/contract.ts';
import { buildFaultyCalls, faultyCallsProblem } from '../support/faulty-calls.ts';
import { FIRST_FRAGMENT_MS, judgeRestart } from '../support/kill-rounds.ts';
import { type Death, dieAtStep } from '../support/kill-steps.ts';
import { Service } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause } from './fault.ts';
import { KillSums } from './kill.ts';

const LOST_MS = 1500;
const KINDS = ['open', 'mkdir', 'fallocate', 'pwritev', 'fdatasync', 'fsync', 'sync_file_range'];

export const killSteps: FaultTest = {
  name: 'steps',
  title: 'kill -9 at the calls that change files, evenly chosen; --all: at every one',
  rounds: 60,
  fewRounds: 4,
  problem: faultyCallsProblem,
  run,
};

interface Walk {
  title: string;
  limitMs: number;
  /** What the data directory holds before each round. */
  template?: string;
  during(service: Service): Promise<void>;
}

async function run(plan: FaultPlan): Promise<FaultResult> {
  const library = await buildFaultyCalls();
  const sums = new KillSums(LOST_MS);
  const calls = new Map<string, number>();
  const walks: Walk[] = [
    { title: 'first start', limitMs: 6000, during: async () => {} },
    { title: 'later start', limitMs: 9000, template: await makeTemplate(), during: changeThings },
  ];
  for (const walk of walks) {
    const chosen = plan.all ? undefined : await chooseCalls(library, walk, plan);
    for (let place = 0; chosen === undefined || place < chosen.length; place++) {
      const at = chosen?.[place] ?? place + 1;
      const call = await dieAndJudge(library, walk, at, sums, plan);
      if (call === undefined && chosen === undefined) break;
      const kind = call?.split(' ')[0] ?? 'not reached';
      calls.set(kind, (calls.get(kind) ?? 0) + 1);
    }
  }
  const result = sums.result();
  if (plan.all) {
    for (const kind of KINDS)
      if (![...calls.keys()].some(name => name.includes(kind))) result.faults.push(`never came to ${kind}`);
  }
  return { ...result, figures: { ...result.figures, calls: JSON.stringify(Object.fromEntries(calls)) } };
}

/** Half of the rounds for each walk, spread evenly over the calls that a run makes, each place moved by chance. */
async function chooseCalls(library: string, walk: Walk, { rounds, seed }: FaultPlan): Promise<number[]> {
  const dataDir = makeDir(walk);
  const { calls } = await dieAtStep(library, { ...walk, dataDir, at: Number.MAX_SAFE_INTEGER });
  rmSync(dataDir, { recursive: true });
  const chance = chanceOf(seed);
  const count = Math.max(1, Math.round(rounds / 2));
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((calls * (index + chance(1000) / 1000)) / count));
}

/** Resolves with the call at which it died. */
async function dieAndJudge(
  library: string,
  walk: Walk,
  at: number,
  sums: KillSums,
  { say }: FaultPlan,
): Promise<string | undefined> {
  const dataDir = makeDir(walk);
  const death = await dieAtStep(library, { ...walk, dataDir, at });
  const where = `${walk.title}, call ${at}: ${death.call ?? 'not reached'}`;
  const result = await judgeRestart({ dataDir, args: ['--demo'] }, death.killedAtMs, [1]).catch(error => {
    throw new Error(`${where}: ${String(error)} (${dataDir})`);
  });
  say(`${where}: ${JSON.stringify(result)}`);
  sums.add(result, recordedLong(death), `${where} (${dataDir})`);
  rmSync(dataDir, { recursive: true });
  return death.call;
}

function makeDir({ template }: Walk): string {
  const dataDir = tempDir('step');
  if (template !== undefined) cpSync(template, dataDir, { recursive: true, preserveTimestamps: true });
  return dataDir;
}

function recordedLong({ killedAtMs, liveAtMs }: Death): boolean {
  return liveAtMs !== undefined && killedAtMs - liveAtMs >= FIRST_FRAGMENT_MS;
}

/** A data directory with short segments of two cameras, left by a kill, so that the next start has something to adopt. */
async function makeTemplate(): Promise<string> {
  const service = await Service.start({ args: ['--demo'] });
  for (const id of [1, 2]) await service.patch(`/api/cameras/${id}`, { record: { segmentMs: 5000 } });
  await service.until<SegmentList>('/api/segments?camera=1', list => list.segments.length >= 3, 20_000);
  service.kill('SIGKILL');
  await service.child.exited;
  return service.dataDir;
}

/** Owners change things while it records: a name, recording, a segment, a camera with its footage. */
async function changeThings(service: Service): Promise<void> {
  await service.patch<Camera>('/api/cameras/2', { name: 'Renamed' });
  const { segments } = await service.until<SegmentList>('/api/segments?camera=1', list =>
    list.segments.some(segment => !segment.open),
  );
  await service.delete(`/api/segments/${segments[0]?.id}`);
  await service.until<CameraList>('/api/cameras', list => list.cameras.every(one => one.state.name === 'live'));
  await pause(1500);
  await service.patch('/api/cameras/1', { record: { mode: 'off' } });
  await service.patch('/api/cameras/1', { record: { mode: 'continuous' } });
  await service.delete('/api/cameras/2?footage=delete');
}
