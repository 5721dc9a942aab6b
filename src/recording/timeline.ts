// Where there is footage and why there is none elsewhere, the segments being written included.
import type { CameraId, GapReason, StreamName } from '../core/index.ts';
import type { EngineStats } from '../native/index.ts';
import type { Store } from '../storage/index.ts';

export interface TimelineGap {
  startMs: number;
  /** Absent while the gap goes on. */
  endMs?: number;
  reason: GapReason;
}

export interface CameraTimeline {
  camera: CameraId;
  /** Sorted, without overlaps, cut to the range asked for. */
  footage: [startMs: number, endMs: number][];
  gaps: TimelineGap[];
  /** The segments that it is made of, as they are in the index or by now, with their bytes. */
  sizes: [startMs: number, endMs: number, sizeBytes: number][];
}

/** Pieces this close together are one: less than two pictures at 25 fps. */
const JOIN_MS = 50;

export interface TimelineQuery {
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  endMs: number;
}

/** Gaps are those of the camera, which follow its main stream, whatever stream the footage is of. */
export function cameraTimeline(
  store: Pick<Store, 'segments' | 'gaps'>,
  stats: EngineStats,
  { camera, stream, startMs, endMs }: TimelineQuery,
): CameraTimeline {
  const sizes = store.segments.sizes(camera, startMs, endMs, stream);
  for (const { camera: owner, stream: written, open } of stats.streams) {
    if (owner !== camera || written !== stream) continue;
    for (const one of open) sizes.push([one.startMs, one.endMs, one.sizeBytes]);
  }
  const footage = sizes.map(([from, to]): [number, number] => [Math.max(from, startMs), Math.min(to, endMs)]);
  const gaps = store.gaps.list(camera, startMs, endMs, 'main');
  const joined = join(footage.filter(([from, to]) => from < to));
  return {
    camera,
    footage: stream === 'main' ? without(joined, gaps) : joined,
    gaps: gaps.map(gap => ({
      startMs: gap.startMs,
      ...(gap.endMs === undefined ? {} : { endMs: gap.endMs }),
      reason: gap.reason,
    })),
    sizes,
  };
}

function join(ranges: [number, number][]): [number, number][] {
  const joined: [number, number][] = [];
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1] + JOIN_MS) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/**
 * A camera that stood still for seconds leaves a segment that spans the time without pictures. What was deleted takes nothing away:
 * footage at the same time comes from before or after a step of the clock.
 */
function without(footage: [number, number][], gaps: readonly TimelineGap[]): [number, number][] {
  let rest = footage;
  for (const gap of gaps) {
    if (gap.reason === 'deleted') continue;
    const gapEndMs = gap.endMs ?? Number.POSITIVE_INFINITY;
    rest = rest.flatMap(([from, to]): [number, number][] => {
      if (gap.startMs >= to || gapEndMs <= from) return [[from, to]];
      const before: [number, number][] = from < gap.startMs ? [[from, gap.startMs]] : [];
      return gapEndMs < to ? [...before, [gapEndMs, to]] : before;
    });
  }
  return rest;
}
