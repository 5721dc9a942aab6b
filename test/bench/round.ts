// One measured round: N cameras recorded by the service and, beside it, by the reference.
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { RELEASE_LAUNCHER, Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { makeLoopDisk } from './loop-disk.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { Reference } from './reference.ts';

/** What is measured: the checkout's build or out/release. */
export type Edition = 'development' | 'release';

export interface RoundFigures {
  edition: Edition;
  cameras: number;
  seconds: number;
  service: ProcessFigures & {
    ringMiB: number;
    mediaBytes: number;
    startMs: number;
    stopMs: number;
    exitCode: number | null;
  };
  reference: { cpuSeconds: number; rssMiB: number; pssMiB: number };
  /** Processor time of the service / sum of the reference's, over the same seconds. */
  cpuRatio: number;
  /** Bytes written to the block device / bytes of media; null where no block device of our own could be had. */
  blockRatio: number | null;
  droppedBytes: number;
}

interface Status {
  memory: { ringBytes: number };
  storage: { writer: { mediaBytes: number } };
}

interface CameraList {
  cameras: { state: { name: string; droppedBytes: number } }[];
}

const SETTLE_MS = 8000;

export async function measureRound(edition: Edition, cameras: number, seconds: number): Promise<RoundFigures> {
  const command = edition === 'release' ? [RELEASE_LAUNCHER] : undefined;
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: cameras }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const disk = makeLoopDisk(256 + cameras * Math.ceil((seconds + 60) / 3));
  const dataDir = disk ? mkdtempSync(join(disk.folder, 'data-')) : tempDir('bench');
  try {
    const startMs = await warmStart({ dataDir, ...(command && { command }) });
    const service = await Service.start({ dataDir, ...(command && { command }) });
    for (const name of names) await service.post('/api/cameras', { name, main: { url: server.url(name) } });
    const live = (list: CameraList) => list.cameras.every(camera => camera.state.name === 'live');
    await service.until<CameraList>('/api/cameras', live, 30_000);
    const reference = new Reference(names.map(name => server.url(name)));
    await pause(SETTLE_MS);

    const before = { ...snapshot(service.pid), media: await mediaBytes(service), disk: disk?.writtenBytes() };
    const referenceBefore = reference.figures();
    await pause(seconds * 1000);
    const after = { ...snapshot(service.pid), media: await mediaBytes(service), disk: disk?.writtenBytes() };
    const referenceAfter = reference.figures();
    const status = await service.get<Status>('/api/status');
    const list = await service.get<CameraList>('/api/cameras');
    await reference.stop();

    const began = performance.now();
    const exit = await service.stop();
    const stopMs = performance.now() - began;
    const cpu = after.figures.cpuSeconds - before.figures.cpuSeconds;
    const referenceCpu = sum(referenceAfter, 'cpuSeconds') - sum(referenceBefore, 'cpuSeconds');
    const media = after.media - before.media;
    return {
      edition,
      cameras,
      seconds,
      service: {
        ...after.figures,
        cpuSeconds: cpu,
        ringMiB: status.memory.ringBytes / 1048576,
        mediaBytes: media,
        startMs,
        stopMs,
        exitCode: exit.code,
      },
      reference: {
        cpuSeconds: referenceCpu,
        rssMiB: sum(referenceAfter, 'rssMiB'),
        pssMiB: sum(referenceAfter, 'pssMiB'),
      },
      cpuRatio: cpu / referenceCpu,
      blockRatio: before.disk !== undefined && after.disk !== undefined ? (after.disk - before.disk) / media : null,
      droppedBytes: list.cameras.reduce((total, camera) => total + camera.state.droppedBytes, 0),
    };
  } finally {
    await server.stop();
    disk?.remove();
  }
}

function snapshot(pid: number): { figures: ProcessFigures } {
  return { figures: processFigures(pid) };
}

async function mediaBytes(service: Service): Promise<number> {
  return (await service.get<Status>('/api/status')).storage.writer.mediaBytes;
}

/** Milliseconds from the start of the process to its first HTTP answer, with a data directory that exists. */
async function warmStart(options: ServiceOptions): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const first = await Service.start({ ...options, port });
  await first.stop();
  const began = performance.now();
  const { child } = Service.spawn({ ...options, port });
  while (!(await answers(port))) await pause(5);
  const startMs = performance.now() - began;
  await child.stop();
  return startMs;
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () =>
      socket.write('GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'),
    );
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function sum(figures: ProcessFigures[], name: keyof ProcessFigures): number {
  return figures.reduce((total, entry) => total + entry[name], 0);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
