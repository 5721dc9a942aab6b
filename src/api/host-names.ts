// The names, beside those of this machine, under which the service answers: the setting `hosts`.
import * as v from 'valibot';
import type { Store } from '../storage/index.ts';

const SECTION = 'hosts';
const MOST = 16;
const LIST_CURE = `Write a list of at most ${MOST} names.`;
const NAME_CURE = 'Write a host name without port, such as nvr.example.org.';

export const hostsSchema = v.pipe(
  v.array(
    v.pipe(
      v.string(NAME_CURE),
      v.maxLength(253, NAME_CURE),
      v.regex(/^[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$/i, NAME_CURE),
      v.toLowerCase(),
    ),
    LIST_CURE,
  ),
  v.maxLength(MOST, LIST_CURE),
);

export class HostNames {
  readonly #store: Pick<Store['settings'], 'get' | 'put'>;
  #names: readonly string[];

  constructor(store: Pick<Store['settings'], 'get' | 'put'>) {
    this.#store = store;
    const stored = v.safeParse(hostsSchema, store.get(SECTION) ?? []);
    this.#names = stored.success ? stored.output : [];
  }

  /** In small letters. */
  names(): readonly string[] {
    return this.#names;
  }

  /** Durable when it resolves. */
  async update(names: readonly string[]): Promise<void> {
    const all = [...new Set(names)];
    await this.#store.put(SECTION, all);
    this.#names = all;
  }
}
