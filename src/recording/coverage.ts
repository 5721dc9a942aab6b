// Which stretch of footage, without a hole, a moment lies in.
import type { CameraId, StreamName } from '../core/index.ts';
import type { EngineStats } from '../native/index.ts';
import type { Store } from '../storage/index.ts';
import { cameraTimeline } from './timeline.ts';

export interface Stretch {
  startMs: number;
  endMs: number;
}

/** No pre-roll reaches further back, and no clip much further ahead. */
const LOOK_BACK_MS = 60_000;
const LOOK_AHEAD_MS = 3_900_000;

/** The stretch around `atMs`, cut off a minute before; undefined when there is no footage of that moment. */
export function stretchAround(
  store: Pick<Store, 'segments' | 'gaps'>,
  stats: EngineStats,
  { camera, stream, atMs }: { camera: CameraId; stream: StreamName; atMs: number },
): Stretch | undefined {
  const range = { camera, stream, startMs: Math.max(0, atMs - LOOK_BACK_MS), endMs: atMs + LOOK_AHEAD_MS };
  const { footage } = cameraTimeline(store, stats, range);
  const found = footage.find(([startMs, endMs]) => startMs <= atMs && atMs <= endMs);
  return found && { startMs: found[0], endMs: found[1] };
}
