// Cameras over HTTP.
import * as v from 'valibot';
import { seesCamera } from '../accounts/index.ts';
import { cameraPatchSchema, newCameraSchema, probeSchema } from '../cameras/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import type { CameraList, FootageKept } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import { seenCamera } from './seen-camera.ts';
import type { ApiServices } from './services.ts';

const removeQuery = v.strictObject({
  footage: v.optional(v.picklist(['keep', 'delete'], 'Use keep or delete.')),
});

export function cameraRoutes({ cameras, prober, segments, recordingSettled }: ApiServices) {
  return [
    route('GET', '/api/cameras', {
      identity: 'viewer',
      summary: 'All cameras with their states.',
      handle: ({ caller }) => {
        const seen = cameras.list().filter(({ id }) => seesCamera(caller, id));
        return jsonReply(200, { cameras: seen.map(camera => seenCamera(camera, caller)) } satisfies CameraList);
      },
    }),
    route('POST', '/api/cameras', {
      identity: 'admin',
      summary: 'Adds a camera.',
      audit: 'add',
      body: newCameraSchema,
      handle: async ({ body }) => {
        const camera = await cameras.add(body);
        return jsonReply(201, camera, { Location: `/api/cameras/${camera.id}` });
      },
    }),
    route('POST', '/api/cameras/probe', {
      identity: 'admin',
      summary: 'Tries whether a camera can be reached, and says what it sends.',
      rate: 'heavy',
      body: probeSchema,
      // A camera that does not work is an answer, not a failure.
      handle: async ({ body }) => jsonReply(200, await prober.probe(body)),
    }),
    route('GET', '/api/cameras/{id}', {
      identity: 'viewer',
      summary: 'One camera with its state.',
      cameras: cameraInPath,
      handle: ({ params, caller }) => {
        const camera = cameras.get(parseCameraId(params.id));
        if (!camera) throw noCamera();
        return jsonReply(200, seenCamera(camera, caller));
      },
    }),
    route('PATCH', '/api/cameras/{id}', {
      identity: 'admin',
      summary: 'Changes what is given, and leaves the rest.',
      audit: 'change',
      cameras: cameraInPath,
      body: cameraPatchSchema,
      handle: async ({ params, body }) => {
        const camera = await cameras.update(parseCameraId(params.id), body);
        await recordingSettled(camera.id);
        return jsonReply(200, cameras.get(camera.id) ?? camera);
      },
    }),
    route('DELETE', '/api/cameras/{id}', {
      identity: 'admin',
      summary: 'Removes a camera, and its footage when that is wanted.',
      audit: 'remove',
      cameras: cameraInPath,
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

/** For rows of the table whose `{id}` is that of a camera. */
export function cameraInPath({ params }: { params: Record<string, string> }): CameraId[] {
  return [parseCameraId(params.id)];
}

/** The id in a path; throws `not-found` for what is none. */
export function parseCameraId(text: string | undefined): number {
  if (!/^[1-9]\d{0,8}$/.test(text ?? '')) throw noCamera();
  return Number(text);
}

function noCamera(): NvrError {
  return new NvrError('not-found', 'there is no such camera');
}
