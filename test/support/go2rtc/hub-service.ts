// The service with a go2rtc of a test on its PATH, and cameras to both sides of it.
import { readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Camera as ApiCamera, Gap, Timeline } from '../../../src/api/contract.ts';
import { listSegments } from '../footage.ts';
import { freePort } from '../free-port.ts';
import { Service, type ServiceOptions } from '../service.ts';
import { tempDir } from '../temp.ts';
import type { Program } from './peer.ts';

/** The part of `state` of GET /api/go2rtc that tests look at. */
export interface HubState {
  name: string;
  pid?: number;
  restarts: number;
  message?: string;
  cure?: string;
  streams: { name: string; usable: boolean; consumers: number; moving: boolean }[];
}

/** Options of a service that finds this go2rtc, and no other. */
export function withHub({ path }: Program, options: ServiceOptions = {}): ServiceOptions {
  const dir = tempDir('path');
  symlinkSync(path, join(dir, 'go2rtc'));
  const others = (process.env.PATH ?? '').split(delimiter).filter(one => one !== '');
  return { ...options, env: { ...options.env, PATH: [dir, ...others].join(delimiter) } };
}

/** Starts it with one port for WebRTC that nobody else has. */
export async function startWithHub(program: Program, options: ServiceOptions = {}): Promise<Service> {
  const service = await Service.start(withHub(program, options), 30_000);
  await service.patch('/api/settings', { go2rtc: { webrtcPort: await freePort() } });
  return service;
}

export async function addCamera(service: Service, name: string, url: string, more: object = {}): Promise<number> {
  const camera = { name, main: { url }, record: { segmentMs: 10_000 }, ...more };
  return (await service.post<{ id: number }>('/api/cameras', camera)).id;
}

export function isLive(camera: ApiCamera): boolean {
  return camera.state.name === 'live';
}

/** Footage of the camera from after `sinceMs`. */
export async function recordsAfter(
  service: Service,
  camera: number,
  sinceMs: number,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const segments = await listSegments(service, camera);
    if (segments.some(({ endMs, startMs }) => endMs > sinceMs && endMs > startMs)) return;
    if (Date.now() > deadline) throw new Error(`camera ${camera} does not record again`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Those that were not asked for, since its first picture; in a long time short footage would not be shown between gaps. */
export async function gapsOf(service: Service, camera: number): Promise<Gap[]> {
  const [first] = await listSegments(service, camera);
  const range = `startMs=${first?.startMs ?? 0}&endMs=${Date.now() + 1000}`;
  const { cameras } = await service.get<Timeline>(`/api/timeline?camera=${camera}&${range}`);
  return (cameras[0]?.gaps ?? []).filter(({ reason }) => reason !== 'stopped');
}

/** Resolves with the id of a running go2rtc that is not `before`. */
export async function hubPid(service: Service, before?: number): Promise<number> {
  const { state } = await service.until<{ state: HubState }>(
    '/api/go2rtc',
    ({ state: { name, pid } }) => name === 'ready' && pid !== undefined && pid !== before,
    30_000,
  );
  return state.pid ?? 0;
}

/** On which loopback port it serves RTSP: as its configuration says, which is JSON. */
export function hubRtspPort(pid: number): number {
  const { rtsp } = JSON.parse(readFileSync(configOf(pid), 'utf8')) as { rtsp: { listen: string } };
  return Number(rtsp.listen.split(':').at(-1));
}

/** Path of the configuration of a running one. */
export function configOf(pid: number): string {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return args[args.indexOf('-config') + 1] ?? '';
}
