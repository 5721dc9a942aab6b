// The command line and the environment of the service: what is accepted, its defaults, and the words for what is not.
import { resolve } from 'node:path';
import type { NvrError } from './errors.ts';
import { LOG_LEVELS, type LogLevel, type LogLevels } from './log.ts';
import { nearest } from './nearest.ts';
import { type Flag, invalid, nonEmpty, parseAddress, parseSwitch, type Value, type Values } from './option-values.ts';
import { parseServerChoice, SERVER_FLAGS, type ServerChoice } from './server-options.ts';

const HUB_MODES = ['auto', 'direct', 'go2rtc'] as const;
/** The way to cameras that do not say otherwise. */
export type HubMode = (typeof HUB_MODES)[number];

export interface ServeOptions extends ServerChoice {
  command: 'serve';
  /** Absolute. */
  dataDir: string;
  /** Without brackets. */
  listenHost: string;
  /** 0 = chosen by the system. */
  listenPort: number;
  hub: HubMode;
  demo: boolean;
  allowLoopback: boolean;
  /** Absolute; what it says about cameras and settings goes before what is stored. */
  configFile?: string;
  logLevels: LogLevels;
}

/** Work on a data directory that no service uses. */
export interface MaintainOptions {
  command: 'check' | 'repair' | 'reindex';
  /** Absolute. */
  dataDir: string;
  logLevels: LogLevels;
}

/** A new password for somebody who has lost theirs, on a data directory that no service uses. */
export interface UserResetOptions {
  command: 'user-reset';
  name: string;
  /** Absolute. */
  dataDir: string;
  logLevels: LogLevels;
}

/** Brings go2rtc into a data directory, whether or not a service uses it. */
export interface Go2rtcInstallOptions {
  command: 'go2rtc-install';
  /** Absolute. */
  dataDir: string;
  /** Absolute path of a file of the release, in place of the download. */
  from?: string;
  logLevels: LogLevels;
}

export type Options =
  | ServeOptions
  | MaintainOptions
  | UserResetOptions
  | Go2rtcInstallOptions
  | { command: 'version' }
  | { command: 'help' };

const DEFAULT_LISTEN = '0.0.0.0:8080';

const FLAGS: readonly Flag[] = [
  {
    name: '--data',
    variable: 'THIMBLE_DATA',
    value: 'DIR',
    help: 'where footage and settings are kept (default: ./thimble-data)',
  },
  {
    name: '--listen',
    variable: 'THIMBLE_LISTEN',
    value: 'HOST:PORT',
    help: 'address of pages and API (default: 0.0.0.0:8080, all networks; 127.0.0.1:8080 = this machine only)',
  },
  ...SERVER_FLAGS,
  {
    name: '--config',
    variable: 'THIMBLE_CONFIG',
    value: 'FILE.yaml',
    help: 'cameras and settings that are set up at each start',
  },
  {
    name: '--hub',
    variable: 'THIMBLE_HUB',
    value: 'auto|direct|go2rtc',
    help: 'how cameras are reached (default: auto, go2rtc for those that do not speak plain RTSP)',
  },
  {
    name: '--log',
    variable: 'THIMBLE_LOG',
    value: 'LEVEL[,TAG=LEVEL]',
    help: 'debug, info, warn or error, also for single parts: info,cameras=debug (default: info)',
  },
  { name: '--demo', variable: 'THIMBLE_DEMO', help: 'adds two cameras that play a bundled clip' },
  {
    name: '--allow-loopback',
    variable: 'THIMBLE_ALLOW_LOOPBACK',
    help: 'lets camera URLs point at this machine',
  },
];

/** Commands beside `serve`. */
const MAINTENANCE: Record<MaintainOptions['command'], string> = {
  check: 'compares index and files, changes nothing; exit code 1 when something is wrong',
  repair: 'mends files and index',
  reindex: 'sets the index aside and builds it anew from the files; cameras and locks are kept, gaps and settings not',
};
const MAINTENANCE_FLAGS = ['--data', '--log'];

/** Part of the design, and not of this version: named, so that nobody takes silence for obedience. */
const LATER_COMMANDS = ['export'];

/** What `--help` prints. */
export function usage(): string {
  const rows = FLAGS.map(flag => {
    const left = flag.value ? `${flag.name} ${flag.value}` : flag.name;
    return `  ${left.padEnd(26)} ${flag.help}\n  ${''.padEnd(26)} or ${flag.variable}=${flag.value ?? '1'}`;
  });
  const commands = Object.entries(MAINTENANCE).map(([name, help]) => `  ${name.padEnd(26)} ${help}`);
  return `thimble [serve] [flags]\n\n${rows.join('\n')}\n  --version, --help\n\nthimble check|repair|reindex [--data DIR] [--log …], while no service runs on DIR\n\n${commands.join('\n')}\n\nthimble user reset NAME [--data DIR], while no service runs on DIR: prints a new password once\n\nthimble go2rtc install [--data DIR] [--from FILE]: downloads go2rtc, or takes a file of its release, checks it and puts it into DIR\n`;
}

/** Flags win over the environment. Throws `invalid-argument` with `field` = the flag or variable, and a cure. */
export function parseOptions(argv: readonly string[], environment: Record<string, string | undefined>): Options {
  const args = [...argv];
  if (args[0] !== undefined && !args[0].startsWith('-')) {
    const command = args.shift() as string;
    if (isMaintenance(command)) return parseMaintenance(command, args, environment);
    if (command === 'user') return parseUserReset(args, environment);
    if (command === 'go2rtc') return parseGo2rtcInstall(args, environment);
    if (command !== 'serve') throw unknownCommand(command);
  }
  if (args.includes('--help') || args.includes('-h')) return { command: 'help' };
  if (args.includes('--version')) return { command: 'version' };
  const values = { ...fromEnvironment(environment), ...fromArguments(args) };
  const listen = parseAddress(values['--listen'] ?? { text: DEFAULT_LISTEN, source: '--listen' }, DEFAULT_LISTEN);
  const configFile = nonEmpty(values['--config'], 'Write the path of a YAML file.');
  return {
    command: 'serve',
    ...(configFile === undefined ? {} : { configFile: resolve(configFile) }),
    dataDir: resolve(nonEmpty(values['--data']) ?? 'thimble-data'),
    listenHost: listen.host,
    listenPort: listen.port,
    hub: parseHub(values['--hub']),
    demo: parseSwitch(values['--demo']),
    allowLoopback: parseSwitch(values['--allow-loopback']),
    logLevels: parseLevels(values['--log']),
    ...parseServerChoice(values),
  };
}

function isMaintenance(command: string): command is MaintainOptions['command'] {
  return Object.hasOwn(MAINTENANCE, command);
}

function parseMaintenance(
  command: MaintainOptions['command'],
  args: readonly string[],
  environment: Record<string, string | undefined>,
): Options {
  if (args.includes('--help') || args.includes('-h')) return { command: 'help' };
  return { command, ...parseOffline(command, args, environment) };
}

const USER_CURE = 'Write thimble user reset NAME --data DIR.';

function parseUserReset(args: string[], environment: Record<string, string | undefined>): Options {
  if (args.includes('--help') || args.includes('-h')) return { command: 'help' };
  const action = args.shift();
  if (action !== 'reset') throw invalid('command', `"user ${action ?? ''}" is not a command`, USER_CURE);
  const name = args[0]?.startsWith('-') ? undefined : args.shift();
  if (!name) throw invalid('NAME', 'user reset needs the name of a user', USER_CURE);
  return { command: 'user-reset', name, ...parseOffline('user reset', args, environment) };
}

const INSTALL_CURE = 'Write thimble go2rtc install --data DIR.';

function parseGo2rtcInstall(args: string[], environment: Record<string, string | undefined>): Options {
  if (args.includes('--help') || args.includes('-h')) return { command: 'help' };
  const action = args.shift();
  if (action !== 'install') throw invalid('command', `"go2rtc ${action ?? ''}" is not a command`, INSTALL_CURE);
  const at = args.findIndex(arg => arg === '--from' || arg.startsWith('--from='));
  const [flag = ''] = at < 0 ? [] : args.splice(at, 1);
  const text = flag.startsWith('--from=')
    ? flag.slice('--from='.length)
    : at < 0
      ? undefined
      : (args.splice(at, 1)[0] ?? '');
  const from = text === undefined ? undefined : nonEmpty({ text, source: '--from' }, 'Write the path of a file.');
  return {
    command: 'go2rtc-install',
    ...(from === undefined ? {} : { from: resolve(from) }),
    ...parseOffline('go2rtc install', args, environment),
  };
}

/** What commands on a directory take. */
function parseOffline(
  command: string,
  args: readonly string[],
  environment: Record<string, string | undefined>,
): Pick<MaintainOptions, 'dataDir' | 'logLevels'> {
  const given = fromArguments(args);
  const foreign = Object.keys(given).find(name => !MAINTENANCE_FLAGS.includes(name));
  if (foreign) throw invalid(foreign, `${foreign} means nothing to ${command}`, 'Leave it out.');
  const values = { ...fromEnvironment(environment), ...given };
  return {
    dataDir: resolve(nonEmpty(values['--data']) ?? 'thimble-data'),
    logLevels: values['--log'] ? parseLevels(values['--log']) : { other: 'error', tags: {} },
  };
}

function fromEnvironment(environment: Record<string, string | undefined>): Values {
  const values: Values = {};
  for (const flag of FLAGS) {
    const text = environment[flag.variable];
    if (text !== undefined && text !== '') values[flag.name] = { text, source: flag.variable };
  }
  return values;
}

function fromArguments(args: readonly string[]): Values {
  const values: Values = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const equals = arg.startsWith('--') ? arg.indexOf('=') : -1;
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const flag = FLAGS.find(known => known.name === name);
    if (!flag) throw unknownFlag(name);
    let text = equals < 0 ? undefined : arg.slice(equals + 1);
    if (flag.value && text === undefined) {
      text = args[++i];
      if (text === undefined || text.startsWith('--')) {
        throw invalid(name, `${name} needs a value`, `Write ${name} ${flag.value}.`);
      }
    }
    if (values[name]) throw invalid(name, `${name} is given twice`, 'Give it once.');
    values[name] = { text: text ?? '1', source: name };
  }
  return values;
}

function parseHub(value: Value | undefined): HubMode {
  if (!value) return 'auto';
  const mode = HUB_MODES.find(known => known === value.text);
  if (!mode) throw invalid(value.source, `${value.source} cannot be ${value.text}`, 'Use auto, direct or go2rtc.');
  return mode;
}

function parseLevels(value: Value | undefined): LogLevels {
  const levels: LogLevels = { other: 'info', tags: {} };
  if (!value) return levels;
  for (const part of value.text.split(',')) {
    const match = /^(?:([\w-]{1,32})=)?(\w+)$/.exec(part.trim());
    const level = LOG_LEVELS.find(known => known === match?.[2]);
    if (!match || !level) throw invalid(value.source, `${value.source}: no such level: ${part}`, levelCure(match?.[2]));
    if (match[1] === undefined) levels.other = level;
    else levels.tags[match[1]] = level;
  }
  return levels;
}

function levelCure(word: string | undefined): string {
  const meant: LogLevel | undefined = LOG_LEVELS.find(level => level === nearest(word ?? '', LOG_LEVELS));
  return meant ? `Did you mean ${meant}?` : `Use ${LOG_LEVELS.join(', ')}, or TAG=LEVEL.`;
}

function unknownFlag(name: string): NvrError {
  if (!name.startsWith('-')) return invalid(name, `"${name}" belongs to no flag`, 'See --help.');
  const meant = nearest(name, [...FLAGS.map(flag => flag.name), '--version', '--help']);
  return invalid(name, `${name} is not a known flag`, meant ? `Did you mean ${meant}?` : 'See --help.');
}

function unknownCommand(command: string): NvrError {
  if (LATER_COMMANDS.includes(command)) return notYet(command);
  const meant = nearest(command, ['serve', 'user', 'go2rtc', ...Object.keys(MAINTENANCE)]);
  return invalid('command', `"${command}" is not a command`, meant ? `Did you mean ${meant}?` : 'See --help.');
}

function notYet(name: string): NvrError {
  return invalid(name, `${name} is not in this version`, 'Leave it out; see --help.');
}
