// WebRTC over HTTP: offers and answers of browsers that watch a camera or talk to it, and the ends of their sessions.
import * as v from 'valibot';
import { type Caller, type Right, seesCamera } from '../accounts/index.ts';
import type { CameraId } from '../core/index.ts';
import { KEEP_MS, type PeerKind, type Visit } from '../webrtc/index.ts';
import { cameraInPath, parseCameraId } from './camera-routes.ts';
import { streamName } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const SDP_CURE = 'Send the whole offer of a browser as text.';
const sdp = v.pipe(v.string(SDP_CURE), v.minLength(1, SDP_CURE), v.maxLength(60_000, SDP_CURE));
const watchBody = v.strictObject({ sdp, stream: v.optional(streamName, 'main') });
const talkBody = v.strictObject({ sdp });

export function webrtcRoutes({ webrtc, accounts }: Pick<ApiServices, 'webrtc' | 'accounts'>) {
  // The routes live as long as the service.
  accounts.onRevoked(() => webrtc.look());
  const visit = (request: HttpRequest, caller: Caller, camera: CameraId, right?: Right): Visit => ({
    ...{ user: caller.user, name: caller.name, remoteAddress: request.remoteAddress, host: request.header('host') },
    isGone: () => request.isGone?.() === true,
    isStillGood() {
      const now = accounts.callerBy(caller.user, caller.credential ?? '');
      if (!now || !seesCamera(now, camera)) return false;
      return right === undefined || now.role === 'admin' || now.rights.has(right);
    },
  });
  const end = (kind: PeerKind, params: Record<string, string>, { user }: Caller) => {
    webrtc.end(kind, parseCameraId(params.id), params.session ?? '', user);
    return { status: 204 };
  };
  return [
    route('POST', '/api/cameras/{id}/webrtc', {
      identity: 'viewer',
      summary: 'The offer of a browser that watches with little delay -> the answer, and a session.',
      rate: 'heavy',
      body: watchBody,
      cameras: cameraInPath,
      handle: async ({ params, body, request, caller }) => {
        const id = parseCameraId(params.id);
        const begun = await webrtc.watch(id, body.stream, body.sdp, visit(request, caller, id));
        return jsonReply(201, begun, { Location: `/api/cameras/${id}/webrtc/${begun.session}` });
      },
    }),
    route('DELETE', '/api/cameras/{id}/webrtc/{session}', {
      identity: 'viewer',
      summary: 'Ends a session of watching.',
      rate: 'free',
      cameras: cameraInPath,
      handle: ({ params, caller }) => end('view', params, caller),
    }),
    route('POST', '/api/cameras/{id}/talk', {
      identity: 'viewer',
      right: 'talk',
      summary: 'The offer of a browser that sends sound -> the answer, and a session; one talks to a camera at a time.',
      rate: 'heavy',
      audit: 'talk',
      body: talkBody,
      cameras: cameraInPath,
      handle: async ({ params, body, request, caller }) => {
        const id = parseCameraId(params.id);
        const { session, sdp: answer } = await webrtc.talk(id, body.sdp, visit(request, caller, id, 'talk'));
        return jsonReply(201, { session, sdp: answer, keepMs: KEEP_MS });
      },
    }),
    route('PUT', '/api/cameras/{id}/talk/{session}', {
      identity: 'viewer',
      right: 'talk',
      summary: 'A talk goes on.',
      rate: 'free',
      cameras: cameraInPath,
      handle: ({ params, caller }) => {
        webrtc.keep(parseCameraId(params.id), params.session ?? '', caller.user);
        return { status: 204 };
      },
    }),
    route('DELETE', '/api/cameras/{id}/talk/{session}', {
      identity: 'viewer',
      right: 'talk',
      summary: 'Ends a talk.',
      rate: 'free',
      cameras: cameraInPath,
      handle: ({ params, caller }) => end('talk', params, caller),
    }),
  ];
}
