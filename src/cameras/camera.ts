// What a camera is: as the API shows it, as the store keeps it, and as owners write it.
import type { CameraId, CameraStateName } from '../core/index.ts';
import type { LinkProblem, StreamProblem } from '../native/index.ts';
import type { OnvifCapabilities } from '../onvif/index.ts';
import type { OnvifLinkState, OnvifRecord, OnvifSettings } from './onvif-settings.ts';

export const HUB_CHOICES = ['auto', 'direct', 'go2rtc'] as const;
/** The way to a camera: `auto` lets the service choose. */
export type HubChoice = (typeof HUB_CHOICES)[number];

export const TRANSPORTS = ['tcp', 'udp', 'http', 'tls'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Where one stream of a camera is. All URLs of a camera share its login. */
export interface CameraStream {
  /** Without user and password. */
  url: string;
  transport: Transport;
  /** Tried in turn when `url` does not answer. */
  fallbackUrls?: string[];
}

/** `events`: what triggers ask for is written, with the time before them. */
export type RecordMode = 'off' | 'continuous' | 'events';

export const RECORDED_STREAMS = ['auto', 'main', 'both'] as const;
/** `auto`: main, and sub too when main is H.265 and sub is H.264, so that every browser can play. */
export type RecordedStreams = (typeof RECORDED_STREAMS)[number];

export interface RecordSettings {
  mode: RecordMode;
  /**
   * Takes the place of `mode`, unless that is `off`: a letter for each hour of the week from Monday 0:00 in the board's time zone,
   * `c` continuous, `e` events, `r` one event that lasts as long as such hours follow each other, `-` off; 168 of them.
   */
  schedule?: string;
  streams: RecordedStreams;
  /** Length of a segment file, 5000 to 3600000. */
  segmentMs: number;
}

/** What becomes of triggers. */
export interface EventSettings {
  /** Of an event, this much before its cause is recorded, 0 to 30000. */
  preRollMs: number;
  /** And this much after the end of its cause, 0 to 300000. */
  postRollMs: number;
  /** A trigger that comes no later than this behind the last one belongs to the same event, 0 to 600000. */
  mergeMs: number;
  /** Then another event goes on, 10000 to 3600000. */
  maxMs: number;
  /** Cameras that get the triggers of this one too; theirs go no further. */
  alsoTrigger: CameraId[];
}

/** What is deleted by itself; null = no limit of the camera's own. */
export interface RetentionSettings {
  /** Age in days, 1 to 3650. */
  days: number | null;
  /** The same for footage of events; null = as `days`. */
  eventDays: number | null;
  /** Most bytes of footage. */
  quotaBytes: number | null;
}

/** Why a camera does not deliver: a problem of the link, or one that keeps us from trying. */
export type CameraProblem = LinkProblem | Untried;
/** Why it is not even tried; `hub` = there is no way to it. */
export type Untried = 'password-unreadable' | 'demo-off' | 'not-listed' | 'hub';

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

/** How one stream is reached. */
export interface LinkView {
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
  /** What is wrong though pictures arrive; usually nothing. */
  problems: readonly StreamProblem[];
  reconnects: number;
  droppedBytes: number;
}

/** Of the main stream: a camera is as well as that. */
export interface CameraState extends LinkView {
  name: CameraStateName;
  /** Absent until the camera has described its pictures. */
  main?: StreamFacts;
  /** Absent when the camera has no sub stream. */
  sub?: SubState;
  /** Absent when the camera is not used over ONVIF. */
  onvif?: OnvifLinkState;
}

/** The facts are absent until the sub stream was connected for the first time, and kept while it rests. */
export interface SubState extends LinkView, Partial<StreamFacts> {
  /** `idle`: nobody needs it, so it is not connected. */
  name: CameraStateName | 'idle';
}

interface CameraSettings {
  id: CameraId;
  name: string;
  enabled: boolean;
  /** 0 to 100; higher ones are connected first, and their footage is kept longer when the volume is full. */
  priority: number;
  /** Absent = as the service's `--hub` says. */
  hub?: HubChoice;
  main: CameraStream;
  sub?: CameraStream;
  username?: string;
  audio: boolean;
  record: RecordSettings;
  events: EventSettings;
  retention: RetentionSettings;
}

/** What can be done with a camera beside watching it, as far as is known now. */
export interface CameraAbilities {
  ptz: boolean;
  presets: boolean;
  relays: boolean;
  dayNight: boolean;
  /** Sound towards it. */
  talk: boolean;
  /** Sound from it. */
  audio: boolean;
  webrtc: boolean;
  privacy: boolean;
}

/**
 * `go2rtc`: there is none, or none that works; `disabled`: the camera is; `no-speaker`: it has none; `speaker-codec`: its speaker takes no sound
 * that browsers send; `unknown`: it was not reached yet, or cannot be asked.
 */
export type HindranceReason = 'go2rtc' | 'disabled' | 'no-speaker' | 'speaker-codec' | 'unknown';

/** Why something cannot be done with a camera now. */
export interface Hindrance {
  reason: HindranceReason;
  /** One sentence each. */
  message: string;
  cure?: string;
}

/** What takes go2rtc; a hindrance for each that is not there. */
export interface MediaAbilities {
  webrtc?: Hindrance;
  talk?: Hindrance;
}

/** The public shape. */
export interface Camera extends CameraSettings {
  onvif?: OnvifSettings & { hasPassword: boolean };
  can: CameraAbilities;
  /** Why `can.webrtc` and `can.talk` are false; absent for what is true. */
  cannot: MediaAbilities;
  hasPassword: boolean;
  /** True for the cameras that --demo adds; they are disabled while the service runs without it. */
  demo?: true;
  /** The key under which the configuration file of this run gives the camera; the API refuses to change it. */
  provisioned?: string;
  state: CameraState;
}

/** What the store keeps. */
export interface CameraRecord extends CameraSettings {
  sealedPassword?: string;
  onvif?: OnvifRecord;
  /** What the camera was found to be over ONVIF; not a setting. */
  capabilities?: OnvifCapabilities;
  /** Which of the demo's cameras this is, from 1. */
  demo?: number;
  /** The camera came from a configuration file, under this key. */
  provisioned?: {
    key: string;
    /** `listed` in the last file with cameras, `left` it and was disabled by that, or changed by its `owner` without a file. */
    state: 'listed' | 'left' | 'owner';
  };
}
