// The timeline over HTTP: where there is footage, why there is none elsewhere, and what happened.
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { CameraTimeline, Gap, Timeline } from './contract.ts';
import { cameraId, integer, streamName, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import type { PlaybackIndex } from './playback-index.ts';
import { type FootageRange, playbackPieces, utcMs } from './playback-segments.ts';
import { route } from './router.ts';
import { endBeforeStart, matchesAny } from './segment-routes.ts';
import type { ApiServices } from './services.ts';
import { activity, LEVELS, type SizedFootage } from './timeline-activity.ts';

const MAX_CAMERAS = 32;
const MAX_BUCKETS = 1440;
/** Per camera; of more the longest are told. */
const MOST_GAPS = 300;
const CAMERA_CURE = `Name 1 to ${MAX_CAMERAS} cameras: camera=1&camera=2.`;
/** From here on bytes are told by the GOP and not by the segment. */
const NEAR_RANGE_MS = 2 * 3_600_000;
/** More than any page shows at once: each segment in it is read. */
const LONG_RANGE_MS = 62 * 24 * 3_600_000;
const NEAR_BUCKET_MS = 60_000;
const MOST_NEAR_CAMERAS = 8;
const MOST_NEAR_SEGMENTS = 64;
const NOTHING = { footage: [], gaps: [], sizes: [] };
const DIGITS = '0123456789abcdef';
/** Steps of a level in an answer of 256 levels. */
const LEVEL_STEP = 255 / (LEVELS - 1);

export const camerasOfQuery = v.pipe(
  v.union([v.string(), v.array(v.string())], CAMERA_CURE),
  v.transform(value => [value].flat()),
  v.array(cameraId),
  v.maxLength(MAX_CAMERAS, CAMERA_CURE),
);

const timelineQuery = v.strictObject({
  camera: camerasOfQuery,
  stream: v.optional(streamName, 'main'),
  startMs: timeMs,
  endMs: timeMs,
  buckets: v.optional(integer(1, MAX_BUCKETS)),
  levels: v.optional(
    v.pipe(
      v.picklist(['16', '256'], 'Use 16 or 256.'),
      v.transform(text => (text === '16' ? 16 : 256)),
    ),
    '256',
  ),
});

type TimelineQuery = v.InferOutput<typeof timelineQuery>;

export function timelineRoutes(services: ApiServices, index: PlaybackIndex) {
  return [
    route('GET', '/api/timeline', {
      identity: 'viewer',
      summary: 'Footage, gaps, events and activity of a range of time.',
      query: timelineQuery,
      rateOf: ({ startMs, endMs }) => (endMs - startMs > LONG_RANGE_MS ? 'heavy' : undefined),
      cameras: ({ query }) => query.camera,
      handle: async ({ query, request }) => {
        const { camera, startMs, endMs } = query;
        if (endMs < startMs) throw endBeforeStart();
        const cameras: CameraTimeline[] = [];
        for (const one of new Set(camera)) cameras.push(await timelineOf(services, index, one, query));
        const reply = jsonReply(200, { cameras } satisfies Timeline);
        const etag = `"${createHash('sha256')
          .update(reply.body as Buffer)
          .digest('base64url')
          .slice(0, 22)}"`;
        if (matchesAny(request.header('if-none-match'), etag)) return { status: 304, headers: { ETag: etag } };
        // Asked for again each time, but sent only when it is another.
        return { ...reply, headers: { ...reply.headers, 'Cache-Control': 'private, no-cache', ETag: etag } };
      },
    }),
  ];
}

async function timelineOf(
  services: ApiServices,
  index: PlaybackIndex,
  camera: number,
  query: TimelineQuery,
): Promise<CameraTimeline> {
  const { timeline, events, segments } = services;
  const { stream, startMs, endMs, buckets, levels } = query;
  const { footage, gaps, sizes } = timeline([camera], stream, startMs, endMs)[0] ?? NOTHING;
  const marks = events.marks(camera, startMs, endMs);
  if (buckets === undefined || endMs === startMs) return { camera, footage, gaps, ...marks };
  const isShort = endMs - startMs <= NEAR_RANGE_MS && (endMs - startMs) / buckets < NEAR_BUCKET_MS;
  const isNear = isShort && query.camera.length <= MOST_NEAR_CAMERAS;
  const near = isNear ? await gopSizes(services, index, { camera, stream, startMs, endMs }) : undefined;
  const found = activity({
    ...{ startMs, endMs, buckets, footage, sizes: near ?? sizes },
    events: segments.eventFootage(camera, startMs, endMs),
  });
  return {
    camera,
    footage: merged(footage, (endMs - startMs) / buckets),
    gaps: longest(gaps, endMs),
    ...marks,
    activity:
      levels === 16
        ? Array.from(found, level => DIGITS[level]).join('')
        : Array.from(found, level => Math.round(level * LEVEL_STEP)),
  };
}

/** From keyframe to keyframe, as the files' own indexes have it; undefined when they are too many to be read. */
async function gopSizes(
  services: ApiServices,
  index: PlaybackIndex,
  range: FootageRange,
): Promise<SizedFootage[] | undefined> {
  const { pieces, endMs } = await playbackPieces(services, index, range, MOST_NEAR_SEGMENTS);
  if (endMs < range.endMs) return undefined;
  return pieces.flatMap(({ segment, map, fragments }) => {
    const sizes: [number, number, number][] = [];
    for (const { start90k, duration90k, sizeBytes, key } of fragments) {
      const last = sizes.at(-1);
      const untilMs = utcMs(segment, map, start90k + duration90k);
      if (key || !last) sizes.push([utcMs(segment, map, start90k), untilMs, sizeBytes]);
      else {
        last[1] = untilMs;
        last[2] += sizeBytes;
      }
    }
    // Of a GOP that is not whole the keyframe alone would look like a lot.
    const [before, last] = sizes.slice(-2);
    if (before && last && last[1] - last[0] < before[1] - before[0]) {
      before[1] = last[1];
      before[2] += last[2];
      sizes.pop();
    }
    return sizes;
  });
}

/** Pieces that are closer together than `ms` as one. */
function merged(footage: readonly [number, number][], ms: number): [number, number][] {
  const runs: [number, number][] = [];
  for (const [from, to] of footage) {
    const last = runs.at(-1);
    if (last && from - last[1] < ms) last[1] = to;
    else runs.push([from, to]);
  }
  return runs;
}

function longest(gaps: Gap[], endMs: number): Gap[] {
  if (gaps.length <= MOST_GAPS) return gaps;
  const lengthOf = (gap: Gap) => (gap.endMs ?? endMs) - gap.startMs;
  const kept = gaps.toSorted((a, b) => lengthOf(b) - lengthOf(a)).slice(0, MOST_GAPS);
  return kept.sort((a, b) => a.startMs - b.startMs);
}
