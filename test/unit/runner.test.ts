// Proves that the runner calls a test file failed whenever not all of it really ran and passed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { lockFile } from '../support/file-lock.mjs';
import { runTestFile, type Verdict } from '../support/run-file.mjs';
import { casesByFile, judge } from '../support/run-native.mjs';
import { runProcess } from '../support/run-process.mjs';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const test = suite('runner', { timeoutMs: 150_000 });

function run(name: string, limitMs = 120_000): Promise<Verdict> {
  return runTestFile(root, `${root}test/fixtures/runner/${name}.ts`, limitMs);
}

test('counts what passes and names what is skipped', async () => {
  const { passed, failed, skipped, faults } = await run('good');
  assert.equal([passed, failed, faults], [2, 0, []]);
  assert.equal(skipped, [{ name: 'good: is left out', reason: 'nothing to run it with' }]);
});

test('counts a failing test and shows why', async () => {
  const { passed, failed, output } = await run('fails');
  assert.equal([passed, failed], [1, 1]);
  assert.match(output, 'as it should');
});

/** Fixture, tests that still count as passed, what the faults must say. */
const SILENT: [string, number, RegExp][] = [
  ['before-throws', 0, /"before" hook failed.*no ground/s],
  ['after-each-throws', 1, /"after.each" hook failed/],
  ['after-throws', 1, /"after" hook failed/],
  ['no-run', 0, /run\(\) was not called/],
  ['only', 1, /\.only on "runs" hides the other tests/],
  ['open-handle', 1, /still running.*TCP/],
  ['no-tests', 0, /no tests/],
  ['exits-early', 0, /the process ended before the suite did/],
  ['crashes', 0, /no end line \(ended by SIGKILL\)/],
  ['leaves-child', 1, /left a process running: sleep 60/],
  ['late-rejection', 1, /exit code 1|ended before/],
];
/** They wait more than they work. */
const silent = new Map<string, Promise<Verdict>>();
test.before(() => {
  for (const [name] of SILENT) silent.set(name, run(name));
});
for (const [name, stillPassed, words] of SILENT) {
  test(`calls "${name}" failed`, async () => {
    const { passed, failed, faults } = await (silent.get(name) ?? run(name));
    assert.is(passed, stillPassed);
    assert.ok(failed > 0);
    assert.match(faults.join('\n'), words);
  });
}

test('what is killed leaves nothing behind in groups of its own', async () => {
  const begin = 'setsid sleep 612 > /dev/null 2>&1 & echo $!; wait';
  const { output, timedOut } = await runProcess('sh', ['-c', begin], { cwd: root, limitMs: 2000 });
  assert.is(timedOut, true);
  const place = `/proc/${output.trim()}/cmdline`;
  const lives = () => existsSync(place) && readFileSync(place, 'latin1').includes('sleep');
  for (let i = 0; i < 500 && lives(); i++) await new Promise(resolve => setTimeout(resolve, 20));
  assert.is(lives(), false);
});

test('fails a test that throws no Error, and one that never settles', async () => {
  assert.is((await run('throws-string')).failed, 1);
  const { passed, failed, output } = await run('never-settles');
  assert.equal([passed, failed], [1, 1]);
  assert.match(output, 'not done after 200 ms');
});

test('kills a file at its limit', async () => {
  const { failed, faults } = await run('busy', 2000);
  assert.is(failed, 1);
  assert.match(faults.join(), /not done after 2 s: killed/);
});

const NATIVE = { output: '', exitCode: 0, signal: null, timedOut: false, leftovers: [], ms: 1 };
const END = '<OverallResultsTestCases successes="2" failures="0" skipped="0"/>';

/** A test case as doctest reports it. */
function report(name: string, asserts: number, good = true, message = ''): string {
  const text = message && `<Message><Text>\n  ${message}\n</Text></Message>\n`;
  const figures = `successes="${asserts}" failures="${good ? 0 : 1}" test_case_success="${good}"`;
  return `<TestCase name="${name}" line="1">\n${text}<OverallResultsAsserts ${figures} duration="1"/>\n</TestCase>\n`;
}

test('reads the report of the C++ tests', () => {
  const xml =
    report('a', 3) + report('b', 0, true, 'skipped: vectors (no data)') + report('c', 2, true, 'skipped: part') + END;
  const { passed, failed, skipped } = judge(xml, NATIVE, 3);
  assert.equal([passed, failed], [2, 0]);
  assert.equal(skipped, [
    { name: 'native: vectors', reason: 'no data' },
    { name: 'native: part', reason: 'see the test' },
  ]);
});

test('calls C++ tests failed that fail, crash, are none, are decorated away or exit with a code', () => {
  const failing = judge(report('a', 3) + report('a &lt; b', 3, false) + END, { ...NATIVE, exitCode: 1 }, 2);
  assert.equal([failing.passed, failing.failed], [1, 1]);
  assert.match(failing.output, 'a < b');
  const crashed = judge(`${report('a', 3)}<TestCase name="b" line="2">\n`, { ...NATIVE, exitCode: 1 }, 2);
  assert.equal([crashed.passed, crashed.failed], [1, 1]);
  assert.match(crashed.faults.join(), 'exit code 1 in "b"');
  assert.is(judge(END, NATIVE, 1).failed, 1);
  assert.match(judge(report('a', 3) + END, NATIVE, 2).faults.join(), 'of 2 cases 1 ran');
  assert.is(judge(report('a', 3) + END, { ...NATIVE, exitCode: 23 }, 1).failed, 1);
  assert.is(judge(report('a', 3) + END, NATIVE, 1).failed, 0);
});

test('knows how many C++ tests each file has, and begins with the longest files', () => {
  const listed = (name: string, file: string) =>
    `  <TestCase name="${name}" filename="/x/native/test/${file}" line="4"/>\n`;
  const list = listed('a', 'arena_test.cc') + listed('b', 'export_test.cc') + listed('c &lt; d', 'arena_test.cc');
  assert.equal(casesByFile(list), [
    ['export_test.cc', 1],
    ['arena_test.cc', 2],
  ]);
});

test('a lock is held by one process at a time, and ends with it however that ends', async () => {
  const path = join(tempDir('lock'), 'lock');
  const script = `await (await import(${JSON.stringify(new URL('../support/file-lock.mjs', import.meta.url).href)}))
    .lockFile(${JSON.stringify(path)}, { wait: true }); console.log('mine'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.is(await lockFile(path, { wait: false }), false);
  const waiting = lockFile(path, { wait: true });
  holder.kill('SIGKILL');
  assert.is(await waiting, true);
  assert.is(await lockFile(path, { wait: false }), false, 'of this process too');
});

test.run();
