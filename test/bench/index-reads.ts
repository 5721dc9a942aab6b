// An index of a million segments: its size, and how long the service takes to tell of one day of one camera.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/index.ts';
import { Database } from '../../src/storage/database.ts';
import { openLmdb } from '../../src/storage/environment.ts';
import { DAY_MS, segmentPath } from '../../src/storage/layout.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { fakeLog } from '../support/fake-log.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { FigureId, Measured } from './budgets.ts';
import { KeptConnection } from './kept-connection.ts';
import { median } from './percentile.ts';

const SEGMENTS = 1_000_000;
const CAMERAS = 8;
const SEGMENT_MS = 300_000;
/** A real one is committed each 10 s; what matters is that the cameras take turns. */
const SEGMENTS_PER_COMMIT = 1000;
const COLD_STARTS = 8;
const WARM_READS = 40;

/** Times of one request: until its answer was there, and on the main thread's CPU. */
interface Taken {
  wallMs: number;
  cpuMs: number;
}

export async function measureIndex(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const dataDir = tempDir('index');
  const empty = await Service.start({ ...options, dataDir });
  await empty.stop();
  const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const days = Math.floor((SEGMENTS / CAMERAS) * (SEGMENT_MS / DAY_MS));
  await fill(join(dataDir, 'index'), endMs);
  const sizeMB = statSync(join(dataDir, 'index', 'data.mdb')).size / 1e6;
  const cold: Record<'timeline' | 'list', Taken[]> = { timeline: [], list: [] };
  const warm: Record<'timeline' | 'list', Taken[]> = { timeline: [], list: [] };
  for (let start = 0; start < COLD_STARTS; start++) {
    const service = await Service.start({ ...options, dataDir }, 60_000);
    const asker = await Asker.open(service);
    await asker.get('/api/health');
    const order = start % 2 === 0 ? (['timeline', 'list'] as const) : (['list', 'timeline'] as const);
    for (const kind of order) cold[kind].push(await asker.get(dayOf(kind, start, days, endMs)));
    // Only the first of the two is the first of its run.
    cold[order[1]].pop();
    for (let read = 0; read < WARM_READS; read++) {
      for (const kind of order) warm[kind].push(await asker.get(dayOf(kind, start * WARM_READS + read, days, endMs)));
    }
    asker.close();
    await service.stop();
  }
  const figures = (name: 'timeline' | 'list'): Measured[] => [
    { id: `${name}Cold` satisfies FigureId, value: median(cold[name].map(taken => taken.wallMs)) },
    { id: `${name}ColdCpu` satisfies FigureId, value: Math.max(...cold[name].map(taken => taken.cpuMs)) },
    { id: `${name}Warm` satisfies FigureId, value: median(warm[name].map(taken => taken.wallMs)) },
  ];
  return [{ id: 'indexSize', value: sizeMB }, ...figures('timeline'), ...figures('list')];
}

/** Writes the segments in the order in which cameras record them. */
async function fill(folder: string, endMs: number): Promise<void> {
  const { logger: log } = fakeLog();
  const database = new Database({
    open: () => openLmdb(folder),
    clock: systemClock,
    log,
    maxBytes: 1 << 30,
    onStep: () => undefined,
    onHealth: problem => {
      if (problem) throw problem;
    },
  });
  database.start();
  const table = new SegmentTable(database, log, () => undefined);
  await table.load();
  const beginMs = endMs - (SEGMENTS / CAMERAS) * SEGMENT_MS;
  for (let number = 0; number < SEGMENTS; number++) {
    const camera = 1 + (number % CAMERAS);
    // Cameras do not change files at the same moment, and no segment is as long as another.
    const startMs = beginMs + Math.floor(number / CAMERAS) * SEGMENT_MS + camera * 1000 + (number % 997);
    const key = { camera, stream: 'main', startMs, clockGen: 1 } as const;
    const path = segmentPath(key, false);
    const codecs = 'avc1.64001f,mp4a.40.2';
    table.record({ ...key, endMs: startMs + SEGMENT_MS, sizeBytes: 75e6 + number, codecs, endReason: 'length', path });
    if (number % SEGMENTS_PER_COMMIT === 0) await database.flush();
  }
  await database.close();
}

function dayOf(kind: 'timeline' | 'list', number: number, days: number, endMs: number): string {
  const camera = 1 + (number % CAMERAS);
  const startMs = endMs - DAY_MS * (1 + ((number * 37) % (days - 1)));
  const range = `camera=${camera}&startMs=${startMs}&endMs=${startMs + DAY_MS}`;
  return kind === 'timeline' ? `/api/timeline?${range}` : `/api/segments?${range}&limit=1000`;
}

/** Asks over one connection and looks at what that costs the service. */
class Asker {
  readonly #service: Service;
  readonly #connection: KeptConnection;

  private constructor(service: Service, connection: KeptConnection) {
    this.#service = service;
    this.#connection = connection;
  }

  static async open(service: Service): Promise<Asker> {
    return new Asker(service, await KeptConnection.open(service.ready.url, service.headers));
  }

  async get(path: string): Promise<Taken> {
    const { pid } = this.#service;
    const cpuBefore = mainThreadMs(pid);
    const wallMs = await this.#connection.time(path);
    return { wallMs, cpuMs: mainThreadMs(pid) - cpuBefore };
  }

  close(): void {
    this.#connection.close();
  }
}

/** CPU time of a process's first thread; the kernel counts it in nanoseconds. */
function mainThreadMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
