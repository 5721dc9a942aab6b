// What the picture of an event costs: processor time and memory, and how much of the memory comes back.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Event, Segment } from '../../src/api/contract.ts';
import { CLIPS, type ClipSpec, clipFile } from '../support/clips.ts';
import { listSegments } from '../support/footage.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import type { FigureId, Measured } from './budgets.ts';
import { processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const HD = { width: 1920, height: 1080, bitrateKbps: 4000 } as const;
const KINDS: { clip: ClipSpec; cpu: FigureId; peak: FigureId; kept: FigureId }[] = [
  { clip: { ...CLIPS.full, ...HD }, cpu: 'pictureH264', peak: 'pictureH264Peak', kept: 'pictureH264Kept' },
  {
    clip: { ...CLIPS.full, ...HD, codec: 'hevc' },
    ...{ cpu: 'pictureH265', peak: 'pictureH265Peak', kept: 'pictureH265Kept' },
  },
];
const RECORD_MS = 12_000;
const PICTURES = 40;
/** Between two: events do not come one right after the other, and caches are not warm. */
const BETWEEN_MS = 50;
const REST_MS = 3000;

export async function measurePictures(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const mounts: Record<string, { clip: string }> = {};
  for (const { clip } of KINDS) mounts[clip.codec] = { clip: await clipFile(clip) };
  const server = await GstCameras.start({ mounts });
  try {
    const service = await Service.start(options);
    const urls = KINDS.map(({ clip }) => server.url(clip.codec));
    await addCameras(service, urls, { events: { mergeMs: 0, postRollMs: 0, preRollMs: 0 } });
    await pause(RECORD_MS);
    const events: Event[] = [];
    for (const [index] of KINDS.entries()) events.push(await eventWithPicture(service, index + 1));
    // Nothing else is to cost anything from now on.
    for (const [index] of KINDS.entries()) await service.patch(`/api/cameras/${index + 1}`, { enabled: false });
    const figures: Measured[] = [];
    for (const [index, { cpu, peak, kept }] of KINDS.entries()) {
      const event = events[index];
      if (!event) throw new Error('there is no event');
      const cost = await costOf(service, index + 1, event);
      figures.push(
        { id: cpu, value: cost.cpuMs },
        { id: peak, value: cost.peakMiB },
        { id: kept, value: cost.keptMiB },
      );
    }
    await service.stop();
    return figures;
  } finally {
    await server.stop();
  }
}

async function eventWithPicture(service: Service, camera: number): Promise<Event> {
  const { event } = await service.post<{ event: string }>(`/api/cameras/${camera}/trigger`, { label: 'person' });
  return service.until<Event>(`/api/events/${event}`, one => one.picture !== undefined, 20_000);
}

/** By the route for pictures of footage, which makes them in the same way: the event's own has to come out of it again. */
async function costOf(service: Service, camera: number, event: Event) {
  const [segment] = (await listSegments(service, camera)).filter(
    one => one.startMs <= event.startMs && one.endMs > event.startMs,
  );
  const { width = 0, atMs = 0 } = event.picture ?? {};
  if (!segment) throw new Error(`there is no footage of ${event.id}`);
  const own = await service.exchange('GET', `/api/events/${event.id}/picture.jpg`);
  const again = await picture(service, segment, atMs, width);
  if (own.status !== 200 || !own.data.equals(again)) throw new Error(`the picture of ${event.id} cannot be made again`);
  await pause(REST_MS);
  const before = processFigures(service.pid);
  forgetPeak(service.pid);
  for (let n = 0; n < PICTURES; n++) {
    const spanMs = segment.endMs - segment.startMs;
    await picture(service, segment, segment.startMs + Math.floor((n * spanMs) / PICTURES), width);
    await pause(BETWEEN_MS);
  }
  const after = processFigures(service.pid);
  const peakMiB = peakRssMiB(service.pid) - before.rssMiB;
  await pause(REST_MS);
  const rested = processFigures(service.pid);
  return {
    cpuMs: ((after.cpuSeconds - before.cpuSeconds) * 1000) / PICTURES,
    peakMiB,
    keptMiB: rested.anonMiB - before.anonMiB,
  };
}

async function picture(service: Service, { id }: Segment, atMs: number, width: number): Promise<Buffer> {
  const path = `/api/segments/${id}/picture.jpg?atMs=${atMs}&width=${width}`;
  const { status, data } = await service.exchange('GET', path);
  if (status !== 200) throw new Error(`GET ${path}: ${status}`);
  return data;
}

/** The kernel's highest mark of resident memory begins anew (proc(5), clear_refs). */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function peakRssMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;
}
