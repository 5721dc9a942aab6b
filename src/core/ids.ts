// Identifiers and closed lists that several folders share. The spellings are public (API, topics, file names).

/** Cameras are numbered from 1 and never reuse a number. */
export type CameraId = number;

export type StreamName = 'main' | 'sub';
export const STREAM_NAMES: readonly StreamName[] = ['main', 'sub'];

export const END_REASONS = [
  'length',
  'parameters',
  'timestamp-jump',
  'clock-step',
  'reconnect',
  'mode',
  'removed',
  'stop',
  'crash',
  'power-cut',
  'suspect',
  'memory',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Why a camera that should record did not: faults first, then what somebody wanted. */
export const GAP_REASONS = [
  'offline',
  'refused',
  'hub',
  'stalled',
  'slow-disk',
  'disk-full',
  'no-volume',
  'crash',
  'power-cut',
  'restart',
  'memory',
  'clock',
  'schedule',
  'stopped',
  'disabled',
  'privacy',
  'quiet',
  'deleted',
] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** `<camera>-<main|sub>-<startMs>-<clockGen>`: survives a rebuilt index because it follows from the file. */
export function segmentId(camera: CameraId, stream: StreamName, startMs: number, clockGen: number): string {
  return `${camera}-${stream}-${startMs}-${clockGen}`;
}

export interface SegmentKey {
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  clockGen: number;
}

/** The parts of a segment id, or undefined when it is none. */
export function parseSegmentId(id: string): SegmentKey | undefined {
  const match = /^([1-9]\d{0,8})-(main|sub)-(\d{1,15})-(\d{1,9})$/.exec(id);
  if (!match) return undefined;
  return {
    camera: Number(match[1]),
    stream: match[2] as StreamName,
    startMs: Number(match[3]),
    clockGen: Number(match[4]),
  };
}
