// Pictures of segments over HTTP: the keyframe nearest to a moment.
import { join } from 'node:path';
import * as v from 'valibot';
import { NvrError } from '../core/index.ts';
import type { Picture } from '../native/index.ts';
import { integer, timeMs } from './input.ts';
import { type Route, route } from './router.ts';
import { findSegment } from './segment-routes.ts';
import type { HttpReply, HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const DEFAULT_WIDTH = 640;

const pictureQuery = v.strictObject({
  atMs: v.optional(timeMs),
  width: v.optional(integer(16, 8192)),
});

export function pictureRoutes(services: ApiServices): Route[] {
  return [
    route('GET', '/api/segments/{id}/picture.jpg', {
      identity: 'public',
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
      // A closed segment never changes; an open one may get a keyframe that is nearer.
      ...(open ? {} : { 'Cache-Control': 'private, max-age=86400, immutable' }),
    },
    body: picture.jpeg,
  };
}
