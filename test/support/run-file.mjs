// Runs one TypeScript test file in a process of its own and judges it by its end line, not by its exit code alone.
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runProcess } from './run-process.mjs';

const END_MARK = '#thimble-end ';

/**
 * @typedef {object} Verdict
 * @property {number} passed
 * @property {number} failed tests that failed, and 1 more when something beside the tests went wrong
 * @property {{name: string, reason: string}[]} skipped
 * @property {string[]} faults why, for what is not a failed test
 * @property {string} output what the file printed
 * @property {number} ms
 */

/**
 * @param {string} root the checkout
 * @param {string} file absolute path
 * @param {number} limitMs
 * @returns {Promise<Verdict>}
 */
export async function runTestFile(root, file, limitMs) {
  const loader = new URL('typescript.mjs', import.meta.url).href;
  const outcome = await runProcess(process.execPath, ['--import', loader, file], { cwd: root, limitMs });
  const { report, output } = splitOutput(outcome.output);
  const faults = [];
  if (outcome.timedOut) faults.push(`not done after ${limitMs / 1000} s: killed`);
  for (const command of outcome.leftovers) faults.push(`left a process running: ${command}`);
  if (!report) {
    const how = outcome.signal ? `ended by ${outcome.signal}` : `exit code ${outcome.exitCode}`;
    if (!outcome.timedOut) faults.push(`no end line (${how}): it crashed or does not use test/support/suite.ts`);
    return { passed: 0, failed: 1, skipped: [], faults, output, ms: outcome.ms };
  }
  faults.push(...report.faults);
  if (report.total + report.skipped.length === 0) faults.push('it has no tests');
  const failed = report.total - report.passed;
  if (outcome.exitCode !== 0 && failed === 0 && faults.length === 0) faults.push(`exit code ${outcome.exitCode}`);
  return {
    passed: report.passed,
    failed: failed + (faults.length > 0 ? 1 : 0),
    skipped: report.skipped,
    faults,
    output,
    ms: outcome.ms,
  };
}

/** @param {string} text @returns {{report?: import('./suite.ts').FileReport, output: string}} */
function splitOutput(text) {
  const lines = text.split('\n');
  const at = lines.findLastIndex(line => line.startsWith(END_MARK));
  if (at < 0) return { output: text };
  const [line = ''] = lines.splice(at, 1);
  try {
    return { report: JSON.parse(line.slice(END_MARK.length)), output: lines.join('\n') };
  } catch {
    return { output: text };
  }
}

// By hand and in the runner's own test: prints the verdict as JSON.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , file = '', limitMs = '60000'] = process.argv;
  const verdict = await runTestFile(process.cwd(), file, Number(limitMs));
  process.stdout.write(`${JSON.stringify({ file: relative(process.cwd(), file), ...verdict })}\n`);
}
