// What systemd hears of the service (sd_notify(3)): ready, alive, stopping. Alive means that the main thread and the engine
// both work, not that a timer fires.
import type { Clock, Logger } from '../core/index.ts';

export interface SupervisorOptions {
  /** Sends one state; false when it did not get there. */
  send: (state: string) => boolean;
  /** Resolves when the engine has answered. */
  ping: () => Promise<void>;
  /** Silence after which systemd kills the service (WATCHDOG_USEC); undefined or no positive number = it does not watch. */
  watchdogMs: number | undefined;
  clock: Pick<Clock, 'after'>;
  log: Logger;
}

/** One per service, for as long as the process lives: its timer ends with it. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #waitsForEngine = false;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The service records; from now on it is watched. */
  ready(): void {
    const { send, log, watchdogMs } = this.#options;
    if (!send('READY=1')) log.warn('systemd did not hear that the service is ready');
    if (watchdogMs !== undefined && watchdogMs > 0) this.#beat(watchdogMs / 2);
  }

  /** The engine ends and answers no more; the main thread is still watched. */
  stopping(): void {
    this.#stopping = true;
    this.#options.send('STOPPING=1');
  }

  /** Twice as often as systemd asks for, so that one late beat is no death. */
  #beat(everyMs: number): void {
    const { send, ping, clock, log } = this.#options;
    if (this.#stopping || !this.#waitsForEngine) send('WATCHDOG=1');
    else log.error('the engine does not answer', { silentMs: everyMs });
    if (!this.#stopping && !this.#waitsForEngine) {
      this.#waitsForEngine = true;
      const answered = () => {
        this.#waitsForEngine = false;
      };
      ping().then(answered, error => log.error('the engine cannot be asked', { error }));
    }
    clock.after(everyMs, () => this.#beat(everyMs));
  }
}
