// The timeline over HTTP: where there is footage, why there is none elsewhere, and what happened.
import * as v from 'valibot';
import type { Timeline } from './contract.ts';
import { cameraId, streamName, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { type Route, route } from './router.ts';
import { endBeforeStart } from './segment-routes.ts';
import type { ApiServices } from './services.ts';

const MAX_CAMERAS = 32;
const CAMERA_CURE = `Name 1 to ${MAX_CAMERAS} cameras: camera=1&camera=2.`;

const timelineQuery = v.strictObject({
  camera: v.pipe(
    v.union([v.string(), v.array(v.string())], CAMERA_CURE),
    v.transform(value => [value].flat()),
    v.array(cameraId),
    v.maxLength(MAX_CAMERAS, CAMERA_CURE),
  ),
  stream: v.optional(streamName, 'main'),
  startMs: timeMs,
  endMs: timeMs,
});

export function timelineRoutes({ timeline, events }: ApiServices): Route[] {
  return [
    route('GET', '/api/timeline', {
      identity: 'public',
      query: timelineQuery,
      handle: ({ query: { camera, stream, startMs, endMs } }) => {
        if (endMs < startMs) throw endBeforeStart();
        const cameras = timeline([...new Set(camera)], stream, startMs, endMs).map(one => ({
          ...one,
          ...events.marks(one.camera, startMs, endMs),
        }));
        return jsonReply(200, { cameras } satisfies Timeline);
      },
    }),
  ];
}
