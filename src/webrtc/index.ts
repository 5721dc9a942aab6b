// What the rest of the service sees of `webrtc`.
export { type Begun, KEEP_MS, WebRtc, type WebRtcOptions } from './gateway.ts';
export { makeWebRtc } from './make.ts';
export type { PeerKind } from './offer.ts';
export type { PeerFigures, PeerServer, ViewSource, Visit } from './peer.ts';
