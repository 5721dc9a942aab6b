// The range between In and Out: its handles, and what of it is really there.
import type { Gap } from '../../../src/api/contract.ts';

export interface Selection {
  readonly inMs: number;
  readonly outMs: number;
}

/** What an export takes at most. */
export const LONGEST_EXPORT_MS = 24 * 3_600_000;
const SHORTEST_MS = 1000;

/** Handles that cross change their places; a range is never shorter than a second nor longer than an export can be. */
export function selected(oneMs: number, otherMs: number): Selection {
  const inMs = Math.round(Math.min(oneMs, otherMs));
  const outMs = Math.round(Math.max(oneMs, otherMs));
  return { inMs, outMs: Math.min(inMs + LONGEST_EXPORT_MS, Math.max(outMs, inMs + SHORTEST_MS)) };
}

/** The range after one of its handles was put elsewhere, and which handle is now held there. */
export function moved(
  range: Selection,
  handle: 'in' | 'out',
  toMs: number,
): { range: Selection; handle: 'in' | 'out' } {
  const fixedMs = handle === 'in' ? range.outMs : range.inMs;
  const awayMs = toMs - fixedMs;
  const isBefore = awayMs < 0 || (awayMs === 0 && handle === 'out');
  // A handle that is pulled further than an export may be long stops there; one that comes too near does not push the other.
  const lengthMs = Math.min(LONGEST_EXPORT_MS, Math.max(SHORTEST_MS, Math.abs(awayMs)));
  return {
    range: selected(fixedMs, fixedMs + (isBefore ? -lengthMs : lengthMs)),
    handle: isBefore ? 'in' : 'out',
  };
}

export interface Inside {
  footageMs: number;
  /** Absences within the range, longest reason first. */
  absent: { reason: Gap['reason']; ms: number }[];
}

/** How much footage lies in the range, and why the rest is missing. */
export function insideOf(
  { inMs, outMs }: Selection,
  footage: readonly (readonly [number, number])[],
  gaps: readonly Gap[],
): Inside {
  const within = (fromMs: number, toMs: number) => Math.max(0, Math.min(toMs, outMs) - Math.max(fromMs, inMs));
  const byReason = new Map<Gap['reason'], number>();
  for (const gap of gaps) {
    const ms = within(gap.startMs, gap.endMs ?? outMs);
    if (ms > 0) byReason.set(gap.reason, (byReason.get(gap.reason) ?? 0) + ms);
  }
  return {
    footageMs: footage.reduce((sum, [fromMs, toMs]) => sum + within(fromMs, toMs), 0),
    absent: [...byReason].map(([reason, ms]) => ({ reason, ms })).sort((a, b) => b.ms - a.ms),
  };
}

/** Bytes of the segments' parts in the range: even within a segment. */
export function sizeOf(
  { inMs, outMs }: Selection,
  segments: readonly { startMs: number; endMs: number; sizeBytes: number }[],
): number {
  return segments.reduce((sum, { startMs, endMs, sizeBytes }) => {
    const ms = Math.max(0, Math.min(endMs, outMs) - Math.max(startMs, inMs));
    return sum + (endMs > startMs ? sizeBytes * (ms / (endMs - startMs)) : 0);
  }, 0);
}
