// Cameras over HTTP.
import * as v from 'valibot';
import { cameraPatchSchema, newCameraSchema, probeSchema } from '../cameras/index.ts';
import { NvrError } from '../core/index.ts';
import type { CameraList, FootageKept } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { type Route, route } from './router.ts';
import type { ApiServices } from './services.ts';

const removeQuery = v.strictObject({
  footage: v.optional(v.picklist(['keep', 'delete'], 'Use keep or delete.')),
});

export function cameraRoutes({ cameras, prober, segments, recordingSettled }: ApiServices): Route[] {
  return [
    route('GET', '/api/cameras', {
      identity: 'public',
      handle: () => jsonReply(200, { cameras: cameras.list() } satisfies CameraList),
    }),
    route('POST', '/api/cameras', {
      identity: 'public',
      body: newCameraSchema,
      handle: async ({ body }) => {
        const camera = await cameras.add(body);
        return jsonReply(201, camera, { Location: `/api/cameras/${camera.id}` });
      },
    }),
    route('POST', '/api/cameras/probe', {
      identity: 'public',
      body: probeSchema,
      // A camera that does not work is an answer, not a failure.
      handle: async ({ body }) => jsonReply(200, await prober.probe(body)),
    }),
    route('GET', '/api/cameras/{id}', {
      identity: 'public',
      handle: ({ params }) => {
        const camera = cameras.get(parseCameraId(params.id));
        if (!camera) throw noCamera();
        return jsonReply(200, camera);
      },
    }),
    route('PATCH', '/api/cameras/{id}', {
      identity: 'public',
      body: cameraPatchSchema,
      handle: async ({ params, body }) => {
        const camera = await cameras.update(parseCameraId(params.id), body);
        await recordingSettled(camera.id);
        return jsonReply(200, cameras.get(camera.id) ?? camera);
      },
    }),
    route('DELETE', '/api/cameras/{id}', {
      identity: 'public',
      query: removeQuery,
      handle: async ({ params, query }) => {
        const id = parseCameraId(params.id);
        const purge = query.footage === 'delete';
        await cameras.remove(id, purge);
        const kept = purge ? (await segments.removeAll(id)).kept : undefined;
        return kept && kept.segments > 0 ? jsonReply(200, keptWords(kept)) : { status: 204 };
      },
    }),
  ];
}

function keptWords(kept: FootageKept['kept']): FootageKept {
  const { segments } = kept;
  return {
    kept,
    message: `The camera and its footage are deleted, but for ${segments} locked ${segments === 1 ? 'segment' : 'segments'}.`,
    cure: 'Unlock and delete them one by one if you do not need them: GET /api/segments still lists them.',
  };
}

/** The id in a path; throws `not-found` for what is none. */
export function parseCameraId(text: string | undefined): number {
  if (!/^[1-9]\d{0,8}$/.test(text ?? '')) throw noCamera();
  return Number(text);
}

function noCamera(): NvrError {
  return new NvrError('not-found', 'there is no such camera');
}
