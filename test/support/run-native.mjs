// Builds the C++ tests with the sanitizers and runs them, reading doctest's own count.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from './run-process.mjs';

/** @typedef {import('./run-file.mjs').Verdict} Verdict */

const CONFIGURE_LIMIT_MS = 60_000;
/** Two cores alone need two to three minutes; a machine that others load as well is given its time. */
const BUILD_LIMIT_MS = 1_200_000;
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
  const results = join(folder, 'results.xml');
  rmSync(results, { force: true });
  const args = ['-r=xml', `-o=${results}`, ...filter];
  const outcome = await runProcess(join(folder, 'native_tests'), args, { cwd: root, env, limitMs: RUN_LIMIT_MS });
  const xml = existsSync(results) ? readFileSync(results, 'utf8') : '';
  return { ...judge(xml, outcome, words.length > 0), ms: ms + outcome.ms };
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
 * A case that cannot run here says MESSAGE("skipped: name (reason)") and returns; doctest alone would count it as passed.
 * One that leaves out only parts says so in the same way, and counts as passed as well.
 * @param {string} xml doctest's report, cut short when the tests crashed
 * @param {import('./run-process.mjs').Outcome} outcome
 * @param {boolean} filtered
 * @returns {Omit<Verdict, 'ms'>}
 */
export function judge(xml, outcome, filtered) {
  const { exitCode, signal, timedOut } = outcome;
  const cases = [...xml.matchAll(/<TestCase name="([^"]*)"[^\n]*>\n([\s\S]*?)<\/TestCase>/g)].map(
    ([text, , body = '']) => ({
      text,
      good: body.includes('test_case_success="true"'),
      empty: body.includes('<OverallResultsAsserts successes="0" failures="0"'),
      skips: [...body.matchAll(/^\s*skipped: (.+?)(?: \((.*)\))?$/gm)],
    }),
  );
  const skipped = cases.flatMap(({ skips }) =>
    skips.map(([, name = '', reason]) => ({ name: `native: ${plain(name)}`, reason: plain(reason ?? 'see the test') })),
  );
  const passed = cases.filter(({ good, empty, skips }) => good && !(empty && skips.length > 0)).length;
  const failures = cases.filter(({ good }) => !good);
  const faults = [];
  const end = /<OverallResultsTestCases .*skipped="(\d+)"/.exec(xml);
  const how = timedOut ? `killed after ${RUN_LIMIT_MS / 1000} s` : `ended by ${signal ?? `exit code ${exitCode}`}`;
  if (!end)
    faults.push(`native_tests: ${how} in "${plain([...xml.matchAll(/<TestCase name="([^"]*)"/g)].at(-1)?.[1] ?? '')}"`);
  else if (failures.length === 0 && exitCode !== 0) faults.push(`native_tests: all cases passed, then ${how}`);
  if (end && cases.length === 0 && !filtered) faults.push('native_tests holds no test');
  if (end && end[1] !== '0' && !filtered) faults.push(`${end[1]} cases were left out by a decorator`);
  return {
    passed,
    failed: failures.length + (faults.length > 0 ? 1 : 0),
    skipped,
    faults,
    output: plain(failures.map(({ text }) => text).join('\n')) + outcome.output,
  };
}

/** Text out of XML. @param {string} text */
function plain(text) {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
