// One line of go2rtc's output: JSON while it is well, plain text when Go itself speaks.
import { type LogLevel, redactText } from '../core/index.ts';
import { isRecord, parseJson } from './json.ts';
import { isStreamName, placeOf } from './source-address.ts';
import type { StreamName } from './state.ts';

export interface LogLine {
  level: LogLevel;
  message: string;
  /** What failed, without secrets. */
  error?: string;
  /** It is about one of ours. */
  stream?: StreamName;
  /** The source that it is about, as go2rtc shows it. */
  url?: string;
  addr?: string;
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
};

const MOST_CHARS = 500;

/** Never throws, whatever the line is. */
export function readLogLine(line: string): LogLine {
  const json = line.startsWith('{') ? parseJson(line) : undefined;
  if (!isRecord(json)) return { level: isLastWord(line) ? 'error' : 'info', message: clean(line) };
  const { level, message, error, stream, url, addr } = json;
  return {
    level: (typeof level === 'string' && Object.hasOwn(LEVELS, level) && LEVELS[level]) || 'info',
    message: typeof message === 'string' ? clean(message) : '',
    ...(typeof error === 'string' && { error: clean(error) }),
    ...(typeof stream === 'string' && isStreamName(stream) && { stream }),
    ...(typeof url === 'string' && { url: url.slice(0, 2000) }),
    ...(typeof addr === 'string' && { addr: clean(addr) }),
  };
}

/** Go's own words before it ends the process: `fatal error: concurrent map writes`, `panic: ...`. */
export function isLastWord(line: string): boolean {
  return /^(?:fatal error|panic|runtime|unexpected fault|SIG[A-Z]+): /.test(line) || line.includes('"level":"fatal"');
}

/** Addresses lose all but their host: go2rtc masks a login, but not a password in a path or query. */
function clean(text: string): string {
  const short = text.slice(0, MOST_CHARS).replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi, found => placeOf(found));
  return redactText(short);
}
