// `npm test`: sets up, checks, runs every test file in a process of its own, and counts. The last line printed is
// "N passed, N failed[, N skipped]"; the exit code is 0 only when nothing failed.
//
//   node test/run.mjs [--all] [STAGE…] [WORD…]
//
// Stages: lint format types rules unit integration e2e native; none = all. Words are parts of file names (native: of
// names of test cases). --all adds the files *.long.test.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockFile } from './support/file-lock.mjs';
import { runTestFile } from './support/run-file.mjs';
import { buildNativeTests, buildNativeTestsBehind, runNativeTests } from './support/run-native.mjs';
import { killAll, runProcess } from './support/run-process.mjs';

/** @typedef {import('./support/run-file.mjs').Verdict} Verdict */
/** @typedef {{name: string, budgetS: number, run: () => Promise<Verdict[]>}} Stage */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NATIVE_LOCK = join(root, 'build', 'native-tests.lock');
const PLACES = ['lint', 'format', 'types', 'rules', 'unit', 'integration', 'e2e', 'native'];
const args = process.argv.slice(2);
const withLong = args.includes('--all');
const stagesAsked = args.filter(arg => PLACES.includes(arg));
const words = args.filter(arg => !PLACES.includes(arg) && arg !== '--all');

/** @type {Stage[]} */
const STAGES = [
  check('lint', process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']),
  check('format', 'sh', ['scripts/clang-format.sh']),
  check('types', process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit']),
  // The pages' own: with the browser's types.
  check('types', process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'web'], 'types of web'),
  files('rules', { budgetS: 20, limitS: 180, atOnce: 2 }),
  files('unit', { budgetS: 50, limitS: 180, atOnce: 2, first: ['runner'] }),
  files('integration', { budgetS: 150, limitS: 600, atOnce: 3, first: ['storage-', 'api-'] }),
  // Waiting for cameras takes a tenth of a core for each file, a browser a quarter, and more than that at its start.
  files('e2e', { budgetS: 270, limitS: 900, atOnce: 3, browsersAtOnce: 2 }),
  // Last, since it is built behind all the others, in the time that they wait.
  { name: 'native', budgetS: 90, run: native },
];

/** A stage that is one program and counts as one test. @param {string} name @param {string} program @param {string[]} argv @param {string} [title] of several in a stage @returns {Stage} */
function check(name, program, argv, title = name) {
  const run = async () => {
    const { exitCode, output, ms } = await runProcess(program, argv, { cwd: root, limitMs: 120_000 });
    const good = exitCode === 0;
    const faults = good ? [] : [`${title} found something`];
    return [shown(title, { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: [], faults, output, ms })];
  };
  return { name, budgetS: 20, run };
}

/**
 * A stage that is a folder of test files. Those of which the whole would wait at its end are begun `first`, by the beginnings of
 * their names. With `browsersAtOnce` the files web-* have workers of their own.
 * @param {string} name
 * @param {{budgetS: number, limitS: number, atOnce: number, browsersAtOnce?: number, first?: string[]}} bounds
 * @returns {Stage}
 */
function files(name, { budgetS, limitS, atOnce, browsersAtOnce = 0, first = [] }) {
  const run = async () => {
    const found = testFiles(join(root, 'test', name));
    const rank = (/** @type {string} */ file) => (first.some(begin => basename(file).startsWith(begin)) ? 0 : 1);
    found.sort((one, other) => rank(one) - rank(other));
    const isBrowser = (/** @type {string} */ file) => browsersAtOnce > 0 && basename(file).startsWith('web-');
    /** @type {Verdict[]} */
    const verdicts = [];
    const worker = async (/** @type {string[]} */ queue) => {
      for (let file = queue.shift(); file; file = queue.shift())
        verdicts.push(shown(relative(root, file), await runTestFile(root, file, limitS * (withLong ? 10_000 : 1000))));
    };
    const workers = (/** @type {number} */ length, /** @type {string[]} */ queue) =>
      Array.from({ length }, () => worker(queue));
    const browsers = found.filter(isBrowser);
    const others = found.filter(file => !isBrowser(file));
    await Promise.all([...workers(browsersAtOnce, browsers), ...workers(atOnce, others)]);
    return verdicts;
  };
  return { name, budgetS, run };
}

/** @returns {Promise<Verdict[]>} */
async function native() {
  await endBuildBehind();
  if (!hasNativeLock) {
    console.log('the C++ tests of this checkout are in use by another run; waiting for its end');
    await lockFile(NATIVE_LOCK, { wait: true });
  }
  const { folder, fault, output, ms } = await buildNativeTests(root);
  console.log(`built what was left in ${seconds(ms)} s`);
  if (fault) return [shown('native', { passed: 0, failed: 1, skipped: [], faults: [fault], output, ms })];
  return runNativeTests(root, folder, words, shown);
}

/** @param {string} folder @returns {string[]} */
function testFiles(folder) {
  if (!existsSync(folder)) return [];
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts'));
  return found
    .filter(name => withLong || !name.endsWith('.long.test.ts'))
    .filter(name => words.length === 0 || words.some(word => name.includes(word)))
    .sort()
    .map(name => join(folder, name));
}

/** Prints one line, and everything about a failure. @param {string} name @param {Verdict} verdict @returns {Verdict} */
function shown(name, verdict) {
  const { passed, failed, skipped, faults, output, ms } = verdict;
  if (failed > 0) console.log(`${output.trimEnd()}\n`);
  for (const fault of faults) console.log(`  ${name}: ${fault}`);
  const left = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  console.log(`${failed > 0 ? 'FAIL' : 'ok  '} ${name}: ${passed} passed, ${failed} failed${left} (${seconds(ms)} s)`);
  return verdict;
}

/** A stage that could not do its work: the others go on, and the last line says so. @param {string} name @param {unknown} error */
function broken(name, error) {
  const faults = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  return shown(name, { passed: 0, failed: 1, skipped: [], faults, output: '', ms: 0 });
}

/** @param {number} ms */
function seconds(ms) {
  return (ms / 1000).toFixed(1);
}

/** The stages to run: those named, or with words alone those that have test names. */
function chosenStages() {
  if (stagesAsked.length > 0) return STAGES.filter(stage => stagesAsked.includes(stage.name));
  return words.length > 0 ? STAGES.filter(stage => !['lint', 'format', 'types'].includes(stage.name)) : STAGES;
}

/** @param {Verdict[]} verdicts @returns {never} */
function conclude(verdicts) {
  const skipped = verdicts.flatMap(verdict => verdict.skipped);
  const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
  let failed = verdicts.reduce((sum, verdict) => sum + verdict.failed, 0);
  if (passed + failed + skipped.length === 0) {
    console.log('no test has such a name');
    failed = 1;
  }
  for (const { name, reason } of skipped) console.log(`skipped: ${name} (${reason})`.replaceAll(/\s+/g, ' '));
  console.log(`${seconds(performance.now())} s in all`);
  const left = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  console.log(`${passed} passed, ${failed} failed${left}`);
  process.exit(failed === 0 ? 0 : 1);
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    killAll();
    process.exit(130);
  });
}

const setUp = spawnSync(process.execPath, ['scripts/setup.mjs', '--tests'], { cwd: root, stdio: 'inherit' });
/** @type {Verdict[]} */
const verdicts = [];
if (setUp.status !== 0) {
  verdicts.push({ passed: 0, failed: 1, skipped: [], faults: ['setting up failed'], output: '', ms: 0 });
  conclude(verdicts);
}
const stages = chosenStages();
let endBuildBehind = async () => {};
// Two runs must not build and run the same program.
const hasNativeLock = stages.some(stage => stage.name === 'native') && (await lockFile(NATIVE_LOCK, { wait: false }));
if (stages.length > 1 && hasNativeLock) endBuildBehind = buildNativeTestsBehind(root);
for (const stage of stages) {
  console.log(`\n== ${stage.name}`);
  const startedMs = performance.now();
  verdicts.push(...(await stage.run().catch(error => [broken(stage.name, error)])));
  console.log(`== ${stage.name}: ${seconds(performance.now() - startedMs)} s (budget ${stage.budgetS} s)`);
}
console.log('');
conclude(verdicts);
