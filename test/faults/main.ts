// npm run faults -- [name…] [--rounds N] [--seed S] [--all]: what the service survives. Progress and a table go to stderr, a summary
// as JSON to stdout; the exit code is 1 when anything went wrong. Without names all of them run, for hours.
import { parseArgs } from 'node:util';
import { stopChildren } from '../support/child.ts';
import { serviceProblem } from '../support/service.ts';
import type { FaultResult, FaultTest } from './fault.ts';
import { FAULT_TESTS } from './tests.ts';

interface Line extends FaultResult {
  name: string;
  rounds: number;
  seed: number;
  seconds: number;
  verdict: 'passed' | 'FAILED' | 'skipped';
}

const usage = `usage: npm run faults -- [NAME…] [--rounds N] [--seed S] [--all]\n${FAULT_TESTS.map(
  ({ name, title, rounds }) => `  ${name.padEnd(17)}${title} (${rounds} rounds)\n`,
).join('')}`;

function giveUp(words: string): never {
  process.stderr.write(`npm run faults: ${words}\n${usage}`);
  process.exit(2);
}

function readArguments(): { chosen: FaultTest[]; rounds: number | undefined; seed: number; all: boolean } {
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string' }, seed: { type: 'string' }, all: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.find(name => FAULT_TESTS.every(test => test.name !== name));
  if (unknown !== undefined) giveUp(`there is no ${unknown}`);
  const number = (text: string | undefined, least: number) => {
    if (text !== undefined && !(Number.isSafeInteger(Number(text)) && Number(text) >= least))
      giveUp(`${text} is no number from ${least} on`);
    return text === undefined ? undefined : Number(text);
  };
  return {
    chosen: FAULT_TESTS.filter(test => positionals.length === 0 || positionals.includes(test.name)),
    rounds: number(values.rounds, 1),
    seed: number(values.seed, 0) ?? Date.now() % 100_000,
    all: values.all,
  };
}

async function runOne(test: FaultTest, rounds: number, seed: number, all: boolean): Promise<Line> {
  const startedMs = performance.now();
  const facts = { name: test.name, rounds, seed };
  const seconds = () => Math.round((performance.now() - startedMs) / 1000);
  const problem = test.problem();
  if (problem !== undefined) {
    return { ...facts, seconds: 0, verdict: 'skipped', faults: [], figures: {}, skipped: [problem] };
  }
  const say = (line: string) => process.stderr.write(`  ${test.name}: ${line}\n`);
  process.stderr.write(`${test.name}: ${rounds} rounds, seed ${seed}\n`);
  try {
    const result = await test.run({ rounds, seed, all, say });
    return { ...facts, seconds: seconds(), verdict: result.faults.length === 0 ? 'passed' : 'FAILED', ...result };
  } catch (error) {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...facts, seconds: seconds(), verdict: 'FAILED', faults: [words], figures: {} };
  } finally {
    await stopChildren();
  }
}

function table(lines: Line[]): string {
  const text = [''];
  for (const { name, verdict, rounds, seed, seconds, figures, faults, skipped } of lines) {
    text.push(`${verdict.padEnd(8)} ${name.padEnd(17)} ${rounds} rounds, seed ${seed}, ${seconds} s`);
    for (const [what, value] of Object.entries(figures)) text.push(`           ${what}: ${value}`);
    for (const fault of faults) text.push(`           FAULT ${fault}`);
    for (const reason of skipped ?? []) text.push(`           skipped: ${reason}`);
  }
  return `${text.join('\n')}\n`;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const { chosen, rounds, seed, all } = readArguments();
const problem = serviceProblem();
if (problem) giveUp(problem);
const lines: Line[] = [];
for (const test of chosen) lines.push(await runOne(test, rounds ?? test.rounds, seed, all));
process.stdout.write(`${JSON.stringify({ node: process.version, tests: lines }, null, 2)}\n`);
process.stderr.write(table(lines));
process.exit(lines.some(line => line.verdict === 'FAILED') ? 1 : 0);
