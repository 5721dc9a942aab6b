// Kills the service at a chosen one of the calls by which it changes files, by a library that is preloaded (kill_at.c).
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';
import { Service } from './service.ts';
import { tempDir } from './temp.ts';

const SOURCE = fileURLToPath(new URL('./kill_at.c', import.meta.url));

export interface StepPlan {
  dataDir: string;
  /** Which call, from 1. */
  at: number;
  /** How long it may run without reaching that call. */
  limitMs: number;
  /** What is done while it runs, from its ready line on. It fails when the service dies, which is no matter. */
  during: (service: Service) => Promise<void>;
}

export interface Death {
  killedAtMs: number;
  /** The call at which it died, with its path; undefined when it was not reached. */
  call?: string;
  /** Since when all cameras were live; undefined when they were not yet. */
  liveAtMs?: number;
}

/** Why this cannot be done here; undefined when it can. */
export function killStepsProblem(): string | undefined {
  return spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'there is no C compiler';
}

/** Builds the library; resolves with its path. */
export async function buildKiller(): Promise<string> {
  const library = join(tempDir('killer'), 'kill_at.so');
  await run('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', library, SOURCE, '-ldl']);
  return library;
}

/** Runs the service with its two demo cameras until it dies at the call, or for `limitMs`. */
export async function dieAtStep(library: string, plan: StepPlan): Promise<Death> {
  const report = join(tempDir('report'), 'call');
  const env = {
    LD_PRELOAD: library,
    KILL_FOLDER: plan.dataDir,
    KILL_AT: String(plan.at),
    KILL_REPORT: report,
  };
  const { child, started } = Service.begin({ dataDir: plan.dataDir, args: ['--demo'], env }, plan.limitMs);
  const limit = setTimeout(() => child.kill('SIGKILL'), plan.limitMs);
  started.then(plan.during).catch(() => undefined);
  await child.exited;
  clearTimeout(limit);
  const killedAtMs = Date.now();
  const live = child.stdout.filter(line => /"msg":"camera state".*"state":"live"/.test(line)).slice(0, 2);
  const liveAtMs = Number(/"timeMs":(\d+)/.exec(live[1] ?? '')?.[1] ?? Number.NaN);
  return {
    killedAtMs,
    ...(existsSync(report) ? { call: readFileSync(report, 'utf8').trim() } : {}),
    ...(Number.isNaN(liveAtMs) ? {} : { liveAtMs }),
  };
}
