// Builds the C++ tests with the sanitizers and runs them, reading doctest's own count.
import { join } from 'node:path';
import { runProcess } from './run-process.mjs';

/** @typedef {import('./run-file.mjs').Verdict} Verdict */

const CONFIGURE_LIMIT_MS = 60_000;
const BUILD_LIMIT_MS = 600_000;
const RUN_LIMIT_MS = 300_000;

/**
 * @param {string} root the checkout
 * @param {string[]} words parts of names of test cases; none = all
 * @returns {Promise<Verdict>}
 */
export async function runNativeTests(root, words) {
  const folder = join(root, 'build', 'native-tests');
  const jobs = process.env.JOBS ?? '2';
  const steps = /** @type {const} */ ([
    ['cmake', ['-S', join(root, 'native'), '-B', folder, '-G', 'Ninja'], CONFIGURE_LIMIT_MS],
    ['ninja', ['-C', folder, '-j', jobs, 'native_tests'], BUILD_LIMIT_MS],
  ]);
  let ms = 0;
  for (const [program, args, limitMs] of steps) {
    const outcome = await runProcess(program, [...args], { cwd: root, limitMs });
    ms += outcome.ms;
    if (outcome.exitCode === 0) continue;
    const fault = outcome.timedOut ? `${program}: not done after ${limitMs / 1000} s` : `${program} failed`;
    return { passed: 0, failed: 1, skipped: [], faults: [fault], output: outcome.output, ms };
  }
  const env = { ...process.env, THIMBLE_TESTDATA: await testdataFolder(root), UBSAN_OPTIONS: 'print_stacktrace=1' };
  const filter = words.length > 0 ? [`-tc=${words.map(word => `*${word}*`).join(',')}`] : [];
  const outcome = await runProcess(join(folder, 'native_tests'), ['-nc', ...filter], {
    cwd: root,
    env,
    limitMs: RUN_LIMIT_MS,
  });
  return { ...judge(outcome, words.length > 0), ms: ms + outcome.ms };
}

/** test/support/testdata.ts alone knows the place; empty = there is none. @param {string} root */
async function testdataFolder(root) {
  const script = "process.stdout.write((await import('./test/support/testdata.ts')).testdataDir ?? '')";
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const outcome = await runProcess(process.execPath, args, { cwd: root, limitMs: 20_000 });
  if (outcome.exitCode !== 0) throw new Error(`test/support/testdata.ts cannot be loaded:\n${outcome.output}`);
  return outcome.output;
}

/**
 * A case that cannot run here says MESSAGE("skipped: name (reason)") and returns; doctest counts it as passed.
 * @param {import('./run-process.mjs').Outcome} outcome
 * @param {boolean} filtered
 * @returns {Omit<Verdict, 'ms'>}
 */
export function judge({ output, exitCode, signal, timedOut }, filtered) {
  const count = /test cases: *(\d+) *\| *(\d+) passed *\| *(\d+) failed *\| *(\d+) skipped/.exec(output);
  const skipped = [...output.matchAll(/^.*MESSAGE: skipped: (.+?)(?: \((.*)\))?$/gm)].map(([, name = '', reason]) => ({
    name: `native: ${name}`,
    reason: reason ?? 'see the test',
  }));
  const faults = [];
  if (timedOut) faults.push(`native_tests: not done after ${RUN_LIMIT_MS / 1000} s`);
  else if (!count) faults.push(`native_tests ended by ${signal ?? `exit code ${exitCode}`} before its count`);
  const [total = 0, ran = 0, failed = 0, left = 0] = count?.slice(1).map(Number) ?? [];
  if (count && total === 0 && !filtered) faults.push('native_tests holds no test');
  if (left > 0 && !filtered) faults.push(`${left} cases were left out by a decorator`);
  if (count && failed === 0 && exitCode !== 0) faults.push(`native_tests: exit code ${exitCode ?? signal}`);
  return {
    passed: Math.max(0, ran - skipped.length),
    failed: failed + (faults.length > 0 ? 1 : 0),
    skipped,
    faults,
    output,
  };
}
