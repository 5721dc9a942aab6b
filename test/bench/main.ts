// npm run bench: the service beside `ffmpeg -c copy`, in the same run. JSON on stdout, a table on stderr.
// Options: --seconds N (60), --cameras 1,8, --release (out/release, too). Needs the built service and the packages of the tests;
// block writes only as root.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { gstProblem } from '../support/gst-camera.ts';
import { releaseProblem, serviceProblem } from '../support/service.ts';
import { type Edition, measureRound, type RoundFigures } from './round.ts';

interface Budget {
  what: string;
  value: number | null;
  most: number;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    cameras: { type: 'string', default: '1,8' },
    release: { type: 'boolean', default: false },
  },
});
const problem = serviceProblem() ?? (values.release ? releaseProblem() : undefined) ?? gstProblem();
if (problem) {
  process.stderr.write(`npm run bench: ${problem}\n`);
  process.exit(2);
}

const editions: Edition[] = values.release ? ['development', 'release'] : ['development'];
const rounds: RoundFigures[] = [];
for (const edition of editions) {
  for (const cameras of values.cameras.split(',').map(Number)) {
    process.stderr.write(`${edition}: ${cameras} camera(s) for ${values.seconds} s ...\n`);
    rounds.push(await measureRound(edition, cameras, Number(values.seconds)));
  }
}
const budgets = editions.flatMap(edition => budgetsOf(edition, rounds));
const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, memoryMiB: Math.round(totalmem() / 1048576) };
process.stdout.write(`${JSON.stringify({ machine, node: process.version, rounds, budgets }, null, 2)}\n`);
process.stderr.write(table(rounds, budgets));

/** The figures that the project promises, where this run can tell. */
function budgetsOf(edition: Edition, all: RoundFigures[]): Budget[] {
  const own = all.filter(round => round.edition === edition);
  const one = own.find(round => round.cameras === 1);
  const eight = own.find(round => round.cameras === 8);
  const budgets: Budget[] = [];
  if (eight) {
    budgets.push({ what: 'CPU of 8 cameras / ffmpeg -c copy', value: eight.cpuRatio, most: 0.4 });
    budgets.push({ what: 'block writes / media bytes, 8 cameras', value: eight.blockRatio, most: 1.04 });
    budgets.push({ what: 'RSS of 8 cameras, MiB', value: eight.service.rssMiB, most: edition === 'release' ? 64 : 92 });
    if (edition === 'release') budgets.push({ what: 'of it anonymous, MiB', value: eight.service.anonMiB, most: 26 });
    budgets.push({ what: 'SIGTERM with 8 cameras to exit, ms', value: eight.service.stopMs, most: 500 });
    budgets.push({ what: 'warm start to first HTTP answer, ms', value: eight.service.startMs, most: 300 });
  }
  if (one && eight) {
    const growth = eight.service.rssMiB - eight.service.ringMiB - (one.service.rssMiB - one.service.ringMiB);
    budgets.push({ what: 'growth per camera beyond its ring, MiB', value: growth / 7, most: 0.4 });
  }
  return budgets.map(budget => ({ ...budget, what: `${edition}: ${budget.what}` }));
}

function table(all: RoundFigures[], budgets: Budget[]): string {
  const lines = [
    '',
    '    edition  cameras  RSS MiB  PSS MiB  anon MiB  ring MiB  CPU %  ffmpeg CPU %  CPU ratio  block/media',
  ];
  for (const round of all) {
    const { service, reference } = round;
    const percent = (cpuSeconds: number) => ((cpuSeconds / round.seconds) * 100).toFixed(2);
    lines.push(
      [
        round.edition.padStart(11),
        String(round.cameras).padStart(8),
        ...[service.rssMiB, service.pssMiB, service.anonMiB, service.ringMiB].map(value =>
          value.toFixed(1).padStart(8),
        ),
        percent(service.cpuSeconds).padStart(6),
        percent(reference.cpuSeconds).padStart(13),
        round.cpuRatio.toFixed(2).padStart(10),
        (round.blockRatio?.toFixed(3) ?? '-').padStart(12),
      ].join(' '),
    );
  }
  lines.push('');
  for (const { what, value, most } of budgets) {
    const verdict = value === null ? 'not measured' : value <= most ? 'kept' : 'BROKEN';
    lines.push(`${verdict.padEnd(12)} ${what}: ${value === null ? '-' : value.toFixed(3)} (most ${most})`);
  }
  return `${lines.join('\n')}\n`;
}
