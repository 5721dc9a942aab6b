// Kills the service at a chosen one of the calls by which it changes files.
import { FaultyCalls } from './faulty-calls.ts';
import { Service } from './service.ts';

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
  /** How many calls there were until then. */
  calls: number;
  /** Since when all cameras were live; undefined when they were not yet. */
  liveAtMs?: number;
}

/** Runs the service with its two demo cameras until it dies at the call, or for `limitMs`. `library`: of `buildFaultyCalls`. */
export async function dieAtStep(library: string, plan: StepPlan): Promise<Death> {
  const calls = new FaultyCalls(library, plan.dataDir);
  calls.kill(plan.at);
  const options = { dataDir: plan.dataDir, args: ['--demo'], env: calls.env };
  const { child, started } = Service.begin(options, plan.limitMs);
  const limit = setTimeout(() => child.kill('SIGKILL'), plan.limitMs);
  started.then(plan.during).catch(() => undefined);
  await child.exited;
  clearTimeout(limit);
  const killedAtMs = Date.now();
  const live = child.stdout.filter(line => /"msg":"camera state".*"state":"live"/.test(line)).slice(0, 2);
  const liveAtMs = Number(/"timeMs":(\d+)/.exec(live[1] ?? '')?.[1] ?? Number.NaN);
  const { reached, any, call } = calls.report();
  return {
    killedAtMs,
    calls: any,
    ...(reached ? { call } : {}),
    ...(Number.isNaN(liveAtMs) ? {} : { liveAtMs }),
  };
}
