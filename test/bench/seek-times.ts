// Seeks in 30 days of footage: how long the service takes to say what to fetch, and for a keyframe; each in a segment that was not
// asked about before.
import { DAY_MS } from '../../src/storage/layout.ts';
import { CLIPS } from '../support/clips.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { KeptConnection } from './kept-connection.ts';
import { percentile } from './percentile.ts';
import { SEGMENT_MS, storeDays } from './stored-days.ts';

const DAYS = 30;
const HOUR_MS = 3_600_000;
const CAMERA = 1;
/** Of so many segments one has its media; the others have holes. */
const DENSE = 120;
const SEEKS = 200;
/** What a player asks for: from a little before to a little behind. */
const BEFORE_MS = 2000;
const BEHIND_MS = 20_000;

export async function measureSeeks(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const dataDir = tempDir('seeks');
  const empty = await Service.start({ ...options, dataDir });
  await empty.post('/api/cameras', { name: 'Door', enabled: false, main: { url: 'rtsp://127.0.0.1:9/none' } });
  await empty.stop();
  const beginMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS;
  const whole = { fromMs: 0, toMs: SEGMENT_MS };
  const starts = await storeDays({
    ...{ dataDir, cameras: 1, beginMs, segments: (DAYS * DAY_MS) / SEGMENT_MS, clip: CLIPS.small },
    media: (_, startMs) => (((startMs - beginMs) / SEGMENT_MS) % DENSE === 0 ? whole : undefined),
  });
  const service = await Service.start({ ...options, dataDir }, 60_000);
  const connection = await KeptConnection.open(service.ready.url, service.headers);
  const ask = (path: string) => connection.time(path);
  await ask('/api/health');
  const times: Record<'seek' | 'key' | 'day' | 'hour', number[]> = { seek: [], key: [], day: [], hour: [] };
  const dense = starts.filter((_, number) => number % DENSE === 0);
  for (const startMs of dense) {
    times.key.push(await ask(`/api/cameras/${CAMERA}/keyframe?atMs=${startMs + 123_456}`));
  }
  for (let n = 0; n < SEEKS; n++) {
    // Steps that come by each segment at most once.
    const startMs = starts[(n * 3559 + 7) % starts.length] as number;
    const atMs = startMs + ((n * 7919) % SEGMENT_MS);
    const range = `startMs=${atMs - BEFORE_MS}&endMs=${atMs + BEHIND_MS}`;
    times.seek.push(await ask(`/api/playback?camera=${CAMERA}&${range}`));
    const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
    const day = `camera=${CAMERA}&startMs=${dayMs}&endMs=${dayMs + DAY_MS}&buckets=720&levels=16`;
    times.day.push(await ask(`/api/timeline?${day}`));
    const hour = `camera=${CAMERA}&startMs=${atMs}&endMs=${atMs + HOUR_MS}&buckets=360&levels=16`;
    times.hour.push(await ask(`/api/timeline?${hour}`));
  }
  connection.close();
  await service.stop();
  return [
    { id: 'seekMedian', value: percentile(times.seek, 0.5) },
    { id: 'seekWorst', value: percentile(times.seek, 0.9) },
    { id: 'keyframeMedian', value: percentile(times.key, 0.5) },
    { id: 'keyframeWorst', value: percentile(times.key, 0.9) },
    { id: 'activityDay', value: percentile(times.day, 0.5) },
    { id: 'activityHour', value: percentile(times.hour, 0.5) },
  ];
}
