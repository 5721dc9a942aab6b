// Cameras that record until a small volume is full and go on: watches the floor meanwhile and judges what is left.
import { statfsSync } from 'node:fs';
import type { Segment, StorageInfo } from '../../src/api/contract.ts';
import { Camera } from './camera.ts';
import { footageFaults, listSegments, timelineOf } from './footage.ts';
import { Service } from './service.ts';

export interface FullVolumeResult {
  floorBytes: number;
  lowestFreeBytes: number;
  /** Segments that retention deleted, in the order of deletion. */
  deleted: string[];
  locked: Segment[];
  remaining: Segment[];
  /** Reasons of all gaps. */
  gapReasons: string[];
  /** Longest time between two segments of a camera that remain and no lock separates. */
  longestHoleMs: number;
  /** What is wrong with the footage. */
  faults: string[];
}

interface Load {
  cameras: number;
  /** Of each camera. */
  bytesPerSecond: number;
}
const TWO_CAMERAS: Load = { cameras: 2, bytesPerSecond: 500_000 };

/** Starts a service on `dir` with cameras that change files each 5 s. */
export async function startFull(
  dir: string,
  load = TWO_CAMERAS,
): Promise<{ service: Service; cameras: Camera[]; ids: number[] }> {
  const service = await Service.start({ dataDir: dir });
  const cameras: Camera[] = [];
  const ids: number[] = [];
  for (let n = 1; n <= load.cameras; n++) {
    const clip = { fps: 10, seconds: 10, gop: 10, unitBytes: load.bytesPerSecond / 10, audio: false };
    const camera = await Camera.start({ clips: [clip] });
    cameras.push(camera);
    const body = { name: `Camera ${n}`, main: { url: camera.url }, record: { segmentMs: 5000 } };
    ids.push((await service.post<{ id: number }>('/api/cameras', body)).id);
  }
  return { service, cameras, ids };
}

/** Records for `ms` on a volume that is full long before, with the first segment of the first camera locked. */
export async function recordPastFull(dir: string, ms: number, load = TWO_CAMERAS): Promise<FullVolumeResult> {
  const { service, cameras, ids } = await startFull(dir, load);
  const [first = 0] = ids;
  const list = await service.until<{ segments: Segment[] }>(
    `/api/segments?camera=${first}`,
    ({ segments }) => segments.some(segment => !segment.open),
    30_000,
  );
  const id = list.segments[0]?.id ?? '';
  await service.patch(`/api/segments/${id}`, { locked: true });
  const { floorBytes } = await service.get<StorageInfo>('/api/storage');
  let lowestFreeBytes = Number.POSITIVE_INFINITY;
  for (const endMs = Date.now() + ms; Date.now() < endMs; ) {
    const { bavail, bsize } = statfsSync(dir);
    lowestFreeBytes = Math.min(lowestFreeBytes, bavail * bsize);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  await Promise.all(ids.map(camera => service.patch(`/api/cameras/${camera}`, { enabled: false })));
  const segments = (await Promise.all(ids.map(camera => listSegments(service, camera)))).flat();
  const gaps = (await Promise.all(ids.map(camera => timelineOf(service, camera)))).flatMap(timeline => timeline.gaps);
  const result: FullVolumeResult = {
    floorBytes,
    lowestFreeBytes,
    deleted: service.log.filter(line => line.msg === 'footage deleted').flatMap(line => line.segments as string[]),
    locked: segments.filter(segment => segment.locked),
    remaining: segments.filter(segment => !segment.locked),
    gapReasons: gaps.map(gap => gap.reason),
    longestHoleMs: Math.max(
      ...ids.map(camera => longestHole(segments.filter(one => one.camera === camera && !one.locked))),
    ),
    faults: await footageFaults(service, () => false),
  };
  await service.stop();
  await Promise.all(cameras.map(camera => camera.stop()));
  return result;
}

function longestHole(segments: readonly Segment[]): number {
  let longest = 0;
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next) longest = Math.max(longest, next.startMs - segment.endMs);
  }
  return longest;
}
