// Lists of events over all cameras, newest first: which events may match, told by the directory alone.
import { type CameraId, NvrError } from '../core/index.ts';
import type { EventKey, EventQuery, StoredEvent } from './event.ts';
import { sourceBits } from './event-codec.ts';
import { type EventDirectory, overlaps, type Part } from './event-directory.ts';
import { type EventTime, hasAll, wordSet } from './event-times-codec.ts';
import { MAX_TIME_MS } from './layout.ts';

/** An event that may match, and how to know when it was read. */
export interface Candidate {
  key: EventKey;
  isMatch: (event: StoredEvent) => boolean;
}

/** In the order of lists. Throws `invalid-argument` for a cursor that is none of ours. */
export function* listEvents(directory: EventDirectory, query: EventQuery): Generator<Candidate> {
  const filter = new Filter(query);
  const after = query.cursor === undefined ? undefined : parseEventCursor(query.cursor);
  const cameras = [...new Set(query.cameras ?? directory.cameras())];
  const heads = cameras.map(camera => {
    const before = beforeOf(camera, query.endMs ?? MAX_TIME_MS + 1, after);
    const times = directory.newest(camera, before, query.startMs ?? 0, part => filter.mayPass(part));
    return { camera, next: () => nextOf(times, time => filter.passes(time)) };
  });
  const current = heads.map(head => head.next());
  const isMatch = (event: StoredEvent) => filter.matches(event);
  for (;;) {
    let best = -1;
    for (const [index, time] of current.entries()) {
      if (
        time &&
        (best < 0 || isNewer(time, cameras[index] as CameraId, current[best] as EventTime, cameras[best] as CameraId))
      )
        best = index;
    }
    const time = current[best];
    const head = heads[best];
    if (!time || !head) return;
    current[best] = head.next();
    yield { key: { camera: head.camera, startMs: time.startMs, n: time.n }, isMatch };
  }
}

/** The cursor of a list that ended with this event. */
export function formatEventCursor({ startMs, camera, n }: EventKey): string {
  return `${startMs}-${camera}-${n}`;
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

function isNewer(a: EventTime, cameraA: CameraId, b: EventTime, cameraB: CameraId): boolean {
  if (a.startMs !== b.startMs) return a.startMs > b.startMs;
  return cameraA !== cameraB ? cameraA > cameraB : a.n > b.n;
}

function nextOf(times: Iterator<EventTime>, passes: (time: EventTime) => boolean): EventTime | undefined {
  for (;;) {
    const { done, value } = times.next();
    if (done) return undefined;
    if (passes(value)) return value;
  }
}

class Filter {
  readonly #query: EventQuery;
  readonly #label: ReturnType<typeof wordSet>;
  readonly #zone: ReturnType<typeof wordSet>;
  readonly #source: number;
  readonly #startMs: number;
  readonly #endMs: number;

  constructor(query: EventQuery) {
    this.#query = query;
    this.#label = wordSet(query.label === undefined ? [] : [query.label]);
    this.#zone = wordSet(query.zone === undefined ? [] : [query.zone]);
    this.#source = sourceBits(query.source === undefined ? [] : [query.source]);
    this.#startMs = query.startMs ?? 0;
    this.#endMs = query.endMs ?? MAX_TIME_MS + 1;
  }

  mayPass(part: Part): boolean {
    const { reviewed, locked } = this.#query;
    if (!this.#hasWords(part)) return false;
    if (reviewed !== undefined && (reviewed ? part.reviewed : part.count - part.reviewed) === 0) return false;
    return locked === undefined || (locked ? part.locked : part.count - part.locked) > 0;
  }

  passes(time: EventTime): boolean {
    const { reviewed, locked } = this.#query;
    if (!this.#hasWords(time)) return false;
    if ((reviewed ?? time.reviewed) !== time.reviewed || (locked ?? time.locked) !== time.locked) return false;
    const endMs = time.durationMs === undefined ? Number.POSITIVE_INFINITY : time.startMs + time.durationMs;
    return overlaps(time.startMs, endMs, this.#startMs, this.#endMs);
  }

  /** Words may have been told by mistake; the rest is as the directory says. */
  matches({ labels, zones }: StoredEvent): boolean {
    const { label, zone } = this.#query;
    return (label === undefined || labels.includes(label)) && (zone === undefined || zones.includes(zone));
  }

  #hasWords(one: Pick<EventTime, 'labels' | 'zones' | 'sources'>): boolean {
    return (
      hasAll(one.labels, this.#label) && hasAll(one.zones, this.#zone) && (one.sources & this.#source) === this.#source
    );
  }
}
