// Wraps uvu's suites so that nothing can fail without saying so: each test has a time limit, tests that cannot run here
// are skipped by name, and a machine-readable end line tells test/run.mjs what really ran.
import { suite as uvuSuite } from 'uvu';

/** What it returns is awaited and otherwise ignored. */
type Body = () => unknown;

interface Hook {
  (body: Body): void;
  each(body: Body): void;
}

interface UvuHook {
  (body: () => Promise<void>): void;
  each(body: () => Promise<void>): void;
}

export interface Test {
  (name: string, body: Body): void;
  /** Runs only this test of the suite; for work at the desk: test/run.mjs refuses a file that uses it. */
  only(name: string, body: Body): void;
  /** Registers the test when `condition` holds, else lists it as skipped with `reason`. */
  needs(condition: boolean, reason: string, name: string, body: Body): void;
  before: Hook;
  after: Hook;
  /** To be called once, after the last test: without it nothing of the suite runs, and the file fails. */
  run(): void;
}

export interface SuiteOptions {
  /** Limit of one test or hook, 20 s when left out. */
  timeoutMs?: number;
}

/** What the end line tells; `test/run.mjs` reads it. */
export interface FileReport {
  total: number;
  passed: number;
  skipped: { name: string; reason: string }[];
  /** What went wrong beside or instead of the tests: hooks that threw, suites without `run()`, `.only`, open handles. */
  faults: string[];
}

/** The end line begins with this; the rest is a FileReport as JSON. */
const END_MARK = '#thimble-end ';

/** How long a process may live on after its last suite before it is said to hold a handle open. */
const LINGER_MS = 3000;

const report: FileReport = { total: 0, passed: 0, skipped: [], faults: [] };
const waiting = new Set<string>();
const running = new Set<string>();

/** A new suite of this test file. Times out each test and hook after `timeoutMs`. */
export function suite(name: string, options: SuiteOptions = {}): Test {
  const inner = uvuSuite(name);
  const timeoutMs = options.timeoutMs ?? 20_000;
  let registered = 0;
  waiting.add(name);

  const counted = (title: string, body: Body) => async () => {
    try {
      await limited(body, timeoutMs);
      report.passed++;
    } catch (error) {
      throw asError(error, title);
    }
  };
  const add = (title: string, body: Body) => {
    registered++;
    report.total++;
    inner(title, counted(title, body));
  };
  const test: Test = Object.assign(add, {
    only(title: string, body: Body) {
      registered++;
      report.total++;
      report.faults.push(`${name}: .only on "${title}" hides the other tests`);
      inner.only(title, counted(title, body));
    },
    needs(condition: boolean, reason: string, title: string, body: Body) {
      registered++;
      if (condition) {
        report.total++;
        inner(title, counted(title, body));
      } else report.skipped.push({ name: `${name}: ${title}`, reason });
    },
    before: hook(name, 'before', inner.before, timeoutMs),
    after: hook(name, 'after', inner.after, timeoutMs),
    run() {
      waiting.delete(name);
      if (registered === 0) report.faults.push(`${name}: the suite has no tests`);
      running.add(name);
      inner.after(() => {
        running.delete(name);
        if (running.size === 0) watchForOpenHandles();
      });
      inner.run();
    },
  });
  return test;
}

/** uvu swallows what hooks throw (its `return` stands in a `finally`), so they are noted here as well. */
function hook(suiteName: string, kind: string, inner: UvuHook, timeoutMs: number): Hook {
  const noted = (label: string, body: Body) => async () => {
    try {
      await limited(body, timeoutMs);
    } catch (error) {
      const { stack, message } = asError(error, label);
      report.faults.push(`${suiteName}: the "${label}" hook failed: ${stack ?? message}`);
      throw error;
    }
  };
  const wrapped = (body: Body) => inner(noted(kind, body));
  return Object.assign(wrapped, { each: (body: Body) => inner.each(noted(`${kind}.each`, body)) });
}

/** Runs `body`, rejecting after `timeoutMs`; what is still under way then goes on behind the reader's back. */
async function limited(body: Body, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([body(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** uvu reads `name` and `stack` of what a test throws, so a thrown string would crash it. */
function asError(error: unknown, title: string): Error {
  return error instanceof Error ? error : new Error(`"${title}" threw ${String(error)}`, { cause: error });
}

function watchForOpenHandles(): void {
  const timer = setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter(kind => kind !== 'PipeWrap' && kind !== 'TTYWrap');
    report.faults.push(`still running ${LINGER_MS} ms after the last test; open: ${open.join(', ') || 'unknown'}`);
    process.exit(1);
  }, LINGER_MS);
  timer.unref();
}

process.on('exit', () => {
  for (const name of waiting) report.faults.push(`${name}: run() was not called`);
  for (const name of running) report.faults.push(`${name}: the process ended before the suite did`);
  for (const fault of report.faults) process.stderr.write(`${fault}\n`);
  if (report.faults.length > 0 || report.passed !== report.total) process.exitCode = 1;
  process.stdout.write(`\n${END_MARK}${JSON.stringify(report)}\n`);
});
