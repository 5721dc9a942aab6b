// What ONVIF costs and how quick it is: eight cameras that tell of motion, and the same eight without ONVIF in another service at the
// same time.

import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';
import type { Measured } from './budgets.ts';
import { median, percentile } from './percentile.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const CAMERAS = 8;
const SETTLE_MS = 15_000;
const SAMPLE_MS = 2000;
const WAIT_MS = 20_000;
const MOTION = 'VideoSource/MotionAlarm';
const LOGIN = { username: 'admin', password: 'of the bench' };
/** What begins sooner behind an end goes on with the same event. */
const MERGE_MS = 1200;
/** An event of its own for each message. */
const EVENTS = { mergeMs: 0, preRollMs: 0, postRollMs: 0 };

export async function measureOnvif(
  options: Pick<ServiceOptions, 'command'>,
  seconds: number,
  messages: number,
): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const urls = names.map(name => server.url(name));
  const devices: OnvifServer[] = [];
  for (const _ of names) devices.push(await startOnvifServer(LOGIN));
  try {
    const [asked, plain] = [
      await Service.start({ ...options, dataDir: tempDir('bench') }),
      await Service.start({ ...options, dataDir: tempDir('bench') }),
    ];
    await addCameras(plain, urls, { events: EVENTS });
    for (const [index, device] of devices.entries()) {
      const onvif = { address: `127.0.0.1:${device.port}`, ...LOGIN };
      await addCameras(asked, [urls[index] ?? ''], { events: EVENTS, onvif });
    }
    for (const id of devices.keys()) {
      const path = `/api/cameras/${id + 1}/onvif`;
      await asked.until<{ state: { events: string } }>(path, ({ state }) => state.events === 'live', WAIT_MS);
    }
    await pause(SETTLE_MS);
    const cost = await compare(asked, plain, seconds);
    const { startMs, toldMs } = await tell(asked, devices, messages);
    for (const service of [asked, plain]) {
      const { code } = await service.stop();
      if (code !== 0) throw new Error(`the service ended with ${code}`);
    }
    const values: Measured[] = [
      ...cost,
      { id: 'onvifTrigger', value: median(startMs) },
      { id: 'onvifTrigger99', value: percentile(startMs, 0.99) },
      { id: 'onvifTriggerWorst', value: Math.max(...startMs) },
      { id: 'onvifTold99', value: percentile(toldMs, 0.99) },
      { id: 'onvifMissed', value: messages - startMs.length },
    ];
    return values.map(one => ({ ...one, cameras: CAMERAS }));
  } finally {
    await server.stop();
    for (const device of devices) await device.close();
  }
}

/** While nothing happens at the cameras but being asked. */
async function compare(asked: Service, plain: Service, seconds: number): Promise<Measured[]> {
  const take = () => [asked, plain].map(({ pid }) => processFigures(pid)) as [ProcessFigures, ProcessFigures];
  const before = take();
  const samples = [before];
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
    await pause(SAMPLE_MS);
    samples.push(take());
  }
  const after = samples.at(-1) ?? before;
  const cpu = (side: 0 | 1) => ((after[side].cpuSeconds - before[side].cpuSeconds) / seconds) * 100;
  const more = (name: 'rssMiB' | 'anonMiB') => median(samples.map(([one, other]) => one[name] - other[name]));
  return [
    { id: 'onvifRss', value: more('rssMiB') },
    { id: 'onvifAnonymous', value: more('anonMiB') },
    { id: 'onvifCpu', value: cpu(0) - cpu(1) },
    { id: 'onvifCpuWithout', value: cpu(1) },
  ];
}

interface Told {
  type: string;
  event?: { id: string; camera: number; startMs: number; endMs?: number };
}

/** Messages at random moments: from when the camera has one to the trigger (the start of its event), and to the pages' hearing of it. */
async function tell(service: Service, devices: readonly OnvifServer[], messages: number) {
  const startMs: number[] = [];
  const toldMs: number[] = [];
  const waiting = new Map<number, (event: NonNullable<Told['event']>) => void>();
  const socket = await WebSocketClient.open(`${service.ready.url}/api/updates`, service.headers);
  socket.answersPings = true;
  socket.onFrame = ({ opcode, payload }) => {
    if (opcode !== 1) return;
    const { type, event } = JSON.parse(payload.toString('utf8')) as Told;
    if (type === 'event' && event) waiting.get(event.camera)?.(event);
  };
  const known = new Set<string>();
  /** The next one that begins, or the end of this one. */
  const heard = (camera: number, ending?: string) =>
    new Promise<NonNullable<Told['event']> | undefined>(resolve => {
      const timer = setTimeout(() => resolve(undefined), WAIT_MS);
      waiting.set(camera, event => {
        if (ending === undefined ? known.has(event.id) : event.id !== ending || event.endMs === undefined) return;
        known.add(event.id);
        clearTimeout(timer);
        resolve(event);
      });
    });
  let left = messages;
  const play = async ({ camera: device }: OnvifServer, camera: number) => {
    while (left-- > 0) {
      await pause(MERGE_MS + Math.random() * 2000);
      const fromMs = Date.now();
      const opened = heard(camera);
      device.setState(MOTION, 'true');
      const event = await opened;
      if (event) {
        startMs.push(event.startMs - fromMs);
        toldMs.push(Date.now() - fromMs);
      }
      const closed = event && heard(camera, event.id);
      device.setState(MOTION, 'false');
      await closed;
    }
  };
  await Promise.all(devices.map((device, index) => play(device, index + 1)));
  socket.destroy();
  return { startMs, toldMs };
}
