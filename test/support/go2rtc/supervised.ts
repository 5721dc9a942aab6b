// Our supervisor with a go2rtc of a test, the stand-in or a real one, on the real clock.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/index.ts';
import { Go2rtc, type Go2rtcSettings, type StreamClaim } from '../../../src/go2rtc/index.ts';
import { lockDirectory, spawnChild } from '../../../src/native/index.ts';
import { type FakeLog, fakeLog } from '../fake-log.ts';
import { freePort } from '../free-port.ts';
import { tempDir } from '../temp.ts';
import { configOf } from './hub-service.ts';
import { type Program, type ShownStream, until } from './peer.ts';
import type { AskedCall, Started } from './stand-in.ts';

export interface Supervised {
  go2rtc: Go2rtc;
  log: FakeLog;
  runtimeDir: string;
  /** Resolves with its id as soon as one is ready that is not `before`. */
  ready(before?: number): Promise<number>;
  /** Resolves with the address of a stream. */
  url(claim: StreamClaim): Promise<string>;
  stop(): Promise<void>;
}

export interface SuperviseOptions extends Partial<Go2rtcSettings> {
  /** Default: one of its own. */
  runtimeDir?: string;
}

export async function supervise(program: Program, options: SuperviseOptions = {}): Promise<Supervised> {
  const { runtimeDir = join(tempDir('run'), 'r'), ...settings } = options;
  const log = fakeLog();
  const dataDir = tempDir('data');
  const port = await freePort();
  const go2rtc = new Go2rtc({
    ...{ keep: 'onDemand', webrtc: { port, addresses: ['127.0.0.1'] }, ...settings },
    ...{ dataDir, binary: program.path, path: process.env.PATH ?? '', runtimeDirs: [runtimeDir], log: log.logger },
    ...{ clock: systemClock, spawn: spawnChild, lock: lockDirectory, memoryLimitBytes: 2 ** 31 },
  });
  go2rtc.start();
  return {
    ...{ go2rtc, log, runtimeDir },
    ready: async before => {
      const pid = () => (go2rtc.state().name === 'ready' ? go2rtc.state().pid : undefined);
      await until(() => pid() !== undefined && pid() !== before, 'go2rtc is ready');
      return pid() ?? 0;
    },
    url: async claim => {
      await until(() => claim.url() !== undefined, 'the stream can be pulled');
      return claim.url() ?? '';
    },
    stop: () => go2rtc.stop(),
  };
}

/** Its configuration, as it was started. */
export interface Configured {
  api: { unix_listen: string; username: string; password: string };
  rtsp: { listen: string };
  [section: string]: unknown;
}

export function configurationOf(pid: number): Configured {
  return JSON.parse(readFileSync(configOf(pid), 'utf8')) as Configured;
}

/** The streams that a running one has, as it tells them itself. */
export function streamsOf(pid: number): Promise<Record<string, ShownStream>> {
  const { unix_listen: socketPath, username, password } = configurationOf(pid).api;
  return new Promise((resolve, reject) => {
    const how = { socketPath, path: '/api/streams', auth: `${username}:${password}`, agent: false };
    const asked = request(how, response => {
      let text = '';
      response.on('data', part => {
        text += part;
      });
      response.on('end', () => resolve(JSON.parse(text) as Record<string, ShownStream>));
    });
    asked.on('error', reject).end();
  });
}

/** The program, which finds its RTSP port taken at its first start and is silent at its second; with the configurations it was given. */
export async function stumbling({ path, ...rest }: Program) {
  const dir = tempDir('stumbling');
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const taken = typeof address === 'object' ? address?.port : 0;
  const script = [
    '#!/bin/sh',
    `[ "$1" = -config ] || exec '${path}' "$@"`,
    `cd '${dir}'; number=$(ls given.* 2>/dev/null | wc -l); cp "$2" given.$number`,
    `sed '/"rtsp"/,/}/s/127.0.0.1:[0-9]*/127.0.0.1:${taken}/' "$2" > taken.yaml`,
    `[ $number = 0 ] && exec '${path}' -config '${dir}/taken.yaml'`,
    '[ $number = 1 ] && exec sleep 1000',
    `exec '${path}' "$@"`,
  ];
  const launcher = join(dir, 'go2rtc');
  writeFileSync(launcher, script.join('\n'));
  chmodSync(launcher, 0o755);
  const given = (place: number) => JSON.parse(readFileSync(join(dir, `given.${place}`), 'utf8')) as Configured;
  return {
    ...{
      program: { ...rest, path: launcher },
      given,
      hasGiven: (place: number) => existsSync(join(dir, `given.${place}`)),
    },
    stop: () => new Promise<void>(resolve => server.close(() => resolve())),
  };
}

/** What the stand-in was asked over its API, and how it was started. */
export function askedCalls(requestLog: string): AskedCall[] {
  return lines<AskedCall>(requestLog);
}

export function starts(startLog: string): Started[] {
  return lines<Started>(startLog);
}

function lines<T>(file: string): T[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return text === '' ? [] : text.split('\n').map(line => JSON.parse(line) as T);
}
