// A go2rtc that a test plays: its streams, its lines, its end.
import { NvrError } from '../../src/core/index.ts';
import type { HubApi, PatchResult } from '../../src/go2rtc/api.ts';
import type { LogLine } from '../../src/go2rtc/log-line.ts';
import type { Run, RunRequest } from '../../src/go2rtc/run.ts';
import { LongAnswer } from '../../src/go2rtc/socket-request.ts';
import { NOWHERE } from '../../src/go2rtc/source-address.ts';
import type { ChildExit, StreamName } from '../../src/go2rtc/state.ts';
import type { StreamReport } from '../../src/go2rtc/stream-report.ts';
import type { Pulse, Size, Vitals } from '../../src/go2rtc/vitals.ts';

export class FakeRun implements Run, HubApi {
  readonly pid: number;
  readonly rtspPort: number;
  readonly webrtc: boolean;
  readonly exited: Promise<ChildExit>;
  readonly api: HubApi = this;
  /** By the name of the stream. */
  readonly sources = new Map<string, string>();
  readonly consumers = new Map<string, string[]>();
  /** Those whose source delivers; the number changes with each look. */
  readonly moving = new Set<string>();
  /** To what those are connected, as go2rtc shows it. */
  readonly remotes = new Map<string, string>();
  /** Those that tell of themselves without end, while they lead to their camera. */
  readonly long = new Set<string>();
  readonly patches: string[] = [];
  /** How it was stopped: `term` or `kill`. */
  stopped: string | undefined;
  said: string | undefined;
  hangs = false;
  foreign: Error | undefined;
  refusal: PatchResult | undefined;
  frames = 0;
  #bytes = 0;
  #line: (line: LogLine) => void = () => undefined;
  #exit: (exit: ChildExit) => void = () => undefined;

  constructor(pid: number, request: RunRequest) {
    this.pid = pid;
    this.rtspPort = 40_000 + pid;
    this.webrtc = request.webrtc !== undefined;
    this.exited = new Promise(resolve => {
      this.#exit = resolve;
    });
  }

  async list(): Promise<Map<string, StreamReport>> {
    await this.#alive();
    for (const name of this.long) if (this.sources.get(name) !== NOWHERE) throw new LongAnswer();
    this.#bytes += 100;
    return new Map(
      [...this.sources].map(([name, url]) => {
        const isConnected = this.moving.has(name);
        const count = isConnected ? String(this.#bytes) : '';
        const remote = this.remotes.get(name) ?? '';
        return [name, { producers: [{ url, isConnected, count, remote }], consumers: this.consumers.get(name) ?? [] }];
      }),
    );
  }

  async isLong(name: StreamName): Promise<boolean> {
    await this.#alive();
    return this.long.has(name);
  }

  async patch(name: StreamName, source: string): Promise<PatchResult> {
    await this.#alive();
    this.patches.push(`${name} ${source}`);
    if (this.refusal) return this.refusal;
    this.sources.set(name, source);
    return { state: 'kept' };
  }

  async answer(name: StreamName, offer: string): Promise<string> {
    await this.#alive();
    return `v=0 ${name} ${offer}`;
  }

  async frame(name: StreamName): Promise<Buffer> {
    this.frames++;
    await this.#alive();
    return Buffer.from(name);
  }

  lastWords(): string | undefined {
    return this.said;
  }

  onLine(listener: (line: LogLine) => void): void {
    this.#line = listener;
  }

  says(line: LogLine): void {
    this.#line(line);
  }

  ends(exit: ChildExit): void {
    this.#exit(exit);
  }

  stop(how?: 'kill'): Promise<ChildExit> {
    this.stopped ??= how ?? 'term';
    this.#exit({ code: 0 });
    return this.exited;
  }

  async #alive(): Promise<void> {
    if (this.foreign) throw this.foreign;
    if (this.hangs) throw new NvrError('unavailable', 'timeout');
  }
}

export class FakeVitals implements Vitals {
  cpuMs = 0;
  isStopped = false;
  sizeNow: Size = { rssBytes: 20_000_000, fds: 20 };

  async pulse(): Promise<Pulse> {
    return { cpuMs: this.cpuMs, isStopped: this.isStopped };
  }

  async size(): Promise<Size> {
    return this.sizeNow;
  }
}
