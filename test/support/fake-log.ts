// A log whose lines a test can read.
import { Log, type LogFields, type Logger } from '../../src/core/index.ts';

export interface FakeLog {
  logger: Logger;
  /** All lines so far, of every level. */
  lines: LogFields[];
  /** Messages of one level. */
  messages(level: string): string[];
}

export function fakeLog(tag = 'test'): FakeLog {
  const lines: LogFields[] = [];
  const log = new Log({
    clock: { nowMs: () => 0, after: () => () => undefined },
    write: line => lines.push(JSON.parse(line)),
    human: false,
    levels: { other: 'debug', tags: {} },
    ringBytes: 0,
    repeatMs: 0,
  });
  return {
    logger: log.logger(tag),
    lines,
    messages: level => lines.filter(line => line.level === level).map(line => String(line.msg)),
  };
}
