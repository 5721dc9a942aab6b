// A data directory whose only camera has footage in known places with numbered pictures: a run of short segments, and single ones long
// before it. Nothing records.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { numberedClip } from './numbered-clip.ts';
import { makeSegmentFile } from './segment-file.ts';
import { Service } from './service.ts';
import { tempDir } from './temp.ts';

export const FPS = 25;
export const SEGMENT_S = 4;

export interface BorderFootage {
  service: Service;
  /** UTC of the first picture of each segment of the run. */
  starts: number[];
  /** Of the single ones, oldest first. */
  islands: number[];
}

/** `borders` + 1 segments that follow each other, and one segment each so many hours before them. */
export async function borderFootage(borders: number, hoursBefore: readonly number[] = []): Promise<BorderFootage> {
  const dataDir = tempDir('borders');
  const empty = await Service.start({ dataDir });
  await empty.post('/api/cameras', { name: 'Door', enabled: false, main: { url: 'rtsp://127.0.0.1:9/none' } });
  await empty.stop();
  const { body } = JSON.parse(readFileSync(join(dataDir, 'identity.json'), 'utf8')) as { body: { store: string } };
  const clip = await numberedClip({ fps: FPS, seconds: SEGMENT_S, gop: FPS });
  const beginMs = Date.now() - 600_000 - borders * SEGMENT_S * 1000;
  // A camera's clock is never quite that of the board: each file begins a little later than the one before it ends.
  const starts = Array.from({ length: borders + 1 }, (_, n) => beginMs + n * (SEGMENT_S * 1000 + 7));
  const islands = hoursBefore.map(hours => beginMs - hours * 3_600_000);
  const key = { camera: 1, stream: 'main', clockGen: 1 } as const;
  const spec = { ...key, storeUuid: body.store, folder: join(dataDir, 'segments'), clip, closed: true };
  for (const startMs of [...islands, ...starts]) await makeSegmentFile({ ...spec, startMs });
  for (const name of ['index', 'index-backup']) rmSync(join(dataDir, name), { recursive: true, force: true });
  const service = await Service.start({ dataDir });
  await service.until<{ segments: unknown[] }>(
    '/api/segments?camera=1&limit=500',
    ({ segments }) => segments.length === starts.length + islands.length,
    30_000,
  );
  return { service, starts, islands };
}
