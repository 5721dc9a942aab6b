// What a fault test is to the runner (main.ts): its plan, its verdict, and chance that can be repeated.

export interface FaultPlan {
  /** How often the fault happens; what one round is, the test's title says. */
  rounds: number;
  /** All chance follows from it. */
  seed: number;
  /** Walk everything there is instead of a sample. */
  all: boolean;
  /** Tells how far it is, for people. */
  say(line: string): void;
}

export interface FaultResult {
  /** What went wrong, one sentence each; empty when all is well. */
  faults: string[];
  /** What was measured; units stand in the names. */
  figures: Record<string, number | string>;
  /** Parts that cannot run here, with the reason. */
  skipped?: string[];
}

export interface FaultTest {
  name: string;
  title: string;
  /** Used when none are asked for. */
  rounds: number;
  /** Enough to prove the test itself. */
  fewRounds: number;
  /** Why it cannot run here; undefined when it can. */
  problem(): string | undefined;
  run(plan: FaultPlan): Promise<FaultResult>;
}

/** Whole numbers from 0 to below `limit`, the same ones for the same seed. */
export type Chance = (limit: number) => number;

/** Park and Miller's generator: enough to choose moments. */
export function chanceOf(seed: number): Chance {
  let state = (Math.abs(Math.floor(seed)) % 2_147_483_646) + 1;
  return limit => {
    state = (state * 48_271) % 2_147_483_647;
    return state % Math.max(1, Math.floor(limit));
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Asks each 100 ms; false when it is not so within `ms`. A question that fails is answered with no. */
export async function within(ms: number, isSo: () => Promise<boolean>): Promise<boolean> {
  for (const endMs = Date.now() + ms; ; ) {
    if (await isSo().catch(() => false)) return true;
    if (Date.now() >= endMs) return false;
    await pause(100);
  }
}

/** Why the tools of root cannot be used; undefined when they can. */
export function rootProblem(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}
