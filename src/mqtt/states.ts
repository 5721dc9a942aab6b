// What is retained of the recorder and its cameras, made from what they are now.
import type { Camera } from '../cameras/index.ts';
import type { CameraId } from '../core/index.ts';
import { type CameraState, OFFLINE, ONLINE } from './topics.ts';

export interface StorageFacts {
  freeBytes: number;
  totalBytes: number;
  cameras: readonly { camera: CameraId; oldestMs?: number }[];
}

const DAY_MS = 86_400_000;

/** All but the picture. Texts, so that what has not changed is known by comparing them. */
export function cameraStates(camera: Camera, isOngoing: boolean, daysKept: number): [CameraState, string][] {
  const { enabled, record, state } = camera;
  const { main } = state;
  const status = {
    state: state.name,
    ...(state.reason !== undefined && { reason: state.reason }),
    ...(state.message !== undefined && { message: state.message }),
    sinceMs: state.sinceMs,
    bitrateBps: state.name === 'live' && main ? Math.round(main.bitrateBps / 1000) * 1000 : 0,
    ...(main && { codec: main.codec, width: main.width, height: main.height, fps: Math.round(main.fps * 10) / 10 }),
    reconnects: state.reconnects,
    problems: state.problems,
    daysKept,
  };
  return [
    ['available', state.name === 'live' ? ONLINE : OFFLINE],
    ['status', JSON.stringify(status)],
    ['motion', isOngoing ? 'ON' : 'OFF'],
    ['record/state', record.mode],
    ['enabled/state', enabled ? 'ON' : 'OFF'],
  ];
}

export interface SystemFacts {
  version: string;
  startedMs: number;
  rssBytes: number;
  storage: StorageFacts | undefined;
  cameras: readonly Camera[];
  /** What does not work as it should, cameras apart. */
  problems: number;
  nowMs: number;
}

export function systemStatus({ version, startedMs, rssBytes, storage, cameras, problems, nowMs }: SystemFacts): string {
  const wanted = cameras.filter(({ enabled }) => enabled);
  const live = wanted.filter(({ state }) => state.name === 'live').length;
  const away = wanted.filter(({ state }) => state.name !== 'live' && state.name !== 'starting').length;
  return JSON.stringify({
    version,
    startedMs,
    cameras: cameras.length,
    camerasLive: live,
    problems: problems + away,
    // To 0.1 MiB: less is noise.
    rssBytes: Math.round(rssBytes / 104_857.6) * 104_858,
    diskFreeBytes: storage?.freeBytes ?? 0,
    diskTotalBytes: storage?.totalBytes ?? 0,
    daysKept: Math.max(0, ...(storage?.cameras.map(({ oldestMs }) => daysSince(oldestMs, nowMs)) ?? [])),
  });
}

/** As Home Assistant's update entity takes it; nobody here knows of later versions, so it says none. */
export function updateState(version: string): string {
  return JSON.stringify({ installed_version: version, title: 'Thimble' });
}

/** To 0.1; 0 = there is no footage. */
export function daysSince(oldestMs: number | undefined, nowMs: number): number {
  return oldestMs === undefined ? 0 : Math.max(0, Math.round(((nowMs - oldestMs) / DAY_MS) * 10) / 10);
}
