// What waits for the broker: news that is told once. Bounded in bytes; when it is too much the oldest goes.
import { type Publication, publicationBytes } from './wire.ts';

/** Of all that waits; with what the link holds back and one picture it is 1 MiB. */
export const MAX_OUTBOX_BYTES: number = 768 * 1024;

export class Outbox {
  readonly #mostBytes: number;
  /** Oldest first; taken from `#first` on, so that taking one does not move all others. */
  #waiting: (Publication | undefined)[] = [];
  #first = 0;
  #sizeBytes = 0;
  #dropped = 0;

  constructor(mostBytes: number = MAX_OUTBOX_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** So many went for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  add(publication: Publication): void {
    const sizeBytes = publicationBytes(publication);
    if (sizeBytes > this.#mostBytes) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(publication);
    this.#sizeBytes += sizeBytes;
    while (this.#sizeBytes > this.#mostBytes) {
      this.take();
      this.#dropped++;
    }
  }

  /** The oldest, which is not in it any more. */
  take(): Publication | undefined {
    const oldest = this.#waiting[this.#first];
    if (!oldest) return undefined;
    this.#waiting[this.#first++] = undefined;
    this.#sizeBytes -= publicationBytes(oldest);
    if (this.#first > 64 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return oldest;
  }

  /** Puts what could not be sent back to the front; what is too much then goes, as the oldest. */
  putBack(publications: readonly Publication[]): void {
    const later = this.#waiting.slice(this.#first);
    this.clear();
    for (const publication of [...publications, ...later]) if (publication) this.add(publication);
  }

  clear(): void {
    this.#waiting = [];
    this.#first = 0;
    this.#sizeBytes = 0;
  }
}
