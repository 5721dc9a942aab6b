// What is known of one camera's footage around the needle: fragments, and where there are none. Hides how the answers of
// `/api/playback` are put together.
import type { Gap, Playback, PlaybackInit, PlaybackSegment } from '../../../src/api/contract.ts';
import type { Placeable } from './wall-line.ts';

/** One fragment; the next one of its segment begins where it ends. */
export interface Piece {
  segment: PlaybackSegment;
  /** Its place in the segment's list as that is known now. */
  at: number;
  startMs: number;
  endMs: number;
  offset: number;
  sizeBytes: number;
  key: boolean;
}

/** A time without footage. */
export interface Hole {
  startMs: number;
  /** Absent where it is not known how far it goes. */
  endMs?: number;
  reason?: Gap['reason'];
}

/** `ask`: nobody knows yet, from this moment on. */
export type Found = { is: 'piece'; piece: Piece } | { is: 'hole'; hole: Hole } | { is: 'ask'; fromMs: number };

type Span = [startMs: number, endMs: number];

/** Borders closer than this are no holes. */
export const JOINED_MS = 500;
/** A service that has much to do tells of new footage that late; a gap it tells of by itself. */
const LATE_MS = 30_000;
/** Segments that are kept; the furthest from where is asked go first. */
const MOST_SEGMENTS = 64;

export class FootageIndex {
  readonly #inits = new Map<string, PlaybackInit>();
  #segments: PlaybackSegment[] = [];
  #gaps: Gap[] = [];
  #known: Span[] = [];

  /** Takes an answer to a question from `startMs` on; `nowMs`: the board's clock, since nothing is known of the future. */
  add(answer: Playback, startMs: number, nowMs: number): void {
    for (const init of answer.inits) this.#inits.set(init.id, init);
    for (const segment of answer.segments) this.#merge(segment);
    this.#segments.sort((a, b) => a.startMs - b.startMs);
    for (const gap of answer.gaps) {
      this.#gaps = this.#gaps.filter(other => other.startMs !== gap.startMs);
      this.#gaps.push(gap);
    }
    const endMs = knownTo(answer, nowMs);
    if (endMs > startMs) this.#know([startMs, endMs]);
    this.#shrink(startMs);
  }

  init(id: string): PlaybackInit | undefined {
    return this.#inits.get(id);
  }

  /** What is at this moment. */
  find(ms: number): Found {
    const span = this.#known.find(([startMs, endMs]) => startMs <= ms && ms < endMs);
    const segment = this.#segments.findLast(one => one.startMs <= ms && ms < one.endMs);
    const at = segment ? segment.fragments.findLastIndex(([startMs]) => startMs <= ms) : -1;
    if (segment && at >= 0 && this.#reaches(segment, at, ms)) return { is: 'piece', piece: pieceOf(segment, at) };
    if (!span) return { is: 'ask', fromMs: ms };
    return { is: 'hole', hole: this.#hole(ms, span) };
  }

  /** What follows without a break; a hole only from `JOINED_MS` on. */
  after(piece: Piece): Found {
    const { segment } = piece;
    const at = segment.fragments.findIndex(([, offset]) => offset === piece.offset);
    if (isFollowed(segment, at)) return { is: 'piece', piece: pieceOf(segment, at + 1) };
    const { endMs } = segment;
    if (segment.fragments[at + 1] || !this.#isKnown(endMs - 1)) return { is: 'ask', fromMs: piece.startMs + 1 };
    const next = this.#segments.find(one => one.startMs > segment.startMs && one.startMs >= endMs - JOINED_MS);
    if (next && next.startMs - endMs < JOINED_MS && next.fragments.length > 0)
      return { is: 'piece', piece: pieceOf(next, 0) };
    return this.find(endMs + 1);
  }

  /** The fragment to start decoding with so that `piece` can be shown. */
  keyFor(piece: Piece): Piece {
    const { segment } = piece;
    const at = segment.fragments.findIndex(([, offset]) => offset === piece.offset);
    for (let index = at; index >= 0; index--) if (segment.fragments[index]?.[3] === 1) return pieceOf(segment, index);
    return piece;
  }

  /** The segments beside this one that it is joined with. */
  neighbours(segment: Placeable): { before?: PlaybackSegment; behind?: PlaybackSegment } {
    const joined = (a: Placeable, b: Placeable) => Math.abs(b.startMs - a.endMs) < JOINED_MS;
    const before = this.#segments.find(
      one => one.id !== segment.id && one.startMs < segment.startMs && joined(one, segment),
    );
    const behind = this.#segments.find(
      one => one.id !== segment.id && one.startMs > segment.startMs && joined(segment, one),
    );
    return { ...(before ? { before } : {}), ...(behind ? { behind } : {}) };
  }

  /** The service said so beside an answer about something else. */
  addGap(gap: Gap): void {
    this.#gaps = [...this.#gaps.filter(other => other.startMs !== gap.startMs), gap];
    if (gap.endMs !== undefined) this.#know([gap.startMs, gap.endMs]);
  }

  /** Footage up to then was deleted. */
  deleted(untilMs: number): void {
    this.#segments = this.#segments.filter(({ endMs }) => endMs > untilMs);
    this.#known = this.#known.flatMap(([startMs, endMs]) =>
      endMs > untilMs ? [[Math.max(startMs, untilMs), endMs] as Span] : [],
    );
  }

  /** Whether the fragment's own end is known, and not only that of its segment. */
  #reaches(segment: PlaybackSegment, at: number, ms: number): boolean {
    return isFollowed(segment, at) || this.#isKnown(ms);
  }

  #isKnown(ms: number): boolean {
    return this.#known.some(([startMs, endMs]) => startMs <= ms && ms < endMs);
  }

  #hole(ms: number, [, knownToMs]: Span): Hole {
    const gap = this.#gaps.find(one => one.startMs <= ms && ms < (one.endMs ?? Number.POSITIVE_INFINITY));
    const next = this.#segments.find(one => one.startMs > ms);
    const before = this.#segments.findLast(one => one.endMs <= ms);
    const startMs = Math.max(gap?.startMs ?? Number.NEGATIVE_INFINITY, before?.endMs ?? Number.NEGATIVE_INFINITY);
    const endMs = next && next.startMs <= knownToMs ? next.startMs : gap?.endMs;
    return {
      startMs: Number.isFinite(startMs) ? startMs : ms,
      ...(endMs === undefined ? {} : { endMs }),
      ...(gap ? { reason: gap.reason } : {}),
    };
  }

  #merge(segment: PlaybackSegment): void {
    const at = this.#segments.findIndex(({ id }) => id === segment.id);
    const known = this.#segments[at];
    if (!known) {
      this.#segments.push(segment);
      return;
    }
    const byOffset = new Map([...known.fragments, ...segment.fragments].map(fragment => [fragment[1], fragment]));
    const fragments = [...byOffset.values()].sort((a, b) => a[1] - b[1]);
    // In place: pieces that are held point to it.
    Object.assign(known, segment, { fragments, endMs: Math.max(known.endMs, segment.endMs) });
  }

  #know(span: Span): void {
    const all = [...this.#known, span].sort((a, b) => a[0] - b[0]);
    this.#known = [];
    for (const [startMs, endMs] of all) {
      const last = this.#known.at(-1);
      if (last && startMs <= last[1] + 1) last[1] = Math.max(last[1], endMs);
      else this.#known.push([startMs, endMs]);
    }
  }

  #shrink(aroundMs: number): void {
    if (this.#segments.length <= MOST_SEGMENTS) return;
    const distance = ({ startMs, endMs }: PlaybackSegment) => Math.max(startMs - aroundMs, aroundMs - endMs, 0);
    const kept = [...this.#segments].sort((a, b) => distance(a) - distance(b)).slice(0, MOST_SEGMENTS / 2);
    const [fromMs, toMs] = [Math.min(...kept.map(one => one.startMs)), Math.max(...kept.map(one => one.endMs))];
    this.#segments = kept.sort((a, b) => a.startMs - b.startMs);
    const inside = ([startMs, endMs]: Span): Span => [Math.max(startMs, fromMs), Math.min(endMs, toMs)];
    this.#known = this.#known.map(inside).filter(([startMs, endMs]) => endMs > startMs);
    this.#gaps = this.#gaps.filter(({ startMs, endMs }) => (endMs ?? startMs) >= fromMs && startMs <= toMs);
    const used = new Set(kept.map(({ init }) => init));
    for (const id of this.#inits.keys()) if (!used.has(id)) this.#inits.delete(id);
  }
}

/** Until when an answer says all there is: up to its last footage or gap, and further only where more would have been told of. */
function knownTo({ segments, gaps, endMs }: Playback, nowMs: number): number {
  const told = [...segments.map(segment => segment.endMs), ...gaps.map(gap => Math.min(gap.endMs ?? nowMs, nowMs))];
  const isOpen = segments.some(segment => segment.open && segment.endMs < endMs);
  return Math.min(endMs, Math.max(...told, isOpen ? 0 : nowMs - LATE_MS));
}

/** Whether the next one in the list is the next one in the file, and not one behind some that are not known yet. */
function isFollowed({ fragments }: PlaybackSegment, at: number): boolean {
  const [one, next] = [fragments[at], fragments[at + 1]];
  return one !== undefined && next !== undefined && next[1] === one[1] + one[2];
}

function pieceOf(segment: PlaybackSegment, at: number): Piece {
  const [startMs, offset, sizeBytes, key] = segment.fragments[at] ?? [segment.startMs, 0, 0, 0];
  const endMs = segment.fragments[at + 1]?.[0] ?? segment.endMs;
  return { segment, at, startMs, endMs, offset, sizeBytes, key: key === 1 };
}
