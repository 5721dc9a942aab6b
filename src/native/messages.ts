// The message-shaped surface of the native engine: commands in, events out, plain data.
import type { CameraId, EndReason, StreamName } from '../core/index.ts';

export interface EngineOptions {
  /** Absolute path of the `segments` folder; it exists. */
  segmentsFolder: string;
  /** 32 hex digits. */
  storeUuid: string;
  /** The clock generation in force; the engine raises it by one at each step of the clock. */
  clockGeneration: number;
  /** Sent with every RTSP request. */
  userAgent: string;
  /** False: addresses of this machine and link-local ones are refused, after name resolution. */
  allowLoopback: boolean;
}

/** What the engine does with one stream. Setting it again changes only what differs. */
export interface StreamSettings {
  camera: CameraId;
  stream: StreamName;
  /** rtsp:// URLs without user and password, tried in turn. None = there is no way at present: the stream is kept, and waits. */
  urls: string[];
  username: string;
  password: string;
  audio: boolean;
  /** Lifts the loopback rule for this stream (the cameras of --demo). */
  allowLoopback: boolean;
  /** go2rtc answers at the URLs, and passes on what it gets from the camera; false when absent. */
  hub?: boolean;
  /** True only after the stream's `open` row is durable. */
  record: boolean;
  /** Only what `capture` asks for is recorded. */
  events: boolean;
  /** How far before the moment of a trigger the ring reaches, 0 to 600000; 0 = no further than it needs to. */
  preRollMs: number;
  segmentMs: number;
  /** Shifts the moments of rotation so that cameras do not rotate together; 0 to segmentMs. */
  rotationOffsetMs: number;
  ringMaxBytes: number;
  /** Where footage of earlier runs ends (UTC), and its clock generation: new footage of that generation begins no earlier. Both or none. */
  footageEndMs?: number;
  footageClockGen?: number;
}

/** `waiting` = between two attempts. */
export type LinkState = 'connecting' | 'live' | 'stalled' | 'waiting';

/** Closed list of what can go wrong on the way to a camera. */
export type LinkProblem =
  | 'refused'
  | 'unreachable'
  | 'unknown-host'
  | 'address-forbidden'
  | 'unauthorized'
  | 'not-found'
  | 'no-video'
  | 'unsupported-codec'
  | 'unsupported-transport'
  | 'busy'
  | 'not-rtsp'
  | 'server-error'
  | 'timeout'
  | 'closed'
  | 'stalled'
  | 'no-keyframe'
  | 'hub';

/** Closed list of what can be wrong with a stream that is received all the same. */
export type StreamProblem = 'bad-clock' | 'long-gop' | 'no-audio' | 'flapping-parameters';

export type EngineEvent =
  | {
      type: 'link';
      camera: CameraId;
      stream: StreamName;
      state: LinkState;
      /** Set for `stalled` and `waiting`. */
      problem?: LinkProblem;
      /** One sentence for people, without secrets. */
      message?: string;
      /** UTC of the newest video packet, 0 = none in this run. */
      lastPacketMs: number;
      /** For `waiting`: UTC of the next attempt. */
      retryAtMs?: number;
    }
  | {
      /** Sent when the list changes; nothing is wrong before the first. */
      type: 'problems';
      camera: CameraId;
      stream: StreamName;
      problems: StreamProblem[];
    }
  | {
      type: 'parameters';
      camera: CameraId;
      stream: StreamName;
      video: { codec: 'h264' | 'h265'; codecString: string; width: number; height: number; fps: number };
      /** What files hold; `source` names the camera's codec when it is another, e.g. "PCMA". */
      audio?: { codec: 'aac' | 'opus'; codecString: string; sampleRate: number; channels: number; source?: string };
      /** A sound track that cannot be recorded, e.g. "G726-32". */
      audioLeftOut?: string;
    }
  | {
      type: 'segment-opened';
      camera: CameraId;
      stream: StreamName;
      startMs: number;
      clockGen: number;
      /** Relative to the segments folder. */
      path: string;
    }
  | {
      type: 'segment-closed';
      camera: CameraId;
      stream: StreamName;
      startMs: number;
      clockGen: number;
      path: string;
      endMs: number;
      sizeBytes: number;
      endReason: EndReason;
      codecs: string;
    }
  | {
      /** Media that was received and could not be stored. */
      type: 'storage-failed';
      camera: CameraId;
      stream: StreamName;
      path: string;
      /** e.g. ENOSPC, EIO; `slow-disk` when the queue was full. */
      code: string;
      step: string;
      startMs: number;
      lostBytes: number;
    }
  | { type: 'clock-step'; clockGeneration: number; stepMs: number };

/** Figures of one stream since it was set; rates over the last 5 s or so. */
export interface StreamStats {
  camera: CameraId;
  stream: StreamName;
  state: LinkState;
  lastPacketMs: number;
  fps: number;
  bitrateBps: number;
  gopMs: number;
  ringBytes: number;
  /** How far back the ring reaches, from a keyframe on. */
  ringMs: number;
  reconnects: number;
  receivedBytes: number;
  lostPackets: number;
  damagedUnits: number;
  droppedBytes: number;
  lateAudioUnits: number;
  /** The segments being written, oldest first: what a reader may count on. Two while one waits for its last sound. */
  open: { startMs: number; clockGen: number; endMs: number; sizeBytes: number; path: string; codecs: string }[];
}

export interface EngineStats {
  streams: StreamStats[];
  writer: { queuedBytes: number; writtenBytes: number; mediaBytes: number; syncs: number; slowestSyncMs: number };
}

/** What a planned export turned out to be. */
export interface ExportFacts {
  sizeBytes: number;
  /** Memory that the plan takes. */
  tableBytes: number;
  /** UTC of the first moment shown. */
  startMs: number;
  durationMs: number;
  /** Hex digits, the same only for the same bytes. */
  digest: string;
  /** Times without footage, with the place in the export where they were. */
  gaps: { startMs: number; endMs: number; atMs: number }[];
}

/** How segment files are examined. */
export interface Examination {
  /** Mends them too, and makes that durable. */
  write: boolean;
  /** Reads each fragment. Else a file with an index is taken at its word as long as its last fragments say the same. */
  thorough: boolean;
}

export interface SegmentReport {
  state: 'whole' | 'repaired' | 'empty' | 'foreign' | 'error';
  /** errno name for `error`. */
  code?: string;
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  clockGen: number;
  endMs: number;
  sizeBytes: number;
  removedBytes: number;
  codecs: string;
}

/** What a decoder has to know for all fragments behind it. */
export interface LiveHeaderFacts {
  type: 'live-header';
  camera: CameraId;
  stream: StreamName;
  /** Of the feed with sound; whether there is any stands in `codecs`. */
  sound: boolean;
  /** Who asked for it; 0 = for all that watch. */
  viewer: number;
  /** The same as long as init segment and times are, within one feed. */
  generation: number;
  codecs: string;
  width: number;
  height: number;
  fps: number;
  /** UTC of the first picture behind it. */
  startMs: number;
  /** UTC of media time 0. */
  zeroMs: number;
  /** ftyp + moov. */
  init: Buffer;
}

/** One moof + mdat. */
export interface LiveFragment {
  type: 'live-fragment';
  camera: CameraId;
  stream: StreamName;
  sound: boolean;
  viewer: number;
  /** Begins with a keyframe. */
  key: boolean;
  /** False: what comes next cannot be decoded behind it, unless it begins with a keyframe. */
  goesOn: boolean;
  sizeBytes: number;
  /** Absent when it fitted into the buffer of `setLiveBuffer`. */
  data?: Buffer;
}

export type LiveEvent = LiveHeaderFacts | LiveFragment;

/** Who may log in at the RTSP server. */
export interface RestreamLogin {
  name: string;
  /** Hexadecimal hashes of `name:realm:secret`; as good as the secret. */
  ha1Md5: string;
  ha1Sha256: string;
  /** Absent = all. */
  cameras?: CameraId[];
}

export interface RestreamAccess {
  realm: string;
  users: RestreamLogin[];
  /** Those that there are, connected or not. */
  streams: { camera: CameraId; stream: StreamName }[];
  /** Whoever names itself from inside, by `?viewer=`, is one of them. */
  viewers: string[];
}

/** Somebody who watches over RTSP. */
export interface RestreamClient {
  camera: CameraId;
  stream: StreamName;
  inside: boolean;
  /** '' from inside. */
  user: string;
  address: string;
  /** UTC. */
  sinceMs: number;
  sentBytes: number;
  /** How often it was so slow that it was moved on to a newer keyframe. */
  skips: number;
}

/** Of the RTSP server. */
export type RestreamEvent =
  /** Clients want a stream; false some seconds after the last one has left. */
  | { type: 'restream-wanted'; camera: CameraId; stream: StreamName; wanted: boolean }
  /** Somebody gave a wrong name or secret; `user` as it was given. At most one a second. */
  | { type: 'restream-refused'; user: string; address: string };
