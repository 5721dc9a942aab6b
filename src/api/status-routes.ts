// How the service is: the figures and everything that does not work as it should.
import { type Caller, seesCamera } from '../accounts/index.ts';
import { processMemory } from '../core/index.ts';
import type { Status } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { problems } from './problems.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';
import { volumeSpace } from './volume-space.ts';

export function statusRoutes(services: ApiServices) {
  return [
    route('GET', '/api/status', {
      identity: 'viewer',
      summary: 'How the service is, with everything that does not work as it should.',
      handle: async ({ caller }) => jsonReply(200, await status(services, caller)),
    }),
  ];
}

async function status(services: ApiServices, caller: Caller): Promise<Status> {
  const { facts, clock, engine, segments, cameras } = services;
  const { streams, writer } = engine.stats();
  const { queuedBytes, ...written } = writer;
  const [memory, volume] = await Promise.all([processMemory(), volumeSpace(facts.dataDir)]);
  return {
    service: {
      version: facts.version,
      startedMs: facts.startedMs,
      uptimeMs: Math.round(process.uptime() * 1000),
      pid: process.pid,
      ...(facts.https && { https: facts.https }),
    },
    memory: {
      ...memory,
      ringBytes: streams.reduce((sum, stream) => sum + stream.ringBytes, 0),
      writerQueueBytes: queuedBytes,
      indexBytes: services.indexBytes(),
      webhookQueueBytes: services.webhooks.figures().queuedBytes,
      mqttQueueBytes: services.mqtt.state().queuedBytes,
    },
    storage: {
      dataDir: facts.dataDir,
      ...volume,
      ...segments.totals(),
      writer: written,
    },
    events: eventStatus(services),
    hub: facts.hub,
    go2rtc: go2rtcStatus(services),
    cameras: cameras
      .list()
      .filter(({ id }) => seesCamera(caller, id))
      .map(({ id, name, state }) => ({ id, name, state: state.name, lastPacketMs: state.lastPacketMs })),
    problems: problems(services).filter(({ camera }) => camera === undefined || seesCamera(caller, camera)),
    timeMs: clock.nowMs(),
    clock: services.storage.clockState(),
  };
}

/** Its streams are told of by their cameras, and where the program lies is for admins. */
function go2rtcStatus({ go2rtc }: ApiServices): Status['go2rtc'] {
  const { streams: _streams, path: _path, ...rest } = go2rtc.state();
  return rest;
}

function eventStatus({ events, webhooks }: ApiServices): Status['events'] {
  const { triggers, opened, ...rest } = events.figures();
  const sum = (counts: { count: number }[]) => counts.reduce((total, { count }) => total + count, 0);
  return { ...rest, triggers: sum(triggers), opened: sum(opened), webhooks: webhooks.figures() };
}
