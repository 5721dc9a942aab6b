// Disks that are full, that do not answer, and that break, under a service with two cameras: each on an ext4 volume of our own.
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CameraList, Health, Segment, SegmentList } from '../../src/api/contract.ts';
import type { GapReason } from '../../src/core/index.ts';
import { type LoopDisk, loopDiskProblem, makeLoopDisk } from '../bench/loop-disk.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { buildFaultyCalls, FaultyCalls, faultyCallsProblem } from '../support/faulty-calls.ts';
import { decodeWhole } from '../support/ffprobe.ts';
import { footageFaults, listSegments, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { type FaultPlan, type FaultResult, type FaultTest, pause, within } from './fault.ts';
import { keepLog, lastWords } from './last-words.ts';

const DISK_MIB = 128;
/** How long a fault lasts after it was noticed, or in all. */
const LASTING_MS = 10_000;
const FROZEN_MS = 20_000;
const NOTICED_MS = 25_000;
const AGAIN_MS = 10_000;
const ANSWER_MS = 1000;
/** The writer's queue, and what JavaScript and the rings may need more. */
const MOST_GROWTH_MIB = 32 + 12;
/** So much that the queue of a segment (8 MiB) is full before the disk answers again. */
const FAST_CLIP = { fps: 10, seconds: 10, gop: 10, unitBytes: 100_000, audio: false };

export const diskFaults: FaultTest = {
  name: 'disk',
  title: 'a full, a frozen, a read-only and a breaking disk; a round is one of each',
  rounds: 3,
  fewRounds: 1,
  problem: loopDiskProblem,
  run,
};

/** One service on one disk, and what was noticed. */
interface Scene {
  disk: LoopDisk;
  service: Service;
  calls: FaultyCalls | undefined;
  fault(words: string): void;
  figure(what: string, value: number): void;
}

interface Part {
  name: string;
  camera: Camera;
  library?: string;
  play(scene: Scene): Promise<void>;
}

async function run({ rounds, say }: FaultPlan): Promise<FaultResult> {
  const result: FaultResult = { faults: [], figures: {}, skipped: [] };
  const quiet = await Camera.start({ clips: [await clipFile(CLIPS.full)] });
  const fast = await Camera.start({ clips: [FAST_CLIP] });
  const parts: Part[] = [
    { name: 'full', camera: quiet, play: fullDisk },
    { name: 'frozen', camera: fast, play: frozenDisk },
    { name: 'read-only', camera: quiet, play: readOnlyDisk },
  ];
  const problem = faultyCallsProblem();
  if (problem !== undefined) result.skipped?.push(`breaking: ${problem}`);
  else parts.push({ name: 'breaking', camera: quiet, library: await buildFaultyCalls(), play: breakingDisk });
  for (let round = 1; round <= rounds; round++) {
    for (const part of parts) {
      const before = result.faults.length;
      await playPart(part, result).catch(error => result.faults.push(`${part.name}: ${error}`));
      say(`round ${round}, ${part.name}: ${result.faults.slice(before).join('; ') || 'good'}`);
    }
  }
  await quiet.stop();
  await fast.stop();
  return result;
}

/** Two cameras record on a disk of their own, then the part plays, and what is left is judged. */
async function playPart(part: Part, result: FaultResult): Promise<void> {
  const disk = makeLoopDisk(DISK_MIB);
  if (!disk) throw new Error('there is no loop device');
  const fault = (words: string) => {
    const line = `${part.name}: ${words}`;
    if (!result.faults.includes(line)) result.faults.push(line);
  };
  const figure = (what: string, value: number) => {
    const name = `${part.name} ${what}`;
    result.figures[name] = Math.max(Number(result.figures[name] ?? 0), Math.round(value));
  };
  try {
    const dataDir = join(disk.folder, 'data');
    const calls = part.library === undefined ? undefined : new FaultyCalls(part.library, dataDir);
    const service = await Service.start({ dataDir, ...(calls && { env: calls.env }) });
    for (const name of ['One', 'Two'])
      await service.post('/api/cameras', { name, main: { url: part.camera.url }, record: { segmentMs: 5000 } });
    await service.until<SegmentList>('/api/segments?camera=2', list => list.segments.length >= 3, 30_000);
    await part
      .play({ disk, service, calls, fault, figure })
      .catch(error => fault(`${error}; it ${lastWords(service)}`));
    if (result.faults.length > 0) keepLog(service, `disk ${part.name}`);
    part.camera.sent.length = 0;
    if (service.child.running) {
      const { code } = await service.stop();
      if (code !== 0) fault(`the stop ended with ${code}`);
    }
    await judgeLater(dataDir, fault);
  } finally {
    disk.remove();
  }
}

async function fullDisk({ disk, service, fault, figure }: Scene): Promise<void> {
  const [kept] = await closedSegments(service);
  await service.patch(`/api/segments/${kept?.id}`, { locked: true });
  const foreign = join(disk.folder, 'foreign');
  const filling = setInterval(() => fill(foreign), 200);
  try {
    await noticed(service, 'disk-full', fault);
    const pulse = watchAnswers(service, fault);
    await decodeWhole(await service.download(kept?.id ?? '')).catch(error => fault(`while full: ${String(error)}`));
    await pause(LASTING_MS);
    figure('slowest answer ms', await pulse.stop());
  } finally {
    clearInterval(filling);
    rmSync(foreign);
  }
  figure('recording again ms', await again(service, 'disk-full', fault));
}

/** Takes what is left, up to the last block. */
function fill(path: string): void {
  for (const bytes of [1 << 20, 4096]) {
    const piece = Buffer.alloc(bytes, 1);
    try {
      for (;;) appendFileSync(path, piece);
    } catch {
      // Full, which is what is wanted.
    }
  }
}

async function frozenDisk({ disk, service, fault, figure }: Scene): Promise<void> {
  const rssMiB = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))?.[1]) / 1024;
  const before = rssMiB();
  let most = before;
  disk.freeze();
  try {
    const pulse = watchAnswers(service, fault);
    for (const endMs = Date.now() + FROZEN_MS; Date.now() < endMs; await pause(200)) most = Math.max(most, rssMiB());
    figure('slowest answer ms', await pulse.stop());
  } finally {
    disk.thaw();
  }
  figure('growth MiB', most - before);
  if (most - before > MOST_GROWTH_MIB) fault(`memory grew by ${Math.round(most - before)} MiB`);
  figure('recording again ms', await again(service, 'slow-disk', fault));
}

async function readOnlyDisk({ disk, service, fault, figure }: Scene): Promise<void> {
  disk.abort();
  await noticed(service, 'no-volume', fault);
  const pulse = watchAnswers(service, fault, [200, 503]);
  const [kept] = await closedSegments(service);
  await decodeWhole(await service.download(kept?.id ?? '')).catch(error => fault(`while read-only: ${String(error)}`));
  await pause(LASTING_MS);
  figure('slowest answer ms', await pulse.stop());
  const { code, signal } = await service.stop();
  if (signal !== null || (code !== 0 && code !== 1)) fault(`the stop ended with ${code ?? signal}`);
  disk.remount();
}

async function breakingDisk({ service, calls, fault, figure }: Scene): Promise<void> {
  calls?.failAll('EIO');
  await noticed(service, 'no-volume', fault);
  const pulse = watchAnswers(service, fault, [200, 503]);
  await pause(LASTING_MS);
  figure('slowest answer ms', await pulse.stop());
  calls?.lift();
  figure('recording again ms', await again(service, 'no-volume', fault));
}

async function closedSegments(service: Service): Promise<Segment[]> {
  return (await listSegments(service, 1)).filter(segment => !segment.open);
}

/** Each camera has a gap that goes on and says why. */
async function noticed(service: Service, reason: GapReason, fault: Scene['fault']): Promise<void> {
  const isSo = async () => {
    const gaps = await Promise.all([1, 2].map(async id => (await timelineOf(service, id)).gaps.at(-1)));
    return gaps.every(gap => gap?.reason === reason && gap.endMs === undefined);
  };
  if (await within(NOTICED_MS, isSo)) {
    const { status } = await service.get<Health>('/api/health');
    if (status !== 'degraded') fault(`health says ${status}`);
    return;
  }
  const gaps = await Promise.all([1, 2].map(async id => (await timelineOf(service, id)).gaps));
  fault(`no gap "${reason}" within ${NOTICED_MS} ms: ${JSON.stringify(gaps)}`);
}

/** How long it takes from now until each camera records and has no gap that goes on. */
async function again(service: Service, reason: GapReason, fault: Scene['fault']): Promise<number> {
  const sinceMs = Date.now();
  const isSo = async () => {
    for (const id of [1, 2]) {
      const segments = await listSegments(service, id);
      if (!segments.some(segment => segment.open && segment.endMs > sinceMs)) return false;
      if ((await timelineOf(service, id)).gaps.some(gap => gap.endMs === undefined)) return false;
    }
    return true;
  };
  if (!(await within(AGAIN_MS, isSo))) fault(`not recorded again within ${AGAIN_MS} ms`);
  const tookMs = Date.now() - sinceMs;
  const { cameras } = await service.get<CameraList>('/api/cameras');
  for (const { id, state } of cameras) {
    const { gaps } = await timelineOf(service, id);
    if (!gaps.some(gap => gap.reason === reason)) fault(`camera ${id} has no gap "${reason}": ${JSON.stringify(gaps)}`);
    if (state.droppedBytes === 0) fault(`camera ${id} counts no loss`);
  }
  return tookMs;
}

/**
 * Asks all the time; `stop` resolves with how long the slowest answer took. `allowed`: how the timeline may be answered; an index that
 * cannot be opened again after a failed write has nothing to tell.
 */
function watchAnswers(service: Service, fault: Scene['fault'], allowed = [200]): { stop(): Promise<number> } {
  let stopped = false;
  let slowestMs = 0;
  const loop = async () => {
    for (; !stopped; await pause(200)) {
      const askedMs = performance.now();
      const path = `/api/timeline?camera=1&startMs=${Date.now() - 60_000}&endMs=${Date.now()}`;
      const [status, timeline] = await Promise.all([service.ask('GET', '/api/status'), service.ask('GET', path)]);
      if (status.status !== 200) fault(`the status is answered with ${status.status}`);
      if (!allowed.includes(timeline.status)) fault(`the timeline is answered with ${timeline.status}`);
      slowestMs = Math.max(slowestMs, performance.now() - askedMs);
    }
  };
  const done = loop().catch(error => fault(String(error)));
  return {
    stop: async () => {
      stopped = true;
      await done;
      if (slowestMs > ANSWER_MS) fault(`an answer took ${Math.round(slowestMs)} ms`);
      return slowestMs;
    },
  };
}

/** The next start on what the disk holds: it records, and index and files agree. */
async function judgeLater(dataDir: string, fault: Scene['fault']): Promise<void> {
  const sinceMs = Date.now();
  const service = await Service.start({ dataDir }, 30_000);
  const records = async () => {
    const lists = await Promise.all([1, 2].map(id => listSegments(service, id)));
    return lists.every(list => list.some(segment => segment.startMs > sinceMs));
  };
  if (!(await within(AGAIN_MS, records))) fault('the next start does not record');
  let wrong: string[] = [];
  await within(AGAIN_MS, async () => {
    wrong = await footageFaults(service, () => false);
    return wrong.length === 0;
  });
  for (const words of wrong) fault(`after the next start: ${words}`);
  const { code } = await service.stop();
  if (code !== 0) fault(`the stop after it ended with ${code}`);
}
