// One life of the process go2rtc: from its configuration until it is gone. Hides files, ports, log lines and signals.
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '../core/index.ts';
import { Api, type HubApi } from './api.ts';
import { endWords } from './binary.ts';
import { configurationText } from './configuration.ts';
import type { LogLine } from './log-line.ts';
import { LogReader } from './log-reader.ts';
import { freePort } from './ports.ts';
import type { Child, ChildExit, Spawn } from './state.ts';
import type { Limits } from './vitals.ts';

export interface RunRequest {
  /** Of the program. */
  path: string;
  /** Ours alone. */
  folder: string;
  /** Absent = without WebRTC. */
  webrtc?: { port: number; addresses: readonly string[] };
  limits: Limits;
}

export interface RunParts {
  spawn: Spawn;
  clock: Clock;
  log: Logger;
}

/** A process that is ready, as those who look after it need it. */
export interface Run {
  readonly pid: number;
  readonly api: HubApi;
  readonly rtspPort: number;
  /** It listens for browsers. */
  readonly webrtc: boolean;
  readonly exited: Promise<ChildExit>;
  /** What Go said at its end, else the last error. */
  lastWords(): string | undefined;
  /** Lines from now on. One listener. */
  onLine(listener: (line: LogLine) => void): void;
  /** TERM, and KILL after 2 s, or KILL at once. Resolves when it is gone, with its files. Idempotent. */
  stop(how?: 'kill'): Promise<ChildExit>;
}

export type StartRun = (request: RunRequest, parts: RunParts, signal: AbortSignal) => Promise<Run>;

/** Why a start failed. */
export class StartFailure extends Error {
  readonly isWebrtc: boolean;

  constructor(message: string, isWebrtc = false) {
    super(message);
    this.isWebrtc = isWebrtc;
  }
}

const READY_MS = 5000;
const TERM_MS = 2000;
const KILL_MS = 3000;
const ASK_AGAIN_MS = 50;

/** Resolves when it is ready. Rejects with StartFailure, or the signal's reason; nothing of it is left then. */
export const startRun: StartRun = async (request, parts, signal) => {
  signal.throwIfAborted();
  const secret = randomBytes(24).toString('hex');
  const socketPath = join(request.folder, `api-${secret.slice(0, 8)}.sock`);
  const configurationPath = join(request.folder, `go2rtc-${secret.slice(0, 8)}.yaml`);
  const { webrtc } = request;
  const access = { username: 'thimble', password: secret.slice(8) };
  const rtspPort = await freePort();
  const text = configurationText({ socketPath, ...access, rtspPort, ...(webrtc && { webrtc }) });
  try {
    await writeFile(configurationPath, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new StartFailure(`its configuration cannot be written: ${(error as Error).message}`);
  }
  const files = [configurationPath, socketPath];
  const api = new Api({ socketPath, ...access, clock: parts.clock });
  const run = new Process({ request, parts, api, rtspPort, files, configurationPath });
  try {
    await run.start(signal);
    return run;
  } catch (error) {
    await run.stop('kill');
    throw error;
  }
};

interface ProcessParts {
  request: RunRequest;
  parts: RunParts;
  api: Api;
  rtspPort: number;
  /** To be removed with it. */
  files: string[];
  configurationPath: string;
}

class Process implements Run {
  readonly api: Api;
  readonly rtspPort: number;
  readonly webrtc: boolean;
  readonly #own: ProcessParts;
  readonly #reader: LogReader;
  /** Listeners that have not said yet that they listen. */
  readonly #missing: Set<string>;
  #onLine: (line: LogLine) => void = () => undefined;
  #child: Child | undefined;
  #exited: Promise<ChildExit> = Promise.resolve({});
  #failed: (error: StartFailure) => void = () => undefined;
  #listening: () => void = () => undefined;
  #stopping: Promise<ChildExit> | undefined;

  constructor(own: ProcessParts) {
    this.#own = own;
    this.api = own.api;
    this.rtspPort = own.rtspPort;
    this.webrtc = own.request.webrtc !== undefined;
    this.#missing = new Set([
      ...['[api] listen', '[rtsp] listen'],
      ...(this.webrtc ? ['[webrtc] listen tcp', '[webrtc] listen udp'] : []),
    ]);
    const { clock, log } = own.parts;
    this.#reader = new LogReader({ clock, log, onLine: line => this.#take(line) });
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get exited(): Promise<ChildExit> {
    return this.#exited;
  }

  lastWords(): string | undefined {
    return this.#reader.lastWords;
  }

  onLine(listener: (line: LogLine) => void): void {
    this.#onLine = listener;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { request, parts, configurationPath } = this.#own;
    const { path, folder, limits } = request;
    // Nothing else of our environment: what is in there is none of its business.
    const env = { GOMEMLIMIT: String(limits.goBytes), GOGC: '50' };
    const failed = new Promise<never>((_, reject) => {
      this.#failed = reject;
    });
    const listening = new Promise<void>(resolve => {
      this.#listening = resolve;
    });
    try {
      this.#child = parts.spawn({
        ...{ path, args: ['-config', configurationPath], env, folder },
        openFiles: limits.openFiles,
      });
    } catch (error) {
      throw new StartFailure((error as Error).message);
    }
    this.#child.onOutput(piece => this.#reader.push(piece));
    this.#exited = this.#child.exited.then(exit => {
      this.#reader.end();
      const said = this.#reader.lastWords;
      this.#failed(new StartFailure(`it ended with ${endWords(exit)}${said ? `: ${said}` : ''}`));
      return exit;
    });
    const late = new AbortController();
    const onAbort = () => late.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const deadline = parts.clock.sleep(READY_MS, late.signal).then(
      () => Promise.reject(this.#lateness()),
      () => signal.throwIfAborted(),
    );
    try {
      await Promise.race([listening.then(() => this.#answers(late.signal)), failed, deadline]);
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', onAbort);
      late.abort();
      // Whichever did not win is nobody's any more.
      failed.catch(() => undefined);
      deadline.catch(() => undefined);
    }
  }

  stop(how?: 'kill'): Promise<ChildExit> {
    if (how === 'kill') this.#child?.kill('SIGKILL');
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<ChildExit> {
    const done = new AbortController();
    this.#child?.kill('SIGTERM');
    const { clock, log } = this.#own.parts;
    const killed = clock.sleep(TERM_MS, done.signal).then(async () => {
      this.#child?.kill('SIGKILL');
      await clock.sleep(KILL_MS, done.signal);
      // Its disk hangs, most likely; a next one has other files and ports.
      log.error('go2rtc does not end', { pid: this.pid });
    });
    const exit = await Promise.race([this.#exited, killed.then(() => ({}))]);
    done.abort();
    for (const file of this.#own.files) await rm(file, { force: true });
    return exit;
  }

  #take(line: LogLine): void {
    const { message, level, error } = line;
    if (message.endsWith('listen') && level === 'error') {
      this.#failed(new StartFailure(`it cannot listen: ${error ?? message}`));
    } else if (this.#missing.delete(message) && this.#missing.size === 0) {
      this.#listening();
    }
    this.#onLine(line);
  }

  /** Handlers are there a moment after the listener. */
  async #answers(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.api.list();
        return;
      } catch {
        await this.#own.parts.clock.sleep(ASK_AGAIN_MS, signal);
      }
    }
  }

  #lateness(): StartFailure {
    const missing = [...this.#missing];
    if (missing.length === 0) return new StartFailure('its API does not answer');
    const isWebrtc = missing.every(line => line.startsWith('[webrtc]'));
    return new StartFailure(`it did not say ${missing.join(', ')} within ${READY_MS / 1000} s`, isWebrtc);
  }
}
