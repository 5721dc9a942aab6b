// The installation that somebody asks for while the service runs: one at a time, with its progress and what became of it.
import { background, type Logger, NvrError } from '../core/index.ts';
import { type InstallOptions, installGo2rtc, thisMachine } from './install.ts';
import { assetFor, RELEASE } from './release.ts';

export interface InstallState {
  name: 'idle' | 'running' | 'installed' | 'failed';
  /** UTC of the beginning, or of the end. */
  sinceMs: number;
  /** While it runs. */
  receivedBytes?: number;
  /** As far as it is known. */
  sizeBytes?: number;
  /** Why it failed, and what to do about it. */
  message?: string;
  cure?: string;
}

export interface InstallerOptions extends Omit<InstallOptions, 'signal' | 'onProgress' | 'from'> {
  log: Logger;
  /** There is a new binary. */
  onInstalled: () => void;
}

export class Installer {
  readonly #options: InstallerOptions;
  readonly #stop = new AbortController();
  #state: InstallState;
  #work: Promise<void> = Promise.resolve();

  constructor(options: InstallerOptions) {
    this.#options = options;
    this.#state = { name: 'idle', sinceMs: options.clock.nowMs() };
  }

  /** What it would install here; undefined where the release has nothing for this machine. */
  get offered(): { version: string; file: string } | undefined {
    const { release = RELEASE, machine = thisMachine() } = this.#options;
    try {
      return { version: release.version, file: assetFor(release, machine).name };
    } catch {
      return undefined;
    }
  }

  get state(): InstallState {
    return this.#state;
  }

  /** Begins; `state` tells the rest. Throws `failed-precondition` while one is under way or the release has nothing for this machine. */
  begin(): void {
    const { release = RELEASE, machine = thisMachine(), log } = this.#options;
    if (this.#stop.signal.aborted) throw new NvrError('unavailable', 'the service is stopping');
    if (this.#state.name === 'running') {
      throw new NvrError('failed-precondition', 'go2rtc is being installed already', {
        cure: 'Wait until it is done.',
      });
    }
    assetFor(release, machine);
    this.#set({ name: 'running', receivedBytes: 0 });
    this.#work = this.#install();
    background(this.#work, 'install go2rtc', log);
  }

  /** Gives up what is under way; the next attempt goes on from there. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#work.catch(() => undefined);
  }

  async #install(): Promise<void> {
    const { log, onInstalled, ...options } = this.#options;
    try {
      const { version, changed } = await installGo2rtc({
        ...options,
        signal: this.#stop.signal,
        onProgress: (receivedBytes, sizeBytes) => {
          const { sinceMs } = this.#state;
          this.#state = { name: 'running', sinceMs, receivedBytes, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
        },
      });
      log.info('go2rtc is installed', { version, changed });
      this.#set({ name: 'installed' });
      onInstalled();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const known = error instanceof NvrError && error.kind !== 'internal' ? error : undefined;
      if (known) log.warn('go2rtc cannot be installed', { problem: known.message });
      else log.error('go2rtc cannot be installed', { error });
      this.#set({
        name: 'failed',
        message: known?.message ?? 'something went wrong that is in the log',
        ...(known?.cure === undefined ? {} : { cure: known.cure }),
      });
    }
  }

  #set(state: Omit<InstallState, 'sinceMs'>): void {
    this.#state = { ...state, sinceMs: this.#options.clock.nowMs() };
  }
}
