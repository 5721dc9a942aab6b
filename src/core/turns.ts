// One change after the other, so that what was checked still holds when it is stored, and none undoes another.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `action` does, which begins when those before it have ended, however they did. */
  run<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(action);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
