// The part of the contract about WebRTC: watching with little delay, and talking to a camera.
import type { PeerEnd } from '../core/index.ts';

export type { Hindrance, HindranceReason } from '../cameras/index.ts';

type StreamName = 'main' | 'sub';

/**
 * `POST /api/cameras/{id}/webrtc`. `sdp`: the whole offer, one video and one audio part, both `recvonly` (or the audio `inactive`). Nothing of it
 * about addresses is used: no candidate needs to be waited for. ICE servers: none.
 */
export interface WebRtcOffer {
  sdp: string;
  /** Default main. */
  stream?: StreamName;
}

/** 201. */
export interface WebRtcAnswer {
  /** With all candidates. */
  sdp: string;
  /** For `DELETE /api/cameras/{id}/webrtc/{session}`. */
  session: string;
  /** False: the camera's sound is none that WebRTC has, or it has none. */
  sound: boolean;
}

/** `POST /api/cameras/{id}/talk`: an offer with one audio part, `sendonly`, which may have G.711 (PCMA, PCMU) or Opus. */
export interface TalkOffer {
  sdp: string;
}

/** 201. Somebody else talks: `failed-precondition`, with who it is. */
export interface TalkAnswer {
  sdp: string;
  session: string;
  /** Without a `PUT /api/cameras/{id}/talk/{session}` for so long it ends; a third of it is a good time between two. */
  keepMs: number;
}

/**
 * Why a session ended. `not-allowed`: its login or a right of it is gone; `camera`: that was removed, disabled, or has another address;
 * `go2rtc`: it was restarted, or failed; `silent`: nobody kept the talk; `left`: the browser is not there any more; `closed`: by `DELETE`.
 */
export type WebRtcEnd = PeerEnd;

/** Sent over `/api/updates`, the first only to whoever has the session. */
export type WebRtcUpdate =
  | { type: 'webrtc'; camera: number; session: string; ended: WebRtcEnd }
  /** Who talks to a camera now; null = nobody any more. */
  | { type: 'talk'; camera: number; by: string | null };

/** Those of a session answer `not-found` when it has ended, or is somebody else's. */
export interface WebRtcRoutes {
  'POST /api/cameras/{id}/webrtc': { body: { sdp: string; stream?: StreamName }; answer: WebRtcAnswer };
  'DELETE /api/cameras/{id}/webrtc/{session}': object;
  /** Needs the right `talk`, as all below. */
  'POST /api/cameras/{id}/talk': { body: { sdp: string }; answer: TalkAnswer };
  /** 204: it goes on. */
  'PUT /api/cameras/{id}/talk/{session}': object;
  'DELETE /api/cameras/{id}/talk/{session}': object;
}
