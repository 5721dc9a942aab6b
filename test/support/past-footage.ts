// Footage at any time of the past in a store of its own: what a camera of ours showed for some seconds, again and again.
import { join } from 'node:path';
import { Camera, type CameraOptions } from './camera.ts';
import { run } from './child.ts';
import { clockGenOf, listSegments, segmentPath } from './footage.ts';
import { readPattern, writeLongSegment } from './long-footage.ts';
import { LAUNCHER, Service, type ServiceOptions } from './service.ts';

/** Footage begins at `startMs` and lasts at least until `endMs`. */
export interface PastSpan {
  startMs: number;
  endMs: number;
}

export interface PastCamera {
  name: string;
  source: CameraOptions;
  /** In order, without overlap. */
  spans: readonly PastSpan[];
}

/** What is repeated: whole seconds, so that keyframes each second or each two meet. */
const PERIOD_S = 2;

/** A service whose cameras, numbered from 1, record no more and have this footage, and that of the seconds in which it was made. */
export async function startWithPast(wanted: readonly PastCamera[], options: ServiceOptions = {}): Promise<Service> {
  const service = await Service.start(options);
  const { dataDir } = service;
  const cameras = await Promise.all(wanted.map(({ source }) => Camera.start(source)));
  for (const [index, { name }] of wanted.entries())
    await service.post('/api/cameras', { name, main: { url: cameras[index]?.url } });
  for (const index of wanted.keys()) await recorded(service, index + 1);
  for (const index of wanted.keys()) await service.patch(`/api/cameras/${index + 1}`, { enabled: false });
  const sources = await Promise.all(wanted.map(async (_, index) => (await listSegments(service, index + 1))[0]));
  await service.stop();
  await Promise.all(cameras.map(camera => camera.stop()));
  const folder = join(dataDir, 'segments');
  for (const [index, { spans }] of wanted.entries()) {
    const source = sources[index];
    if (!source) throw new Error(`camera ${index + 1} was not recorded`);
    const pattern = readPattern(join(folder, segmentPath(source)), PERIOD_S);
    for (const { startMs, endMs } of spans) {
      const periods = Math.ceil(((endMs - startMs) / 1000 - pattern.leadSeconds) / PERIOD_S);
      writeLongSegment(folder, pattern, { camera: index + 1, startMs, clockGen: clockGenOf(source), periods });
    }
  }
  await run(LAUNCHER, ['repair', '--data', dataDir]);
  return Service.start({ ...options, dataDir });
}

/** Resolves when there is more footage than the period. */
async function recorded(service: Service, camera: number): Promise<void> {
  await service.until<{ segments: { startMs: number; endMs: number }[] }>(
    `/api/segments?camera=${camera}`,
    ({ segments: [one] }) => one !== undefined && one.endMs - one.startMs > (PERIOD_S + 2.5) * 1000,
    30_000,
  );
}
