// How the service is: the figures and everything that does not work as it should.
import { statfs } from 'node:fs/promises';
import type { GapReason } from '../core/index.ts';
import type { Camera, Degradation, Status } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { type Route, route } from './router.ts';
import type { ApiServices } from './services.ts';

export function statusRoutes(services: ApiServices): Route[] {
  return [
    route('GET', '/api/status', {
      identity: 'public',
      handle: async () => jsonReply(200, await status(services)),
    }),
  ];
}

/** Why a camera is not recorded though its pictures arrive: reasons that somebody can do something about. */
const STORAGE_GAPS: Partial<Record<GapReason, { message: string; cure: string }>> = {
  'disk-full': { message: 'the storage volume is full', cure: 'Delete footage, or use a larger volume.' },
  'no-volume': { message: 'the storage volume does not take it', cure: 'Check that the volume is mounted and sound.' },
  'slow-disk': { message: 'the storage volume is too slow', cure: 'Use a faster volume, or a lower bitrate.' },
};

/** Everything that `health` sums up: the store, cameras that should deliver or be recorded and are not, cameras that cannot be read. */
export function degradations(services: ApiServices): Degradation[] {
  const found = services.degradations();
  for (const camera of services.cameras.list()) {
    const problem = cameraProblem(camera, services);
    if (problem) found.push(problem);
  }
  for (const id of services.cameras.unreadable) {
    found.push({
      kind: 'camera-settings',
      camera: id,
      message: `The settings of camera ${id} cannot be read.`,
      cure: 'Remove the camera and add it again; its footage is kept.',
    });
  }
  return found;
}

function cameraProblem(camera: Camera, services: ApiServices): Degradation | undefined {
  const { id, name, enabled, state, record } = camera;
  if (!enabled || state.name === 'starting') return undefined;
  if (state.name !== 'live') {
    const cure = state.cure ? { cure: state.cure } : {};
    return {
      kind: 'camera',
      camera: id,
      message: `${name}: ${state.message ?? state.name}`,
      sinceMs: state.sinceMs,
      ...cure,
    };
  }
  const gap = record.mode === 'off' ? undefined : services.ongoingGap(id);
  const words = gap && STORAGE_GAPS[gap.reason];
  if (!words) return undefined;
  const message = `${name} is not being recorded: ${words.message}.`;
  return { kind: 'recording', camera: id, message, cure: words.cure, sinceMs: gap.startMs };
}

async function status(services: ApiServices): Promise<Status> {
  const { facts, clock, engine, segments, cameras } = services;
  const { streams, writer } = engine.stats();
  const { queuedBytes, ...written } = writer;
  const memory = process.memoryUsage();
  return {
    service: {
      version: facts.version,
      startedMs: facts.startedMs,
      uptimeMs: Math.round(process.uptime() * 1000),
      pid: process.pid,
    },
    memory: {
      rssBytes: memory.rss,
      heapBytes: memory.heapUsed,
      ringBytes: streams.reduce((sum, stream) => sum + stream.ringBytes, 0),
      writerQueueBytes: queuedBytes,
    },
    storage: {
      dataDir: facts.dataDir,
      ...(await volume(facts.dataDir)),
      ...segments.totals(),
      writer: written,
    },
    hub: facts.hub,
    cameras: cameras.list().map(({ id, name, state }) => ({
      id,
      name,
      state: state.name,
      lastPacketMs: state.lastPacketMs,
    })),
    degradations: degradations(services),
    timeMs: clock.nowMs(),
    clock: services.storage.clockState(),
  };
}

/** A volume that hangs or is gone says nothing; the rest of the figures is shown all the same. */
async function volume(path: string): Promise<{ freeBytes?: number; totalBytes?: number }> {
  try {
    const { bsize, bavail, blocks } = await statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return {};
  }
}
