// Judges the footage of a service: index against files, every file played to its end, times without overlap.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CameraList, Segment, SegmentList, Timeline } from '../../src/api/contract.ts';
import { decodeWhole } from './ffprobe.ts';
import type { Service } from './service.ts';

/** All segments of a camera, oldest first, through as many pages as it takes. */
export async function listSegments(service: Service, camera: number, limit = 500): Promise<Segment[]> {
  const segments: Segment[] = [];
  let cursor: string | undefined;
  do {
    const query = `camera=${camera}&limit=${limit}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = await service.get<SegmentList>(`/api/segments?${query}`);
    segments.push(...page.segments);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return segments;
}

const MONTH_MS = 30 * 86_400_000;

/**
 * The timeline of one camera, a month to both sides. `all`: from 1970 on, with what a clock that was wrong dated into the
 * next hundred days; that may be asked once a second only.
 */
export async function timelineOf(service: Service, camera: number, all = false): Promise<Timeline['cameras'][number]> {
  const [startMs, endMs] = all
    ? [0, Date.now() + 100 * 86_400_000]
    : [Math.max(0, Date.now() - MONTH_MS), Date.now() + MONTH_MS];
  const { cameras } = await service.get<Timeline>(`/api/timeline?camera=${camera}&startMs=${startMs}&endMs=${endMs}`);
  const [only] = cameras;
  if (!only) throw new Error(`the timeline knows no camera ${camera}`);
  return only;
}

/** In which clock generation it was recorded: the last part of its id. */
export function clockGenOf(segment: Pick<Segment, 'id'>): number {
  return Number(segment.id.slice(segment.id.lastIndexOf('-') + 1));
}

/** Path below `segments` that belongs to a segment. */
export function segmentPath(segment: Segment): string {
  const time = new Date(segment.startMs).toISOString();
  const [day, clock] = time.split('T');
  return `${segment.camera}/${day}/${clock?.replaceAll(':', '-')}-${segment.stream}.mp4`;
}

/** Files below `segments`, sorted. */
export function segmentFiles(dataDir: string): string[] {
  const found = readdirSync(join(dataDir, 'segments'), { recursive: true, withFileTypes: true });
  const root = join(dataDir, 'segments').length + 1;
  return found
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root))
    .sort();
}

/**
 * What is wrong with the footage, one sentence each; empty when all is well: index = files, no overlap of segments within a clock
 * generation, and every file that `decode` selects plays to its end (open ones as the API serves them).
 */
export async function footageFaults(
  service: Service,
  decode: (segment: Segment) => boolean = () => true,
): Promise<string[]> {
  const { cameras } = await service.get<CameraList>('/api/cameras');
  const faults: string[] = [];
  const known = new Map<string, Segment>();
  const files = segmentFiles(service.dataDir);
  // Footage of cameras that were removed is kept, and is in the index all the same.
  const ids = new Set([...cameras.map(camera => camera.id), ...files.map(file => Number.parseInt(file, 10))]);
  for (const id of ids) {
    const newest = new Map<string, Segment>();
    for (const segment of await listSegments(service, id)) {
      // Where the clock was put back onto the very millisecond of another file, the name tells the generation.
      const path = segmentPath(segment);
      const own = path.replace(/\.mp4$/, `-${clockGenOf(segment)}.mp4`);
      known.set(files.includes(own) ? own : path, segment);
      if (segment.endMs < segment.startMs) faults.push(`${segment.id} ends before it starts`);
      const line = `${segment.stream} ${clockGenOf(segment)}`;
      const before = newest.get(line);
      if (before && segment.startMs < before.endMs) faults.push(`${segment.id} overlaps ${before.id}`);
      newest.set(line, segment);
    }
  }
  for (const file of files) if (!known.has(file)) faults.push(`the index does not know ${file}`);
  for (const [path, segment] of known) {
    if (!existsSync(join(service.dataDir, 'segments', path))) {
      faults.push(`${path} of the index does not exist`);
    } else if (decode(segment)) {
      const playable = segment.open ? await service.download(segment.id) : join(service.dataDir, 'segments', path);
      await decodeWhole(playable).catch(error => faults.push(`${path}: ${String(error)}`));
    }
  }
  return faults;
}
