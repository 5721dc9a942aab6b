// Lets work that goes on in a loop sleep until there is something to do, without missing what came while it worked.
import type { Clock } from '../core/index.ts';

export class Bell {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiting = new Set<() => void>();
  #count = 0;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** How often it rang. */
  get count(): number {
    return this.#count;
  }

  ring(): void {
    this.#count++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when it has rung more often than `seen`, or after `ms`. Rejects with the signal's reason. */
  wait(seen: number, signal: AbortSignal, ms?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#count !== seen) return resolve();
      const end = () => {
        this.#waiting.delete(wake);
        cancel?.();
        signal.removeEventListener('abort', onAbort);
      };
      const wake = () => {
        end();
        resolve();
      };
      const onAbort = () => {
        end();
        reject(signal.reason);
      };
      const cancel = ms === undefined ? undefined : this.#clock.after(ms, wake);
      this.#waiting.add(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
