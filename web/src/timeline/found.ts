// Questions about what is known of a camera's time: what is at a moment, which event is next, what a lane says in words.
import type { Gap } from '../../../src/api/contract.ts';
import { classOf, type EventClass } from './classes.ts';
import type { Lane, Piece } from './lane-store.ts';
import type { View } from './view.ts';

export type Mark = Lane['events'][number];

/** The gap that covers a moment. */
export function gapAt(pieces: readonly Piece[], timeMs: number): Gap | undefined {
  for (const { lane } of pieces) {
    const gap = lane.gaps.find(one => one.startMs <= timeMs && timeMs < (one.endMs ?? Number.POSITIVE_INFINITY));
    if (gap) return gap;
  }
  return undefined;
}

/** Whether there is footage at a moment; undefined when nothing is known of it. */
export function hasFootage(pieces: readonly Piece[], timeMs: number): boolean | undefined {
  const known = pieces.filter(piece => piece.startMs <= timeMs && timeMs < piece.endMs);
  if (known.length === 0) return undefined;
  return known.some(({ lane }) => lane.footage.some(([fromMs, toMs]) => fromMs <= timeMs && timeMs < toMs));
}

/** No footage, and no gap that would say why. */
export function isBare(pieces: readonly Piece[], { startMs, spanMs }: View): boolean {
  const inside = (fromMs: number, toMs = Number.POSITIVE_INFINITY) => fromMs < startMs + spanMs && toMs > startMs;
  return pieces.every(
    ({ lane }) =>
      !lane.footage.some(([fromMs, toMs]) => inside(fromMs, toMs)) &&
      !lane.gaps.some(gap => inside(gap.startMs, gap.endMs)),
  );
}

/** The event that covers a moment: the one that began last. */
export function eventAt(pieces: readonly Piece[], timeMs: number): Mark | undefined {
  return marksOf(pieces)
    .filter(event => event.startMs <= timeMs && timeMs <= (event.endMs ?? Number.POSITIVE_INFINITY))
    .at(-1);
}

/** Events by their start, each once; of some classes only when they are given. */
export function marksOf(pieces: readonly Piece[], classes?: ReadonlySet<EventClass>): Mark[] {
  const byId = new Map(pieces.flatMap(({ lane }) => lane.events.map(event => [event.id, event] as const)));
  return [...byId.values()]
    .filter(event => !classes || classes.has(classOf(event.label)))
    .sort((a, b) => a.startMs - b.startMs);
}

/** Gaps by their start, each once although two answers tell of it. */
export function gapsOf(pieces: readonly Piece[]): Gap[] {
  const byStart = new Map(pieces.flatMap(({ lane }) => lane.gaps.map(gap => [gap.startMs, gap] as const)));
  return [...byStart.values()].sort((a, b) => a.startMs - b.startMs);
}

export interface LaneFigures {
  footageMs: number;
  gaps: number;
  events: number;
  /** Start of the hour with most events; absent when there are none. */
  busiestMs?: number;
}

const HOUR_MS = 3_600_000;

/** Of [startMs, endMs). Hours are counted from `startMs`, which is to be a full one. */
export function figuresOf(pieces: readonly Piece[], startMs: number, endMs: number): LaneFigures {
  let footageMs = 0;
  let more = 0;
  for (const piece of pieces) {
    const [fromMs, toMs] = [Math.max(piece.startMs, startMs), Math.min(piece.endMs, endMs)];
    if (fromMs >= toMs) continue;
    more += piece.lane.more;
    for (const [from, to] of piece.lane.footage) footageMs += Math.max(0, Math.min(to, toMs) - Math.max(from, fromMs));
  }
  const inside = (one: { startMs: number; endMs?: number }) =>
    one.startMs < endMs && (one.endMs ?? Number.POSITIVE_INFINITY) > startMs;
  const events = marksOf(pieces).filter(inside);
  const hours = new Map<number, number>();
  for (const event of events) {
    const hour = Math.floor((event.startMs - startMs) / HOUR_MS);
    hours.set(hour, (hours.get(hour) ?? 0) + 1);
  }
  const [busiest] = [...hours].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return {
    footageMs,
    gaps: gapsOf(pieces).filter(inside).length,
    events: events.length + more,
    ...(busiest ? { busiestMs: startMs + busiest[0] * HOUR_MS } : {}),
  };
}
