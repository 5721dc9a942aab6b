// go2rtc as one service: there while somebody needs it, started anew when it fails, with words for whatever is wrong.
import { background, type Clock, isAbort, NvrError } from '../core/index.ts';
import { Bell } from './bell.ts';
import { BinaryFinder, endWords, type FoundBinary } from './binary.ts';
import { BrowserPort, browserPortFault } from './browser-port.ts';
import { KeyPictures } from './key-pictures.ts';
import { Quarantine } from './quarantine.ts';
import { RestartBudget } from './restart-budget.ts';
import { type Run, StartFailure, type StartRun, startRun } from './run.ts';
import { takeRuntimeFolder } from './runtime-folder.ts';
import type {
  Go2rtcOptions,
  Go2rtcProblem,
  Go2rtcSettings,
  Go2rtcState,
  StateName,
  StreamClaim,
  StreamName,
  Words,
} from './state.ts';
import { StreamTable } from './stream-table.ts';
import { type EndReason, Tending } from './tending.ts';
import { type Limits, limitsFor, procVitals, type Vitals } from './vitals.ts';
import { IDLE, NO_WEBRTC, restingWords, STARTING } from './words.ts';

/** What tests put in the place of a process. */
export interface Go2rtcParts {
  startRun: StartRun;
  vitals: Vitals;
  finder: Pick<BinaryFinder, 'find'>;
  takeFolder: typeof takeRuntimeFolder;
  browserPortFault: typeof browserPortFault;
}

/** Nobody needed it for so long. */
const IDLE_MS = 10 * 60_000;
/** A missing program is looked for again. */
const LOOK_AGAIN_MS = 30_000;
/** And one that is of no use to anybody is tried. */
const TRY_AGAIN_MS = 10 * 60_000;
/** A stream that was claimed a moment ago. */
const USABLE_MS = 8000;

export class Go2rtc {
  readonly #options: Go2rtcOptions;
  readonly #parts: Go2rtcParts;
  readonly #clock: Clock;
  readonly #table: StreamTable;
  readonly #quarantine: Quarantine;
  readonly #budget: RestartBudget;
  readonly #abort = new AbortController();
  /** Rings when something is wanted, set or found that was not. */
  readonly #wants: Bell;
  /** Rings with each change that `onChange` tells of. */
  readonly #changes: Bell;
  readonly #listeners = new Set<() => void>();
  readonly #pictures: KeyPictures;
  readonly #browsers: BrowserPort;
  #settings: Go2rtcSettings;
  #state: { name: StateName; words?: Words | undefined; sinceMs: number };
  #binary: FoundBinary | undefined;
  #run: Run | undefined;
  #tending: Tending | undefined;
  /** Ends the process at hand, or the wait for the next. */
  #again = new AbortController();
  #restarts = 0;
  /** The last one failed. */
  #isRestart = false;
  #life: Promise<void> | undefined;
  #isTold = true;

  constructor(options: Go2rtcOptions, parts: Partial<Go2rtcParts> = {}) {
    const { clock, log, spawn, binary, keep, webrtc } = options;
    this.#options = options;
    this.#clock = clock;
    this.#settings = { keep, webrtc, ...(binary !== undefined && { binary }) };
    this.#parts = {
      ...{ startRun, vitals: procVitals, finder: new BinaryFinder({ spawn, clock }), takeFolder: takeRuntimeFolder },
      ...{ browserPortFault, ...parts },
    };
    this.#wants = new Bell(clock);
    this.#changes = new Bell(clock);
    this.#budget = new RestartBudget(clock);
    this.#browsers = new BrowserPort({
      clock,
      settings: () => this.#settings.webrtc,
      fault: wanted => this.#parts.browserPortFault(wanted),
    });
    this.#pictures = new KeyPictures(log);
    this.#state = { name: 'idle', sinceMs: clock.nowMs() };
    this.#table = new StreamTable({
      onWant: () => this.#wanted(),
      onChange: () => this.#changed(),
      onSource: (name, source) => this.#quarantine.changed(name, source),
      absence: () => this.#absence(),
    });
    this.#quarantine = new Quarantine({ table: this.#table, clock, log });
  }

  /** Looks for the program; starts it when, and while, somebody needs it. */
  start(): void {
    this.#life ??= this.#live().catch((error: unknown) => {
      if (!isAbort(error)) this.#options.log.error('go2rtc is looked after no more', { error });
    });
  }

  /** The process is gone when it resolves, within 3 s. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#quarantine.stop();
    await this.#life;
  }

  state(): Go2rtcState {
    const { name, words, sinceMs } = this.#state;
    const binary = this.#binary;
    const { rssBytes, fds, cpu01 } = this.#tending?.figures ?? {};
    return {
      ...{ name, sinceMs, restarts: this.#restarts, webrtc: this.#run?.webrtc ?? false },
      ...(binary?.state === 'found' && { version: binary.version }),
      ...(binary && binary.state !== 'absent' && { path: binary.path }),
      ...words,
      ...(this.#run && { pid: this.#run.pid }),
      ...(rssBytes !== undefined && { rssBytes }),
      ...(fds !== undefined && { fds }),
      ...(cpu01 !== undefined && { cpu01 }),
      streams: this.#table.states(),
    };
  }

  /** Who takes a stream as of the last look (each 5 s): also who holds on to one that is claimed no more. */
  takers(name: StreamName): number {
    return this.#tending?.takers(name) ?? 0;
  }

  /** Calls `listener` soon after the state, or what a claim says, has changed. The returned function ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Wants a stream until it is released. `source`: one address with the camera's login, whose own parts are escaped; of several claims of
   * a stream the newest says what its source is. Throws `invalid-argument`, `resource-exhausted`.
   */
  claim(name: StreamName, source: string): StreamClaim {
    return this.#table.claim(name, source);
  }

  /**
   * A browser's offer -> go2rtc's answer, of a stream that is claimed. Rejects with `failed-precondition` or `unavailable`, in words for
   * the browser's user, or with the signal's reason.
   */
  async answer(name: StreamName, offer: string, signal: AbortSignal): Promise<string> {
    const run = await this.#usable(name, signal);
    if (!run.webrtc) throw unavailable(this.#browsers.fault ?? NO_WEBRTC);
    return await unlessAborted(run.api.answer(name, offer), signal);
  }

  /**
   * A key picture of a stream that is claimed. One at a time per stream: who gives up while a camera is silent leaves a consumer behind in
   * go2rtc, so what was asked goes on, and the next one who asks gets its result. Rejects as `answer`.
   */
  async snapshot(name: StreamName, kind: 'mp4' | 'jpeg', signal: AbortSignal): Promise<Buffer> {
    const run = await this.#usable(name, signal);
    const stream = this.#table.state(name);
    if (!stream) throw unclaimed();
    const made = this.#pictures.get(stream, kind, () => run.api.frame(name, kind));
    return await unlessAborted(made, signal);
  }

  problems(): Go2rtcProblem[] {
    const { name, words, sinceMs } = this.#state;
    const isNeeded = this.#isWanted || this.#settings.binary !== undefined;
    const own = isNeeded && (name === 'absent' || name === 'unusable' || name === 'resting') ? words : undefined;
    const webrtc = name === 'ready' ? this.#browsers.fault : undefined;
    return [own, webrtc].flatMap(one =>
      one ? [{ kind: 'go2rtc' as const, message: `${one.message}.`, cure: one.cure, sinceMs }] : [],
    );
  }

  settings(): Go2rtcSettings {
    return this.#settings;
  }

  /** In force at once: a running process that was started with others is started anew. */
  configure(settings: Go2rtcSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    if (JSON.stringify(before) === JSON.stringify(settings)) return;
    const isSame =
      before.binary === settings.binary && JSON.stringify(before.webrtc) === JSON.stringify(settings.webrtc);
    if (isSame) this.#wanted();
    else this.recheck();
  }

  /** The program may be another now; it, and whatever failed, is tried at once. */
  recheck(): void {
    this.#budget.forgive();
    this.#browsers.forgive();
    this.#again.abort();
    this.#wanted();
  }

  get #isWanted(): boolean {
    return this.#table.size > 0 || this.#settings.keep === 'always';
  }

  async #live(): Promise<void> {
    const { signal } = this.#abort;
    for (;;) {
      this.#again = new AbortController();
      const seen = this.#wants.count;
      await this.#find();
      if (this.#binary?.state !== 'found') {
        // To look for one costs little; to run what was no use before is worth it only where somebody needs it.
        const isCheap = this.#binary?.state === 'absent';
        await this.#wants.wait(seen, signal, this.#isWanted || isCheap ? LOOK_AGAIN_MS : TRY_AGAIN_MS);
        continue;
      }
      if (!this.#isWanted) {
        this.#set('idle');
        await this.#wants.wait(seen, signal);
        continue;
      }
      const failure = await this.#lifeOfOne(AbortSignal.any([signal, this.#again.signal])).catch((error: unknown) => {
        signal.throwIfAborted();
        this.#options.log.error('go2rtc could not be looked after', { error });
        return error instanceof Error ? error.message : String(error);
      });
      signal.throwIfAborted();
      if (failure !== undefined) await this.#pause(failure);
    }
  }

  async #find(): Promise<void> {
    const { path, dataDir } = this.#options;
    const found = await this.#parts.finder.find({ configured: this.#settings.binary, path, dataDir });
    this.#binary = found;
    if (found.state !== 'found') this.#set(found.state, found.words);
  }

  /** From its start to its end. Why it failed; undefined when it was ended by us, or could not be tried. */
  async #lifeOfOne(signal: AbortSignal): Promise<string | undefined> {
    const { runtimeDirs, lock } = this.#options;
    const seen = this.#wants.count;
    const taken = await this.#parts.takeFolder(runtimeDirs, lock);
    if (taken.state === 'failed') {
      this.#set('unusable', taken.words);
      await this.#wants.wait(seen, this.#abort.signal, LOOK_AGAIN_MS);
      return undefined;
    }
    try {
      return await this.#lifeIn(taken.folder.path, signal);
    } finally {
      await taken.folder.release();
    }
  }

  async #lifeIn(folder: string, signal: AbortSignal): Promise<string | undefined> {
    const { spawn, log, memoryLimitBytes } = this.#options;
    if (this.#binary?.state !== 'found') return undefined;
    const { path, version } = this.#binary;
    this.#set(this.#isRestart ? 'restarting' : 'starting');
    const limits = limitsFor(memoryLimitBytes);
    const webrtc = await this.#browsers.choose();
    const request = { path, folder, limits, ...(webrtc && { webrtc }) };
    let run: Run;
    try {
      run = await this.#parts.startRun(request, { spawn, clock: this.#clock, log }, signal);
    } catch (error) {
      if (isAbort(error)) return undefined;
      if (!(error instanceof StartFailure)) throw error;
      // Recording does without: the next start leaves it out.
      if (error.isWebrtc) this.#browsers.failed();
      return error.message;
    }
    log.info('go2rtc is ready', { version, pid: run.pid, webrtc: run.webrtc });
    return await this.#tend(run, limits, signal);
  }

  async #tend(run: Run, limits: Limits, signal: AbortSignal): Promise<string | undefined> {
    const { log, allowLoopback = false } = this.#options;
    const tending = new Tending({
      ...{ run, limits, allowLoopback, log, clock: this.#clock, table: this.#table, quarantine: this.#quarantine },
      vitals: this.#parts.vitals,
      wantsRestart: () => this.#browsers.mendable(run.webrtc),
    });
    const over = new AbortController();
    background(
      this.#untilIdle(over.signal).then(() => over.abort()),
      'idle time of go2rtc',
      log,
    );
    this.#run = run;
    this.#tending = tending;
    this.#isRestart = false;
    this.#set('ready');
    let end: EndReason | undefined;
    try {
      end = await tending.until(AbortSignal.any([signal, over.signal]));
    } catch (error) {
      if (!isAbort(error)) throw error;
    } finally {
      over.abort();
      this.#run = undefined;
      this.#tending = undefined;
      this.#table.clear();
      if (end?.kind === 'exited') this.#quarantine.ended(end.exit);
      else this.#quarantine.suspects.stopped();
      // What hangs would not hear a polite signal; and nobody waits for it to be polite.
      await run.stop(end?.kind === 'failed' ? 'kill' : undefined);
    }
    if (end === undefined || end.kind === 'quiet') {
      log.info('go2rtc was stopped', { reason: end?.reason ?? 'nobody needs it, or its settings changed' });
      return undefined;
    }
    if (end.kind === 'failed') return end.reason;
    const said = run.lastWords();
    return `it ended with ${endWords(end.exit)}${said ? `: ${said}` : ''}`;
  }

  /** Waits before the next start, the longer the more often it failed. */
  async #pause(reason: string): Promise<void> {
    const pause = this.#budget.failed();
    this.#restarts++;
    this.#isRestart = true;
    this.#options.log.warn('go2rtc failed', { reason, againInMs: pause.ms });
    this.#set(
      pause.kind === 'rest' ? 'resting' : 'restarting',
      pause.kind === 'rest' ? restingWords(reason) : undefined,
    );
    try {
      await this.#clock.sleep(pause.ms, AbortSignal.any([this.#abort.signal, this.#again.signal]));
    } catch (error) {
      if (this.#abort.signal.aborted) throw error;
    }
  }

  /** Resolves when nobody has needed it for a while. */
  async #untilIdle(signal: AbortSignal): Promise<void> {
    for (;;) {
      const seen = this.#wants.count;
      await this.#wants.wait(seen, signal, this.#isWanted ? undefined : IDLE_MS);
      if (!this.#isWanted && this.#wants.count === seen) return;
    }
  }

  /** The process, when the stream can be had of it. */
  async #usable(name: StreamName, signal: AbortSignal): Promise<Run> {
    const untilMs = this.#clock.monotonicMs() + USABLE_MS;
    for (;;) {
      signal.throwIfAborted();
      const seen = this.#changes.count;
      const stream = this.#table.state(name);
      if (!stream) throw unclaimed();
      if (this.#run && stream.usable) return this.#run;
      if (stream.problem && stream.problem !== STARTING) throw unavailable(stream.problem);
      const leftMs = untilMs - this.#clock.monotonicMs();
      if (leftMs <= 0) throw unavailable(STARTING);
      await this.#changes.wait(seen, signal, leftMs);
    }
  }

  #absence(): Words {
    if (this.#abort.signal.aborted) return IDLE;
    return this.#state.words ?? STARTING;
  }

  #set(name: StateName, words?: Words): void {
    const before = this.#state;
    if (before.name === name && before.words?.message === words?.message) return;
    this.#state = { name, words, sinceMs: this.#clock.nowMs() };
    this.#changed();
  }

  #wanted(): void {
    this.#wants.ring();
    this.#tending?.nudge();
  }

  #changed(): void {
    this.#changes.ring();
    if (!this.#isTold) return;
    this.#isTold = false;
    queueMicrotask(() => {
      this.#isTold = true;
      for (const listener of [...this.#listeners]) {
        try {
          listener();
        } catch (error) {
          this.#options.log.error('a listener of go2rtc failed', { error });
        }
      }
    });
  }
}

function unclaimed(): NvrError {
  return new NvrError('failed-precondition', 'nobody has claimed this stream');
}

function unavailable({ message, cure }: Words): NvrError {
  return new NvrError('unavailable', message, { cure });
}

/** The same result, or the signal's reason when that is first; what is under way goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
