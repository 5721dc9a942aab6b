// npm run bench: the figures that the project promises, beside `ffmpeg -c copy` in the same run. One JSON object on stdout, a
// table on stderr; exit code 1 when a budget is broken. Needs the built service and the packages of the tests; what needs a
// block device of its own (block writes, repairs of a disk that forgets its cache) is measured by root only.
// `pages`, `live`, `play` and `paint` need Chromium.
// `triggers` and `storm` need a C compiler: they watch the service's fdatasync calls.
//   --build development|release|both   --release = --build release
//   --only PART,…       of the parts below; default: all
//   --cameras 1,8       of the recording rounds; default 1,4,8,32
//   --seconds N         of each recording round, and of waiting for events; default 60
//   --rounds N          of kill -9; default 5
//   --triggers N        whose footage is followed to the disk, five times as many messages over ONVIF; default 100
//   --minutes N         of the storm of triggers, of those while the MQTT broker is away, and of looking at sixteen streams; default 10
//   --seeks N           in a browser, of a day and of 30 days; a fifth as many clicks, a tenth as many visits; default 50
//   --markdown FILE     writes the table for the README, too
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { browserProblem } from '../support/browser.ts';
import { stopChildren } from '../support/child.ts';
import { realGo2rtc } from '../support/go2rtc/peer.ts';
import { gstProblem } from '../support/gst-camera.ts';
import { RELEASE_LAUNCHER, releaseProblem, serviceProblem } from '../support/service.ts';
import { measureAdoption } from './adoption.ts';
import { measureApi } from './api-times.ts';
import { boardClass, type Edition, type Figure, judge, type Measured } from './budgets.ts';
import { measurePictures } from './event-picture.ts';
import { measureIdleEvents } from './events-idle.ts';
import { measureExport } from './export-speed.ts';
import { measureHub } from './hub.ts';
import { measureIndex } from './index-reads.ts';
import { measureLive } from './live-times.ts';
import { measureLosses } from './losses.ts';
import { measureMqttAway } from './mqtt-away.ts';
import { measureOnvif } from './onvif.ts';
import { measurePages } from './pages-memory.ts';
import { measurePaint } from './paint-times.ts';
import { measurePlay } from './play-times.ts';
import { measureRound, type Round, roundFigures } from './recording.ts';
import { measureRemoval } from './removal.ts';
import { markdownTable, textTable } from './report.ts';
import { measureSeeks } from './seek-times.ts';
import { measureStorm } from './storm.ts';
import { measureTiles } from './tile-memory.ts';
import { measureTriggers } from './trigger-times.ts';

const EDITIONS: Record<string, Edition[]> = {
  development: ['development'],
  release: ['release'],
  both: ['development', 'release'],
};

interface Plan {
  cameras: number[];
  seconds: number;
  rounds: number;
  triggers: number;
  minutes: number;
  seeks: number;
}

/** Without being asked for by name: what the machine has. */
const isPossible = (part: string) => part !== 'hub' || realGo2rtc() !== undefined;

type Command = { command?: string[] };

const PARTS: Record<string, (command: Command, plan: Plan) => Promise<Measured[]>> = {
  recording: measureRounds,
  removal: measureRemoval,
  export: measureExport,
  index: measureIndex,
  seeks: measureSeeks,
  adoption: measureAdoption,
  losses: (command, { rounds }) => measureLosses(command, rounds),
  events: (command, { seconds }) => measureIdleEvents(command, seconds),
  triggers: (command, { triggers }) => measureTriggers(command, triggers),
  storm: (command, { minutes }) => measureStorm(command, minutes),
  hub: (command, { seconds }) => measureHub(command, seconds),
  onvif: (command, { seconds, triggers }) => measureOnvif(command, seconds, triggers * 5),
  mqtt: (command, { minutes }) => measureMqttAway(command, minutes),
  picture: measurePictures,
  api: measureApi,
  tiles: (command, { minutes }) => measureTiles(command, minutes),
  pages: (command, { seconds }) => measurePages(command, seconds),
  live: (command, { seconds, seeks }) => measureLive(command, { clicks: Math.ceil(seeks / 5), seconds }),
  play: (command, { seeks }) => measurePlay(command, seeks),
  paint: (command, { seeks }) => measurePaint(command, Math.ceil(seeks / 10)),
};

async function measureRounds(command: Command, { cameras, seconds }: Plan): Promise<Measured[]> {
  const rounds: Round[] = [];
  for (const count of [...cameras].sort((a, b) => a - b)) {
    process.stderr.write(`  ${count} camera${count === 1 ? '' : 's'}\n`);
    rounds.push(await measureRound(command, count, seconds));
  }
  return roundFigures(rounds);
}

function usage(message: string): never {
  process.stderr.write(`npm run bench: ${message}\n`);
  process.exit(2);
}

function positive(text: string, name: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : usage(`--${name} takes numbers above 0`);
}

const { values } = parseArgs({
  options: {
    build: { type: 'string', default: 'development' },
    release: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(PARTS).filter(isPossible).join(',') },
    cameras: { type: 'string', default: '1,4,8,32' },
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
    triggers: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '10' },
    seeks: { type: 'string', default: '50' },
    markdown: { type: 'string' },
  },
});
const editions = EDITIONS[values.release ? 'release' : values.build] ?? usage('--build development|release|both');
const parts = values.only.split(',');
const unknown = parts.find(part => !Object.hasOwn(PARTS, part));
if (unknown !== undefined) usage(`there is no part ${unknown}; parts: ${Object.keys(PARTS).join(', ')}`);
const plan: Plan = {
  cameras: values.cameras.split(',').map(count => positive(count, 'cameras')),
  seconds: positive(values.seconds, 'seconds'),
  rounds: positive(values.rounds, 'rounds'),
  triggers: positive(values.triggers, 'triggers'),
  minutes: positive(values.minutes, 'minutes'),
  seeks: positive(values.seeks, 'seeks'),
};
const inBrowser = ['pages', 'live', 'play', 'paint'].some(part => parts.includes(part));
const missing =
  (inBrowser ? browserProblem() : undefined) ??
  (editions.includes('development') ? serviceProblem() : undefined) ??
  (editions.includes('release') ? releaseProblem() : undefined) ??
  gstProblem();
if (missing) usage(missing);

const figures: Figure[] = [];
const failures: string[] = [];
for (const edition of editions) {
  const command: Command = edition === 'release' ? { command: [RELEASE_LAUNCHER] } : {};
  for (const part of parts) {
    process.stderr.write(`${edition}: ${part} ...\n`);
    try {
      const measured = (await PARTS[part]?.(command, plan)) ?? [];
      const judged = measured.map(one => judge(edition, one));
      process.stderr.write(textTable(judged));
      figures.push(...judged);
    } catch (error) {
      failures.push(`${edition}: ${part}: ${error instanceof Error ? error.stack : String(error)}`);
      process.stderr.write(`${failures.at(-1)}\n`);
      await stopChildren();
    }
  }
}
const machine = {
  board: boardClass() ?? process.arch,
  cpu: cpus()[0]?.model ?? '',
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / 1048576),
  node: process.version,
};
process.stdout.write(`${JSON.stringify({ machine, plan, figures, failures }, null, 2)}\n`);
if (values.markdown !== undefined) writeFileSync(values.markdown, markdownTable(figures, editions));
process.exitCode = failures.length > 0 || figures.some(figure => figure.ok === false) ? 1 : 0;
