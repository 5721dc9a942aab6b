// An hour out of twelve segments with a gap and a parameter change: each packet at its place, little memory, and Chromium
// plays it, as it plays single segment files.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Segment } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { run, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { listSegments, segmentPath } from '../support/footage.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { type Pattern, readPattern, writeLongSegment } from '../support/long-footage.ts';
import { LAUNCHER, Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { VideoPlayer } from '../support/video-player.ts';

const PERIOD_S = 8;
const PERIODS = 38;
const SEGMENTS = 12;
/** A gap before this segment, another picture size from that one on. */
const GAP_AT = 6;
const GAP_MS = 7300;
const WIDE_FROM = 9;
const PICTURE_MS = 40;
const SOUND_MS = 64;
const MOST_GROWTH_BYTES = 20 << 20;

interface Packet {
  kind: 'video' | 'audio';
  ptsMs: number;
  hash: string;
}

/** A segment of the hour and what it was made of, times from its first picture on. */
interface Part {
  startMs: number;
  source: Source;
}

interface Source {
  pattern: Pattern;
  packets: Packet[];
}

const cameras: Camera[] = [];
const recorded = new Map<string, Segment>();
const parts: Part[] = [];
let service: Service;
let hourCamera = 0;
let startMs = 0;
let endMs = 0;
/** The export, downloaded. */
let hourFile = '';

const test = suite('export of an hour', { timeoutMs: 120_000 });
const noBrowser = browserProblem();
const noOpus = gstProblem();

test.before(async () => {
  service = await Service.start();
  await recordPatterns();
  const { dataDir } = service;
  await service.stop();
  await makeHour(dataDir);
  await run(LAUNCHER, ['repair', '--data', dataDir]);
  service = await Service.start({ dataDir });
});
test.after(async () => {
  await service?.stop();
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

/** One segment of each kind, a little longer than the period. */
async function recordPatterns(): Promise<void> {
  const urls = new Map<string, string>();
  for (const name of ['small', 'smallWide'] as const) {
    const camera = await Camera.start({ clips: [await clipFile(CLIPS[name])] });
    cameras.push(camera);
    urls.set(name, camera.url);
  }
  if (noOpus === undefined) {
    const mounts = { opus: { clip: await clipFile(CLIPS.small), ticks: 'opus' as const } };
    urls.set('opus', (await GstCameras.start({ mounts })).url('opus'));
  }
  const ids = new Map<string, number>();
  for (const [name, url] of urls) {
    ids.set(name, (await service.post<{ id: number }>('/api/cameras', { name, main: { url } })).id);
  }
  hourCamera = ids.get('small') ?? 0;
  for (const [name, id] of ids) {
    const deadline = Date.now() + 40_000;
    for (;;) {
      const [segment] = await listSegments(service, id);
      if (segment && segment.endMs - segment.startMs > (PERIOD_S + 2.5) * 1000) break;
      if (Date.now() > deadline) throw new Error(`${name} is not recorded`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    await service.patch(`/api/cameras/${id}`, { record: { mode: 'off' } });
    recorded.set(name, (await listSegments(service, id))[0] as Segment);
  }
}

async function makeHour(dataDir: string): Promise<void> {
  const folder = join(dataDir, 'segments');
  const sources = new Map<string, Source>();
  for (const name of ['small', 'smallWide']) {
    const path = join(folder, segmentPath(recorded.get(name) as Segment));
    sources.set(name, { pattern: readPattern(path, PERIOD_S), packets: await packetsOf(path) });
  }
  const own = recorded.get('small') as Segment;
  const clockGen = Number(own.id.split('-').at(-1));
  let at = own.startMs - 2 * 3_600_000;
  for (let number = 0; number < SEGMENTS; number++) {
    if (number === GAP_AT) at += GAP_MS;
    const source = sources.get(number < WIDE_FROM ? 'small' : 'smallWide') as Source;
    writeLongSegment(folder, source.pattern, { camera: hourCamera, startMs: at, clockGen, periods: PERIODS });
    parts.push({ startMs: at, source });
    at += (source.pattern.leadSeconds + PERIODS * PERIOD_S) * 1000;
  }
  startMs = (parts[0]?.startMs ?? 0) + 13_360;
  endMs = startMs + 3_600_000;
}

/** All packets; times count from the first picture shown. Parameter sets do not count: exports repeat them. */
async function packetsOf(path: string): Promise<Packet[]> {
  const file = await probe(path);
  return (['video', 'audio'] as const).flatMap(kind =>
    file[kind].map(({ ptsS, sha256 }) => ({ kind, ptsMs: ptsS * 1000, hash: sha256 })),
  );
}

/** What the range holds by the segments: pictures from the keyframe before it on, sound that touches it. */
function expected(kind: Packet['kind']): Packet[] {
  const found: Packet[] = [];
  const [stepMs, beforeMs] = kind === 'video' ? [PICTURE_MS, 1000] : [SOUND_MS, SOUND_MS];
  for (const [number, { startMs: partMs, source }] of parts.entries()) {
    const packets = source.packets.filter(packet => packet.kind === kind);
    const leading = Math.floor((source.pattern.leadSeconds * 1000) / stepMs);
    const repeated = (PERIOD_S * 1000) / stepMs;
    const closedMs = number >= GAP_AT ? GAP_MS : 0;
    for (let index = 0; index < leading + PERIODS * repeated; index++) {
      const period = Math.max(0, Math.floor((index - leading) / repeated));
      const one = packets[index - period * repeated] as Packet;
      const timeMs = partMs + one.ptsMs + period * PERIOD_S * 1000;
      if (timeMs > startMs - beforeMs && timeMs < endMs) found.push({ ...one, ptsMs: timeMs - startMs - closedMs });
    }
  }
  return found;
}

test('each packet stands at its place', async () => {
  const { status, data } = await service.exchange('GET', hourPath());
  assert.is(status, 200);
  hourFile = join(tempDir('hour'), 'hour.mp4');
  writeFileSync(hourFile, data);
  const made = await packetsOf(hourFile);
  for (const kind of ['video', 'audio'] as const) {
    const got = made.filter(packet => packet.kind === kind);
    const wanted = expected(kind);
    assert.ok(wanted.length > 50_000);
    const at = wanted.findIndex(packet => packet.hash === got[0]?.hash);
    assert.ok(at >= 0 && at <= (kind === 'video' ? 25 : 1), `${kind} begins at ${at}`);
    assert.is(got.length, wanted.length - at, `number of ${kind} packets`);
    for (const [index, packet] of got.entries()) {
      const { hash, ptsMs } = wanted[at + index] as Packet;
      if (packet.hash !== hash || Math.abs(packet.ptsMs - ptsMs) > 1)
        assert.equal({ index, ...packet }, { index, kind, ptsMs, hash });
    }
  }
});

function hourPath(): string {
  return `/api/export.mp4?camera=${hourCamera}&startMs=${startMs}&endMs=${endMs}`;
}

test('it takes little memory', async () => {
  const status = (key: string) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))?.[1]) *
    1024;
  writeFileSync(`/proc/${service.pid}/clear_refs`, '5');
  const before = status('VmRSS');
  await service.exchange('GET', hourPath());
  const growth = status('VmHWM') - before;
  assert.ok(growth <= MOST_GROWTH_BYTES, `${growth} bytes more`);
});

test.needs(noBrowser === undefined, noBrowser ?? '', 'Chromium plays all of it', async () => {
  const browser = await Browser.start();
  try {
    const player = await VideoPlayer.open(browser, service, hourPath());
    const lengthS = (endMs - startMs - GAP_MS) / 1000;
    assert.ok(Math.abs(player.durationS - lengthS) < 0.05, `${player.durationS} s`);
    for (const [number, part] of parts.entries()) {
      const closedMs = number >= GAP_AT ? GAP_MS : 0;
      const timeS = (part.startMs + 201_015 - startMs - closedMs) / 1000;
      if (timeS > lengthS) continue;
      const shown = await player.seek(timeS);
      assert.ok(shown.timeS > timeS - 0.041 && shown.timeS < timeS + 0.001, `${shown.timeS} instead of ${timeS}`);
      assert.is(shown.width, number < WIDE_FROM ? 320 : 480);
    }
    for (const number of [GAP_AT, WIDE_FROM]) {
      const borderMs = (parts[number]?.startMs ?? 0) - startMs - GAP_MS;
      await player.playFrom(borderMs / 1000 - 0.5, borderMs / 1000 + 0.5);
    }
    await player.playFrom(lengthS - 0.5, lengthS);
  } finally {
    await browser.close();
  }
});

test.needs(noBrowser === undefined, noBrowser ?? '', 'Chromium plays segment files', async () => {
  const browser = await Browser.start();
  try {
    for (const [name, segment] of recorded) {
      const player = await VideoPlayer.open(browser, service, `/api/segments/${segment.id}/file`);
      const lengthS = (segment.endMs - segment.startMs) / 1000;
      assert.ok(Math.abs(player.durationS - lengthS) < 0.1, `${name}: ${player.durationS} of ${lengthS} s`);
      assert.is((await player.seek(5.02)).width, name === 'smallWide' ? 480 : 320);
      await player.playFrom(2, 3);
      assert.ok((await player.decodedBytes()).audio > 0, `${name}: sound`);
    }
    if (noOpus === undefined) assert.match(recorded.get('opus')?.codecs ?? '', /opus$/);
  } finally {
    await browser.close();
  }
});

test.run();
