// Most shapes that the API sends: types only, a part of the contract.
import type { AuditAction, Right, Role } from '../accounts/index.ts';
import type { Camera, RecordMode } from '../cameras/index.ts';
import type {
  CameraId,
  CameraStateName,
  EndReason,
  ErrorKind,
  GapReason,
  LogLevel,
  StreamName,
} from '../core/index.ts';
import type { EventFigures, EventView, Webhook, WebhookFigures, WebhooksPatch } from '../events/index.ts';
import type { Go2rtcPatch, Go2rtcPreferences, Go2rtcState } from '../go2rtc/index.ts';
import type { MqttPatch, MqttSettings } from '../mqtt/index.ts';
import type { StreamProblem } from '../native/index.ts';
import type { OnvifProblem } from '../onvif/index.ts';
import type { CameraForecast, RetentionProblem, StoragePatch, StorageSettings } from '../recording/index.ts';
import type { RestreamPatch, RestreamSettings } from '../restream/index.ts';
import type { StoreProblem } from '../storage/index.ts';

export type { Camera, CameraPatch, CameraState, NewCamera, ProbeInput, ProbeResult } from '../cameras/index.ts';
/** `POST /api/settings/webhooks/test` */
export type { TriggerInput as Trigger, WebhookTestResult } from '../events/index.ts';

export interface ErrorBody {
  error: {
    kind: ErrorKind;
    message: string;
    /** Path of the input field that is wrong. */
    field?: string;
    /** What to do about it. */
    cure?: string;
  };
}

/** `GET /api/health` */
export interface Health {
  status: 'ok' | 'degraded' | 'starting' | 'stopping';
}

/** `GET /api/cameras` */
export interface CameraList {
  cameras: Camera[];
}

/** `DELETE /api/cameras/{id}?footage=delete` where locked segments stay; else the answer is empty (204). */
export interface FootageKept {
  kept: { segments: number; sizeBytes: number };
  message: string;
  cure: string;
}

export interface Segment {
  id: string;
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  /** For an open segment the end of its last whole fragment. */
  endMs: number;
  sizeBytes: number;
  /** As in RFC 6381. */
  codecs: string;
  /** True while it is being written. */
  open: boolean;
  /** Never deleted by itself. Also footage of a locked event is not, whatever this says. */
  locked: boolean;
  /** It overlaps an event, pre- and post-roll included. */
  hasEvents: boolean;
  /** Absent while it is open. */
  endReason?: EndReason;
}

/** `GET /api/segments?camera&stream&startMs&endMs&limit&cursor`, oldest first. */
export interface SegmentList {
  segments: Segment[];
  /** Present when there is more. */
  cursor?: string;
}

export interface Gap {
  startMs: number;
  /** Absent while it lasts. */
  endMs?: number;
  reason: GapReason;
}

/**
 * `GET`, `PATCH /api/events/{id}`. `reviewed` is that of the user who asks (of a token: of its user), here, in lists and in what
 * `/api/updates` tells; each marks for itself, viewers too. Whoever comes new has reviewed nothing, but for events that were marked
 * when there was one mark for all.
 */
export type Event = EventView;

/** `GET /api/events?camera&label&zone&source&startMs&endMs&reviewed&locked&limit&cursor`, newest first; `reviewed` by the user who asks. */
export interface EventList {
  events: Event[];
  /** Present when there is more. */
  cursor?: string;
}

/** `POST /api/cameras/{id}/trigger` */
export interface TriggerReply {
  /** The id of the event that it belongs to; absent where nothing is recorded, and for a stop of nothing. */
  event?: string;
}

/** `POST /api/cameras/{id}/record`: by hand with `action` (202), or another mode from now on (200). */
export interface RecordReply extends TriggerReply {
  /** When it ends by itself. */
  untilMs?: number;
  /** The mode that is in force. */
  mode?: RecordMode;
}

/** Closed list: what is wrong with the store, then with one camera. */
export type ProblemKind =
  | StoreProblem['kind']
  | RetentionProblem['kind']
  | 'recording'
  | 'camera'
  | 'camera-settings'
  | 'sub-stream'
  | StreamProblem
  // The memory of a camera does not reach back as far as its events are to.
  | 'short-pre-roll'
  | 'go2rtc'
  | 'mqtt'
  // Another program cannot fetch streams, as there is no port for it.
  | 'restream'
  | 'configuration'
  // A camera cannot be reached over ONVIF, or no messages come from it.
  | `onvif-${OnvifProblem}`
  | 'onvif-events';

/** Something that does not work as it should, with what to do about it. */
export interface Problem {
  kind: ProblemKind;
  message: string;
  camera?: CameraId;
  cure?: string;
  sinceMs?: number;
}

/** `POST /api/links`: of m3u8, segments, clips, exports and pictures. Removing its user ends it too. */
export interface NewLink {
  /** Begins with `/api/`. */
  url: string;
  expiresMs: number;
}

/** `GET /api/settings`; `PATCH` takes any part of it. */
export interface Settings {
  storage: StorageSettings;
  log: LogSettings;
  /** `PATCH` takes the whole list; a `secret` beside each, which is never shown. */
  webhooks: Webhook[];
  mqtt: MqttSettings;
  go2rtc: Go2rtcPreferences;
  restream: RestreamSettings;
  /** Further names under which the service answers; `PATCH` takes the whole list. */
  hosts: string[];
  /** Sections that a configuration file gives; `PATCH` refuses them. */
  provisioned: ('storage' | 'mqtt' | 'go2rtc' | 'restream')[];
}

/** `PATCH /api/settings` */
export interface SettingsPatch {
  storage?: StoragePatch;
  log?: { level?: LogLevel; tags?: Record<string, LogLevel | null> };
  webhooks?: WebhooksPatch;
  mqtt?: MqttPatch;
  go2rtc?: Go2rtcPatch;
  restream?: RestreamPatch;
  hosts?: string[];
}

/** What is logged, until the service ends; it starts with what `--log` says. */
export interface LogSettings {
  level: LogLevel;
  /** Levels of single parts by their tag; `PATCH` takes one back with null. */
  tags: Record<string, LogLevel>;
}

/** `GET /api/storage` */
export type { StorageFigures as StorageInfo } from '../recording/index.ts';

/** `GET /api/storage/forecast?camera&days&quotaBytes&bitrateBps&floorBytes&totalQuotaBytes` */
export interface Forecast {
  cameras: CameraForecast[];
}

/** Fields besides these differ from line to line. */
export interface LogLine {
  timeMs: number;
  level: LogLevel;
  tag: string;
  msg: string;
  /** How many lines of this kind this one stands for: failures that repeat are written once a second. */
  repeated?: number;
  [field: string]: unknown;
}

/** `GET /api/logs?level&tag&camera&limit&afterMs`: the newest lines that memory holds, newest last. */
export interface LogLines {
  lines: LogLine[];
}

/** `GET /api/status` */
/** Of the encrypted address; absent where there is none. */
export interface HttpsFacts {
  url: string;
  /** SHA-256 of the certificate, as browsers show it: `AB:CD:…`. */
  fingerprint: string;
  /** Made by the service itself: browsers warn of it until somebody has compared the fingerprint. */
  selfSigned: boolean;
  validUntilMs: number;
}

export interface Status {
  service: { version: string; startedMs: number; uptimeMs: number; pid: number; https?: HttpsFacts };
  memory: {
    rssBytes: number;
    /** Memory that only swap could take back; absent where the kernel does not tell. */
    anonymousBytes?: number;
    /** In use on the heap of JavaScript. */
    heapBytes: number;
    /** Held by JavaScript outside its heap. */
    externalBytes: number;
    /** Packets kept in memory, all streams. */
    ringBytes: number;
    /** Media on its way to the volume. */
    writerQueueBytes: number;
    /** Pages of the index in use; they are files' pages, mapped. */
    indexBytes: number;
    /** Messages of webhooks that wait. */
    webhookQueueBytes: number;
    /** The same of MQTT. */
    mqttQueueBytes: number;
  };
  storage: {
    dataDir: string;
    /** Of the volume; absent when it cannot be asked. */
    freeBytes?: number;
    totalBytes?: number;
    segments: number;
    sizeBytes: number;
    writer: { writtenBytes: number; mediaBytes: number; syncs: number; slowestSyncMs: number };
  };
  /** Of this run, but for what goes on. */
  events: Pick<EventFigures, 'ongoing' | 'droppedStarts' | 'pictures'> & {
    triggers: number;
    opened: number;
    webhooks: WebhookFigures;
  };
  /** The way to cameras that do not say otherwise. */
  hub: 'auto' | 'direct' | 'go2rtc';
  /** The child process for cameras and browsers that need it; where it is not well, message and cure say why. */
  go2rtc: Omit<Go2rtcState, 'streams' | 'path'>;
  cameras: { id: CameraId; name: string; state: CameraStateName; lastPacketMs: number }[];
  problems: Problem[];
  /** The clock of this machine. */
  timeMs: number;
  /** Footage is deleted by its age only while the clock is trusted. The generation counts the steps of the clock. */
  clock: { trusted: boolean; generation: number };
}

/**
 * The texts of WebSocket `/api/cameras/{id}/live?stream=main|sub&audio=0|1`. Behind each comes one binary message with the init segment
 * that holds from then on, then one binary message per fragment; a fragment that begins with a keyframe can be decoded without those
 * before it. Media time and UTC belong together: `zeroMs + 1000 * time`. Media time
 * goes on from header to header, of one stream and of both; it begins anew only when the clock of the board is set.
 */
export interface LiveHeader {
  /** As in RFC 6381, with the sound's where there is sound. A change of their number needs a new SourceBuffer. */
  codecs: string;
  width: number;
  height: number;
  /** As its parameter sets say, 0 = they do not. */
  fps: number;
  /** UTC of the first picture behind this header. */
  startMs: number;
  /** UTC of media time 0. */
  zeroMs: number;
  stream: StreamName;
  /** One key picture of the main stream follows, until the sub stream that was asked for is connected and a header of its own comes. */
  still?: true;
}

/** What clients may send over it. Behind a pause fragments begin anew with a keyframe. */
export interface LivePause {
  pause: boolean;
}

/**
 * Why the board closed a live WebSocket: 4000 the camera or stream was removed, disabled, or never had that stream; 1008 it may not be seen
 * any more; 1013 the client takes too little, or too many watch; 1001 the service stops. The reason says it in words.
 */
export type LiveCloseCode = 4000 | 1008 | 1013 | 1001;

export type { AuditAction, Right, Role } from '../accounts/index.ts';

/** `GET /api/setup`, for everybody. */
export interface SetupState {
  /** True while there is no account. */
  open: boolean;
}

/** `POST /api/setup {code, name, password}` -> 201, `POST /api/login {name, password, totp?}` -> 200; both set the cookie `thimble_session`. */
export interface LoggedIn {
  name: string;
  role: Role;
}

/** `GET /api/me`; `PATCH /api/me {currentPassword, password}` ends all other sessions and changes the cookie. */
export interface Me {
  id: number;
  name: string;
  role: Role;
  /** Those it may see; absent = all. */
  cameras?: CameraId[];
  /** All of them for an admin. */
  rights: Right[];
  by: 'session' | 'token';
  boardTimeMs: number;
  /** Of the board, as in `Europe/Berlin`. */
  timeZone: string;
  /** When the session ends however much it is used, or the token expires; absent for tokens without an end. */
  expiresMs?: number;
}

/** `POST`, `PATCH /api/users` answer with it. `POST {name, password, role, cameras?, rights?}`; `PATCH` takes each of them; `cameras: null` = all. */
export interface User {
  id: number;
  name: string;
  role: Role;
  /** Those it may see; absent = all. */
  cameras?: CameraId[];
  rights: Right[];
  createdMs: number;
  /** To the hour. */
  lastSeenMs?: number;
  /** Its key in the configuration file that gives it: nobody else may change it. */
  provisioned?: string;
  sessions: number;
  tokens: number;
}

/** `GET /api/users` */
export interface UserList {
  users: User[];
}

export interface Session {
  id: string;
  /** Id of the user. */
  user: number;
  createdMs: number;
  /** To the hour. */
  lastSeenMs: number;
  /** When it ends however much it is used. */
  expiresMs: number;
  address: string;
  /** As the browser calls itself; absent when it did not say. */
  userAgent?: string;
  /** True for the one that asks. */
  current: boolean;
}

/** `GET /api/sessions?user` (one's own; of others for an admin). `DELETE /api/sessions/{id}`; `DELETE /api/sessions?user` ends all but the one that asks. */
export interface SessionList {
  sessions: Session[];
}

export interface Token {
  id: string;
  user: number;
  name: string;
  role: Role;
  cameras?: CameraId[];
  rights: Right[];
  createdMs: number;
  expiresMs?: number;
  /** To the hour; absent while it was never used. */
  lastUsedMs?: number;
}

/** `GET /api/tokens?user` (one's own; of others for an admin). `DELETE /api/tokens/{id}` */
export interface TokenList {
  tokens: Token[];
}

/** `POST /api/tokens {name, role?, cameras?, rights?, expiresMs?}` -> 201, from a session only: never more than its user may. */
export interface NewToken extends Token {
  /** Shown this once. */
  token: string;
}

export interface AuditEntry {
  id: number;
  timeMs: number;
  action: AuditAction;
  /** Name of who did it; for failed logins of who it was to be. */
  user?: string;
  /** How it was proved who it was. */
  by?: 'session' | 'token' | 'link';
  address?: string;
  /** What it was done to, as in `camera 3`, `user anna`, `GET /api/logs`. */
  target?: string;
  detail?: string;
  /** How many times within a minute; absent = once. */
  count?: number;
}

/** `GET /api/audit?action&limit&cursor`, newest first. */
export interface AuditList {
  entries: AuditEntry[];
  /** Present when there is more. */
  cursor?: string;
}
