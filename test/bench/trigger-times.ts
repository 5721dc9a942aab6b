// From a trigger to the moment at which all footage from its pre-roll on is durable: the returns of the service's own fdatasync calls,
// and which bytes of the files hold which pictures by ffprobe.
import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Event, Segment } from '../../src/api/contract.ts';
import { run } from '../support/child.ts';
import { CLIPS, type ClipSpec, clipFile } from '../support/clips.ts';
import { listSegments, segmentPath } from '../support/footage.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { type Sync, SyncTimes } from '../support/sync-times.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { makeLoopDisk } from './loop-disk.ts';
import { percentile } from './percentile.ts';
import { pause } from './recording.ts';

const POST_ROLL_MS = 2000;
const DISK_MIB = 2048;

/** Each with the pre-roll that is asked of it. */
const KINDS: [clip: ClipSpec, preRollMs: number][] = [
  [CLIPS.full, 5000],
  [CLIPS.full, 10_000],
  [CLIPS.fullBFrames, 10_000],
  [CLIPS.fullSilent, 5000],
  [CLIPS.smallBFrames, 5000],
  [CLIPS.smallHevcBFrames, 7500],
  [{ ...CLIPS.smallSilent, fps: 30, gop: 120 }, 5000],
  [{ ...CLIPS.small, fps: 15, seconds: 16, gop: 60 }, 10_000],
];

interface Fired {
  camera: number;
  event: string;
  /** Just before the request went out: also the time that it names as that of the cause. */
  triggerMs: number;
  preRollMs: number;
}

export async function measureTriggers(options: Pick<ServiceOptions, 'command'>, triggers: number): Promise<Measured[]> {
  const mounts: Record<string, { clip: string; audio: boolean }> = {};
  for (const [index, [clip]] of KINDS.entries()) {
    mounts[`camera${index}`] = { clip: await clipFile(clip), audio: clip.audioHz > 0 };
  }
  const server = await GstCameras.start({ mounts });
  const disk = makeLoopDisk(DISK_MIB);
  const dataDir = disk ? mkdtempSync(join(disk.folder, 'data-')) : tempDir('bench');
  try {
    const syncs = await SyncTimes.build();
    const service = await Service.start({ ...options, dataDir, env: syncs.env });
    const fired = await fireAll(
      service,
      Object.keys(mounts).map(name => server.url(name)),
      triggers,
    );
    const segments = new Map<number, Segment[]>();
    for (const { camera } of fired) segments.set(camera, await listSegments(service, camera));
    const events = new Map<string, Event>();
    for (const { event } of fired) events.set(event, await service.get<Event>(`/api/events/${event}`));
    await service.stop();
    const seen = syncs.read();
    const times: number[] = [];
    let faults = 0;
    for (const one of fired) {
      const durableMs = await durableAt(dataDir, one, segments.get(one.camera) ?? [], seen);
      const { promisedMs = 0, deliveredMs = 0 } = events.get(one.event)?.preRoll ?? {};
      if (typeof durableMs === 'string' || deliveredMs < one.preRollMs || promisedMs !== one.preRollMs) {
        process.stderr.write(`event ${one.event}: ${durableMs}, ${deliveredMs} of ${one.preRollMs} ms delivered\n`);
        faults++;
      } else times.push(durableMs - one.triggerMs);
    }
    return [
      { id: 'durableMedian', value: percentile(times, 0.5) },
      { id: 'durable99', value: percentile(times, 0.99) },
      { id: 'durableWorst', value: Math.max(...times) },
      { id: 'durableFaults', value: faults },
    ];
  } finally {
    await server.stop();
    disk?.remove();
  }
}

/** All cameras at once, each again and again when its ring is full and nothing of the last event is left in it. */
async function fireAll(service: Service, urls: readonly string[], triggers: number): Promise<Fired[]> {
  const fired: Fired[] = [];
  let left = triggers;
  const play = async (url: string, [clip, preRollMs]: (typeof KINDS)[number]) => {
    const events = { preRollMs, postRollMs: POST_ROLL_MS, mergeMs: 0 };
    const body = { name: 'Camera', main: { url }, record: { mode: 'events' }, events };
    const { id } = await service.post<{ id: number }>('/api/cameras', body);
    while (left-- > 0) {
      await pause(preRollMs + 2000 + (clip.gop / clip.fps) * 1000 + 2000 + Math.random() * 3000);
      const triggerMs = Date.now();
      const trigger = { action: 'pulse', label: 'person', timeMs: triggerMs };
      const { event } = await service.post<{ event: string }>(`/api/cameras/${id}/trigger`, trigger);
      fired.push({ camera: id, event, triggerMs, preRollMs });
      // No question comes to the service while the footage is on its way.
      await pause(POST_ROLL_MS + 3000);
      const isOver = (one: Event) => one.endMs !== undefined;
      await service.until<Event>(`/api/events/${event}`, isOver, 30_000);
      const closed = ({ segments }: { segments: Segment[] }) => segments.every(segment => !segment.open);
      await service.until(`/api/segments?camera=${id}&limit=500&startMs=${triggerMs}`, closed, 40_000);
    }
  };
  await Promise.all(urls.map((url, index) => play(url, KINDS[index] ?? [CLIPS.full, 0])));
  return fired;
}

/** When everything in [trigger - pre-roll, trigger] was durable, pictures and sound; a sentence where it never was. */
async function durableAt(
  dataDir: string,
  { triggerMs, preRollMs }: Fired,
  segments: readonly Segment[],
  syncs: readonly Sync[],
): Promise<number | string> {
  const fromMs = triggerMs - preRollMs;
  const own = segments.filter(segment => segment.startMs <= triggerMs && segment.endMs > fromMs);
  const [first] = own;
  if (!first || first.startMs > fromMs) return `footage begins ${(first?.startMs ?? Number.NaN) - fromMs} ms late`;
  if ((own.at(-1)?.endMs ?? 0) <= triggerMs) return 'footage ends before the trigger';
  for (const [index, segment] of own.entries()) {
    const before = own[index - 1];
    if (before && segment.startMs > before.endMs) return `there is a hole of ${segment.startMs - before.endMs} ms`;
  }
  let durableMs = 0;
  for (const segment of own) {
    const path = join(dataDir, 'segments', segmentPath(segment));
    const neededBytes = await endOfBytes(path, segment, triggerMs);
    const ofFile = syncs.filter(sync => sync.path === path);
    const whole = ofFile.find(sync => sync.sizeBytes >= neededBytes);
    if (!whole) return `${segment.id} was never synced up to ${neededBytes}`;
    // A file is there after a power cut only when its name is, and that is the folder's to be synced.
    const named = syncs.find(sync => sync.path === dirname(path) && sync.timeMs > segmentFloor(ofFile, triggerMs));
    if (!named || named.timeMs > whole.timeMs) return `the folder of ${segment.id} was not synced before it`;
    durableMs = Math.max(durableMs, whole.timeMs);
  }
  return durableMs;
}

/** After this its folder has to be synced: the file is made after the trigger, unless it was synced before. */
function segmentFloor(ofFile: readonly Sync[], triggerMs: number): number {
  return (ofFile[0]?.timeMs ?? 0) < triggerMs ? 0 : triggerMs;
}

/** Where in the file the last of the packets ends whose time is not after `untilMs`. */
async function endOfBytes(path: string, { startMs }: Segment, untilMs: number): Promise<number> {
  const entries = 'packet=codec_type,pts_time,size,pos';
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', path]);
  const { packets } = JSON.parse(stdout) as {
    packets: { codec_type: string; pts_time: string; size: string; pos: string }[];
  };
  const pictures = packets.filter(packet => packet.codec_type === 'video').map(packet => Number(packet.pts_time));
  const zeroS = Math.min(...pictures);
  const due = packets.filter(({ pts_time }) => startMs + (Number(pts_time) - zeroS) * 1000 <= untilMs);
  if (due.length === 0) throw new Error(`${path} holds nothing before ${untilMs}`);
  return Math.max(...due.map(({ pos, size }) => Number(pos) + Number(size)));
}
