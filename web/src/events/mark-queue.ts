// Marks that people set on events: shown at once, sent in order, and kept while the service cannot be reached.

export interface Mark {
  readonly id: string;
  readonly change: { readonly reviewed?: boolean; readonly locked?: boolean };
}

/** `later`: it could not be reached, or has no time now. `refused`: it will never take it. */
export type Sent = 'done' | 'later' | 'refused';

/** Marks kept while nothing can be sent. */
const MOST = 100;

/** One request at a time; marks of the same event become one. */
export class MarkQueue {
  readonly #send: (mark: Mark) => Promise<Sent>;
  readonly #refused: (mark: Mark) => void;
  #waiting: Mark[] = [];
  #busy = false;

  constructor(send: (mark: Mark) => Promise<Sent>, refused: (mark: Mark) => void) {
    this.#send = send;
    this.#refused = refused;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** What waits for an event. */
  of(id: string): Mark['change'] {
    return Object.assign({}, ...this.#waiting.filter(mark => mark.id === id).map(mark => mark.change));
  }

  /** False when too many wait already: the mark is not taken. */
  add(mark: Mark): boolean {
    const at = this.#waiting.findIndex((other, index) => other.id === mark.id && !(this.#busy && index === 0));
    const other = this.#waiting[at];
    if (other) this.#waiting[at] = { id: mark.id, change: { ...other.change, ...mark.change } };
    else if (this.#waiting.length >= MOST) return false;
    else this.#waiting.push(mark);
    return true;
  }

  /** Sends what waits; resolves when there is nothing left to do now. Called while it is under way it does nothing. */
  async flush(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let mark = this.#waiting[0]; mark; mark = this.#waiting[0]) {
        const sent = await this.#send(mark);
        if (sent === 'later') return;
        this.#waiting.shift();
        if (sent === 'refused') this.#refused(mark);
      }
    } finally {
      this.#busy = false;
    }
  }
}
