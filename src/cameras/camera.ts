// What a camera is: as the API shows it, as the store keeps it, and as owners write it.
import type { CameraId, CameraStateName } from '../core/index.ts';
import type { LinkProblem } from '../native/index.ts';

/** In this version every camera is reached by RTSP over TCP and records its main stream. */
export interface MainStream {
  /** rtsp:// without user and password. */
  url: string;
  transport: 'tcp';
  /** Tried in turn when `url` does not answer; with the same login. */
  fallbackUrls?: string[];
}

export type RecordMode = 'off' | 'continuous';

export interface RecordSettings {
  mode: RecordMode;
  streams: 'main'[];
  /** Length of a segment file, 5000 to 3600000. */
  segmentMs: number;
}

/** What is deleted by itself; null = no limit of the camera's own. */
export interface RetentionSettings {
  /** Age in days, 1 to 3650. */
  days: number | null;
  /** Most bytes of footage. */
  quotaBytes: number | null;
}

/** Why a camera does not deliver: a problem of the link, or one that keeps us from trying. */
export type CameraProblem = LinkProblem | 'password-unreadable' | 'demo-off';

export interface StreamFacts {
  codec: 'h264' | 'h265';
  width: number;
  height: number;
  fps: number;
  bitrateBps: number;
  gopMs: number;
  /** The codec that is recorded. */
  audio?: 'aac' | 'opus';
  /** The camera's own codec when it is transcoded to the recorded one, e.g. "PCMA". */
  audioSource?: string;
  /** A sound track that cannot be recorded, e.g. "G726-32". */
  audioLeftOut?: string;
}

export interface CameraState {
  name: CameraStateName;
  reason?: CameraProblem;
  /** What happened, one sentence for people. */
  message?: string;
  /** What the owner can do about it. */
  cure?: string;
  sinceMs: number;
  /** UTC of the newest video packet; 0 = none since the camera was connected. */
  lastPacketMs: number;
  /** UTC of the next attempt while the camera is not reached. */
  retryAtMs?: number;
  /** Absent until the camera has described its pictures. */
  main?: StreamFacts;
  reconnects: number;
  droppedBytes: number;
}

interface CameraSettings {
  id: CameraId;
  name: string;
  enabled: boolean;
  /** 0 to 100; higher ones are connected first, and their footage is kept longer when the volume is full. */
  priority: number;
  main: MainStream;
  username?: string;
  audio: boolean;
  record: RecordSettings;
  retention: RetentionSettings;
}

/** The public shape. */
export interface Camera extends CameraSettings {
  hasPassword: boolean;
  /** True for the cameras that --demo adds; they are disabled while the service runs without it. */
  demo?: true;
  state: CameraState;
}

/** What the store keeps. */
export interface CameraRecord extends CameraSettings {
  sealedPassword?: string;
  /** Which of the demo's cameras this is, from 1. */
  demo?: number;
}
