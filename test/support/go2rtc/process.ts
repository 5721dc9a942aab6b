// The process of the go2rtc stand-in: arguments, log, listeners, signals, and the ways it ends. See stand-in.ts for who starts it.
import { createSocket } from 'node:dgram';
import { appendFileSync, readFileSync, unlinkSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:net';
import { Api } from './api.ts';
import { type Config, readConfig } from './config.ts';
import { Reader } from './rtsp-reader.ts';
import type { StandInOptions } from './stand-in.ts';
import { type Say, StreamMap } from './streams.ts';
import { Ids } from './tracks.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];
const [, , , optionsFile = '', ...programArguments] = process.argv;
const options = JSON.parse(readFileSync(optionsFile, 'utf8')) as StandInOptions;
const version = options.version ?? '1.9.14';

/** A fatal error of Go's runtime: plain lines, and exit code 2. */
function crash(message: string): never {
  process.stderr.write(`fatal error: ${message}\n\ngoroutine 34 [running]:\nmain.main()\n\t/build/main.go:98 +0x1b\n`);
  process.exit(2);
}

/** Files and texts of `-config` and `-c`; ends the process when it was only asked for its version. */
function configSources(args: readonly string[]): string[] {
  const sources: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [name = '', value] = (args[at] ?? '').replace(/^--?/, '').split(/=(.*)/s);
    if (name === 'version' || name === 'v') {
      process.stdout.write(`${options.versionLine ?? `go2rtc version ${version} (standin) linux/amd64`}\n`);
      process.exit(0);
    }
    if (name === 'config' || name === 'c') sources.push(value ?? args[++at] ?? '');
  }
  return sources;
}

function maskFor(secrets: readonly string[]): (text: string) => string {
  return text => {
    const masked = text.replaceAll(/:\/\/[A-Za-z0-9\-._~!$&'()*+,;=%:]+@/g, '://***@');
    return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), masked);
  };
}

function logFor({ log }: Config, mask: (text: string) => string): Say {
  const stream = log.output === 'stderr' ? process.stderr : process.stdout;
  return (level, message, fields = {}) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(log.level)) return;
    const line = { level, ...fields, time: Date.now(), ...(message !== '' && { message }) };
    const text = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
    const shown =
      log.format === 'json' ? JSON.stringify(line) : [level.slice(0, 3).toUpperCase(), message, ...text].join(' ');
    stream.write(`${mask(shown)}\n`);
  };
}

function has({ modules }: Config, name: string): boolean {
  return !modules || modules.includes(name);
}

function addressOf(listen: string): { host: string; port: number } {
  const [, host = '', port = '0'] = /^\[?([^\]]*)\]?:(\d+)/.exec(listen) ?? [];
  return { host, port: Number(port) };
}

/** Says that it listens, or why not; the process goes on in either case. */
function listen(say: Say, server: Server, module: string, address: string): void {
  const { host, port } = addressOf(address);
  const isPath = address.startsWith('/');
  const cause = (error: Error) => `listen ${isPath ? 'unix' : 'tcp'} ${address}: bind: ${error.message}`;
  server.on('error', error => say('error', `[${module}] listen`, { error: cause(error) }));
  server.on('listening', () => say('info', `[${module}] listen`, { addr: address }));
  if (isPath) server.listen(address);
  else server.listen({ port, ...(host !== '' && { host }) });
}

function listenWebrtc(say: Say, config: Config): void {
  const [address = '', network] = config.webrtc.listen.split('/');
  if (address === '') return;
  const { host, port } = addressOf(address);
  const [tcp, udp] = ['tcp', 'udp'].map(kind => config.webrtc.networks.some(one => one.startsWith(kind)));
  // A busy port is not worth a line to it.
  if (tcp && network !== 'udp') {
    const server = createServer(socket => socket.destroy());
    server.on('error', () => {});
    server.on('listening', () => say('info', '[webrtc] listen tcp', { addr: address }));
    server.listen(port, host || '0.0.0.0');
  }
  if (udp && network !== 'tcp') {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', () => {});
    socket.bind(port, host || '0.0.0.0', () => say('info', '[webrtc] listen udp', { addr: address }));
  }
}

/** What goes wrong with this start. */
function countStart(config: Config): 'port taken' | 'silence' | undefined {
  const { startLog, firstStarts } = options;
  if (startLog === undefined) return undefined;
  const { rtsp, api, path = '' } = config;
  const started = { pid: process.pid, configPath: path, rtspListen: rtsp.listen, socketPath: api.unixListen };
  appendFileSync(startLog, `${JSON.stringify(started)}\n`);
  return firstStarts?.[readFileSync(startLog, 'utf8').trim().split('\n').length - 1];
}

async function serve(api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts).toString();
  const { method, headers } = request;
  const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://go2rtc');
  const call = { method, path, query: Object.fromEntries(searchParams), headers, body };
  if (options.requestLog !== undefined) appendFileSync(options.requestLog, `${JSON.stringify(call)}\n`);
  await api.handle(request, response, body);
}

/** Misdeeds that are no consequence of what others do. */
function misbehave(): void {
  const { leakMiBPerSecond = 0, busyPercent = 0 } = options;
  const leaked: Buffer[] = [];
  if (leakMiBPerSecond > 0)
    setInterval(() => leaked.push(Buffer.alloc(leakMiBPerSecond << 20, leaked.length + 1)), 1000);
  if (busyPercent > 0)
    setInterval(() => {
      for (const end = Date.now() + busyPercent; Date.now() < end; );
    }, 100);
}

function main(): void {
  const config = readConfig(configSources(programArguments), process.env);
  if (options.crashAtStart) crash(options.crashAtStart);
  const failure = countStart(config);
  const mask = maskFor(config.secrets);
  const say = logFor(config, mask);
  say('info', 'go2rtc', { version, platform: 'linux/amd64', revision: 'standin' });
  if (config.path !== undefined) say('info', 'config', { path: config.path });
  for (const error of config.faults) say('warn', '', { error });

  if (failure === 'silence') return void setInterval(() => {}, 1 << 30);

  const wait = (seconds: number) => seconds * 1000 * (options.timeScale ?? 1);
  const kinds = () => {
    const order = options.trackOrder ?? 'random';
    const soundFirst = order === 'random' ? Math.random() < 0.5 : order === 'audio-first';
    return soundFirst ? ['audio', 'video'] : ['video', 'audio'];
  };
  const base = { ids: new Ids(options.countersWrap), version, wait, say };
  const streams = new StreamMap(base, crash);
  for (const [name, source] of Object.entries(config.streams)) streams.put(name, source);
  const world = { ...base, streams, config, mask };

  if (has(config, 'api')) {
    const [address = '', network] = config.webrtc.listen.split('/');
    const networks = config.webrtc.networks.filter(one => !network || one.startsWith(network));
    const given = addressOf(address);
    const host = given.host || config.webrtc.ips?.[0] || '127.0.0.1';
    const webrtc = { address: given.port > 0 ? { host, port: given.port } : undefined, networks };
    const api = new Api({ ...world, webrtc, ffmpeg: options.ffmpeg ?? 'ffmpeg' });
    let requests = 0;
    for (const place of [config.api.listen, config.api.unixListen].filter(one => one !== '')) {
      // A file that is there is taken away without a question, whoever listens on it.
      if (place === config.api.unixListen) remove(place);
      const server = createHttpServer((request, response) => {
        if (++requests > (options.silentAfterRequests ?? Number.POSITIVE_INFINITY)) return;
        void serve(api, request, response);
      });
      listen(say, server, 'api', place);
    }
  }
  if (has(config, 'rtsp') && config.rtsp.listen !== '') {
    const readers = { ...world, kinds, defaultKinds: kinds(), defaultQuery: config.rtsp.defaultQuery };
    const server = createServer({ noDelay: true }, socket => void new Reader(readers, socket).serve());
    if (failure === 'port taken')
      say('error', '[rtsp] listen', { error: `listen tcp ${config.rtsp.listen}: bind: taken` });
    else listen(say, server, 'rtsp', config.rtsp.listen);
  }
  if (has(config, 'webrtc')) listenWebrtc(say, config);
  misbehave();

  const end = (name: string) => {
    process.stderr.write(`exit with signal: ${name}\n`);
    process.exit(0);
  };
  process.on('SIGTERM', () => end('terminated'));
  process.on('SIGINT', () => end('interrupt'));
  process.on('SIGUSR2', () => crash('concurrent map read and map write'));
  if (config.api.unixListen === '' && config.rtsp.listen === '') setInterval(() => {}, 1 << 30);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing was there.
  }
}

main();
