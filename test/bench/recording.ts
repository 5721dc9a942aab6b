// One measured round: N cameras recorded by the service and, beside it, by the reference.
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { makeLoopDisk } from './loop-disk.ts';
import { median } from './percentile.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { Reference } from './reference.ts';

interface Status {
  memory: { ringBytes: number };
  storage: { writer: { mediaBytes: number } };
}

interface CameraList {
  cameras: { state: { name: string; droppedBytes: number } }[];
}

const SETTLE_MS = 8000;
const WARM_STARTS = 5;

export interface Round {
  cameras: number;
  service: ProcessFigures;
  ringMiB: number;
  reference: { cpuSeconds: number; pssMiB: number };
  seconds: number;
  /** Null where no block device of our own could be had. */
  blockRatio: number | null;
  startMs: number;
  stopMs: number;
  droppedBytes: number;
}

export async function measureRound(
  options: Pick<ServiceOptions, 'command'>,
  cameras: number,
  seconds: number,
): Promise<Round> {
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: cameras }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const disk = makeLoopDisk(256 + cameras * Math.ceil((seconds + 60) / 3));
  const dataDir = disk ? mkdtempSync(join(disk.folder, 'data-')) : tempDir('bench');
  try {
    const startMs = await warmStart({ ...options, dataDir });
    const service = await Service.start({ ...options, dataDir });
    await addCameras(
      service,
      names.map(name => server.url(name)),
    );
    const reference = new Reference(names.map(name => server.url(name)));
    await pause(SETTLE_MS);

    const before = await snapshot(service);
    const diskBefore = disk?.writtenBytes();
    const referenceBefore = reference.figures();
    await pause(seconds * 1000);
    const after = await snapshot(service);
    const diskAfter = disk?.writtenBytes();
    const referenceAfter = reference.figures();
    const { cameras: list } = await service.get<CameraList>('/api/cameras');
    await reference.stop();

    const began = performance.now();
    const { code } = await service.stop();
    const stopMs = performance.now() - began;
    if (code !== 0) throw new Error(`the service ended with ${code}`);
    const writtenBytes = diskBefore === undefined || diskAfter === undefined ? null : diskAfter - diskBefore;
    return {
      cameras,
      service: { ...after.process, cpuSeconds: after.process.cpuSeconds - before.process.cpuSeconds },
      ringMiB: after.status.memory.ringBytes / 1048576,
      reference: {
        cpuSeconds: sum(referenceAfter, 'cpuSeconds') - sum(referenceBefore, 'cpuSeconds'),
        pssMiB: sum(referenceAfter, 'pssMiB'),
      },
      seconds,
      blockRatio: writtenBytes === null ? null : writtenBytes / (after.mediaBytes - before.mediaBytes),
      startMs,
      stopMs,
      droppedBytes: list.reduce((total, camera) => total + camera.state.droppedBytes, 0),
    };
  } finally {
    await server.stop();
    disk?.remove();
  }
}

/** The figures of rounds with rising numbers of cameras. */
export function roundFigures(rounds: readonly Round[]): Measured[] {
  return rounds.flatMap((round, index) => {
    const { cameras, service, reference, ringMiB } = round;
    const values: Measured[] = [
      { id: 'rss', value: service.rssMiB },
      { id: 'anonymous', value: service.anonMiB },
      { id: 'ring', value: ringMiB },
      { id: 'cpu', value: (service.cpuSeconds / round.seconds) * 100 },
      { id: 'cpuRatio', value: service.cpuSeconds / reference.cpuSeconds },
      { id: 'rssRatio', value: service.pssMiB / reference.pssMiB },
      { id: 'blockRatio', value: round.blockRatio },
      { id: 'start', value: round.startMs },
      { id: 'stop', value: round.stopMs },
      { id: 'dropped', value: round.droppedBytes },
    ];
    const fewer = rounds[index - 1];
    if (fewer && cameras > fewer.cameras) {
      const growth = service.rssMiB - ringMiB - (fewer.service.rssMiB - fewer.ringMiB);
      values.push({ id: 'growth', value: growth / (cameras - fewer.cameras) });
    }
    return values.map(value => ({ ...value, cameras }));
  });
}

/** Adds cameras, with these settings, and waits until all are live. */
export async function addCameras(service: Service, urls: readonly string[], settings: object = {}): Promise<void> {
  for (const url of urls) await service.post('/api/cameras', { name: 'Camera', main: { url }, ...settings });
  const live = (list: CameraList) => list.cameras.every(camera => camera.state.name === 'live');
  await service.until<CameraList>('/api/cameras', live, 60_000);
}

async function snapshot(service: Service): Promise<{ process: ProcessFigures; status: Status; mediaBytes: number }> {
  const process = processFigures(service.pid);
  const status = await service.get<Status>('/api/status');
  return { process, status, mediaBytes: status.storage.writer.mediaBytes };
}

/** Milliseconds from the start of the process to its first HTTP answer, with a data directory that exists; the median of some. */
async function warmStart(options: ServiceOptions): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const first = await Service.start({ ...options, port });
  await first.stop();
  const times: number[] = [];
  for (let round = 0; round < WARM_STARTS; round++) {
    const began = performance.now();
    const { child } = Service.spawn({ ...options, port });
    while (!(await answers(port))) await pause(2);
    times.push(performance.now() - began);
    await child.stop();
  }
  return median(times);
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

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
