// Names inside the data directory: its folders and the naming rule of segment files (the same as in native/media/segment.h).
import type { CameraId, SegmentKey, StreamName } from '../core/index.ts';

export const INDEX_FOLDER = 'index';
export const SEGMENTS_FOLDER = 'segments';
export const SNAPSHOTS_FOLDER = 'snapshots';
export const QUARANTINE_FOLDER = 'quarantine';
/** All folders of a data directory, each made 0700. */
export const FOLDERS = [INDEX_FOLDER, SEGMENTS_FOLDER, SNAPSHOTS_FOLDER, 'exports', QUARANTINE_FOLDER] as const;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** 9999-12-31: later times do not fit the names of folders. */
export const MAX_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** `YYYY-MM-DD`, UTC. */
export function dayFolder(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** Start of the day that a folder is named after, or undefined when its name is none of ours. */
export function parseDayFolder(name: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(name)) return undefined;
  const startMs = Date.parse(`${name}T00:00:00.000Z`);
  return Number.isNaN(startMs) || dayFolder(startMs) !== name ? undefined : startMs;
}

/** The camera that a folder under `segments` belongs to. */
export function parseCameraFolder(name: string): CameraId | undefined {
  return /^[1-9]\d{0,8}$/.test(name) ? Number(name) : undefined;
}

/**
 * Path of a segment relative to `segments`. Two segments of a stream can have the same start after a backward clock step:
 * the second one carries its clock generation.
 */
export function segmentPath(key: SegmentKey, withGeneration: boolean): string {
  const iso = new Date(key.startMs).toISOString();
  const time = `${iso.slice(11, 13)}-${iso.slice(14, 16)}-${iso.slice(17, 23)}`;
  const generation = withGeneration ? `-${key.clockGen}` : '';
  return `${key.camera}/${iso.slice(0, 10)}/${time}Z-${key.stream}${generation}.mp4`;
}

/** What the name of a segment file says; `clockGen` only where the name carries it. */
export interface NamedSegment {
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  clockGen?: number;
}

/** Reads a path relative to `segments`; undefined when it is not one that `segmentPath` makes. */
export function parseSegmentPath(path: string): NamedSegment | undefined {
  const match =
    /^([1-9]\d{0,8})\/(\d{4}-\d\d-\d\d)\/(\d\d)-(\d\d)-(\d\d\.\d{3})Z-(main|sub)(?:-(0|[1-9]\d{0,8}))?\.mp4$/.exec(
      path,
    );
  if (!match) return undefined;
  const [, camera, day, hours, minutes, seconds, stream, generation] = match;
  const startMs = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
  if (Number.isNaN(startMs)) return undefined;
  const named: NamedSegment = { camera: Number(camera), stream: stream as StreamName, startMs };
  if (generation !== undefined) named.clockGen = Number(generation);
  // Date.parse takes the 31st of April: only a name that comes out the same is ours.
  const key = { camera: named.camera, stream: named.stream, startMs, clockGen: named.clockGen ?? 0 };
  return segmentPath(key, generation !== undefined) === path ? named : undefined;
}
