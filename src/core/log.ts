// The log: one JSON line per fact (or a short line for a terminal), levels per tag, secrets taken out in the writer, the newest
// lines kept in memory.
import type { Clock } from './clock.ts';
import { LineLimit } from './log-limit.ts';
import { redactField, redactText } from './redact.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Record<string, unknown>;

/** The message is constant, what varies goes into the fields. */
export interface Logger {
  /** A logger for a part of the service; `fields` are added to each of its lines. */
  child(tag: string, fields?: LogFields): Logger;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogLevels {
  other: LogLevel;
  tags: Record<string, LogLevel>;
}

export interface LogOptions {
  clock: Pick<Clock, 'nowMs' | 'after'>;
  /** Takes one line with its newline; must not throw and must not block for long. */
  write: (line: string) => void;
  /** Short lines for people in place of JSON. */
  human: boolean;
  /** Those of the start. */
  levels: LogLevels;
  /** Bound of the lines kept in memory. */
  ringBytes: number;
  /** Warnings and errors of one tag, message and camera are written at most once in this time; 0 = all of them. */
  repeatMs: number;
}

const RESERVED = new Set(['timeMs', 'level', 'tag', 'msg', 'repeated']);

/** Where all lines of the service come together. */
export class Log {
  readonly #options: LogOptions;
  readonly #ring: LineRing;
  readonly #limit: LineLimit;
  #levels: LogLevels;
  readonly #counts: Record<LogLevel, number> = { debug: 0, info: 0, warn: 0, error: 0 };

  constructor(options: LogOptions) {
    this.#options = options;
    this.#levels = options.levels;
    this.#ring = new LineRing(options.ringBytes);
    this.#limit = new LineLimit(options.clock, options.repeatMs);
  }

  logger(tag: string, fields: LogFields = {}): Logger {
    const write = (level: LogLevel) => (message: string, own?: LogFields) =>
      this.#line(level, tag, message, own ? { ...fields, ...own } : fields);
    return {
      child: (childTag, childFields) => this.logger(childTag, { ...fields, ...childFields }),
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    };
  }

  /** The newest lines (JSON, without newline), oldest first. */
  lines(): string[] {
    return this.#ring.lines();
  }

  /** In force for all lines to come. */
  get levels(): LogLevels {
    return this.#levels;
  }

  set levels(levels: LogLevels) {
    this.#levels = levels;
  }

  /** Lines so far by level, with those that were left out as repetitions and without those below the wanted level. */
  counts(): Record<LogLevel, number> {
    return { ...this.#counts };
  }

  /** Writes what waits as repetition; to be called before the process ends. */
  flush(): void {
    this.#limit.flush();
  }

  #line(level: LogLevel, tag: string, message: string, fields: LogFields): void {
    const wanted = this.#levels.tags[tag] ?? this.#levels.other;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(wanted)) return;
    this.#counts[level]++;
    const write = (count: number) => this.#write(level, tag, message, fields, count);
    if (level === 'warn' || level === 'error') this.#limit.pass(`${level} ${tag} ${message} ${fields.camera}`, write);
    else write(1);
  }

  /** `count` = lines that this one stands for. */
  #write(level: LogLevel, tag: string, message: string, fields: LogFields, count: number): void {
    const { human, write, clock } = this.#options;
    const record: LogFields = { timeMs: clock.nowMs(), level, tag, msg: redactText(message) };
    for (const [key, value] of Object.entries(fields)) {
      if (!RESERVED.has(key)) record[key] = redactField(key, value);
    }
    if (count > 1) record.repeated = count;
    const json = JSON.stringify(record);
    this.#ring.push(json);
    write(human ? humanLine(record) : `${json}\n`);
  }
}

/** `12:34:56 warn  storage  disk is slow  camera=3`; local time, as it is for the eyes in front of the terminal. */
function humanLine(record: LogFields): string {
  const { timeMs, level, tag, msg, ...fields } = record;
  const time = new Date(timeMs as number).toTimeString().slice(0, 8);
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)}`);
  const line = [time, String(level).padEnd(5), tag, msg, ...rest].join('  ');
  return `${visible(line)}\n`;
}

/** Names and messages come from cameras and browsers: their control characters must not reach a terminal. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, char => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Lines bounded by their bytes; the oldest go first. */
class LineRing {
  readonly #maxBytes: number;
  readonly #lines: { text: string; bytes: number }[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#maxBytes) return;
    this.#lines.push({ text, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) this.#bytes -= this.#lines.shift()?.bytes ?? 0;
  }

  lines(): string[] {
    return this.#lines.map(line => line.text);
  }
}
