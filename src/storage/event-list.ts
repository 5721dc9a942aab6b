// Lists of events over all cameras, newest first, and the strongest of a time: which events they are, told by the directory alone.
import { type CameraId, NvrError } from '../core/index.ts';
import type { EventKey, EventQuery, StoredEvent } from './event.ts';
import { sourceBits } from './event-codec.ts';
import { type EventDirectory, overlaps, type Part } from './event-directory.ts';
import { certainBits, isReviewedBy, reviewerBit } from './event-reviewers.ts';
import { byteTests, type EventTime, hasAll, type Traits, wordSet } from './event-times-codec.ts';
import { MAX_TIME_MS } from './layout.ts';

/** Events of one camera, from the newest to the oldest. */
interface Reader {
  camera: CameraId;
  /** Place of the next part to look at; -1 at the end. */
  next: number;
  /** What is left to give comes before this moment. */
  before: { startMs: number; n: number };
  /** Found and not given yet, by time. */
  found: EventTime[];
}

/** Events that one page looks at. Few of very many match: then the page is short, and the next one goes on. */
const MAX_LOOKED_AT = 10_000;

/** The way through the events that a list asks for. */
export class EventWalk {
  readonly #directory: EventDirectory;
  readonly #query: EventQuery;
  readonly #traits: Traits;
  readonly #tests: ReturnType<typeof byteTests>;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #readers: Reader[];
  #lookedAt = 0;

  /** Throws `invalid-argument` for a cursor that is none of ours. */
  constructor(directory: EventDirectory, query: EventQuery) {
    this.#directory = directory;
    this.#query = query;
    this.#traits = traitsOf(query);
    this.#tests = byteTests(this.#traits);
    this.#fromMs = query.startMs ?? 0;
    this.#toMs = query.endMs ?? MAX_TIME_MS + 1;
    const after = query.cursor === undefined ? undefined : parseEventCursor(query.cursor);
    this.#readers = [...new Set(query.cameras ?? directory.cameras())].map(camera => {
      const before = beforeOf(camera, this.#toMs, after);
      return { camera, next: directory.indexFor(camera, before), before, found: [] };
    });
  }

  /** The next event that may match; undefined at the end, and when enough was looked at. */
  next(): EventKey | undefined {
    const reader = this.#forward();
    const time = reader?.found.pop();
    if (!reader || !time) return undefined;
    reader.before = time;
    return { camera: reader.camera, startMs: time.startMs, n: time.n };
  }

  /** To be asked of each event once it was read: the bits of words and users may stand for others. */
  matches({ labels, zones, sources, reviewedBy, locked }: StoredEvent): boolean {
    const query = this.#query;
    if (query.label !== undefined && !labels.includes(query.label)) return false;
    if (query.zone !== undefined && !zones.includes(query.zone)) return false;
    if (query.source !== undefined && !sources.includes(query.source)) return false;
    if (query.reviewed && isReviewedBy(reviewedBy, query.reviewed.user) !== query.reviewed.is) return false;
    return (query.locked ?? locked) === locked;
  }

  /** Where to go on; undefined when nothing is left. */
  cursor(): string | undefined {
    this.#forward();
    const reader = this.#newest();
    if (!reader) return undefined;
    const last = reader.found.at(-1);
    const { startMs, n } = last ? { startMs: last.startMs, n: last.n + 1 } : reader.before;
    return `${startMs}-${reader.camera}-${n}`;
  }

  /** Looks on until the newest that is left is an event; undefined when nothing is left, or enough was looked at. */
  #forward(): Reader | undefined {
    for (;;) {
      const reader = this.#newest();
      if (!reader || reader.found.length > 0) return reader;
      if (this.#lookedAt >= MAX_LOOKED_AT) return undefined;
      this.#look(reader);
    }
  }

  /** Of those that have something left. */
  #newest(): Reader | undefined {
    let newest: Reader | undefined;
    for (const reader of this.#readers) {
      if (reader.found.length === 0 && reader.next < 0) continue;
      if (!newest || isNewer(reader, newest)) newest = reader;
    }
    return newest;
  }

  /** Takes up the next part of a camera that may have something. */
  #look(reader: Reader): void {
    const { camera, before } = reader;
    const parts = this.#directory.of(camera);
    while (reader.next >= 0) {
      const part = parts[reader.next] as Part;
      reader.next = part.reachMs < this.#fromMs ? -1 : reader.next - 1;
      reader.before = part;
      if (part.untilMs < this.#fromMs || !this.#mayHave(part)) continue;
      this.#lookedAt += part.count;
      reader.found = this.#directory
        .matching(camera, part, this.#tests)
        .filter(time => isBefore(time, before) && this.#overlaps(time));
      return;
    }
  }

  #mayHave(part: Part): boolean {
    const { labels, zones, sources, reviewed, locked } = this.#traits;
    if (!hasAll(part.labels, labels) || !hasAll(part.zones, zones)) return false;
    if ((part.sources & sources) !== sources) return false;
    if (reviewed?.is && (part.reviewedSome & reviewerBit(reviewed.user)) === 0) return false;
    if (reviewed?.is === false && (part.reviewedEach & certainBits(reviewed.user)) !== 0) return false;
    return locked === undefined || (locked ? part.locked : part.count - part.locked) > 0;
  }

  #overlaps(time: EventTime): boolean {
    return overlaps(time.startMs, eventEnd(time), this.#fromMs, this.#toMs);
  }
}

/** The strongest events of a camera that overlap [fromMs, toMs) themselves, at most `most`, of equal ones the newest; and how many more. */
export function strongest(
  directory: EventDirectory,
  camera: CameraId,
  range: { fromMs: number; toMs: number },
  most: number,
): { times: EventTime[]; more: number } {
  const { fromMs, toMs } = range;
  const parts = directory.of(camera);
  const best: EventTime[] = [];
  let count = 0;
  for (let index = directory.indexFor(camera, { startMs: toMs, n: 0 }); index >= 0; index--) {
    const part = parts[index] as Part;
    if (part.reachMs < fromMs) break;
    if (part.untilMs < fromMs) continue;
    const isWhole = part.startMs >= fromMs && part.lastMs < toMs;
    if (isWhole && best.length >= most && part.strength <= (best.at(-1)?.strength ?? Number.POSITIVE_INFINITY)) {
      count += part.count;
      continue;
    }
    for (const time of directory.times(camera, part).toReversed()) {
      if (!overlaps(time.startMs, eventEnd(time), fromMs, toMs)) continue;
      count++;
      const at = best.findIndex(other => time.strength > other.strength);
      if (at >= 0) best.splice(at, 0, time);
      else if (best.length < most) best.push(time);
      if (best.length > most) best.pop();
    }
  }
  return { times: best, more: count - best.length };
}

function eventEnd({ startMs, durationMs }: EventTime): number {
  return durationMs === undefined ? Number.POSITIVE_INFINITY : startMs + durationMs;
}

function traitsOf({ label, zone, source, reviewed, locked }: EventQuery): Traits {
  return {
    labels: wordSet(label === undefined ? [] : [label]),
    zones: wordSet(zone === undefined ? [] : [zone]),
    sources: sourceBits(source === undefined ? [] : [source]),
    reviewed,
    locked,
  };
}

/** By what comes next of each, or may come. */
function isNewer(a: Reader, b: Reader): boolean {
  const first = a.found.at(-1) ?? a.before;
  const second = b.found.at(-1) ?? b.before;
  if (first.startMs !== second.startMs) return first.startMs > second.startMs;
  return a.camera > b.camera;
}

function isBefore(time: EventTime, moment: { startMs: number; n: number }): boolean {
  return time.startMs < moment.startMs || (time.startMs === moment.startMs && time.n < moment.n);
}

function parseEventCursor(cursor: string): EventKey {
  const match = /^(\d{1,15})-(\d{1,9})-(\d{1,5})$/.exec(cursor);
  if (!match) {
    throw new NvrError('invalid-argument', 'this cursor does not come from a list of events', {
      field: 'cursor',
      cure: 'Leave it out to begin with the newest.',
    });
  }
  return { startMs: Number(match[1]), camera: Number(match[2]), n: Number(match[3]) };
}

/** Events of a camera that a list has still to give come before this moment. */
function beforeOf(camera: CameraId, endMs: number, after: EventKey | undefined): { startMs: number; n: number } {
  if (!after || after.startMs >= endMs) return { startMs: endMs, n: 0 };
  if (camera === after.camera) return { startMs: after.startMs, n: after.n };
  // Of the same moment the higher camera was given first.
  return { startMs: camera < after.camera ? after.startMs + 1 : after.startMs, n: 0 };
}
