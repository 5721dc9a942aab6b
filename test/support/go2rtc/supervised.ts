// Our supervisor with a go2rtc of a test, the stand-in or a real one, on the real clock.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/index.ts';
import { Go2rtc, type Go2rtcSettings, type StreamClaim } from '../../../src/go2rtc/index.ts';
import { lockDirectory, spawnChild } from '../../../src/native/index.ts';
import { type FakeLog, fakeLog } from '../fake-log.ts';
import { tempDir } from '../temp.ts';
import { freePort, type Program, until } from './peer.ts';
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
