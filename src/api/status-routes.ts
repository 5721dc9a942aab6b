// How the service is: the figures and everything that does not work as it should.
import { statfs } from 'node:fs/promises';
import type { Degradation, Status } from './contract.ts';
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

/** Everything that `health` sums up: parts of the service, cameras that should deliver and do not, cameras that cannot be read. */
export function degradations(services: ApiServices): Degradation[] {
  const found = services.degradations();
  for (const { id, name, enabled, state } of services.cameras.list()) {
    if (!enabled || state.name === 'live' || state.name === 'starting') continue;
    found.push({
      kind: 'camera',
      camera: id,
      message: `${name}: ${state.message ?? state.name}`,
      sinceMs: state.sinceMs,
      ...(state.cure ? { cure: state.cure } : {}),
    });
  }
  for (const id of services.cameras.unreadable) {
    found.push({
      kind: 'camera-settings',
      camera: id,
      message: `The settings of camera ${id} cannot be read.`,
      cure: 'Add the camera again; its footage is kept.',
    });
  }
  return found;
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
