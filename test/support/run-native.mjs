// Builds the C++ tests with the sanitizers and runs each file of them in a process of its own, reading doctest's own count.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename, join } from 'node:path';
import { runProcess } from './run-process.mjs';

/** @typedef {import('./run-file.mjs').Verdict} Verdict */
/** @typedef {import('./run-process.mjs').Outcome} Outcome */

const CONFIGURE_LIMIT_MS = 60_000;
/** Two cores alone need two minutes; a machine that others load as well is given its time. */
const BUILD_LIMIT_MS = 1_800_000;
const RUN_LIMIT_MS = 300_000;
/** Files at once. */
const AT_ONCE = 3;
/** The longest; begun last they would run alone. */
const FIRST = ['writer_faults_test.cc', 'export_test.cc', 'fuzz_test.cc', 'repair_test.cc'];

/**
 * @param {string} root the checkout
 * @param {(pid: number) => void} [onStart] called with each program that is started
 * @returns {Promise<{folder: string, fault?: string, output: string, ms: number}>}
 */
export async function buildNativeTests(root, onStart = () => {}) {
  const folder = join(root, 'build', 'native-tests');
  const jobs = process.env.JOBS ?? '2';
  const steps = /** @type {const} */ ([
    ['cmake', ['-S', join(root, 'native'), '-B', folder, '-G', 'Ninja'], CONFIGURE_LIMIT_MS],
    ['ninja', ['-C', folder, '-j', jobs, 'native_tests'], BUILD_LIMIT_MS],
  ]);
  let ms = 0;
  for (const [program, args, limitMs] of steps) {
    const outcome = await runProcess(program, [...args], { cwd: root, limitMs, onStart });
    ms += outcome.ms;
    if (outcome.exitCode === 0) continue;
    const fault = outcome.timedOut ? `${program}: not done after ${limitMs / 1000} s` : `${program} failed`;
    return { folder, fault, output: outcome.output, ms };
  }
  return { folder, output: '', ms };
}

/**
 * Begins the build behind everything else: it takes only what tests that wait leave of the machine. What it does not come to, and
 * what is wrong with it, is left to buildNativeTests.
 * @param {string} root the checkout
 * @returns {() => Promise<void>} ends it where it is
 */
export function buildNativeTestsBehind(root) {
  let isWanted = true;
  let current = 0;
  const interrupt = () => {
    try {
      if (current !== 0) process.kill(-current, 'SIGINT');
    } catch {
      // it has just ended
    }
  };
  const ended = buildNativeTests(root, pid => {
    current = pid;
    yieldToOthers(pid);
    if (!isWanted) interrupt();
  }).then(
    () => {
      current = 0;
    },
    () => {
      current = 0;
    },
  );
  return () => {
    isWanted = false;
    interrupt();
    return ended;
  };
}

/** A session is scheduled as a group where the kernel does so: there its own weight counts for nothing. @param {number} pid */
function yieldToOthers(pid) {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
    writeFileSync(`/proc/${pid}/autogroup`, '19');
  } catch {
    // then it shares the machine
  }
}

/**
 * Runs what buildNativeTests made.
 * @param {string} root the checkout
 * @param {string} folder of the build
 * @param {string[]} words parts of names of test cases; none = all
 * @param {(name: string, verdict: Verdict) => void} onDone called for each file as it ends
 * @returns {Promise<Verdict[]>}
 */
export async function runNativeTests(root, folder, words, onDone) {
  const env = { ...process.env, THIMBLE_TESTDATA: await testdataFolder(root), UBSAN_OPTIONS: 'print_stacktrace=1' };
  const program = join(folder, 'native_tests');
  const filter = words.length > 0 ? [`-tc=${words.map(word => `*${word}*`).join(',')}`] : [];
  const list = await runProcess(program, ['-r=xml', '-ltc', '-ns', ...filter], { cwd: root, env, limitMs: 60_000 });
  const queue = casesByFile(list.output);
  /** @type {Verdict[]} */
  const verdicts = [];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [file, count] = next;
      const results = join(folder, `${file}.xml`);
      rmSync(results, { force: true });
      const args = ['-r=xml', `-o=${results}`, `-sf=*/${file}`, ...filter];
      const outcome = await runProcess(program, args, { cwd: root, env, limitMs: RUN_LIMIT_MS });
      const xml = existsSync(results) ? readFileSync(results, 'utf8') : '';
      const verdict = { ...judge(xml, outcome, count), ms: outcome.ms };
      onDone(`native/test/${file}`, verdict);
      verdicts.push(verdict);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (verdicts.length > 0 || (words.length > 0 && list.exitCode === 0)) return verdicts;
  return [{ ...judge('', list, 1), ms: list.ms }];
}

/**
 * How many cases there are in each file, the longest files first.
 * @param {string} xml what doctest lists, with those that a decorator leaves out
 * @returns {[file: string, cases: number][]}
 */
export function casesByFile(xml) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const [, path = ''] of xml.matchAll(/<TestCase name="[^"]*" filename="([^"]*)"/g))
    counts.set(basename(path), (counts.get(basename(path)) ?? 0) + 1);
  const rank = (/** @type {string} */ file) => (FIRST.includes(file) ? FIRST.indexOf(file) : FIRST.length);
  return [...counts].sort(([one], [other]) => rank(one) - rank(other));
}

/** test/support/testdata.ts alone knows the place; empty = there is none. @param {string} root */
async function testdataFolder(root) {
  const script = "process.stdout.write((await import('./test/support/testdata.ts')).testdataDir ?? '')";
  const args = ['--import', new URL('typescript.mjs', import.meta.url).href, '--input-type=module', '-e', script];
  const outcome = await runProcess(process.execPath, args, { cwd: root, limitMs: 20_000 });
  if (outcome.exitCode !== 0) throw new Error(`test/support/testdata.ts cannot be loaded:\n${outcome.output}`);
  return outcome.output;
}

/**
 * A case that cannot run here says MESSAGE("skipped: name (reason)") and returns; doctest alone would count it as passed.
 * One that leaves out only parts says so in the same way, and counts as passed as well.
 * @param {string} xml doctest's report, cut short when the tests crashed
 * @param {Outcome} outcome
 * @param {number} count of the cases that there are
 * @returns {Omit<Verdict, 'ms'>}
 */
export function judge(xml, outcome, count) {
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
  const ended = xml.includes('<OverallResultsTestCases ');
  const how = timedOut ? `killed after ${RUN_LIMIT_MS / 1000} s` : `ended by ${signal ?? `exit code ${exitCode}`}`;
  if (!ended)
    faults.push(`native_tests: ${how} in "${plain([...xml.matchAll(/<TestCase name="([^"]*)"/g)].at(-1)?.[1] ?? '')}"`);
  else if (failures.length === 0 && exitCode !== 0) faults.push(`native_tests: all cases passed, then ${how}`);
  else if (cases.length !== count) faults.push(`native_tests: of ${count} cases ${cases.length} ran`);
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
