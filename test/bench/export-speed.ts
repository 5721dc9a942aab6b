// How fast an hour is exported when its files are in the page cache, and what it costs in memory.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { CLIPS } from '../support/clips.ts';
import type { Service, ServiceOptions } from '../support/service.ts';
import type { Measured } from './budgets.ts';
import { forgetFootage, forgetIndex, makeFootage, startAndAdopt } from './footage.ts';
import { processFigures } from './process-figures.ts';
import { pause } from './recording.ts';

const SEGMENTS = 12;
const SECONDS = 300;
const DISK_MIB = 2048;
const TIMES = 3;
const WATCH_MS = 20;

export async function measureExport(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const footage = await makeFootage(options, CLIPS.full, DISK_MIB);
  try {
    const { segmentsFolder, template, dataDir } = footage;
    forgetFootage(segmentsFolder);
    const beginMs = Date.now() - 7_200_000;
    let sizeBytes = 0;
    for (let number = 0; number < SEGMENTS; number++) {
      const startMs = beginMs + number * SECONDS * 1000;
      sizeBytes += template.write({ folder: segmentsFolder, camera: 1, startMs, seconds: SECONDS });
    }
    forgetIndex(dataDir);
    const { service } = await startAndAdopt({ ...options, dataDir });
    await pause(3000);
    const before = processFigures(service.pid);
    const speeds: number[] = [];
    let mostMiB = 0;
    for (let time = 0; time < TIMES; time++) {
      const path = `/api/export.mp4?camera=1&startMs=${beginMs}&endMs=${beginMs + SEGMENTS * SECONDS * 1000}`;
      const { seconds, bytes, rssMiB } = await download(service, path);
      // Box headers of the fragments are not in it.
      if (bytes < sizeBytes * 0.95) throw new Error(`${bytes} of ${sizeBytes} bytes were exported`);
      speeds.push((SEGMENTS * SECONDS) / seconds);
      mostMiB = Math.max(mostMiB, rssMiB);
    }
    await service.stop();
    return [
      { id: 'exportSpeed', value: speeds.sort((a, b) => a - b)[Math.floor(TIMES / 2)] ?? null },
      { id: 'exportRss', value: mostMiB - before.rssMiB },
    ];
  } finally {
    footage.remove();
  }
}

/** Reads it without keeping it, and watches the memory of the service meanwhile. */
async function download(service: Service, path: string): Promise<{ seconds: number; bytes: number; rssMiB: number }> {
  const began = performance.now();
  let rssMiB = 0;
  const timer = setInterval(() => {
    rssMiB = Math.max(rssMiB, processFigures(service.pid).rssMiB);
  }, WATCH_MS);
  try {
    const call = request(new URL(path, service.ready.url), { agent: false, headers: service.headers });
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode}`);
    let bytes = 0;
    response.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    await once(response, 'end');
    return { seconds: (performance.now() - began) / 1000, bytes, rssMiB };
  } finally {
    clearInterval(timer);
  }
}
