// The busy time that failing calls are scattered over: a start with leftovers or from nothing, recording, rotation, changed settings, a
// camera added, an export, deletion by the owner and by retention, and a stop.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CameraList, SegmentList } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import type { Exit } from '../support/child.ts';
import { CLIPS, type ClipSpec, clipFile } from '../support/clips.ts';
import type { FaultyCalls } from '../support/faulty-calls.ts';
import { probe } from '../support/ffprobe.ts';
import { Service } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { pause } from './fault.ts';
import { lastWords } from './last-words.ts';

/** Two cameras overrun the quota below before the end. */
const CLIP: ClipSpec = { ...CLIPS.fullSilent, gop: 25, bitrateKbps: 5000 };
const QUOTA_BYTES = 16 * 1024 * 1024;
const START_MS = 20_000;
/** The API may be busy, but not silent for longer. */
const SILENCE_MS = 5000;

/** What an owner does, by the time since the service was ready. */
interface Act {
  atMs: number;
  act(service: Service): Promise<void>;
}

/** The places where rounds are played: two cameras with addresses that stay, and a data directory to begin with. */
export class Stage {
  readonly cameras: readonly Camera[];
  /** Bytes of each picture that the cameras send, by its hash. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly #template: string;

  private constructor(cameras: Camera[], sizes: Map<string, number>, template: string) {
    this.cameras = cameras;
    this.sizes = sizes;
    this.#template = template;
  }

  static async build(): Promise<Stage> {
    const clip = await clipFile(CLIP);
    const cameras = [await Camera.start({ clips: [clip] }), await Camera.start({ clips: [clip] })];
    const service = await Service.start();
    await addCamera(service, cameras[0]?.url ?? '');
    await service.until<SegmentList>('/api/segments?camera=1', list => list.segments.length >= 3, 30_000);
    service.kill('SIGKILL');
    await service.child.exited;
    const sizes = new Map((await probe(clip)).video.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
    return new Stage(cameras, sizes, service.dataDir);
  }

  /** A folder of its own for a round, with the data directory in it. `fresh`: that does not exist yet. */
  prepare(fresh: boolean): { folder: string; dataDir: string } {
    const folder = tempDir('minute');
    const dataDir = join(folder, 'data');
    if (fresh) mkdirSync(dataDir);
    else cpSync(this.#template, dataDir, { recursive: true, preserveTimestamps: true });
    for (const camera of this.cameras) camera.sent.length = 0;
    return { folder, dataDir };
  }

  async close(): Promise<void> {
    for (const camera of this.cameras) await camera.stop();
  }
}

async function addCamera(service: Service, url: string): Promise<void> {
  const { cameras } = await service.get<CameraList>('/api/cameras');
  if (cameras.some(camera => camera.main.url === url)) return;
  await service.post('/api/cameras', { name: `At ${url}`, main: { url }, record: { segmentMs: 5000 } });
}

function acts(stage: Stage, minute: Minute): Act[] {
  const [one = '', two = ''] = stage.cameras.map(camera => camera.url);
  const storage = { totalQuotaBytes: QUOTA_BYTES };
  return [
    { atMs: 0, act: service => addCamera(service, one) },
    { atMs: 3000, act: async service => void (await service.patch('/api/settings', { storage })) },
    { atMs: 4000, act: async service => void (await service.patch('/api/cameras/1', { name: 'Renamed' })) },
    { atMs: 5000, act: service => addCamera(service, two) },
    { atMs: 7500, act: exportSome },
    { atMs: 9000, act: deleteOldest },
    {
      atMs: 11_000,
      act: async service => {
        minute.pause.startMs = Date.now();
        await record(service, two, 'off');
      },
    },
    {
      atMs: 11_500,
      act: async service => {
        await record(service, two, 'continuous');
        minute.pause.endMs = Date.now();
      },
    },
    { atMs: 17_000, act: exportSome },
    // Whatever was refused before.
    { atMs: 17_500, act: service => addCamera(service, one) },
    { atMs: 18_000, act: service => addCamera(service, two) },
    { atMs: 18_500, act: service => record(service, two, 'continuous') },
  ];
}

async function record(service: Service, url: string, mode: string): Promise<void> {
  const { cameras } = await service.get<CameraList>('/api/cameras');
  const camera = cameras.find(one => one.main.url === url);
  if (camera) await service.patch(`/api/cameras/${camera.id}`, { record: { mode } });
}

async function exportSome(service: Service): Promise<void> {
  const nowMs = Date.now();
  const { status } = await service.exchange(
    'GET',
    `/api/export.mp4?camera=1&startMs=${nowMs - 6000}&endMs=${nowMs - 1000}`,
  );
  if (status !== 200) throw new Refused(`export: ${status}`);
}

async function deleteOldest(service: Service): Promise<void> {
  const { segments } = await service.get<SegmentList>('/api/segments?camera=1');
  const oldest = segments.find(segment => !segment.open);
  if (oldest) await service.delete(`/api/segments/${oldest.id}`);
}

class Refused extends Error {}

export interface Minute {
  /** The service that runs at the end; undefined when it ended. */
  service?: Service;
  /** How it ended, when it did by itself. */
  exit?: Exit;
  /** What no cause excuses. */
  faults: string[];
  /** What the service refused, with words. */
  refused: string[];
  /** When the owner had the second camera not recorded; the file may end a picture before its gap begins. */
  pause: { startMs: number; endMs: number };
}

/** Plays it. The service is left running. */
export async function playMinute(stage: Stage, dataDir: string, calls: FaultyCalls): Promise<Minute> {
  const minute: Minute = { faults: [], refused: [], pause: { startMs: 0, endMs: 0 } };
  const { child, started } = Service.begin({ dataDir, env: calls.env }, START_MS);
  let service: Service;
  try {
    service = await started;
  } catch {
    if (child.running) {
      minute.faults.push(`not ready after ${START_MS} ms: ${child.stdout.slice(-3).join(' | ')}`);
      child.kill('SIGKILL');
    }
    const exit = await child.exited;
    minute.exit = exit;
    const words = [...child.stdout, ...child.stderr].slice(-4).join(' | ');
    if (exit.code !== 3 && exit.code !== 1)
      minute.faults.push(`the start ended with ${JSON.stringify(exit)}: ${words}`);
    minute.refused.push(words);
    return minute;
  }
  const readyMs = Date.now();
  const pulse = watchPulse(service, minute);
  for (const { atMs, act } of acts(stage, minute)) {
    await pause(Math.max(0, readyMs + atMs - Date.now()));
    if (!service.child.running) break;
    await act(service).catch(error => note(minute, service, error));
  }
  await pulse.stop();
  if (service.child.running) minute.service = service;
  else minute.faults.push(`it ${lastWords(service)}`);
  return minute;
}

/** A refusal with a status of the API is an answer; anything else is not. */
function note(minute: Minute, service: Service, error: unknown): void {
  const words = error instanceof Error ? error.message : String(error);
  minute.refused.push(words);
  // 401: the volume does not take the first account.
  const answered = error instanceof Refused || /: (401|404|409|429|500|503|507) \{"error"/.test(words);
  if (!answered && service.child.running) minute.faults.push(`no proper answer: ${words}`);
}

function watchPulse(service: Service, minute: Minute): { stop(): Promise<void> } {
  let stopped = false;
  const loop = async () => {
    while (!stopped && service.child.running) {
      const askedMs = Date.now();
      await service.ask('GET', '/api/status').catch(() => undefined);
      const tookMs = Date.now() - askedMs;
      if (tookMs > SILENCE_MS) minute.faults.push(`the API was silent for ${tookMs} ms`);
      await pause(500);
    }
  };
  const done = loop();
  return {
    stop: async () => {
      stopped = true;
      await done;
    },
  };
}
