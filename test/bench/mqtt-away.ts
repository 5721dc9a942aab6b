// What waiting for an MQTT broker costs: a thousand triggers a minute in a service whose broker is away, and the same in one without MQTT.
import { createServer } from 'node:net';
import type { MqttInfo } from '../../src/api/contract.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { median } from './percentile.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const CAMERAS = 8;
const PER_MINUTE = 1000;
const SETTLE_MS = 15_000;
const SAMPLE_MS = 2000;
/** Triggers that come later than this behind the one before begin an event of their own. */
const EVENTS = { mergeMs: 0, preRollMs: 0, postRollMs: 0 };

export async function measureMqttAway(options: Pick<ServiceOptions, 'command'>, minutes: number): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.small);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const urls = names.map(name => server.url(name));
  try {
    const sides = [
      await Service.start({ ...options, dataDir: tempDir('bench') }),
      await Service.start({ ...options, dataDir: tempDir('bench') }),
    ] as const;
    for (const service of sides) await addCameras(service, urls, { events: EVENTS });
    const [away, plain] = sides;
    const { status } = await away.ask('PUT', '/api/settings/mqtt', { enabled: true, url: await deadAddress() });
    if (status !== 200) throw new Error(`the settings were answered with ${status}`);
    await pause(SETTLE_MS);
    const samples = await raise(sides, minutes * 60_000);
    const { state } = await away.get<MqttInfo>('/api/settings/mqtt');
    if (state.name !== 'away' || state.queued === 0) throw new Error(`MQTT is ${JSON.stringify(state)}`);
    for (const service of [away, plain]) await service.stop();
    // The queue is full long before: it is the last third that is compared.
    const last = samples.slice(-Math.ceil(samples.length / 3));
    const more = (name: 'rssMiB' | 'anonMiB') => median(last.map(([one, other]) => one[name] - other[name]));
    const values: Measured[] = [
      { id: 'awayRss', value: more('rssMiB') },
      { id: 'awayAnonymous', value: more('anonMiB') },
      { id: 'awayQueue', value: state.queuedBytes / 1024 },
      { id: 'awayDropped', value: state.dropped },
    ];
    return values.map(one => ({ ...one, cameras: CAMERAS }));
  } finally {
    await server.stop();
  }
}

/** The same triggers to both, at fixed moments. */
async function raise(
  sides: readonly [Service, Service],
  lengthMs: number,
): Promise<[ProcessFigures, ProcessFigures][]> {
  const samples: [ProcessFigures, ProcessFigures][] = [];
  const total = Math.round((lengthMs / 60_000) * PER_MINUTE);
  const began = performance.now();
  const under = new Set<Promise<unknown>>();
  let refused = 0;
  let sampledMs = began;
  for (let n = 0; n < total; n++) {
    const waitMs = began + (n * lengthMs) / total - performance.now();
    if (waitMs > 0) await pause(waitMs);
    const body = { action: 'pulse', label: ['person', 'car', 'cat'][n % 3], score: Math.random() };
    for (const service of sides) {
      const sent = service
        .ask('POST', `/api/cameras/${1 + (n % CAMERAS)}/trigger`, body)
        .then(({ status }) => void (status === 202 || refused++))
        .finally(() => under.delete(sent));
      under.add(sent);
    }
    if (performance.now() - sampledMs < SAMPLE_MS) continue;
    sampledMs = performance.now();
    samples.push(sides.map(({ pid }) => processFigures(pid)) as [ProcessFigures, ProcessFigures]);
  }
  await Promise.all(under);
  if (refused > 0) throw new Error(`${refused} triggers were refused`);
  return samples;
}

/** Nothing listens there. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : 1}`;
}
