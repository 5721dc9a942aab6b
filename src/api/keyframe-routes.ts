// One keyframe over HTTP, as small as it gets: for pictures that follow a finger over the timeline.
import { join } from 'node:path';
import * as v from 'valibot';
import { NvrError } from '../core/index.ts';
import { cameraInPath, parseCameraId } from './camera-routes.ts';
import type { NoKeyframe } from './contract.ts';
import { openFile } from './file-source.ts';
import { streamName, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { piecesSource } from './pieces-source.ts';
import { encodeHead, keyPicture } from './playback-fragment.ts';
import { fragmentAt, type PlayableSegment, type PlaybackIndex, type SegmentMap } from './playback-index.ts';
import { playableSegments, utcMs } from './playback-segments.ts';
import { route } from './router.ts';
import type { ByteSource, HttpReply } from './server.ts';
import type { ApiServices } from './services.ts';

/** As native/media/picture.h: larger ones are no pictures of cameras. */
const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** Footage that ended no longer ago counts as there: of what is being written the newest second is not in a file yet. */
const REACH_MS = 2500;
const MOST_SEGMENTS = 16;

const keyframeQuery = v.strictObject({ atMs: timeMs, stream: v.optional(streamName, 'main') });

export function keyframeRoutes(services: ApiServices, index: PlaybackIndex) {
  return [
    route('GET', '/api/cameras/{id}/keyframe', {
      identity: 'viewer',
      summary: 'A fragment with the one keyframe at or before a moment.',
      rate: 'media',
      media: 'video/mp4',
      cameras: cameraInPath,
      query: keyframeQuery,
      handle: async ({ params, query: { atMs, stream } }): Promise<HttpReply> => {
        const camera = parseCameraId(params.id);
        const range = { camera, stream, startMs: Math.max(0, atMs - REACH_MS), endMs: atMs + 1 };
        const { segments } = playableSegments(services, range, MOST_SEGMENTS);
        const segment = newest(segments, atMs);
        if (segment) {
          const map = await index.map(segment);
          const found = await readKeyframe(services.segments.folder, segment, map, atMs);
          if (found) return reply(segment, map, found);
        }
        const gap = services.timeline([camera], stream, atMs, atMs + 1)[0]?.gaps.at(-1);
        const error = { kind: 'not-found', message: 'there is no footage of this moment' } as const;
        return jsonReply(404, { error, ...(gap ? { gap } : {}) } satisfies NoKeyframe);
      },
    }),
  ];
}

/** What covers the moment, of several generations of the clock the newest; else what ended last before it. */
function newest(segments: readonly PlayableSegment[], atMs: number): PlayableSegment | undefined {
  const covers = ({ startMs, endMs }: PlayableSegment) => startMs <= atMs && endMs > atMs;
  return segments.toSorted(
    (a, b) => Number(covers(b)) - Number(covers(a)) || b.clockGen - a.clockGen || b.startMs - a.startMs,
  )[0];
}

interface Keyframe {
  pts90k: number;
  body: ByteSource;
}

async function readKeyframe(
  folder: string,
  segment: PlayableSegment,
  { fragments, firstPts90k }: SegmentMap,
  atMs: number,
): Promise<Keyframe | undefined> {
  // To the end of the millisecond: times are rounded down.
  const at90k = (atMs - segment.startMs) * 90 + firstPts90k + 89;
  const place = fragments.findLast(({ key, start90k }) => key && start90k <= at90k);
  if (!place) return undefined;
  const { file } = await openFile(join(folder, segment.path));
  try {
    const fragment = await fragmentAt(file, place.offset);
    const picture = fragment && keyPicture(fragment, at90k, true);
    if (!picture || picture.offset + picture.sizeBytes > place.sizeBytes || picture.sizeBytes > MAX_PICTURE_BYTES) {
      throw new NvrError('data-loss', 'the file of this segment is damaged');
    }
    const { pts90k, run, offset, sizeBytes } = picture;
    const media = { offset: place.offset + offset, sizeBytes };
    return { pts90k, body: piecesSource(file, [encodeHead([run]), media]) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function reply(segment: PlayableSegment, map: SegmentMap, { pts90k, body }: Keyframe): HttpReply {
  return {
    status: 200,
    headers: {
      'Content-Type': 'video/mp4',
      'Thimble-Start-Ms': String(utcMs(segment, map, pts90k)),
      'Thimble-Segment': segment.id,
      'Thimble-Segment-Start-Ms': String(segment.startMs),
      'Thimble-First-Pts': String(map.firstPts90k),
      'Thimble-Init': `${map.initId}v`,
      'Thimble-Init-Url': `/api/segments/${segment.id}/video?offset=0&sizeBytes=${map.initBytes}`,
      'Thimble-Codecs': segment.codecs.split(',', 1).join(),
    },
    body,
  };
}
