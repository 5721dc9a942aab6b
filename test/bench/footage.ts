// A data directory with as much footage as a measurement needs: one recorded segment, and copies of it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ClipSpec, clipFile } from '../support/clips.ts';
import { listSegments, segmentPath } from '../support/footage.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { SegmentTemplate } from '../support/segment-copies.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { type LoopDisk, makeLoopDisk } from './loop-disk.ts';

const RECORD_MS = 9000;

export interface Footage {
  dataDir: string;
  segmentsFolder: string;
  template: SegmentTemplate;
  disk: LoopDisk | undefined;
  remove(): void;
}

/** Records one segment of `clip`, with the usual planned length; its camera (1) is off then. */
export async function makeFootage(
  options: Pick<ServiceOptions, 'command'>,
  clip: ClipSpec,
  sizeMiB: number,
): Promise<Footage> {
  const disk = makeLoopDisk(sizeMiB);
  const dataDir = disk ? mkdtempSync(join(disk.folder, 'data-')) : tempDir('bench');
  const server = await GstCameras.start({ mounts: { camera: { clip: await clipFile(clip) } } });
  try {
    const service = await Service.start({ ...options, dataDir });
    await service.post('/api/cameras', { name: 'Camera', main: { url: server.url('camera') } });
    await new Promise(resolve => setTimeout(resolve, RECORD_MS));
    await service.patch('/api/cameras/1', { record: { mode: 'off' } });
    const [segment] = await listSegments(service, 1);
    await service.stop();
    if (!segment) throw new Error('nothing was recorded');
    const segmentsFolder = join(dataDir, 'segments');
    const template = new SegmentTemplate(join(segmentsFolder, segmentPath(segment)));
    return { dataDir, segmentsFolder, template, disk, remove: () => disk?.remove() };
  } catch (error) {
    disk?.remove();
    throw error;
  } finally {
    await server.stop();
  }
}

/** Takes the index away, so that the next start knows no file. */
export function forgetIndex(dataDir: string): void {
  for (const name of ['index', 'index-backup']) rmSync(join(dataDir, name), { recursive: true, force: true });
}

/** An empty segments folder. */
export function forgetFootage(segmentsFolder: string): void {
  rmSync(segmentsFolder, { recursive: true, force: true });
  mkdirSync(segmentsFolder, { mode: 0o700 });
}

export interface Adopted {
  /** From the ready line on: what the start itself takes is another figure. */
  seconds: number;
  adopted: number;
  repaired: number;
}

/** Starts the service and waits until all files that the index did not know are in it. */
export async function startAndAdopt(options: ServiceOptions): Promise<{ service: Service; adopted: Adopted }> {
  const service = await Service.start(options, 60_000);
  const { timeMs: readyMs } = service.ready as unknown as { timeMs: number };
  const { timeMs, adopted, repaired } = await service.child.line(line => {
    const record = JSON.parse(line) as Adopted & { msg: string; timeMs: number };
    return record.msg === 'files of earlier runs adopted' ? record : undefined;
  }, 120_000);
  return { service, adopted: { seconds: Math.max(0, timeMs - readyMs) / 1000, adopted, repaired } };
}
