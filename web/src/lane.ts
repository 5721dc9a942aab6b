// A lane for requests: so many at once, the others wait in order.

export class Lane {
  readonly #width: number;
  readonly #order: 'oldest' | 'newest';
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(width: number, order: 'oldest' | 'newest' = 'oldest') {
    this.#width = width;
    this.#order = order;
  }

  get busy(): number {
    return this.#busy;
  }

  /** Resolves when it is one's turn, with what ends the turn; undefined when given up while waiting. */
  async enter(signal?: AbortSignal): Promise<(() => void) | undefined> {
    if (signal?.aborted) return undefined;
    if (this.#busy >= this.#width && !(await this.#turn(signal))) return undefined;
    this.#busy++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#busy--;
      const next = this.#order === 'newest' ? this.#waiting.pop() : this.#waiting.shift();
      next?.();
    };
  }

  #turn(signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise(resolve => {
      const start = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        const at = this.#waiting.indexOf(start);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        resolve(false);
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(start);
    });
  }
}
