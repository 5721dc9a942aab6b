// Thousands of lost connections and of new files with many cameras at once: the process stays as it is.
import type { CameraList, Status } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { footageFaults, listSegments } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause } from './fault.ts';
import { Growth } from './growth.ts';

const CAMERAS = 40;
/** New files per lost connection. */
const FILES_PER_RECONNECT = 5;
/** A camera of little media and many keyframes. */
const CLIP = { fps: 5, seconds: 4, gop: 5, unitBytes: 500, audio: false };
/** The least that there is. */
const SEGMENT_MS = 5000;

export const soak: FaultTest = {
  name: 'soak',
  title: `${CAMERAS} cameras that lose their connections; a round is one of them and ${FILES_PER_RECONNECT} new files`,
  rounds: 2000,
  fewRounds: 60,
  problem: () => undefined,
  run,
};

async function run({ rounds, seed, say }: FaultPlan): Promise<FaultResult> {
  const cameras: Camera[] = [];
  const service = await Service.start();
  for (let index = 0; index < CAMERAS; index++) {
    const camera = await Camera.start({ clips: [CLIP] });
    cameras.push(camera);
    const record = { segmentMs: SEGMENT_MS };
    await service.post('/api/cameras', { name: `Camera ${index + 1}`, main: { url: camera.url }, record });
  }
  const chance = chanceOf(seed);
  const growth = new Growth(service.pid);
  const files = rounds * FILES_PER_RECONNECT;
  let closed = 0;
  let segments = 0;
  for (let look = 1; segments < files || closed < rounds; look++) {
    // As many connections as the files so far allow, so that both ends come together.
    for (let due = Math.ceil(segments / FILES_PER_RECONNECT) - closed; due > 0 && closed < rounds; due--) {
      const connected = cameras.filter(camera => camera.connections > 0);
      await connected[chance(connected.length)]?.inject({ kind: 'close' });
      if (connected.length > 0) closed++;
    }
    await pause(1000);
    ({ segments } = (await service.get<Status>('/api/status')).storage);
    growth.look();
    for (const camera of cameras) camera.sent.length = 0;
    if (look % 30 === 0) say(`${segments} files, ${closed} connections: ${JSON.stringify(growth.figures())}`);
  }
  await pause(3000);
  const faults = await judge(service, growth);
  const reconnects = (await service.get<CameraList>('/api/cameras')).cameras.reduce(
    (sum, camera) => sum + camera.state.reconnects,
    0,
  );
  const { code } = await service.stop();
  if (code !== 0) faults.push(`the stop ended with ${code}`);
  for (const camera of cameras) await camera.stop();
  return { faults, figures: { cameras: CAMERAS, segments, closed, reconnects, ...growth.figures() } };
}

async function judge(service: Service, growth: Growth): Promise<string[]> {
  const faults = [...growth.faults(), ...(await footageFaults(service, () => false))];
  const { cameras } = await service.get<CameraList>('/api/cameras');
  for (const { id, state } of cameras) {
    if (state.name !== 'live') faults.push(`camera ${id} is ${state.name}`);
    if (state.droppedBytes > 0) faults.push(`camera ${id} dropped ${state.droppedBytes} bytes`);
    const odd = (await listSegments(service, id)).find(
      segment => !segment.open && !['length', 'reconnect'].includes(segment.endReason ?? ''),
    );
    if (odd) faults.push(`${odd.id} ended with "${odd.endReason}"`);
  }
  return faults;
}
