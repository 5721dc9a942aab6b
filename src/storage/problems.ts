// What is wrong with the store at the moment, with its cure; one of each kind.
import type { Clock } from '../core/index.ts';

/** Something about the store that its owner should know. */
export interface StoreProblem {
  kind: 'index-unwritable' | 'index-full' | 'index-damaged' | 'index-restored' | 'deletion-failed' | 'volume-missing';
  message: string;
  cure: string;
  sinceMs: number;
}

export class StoreProblems {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #problems = new Map<StoreProblem['kind'], StoreProblem>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Adds a problem, or changes its words; it counts from its first time on. */
  add(kind: StoreProblem['kind'], message: string, cure: string): void {
    const sinceMs = this.#problems.get(kind)?.sinceMs ?? this.#clock.nowMs();
    this.#problems.set(kind, { kind, message, cure, sinceMs });
  }

  /** True when there was one. */
  remove(kind: StoreProblem['kind']): boolean {
    return this.#problems.delete(kind);
  }

  list(): StoreProblem[] {
    return [...this.#problems.values()];
  }
}
