// The service go2rtc with everything around it played by a test: program, folder, processes, clock.
import type { FoundBinary } from '../../src/go2rtc/binary.ts';
import { Go2rtc } from '../../src/go2rtc/go2rtc.ts';
import { type RunRequest, StartFailure } from '../../src/go2rtc/run.ts';
import type { TakenFolder } from '../../src/go2rtc/runtime-folder.ts';
import type { Go2rtcSettings, Words } from '../../src/go2rtc/state.ts';
import { FakeClock } from './fake-clock.ts';
import { type FakeLog, fakeLog } from './fake-log.ts';
import { FakeRun, FakeVitals } from './fake-run.ts';

export const FOUND: FoundBinary = { state: 'found', path: '/bin/go2rtc', version: '1.9.14' };

export class FakeHubProcess {
  readonly clock = new FakeClock();
  readonly log: FakeLog = fakeLog();
  readonly vitals = new FakeVitals();
  readonly runs: FakeRun[] = [];
  readonly requests: RunRequest[] = [];
  readonly service: Go2rtc;
  binary: FoundBinary = FOUND;
  folder: TakenFolder = { state: 'taken', folder: { path: '/run/x', release: async () => void this.released++ } };
  released = 0;
  /** Starts fail with it. */
  failure: StartFailure | undefined;
  webrtcFault: Words | undefined;
  changes = 0;

  constructor(settings: Partial<Go2rtcSettings> = {}) {
    const unused = () => {
      throw new Error('not in this test');
    };
    this.service = new Go2rtc(
      {
        ...{ keep: 'onDemand' as const, webrtc: { port: 8555, addresses: [] } },
        ...{ dataDir: '/data', runtimeDirs: ['/run/x'], memoryLimitBytes: 1024 ** 3 },
        ...{ clock: this.clock, log: this.log.logger, spawn: unused, lock: unused },
        ...settings,
      },
      {
        finder: { find: async () => this.binary },
        takeFolder: async () => this.folder,
        vitals: this.vitals,
        browserPortFault: async () => this.webrtcFault,
        startRun: async (request, _, signal) => {
          this.requests.push(request);
          signal.throwIfAborted();
          if (this.failure) throw this.failure;
          const run = new FakeRun(this.runs.length + 1, request);
          this.runs.push(run);
          return run;
        },
      },
    );
    this.service.onChange(() => this.changes++);
  }

  /** The newest. */
  get run(): FakeRun {
    const run = this.runs.at(-1);
    if (!run) throw new Error('nothing was started');
    return run;
  }

  get name(): string {
    return this.service.state().name;
  }

  fail(message: string, isWebrtc = false): void {
    this.failure = new StartFailure(message, isWebrtc);
  }
}
