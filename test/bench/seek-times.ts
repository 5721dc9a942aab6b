// Seeks in 30 days of footage: how long the service takes to say what to fetch, and for a keyframe; each in a segment that was not
// asked about before.
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/core/index.ts';
import { segmentExaminer } from '../../src/native/index.ts';
import { crc32 } from '../../src/storage/crc32.ts';
import { Database } from '../../src/storage/database.ts';
import { openLmdb } from '../../src/storage/environment.ts';
import { DAY_MS, segmentPath } from '../../src/storage/layout.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { fakeLog } from '../support/fake-log.ts';
import { SegmentTemplate } from '../support/segment-copies.ts';
import { makeSegmentFile } from '../support/segment-file.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { percentile } from './percentile.ts';

const DAYS = 30;
const SEGMENT_MS = 300_000;
const HOUR_MS = 3_600_000;
const CAMERA = 1;
/** Of so many segments one has its media; the others have holes. */
const DENSE = 120;
const SEEKS = 200;
/** What a player asks for: from a little before to a little behind. */
const BEFORE_MS = 2000;
const BEHIND_MS = 20_000;
/** Offsets in the `uuid` box: see native/media/segment_header.cc. */
const START_AT = 52;
const CHECKSUM_AT = 76;

export async function measureSeeks(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const dataDir = tempDir('seeks');
  const empty = await Service.start({ ...options, dataDir });
  await empty.post('/api/cameras', { name: 'Door', enabled: false, main: { url: 'rtsp://127.0.0.1:9/none' } });
  await empty.stop();
  const starts = await fill(dataDir, Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS);
  const service = await Service.start({ ...options, dataDir }, 60_000);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (path: string) => {
    const began = performance.now();
    const call = request(new URL(path, service.ready.url), { agent, headers: service.headers });
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode}`);
    return performance.now() - began;
  };
  await ask('/api/health');
  const times: Record<'seek' | 'key' | 'day' | 'hour', number[]> = { seek: [], key: [], day: [], hour: [] };
  const dense = starts.filter((_, number) => number % DENSE === 0);
  for (const startMs of dense) {
    times.key.push(await ask(`/api/cameras/${CAMERA}/keyframe?atMs=${startMs + 123_456}`));
  }
  for (let n = 0; n < SEEKS; n++) {
    // Steps that come by each segment at most once.
    const startMs = starts[(n * 3559 + 7) % starts.length] as number;
    const atMs = startMs + ((n * 7919) % SEGMENT_MS);
    const range = `startMs=${atMs - BEFORE_MS}&endMs=${atMs + BEHIND_MS}`;
    times.seek.push(await ask(`/api/playback?camera=${CAMERA}&${range}`));
    const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
    const day = `camera=${CAMERA}&startMs=${dayMs}&endMs=${dayMs + DAY_MS}&buckets=720&levels=16`;
    times.day.push(await ask(`/api/timeline?${day}`));
    const hour = `camera=${CAMERA}&startMs=${atMs}&endMs=${atMs + HOUR_MS}&buckets=360&levels=16`;
    times.hour.push(await ask(`/api/timeline?${hour}`));
  }
  agent.destroy();
  await service.stop();
  return [
    { id: 'seekMedian', value: percentile(times.seek, 0.5) },
    { id: 'seekWorst', value: percentile(times.seek, 0.9) },
    { id: 'keyframeMedian', value: percentile(times.key, 0.5) },
    { id: 'keyframeWorst', value: percentile(times.key, 0.9) },
    { id: 'activityDay', value: percentile(times.day, 0.5) },
    { id: 'activityHour', value: percentile(times.hour, 0.5) },
  ];
}

/** Files and index of all segments; their starts. */
async function fill(dataDir: string, beginMs: number): Promise<number[]> {
  const bytes = await template(dataDir, beginMs - DAY_MS);
  const moovAt = bytes.readUInt32BE(0);
  const uuidAt = moovAt + bytes.readUInt32BE(moovAt);
  const boxEnd = uuidAt + bytes.readUInt32BE(uuidAt);
  const headEnd = boxEnd + 8192 + 24 * (SEGMENT_MS / 1000);
  const { logger: log } = fakeLog();
  const folder = join(dataDir, 'index');
  const options = { clock: systemClock, log, maxBytes: 1 << 30, onStep: () => undefined, onHealth: () => undefined };
  const database = new Database({ ...options, open: () => openLmdb(folder) });
  database.start();
  const table = new SegmentTable(database, log, () => undefined);
  await table.load();
  const starts: number[] = [];
  for (let number = 0; number < (DAYS * DAY_MS) / SEGMENT_MS; number++) {
    const startMs = beginMs + number * SEGMENT_MS;
    const key = { camera: CAMERA, stream: 'main', startMs, clockGen: 1 } as const;
    const head = Buffer.from(bytes.subarray(0, headEnd));
    head.writeBigInt64BE(BigInt(startMs), uuidAt + START_AT);
    head.writeUInt32BE(crc32(head.subarray(0, uuidAt + CHECKSUM_AT)), uuidAt + CHECKSUM_AT);
    const path = join(dataDir, 'segments', segmentPath(key, false));
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, 'wx', 0o640);
    writeSync(file, head);
    if (number % DENSE === 0) writeSync(file, bytes, headEnd, bytes.length - headEnd, headEnd);
    ftruncateSync(file, bytes.length);
    closeSync(file);
    const facts = { endMs: startMs + SEGMENT_MS, sizeBytes: bytes.length, codecs: 'avc1.64001f,mp4a.40.2' };
    table.record({ ...key, ...facts, endReason: 'length', path: segmentPath(key, false) });
    starts.push(startMs);
  }
  await database.flush();
  await database.close();
  return starts;
}

/** A closed segment of five minutes, made of a clip that repeats. */
async function template(dataDir: string, startMs: number): Promise<Buffer> {
  const { body } = JSON.parse(readFileSync(join(dataDir, 'identity.json'), 'utf8')) as { body: { store: string } };
  const storeUuid = body.store;
  const work = tempDir('template');
  const clip = await clipFile(CLIPS.small);
  const key = { camera: CAMERA, stream: 'main', startMs, clockGen: 1 } as const;
  const { path } = await makeSegmentFile({ ...key, storeUuid, folder: join(work, 'short'), clip, closed: true });
  const folder = join(work, 'long');
  new SegmentTemplate(path).write({ folder, camera: CAMERA, startMs, seconds: SEGMENT_MS / 1000 });
  const long = join(folder, segmentPath(key, false));
  const { state } = await segmentExaminer()(long, storeUuid, { write: true, thorough: true });
  if (state !== 'repaired') throw new Error(`the template is ${state}`);
  return readFileSync(long);
}
