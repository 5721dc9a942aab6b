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

interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  data: Buffer;
}

/** One run of the service. Runs that a test leaves behind are killed when the test process ends. */
export class Service {
  readonly child: Child;
  readonly dataDir: string;
  readonly ready: Ready;
  /** Of data directories whose account this process has made. */
  static readonly #tokens = new Map<string, string>();
  /** What proves to the service that it is us, for requests that are not made by this class. */
  headers: Record<string, string> = {};
  #hasAccount = false;

  private constructor(child: Child, dataDir: string, ready: Ready) {
    this.child = child;
    this.dataDir = dataDir;
    this.ready = ready;
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
      service.#hasAccount = options.account !== false;
      if (service.#hasAccount) await service.#enter();
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
  async exchange(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const isOurs = this.#hasAccount && headers.cookie === undefined && headers.authorization === undefined;
    const reply = await this.#send(method, path, body, { ...(isOurs && this.headers), ...headers });
    if (reply.status !== 401 || !isOurs) return reply;
    // The volume did not take the account at the start, or lost it since.
    Service.#tokens.delete(this.dataDir);
    await this.#enter();
    return this.#send(method, path, body, { ...this.headers, ...headers });
  }

  async #send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Reply> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const call = request(new URL(path, this.ready.url), {
      method,
      headers: { ...(content !== undefined && { 'content-type': 'application/json' }), ...headers },
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

  /** Makes the first account where there is none, or logs in; a token is known again in later runs. */
  async #enter(): Promise<void> {
    const { setupCode: code, url: origin } = this.ready;
    const token = Service.#tokens.get(this.dataDir);
    if (token !== undefined && code === undefined) {
      this.headers = { authorization: `Bearer ${token}` };
      return;
    }
    const setup = code === undefined ? undefined : await this.#send('POST', '/api/setup', { code, ...ACCOUNT }, {});
    const begun = setup?.status === 201 ? setup : await this.#send('POST', '/api/login', ACCOUNT, {});
    if (begun.status >= 300) return;
    const cookie = begun.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
    this.headers = { cookie, origin };
    const answer = await this.#send('POST', '/api/tokens', { name: 'tests' }, this.headers);
    // A volume that takes nothing keeps sessions, but no tokens.
    if (answer.status !== 201) return;
    const made = JSON.parse(answer.data.toString('utf8')).token as string;
    Service.#tokens.set(this.dataDir, made);
    this.headers = { authorization: `Bearer ${made}` };
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
