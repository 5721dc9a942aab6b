// The directory of events: which there are, when, and what they are about in few bits. Hides its parts, rows of up to 48 events each
// of one camera, of which memory holds only what they add up to.
import type { CameraId, Logger } from '../core/index.ts';
import type { Database } from './database.ts';
import { MAX_PRE_ROLL_MS } from './event-codec.ts';
import {
  type ByteTest,
  compareTimes,
  decodeMatching,
  decodeTimes,
  type EventTime,
  encodeTimes,
  footageEnd,
  footageStart,
  MAX_TIMES,
  type WordSet,
} from './event-times-codec.ts';
import { eventKey, eventOfKey } from './keys.ts';
import { MAX_TIME_MS } from './layout.ts';

/** What the events of one row add up to. A row holds the events from its key up to the key of the next. */
export interface Part {
  readonly startMs: number;
  readonly n: number;
  count: number;
  /** Start of its last event. */
  lastMs: number;
  /** Of its strongest event. */
  strength: number;
  /** How far the footage of its events reaches. */
  untilMs: number;
  /** How far that of these and all events before reaches. */
  reachMs: number;
  labels: WordSet;
  zones: WordSet;
  sources: number;
  locked: number;
  /** Bits of who has reviewed some of its events, and of who has reviewed each. */
  reviewedSome: number;
  reviewedEach: number;
  ongoing: number;
}

export class EventDirectory {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #fromRows: (camera: CameraId, from: Buffer, to: Buffer) => EventTime[];
  readonly #parts = new Map<CameraId, Part[]>();
  /** The row that was read last: neighbours ask for it again. */
  #last: { camera: CameraId; part: Part; times: EventTime[] } | undefined;

  /** `fromRows` makes what a row of the directory held from the rows of the events themselves, with keys in [from, to). */
  constructor(database: Database, log: Logger, fromRows: (camera: CameraId, from: Buffer, to: Buffer) => EventTime[]) {
    this.#database = database;
    this.#log = log;
    this.#fromRows = fromRows;
  }

  /** Reads all rows once, in pieces. False when some are damaged, so that the directory is to be made anew. */
  async load(): Promise<boolean> {
    let isSound = true;
    await this.#each((key, value) => {
      const own = eventOfKey(key);
      const times = own && decodeTimes(key, value);
      const first = times?.[0];
      const parts = own ? this.of(own.camera) : [];
      const last = parts.at(-1);
      // The rows before must end before this one begins.
      const isOrdered =
        own && first && compareTimes(own, first) <= 0 && !(last && this.#reaches(own.camera, last, own));
      if (!times || !isOrdered) {
        this.#log.error('a row of the index is damaged', { table: 'event-times', row: key.toString('hex') });
        isSound = false;
        return;
      }
      const part = summarise(own, times);
      parts.push(part);
      this.#parts.set(own.camera, parts);
      this.#last = { camera: own.camera, part, times };
    });
    for (const parts of this.#parts.values()) setReach(parts, 0);
    return isSound;
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    this.#parts.clear();
    this.#last = undefined;
    await this.#each(key => this.#database.remove('event-times', key));
  }

  /** Cameras with events. */
  cameras(): CameraId[] {
    return [...this.#parts.keys()];
  }

  /** The parts of a camera, by time. Not to be changed. */
  of(camera: CameraId): Part[] {
    return this.#parts.get(camera) ?? [];
  }

  /** The events of a part, by time. Not to be changed. */
  times(camera: CameraId, part: Part): readonly EventTime[] {
    if (this.#last?.part === part) return this.#last.times;
    const key = keyOf(camera, part);
    const row = this.#database.get('event-times', key);
    const times = (row && decodeTimes(key, row)) ?? this.#restore(camera, part, key);
    this.#last = { camera, part, times };
    return times;
  }

  /** Those of them that pass all tests, by time. */
  matching(camera: CameraId, part: Part, tests: readonly ByteTest[]): EventTime[] {
    const key = keyOf(camera, part);
    const row = this.#database.get('event-times', key);
    const times = row && decodeMatching(key, row, tests);
    if (times) return times;
    // Unsifted: whoever reads the events sees what they are.
    return [...this.times(camera, part)];
  }

  #restore(camera: CameraId, part: Part, key: Buffer): EventTime[] {
    this.#log.error('a row of the index is damaged', { table: 'event-times', row: key.toString('hex') });
    const parts = this.of(camera);
    const next = parts[parts.indexOf(part) + 1] ?? { startMs: MAX_TIME_MS, n: 0xffff };
    return this.#fromRows(camera, key, eventKey({ camera, startMs: next.startMs, n: next.n }));
  }

  find(camera: CameraId, startMs: number, n: number): EventTime | undefined {
    const part = this.of(camera)[this.indexFor(camera, { startMs, n })];
    return part && this.times(camera, part).find(time => time.startMs === startMs && time.n === n);
  }

  /** The number for another event that begins at this time. */
  nextN(camera: CameraId, startMs: number): number {
    const part = this.of(camera)[this.indexFor(camera, { startMs, n: 0xffff })];
    const last = part && this.times(camera, part).findLast(time => time.startMs <= startMs);
    return last?.startMs === startMs ? last.n + 1 : 0;
  }

  /** Adds an event, or replaces the one of the same time and number. */
  put(camera: CameraId, time: EventTime): void {
    const index = this.indexFor(camera, time);
    const part = this.of(camera)[index];
    if (!part) {
      this.#insert(camera, 0, [time]);
      return;
    }
    const times = this.times(camera, part);
    const others = times.filter(other => compareTimes(other, time) !== 0);
    const at = others.findIndex(other => compareTimes(other, time) > 0);
    const all = others.toSpliced(at < 0 ? others.length : at, 0, time);
    if (all.length <= MAX_TIMES) this.#replace(camera, index, all);
    else if (at < 0) this.#insert(camera, index + 1, [time]);
    else {
      const half = all.length >> 1;
      this.#replace(camera, index, all.slice(0, half));
      this.#insert(camera, index + 1, all.slice(half));
    }
  }

  remove(camera: CameraId, { startMs, n }: { startMs: number; n: number }): void {
    const part = this.of(camera)[this.indexFor(camera, { startMs, n })];
    if (part) this.removeFrom(camera, part, time => time.startMs === startMs && time.n === n);
  }

  /** Removes some events of a part, and gives them. */
  removeFrom(camera: CameraId, part: Part, isGone: (time: EventTime) => boolean): EventTime[] {
    const times = this.times(camera, part);
    const gone = times.filter(isGone);
    const left = times.filter(time => !gone.includes(time));
    if (left.length < part.count) this.#replace(camera, this.of(camera).indexOf(part), left);
    return gone;
  }

  /** Events whose footage overlaps [fromMs, toMs), by their start. */
  overlapping(camera: CameraId, fromMs: number, toMs: number): EventTime[] {
    const parts = this.of(camera);
    const found: EventTime[][] = [];
    for (let index = this.indexFor(camera, { startMs: toMs + MAX_PRE_ROLL_MS, n: 0 }); index >= 0; index--) {
      const part = parts[index] as Part;
      // None before reaches further.
      if (part.reachMs < fromMs) break;
      if (part.untilMs < fromMs) continue;
      found.push(this.times(camera, part).filter(time => overlaps(footageStart(time), footageEnd(time), fromMs, toMs)));
    }
    return found.reverse().flat();
  }

  /** The place of the last part that begins at or before a moment; -1 when all begin later. */
  indexFor(camera: CameraId, moment: { startMs: number; n: number }): number {
    const parts = this.of(camera);
    let [low, high] = [0, parts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareTimes(parts[middle] as Part, moment) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #insert(camera: CameraId, index: number, times: EventTime[]): void {
    const parts = this.of(camera);
    const part = summarise(times[0] as EventTime, times);
    parts.splice(index, 0, part);
    this.#parts.set(camera, parts);
    this.#write(camera, index, part, times);
  }

  #replace(camera: CameraId, index: number, times: EventTime[]): void {
    const parts = this.of(camera);
    const part = parts[index] as Part;
    if (times.length > 0) {
      Object.assign(part, summarise(part, times));
      this.#write(camera, index, part, times);
      return;
    }
    parts.splice(index, 1);
    if (parts.length === 0) this.#parts.delete(camera);
    setReach(parts, index);
    this.#last = undefined;
    this.#database.remove('event-times', keyOf(camera, part));
  }

  #write(camera: CameraId, index: number, part: Part, times: EventTime[]): void {
    const key = keyOf(camera, part);
    this.#database.put('event-times', key, encodeTimes(key, times));
    this.#last = { camera, part, times };
    setReach(this.of(camera), index);
  }

  #reaches(camera: CameraId, part: Part, moment: { startMs: number; n: number }): boolean {
    const last = this.times(camera, part).at(-1);
    return last !== undefined && compareTimes(last, moment) >= 0;
  }

  async #each(visit: (key: Buffer, value: Buffer) => void): Promise<void> {
    let from: Buffer = Buffer.alloc(1);
    for (;;) {
      const rows = this.#database.range('event-times', { from, to: Buffer.alloc(13, 0xff), limit: 500 });
      for (const { key, value } of rows) visit(key, value);
      const last = rows.at(-1);
      if (!last) return;
      from = Buffer.concat([last.key, Buffer.alloc(1)]);
      await new Promise(resolve => setImmediate(resolve));
    }
  }
}

function keyOf(camera: CameraId, { startMs, n }: { startMs: number; n: number }): Buffer {
  return eventKey({ camera, startMs, n });
}

/** What has no length counts where it stands. */
export function overlaps(startMs: number, endMs: number, fromMs: number, toMs: number): boolean {
  return startMs < toMs && (endMs > fromMs || startMs >= fromMs);
}

function summarise({ startMs, n }: { startMs: number; n: number }, times: readonly EventTime[]): Part {
  const part: Part = {
    startMs,
    n,
    count: times.length,
    lastMs: times.at(-1)?.startMs ?? startMs,
    strength: 0,
    untilMs: 0,
    reachMs: 0,
    labels: { low: 0, high: 0 },
    zones: { low: 0, high: 0 },
    sources: 0,
    locked: 0,
    reviewedSome: 0,
    reviewedEach: 0xfe,
    ongoing: 0,
  };
  for (const time of times) {
    part.untilMs = Math.max(part.untilMs, footageEnd(time));
    part.strength = Math.max(part.strength, time.strength);
    part.labels.low |= time.labels.low;
    part.labels.high |= time.labels.high;
    part.zones.low |= time.zones.low;
    part.zones.high |= time.zones.high;
    part.sources |= time.sources;
    if (time.locked) part.locked++;
    part.reviewedSome |= time.reviewed;
    part.reviewedEach &= time.reviewed;
    if (time.durationMs === undefined) part.ongoing++;
  }
  return part;
}

/** Renews how far parts reach, from `index` on. */
function setReach(parts: readonly Part[], index: number): void {
  let reachMs = parts[index - 1]?.reachMs ?? 0;
  for (const part of parts.slice(index)) {
    reachMs = Math.max(reachMs, part.untilMs);
    part.reachMs = reachMs;
  }
}
