// Proves that the runner calls a test file failed whenever not all of it really ran and passed.
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { runTestFile, type Verdict } from '../support/run-file.mjs';
import { judge } from '../support/run-native.mjs';
import { suite } from '../support/suite.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const test = suite('runner', { timeoutMs: 30_000 });

function run(name: string, limitMs = 20_000): Promise<Verdict> {
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
for (const [name, stillPassed, words] of SILENT) {
  test(`calls "${name}" failed`, async () => {
    const { passed, failed, faults } = await run(name);
    assert.is(passed, stillPassed);
    assert.ok(failed > 0);
    assert.match(faults.join('\n'), words);
  });
}

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

const NATIVE = { exitCode: 0, signal: null, timedOut: false, leftovers: [], ms: 1 };

test('reads the count of the C++ tests', () => {
  const line = '[doctest] test cases:  5 |  5 passed | 0 failed | 0 skipped\n';
  const message = 'native/test/a.cc:7: MESSAGE: skipped: vectors (no data)\n';
  const { passed, failed, skipped } = judge({ ...NATIVE, output: message + line }, false);
  assert.equal([passed, failed], [4, 0]);
  assert.equal(skipped, [{ name: 'native: vectors', reason: 'no data' }]);
});

test('calls C++ tests failed that crash, are none, are decorated away or exit with a code', () => {
  const line = (total: number, skipped: number) =>
    `[doctest] test cases: ${total} | ${total} passed | 0 failed | ${skipped} skipped\n`;
  assert.is(judge({ ...NATIVE, exitCode: 1, output: 'ERROR: AddressSanitizer' }, false).failed, 1);
  assert.is(judge({ ...NATIVE, output: line(0, 0) }, false).failed, 1);
  assert.is(judge({ ...NATIVE, output: line(3, 1) }, false).failed, 1);
  assert.is(judge({ ...NATIVE, exitCode: 23, output: line(3, 0) }, false).failed, 1);
  assert.is(judge({ ...NATIVE, output: line(3, 9) }, true).failed, 0);
});

test.run();
