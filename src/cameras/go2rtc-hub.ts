// The way through go2rtc: a child process of ours reaches the cameras, and our reader takes their streams from it on this machine.
import type { Clock, Logger } from '../core/index.ts';
import type { LinkProblem } from '../native/index.ts';
import { type Go2rtcSource, go2rtcSource } from './go2rtc-source.ts';
import { Go2rtcWay, type HubProcess, systemResolver } from './go2rtc-way.ts';
import type { Explanation, Hub, NoRoute, Route, StreamKey, StreamSource } from './hub.ts';

export interface Go2rtcHubOptions {
  process: HubProcess;
  allowLoopback: boolean;
  clock: Clock;
  log: Logger;
  /** In place of the system's: the addresses of a name. */
  resolve?: (host: string) => Promise<string[]>;
}

export class Go2rtcHub implements Hub {
  readonly #options: Go2rtcHubOptions;
  readonly #resolve: (host: string) => Promise<string[]>;
  readonly #ways = new Map<string, { way: Go2rtcWay; mark: string }>();
  readonly #listeners = new Set<() => void>();

  constructor(options: Go2rtcHubOptions) {
    this.#options = options;
    this.#resolve = options.resolve ?? systemResolver();
  }

  refusal(source: StreamSource): NoRoute | undefined {
    return go2rtcRefusal(source);
  }

  route(key: StreamKey, source: StreamSource): Route | NoRoute {
    const sources = sourcesOf(source);
    if ('able' in sources) {
      this.leave(key);
      return sources;
    }
    const name = nameOf(key);
    const mark = JSON.stringify(sources.map(one => one.write()));
    const known = this.#ways.get(name);
    if (known?.mark === mark) return known.way.route();
    const { process, allowLoopback, clock, log } = this.#options;
    const way = new Go2rtcWay({
      ...{ process, name, sources, allowLoopback, clock, log },
      resolve: this.#resolve,
      onChange: () => this.#changed(),
    });
    this.#ways.set(name, { way, mark });
    // Only now, so that go2rtc changes the source instead of losing it.
    known?.way.end();
    return way.route();
  }

  leave(key: StreamKey): void {
    const name = nameOf(key);
    this.#ways.get(name)?.way.end();
    this.#ways.delete(name);
  }

  failed(key: StreamKey, problem: LinkProblem): Explanation | undefined {
    return this.#ways.get(nameOf(key))?.way.failed(problem);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    const end = this.#options.process.onChange(listener);
    return () => {
      this.#listeners.delete(listener);
      end();
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Why a stream cannot be reached through go2rtc. */
export function go2rtcRefusal(source: StreamSource): NoRoute | undefined {
  const found = sourcesOf(source);
  return 'able' in found ? found : undefined;
}

function nameOf({ camera, stream }: StreamKey): `th-${number}-${'main' | 'sub'}` {
  return `th-${camera}-${stream}`;
}

function sourcesOf({ url, fallbackUrls = [], transport, username, password }: StreamSource): Go2rtcSource[] | NoRoute {
  const sources: Go2rtcSource[] = [];
  for (const one of [url, ...fallbackUrls]) {
    const source = go2rtcSource(one, transport, { username, password });
    if ('able' in source) return source;
    sources.push(source);
  }
  return sources;
}
