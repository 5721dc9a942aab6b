// A running go2rtc of a test, the stand-in or a real one, with a configuration as the service writes it.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { delimiter, join } from 'node:path';
import { Child, type Exit } from '../child.ts';
import { freePort } from '../free-port.ts';
import { RtspClient } from '../rtsp-client.ts';
import { tempDir } from '../temp.ts';
import { type StandInOptions, standIn } from './stand-in.ts';

/** What is run: both have to do the same. */
export interface Program {
  name: 'stand-in' | 'real';
  path: string;
  /** How long a second of its own waits lasts. */
  timeScale: number;
}

/** Path of a real one: GO2RTC_BIN, else what PATH has; undefined when this machine has none. */
export function realGo2rtc(): string | undefined {
  const { GO2RTC_BIN: given, PATH = '' } = process.env;
  const places = given ? [given] : PATH.split(delimiter).map(dir => join(dir, 'go2rtc'));
  return places.find(path => existsSync(path) && statSync(path).isFile());
}

/** The stand-in always, a real one when there is one. */
export function programs(options: StandInOptions & { timeScale: number }): Program[] {
  const real = realGo2rtc();
  const found: Program[] = [{ name: 'stand-in', path: standIn(options), timeScale: options.timeScale }];
  return real === undefined ? found : [...found, { name: 'real', path: real, timeScale: 1 }];
}

export interface PeerOptions {
  modules?: string[];
  logLevel?: string;
  /** Default: free ones. */
  rtspPort?: number;
  webrtcPort?: number;
  /** Default: a file in a new folder. */
  socketPath?: string;
  /** Lines at the end of the configuration. */
  more?: string;
  env?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

export interface LogLine {
  level?: string;
  message?: string;
  error?: string;
  [field: string]: unknown;
}

interface ShownProducer {
  url: string;
  id?: number;
  bytes_recv?: number;
  [field: string]: unknown;
}

export interface ShownStream {
  producers: ShownProducer[];
  consumers: Record<string, unknown>[] | null;
}

const USER = 'thimble';
const PASSWORD = 'a-long-random-secret-5f2b';

export class Peer {
  readonly program: Program;
  readonly child: Child;
  readonly configPath: string;
  readonly socketPath: string;
  readonly rtspPort: number;
  readonly webrtcPort: number;

  private constructor(
    program: Program,
    places: { config: string; socket: string; rtsp: number; webrtc: number },
    env = {},
  ) {
    this.program = program;
    this.configPath = places.config;
    this.socketPath = places.socket;
    this.rtspPort = places.rtsp;
    this.webrtcPort = places.webrtc;
    const path = process.env.PATH ?? '';
    this.child = new Child(program.path, ['-config', places.config], { env: { PATH: path, ...env } });
  }

  /** Runs it; does not wait for anything. */
  static async spawn(program: Program, options: PeerOptions = {}): Promise<Peer> {
    const dir = tempDir('peer');
    const socket = options.socketPath ?? join(dir, 'run', 'api.sock');
    if (!options.socketPath) mkdirSync(join(dir, 'run'), { mode: 0o700 });
    const rtsp = options.rtspPort ?? (await freePort());
    const webrtc = options.webrtcPort ?? (await freePort());
    const config = join(dir, 'go2rtc.yaml');
    const modules = options.modules ?? ['api', 'rtsp', 'webrtc', 'mp4', 'mjpeg'];
    const lines = [
      `app: {modules: [${modules.join(', ')}]}`,
      `log: {format: json, level: ${options.logLevel ?? 'info'}, output: stderr}`,
      `api: {listen: "", unix_listen: "${socket}", username: ${USER}, password: "\${API_PASSWORD}", local_auth: true,`,
      '  allow_paths: [/api, /api/streams, /api/webrtc, /api/frame.mp4, /api/frame.jpeg]}',
      `rtsp: {listen: "127.0.0.1:${rtsp}"}`,
      `webrtc: {listen: "127.0.0.1:${webrtc}", ice_servers: [],`,
      '  filters: {loopback: true, networks: [udp4, tcp4], ips: [127.0.0.1]}}',
      options.more ?? '',
    ];
    writeFileSync(config, lines.join('\n'), { mode: 0o600 });
    return new Peer(program, { config, socket, rtsp, webrtc }, { API_PASSWORD: PASSWORD, ...options.env });
  }

  /** Runs it until it can be asked. */
  static async start(program: Program, options: PeerOptions = {}): Promise<Peer> {
    const peer = await Peer.spawn(program, options);
    const modules = options.modules ?? ['api', 'rtsp', 'webrtc'];
    await peer.logged(({ message }) => message === '[api] listen');
    if (modules.includes('rtsp')) await peer.logged(({ message }) => message === '[rtsp] listen');
    return peer;
  }

  /** What it said as JSON; of a line that is still being written there is a part only. Numbers that hold a masked value are none. */
  get log(): LogLine[] {
    const lines = this.child.stderr.filter(line => /^\{.*\}$/.test(line));
    return lines.map(line => JSON.parse(line.replaceAll(/:([\d.]*\*\*\*[\d.*]*)(?=[,}])/g, ':"$1"')) as LogLine);
  }

  /** The first such line, also an old one. */
  async logged(is: (line: LogLine) => boolean): Promise<LogLine> {
    await until(() => this.log.some(is) || !this.child.running, 'a line of its log');
    const line = this.log.find(is);
    if (!line) throw new Error(`it ended without saying so: ${this.child.stderr.slice(-20).join('\n')}`);
    return line;
  }

  /** Rejects when nothing is answered. */
  ask(
    method: string,
    path: string,
    options: { login?: boolean; headers?: object; body?: string } = {},
  ): Promise<Answer> {
    const headers = {
      ...((options.login ?? true) && {
        Authorization: `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`,
      }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.socketPath, method, path, headers, agent: false }, response => {
        const parts: Buffer[] = [];
        response.on('data', part => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(parts);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
        });
      });
      asked.on('error', reject);
      asked.end(options.body);
    });
  }

  async patch(name: string, source: string): Promise<Answer> {
    return this.ask('PATCH', `/api/streams?name=${encodeURIComponent(name)}&src=${encodeURIComponent(source)}`);
  }

  async streams(): Promise<Record<string, ShownStream>> {
    return JSON.parse((await this.ask('GET', '/api/streams')).text) as Record<string, ShownStream>;
  }

  async stream(name: string): Promise<ShownStream> {
    return JSON.parse((await this.ask('GET', `/api/streams?src=${name}`)).text) as ShownStream;
  }

  url(name: string, query = '?video=h264,h265&audio=aac,opus,pcma,pcmu'): string {
    return `rtsp://127.0.0.1:${this.rtspPort}/${name}${query}`;
  }

  /** A reader that plays all tracks, with its description. Retries nothing. */
  async play(name: string, query?: string): Promise<{ client: RtspClient; sdp: string; kinds: string[] }> {
    const url = this.url(name, query);
    const client = await RtspClient.connect(url);
    const { status, body: sdp } = await client.ask('DESCRIBE', { 'User-Agent': 'reader' });
    if (status !== 200) throw new Error(`DESCRIBE: ${status}`);
    const kinds = [...sdp.matchAll(/^m=(\w+)/gm)].map(([, kind = '']) => kind);
    for (const track of kinds.keys()) {
      const transport = `RTP/AVP/TCP;unicast;interleaved=${track * 2}-${track * 2 + 1}`;
      await client.ask('SETUP', { Transport: transport }, `${url.split('?')[0]}/trackID=${track}`);
    }
    await client.ask('PLAY');
    return { client, sdp, kinds };
  }

  stop(): Promise<Exit> {
    return this.child.stop();
  }
}

/** Looks every 10 ms; what it takes is bounded by the limit of the test. */
export async function until(done: () => boolean | Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await done()); ) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
