// The list of events: pages as they come, what arrived meanwhile, and marks shown before the service has them.
import type { Event } from '../../../src/api/contract.ts';

/** Newest first, each event once. Holds no more than `most`, so that a page left open does not grow for ever. */
export class Feed {
  readonly most = 2000;
  /** Ids that arrived and are not in the list yet: the pill. */
  readonly #arrived = new Set<string>();
  #events: Event[] = [];

  get events(): readonly Event[] {
    return this.#events;
  }

  get arrived(): number {
    return this.#arrived.size;
  }

  /** A first page: the list begins anew, with all that arrived in it. */
  begin(events: readonly Event[]): void {
    this.#arrived.clear();
    this.#events = [...events];
  }

  append(events: readonly Event[]): void {
    const known = new Set(this.#events.map(event => event.id));
    this.#events = [...this.#events, ...events.filter(event => !known.has(event.id))].slice(0, this.most);
  }

  get(id: string): Event | undefined {
    return this.#events.find(event => event.id === id);
  }

  /** An event that is not in the list: it is counted and never moves the list. */
  arrive(id: string): void {
    if (!this.get(id)) this.#arrived.add(id);
  }

  update(event: Event): void {
    this.#events = this.#events.map(one => (one.id === event.id ? event : one));
  }

  remove(id: string): void {
    this.#arrived.delete(id);
    this.#events = this.#events.filter(event => event.id !== id);
  }

  /** What was removed comes back to its place. */
  putBack(events: readonly Event[]): void {
    this.#events = [...this.#events, ...events].sort((a, b) => b.startMs - a.startMs);
  }

  patch(id: string, change: Partial<Event>): void {
    this.#events = this.#events.map(event => (event.id === id ? { ...event, ...change } : event));
  }
}
