// What cameras show now, over HTTP: a WebSocket of fragments, the newest key picture, and such pictures one after the other.
import * as v from 'valibot';
import { NvrError, type StreamName } from '../core/index.ts';
import { parseCameraId } from './camera-routes.ts';
import { integer, streamName } from './input.ts';
import type { LiveFeeds } from './live-feeds.ts';
import { LivePictures } from './live-pictures.ts';
import { LiveViewer } from './live-viewer.ts';
import { motionJpeg } from './motion-jpeg.ts';
import { route, socket } from './router.ts';
import { matchesAny } from './segment-routes.ts';
import type { ApiServices } from './services.ts';

/** A sub stream stays connected for so long after its last viewer: pages are turned back and forth. */
const LINGER_MS = 10_000;
const DEFAULT_WIDTH = 1280;
/** Browsers show no more of it, and each costs the board some 30 ms. */
const MOST_FPS = 5;

const stream = v.optional(streamName, 'main');
const width = v.optional(integer(16, 8192), String(DEFAULT_WIDTH));

const liveQuery = v.strictObject({
  stream,
  audio: v.optional(
    v.pipe(
      v.picklist(['0', '1'], 'Use 0 or 1.'),
      v.transform(text => text === '1'),
    ),
    '1',
  ),
});

export function liveRoutes(services: ApiServices, feeds: LiveFeeds) {
  const { bus } = services;
  const pictures = new LivePictures(services);
  // The routes live as long as the service.
  for (const name of ['camera.changed', 'camera.removed'] as const) {
    bus.on(name, ({ camera }) => {
      for (const viewer of [...feeds.viewers()]) if (viewer.camera === camera) viewer.check();
    });
  }
  return [
    socket('/api/cameras/{id}/live', {
      identity: 'viewer',
      summary: 'Live video: a text with its facts, then binary an init segment and a fragment for each picture.',
      rate: 'media',
      query: liveQuery,
      cameras: ({ params }) => [parseCameraId(params.id)],
      open: ({ params, query, caller }) =>
        openLive(services, feeds, parseCameraId(params.id), { ...query, user: caller.user }),
    }),
    route('GET', '/api/cameras/{id}/snapshot.jpg', {
      identity: 'viewer',
      summary: 'The newest key picture, or the last one that was recorded; X-Picture-Time-Ms tells when it was taken.',
      media: 'image/jpeg',
      rate: 'media',
      linkable: true,
      query: v.strictObject({ stream, width }),
      cameras: ({ params }) => [parseCameraId(params.id)],
      handle: async ({ params, query, request }) => {
        const isWanted = () => request.isGone?.() !== true;
        const picture = await pictures.newest({ camera: parseCameraId(params.id), ...query, isWanted });
        const headers = {
          'Content-Type': 'image/jpeg',
          'Cache-Control': 'private, no-cache',
          'X-Picture-Time-Ms': String(picture.atMs),
          ETag: `"${params.id}-${query.stream}-${picture.atMs}-${picture.width}"`,
        };
        if (matchesAny(request.header('if-none-match'), headers.ETag)) return { status: 304, headers };
        return { status: 200, headers, body: picture.jpeg };
      },
    }),
    route('GET', '/api/cameras/{id}/mjpeg', {
      identity: 'viewer',
      summary:
        'Key pictures as they come, as multipart/x-mixed-replace: as many as the camera sends, at most fps a second.',
      media: 'multipart/x-mixed-replace',
      rate: 'media',
      query: v.strictObject({ stream, width, fps: v.optional(integer(1, MOST_FPS), '1') }),
      cameras: ({ params }) => [parseCameraId(params.id)],
      handle: async ({ params, query: { fps, ...query } }) => {
        const camera = parseCameraId(params.id);
        return motionJpeg({
          make: isWanted => pictures.newest({ camera, ...query, isWanted, isLive: true }),
          isGood: () => services.cameras.get(camera)?.enabled === true,
          everyMs: 1000 / fps,
          clock: services.clock,
        });
      },
    }),
  ];
}

function openLive(
  { cameras, clock, live, log }: ApiServices,
  feeds: LiveFeeds,
  camera: number,
  query: { stream: StreamName; audio: boolean; user: number },
): LiveViewer {
  const known = cameras.get(camera);
  if (!known) throw new NvrError('not-found', 'there is no such camera');
  return new LiveViewer({
    feeds,
    camera,
    stream: query.stream,
    sound: query.audio && known.audio,
    user: query.user,
    clock,
    wantsStill: () => query.stream === 'sub' && cameras.get(camera)?.state.sub?.name !== 'live',
    refusal() {
      const now = cameras.get(camera);
      if (!now) return 'the camera was removed';
      if (!now.enabled) return 'the camera is disabled';
      return query.stream === 'sub' && !now.sub ? 'the camera has no sub stream' : undefined;
    },
    onWatching() {
      const release = live.need(camera, query.stream);
      return () => {
        log.debug('a live view ended', { camera, stream: query.stream });
        if (query.stream === 'main') release();
        else clock.after(LINGER_MS, release);
      };
    },
  });
}
