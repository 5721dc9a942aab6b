// Chooses what of which segment an export shows: where footage overlaps after the clock was set, the newer lies on top.

interface Span {
  startMs: number;
  endMs: number;
  clockGen: number;
}

export interface ExportPiece<T> {
  segment: T;
  /** Set only where the piece does not begin, or end, with the segment. */
  fromMs?: number;
  toMs?: number;
}

type Range = [fromMs: number, toMs: number];

/** Parts of `segments` that together are [startMs, endMs), without overlaps between clock generations, in order. */
export function exportPieces<T extends Span>(segments: readonly T[], startMs: number, endMs: number): ExportPiece<T>[] {
  const pieces: { segment: T; range: Range }[] = [];
  let covered: Range[] = [];
  const generations = [...new Set(segments.map(segment => segment.clockGen))].sort((a, b) => b - a);
  for (const generation of generations) {
    const own = segments.filter(segment => segment.clockGen === generation);
    for (const segment of own) {
      const wanted: Range = [Math.max(segment.startMs, startMs), Math.min(segment.endMs, endMs)];
      for (const range of without(wanted, covered)) pieces.push({ segment, range });
    }
    covered = joined([...covered, ...own.map(({ startMs: from, endMs: to }): Range => [from, to])]);
  }
  return pieces
    .sort((a, b) => a.range[0] - b.range[0])
    .map(({ segment, range: [fromMs, toMs] }) => ({
      segment,
      ...(fromMs > segment.startMs ? { fromMs } : {}),
      ...(toMs < segment.endMs ? { toMs } : {}),
    }));
}

function without([from, to]: Range, covered: readonly Range[]): Range[] {
  const left: Range[] = [];
  let at = from;
  for (const [coveredFrom, coveredTo] of covered) {
    if (coveredTo <= at || coveredFrom >= to) continue;
    if (coveredFrom > at) left.push([at, coveredFrom]);
    at = coveredTo;
  }
  if (at < to) left.push([at, to]);
  return left;
}

function joined(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
