// What waiting for events costs: cameras of mode `events` in which nothing happens, beside the same cameras in mode `continuous` in
// another service at the same time.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../src/api/contract.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { segmentFiles } from '../support/footage.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { type LoopDisk, makeLoopDisk } from './loop-disk.ts';
import { median } from './percentile.ts';
import { type ProcessFigures, processFigures, writtenBytes } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const CAMERAS = 8;
const PRE_ROLL_MS = 10_000;
/** Until the rings are full: the pre-roll, 2 s for late triggers, two GOPs of 2 s; and until the garbage of the start is collected. */
const SETTLE_MS = PRE_ROLL_MS + 15_000;
/** Rings grow and shrink with each GOP, so they are asked for with each look at the memory; seldom, since that costs CPU. */
const SAMPLE_MS = 3000;
const MIB = 1024 * 1024;

interface Side {
  service: Service;
  disk: LoopDisk | undefined;
}

interface Taken {
  process: ProcessFigures;
  ringMiB: number;
  /** By the service's own count: media, and all bytes of its segment files. */
  mediaBytes: number;
  ioBytes: number;
  blockBytes: number | undefined;
}

export async function measureIdleEvents(
  options: Pick<ServiceOptions, 'command'>,
  seconds: number,
): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const urls = names.map(name => server.url(name));
  const sides: Side[] = [];
  try {
    for (const mode of ['events', 'continuous'] as const) {
      const disk = makeLoopDisk(256 + CAMERAS * Math.ceil((seconds + 60) / 3));
      const dataDir = disk ? mkdtempSync(join(disk.folder, 'data-')) : tempDir('bench');
      const service = await Service.start({ ...options, dataDir });
      sides.push({ service, disk });
      await addCameras(service, urls, { record: { mode }, events: { preRollMs: PRE_ROLL_MS } });
    }
    await pause(SETTLE_MS);
    const before = await Promise.all(sides.map(take));
    const samples: Taken[][] = [];
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
      samples.push(await Promise.all(sides.map(take)));
      await pause(SAMPLE_MS);
    }
    const after = await Promise.all(sides.map(take));
    const files = segmentFiles(sides[0]?.service.dataDir ?? '').length;
    for (const { service } of sides) {
      const { code } = await service.stop();
      if (code !== 0) throw new Error(`the service ended with ${code}`);
    }
    return figures(before, after, samples, { files, seconds }).map(one => ({ ...one, cameras: CAMERAS }));
  } finally {
    await server.stop();
    for (const { disk } of sides) disk?.remove();
  }
}

async function take({ service, disk }: Side): Promise<Taken> {
  const { memory, storage } = await service.get<Status>('/api/status');
  return {
    process: processFigures(service.pid),
    ringMiB: memory.ringBytes / MIB,
    mediaBytes: storage.writer.mediaBytes + storage.writer.writtenBytes,
    ioBytes: writtenBytes(service.pid),
    blockBytes: disk?.writtenBytes(),
  };
}

function figures(
  before: Taken[],
  after: Taken[],
  samples: Taken[][],
  { files, seconds }: { files: number; seconds: number },
): Measured[] {
  const [idleBefore, fullBefore] = before;
  const [idle, full] = after;
  if (!idleBefore || !fullBefore || !idle || !full) throw new Error('nothing was measured');
  if (full.mediaBytes <= fullBefore.mediaBytes) throw new Error('the cameras of mode continuous recorded nothing');
  const cpu = (to: Taken, from: Taken) => to.process.cpuSeconds - from.process.cpuSeconds;
  const more = (name: 'rssMiB' | 'anonMiB') => {
    const without = (taken?: Taken) => (taken ? taken.process[name] - taken.ringMiB : Number.NaN);
    return median(samples.map(([events, continuous]) => without(events) - without(continuous)));
  };
  const perMinute = (bytes: number) => (bytes / 1024 / seconds) * 60;
  const blockBytes = (idle.blockBytes ?? Number.NaN) - (idleBefore.blockBytes ?? Number.NaN);
  return [
    { id: 'idleMedia', value: idle.mediaBytes },
    { id: 'idleFiles', value: files },
    { id: 'idleIo', value: perMinute(idle.ioBytes - idleBefore.ioBytes) },
    { id: 'idleBlock', value: Number.isNaN(blockBytes) ? null : perMinute(blockBytes) },
    { id: 'idleCpu', value: (cpu(idle, idleBefore) / seconds) * 100 },
    { id: 'idleCpuRatio', value: cpu(idle, idleBefore) / cpu(full, fullBefore) },
    { id: 'idleRing', value: idle.ringMiB },
    { id: 'idleRss', value: more('rssMiB') },
    { id: 'idleAnonymous', value: more('anonMiB') },
  ];
}
