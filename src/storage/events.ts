// The events table: what happened when, and which footage belongs to it. Everything written is readable at once and durable within
// a second; a directory of few bits per event answers lists and retention.
import { type CameraId, type Clock, type Logger, NvrError } from '../core/index.ts';
import type { Database } from './database.ts';
import {
  type EventFields,
  type EventKey,
  type EventPage,
  type EventPatch,
  type EventQuery,
  eventId,
  MAX_EVENTS_PER_MS,
  parseEventId,
  type StoredEvent,
} from './event.ts';
import { boundEvent, decodeEvent, encodeEvent } from './event-codec.ts';
import { EventDirectory, overlaps } from './event-directory.ts';
import { EventWalk, strongest } from './event-list.ts';
import type { EventPictures } from './event-pictures.ts';
import { compareTimes, type EventTime, eventTime, footageEnd, footageStart } from './event-times-codec.ts';
import { eventKey, eventOfKey } from './keys.ts';
import { MAX_TIME_MS } from './layout.ts';
import { decodeRow, encodeRow } from './rows.ts';
import type { SegmentTable } from './segments.ts';

/** Commits for the sake of events are at least this far apart; one alone is durable at once. */
const COMMIT_MS = 1000;
/** How long an event may have gone on that a crash ended. */
const MAX_LEFT_MS = 3_600_000;
/** Of all events, what goes with one commit when the index is full, at least and at most. */
const RELIEF_PART = 32;
const MIN_RELIEF = 64;
const MAX_RELIEF = 512;
/** Events without footage that go at once. */
const MAX_BARE = 200;
/** Events that one page reads although they do not match: then the page is short, and the next one goes on. */
const MAX_OTHERS = 2000;
const UNTOLD_KEY = Buffer.from('untold-ends');
const MAX_UNTOLD = 64;

export interface EventTableOptions {
  database: Database;
  segments: Pick<SegmentTable, 'footage' | 'last' | 'noteEvents'>;
  /** False while there may be footage that the index does not know yet. */
  footageKnown: () => boolean;
  pictures: Pick<EventPictures, 'remove' | 'pathOf'>;
  /** A locked event is new, another, or gone; it is not durable yet. */
  onLocked: () => void;
  clock: Pick<Clock, 'after' | 'monotonicMs'>;
  log: Logger;
}

/** Which events' footage is asked for. */
export type Covering = 'any' | 'locked';

export class EventTable {
  readonly #options: EventTableOptions;
  readonly #directory: EventDirectory;
  #timer: (() => void) | undefined;
  /** When the timer fired last; monotonic. */
  #committedMs = Number.NEGATIVE_INFINITY;
  #left: EventKey[] = [];
  /** Ids of those of them that nobody was told of. */
  #untold: string[] = [];
  /** Whose rows turned out to be damaged: they are to go. */
  readonly #damaged: EventKey[] = [];

  constructor(options: EventTableOptions) {
    this.#options = options;
    this.#directory = new EventDirectory(options.database, options.log, (camera, from, to) =>
      this.#timesOfRows(camera, from, to),
    );
  }

  /**
   * Reads the directory once. Events that went on when the last run ended get the end of their footage as theirs. `fresh`: the index is new
   * or a spare copy, which does not know what was told of its events since.
   */
  async load(fresh = false): Promise<void> {
    if (!(await this.#directory.load())) await this.#renew();
    const ongoing = this.#ongoing();
    this.#loadUntold(fresh ? undefined : ongoing);
    const untold = this.#untold.map(parseEventId).filter(key => key !== undefined);
    this.#left = [...ongoing, ...untold.filter(key => !ongoing.some(other => eventId(other) === eventId(key)))];
    this.endLeft();
  }

  /** Events that a crash ended and nobody was told of, each of them once; to be called when their ends are known. At most 64, the newest. */
  takeEnded(): StoredEvent[] {
    if (this.#untold.length === 0) return [];
    this.#options.database.remove('settings', UNTOLD_KEY);
    const events = this.#untold.splice(0).map(id => this.get(id));
    return events.filter(event => event?.endMs !== undefined) as StoredEvent[];
  }

  /** The list outlives a crash that comes before it is taken: by then its events have their ends. */
  #loadUntold(ongoing: readonly EventKey[] | undefined): void {
    const { database } = this.#options;
    const row = database.get('settings', UNTOLD_KEY);
    const before = (ongoing && row && decodeRow(row)) ?? [];
    const known = Array.isArray(before) ? before.filter(id => typeof id === 'string' && this.get(id)) : [];
    const left = [...(ongoing ?? [])].sort((a, b) => a.startMs - b.startMs).map(eventId);
    this.#untold = [...new Set([...known, ...left])].slice(-MAX_UNTOLD);
    if (this.#untold.length > 0) database.put('settings', UNTOLD_KEY, encodeRow(this.#untold));
    else if (row) database.remove('settings', UNTOLD_KEY);
  }

  /** Sets the ends of the events that a crash ended once more: the footage of the last run is known only when it was adopted. */
  endLeft(): void {
    for (const key of this.#left) {
      const event = this.get(eventId(key));
      if (!event) continue;
      const { promisedMs, deliveredMs } = event.preRoll;
      const fromMs = Math.max(0, key.startMs - promisedMs);
      const around = this.#options.segments
        .footage(key.camera, fromMs, key.startMs + MAX_LEFT_MS, 'main')
        .find(([startMs, endMs]) => startMs <= key.startMs && key.startMs < endMs);
      const [reachMs, endMs] = around ?? [key.startMs, key.startMs];
      // The run that ended had perhaps not come to say what it had delivered.
      const preRoll = { promisedMs, deliveredMs: Math.max(deliveredMs, key.startMs - reachMs) };
      this.update(event.id, { endMs, preRoll });
    }
  }

  /** Nothing is committed by itself any more. Idempotent. */
  stop(): void {
    this.#timer?.();
  }

  /**
   * Adds an event, bounded as its type says. Readable at once, durable within a second or with the store's `flush`. Throws
   * `invalid-argument` for values that cannot be kept.
   */
  create(camera: CameraId, startMs: number, fields: EventFields = {}): StoredEvent {
    if (!Number.isSafeInteger(startMs) || startMs < 0 || startMs > MAX_TIME_MS) {
      throw new NvrError('invalid-argument', `an event cannot start at ${startMs} ms`);
    }
    const key = { camera, startMs, n: this.#directory.nextN(camera, startMs) };
    if (key.n >= MAX_EVENTS_PER_MS) throw new NvrError('resource-exhausted', 'too many events in one millisecond');
    const event = boundEvent(key, fields);
    this.#put(key, event);
    return event;
  }

  /** Changes an event; undefined when there is none. As durable as `create`; throws alike. */
  update(id: string, patch: EventPatch): StoredEvent | undefined {
    const key = parseEventId(id);
    const before = this.get(id);
    if (!key || !before) return undefined;
    const event = boundEvent(key, withoutNulls({ ...before, ...patch }));
    this.#put(key, event);
    return event;
  }

  get(id: string): StoredEvent | undefined {
    const key = parseEventId(id);
    return key && this.#directory.find(key.camera, key.startMs, key.n) && this.#read(key);
  }

  /** Removes an event and its picture, whether it is locked or not; its footage stays. False when there is none. */
  remove(id: string): boolean {
    const key = parseEventId(id);
    const time = key && this.#directory.find(key.camera, key.startMs, key.n);
    if (!key || !time) return false;
    this.#remove(key);
    this.#noteChange(key.camera, time);
    if (time.locked) this.#options.onLocked();
    return true;
  }

  /** All that are locked; of a camera the newest first. */
  *locked(): Generator<StoredEvent> {
    for (const camera of this.#directory.cameras()) {
      for (const part of this.#directory.of(camera).toReversed()) {
        if (part.locked === 0) continue;
        for (const time of this.#directory.times(camera, part).toReversed()) {
          const event = time.locked ? this.#read({ camera, ...time }) : undefined;
          if (event) yield event;
        }
      }
    }
  }

  /** Puts an event of an earlier run back as it was, under its own id, in place of what stands there. */
  restore(event: StoredEvent): void {
    const key = parseEventId(event.id);
    if (!key) return;
    if (event.endMs === undefined) this.#left.push(key);
    this.#put(key, boundEvent(key, { ...event, endMs: event.endMs ?? event.startMs }));
  }

  /** Newest first. Throws `invalid-argument` for a cursor that is none of ours. */
  list(query: EventQuery): EventPage {
    const walk = new EventWalk(this.#directory, query);
    const events: StoredEvent[] = [];
    let others = 0;
    while (events.length < query.limit && others < MAX_OTHERS) {
      const key = walk.next();
      if (!key) break;
      const event = this.#read(key);
      if (event && walk.matches(event)) events.push(event);
      else others++;
    }
    const cursor = walk.cursor();
    return { events, ...(cursor === undefined ? {} : { cursor }) };
  }

  /** Events whose footage, pre- and post-roll included, overlaps [startMs, endMs); by their start. */
  overlapping(camera: CameraId, startMs: number, endMs: number): StoredEvent[] {
    const times = this.#directory.overlapping(camera, startMs, endMs);
    return times.map(time => this.#read({ camera, ...time })).filter(event => event !== undefined);
  }

  /**
   * At most `most` of the events that overlap [startMs, endMs) themselves, and how many there are beside them. The strongest first, by
   * score; of equal ones the newest.
   */
  between(camera: CameraId, startMs: number, endMs: number, most: number): { events: StoredEvent[]; more: number } {
    const { times, more } = strongest(this.#directory, camera, { fromMs: startMs, toMs: endMs }, most);
    const events = times.map(time => this.#read({ camera, ...time })).filter(event => event !== undefined);
    return { events, more };
  }

  /** Events without an end; of this run, since a start ends all others. */
  ongoing(): StoredEvent[] {
    return this.#ongoing()
      .map(key => this.#read(key))
      .filter(event => event !== undefined);
  }

  /** Where footage within [startMs, endMs) belongs to events, pre- and post-roll included; sorted, joined, cut to the range. */
  footage(camera: CameraId, startMs: number, endMs: number, covering: Covering = 'any'): [number, number][] {
    const ranges = this.#directory
      .overlapping(camera, startMs, endMs)
      .filter(time => covering === 'any' || time.locked)
      .map((time): [number, number] => [Math.max(footageStart(time), startMs), Math.min(footageEnd(time), endMs)])
      .sort((a, b) => a[0] - b[0]);
    const joined: [number, number][] = [];
    for (const range of ranges) {
      const last = joined.at(-1);
      if (last && range[0] <= last[1]) last[1] = Math.max(last[1], range[1]);
      else joined.push(range);
    }
    return joined;
  }

  /** Footage of events that are not locked, from `fromMs` on, one event after the other; holds nothing of the index open in between. */
  *unlockedFootage(camera: CameraId, fromMs: number, toMs: number): Generator<{ fromMs: number; toMs: number }> {
    for (const part of [...this.#directory.of(camera)]) {
      if (part.untilMs < fromMs || part.locked === part.count) continue;
      if (part.startMs >= toMs) return;
      for (const time of this.#directory.times(camera, part)) {
        if (time.locked || !overlaps(footageStart(time), footageEnd(time), fromMs, toMs)) continue;
        yield { fromMs: footageStart(time), toMs: footageEnd(time) };
      }
    }
  }

  /** Absolute path of an event's picture, whether there is one or not; undefined when it is no id of an event. */
  picturePath(id: string): string | undefined {
    const key = parseEventId(id);
    return key && this.#options.pictures.pathOf(key);
  }

  /** True for the key of an event that there is. */
  has({ camera, startMs, n }: EventKey): boolean {
    return this.#directory.find(camera, startMs, n) !== undefined;
  }

  /** Removes all events of a camera, but for locked ones. */
  removeCamera(camera: CameraId): void {
    for (const part of [...this.#directory.of(camera)]) {
      const gone = this.#directory.removeFrom(camera, part, time => !time.locked);
      for (const time of gone) this.#forget({ camera, startMs: time.startMs, n: time.n });
    }
  }

  /**
   * Removes the events with footage in [fromMs, toMs) of which none is left, unless they are locked, go on, or reach into what may be in a
   * file that is still being written. Gives their number, at most 200; none goes while there may be footage that the index does not know.
   */
  removeBare(camera: CameraId, fromMs: number, toMs: number): number {
    const { segments, footageKnown } = this.#options;
    if (!footageKnown()) return 0;
    const newest = (['main', 'sub'] as const).map(stream => segments.last(camera, stream)?.endMs ?? 0);
    const knownMs = Math.max(toMs, ...newest);
    let removed = 0;
    for (const time of this.#directory.overlapping(camera, fromMs, toMs)) {
      if (removed === MAX_BARE) break;
      if (time.locked || footageEnd(time) > knownMs) continue;
      if (segments.footage(camera, footageStart(time), Math.max(footageEnd(time), footageStart(time) + 1)).length > 0) {
        continue;
      }
      // No footage is freed by it: there is none.
      this.#remove({ camera, startMs: time.startMs, n: time.n });
      removed++;
    }
    return removed;
  }

  /** The index is about to reach its bound: the oldest events that are not locked go. */
  relieve(): void {
    const count = this.#directory.cameras().reduce((sum, camera) => sum + this.#countOf(camera), 0);
    const events = this.#dropOldest(Math.min(Math.max(MIN_RELIEF, Math.ceil(count / RELIEF_PART)), MAX_RELIEF));
    if (events === 0) return;
    this.#options.log.warn('the oldest events go, for want of room in the index', { events });
  }

  #countOf(camera: CameraId): number {
    return this.#directory.of(camera).reduce((sum, part) => sum + part.count, 0);
  }

  #dropOldest(most: number): number {
    for (let dropped = 0; ; dropped++) {
      if (dropped === most) return dropped;
      let oldest: EventKey | undefined;
      for (const camera of this.#directory.cameras()) {
        const time = this.#oldestUnlocked(camera);
        if (time && (!oldest || time.startMs < oldest.startMs)) oldest = { camera, startMs: time.startMs, n: time.n };
      }
      if (!oldest) return dropped;
      this.remove(eventId(oldest));
    }
  }

  #oldestUnlocked(camera: CameraId): EventTime | undefined {
    const part = this.#directory.of(camera).find(one => one.count > one.locked + one.ongoing);
    return part && this.#directory.times(camera, part).find(time => !time.locked && time.durationMs !== undefined);
  }

  #ongoing(): EventKey[] {
    return this.#directory.cameras().flatMap(camera =>
      this.#directory
        .of(camera)
        .filter(part => part.ongoing > 0)
        .flatMap(part => this.#directory.times(camera, part).filter(time => time.durationMs === undefined))
        .map(({ startMs, n }) => ({ camera, startMs, n })),
    );
  }

  #put(key: EventKey, event: StoredEvent): void {
    const before = this.#directory.find(key.camera, key.startMs, key.n);
    const time = eventTime(event, key.n);
    this.#options.database.put('events', eventKey(key), encodeEvent(event));
    this.#directory.put(key.camera, time);
    if (!before || footageStart(before) !== footageStart(time) || footageEnd(before) !== footageEnd(time)) {
      this.#noteChange(key.camera, time, before);
    } else if (before.locked !== time.locked) this.#noteChange(key.camera, { ...time, locked: true });
    if (before?.locked || time.locked) this.#options.onLocked();
    this.#commitSoon();
  }

  #remove(key: EventKey): void {
    this.#directory.remove(key.camera, key);
    this.#forget(key);
  }

  #forget(key: EventKey): void {
    this.#options.database.remove('events', eventKey(key));
    this.#options.pictures.remove(key);
    this.#commitSoon();
  }

  #noteChange(camera: CameraId, ...times: (EventTime | undefined)[]): void {
    for (const time of times) {
      if (time)
        this.#options.segments.noteEvents(
          camera,
          footageStart(time),
          Math.min(footageEnd(time), MAX_TIME_MS),
          time.locked,
        );
    }
  }

  #commitSoon(): void {
    const { clock, database } = this.#options;
    const waitMs = Math.max(0, this.#committedMs + COMMIT_MS - clock.monotonicMs());
    this.#timer ??= clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#committedMs = clock.monotonicMs();
      for (const key of this.#damaged.splice(0)) this.remove(eventId(key));
      // A failure is told by the database, which tries again.
      database.flush().catch(() => undefined);
    });
  }

  #read(key: EventKey): StoredEvent | undefined {
    const row = this.#options.database.get('events', eventKey(key));
    const event = row && decodeEvent(key, row);
    if (event) return event;
    this.#logDamage(eventKey(key));
    // Not now: somebody may be on the way through the directory.
    this.#damaged.push(key);
    this.#commitSoon();
    return undefined;
  }

  #logDamage(key: Buffer): void {
    this.#options.log.error('a row of the index is damaged', { table: 'events', row: key.toString('hex') });
  }

  /** Makes the directory from the events, which it only repeats. */
  async #renew(): Promise<void> {
    const { database } = this.#options;
    await this.#directory.clear();
    let from: Buffer = Buffer.alloc(1);
    for (;;) {
      const rows = database.range('events', { from, to: Buffer.alloc(13, 0xff), limit: 500 });
      for (const { key, value } of rows) {
        const own = eventOfKey(key);
        const event = own && decodeEvent(own, value);
        if (own && event) this.#directory.put(own.camera, eventTime(event, own.n));
        else {
          this.#logDamage(key);
          database.remove('events', key);
        }
      }
      const last = rows.at(-1);
      if (!last) return;
      from = Buffer.concat([last.key, Buffer.alloc(1)]);
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  #timesOfRows(camera: CameraId, from: Buffer, to: Buffer): EventTime[] {
    const rows = this.#options.database.range('events', { from, to, limit: 48 });
    return rows
      .map(({ key, value }) => {
        const own = eventOfKey(key);
        const event = own?.camera === camera ? decodeEvent(own, value) : undefined;
        return own && event && eventTime(event, own.n);
      })
      .filter(time => time !== undefined)
      .sort(compareTimes);
  }
}

/** Null takes a field away. */
function withoutNulls(fields: EventPatch): EventFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as EventFields;
}
