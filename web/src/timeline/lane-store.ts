// What the service said of each camera's time, kept by request: which requests are wanted, under way, out of date or failed.
import type { Timeline } from '../../../src/api/contract.ts';
import { endOf, type View } from './view.ts';
import { type Grain, grainOf, windowsOf } from './windows.ts';

export type Lane = Timeline['cameras'][number];

export interface LaneQuery {
  cameras: readonly number[];
  startMs: number;
  endMs: number;
  buckets: number;
  /** Of the answer that is known, to be told that it still holds. */
  etag?: string;
}

/** `same`: what is known still holds. */
export type LaneAnswer =
  | { is: 'ok'; lanes: Lane[]; etag?: string }
  | { is: 'same' }
  | { is: 'error' }
  | { is: 'aborted' };

export type LoadLanes = (query: LaneQuery, signal: AbortSignal) => Promise<LaneAnswer>;

/** One camera's data for [startMs, endMs): of what was asked for, or a part of that. */
export interface Piece {
  startMs: number;
  endMs: number;
  /** Where the first bucket of its activity begins, and how long each is. */
  originMs: number;
  bucketMs: number;
  /** When it was asked for. */
  askedMs: number;
  lane: Lane;
}

interface Window extends Grain {
  startMs: number;
}

interface Answer {
  startMs: number;
  windowMs: number;
  bucketMs: number;
  askedMs: number;
  lanes: Map<number, Lane>;
  etag?: string;
  /** Something happened within it since. */
  stale: boolean;
  failedAtMs?: number;
  usedAt: number;
}

/** Answers kept; one of 16 cameras is about 40 KB. */
const MOST_ANSWERS = 32;
/** Requests under way at the same time. */
const MOST_LOADS = 2;
const RETRY_MS = 5000;
/** An event that grows is told of once a second; answers are asked for again less often. */
const FRESH_MS = 2000;

/** What was asked for last is loaded first, what nobody wants any more is given up. */
export class LaneStore {
  readonly #load: LoadLanes;
  readonly #now: () => number;
  readonly #changed: () => void;
  readonly #later: (run: () => void, ms: number) => unknown;
  readonly #answers = new Map<string, Answer>();
  readonly #loads = new Map<string, AbortController>();
  #cameras: readonly number[] = [];
  #wanted: Window[] = [];
  #uses = 0;
  #isWaiting = false;

  /** `changed` is called whenever there is something new to draw. `now` tells the time in ms. */
  constructor(
    load: LoadLanes,
    now: () => number,
    changed: () => void,
    later: (run: () => void, ms: number) => unknown = (run, ms) => setTimeout(run, ms),
  ) {
    this.#later = later;
    this.#load = load;
    this.#now = now;
    this.#changed = changed;
  }

  /** Sees to it that the view's data comes. Other cameras than before drop what is known of them. */
  want(view: View, cameras: readonly number[]): void {
    if (cameras.join() !== this.#cameras.join()) {
      this.#cameras = cameras;
      this.#answers.clear();
      for (const abort of this.#loads.values()) abort.abort();
      this.#loads.clear();
    }
    const grain = grainOf(view.spanMs);
    this.#wanted = cameras.length > 0 ? windowsOf(view).map(startMs => ({ startMs, ...grain })) : [];
    const keys = new Set(this.#wanted.map(keyOf));
    for (const [key, abort] of this.#loads) {
      if (keys.has(key)) continue;
      abort.abort();
      this.#loads.delete(key);
    }
    this.#next();
  }

  /** The best that is known of one camera for a view, by time: its own zoom where that is there, else any other. */
  pieces(camera: number, view: View): Piece[] {
    const grain = grainOf(view.spanMs);
    const found = windowsOf(view).flatMap(startMs => {
      const own = this.#answers.get(keyOf({ startMs, ...grain }));
      const endMs = startMs + grain.windowMs;
      const lane = own?.lanes.get(camera);
      if (own && lane) {
        own.usedAt = ++this.#uses;
        return [{ startMs, endMs, originMs: startMs, bucketMs: own.bucketMs, askedMs: own.askedMs, lane }];
      }
      return this.#others(camera, Math.max(startMs, view.startMs), Math.min(endMs, endOf(view)));
    });
    return found.sort((a, b) => a.startMs - b.startMs);
  }

  /** True while some of the view is only known from before, because asking again failed. */
  failed(view: View): boolean {
    const grain = grainOf(view.spanMs);
    return windowsOf(view).some(startMs => this.#answers.get(keyOf({ startMs, ...grain }))?.failedAtMs !== undefined);
  }

  /** True when all of the view's data is there in its own zoom. */
  complete(view: View): boolean {
    const grain = grainOf(view.spanMs);
    return windowsOf(view).every(startMs => (this.#answers.get(keyOf({ startMs, ...grain }))?.lanes.size ?? 0) > 0);
  }

  /** Something happened in [startMs, endMs) of a camera: what is known of it is asked for again when it is seen. */
  touch(camera: number, startMs: number, endMs: number): void {
    for (const answer of this.#answers.values()) {
      const overlaps = answer.startMs < endMs && answer.startMs + answer.windowMs > startMs;
      if (overlaps && (answer.lanes.has(camera) || answer.lanes.size === 0)) answer.stale = true;
    }
    this.#next();
  }

  /** After the connection was lost: messages may have been missed. */
  touchAll(): void {
    for (const answer of this.#answers.values()) {
      answer.stale = true;
      delete answer.failedAtMs;
    }
    this.#next();
  }

  /** Ends what is under way. */
  close(): void {
    this.#wanted = [];
    for (const abort of this.#loads.values()) abort.abort();
    this.#loads.clear();
  }

  #others(camera: number, startMs: number, endMs: number): Piece[] {
    const found: Piece[] = [];
    const known = [...this.#answers.values()].filter(answer => answer.lanes.has(camera));
    let atMs = startMs;
    // The finest answer that covers the place, then on from its end.
    for (const answer of known.sort((a, b) => a.startMs - b.startMs || a.bucketMs - b.bucketMs)) {
      const lane = answer.lanes.get(camera);
      const fromMs = Math.max(atMs, answer.startMs);
      const toMs = Math.min(endMs, answer.startMs + answer.windowMs);
      if (!lane || fromMs >= toMs) continue;
      const { startMs: originMs, bucketMs, askedMs } = answer;
      found.push({ startMs: fromMs, endMs: toMs, originMs, bucketMs, askedMs, lane });
      atMs = toMs;
    }
    return found;
  }

  #next(): void {
    for (const wanted of this.#wanted) {
      if (this.#loads.size >= MOST_LOADS) return;
      const key = keyOf(wanted);
      const known = this.#answers.get(key);
      if (this.#loads.has(key) || (known && !known.stale)) continue;
      if (known?.failedAtMs !== undefined && this.#now() - known.failedAtMs < RETRY_MS) continue;
      if (known && this.#now() - known.askedMs < FRESH_MS) this.#wait();
      else this.#begin(key, wanted, known);
    }
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#later(() => {
      this.#isWaiting = false;
      this.#next();
    }, FRESH_MS);
  }

  #begin(key: string, { startMs, bucketMs, windowMs }: Window, known?: Answer): void {
    const abort = new AbortController();
    this.#loads.set(key, abort);
    // What happens from now on may not be in the answer any more.
    if (known) known.stale = false;
    const askedMs = this.#now();
    const query = { cameras: this.#cameras, startMs, endMs: startMs + windowMs, buckets: windowMs / bucketMs };
    const done = (answer: LaneAnswer) => {
      if (this.#loads.get(key) !== abort) return;
      this.#loads.delete(key);
      if (answer.is === 'aborted') {
        if (known) known.stale = true;
        return;
      }
      const { failedAtMs: _, ...before } = known ?? { lanes: new Map<number, Lane>(), stale: false, askedMs };
      const kept: Answer = { ...before, startMs, windowMs, bucketMs, usedAt: ++this.#uses };
      if (answer.is !== 'error') kept.askedMs = askedMs;
      if (answer.is === 'ok') {
        kept.lanes = new Map(answer.lanes.map(lane => [lane.camera, lane]));
        delete kept.etag;
        if (answer.etag !== undefined) kept.etag = answer.etag;
      } else if (answer.is === 'error') {
        kept.failedAtMs = this.#now();
        kept.stale = true;
      }
      this.#answers.set(key, kept);
      this.#drop();
      if (answer.is !== 'same') this.#changed();
      this.#next();
    };
    this.#load({ ...query, ...(known?.etag === undefined ? {} : { etag: known.etag }) }, abort.signal).then(done, () =>
      done({ is: 'error' }),
    );
  }

  #drop(): void {
    const oldest = [...this.#answers].sort((a, b) => a[1].usedAt - b[1].usedAt);
    for (const [key] of oldest.slice(0, Math.max(0, oldest.length - MOST_ANSWERS))) this.#answers.delete(key);
  }
}

function keyOf({ startMs, bucketMs }: { startMs: number; bucketMs: number }): string {
  return `${bucketMs}:${startMs}`;
}

/** What was asked in parts. Only a single answer can be asked for again by its tag. */
export function joined(answers: readonly LaneAnswer[]): LaneAnswer {
  const [first, ...others] = answers;
  if (first && others.length === 0) return first;
  const failed = answers.find(({ is }) => is !== 'ok');
  if (failed) return failed;
  return { is: 'ok', lanes: answers.flatMap(answer => (answer.is === 'ok' ? answer.lanes : [])) };
}
