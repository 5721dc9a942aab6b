// How much one caller may ask for: a bucket per caller and kind of request, in a table that does not grow.
import { type Clock, NvrError } from '../core/index.ts';
import type { RateClass } from './router.ts';

/** `burst` at once, `perSecond` for ever. Triggers of a machine are `free`: a thousand a minute for each of several cameras. */
const RATES: Record<RateClass, { burst: number; perSecond: number }> = {
  free: { burst: 5000, perSecond: 200 },
  media: { burst: 3000, perSecond: 300 },
  change: { burst: 500, perSecond: 20 },
  heavy: { burst: 30, perSecond: 1 },
  login: { burst: 10, perSecond: 1 / 6 },
};

/** The one that was idle for longest goes first. */
const MAX_BUCKETS = 1024;

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimit {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Counts one request. Throws `resource-exhausted` with the time after which there is room again. */
  take(who: string, rate: RateClass): void {
    const { burst, perSecond } = RATES[rate];
    const key = `${rate} ${who}`;
    const nowMs = this.#clock.monotonicMs();
    const before = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, before.tokens + ((nowMs - before.atMs) / 1000) * perSecond);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    if (this.#buckets.size > MAX_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value as string);
    if (tokens >= 1) return;
    const retryAfterS = Math.max(1, Math.ceil((1 - tokens) / perSecond));
    throw new NvrError('resource-exhausted', 'there are too many requests of this kind', {
      retryAfterS,
      cure: `Wait ${retryAfterS} s.`,
    });
  }
}
