// The activity of one camera that goes on: starts that wait for their stop, each with a time after which it has ended anyway. Bounded.
import type { Trigger } from './trigger.ts';

interface Start {
  trigger: Trigger;
  untilMs: number;
}

/** Beyond this the one that began first is given up. */
export const MAX_STARTS = 64;

export class ActiveStarts {
  /** In the order in which they began, or were renewed. */
  readonly #starts = new Map<string, Start>();

  get size(): number {
    return this.#starts.size;
  }

  has(key: string): boolean {
    return this.#starts.has(key);
  }

  /** Until when it goes on without a stop, as footage is dated; undefined when it does not. */
  untilMs(key: string): number | undefined {
    return this.#starts.get(key)?.untilMs;
  }

  /** Begins, or goes on for longer. False when another one had to go for it. */
  begin(key: string, trigger: Trigger, untilMs: number): boolean {
    const before = this.#starts.get(key);
    this.#starts.delete(key);
    const first = this.#starts.size >= MAX_STARTS ? this.#starts.keys().next().value : undefined;
    if (first !== undefined) this.#starts.delete(first);
    // What triggers the event is kept without the bulk that it has taken in already.
    const { boxes: _boxes, payload: _payload, ...kept } = trigger;
    this.#starts.set(key, { trigger: kept, untilMs: Math.max(untilMs, before?.untilMs ?? 0) });
    return first === undefined;
  }

  /** False when it did not go on. */
  end(key: string): boolean {
    return this.#starts.delete(key);
  }

  /** Ends what is over by `nowMs`; gives when the last of it was, undefined when all goes on. */
  expire(nowMs: number): number | undefined {
    let endMs: number | undefined;
    for (const [key, { untilMs }] of this.#starts) {
      if (untilMs > nowMs) continue;
      this.#starts.delete(key);
      endMs = Math.max(endMs ?? 0, untilMs);
    }
    return endMs;
  }

  /** The triggers of all that goes on. */
  triggers(): Trigger[] {
    return [...this.#starts.values()].map(({ trigger }) => trigger);
  }

  /** The clock was set: what goes on does so for as long as before. */
  shift(stepMs: number): void {
    for (const start of this.#starts.values()) start.untilMs += stepMs;
  }

  clear(): void {
    this.#starts.clear();
  }
}
