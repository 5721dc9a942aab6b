// What the way through go2rtc costs: eight cameras behind it, and the same eight that the service reads itself, at the same time.
import { CLIPS, clipFile } from '../support/clips.ts';
import { hubPid, startWithHub } from '../support/go2rtc/hub-service.ts';
import { realGo2rtc } from '../support/go2rtc/peer.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { FigureId, Measured } from './budgets.ts';
import { median } from './percentile.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const CAMERAS = 8;
const SETTLE_MS = 20_000;
const SAMPLE_MS = 2000;
const SIDES = ['Direct', 'Behind', 'Process'] as const;

/** Throws where there is no go2rtc. */
export async function measureHub(options: Pick<ServiceOptions, 'command'>, seconds: number): Promise<Measured[]> {
  const path = realGo2rtc();
  if (path === undefined) throw new Error('there is no go2rtc here: set GO2RTC_BIN, or put it on the PATH');
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const urls = names.map(name => server.url(name));
  try {
    const direct = await Service.start({ ...options, dataDir: tempDir('bench') });
    const behind = await startWithHub({ name: 'real', path, timeScale: 1 }, { ...options, dataDir: tempDir('bench') });
    await addCameras(direct, urls);
    await addCameras(behind, urls, { hub: 'go2rtc' });
    await pause(SETTLE_MS);
    const pids = [direct.pid, behind.pid, await hubPid(behind)];
    const samples: ProcessFigures[][] = [pids.map(processFigures)];
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
      await pause(SAMPLE_MS);
      samples.push(pids.map(processFigures));
    }
    if ((await hubPid(behind)) !== pids[2]) throw new Error('go2rtc was started again meanwhile');
    for (const service of [direct, behind]) await service.stop();
    const cpu = (side: number) =>
      (((samples.at(-1)?.[side]?.cpuSeconds ?? 0) - (samples[0]?.[side]?.cpuSeconds ?? 0)) / seconds) * 100;
    return SIDES.flatMap((side, index): Measured[] => [
      {
        id: `hub${side}Rss` satisfies FigureId,
        cameras: CAMERAS,
        value: median(samples.map(one => one[index]?.rssMiB ?? 0)),
      },
      { id: `hub${side}Cpu` satisfies FigureId, cameras: CAMERAS, value: cpu(index) },
    ]);
  } finally {
    await server.stop();
  }
}
