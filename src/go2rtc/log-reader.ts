// Takes go2rtc's output apart into lines: bounded in length and rate, with its last words kept for when it ends.
import type { Clock, Logger } from '../core/index.ts';
import { isLastWord, type LogLine, readLogLine } from './log-line.ts';
import { placeOf } from './source-address.ts';

export interface LogReaderOptions {
  clock: Pick<Clock, 'monotonicMs'>;
  log: Logger;
  /** Hears of each line that is read, before it is logged. */
  onLine: (line: LogLine) => void;
}

/** Longer lines are cut. */
const MOST_LINE_CHARS = 4000;
/** A stream that spins makes 1600 lines a second: beyond so many in one second lines are only counted. */
const MOST_LINES_PER_S = 100;
/** And so many of them reach our log. */
const MOST_LOGGED_PER_S = 10;

export class LogReader {
  readonly #options: LogReaderOptions;
  /** Of a line whose end has not come. */
  #rest = '';
  #isCut = false;
  #secondMs = 0;
  #inSecond = 0;
  #logged = 0;
  #unread = 0;
  #lastWord: string | undefined;
  #lastError: string | undefined;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#secondMs = options.clock.monotonicMs();
  }

  /** What Go said before it ended the process, else the last error. */
  get lastWords(): string | undefined {
    return this.#lastWord ?? this.#lastError;
  }

  push(piece: Buffer): void {
    // Log lines are ASCII but for what cameras send; a character cut in two there does no harm.
    const lines = (this.#rest + piece.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#isCut) this.#isCut = false;
      else this.#take(line);
    }
    if (this.#rest.length <= MOST_LINE_CHARS) return;
    if (!this.#isCut) this.#take(this.#rest);
    this.#isCut = true;
    this.#rest = '';
  }

  /** What stands behind the last newline, and how much was left out. */
  end(): void {
    if (this.#rest !== '' && !this.#isCut) this.#take(this.#rest);
    this.#rest = '';
    this.#tellUnread();
  }

  #take(line: string): void {
    if (line.trim() === '') return;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#secondMs >= 1000) {
      this.#secondMs = nowMs;
      this.#tellUnread();
      this.#inSecond = 0;
      this.#logged = 0;
    }
    const isLast = this.#lastWord === undefined && isLastWord(line);
    if (++this.#inSecond > MOST_LINES_PER_S && !isLast) {
      this.#unread++;
      return;
    }
    const read = readLogLine(line.slice(0, MOST_LINE_CHARS));
    if (isLast) this.#lastWord = read.error ? `${read.message} ${read.error}` : read.message;
    else if (read.level === 'error') this.#lastError = read.error ?? read.message;
    this.#options.onLine(read);
    this.#write(read, isLast);
  }

  /** Traces of Go's goroutines follow its last word: at debug, as the rest of what is no JSON. */
  #write({ level, message, error, stream, url, addr }: LogLine, isLast: boolean): void {
    if (++this.#logged > MOST_LOGGED_PER_S && !isLast) {
      this.#unread++;
      return;
    }
    const { log } = this.#options;
    const said = message === '' ? (error ?? 'a line without text') : message;
    const fields = {
      said,
      error,
      stream,
      addr,
      ...(url !== undefined && stream === undefined && { about: placeOf(url) }),
    };
    // What goes wrong at a camera is told by the camera's state; here it explains.
    if (isLast) log.error('go2rtc ends', fields);
    else if (level === 'error') log.warn('go2rtc reports an error', fields);
    else if (level === 'warn') log.info('go2rtc reports', fields);
    else log.debug('go2rtc says', fields);
  }

  #tellUnread(): void {
    if (this.#unread > 0) this.#options.log.info('lines of go2rtc were left out', { lines: this.#unread });
    this.#unread = 0;
  }
}
