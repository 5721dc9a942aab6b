// The built service as a child process: starting, asking, killing, and what it said.
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, type Exit } from './child.ts';
import { tempDir } from './temp.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The checkout's program: the service, and the commands that look after a data directory. */
export const LAUNCHER: string = join(ROOT, 'bin', 'thimble');

export interface ServiceOptions {
  /** The launcher behind whatever is to start it, such as env(1); default: the checkout's. */
  command?: string[];
  /** Default: a temporary folder of its own. */
  dataDir?: string;
  /** Default: chosen by the system. */
  port?: number;
  /** Further flags. */
  args?: string[];
  env?: Record<string, string>;
  /** Gives the data directory by THIMBLE_DATA in `env` and not by the flag. */
  dataByEnvironment?: boolean;
  /** Whether cameras on this machine are allowed; default true. */
  allowLoopback?: boolean;
  /** Whether the first account is made, and all requests carry a token of it; default true. */
  account?: boolean;
}

export interface Ready {
  url: string;
  version: string;
  dataDir: string;
  hub: string;
  /** While there is no account. */
  setupCode?: string;
}

/** The account that tests make. */
export const ACCOUNT = { name: 'tester', password: 'correct horse battery' };

export interface Answer<T = unknown> {
  status: number;
  headers: IncomingMessage['headers'];
  body: T;
}

/** One run of the service. Runs that a test leaves behind are killed when the test process ends. */
export class Service {
  readonly child: Child;
  readonly dataDir: string;
  readonly ready: Ready;
  /** Of data directories whose account this process has made. */
  static readonly #tokens = new Map<string, string>();
  #token: string | undefined;

  private constructor(child: Child, dataDir: string, ready: Ready) {
    this.child = child;
    this.dataDir = dataDir;
    this.ready = ready;
  }

  /** What proves to the service that it is us, for requests that are not made by this class. */
  get headers(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  /** Starts it without waiting for anything: for starts that are meant to fail. */
  static spawn(options: ServiceOptions = {}): { child: Child; dataDir: string } {
    const dataDir = options.dataDir ?? tempDir('data');
    mkdirSync(dataDir, { recursive: true });
    const args = ['serve', '--listen', `127.0.0.1:${options.port ?? 0}`];
    if (!options.dataByEnvironment) args.push('--data', dataDir);
    if (options.allowLoopback !== false) args.push('--allow-loopback');
    args.push(...(options.args ?? []));
    const env = { ...process.env, ...options.env };
    const [program = LAUNCHER, ...before] = options.command ?? [];
    return { child: new Child(program, [...before, ...args], { cwd: ROOT, env }), dataDir };
  }

  /** Resolves with the ready line; rejects with the last log lines when the service ends or is silent for `timeoutMs`. */
  static async start(options: ServiceOptions = {}, timeoutMs = 15_000): Promise<Service> {
    return Service.begin(options, timeoutMs).started;
  }

  /** The same for those who need the process before it is ready. */
  static begin(options: ServiceOptions, timeoutMs: number): { child: Child; started: Promise<Service> } {
    const { child, dataDir } = Service.spawn(options);
    const ready = child.line(line => {
      const record = parseLine(line);
      return record?.msg === 'ready' ? (record as unknown as Ready) : undefined;
    }, timeoutMs);
    const started = ready.then(async said => {
      const service = new Service(child, dataDir, said);
      if (options.account !== false) await service.#enter();
      return service;
    });
    return { child, started };
  }

  get pid(): number {
    return this.child.pid;
  }

  /** The log as objects; lines that are no JSON are left out. */
  get log(): Record<string, unknown>[] {
    return this.child.stdout.map(parseLine).filter(record => record !== undefined);
  }

  async get<T>(path: string): Promise<T> {
    return this.#wanted(await this.ask<T>('GET', path), 'GET', path);
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return this.#wanted(await this.ask<T>('POST', path, body), 'POST', path);
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.#wanted(await this.ask<T>('PATCH', path, body), 'PATCH', path);
  }

  async delete(path: string): Promise<void> {
    this.#wanted(await this.ask('DELETE', path), 'DELETE', path);
  }

  /** One exchange whatever its status; the body is parsed when it says that it is JSON. */
  async ask<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const { status, headers, data } = await this.exchange(method, path, body);
    const json = headers['content-type']?.startsWith('application/json');
    return { status, headers, body: (json && data.length > 0 ? JSON.parse(data.toString('utf8')) : undefined) as T };
  }

  /** The same without looking at the body. */
  async exchange(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: IncomingMessage['headers']; data: Buffer }> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const call = request(new URL(path, this.ready.url), {
      method,
      headers: {
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...(headers.cookie === undefined && this.headers),
        ...headers,
      },
      agent: false,
      timeout: 30_000,
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${path} was not answered`)));
    call.end(content);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece as Buffer);
    return { status: response.statusCode ?? 0, headers: response.headers, data: Buffer.concat(pieces) };
  }

  /** The segment's bytes as a file in a temporary folder, for ffprobe. */
  async download(segmentId: string): Promise<string> {
    const path = `/api/segments/${segmentId}/file`;
    const { status, data } = await this.exchange('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status}`);
    const target = join(tempDir('segment'), `${segmentId}.mp4`);
    writeFileSync(target, data);
    return target;
  }

  /** Asks each 50 ms until `done` holds for the answer; rejects after `timeoutMs` with the last answer. */
  async until<T>(path: string, done: (answer: T) => boolean, timeoutMs = 10_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = await this.get<T>(path);
      if (done(answer)) return answer;
      if (Date.now() > deadline)
        throw new Error(`${path} after ${timeoutMs} ms: ${JSON.stringify(answer).slice(0, 2000)}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** SIGTERM; resolves with how it ended. SIGKILL after 10 s. */
  async stop(): Promise<Exit> {
    return this.child.stop(10_000);
  }

  /** Makes the first account where there is none; knows its token again in later runs. */
  async #enter(): Promise<void> {
    const { setupCode: code, url } = this.ready;
    if (code !== undefined) {
      const setup = await this.exchange('POST', '/api/setup', { code, ...ACCOUNT });
      const cookie = setup.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
      const answer = await this.exchange('POST', '/api/tokens', { name: 'tests' }, { cookie, origin: url });
      if (answer.status !== 201) throw new Error(`no account: ${setup.status} ${setup.data}, ${answer.data}`);
      Service.#tokens.set(this.dataDir, JSON.parse(answer.data.toString('utf8')).token);
    }
    this.#token = Service.#tokens.get(this.dataDir);
  }

  #wanted<T>(answer: Answer<T>, method: string, path: string): T {
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

/** Of the release that `npm run build:release` makes. */
export const RELEASE_LAUNCHER: string = join(ROOT, 'out', 'release', 'bin', 'thimble');

/** Why the release cannot be started; undefined when it is built. */
export function releaseProblem(): string | undefined {
  return existsSync(RELEASE_LAUNCHER) ? undefined : 'the release is not built (npm run build:release)';
}

/** Why the service cannot be started; undefined when it is built. */
export function serviceProblem(): string | undefined {
  return existsSync(join(ROOT, 'dist', 'thimble.js')) ? undefined : 'the service is not built (npm run build)';
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
