// Pictures of segments over HTTP: the keyframe nearest to a moment.
import { join } from 'node:path';
import * as v from 'valibot';
import { NvrError } from '../core/index.ts';
import type { Picture } from '../native/index.ts';
import { integer, timeMs } from './input.ts';
import { route } from './router.ts';
import { findSegment, matchesAny, segmentCamera } from './segment-routes.ts';
import type { HttpReply, HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const DEFAULT_WIDTH = 640;

const pictureQuery = v.strictObject({
  atMs: v.optional(timeMs),
  width: v.optional(integer(16, 8192)),
});

export function pictureRoutes(services: ApiServices) {
  return [
    route('GET', '/api/segments/{id}/picture.jpg', {
      identity: 'viewer',
      summary: 'A picture of a segment: the keyframe nearest to a moment.',
      rate: 'media',
      media: 'image/jpeg',
      linkable: true,
      cameras: segmentCamera,
      query: pictureQuery,
      handle: ({ params, query, request }) => sendPicture(services, params.id ?? '', query, request),
    }),
  ];
}

async function sendPicture(
  services: ApiServices,
  id: string,
  { atMs, width = DEFAULT_WIDTH }: { atMs?: number | undefined; width?: number | undefined },
  request: HttpRequest,
): Promise<HttpReply> {
  const segment = findSegment(services, id);
  const { camera, stream, startMs, clockGen, sizeBytes, open } = segment;
  const path = join(services.segments.folder, segment.path);
  // A closed segment never changes, but it goes: whoever has its picture asks again whether it may be shown. An open one may get a keyframe
  // that is nearer.
  const etag = open ? undefined : `"${id}-${sizeBytes}-${atMs ?? startMs}-${width}"`;
  const validator = etag === undefined ? {} : { 'Cache-Control': 'private, no-cache', ETag: etag };
  if (etag && matchesAny(request.header('if-none-match'), etag)) return { status: 304, headers: validator };
  const isWanted = () => request.isGone?.() !== true;
  let picture: Picture;
  try {
    picture = await services.pictures.make({
      ...{ path, sizeBytes, camera, stream, startMs, clockGen },
      ...{ atMs: atMs ?? startMs, width, isWanted },
    });
  } catch (error) {
    if (error instanceof NvrError && error.kind === 'data-loss') {
      services.log.warn('no picture can be made of a segment', { segment: id, error });
    }
    throw error;
  }
  return {
    status: 200,
    headers: {
      'Content-Type': 'image/jpeg',
      'Content-Disposition': `inline; filename="${id}-${picture.atMs}.jpg"`,
      'Picture-Time-Ms': String(picture.atMs),
      ...validator,
    },
    body: picture.jpeg,
  };
}
