// The shapes of timeline, playback, groups and the socket of updates: types only, a part of the contract.
import type { Camera, CameraState } from '../cameras/index.ts';
import type { CameraId, StreamName } from '../core/index.ts';
import type { EventMarks } from '../events/index.ts';
import type { ErrorBody, Event, Gap, Problem } from './contract-shapes.ts';
import type { WebRtcUpdate } from './contract-webrtc.ts';

/** As `ApiRoutes`. */
export interface PlaybackRoutes {
  'GET /api/timeline': {
    query: {
      camera: number[];
      stream?: StreamName;
      startMs: number;
      endMs: number;
      buckets?: number;
      levels?: 16 | 256;
    };
    answer: Timeline;
  };
  'GET /api/days': { query: { camera?: number[]; timeZone?: string; bounds?: string }; answer: Days };
  'GET /api/playback': {
    query: { camera: number; stream?: StreamName; startMs: number; endMs: number; audio?: '0' | '1' };
    answer: Playback;
  };
  'GET /api/segments/{id}/video': { query: { offset: number; sizeBytes: number } };
  'GET /api/cameras/{id}/keyframe': { query: { atMs: number; stream?: StreamName } };
  'GET /api/cameras/{id}/playback.m3u8': {
    query: { stream?: StreamName; startMs?: number; endMs?: number };
  };
  'GET /api/updates': object;
  'GET /api/groups': { answer: GroupList };
  'POST /api/groups': { body: Omit<Group, 'id'>; answer: Group };
  'PATCH /api/groups': { body: { order: number[] }; answer: GroupList };
  'PATCH /api/groups/{id}': { body: Partial<Omit<Group, 'id'>>; answer: Group };
  'DELETE /api/groups/{id}': object;
}

/**
 * `GET /api/timeline?camera=1&camera=2&stream&startMs&endMs&buckets&levels`: footage of one stream (default main); gaps and events are the
 * camera's. Of events the strongest 60, and how many `more` there are. With `buckets` (1 to 1440) pieces of footage closer together than
 * one bucket are one. The answer has an `ETag`.
 */
export interface Timeline {
  cameras: CameraTimeline[];
}

export interface CameraTimeline extends EventMarks {
  camera: CameraId;
  footage: [startMs: number, endMs: number][];
  gaps: Gap[];
  /**
   * With `buckets`: how much happened in each. 0 = no footage; to half of the scale: bytes per second against what is usual for the camera in
   * this range (1 step = usual or less); above: an event, the longer it took of the bucket the higher. A list of 0 to 255, with `levels=16`
   * a text of one hex digit per bucket.
   */
  activity?: number[] | string;
}

/**
 * `GET /api/days?camera=1&camera=2&timeZone` or `&bounds=ms,ms,…`: days with footage or events of any of these cameras, oldest first.
 * With `bounds` (2 to 200 moments, ascending) a day is what lies between two neighbours; else they are those of the time zone.
 */
export interface Days {
  days: Day[];
}

export interface Day {
  startMs: number;
  endMs: number;
  /** YYYY-MM-DD in the time zone; absent with `bounds`. */
  date?: string;
  hasFootage: boolean;
  hasEvents: boolean;
}

/** `key` = 1: it begins with a keyframe. Where it is 0 nobody starts to decode. Offset and size are those of `moof` and `mdat` in the segment's file. */
export type PlaybackFragment = [startMs: number, offset: number, sizeBytes: number, key: 0 | 1];

/** The bytes [0, sizeBytes) of `url`. Segments with the same bytes there share one. */
export interface PlaybackInit {
  id: string;
  /** As in RFC 6381. */
  codecs: string;
  /** Address of the file they stand at the beginning of; begins with `/api/`. */
  url: string;
  sizeBytes: number;
}

export interface PlaybackSegment {
  id: string;
  startMs: number;
  /** Of an open one, the end of its last whole fragment. */
  endMs: number;
  open: boolean;
  /** Of its init segment. */
  init: string;
  /** Of its file, to be asked for with `Range`. */
  url: string;
  /**
   * A picture with the pts p (90 kHz, as the file has it) is shown at startMs + (p - firstPts90k) / 90: with that `timestampOffset` follows.
   * The first fragment's tfdt is 0.
   */
  firstPts90k: number;
  fragments: PlaybackFragment[];
}

/**
 * `GET /api/playback?camera&stream&startMs&endMs&audio`: what to fetch for a range of at most 10 minutes, oldest first. The first fragments
 * are those from the last keyframe at or before `startMs` on, where it stands in the same segment. Where footage overlaps after the clock was
 * set, the newer lies on top. With `audio=0`, init segments and fragments are without sound: `url` then takes `offset` and `sizeBytes` as
 * query and no `Range`.
 */
export interface Playback {
  /** How far the answer goes: less than what was asked for when the range has more than 200 segments. */
  endMs: number;
  inits: PlaybackInit[];
  segments: PlaybackSegment[];
  gaps: Gap[];
}

/**
 * `GET /api/cameras/{id}/keyframe?atMs&stream`: `video/mp4`, a fragment with the one keyframe nearest to `atMs` and not behind it, without
 * sound. Headers: `Thimble-Start-Ms` (UTC of the picture), `Thimble-Segment` (id), `Thimble-Segment-Start-Ms` and `Thimble-First-Pts` (as
 * `startMs` and `firstPts90k` of the segment), `Thimble-Codecs`, `Thimble-Init` (id) and `Thimble-Init-Url` of its init segment: the same as
 * those of `playback?audio=0`. 404 where there is no footage, with `gap` beside `error` when the reason is known.
 */
export interface NoKeyframe extends ErrorBody {
  gap?: Gap;
}

/** `GET /api/groups`; `POST` takes a group without `id`, `PATCH /api/groups/{id}` any part of it, `PATCH /api/groups {order}` the ids in their order. */
export interface GroupList {
  groups: Group[];
}

export type GroupLayout = 'auto' | '1' | '2x2' | '3x3' | '4x4' | '1+5' | '1+7' | 'list';

export interface Group {
  id: number;
  name: string;
  /** In their order; those that the caller may not see are left out. */
  cameras: CameraId[];
  layout: GroupLayout;
}

/** Figures of the moment, on the socket of updates. */
export interface SystemUpdate {
  version: string;
  startedMs: number;
  /** The clock of the board. */
  timeMs: number;
  clockTrusted: boolean;
  rssBytes: number;
  /** Of main streams. */
  cameras: [camera: CameraId, fps: number, bitrateBps: number, lastPacketMs: number][];
}

export interface StorageUpdate {
  freeBytes: number;
  totalBytes: number;
  segments: number;
  sizeBytes: number;
}

/**
 * What WebSocket `/api/updates` sends, one message per text. `hello` comes first, and again when a client read too slowly: it replaces all
 * that was said before; the others change it. Only what the caller may see. Of one thing at most one message each
 * 250 ms, of an event that grows each 2 s.
 */
export type Update =
  | {
      type: 'hello';
      cameras: Camera[];
      /** Those that go on. */
      events: Event[];
      gaps: { camera: CameraId; gap: Gap }[];
      /** Who talks to which camera. */
      talks: { camera: CameraId; by: string }[];
      problems: Problem[];
      storage?: StorageUpdate;
      system: SystemUpdate;
    }
  /** New or changed. */
  | { type: 'camera'; camera: Camera }
  /** It changed by itself. */
  | { type: 'camera'; id: CameraId; state: CameraState }
  | { type: 'camera'; id: CameraId; removed: true }
  | { type: 'event'; event: Event }
  | { type: 'event'; id: string; camera: CameraId; removed: true }
  /** Without `endMs` it was opened. */
  | { type: 'segment'; id: string; camera: CameraId; stream: StreamName; startMs: number; endMs?: number }
  /** Without `endMs` it goes on. */
  | { type: 'gap'; camera: CameraId; gap: Gap }
  /** Footage of [fromMs, untilMs) was deleted, though not all of it where some is locked. */
  | { type: 'deleted'; camera: CameraId; fromMs: number; untilMs: number }
  /** 0 to 15, as `activity` of the timeline; at most one a second and camera, and only changes. */
  | { type: 'activity'; camera: CameraId; level: number }
  /** The whole list. */
  | { type: 'problems'; problems: Problem[] }
  | ({ type: 'storage' } & StorageUpdate)
  | ({ type: 'system' } & SystemUpdate)
  | WebRtcUpdate
  /** Echo of what the client sent. */
  | { ping: number };
