// What the rest of the service knows about one segment, and the questions it may ask.
import type { CameraId, EndReason, SegmentKey, StreamName } from '../core/index.ts';

/** The clocks of cameras are off by less, and so are two readings of one: what media say of a length, and what a record says. */
export const CLOCK_SLACK = 0.001;

/** A closed segment of the index. */
export interface Segment extends SegmentKey {
  id: string;
  endMs: number;
  sizeBytes: number;
  /** As in RFC 6381; empty when it is not known. */
  codecs: string;
  endReason: EndReason;
  /** Never deleted by itself. */
  locked: boolean;
  /** Relative to the segments folder. */
  path: string;
}

/** A segment that retention may take. */
export interface AgedSegment extends Segment {
  /** The time that its age counts from. */
  recordedMs: number;
  /** Footage of an event, pre- and post-roll included. */
  ofEvent: boolean;
}

/** What belongs to events, as far as segments are concerned with it. Ranges are sorted and joined. */
export interface EventFootage {
  footage(camera: CameraId, startMs: number, endMs: number, covering: 'any' | 'locked'): [number, number][];
  /** That of events that are not locked, one after the other. */
  unlockedFootage(camera: CameraId, fromMs: number, toMs: number): Iterable<{ fromMs: number; toMs: number }>;
}

/** A segment whose file was closed by the engine and is durable. */
export interface ClosedSegment extends SegmentKey {
  endMs: number;
  sizeBytes: number;
  codecs: string;
  endReason: EndReason;
  /** False when left out. */
  locked?: boolean;
  /** Relative to the segments folder. */
  path: string;
}

/** Segments that overlap [startMs, endMs). */
export interface SegmentQuery {
  camera: CameraId;
  /** Both streams when left out. */
  stream?: StreamName;
  startMs: number;
  endMs: number;
  limit: number;
  /** Where the answer before ended. */
  cursor?: string;
  /** Oldest first when left out. */
  newestFirst?: boolean;
}

export interface SegmentPage {
  segments: Segment[];
  /** Set when there may be more. */
  cursor?: string;
}

/** Where the footage of a stream ends. */
export interface FootageEnd {
  endMs: number;
  clockGen: number;
}

export interface Totals {
  segments: number;
  sizeBytes: number;
}

/** What an examination of a segment file found; the native addon makes these. */
export interface SegmentFacts {
  state: 'whole' | 'repaired' | 'empty' | 'foreign' | 'error';
  /** errno name for `error`; `EBADMSG` when the file was read and no footage of it can be saved. */
  code?: string;
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  clockGen: number;
  endMs: number;
  sizeBytes: number;
  codecs: string;
}

/** How a segment file is examined. */
export interface Examination {
  /** Mends it too, and makes that durable. */
  write: boolean;
  /** Reads all of it. Else a file that was closed is taken at its word as long as its end says the same. */
  thorough: boolean;
}

/** Examines the file at an absolute path. */
export type ExamineSegment = (path: string, storeUuid: string, how: Examination) => Promise<SegmentFacts>;
