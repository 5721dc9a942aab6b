// Which fragments of which segments a range of time is played from, the segments being written included.
import type { CameraId, StreamName } from '../core/index.ts';
import { exportPieces } from './export-pieces.ts';
import type { FragmentPlace } from './playback-file.ts';
import type { PlayableSegment, PlaybackIndex, SegmentMap } from './playback-index.ts';
import { openSegments } from './segment-routes.ts';
import type { ApiServices } from './services.ts';

/** Files that are read at the same time. */
const READERS = 4;

export interface FootageRange {
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  endMs: number;
}

/** What is played of one segment. */
export interface PlaybackPiece {
  segment: PlayableSegment;
  map: SegmentMap;
  /** At least one. */
  fragments: FragmentPlace[];
}

export interface PlaybackPieces {
  pieces: PlaybackPiece[];
  /** How far they go. */
  endMs: number;
}

/** UTC of a moment on a file's time line. */
export function utcMs(segment: Pick<PlayableSegment, 'startMs'>, map: Pick<SegmentMap, 'firstPts90k'>, pts90k: number) {
  return segment.startMs + Math.floor((pts90k - map.firstPts90k) / 90);
}

/** Closed ones and those being written that overlap a range, oldest first, at most `most`; `endMs`: how far they go. */
export function playableSegments(
  services: Pick<ApiServices, 'engine' | 'segments'>,
  { camera, stream, startMs, endMs }: FootageRange,
  most: number,
): { segments: PlayableSegment[]; endMs: number } {
  // The figures first: asking for them brings the index up to date with what was closed.
  const beingWritten = openSegments(services);
  const page = services.segments.list({ camera, stream, startMs, endMs, limit: most });
  const last = page.segments.at(-1);
  const untilMs = page.cursor !== undefined && last ? Math.min(endMs, Math.max(last.startMs, startMs)) : endMs;
  const segments: PlayableSegment[] = page.segments.map(segment => ({ ...segment, open: false }));
  for (const { segment, path, clockGen } of beingWritten) {
    if (segment.camera !== camera || segment.stream !== stream) continue;
    if (segment.startMs >= untilMs || segment.endMs <= startMs) continue;
    if (!segments.some(known => known.id === segment.id)) segments.push({ ...segment, clockGen, path });
  }
  return { segments, endMs: untilMs };
}

/** What a range is played from; files that cannot be read are left out and logged. `fromKey`: each piece begins with a keyframe. */
export async function playbackPieces(
  services: Pick<ApiServices, 'engine' | 'segments' | 'log'>,
  index: PlaybackIndex,
  range: FootageRange,
  most: number,
): Promise<PlaybackPieces> {
  const { segments, endMs } = playableSegments(services, range, most);
  const maps = new Map<string, SegmentMap>();
  const wanted = exportPieces(segments, range.startMs, endMs);
  const files = [...new Set(wanted.map(({ segment }) => segment))];
  for (let at = 0; at < files.length; at += READERS) {
    await Promise.all(
      files.slice(at, at + READERS).map(async segment => {
        try {
          maps.set(segment.id, await index.map(segment));
        } catch (error) {
          services.log.warn('a segment is missing in what is played', { segment: segment.id, error });
        }
      }),
    );
  }
  const pieces = wanted.flatMap(({ segment, fromMs, toMs }): PlaybackPiece[] => {
    const map = maps.get(segment.id);
    if (!map) return [];
    const from = Math.max(fromMs ?? range.startMs, range.startMs);
    const to = Math.min(toMs ?? endMs, endMs);
    const fragments = fragmentsOf(segment, map, from, to);
    return fragments.length > 0 ? [{ segment, map, fragments }] : [];
  });
  return { pieces, endMs };
}

/** Those with pictures of [fromMs, toMs), and what stands before them from a keyframe on. */
function fragmentsOf(segment: PlayableSegment, map: SegmentMap, fromMs: number, toMs: number): FragmentPlace[] {
  const { fragments } = map;
  const ticks = (ms: number) => (ms - segment.startMs) * 90 + map.firstPts90k;
  let first = fragments.findIndex(({ start90k, duration90k }) => start90k + duration90k > ticks(fromMs));
  if (first < 0) return [];
  while (first > 0 && !fragments[first]?.key) first--;
  const end = fragments.findLastIndex(({ start90k }) => start90k < ticks(toMs));
  return fragments.slice(first, end + 1);
}
