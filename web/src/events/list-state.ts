// The events page's state: the list and its pages, what is open and selected, marks on their way to the board.
import { type Signal, signal } from '@preact/signals';
import type { Event, Update } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { toast } from '../components/toast.tsx';
import { refreshUnseen } from '../session.ts';
import { onUpdate } from '../state.ts';
import { now } from '../zone.ts';
import { Feed } from './feed.ts';
import { type Mark, MarkQueue, type Sent } from './mark-queue.ts';
import { askedFor, type EventFilters, passes } from './query.ts';
import { t } from './words.ts';

export type Loading = 'first' | 'more' | 'idle' | 'failed';

/** How long a deletion can be taken back. */
const UNDO_MS = 8000;
const RETRY_MS = 5000;

export class EventsState {
  readonly events: Signal<readonly Event[]> = signal([]);
  readonly arrived: Signal<number> = signal(0);
  readonly loading: Signal<Loading> = signal('first');
  readonly hasMore: Signal<boolean> = signal(false);
  /** The event that is shown in full. */
  readonly open: Signal<string | undefined> = signal(undefined);
  readonly selected: Signal<ReadonlySet<string>> = signal(new Set());
  /** Marks that the board does not have yet. */
  readonly waiting: Signal<number> = signal(0);
  readonly #feed = new Feed();
  readonly #marks: MarkQueue;
  readonly #stopUpdates: () => void;
  readonly #removals = new Map<string, number>();
  /** What offers to take deletions back goes with the page. */
  readonly #offers: (() => void)[] = [];
  #filters: EventFilters;
  #cursor: string | undefined;
  #load = new AbortController();
  #retry = 0;

  constructor(filters: EventFilters) {
    this.#filters = filters;
    this.#marks = new MarkQueue(send, mark => this.#refused(mark));
    this.#stopUpdates = onUpdate(update => this.#heard(update));
    void this.#page(true);
  }

  /** Other filters: the list begins anew. */
  filter(filters: EventFilters): void {
    this.#filters = filters;
    this.selected.value = new Set();
    void this.#page(true);
  }

  /** Also shows what arrived. */
  reload(): void {
    void this.#page(true);
  }

  more(): void {
    if (this.loading.value === 'idle' || this.loading.value === 'failed') void this.#page(this.#cursor === undefined);
  }

  get(id: string): Event | undefined {
    return this.#feed.get(id);
  }

  /** Marks them and says so to the board when it can be reached. */
  mark(ids: readonly string[], change: Mark['change']): void {
    void this.#mark(ids, change);
  }

  /** Sends what waits; called again by itself while something does. */
  async flush(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#marks.waiting === 0) return;
    await this.#marks.flush();
    this.waiting.value = this.#marks.waiting;
    if (this.#marks.waiting > 0) this.#retry = window.setTimeout(() => void this.flush(), RETRY_MS);
    else void refreshUnseen();
  }

  /** Takes them off the list; the board is told when nobody took it back. */
  remove(ids: readonly string[]): void {
    const before = this.#feed.events.filter(({ id }) => ids.includes(id));
    for (const id of ids) this.#feed.remove(id);
    if (this.open.value !== undefined && ids.includes(this.open.value)) this.open.value = undefined;
    this.selected.value = new Set();
    this.#show();
    for (const id of ids)
      this.#removals.set(
        id,
        window.setTimeout(() => void this.#removeNow(id), UNDO_MS),
      );
    const offer = { forMs: UNDO_MS, onUndo: () => this.#restore(before) };
    this.#offers.push(toast(t('deleted', { count: ids.length }), offer));
  }

  /** Ends what is under way; deletions that nobody took back are carried out. */
  close(): void {
    this.#stopUpdates();
    this.#load.abort();
    for (const dismiss of this.#offers) dismiss();
    for (const id of [...this.#removals.keys()]) void this.#removeNow(id);
    // What still waits is lost with the page, but not before one more try.
    void this.flush().then(() => clearTimeout(this.#retry));
  }

  async #mark(ids: readonly string[], change: Mark['change']): Promise<void> {
    for (const id of ids) {
      const mark = { id, change };
      if (!this.#marks.add(mark)) {
        // As many as fit, then on when they are sent.
        await this.flush();
        if (!this.#marks.add(mark)) {
          toast(t('marks-full'), { tone: 'warn' });
          break;
        }
      }
      this.#feed.patch(id, change);
    }
    this.#show();
    await this.flush();
  }

  async #page(isFirst: boolean): Promise<void> {
    this.#load.abort();
    const load = new AbortController();
    this.#load = load;
    this.loading.value = isFirst ? 'first' : 'more';
    if (isFirst) this.#cursor = undefined;
    const askedMs = now();
    const query = askedFor(this.#filters, isFirst ? undefined : this.#cursor);
    const result = await call('GET /api/events', { query }, { signal: load.signal });
    if (load.signal.aborted || result.is === 'aborted') return;
    if (result.is === 'error') {
      this.loading.value = 'failed';
      return;
    }
    const { events, cursor } = result.value;
    const wanted = events.filter(event => !this.#removals.has(event.id));
    if (isFirst) this.#feed.begin(wanted, askedMs);
    else this.#feed.append(wanted);
    this.#cursor = cursor;
    this.hasMore.value = cursor !== undefined;
    this.loading.value = 'idle';
    this.#show();
    // A page may be empty although there is more behind it.
    if (wanted.length === 0 && cursor !== undefined) await this.#page(false);
  }

  #heard(update: Update): void {
    if (!('type' in update)) return;
    if (update.type === 'hello') void this.flush();
    if (update.type !== 'event') return;
    if ('event' in update) {
      const { event } = update;
      if (this.#feed.get(event.id)) this.#feed.update({ ...event, ...this.#marks.of(event.id) });
      else if (passes(this.#filters, event) && !this.#removals.has(event.id)) this.#feed.arrive(event);
    } else this.#feed.remove(update.id);
    this.#show();
  }

  #restore(events: readonly Event[]): void {
    for (const { id } of events) {
      clearTimeout(this.#removals.get(id));
      this.#removals.delete(id);
    }
    this.#feed.putBack(events);
    this.#show();
  }

  async #removeNow(id: string): Promise<void> {
    clearTimeout(this.#removals.get(id));
    const result = await call('DELETE /api/events/{id}', { params: { id } });
    this.#removals.delete(id);
    if (result.is === 'error' && result.status !== 404) {
      toast(t('delete-failed', { why: result.error.message }), { tone: 'danger' });
      this.reload();
    }
    void refreshUnseen();
  }

  #refused(mark: Mark): void {
    toast(t('mark-failed', { why: mark.id }), { tone: 'danger' });
    this.reload();
  }

  #show(): void {
    this.events.value = this.#feed.events;
    this.arrived.value = this.#feed.arrived;
    this.waiting.value = this.#marks.waiting;
  }
}

async function send({ id, change }: Mark): Promise<Sent> {
  const result = await call('PATCH /api/events/{id}', { params: { id }, body: change });
  if (result.is === 'ok') return 'done';
  if (result.is === 'aborted') return 'later';
  // Not reached, too busy, or about to stop.
  return result.status === 0 || result.status === 429 || result.status === 503 ? 'later' : 'refused';
}
