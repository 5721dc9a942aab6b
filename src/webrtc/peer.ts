// What a session of a browser is, and what the gateway needs of the parts below it, as narrow as it can be.
import type { Camera, CameraAddress } from '../cameras/index.ts';
import type { CameraId, StreamName as CameraStreamName, PeerEnd } from '../core/index.ts';
import type { Go2rtcSettings, Go2rtcState, StreamClaim, StreamName } from '../go2rtc/index.ts';
import type { PeerKind } from './offer.ts';
import type { PeerStreamName } from './stream-names.ts';

/** What is needed of go2rtc. */
export interface PeerServer {
  state(): Pick<Go2rtcState, 'name' | 'message' | 'cure' | 'pid' | 'webrtc'>;
  settings(): Pick<Go2rtcSettings, 'webrtc'>;
  /** How many take a stream, as of the last look. */
  takers(name: StreamName): number;
  /** The returned function ends it. */
  onChange(listener: () => void): () => void;
  /** Keeps a stream with this source until it is released. */
  claim(name: StreamName, source: string): Pick<StreamClaim, 'release'>;
  /** Starts it anew: who holds on to a connection loses it. */
  recheck(): void;
  /** An offer, cleaned -> the answer as it is. Rejects with words. */
  answer(name: StreamName, offer: string, signal: AbortSignal): Promise<string>;
}

/** What is needed of the cameras. */
export interface PeerCameras {
  list(): readonly { id: CameraId }[];
  get(id: CameraId): Pick<Camera, 'enabled' | 'state' | 'sub' | 'cannot'> | undefined;
  /** As `Cameras.need`. */
  need(id: CameraId, stream: CameraStreamName): () => void;
  /** Where its main stream is, with the login; undefined for one that is gone, or whose password cannot be read. */
  address(id: CameraId): CameraAddress | undefined;
}

/** Where go2rtc gets the pictures of one session. */
export interface ViewSource {
  /** RTSP; starts at the newest keyframe. */
  url: string;
  /** Nothing comes from it any more, whoever holds on to it. Idempotent. */
  close(): void;
}

/** Who wants a session. */
export interface Visit {
  user: number;
  /** Of the user. */
  name: string;
  /** What stands in `Host`. */
  host: string | undefined;
  remoteAddress: string;
  /** Whether the login is there still, with its rights and its cameras. */
  isStillGood(): boolean;
  /** Nobody waits for the answer any more: what was begun for it ends. */
  isGone(): boolean;
}

/** A session, from the moment on in which it is asked for. */
export interface Peer {
  id: string;
  kind: PeerKind;
  camera: CameraId;
  user: number;
  /** Of the user. */
  name: string;
  stream: PeerStreamName;
  /** Its answer is there. */
  isOpen: boolean;
  /** Of the process that has it; undefined until then. */
  pid: number | undefined;
  /** Of a talk: where the camera was when it began. */
  source: string;
  /** Monotonic, as the next. */
  begunMs: number;
  /** When somebody said that it is to go on. */
  keptMs: number;
  /** Looks in turn at which go2rtc knew nobody who takes it. */
  missing: number;
  isStillGood(): boolean;
  /** What it holds, to be given back from the last to the first. */
  undo: (() => void)[];
}

export interface PeerFigures {
  viewers: number;
  talkers: number;
  /** Since the start. */
  begun: Readonly<Record<PeerKind, number>>;
  /** Those that got no answer. */
  failed: number;
  ended: ReadonlyMap<PeerEnd, number>;
}
