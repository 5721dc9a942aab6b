// How long the API takes for what pages and programs ask most, while eight cameras record and a day of each is in the store; on both
// HTTP servers.
import { Child } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { FigureId, Measured } from './budgets.ts';
import { KeptConnection } from './kept-connection.ts';
import { percentile } from './percentile.ts';
import { addCameras, pause } from './recording.ts';
import { SEGMENT_MS, storeDays } from './stored-days.ts';

const CAMERAS = 8;
const DAY_MS = 86_400_000;
const SETTLE_MS = 5000;
const ASKED = 500;
const WARM_UP = 500;

type Kind = 'Health' | 'Cameras' | 'Timeline' | 'TimelineAll';

export async function measureApi(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  try {
    const urls = names.map(name => server.url(name));
    const figures: Measured[] = [];
    for (const http of ['uws', 'node'] as const) figures.push(...(await measureServer(options, http, urls)));
    return figures;
  } finally {
    await server.stop();
  }
}

async function measureServer(
  options: Pick<ServiceOptions, 'command'>,
  http: 'uws' | 'node',
  urls: readonly string[],
): Promise<Measured[]> {
  const dataDir = tempDir('api');
  const empty = await Service.start({ ...options, dataDir });
  await empty.stop();
  const segments = DAY_MS / SEGMENT_MS;
  const beginMs = Math.floor(Date.now() / SEGMENT_MS - segments) * SEGMENT_MS;
  await storeDays({ dataDir, cameras: CAMERAS, beginMs, segments, clip: CLIPS.small, media: () => undefined });
  const service = await Service.start({ ...options, dataDir, args: ['--http', http] }, 60_000);
  await addCameras(service, urls);
  await pause(SETTLE_MS);
  const connection = await KeptConnection.open(service.ready.url, service.headers);
  const times: Record<Kind, number[]> = { Health: [], Cameras: [], Timeline: [], TimelineAll: [] };
  const all = Array.from({ length: CAMERAS }, (_, index) => `camera=${index + 1}`);
  const day = (cameras: string) => {
    // What the page asks for a day that ends now.
    const endMs = Date.now();
    return `/api/timeline?${cameras}&startMs=${endMs - DAY_MS}&endMs=${endMs}&buckets=720&levels=16`;
  };
  const paths: Record<Kind, (round: number) => string> = {
    Health: () => '/api/health',
    Cameras: () => '/api/cameras',
    Timeline: round => day(all[round % CAMERAS] as string),
    TimelineAll: () => day(all.join('&')),
  };
  for (const kind of Object.keys(paths) as Kind[]) {
    const wanted = kind === 'TimelineAll' ? ASKED / 5 : ASKED;
    for (let round = -WARM_UP; round < wanted; round++) {
      const tookMs = await connection.time(paths[kind](round + WARM_UP));
      if (round >= 0) times[kind].push(tookMs);
    }
  }
  connection.close();
  const bareMs = http === 'uws' ? await timeBare() : undefined;
  await service.stop();
  const suffix = http === 'uws' ? '' : 'Node';
  const bare: Measured[] = bareMs === undefined ? [] : [{ id: 'apiBare', cameras: CAMERAS, value: bareMs }];
  return bare.concat(
    (Object.keys(times) as Kind[]).map(kind => ({
      id: `api${kind}${suffix}` satisfies FigureId,
      cameras: CAMERAS,
      value: percentile(times[kind], 0.5),
    })),
  );
}

/** What the machine takes for a question and its answer while all of this goes on: no answer can be faster. */
async function timeBare(): Promise<number> {
  const child = new Child(process.execPath, ['-e', BARE]);
  try {
    const { port } = await child.line(text => JSON.parse(text) as { port: number });
    const connection = await KeptConnection.open(`http://127.0.0.1:${port}`);
    const times: number[] = [];
    for (let round = -WARM_UP; round < ASKED; round++) {
      const tookMs = await connection.time('/');
      if (round >= 0) times.push(tookMs);
    }
    connection.close();
    return percentile(times, 0.5);
  } finally {
    await child.stop();
  }
}

const BARE = `
const answer = 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}';
const server = require('node:net').createServer({ noDelay: true }, socket => socket.on('data', () => socket.write(answer)));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address())));
`;
