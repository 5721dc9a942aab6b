// The list of events: pages as they come, what arrived meanwhile, and marks shown before the service has them.
import type { Event } from '../../../src/api/contract.ts';

/** So much later than its begin an event may reach the list: the service takes triggers of causes a minute ago. */
const LATE_MS = 60_000;

/** Newest first, each event once. Holds no more than `most`, so that a page left open does not grow for ever. */
export class Feed {
  readonly most = 2000;
  /** Ids that arrived and are not in the list yet: the pill. */
  readonly #arrived = new Set<string>();
  #events: Event[] = [];
  /** What began before it is no news, whatever is said of it. */
  #newsFromMs = Number.POSITIVE_INFINITY;

  get events(): readonly Event[] {
    return this.#events;
  }

  get arrived(): number {
    return this.#arrived.size;
  }

  /** A first page, asked for at `askedMs`: the list begins anew, with all that arrived in it. */
  begin(events: readonly Event[], askedMs: number): void {
    this.#arrived.clear();
    this.#events = [...events];
    this.#newsFromMs = askedMs - LATE_MS;
  }

  append(events: readonly Event[]): void {
    const known = new Set(this.#events.map(event => event.id));
    this.#events = [...this.#events, ...events.filter(event => !known.has(event.id))].slice(0, this.most);
  }

  get(id: string): Event | undefined {
    return this.#events.find(event => event.id === id);
  }

  /** An event that is not in the list: a new one is counted and never moves the list. */
  arrive({ id, startMs }: Event): void {
    if (startMs >= this.#newsFromMs && !this.get(id)) this.#arrived.add(id);
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
