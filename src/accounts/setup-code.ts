// The set-up code: proves that whoever makes the first account can read what this board says.
import { createHash, timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Logger, NvrError, writeFileAtomic } from '../core/index.ts';
import { BoundedMap } from './bounded-map.ts';
import { networkOf } from './network.ts';
import { legibleSecret } from './password.ts';

const FILE = 'setup-code';
const WINDOW_MS = 60_000;
const TRIES_PER_NETWORK = 5;
/** Of all together: a code is one of 8.5e11. */
const TRIES = 60;
const MAX_NETWORKS = 256;

interface Tries {
  count: number;
  /** Of the monotonic clock. */
  sinceMs: number;
}

export class SetupCode {
  readonly code: string = legibleSecret(2, 4);
  readonly #path: string;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #log: Logger;
  readonly #networks = new BoundedMap<string, Tries>(MAX_NETWORKS);
  #all: Tries = { count: 0, sinceMs: Number.NEGATIVE_INFINITY };

  /** `dir`: the data directory. */
  constructor(dir: string, clock: Pick<Clock, 'monotonicMs'>, log: Logger) {
    this.#path = join(dir, FILE);
    this.#clock = clock;
    this.#log = log;
  }

  /** Writes the code where only the owner of the data directory reads it. */
  async publish(): Promise<void> {
    await writeFileAtomic(this.#path, `${this.code}\n`, { mode: 0o600 }).catch((error: unknown) => {
      this.#log.warn('the set-up code could not be written to a file', { error });
    });
  }

  /** Takes the file away. */
  async withdraw(): Promise<void> {
    await rm(this.#path, { force: true }).catch((error: unknown) => {
      this.#log.warn('the file of the set-up code could not be removed', { error });
    });
  }

  /** Throws `permission-denied` for a wrong code, `resource-exhausted` when there were too many wrong ones. */
  check(given: string, address: string): void {
    const nowMs = this.#clock.monotonicMs();
    const network = networkOf(address);
    const tries = fresh(this.#networks.get(network), nowMs);
    this.#all = fresh(this.#all, nowMs);
    const full = tries.count >= TRIES_PER_NETWORK ? tries : this.#all.count >= TRIES ? this.#all : undefined;
    if (full) {
      const retryAfterS = Math.max(1, Math.ceil((full.sinceMs + WINDOW_MS - nowMs) / 1000));
      const cure = `Wait ${retryAfterS} s.`;
      throw new NvrError('resource-exhausted', 'there were too many wrong set-up codes', { cure, retryAfterS });
    }
    if (timingSafeEqual(hashOf(given), hashOf(this.code))) return;
    tries.count++;
    this.#all.count++;
    this.#networks.set(network, tries);
    throw new NvrError('permission-denied', 'the set-up code is wrong', {
      field: 'code',
      cure: `It stands in the log, on the terminal, and in the file ${FILE} in the data directory.`,
    });
  }
}

function fresh(tries: Tries | undefined, nowMs: number): Tries {
  return tries && nowMs - tries.sinceMs < WINDOW_MS ? tries : { count: 0, sinceMs: nowMs };
}

/** However it was typed. */
function hashOf(code: string): Buffer {
  return createHash('sha256').update(code.replace(/[\s-]/g, '').toUpperCase()).digest();
}
