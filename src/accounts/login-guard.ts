// How fast passwords may be guessed. Nobody is locked out for ever: waits have an end, and those of a name do not hold where that user is
// logged in already.
import * as v from 'valibot';
import { type Clock, NvrError } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import { BackOff } from './back-off.ts';
import { hashOf } from './bearer-secret.ts';
import { networkOf } from './network.ts';
import { nameKey } from './user.ts';

const MINUTE_MS = 60_000;
const PLACES = { free: 5, firstMs: 2000, maxMs: 5 * MINUTE_MS, forgetMs: 15 * MINUTE_MS, maxKeys: 1024 };
const NAMES = { free: 10, firstMs: 1000, maxMs: MINUTE_MS, forgetMs: 24 * 60 * MINUTE_MS, maxKeys: 256 };
/** Where the counts of names are kept over a restart. */
const SECTION = 'login-guard';
const MAX_STORED = 64;

const storedSchema = v.array(v.tuple([v.pipe(v.string(), v.maxLength(64)), v.pipe(v.number(), v.safeInteger())]));

export interface Attempt {
  /** Clears the name, and takes this try back from the network's count. */
  succeeded(): void;
  /** It was no try after all. */
  undo(): void;
}

/** Nobody waits any more; to be called while no service runs. */
export function forgetTries(settings: Pick<Store['settings'], 'stage'>): void {
  settings.stage(SECTION, []);
}

export class LoginGuard {
  readonly #settings: Pick<Store['settings'], 'get' | 'stage'>;
  readonly #places: BackOff;
  readonly #names: BackOff;

  constructor(settings: Pick<Store['settings'], 'get' | 'stage'>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#settings = settings;
    this.#places = new BackOff(clock, PLACES);
    this.#names = new BackOff(clock, NAMES);
  }

  load(): void {
    const stored = v.safeParse(storedSchema, this.#settings.get(SECTION));
    if (stored.success) this.#names.restore(stored.output.slice(0, MAX_STORED));
  }

  /** `known`: addresses that this user is logged in from. Throws `resource-exhausted` with the seconds to wait. */
  begin(name: string, address: string, known: readonly string[]): Attempt {
    const place = networkOf(address);
    // People type passwords into the wrong field: only a hash is kept.
    const key = hashOf(nameKey(name));
    const isKnown = known.some(other => networkOf(other) === place);
    const waitMs = Math.max(this.#places.waitMs(place), isKnown ? 0 : this.#names.waitMs(key));
    if (waitMs > 0) {
      const retryAfterS = Math.ceil(waitMs / 1000);
      throw new NvrError('resource-exhausted', 'there were too many wrong passwords', {
        cure: `Wait ${retryAfterS} s.`,
        retryAfterS,
      });
    }
    this.#places.fail(place);
    this.#names.fail(key);
    this.#store();
    return {
      succeeded: () => {
        this.#places.forgive(place);
        this.#names.forget(key);
        this.#store();
      },
      undo: () => {
        this.#places.forgive(place);
        this.#names.forgive(key);
      },
    };
  }

  /** With the next commit; only what makes somebody wait is worth one. */
  #store(): void {
    const counts = this.#names.counts().filter(([, count]) => count >= NAMES.free);
    const stored = this.#settings.get(SECTION);
    if (counts.length === 0 && stored === undefined) return;
    const wanted = counts.slice(-MAX_STORED);
    if (JSON.stringify(stored) !== JSON.stringify(wanted)) this.#settings.stage(SECTION, wanted);
  }
}
