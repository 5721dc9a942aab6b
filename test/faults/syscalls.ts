// The Nth call fails: over a scripted minute of the whole service chosen calls on its files fail, once or until the cause is gone.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CameraList, SegmentList, Status } from '../../src/api/contract.ts';
import type { GapReason } from '../../src/core/index.ts';
import {
  buildFaultyCalls,
  ERRORS,
  type ErrorName,
  type Failure,
  FaultyCalls,
  faultyCallsProblem,
  KINDS,
  type Kind,
} from '../support/faulty-calls.ts';
import { timelineOf } from '../support/footage.ts';
import type { Service } from '../support/service.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause, within } from './fault.ts';
import { keepLog, lastWords } from './last-words.ts';
import { type Loss, lossOf, SegmentWatch } from './ledger.ts';
import { type Gaps, judgeLater } from './next-start.ts';
import { type Minute, playMinute, Stage } from './scripted-minute.ts';

/** How long a cause lasts that does not go away by itself. */
const LASTING_MS = 8000;
const HEALS_MS = 10_000;
const AT_ONCE = 2;
/** A gap is found by its neighbours: fragments of a second, and a camera that sends a keyframe each second. */
const GAP_TOLERANCE_MS = 2500;
/** Nothing is missing in these; what they leave out nobody counts. */
const INTENDED: readonly GapReason[] = ['stopped', 'restart', 'crash'];
/** Between the moment at which a picture was sent and its time in the index. */
const BORDER_MS = 300;
const NO_LOSS: Loss = { units: 0, bytes: 0, excusedBytes: 0, sentAtMs: [], faults: [] };

export const systemCalls: FaultTest = {
  name: 'syscalls',
  title: 'chosen system calls on the data directory fail over a scripted minute; --all: each of them',
  rounds: 40,
  fewRounds: 4,
  problem: faultyCallsProblem,
  run,
};

interface Round extends Failure {
  fresh: boolean;
}

interface Sums {
  rounds: number;
  notReached: number;
  worstHealMs: number;
  lostBytes: number;
  faults: string[];
}

async function run(plan: FaultPlan): Promise<FaultResult> {
  const library = await buildFaultyCalls();
  const sums: Sums = { rounds: 0, notReached: 0, worstHealMs: 0, lostBytes: 0, faults: [] };
  const stages = [];
  for (let i = 0; i < AT_ONCE; i++) stages.push(await Stage.build());
  const [stage] = stages;
  if (!stage) throw new Error('no stage');
  const counts = { left: await count(library, stage, false, sums), fresh: await count(library, stage, true, sums) };
  plan.say(`calls of a run with leftovers: ${JSON.stringify(counts.left)}`);
  const rounds = plan.all ? everyRound(counts) : chosenRounds(counts, plan);
  plan.say(`${rounds.length} rounds`);
  await Promise.all(
    stages.map(async place => {
      for (let round = rounds.shift(); round; round = rounds.shift())
        await playRound(library, place, round, sums, plan);
      await place.close();
    }),
  );
  const { faults, ...figures } = sums;
  return { faults, figures };
}

type Counts = Record<'left' | 'fresh', Record<Kind, number>>;

/** The calls of a run in which nothing fails; that also shows that the judgement below finds nothing then. */
async function count(library: string, stage: Stage, fresh: boolean, sums: Sums): Promise<Record<Kind, number>> {
  const { folder, dataDir } = stage.prepare(fresh);
  const calls = new FaultyCalls(library, dataDir);
  const watch = new SegmentWatch(dataDir, join(folder, 'files'));
  const startedMs = Date.now();
  const minute = await playMinute(stage, dataDir, calls);
  const faults = [...minute.faults, ...minute.refused];
  await finish(stage, dataDir, minute, watch, startedMs, undefined, faults, sums);
  for (const words of faults) sums.faults.push(`without a failure: ${words}`);
  rmSync(folder, { recursive: true });
  return calls.report().seen;
}

function applies(error: ErrorName, kind: Kind): boolean {
  if (kind === 'open-read' || kind === 'statvfs') return error === 'EIO';
  return error !== 'ENOSPC' || !['open-write', 'unlink', 'rmdir', 'ftruncate'].includes(kind);
}

/** Errors, kinds of calls and durations in turn, so that a few rounds meet many of them; the place by chance. */
function chosenRounds(counts: Counts, { rounds, seed }: FaultPlan): Round[] {
  const chance = chanceOf(seed);
  const errors = Object.keys(ERRORS) as ErrorName[];
  const chosen: Round[] = [];
  const offset = chance(1000);
  for (let turn = offset; chosen.length < rounds; turn++) {
    const error = errors[turn % errors.length] as ErrorName;
    const fresh = chance(4) === 0;
    const kinds = KINDS.filter(one => counts[fresh ? 'fresh' : 'left'][one] > 0 && applies(error, one));
    const kind = kinds[chance(kinds.length)] as Kind;
    const at = 1 + chance(counts[fresh ? 'fresh' : 'left'][kind]);
    chosen.push({ error, kind, at, forever: Math.floor(turn / errors.length) % 2 === 1, fresh });
  }
  return chosen;
}

function everyRound(counts: Counts): Round[] {
  const rounds: Round[] = [];
  for (const fresh of [true, false])
    for (const error of Object.keys(ERRORS) as ErrorName[])
      for (const kind of KINDS.filter(one => applies(error, one)))
        for (let at = 1; at <= counts[fresh ? 'fresh' : 'left'][kind]; at++)
          for (const forever of [false, true]) rounds.push({ error, kind, at, forever, fresh });
  return rounds;
}

async function playRound(library: string, stage: Stage, round: Round, sums: Sums, plan: FaultPlan): Promise<void> {
  const { folder, dataDir } = stage.prepare(round.fresh);
  const calls = new FaultyCalls(library, dataDir);
  calls.fail(round);
  const watch = new SegmentWatch(dataDir, join(folder, 'files'));
  const startedMs = Date.now();
  const lift = liftLater(calls, round.forever);
  let minute = await playMinute(stage, dataDir, calls);
  const faults = [...minute.faults];
  if (minute.exit && minute.faults.length === 0) {
    // As a supervisor would, and with a cause that lasts when it is gone.
    await lift.now();
    minute = await playMinute(stage, dataDir, calls);
    faults.push(...minute.faults);
  }
  await lift.now();
  const { reached, failed, call } = calls.report();
  const healMs = minute.service ? await healed(minute.service, faults) : 0;
  const loss = await finish(stage, dataDir, minute, watch, startedMs, round, faults, sums).catch(error => {
    faults.push(`${String(error)}; it ${minute.service ? lastWords(minute.service) : ''}`);
    return NO_LOSS;
  });
  const { fresh, error, kind, at, forever } = round;
  const where = `${error} at ${kind} ${at}${forever ? ' and after' : ''}, ${fresh ? 'fresh' : 'leftovers'}`;
  sums.rounds++;
  if (!reached) sums.notReached++;
  sums.worstHealMs = Math.max(sums.worstHealMs, healMs);
  sums.lostBytes += loss.bytes;
  const place = call.replace(dataDir, '');
  plan.say(
    `${where}: ${reached ? place : 'not reached'}, ${failed} failed, healed after ${healMs} ms, ${loss.units} pictures lost`,
  );
  if (faults.length > 0 && minute.service) plan.say(`  log: ${keepLog(minute.service, where)}`);
  for (const words of faults) {
    plan.say(`  FAULT ${words}`);
    sums.faults.push(`${where} (${place}): ${words}`);
  }
  rmSync(folder, { recursive: true });
}

/** Takes the cause away when it has lasted. */
function liftLater(calls: FaultyCalls, forever: boolean): { now(): Promise<void> } {
  let ended = false;
  const loop = async () => {
    while (!ended && !calls.report().reached) await pause(50);
    for (const endMs = Date.now() + (forever ? LASTING_MS : 0); !ended && Date.now() < endMs; ) await pause(50);
    calls.lift();
  };
  const done = loop();
  return {
    now: async () => {
      ended = true;
      await done;
    },
  };
}

/** How long it takes until all works again, from now. */
async function healed(service: Service, faults: string[]): Promise<number> {
  const sinceMs = Date.now();
  let missing = '';
  const isWell = async () => {
    missing = await whatIsMissing(service, sinceMs).catch(error => String(error));
    return missing === '';
  };
  if (!(await within(HEALS_MS, isWell))) faults.push(`not healed within ${HEALS_MS} ms: ${missing}`);
  return Date.now() - sinceMs;
}

async function whatIsMissing(service: Service, sinceMs: number): Promise<string> {
  const changed = await service.ask('PATCH', '/api/settings', { storage: { clockConfirmed: false } });
  if (changed.status !== 200) return `settings: ${changed.status} ${JSON.stringify(changed.body)}`;
  const { problems } = await service.get<Status>('/api/status');
  const { cameras } = await service.get<CameraList>('/api/cameras');
  for (const { id, record } of cameras) {
    // The script's wish to record again may have been refused.
    if (record.mode === 'off') continue;
    const { segments } = await service.get<SegmentList>(`/api/segments?camera=${id}&startMs=${sinceMs - 6000}`);
    if (!segments.some(segment => segment.endMs > sinceMs)) return `camera ${id} does not record`;
    if ((await timelineOf(service, id)).gaps.some(gap => gap.endMs === undefined)) return `camera ${id} has a gap`;
  }
  return problems.length > 0 ? `problems: ${JSON.stringify(problems)}` : '';
}

/** Stops the service and judges what it leaves. */
async function finish(
  stage: Stage,
  dataDir: string,
  minute: Minute,
  watch: SegmentWatch,
  startedMs: number,
  failure: Failure | undefined,
  faults: string[],
  sums: Sums,
): Promise<Loss> {
  const total = { ...NO_LOSS };
  const { service } = minute;
  if (!service) {
    watch.stop();
    return total;
  }
  await pause(2500);
  const { cameras } = await service.get<CameraList>('/api/cameras');
  const { code } = await service.stop();
  const sent = new Map(stage.cameras.map(camera => [camera.url, [...camera.sent]]));
  if (code !== 0) faults.push(`the stop ended with ${code}: ${lastWords(service)}`);
  watch.stop();
  const gaps = await judgeLater(dataDir, faults);
  for (const { id, main, state } of cameras) {
    const own = gaps.get(id) ?? [];
    const excused = [...own.filter(gap => INTENDED.includes(gap.reason)), minute.pause].map(
      ({ startMs, endMs = Date.now() }) => ({ startMs: startMs - BORDER_MS, endMs: endMs + BORDER_MS }),
    );
    const loss = await lossOf(sent.get(main.url) ?? [], watch.files(id, startedMs), excused, stage.sizes);
    faults.push(...loss.faults.map(words => `camera ${id}: ${words}`));
    // While the volume is missing a stream has no licence, so that nothing comes that could be counted: only the gap tells.
    const isExact = service.log.every(line => line.msg !== 'the storage volume is gone');
    const counted = state.droppedBytes;
    if (counted > loss.bytes + loss.excusedBytes || (isExact && counted < loss.bytes))
      faults.push(
        `camera ${id}: ${loss.bytes} bytes are missing (${rangeOf(loss)}), ${counted} are counted; ${JSON.stringify(own)}`,
      );
    faults.push(...gapFaults(id, loss, own, failure));
    total.units += loss.units;
    total.bytes += loss.bytes;
  }
  if (failure === undefined && total.units > 0) sums.faults.push(`${total.units} pictures are lost without a cause`);
  return total;
}

function rangeOf({ sentAtMs }: Loss): string {
  return `${sentAtMs.length} pictures, sent from ${sentAtMs[0]} to ${sentAtMs.at(-1)}`;
}

/** Every picture that is missing lies in a gap, and its reason fits the cause. */
function gapFaults(camera: number, loss: Loss, gaps: Gaps, failure: Failure | undefined): string[] {
  const faults: string[] = [];
  const uncovered = loss.sentAtMs.filter(
    atMs =>
      !gaps.some(gap => gap.startMs - GAP_TOLERANCE_MS <= atMs && atMs <= (gap.endMs ?? Date.now()) + GAP_TOLERANCE_MS),
  );
  if (uncovered.length > 0) faults.push(`camera ${camera}: ${uncovered.length} pictures are missing outside of gaps`);
  const usual: GapReason[] = [...INTENDED, 'deleted', 'offline'];
  const fitting = failure?.error === 'ENOSPC' ? 'disk-full' : 'no-volume';
  for (const gap of gaps)
    if (![...usual, ...(failure ? [fitting] : [])].includes(gap.reason))
      faults.push(`camera ${camera}: a gap "${gap.reason}" (${JSON.stringify(gap)})`);
  return faults;
}
