// Exports of real recordings, judged by ffprobe and ffmpeg: the packets and pictures of the segments, at their times.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera, ErrorBody, Segment } from '../../src/api/contract.ts';
import { Camera, type CameraOptions } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { decodeWhole, type ProbedPacket, probe } from '../support/ffprobe.ts';
import { listSegments } from '../support/footage.ts';
import { hashes, probeSegments, type RecordedFile } from '../support/recorded.ts';
import { Service } from '../support/service.ts';
import { cutFaults, shown, stored } from '../support/shown-pictures.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const SEGMENT_MS = 5000;

interface Recorded {
  id: number;
  segments: Segment[];
  files: RecordedFile[];
}

const cameras: Camera[] = [];
let service: Service;
/** B pictures and sound; a pause of two seconds in the middle. */
let paused: Recorded;
/** Another picture size in the middle. */
let changed: Recorded;
let hevc: Recorded;
/** First H.264, then H.265. */
let switched: Recorded;

const test = suite('exports', { timeoutMs: 90_000 });
test.before(async () => {
  service = await Service.start();
  const add = async (name: string, options: CameraOptions) => {
    const camera = await Camera.start(options);
    cameras.push(camera);
    const body = { name, main: { url: camera.url }, record: { segmentMs: SEGMENT_MS } };
    return (await service.post<{ id: number }>('/api/cameras', body)).id;
  };
  const clip = async (spec: keyof typeof CLIPS) => clipFile(CLIPS[spec]);
  const pausedId = await add('Vörder/Tür: 1', { clips: [await clip('smallBFrames')] });
  const changedId = await add('Changed', { clips: [await clip('small'), await clip('smallWide')], rounds: [0, 1] });
  const hevcId = await add('Hevc', { clips: [await clip('smallHevcBFrames')] });
  const switchedId = await add('Switched', { clips: [await clip('smallSilent')] });
  const other = await Camera.start({ clips: [await clip('smallHevc')] });
  cameras.push(other);
  await pause(8000);
  await record(pausedId, 'off');
  await service.patch(`/api/cameras/${switchedId}`, { main: { url: other.url } });
  await pause(2000);
  await record(pausedId, 'continuous');
  await pause(4500);
  const ids = [pausedId, changedId, hevcId, switchedId];
  for (const id of ids) await record(id, 'off');
  [paused, changed, hevc, switched] = (await Promise.all(ids.map(recorded))) as [
    Recorded,
    Recorded,
    Recorded,
    Recorded,
  ];
});
test.after(async () => {
  await service?.stop();
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

async function record(id: number, mode: 'off' | 'continuous'): Promise<void> {
  await service.patch(`/api/cameras/${id}`, { record: { mode } });
}

async function recorded(id: number): Promise<Recorded> {
  const segments = await listSegments(service, id);
  return { id, segments, files: await probeSegments(service.dataDir, segments) };
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function spanOf({ segments }: Recorded): [number, number] {
  return [segments[0]?.startMs ?? 0, segments.at(-1)?.endMs ?? 0];
}

function exportPath(camera: number, startMs: number, endMs: number, more = ''): string {
  return `/api/export.mp4?camera=${camera}&startMs=${startMs}&endMs=${endMs}${more}`;
}

async function exported(camera: number, startMs: number, endMs: number): Promise<string> {
  const { status, data } = await service.exchange('GET', exportPath(camera, startMs, endMs));
  assert.is(status, 200, data.toString('utf8', 0, 500));
  const path = join(tempDir('export'), 'export.mp4');
  writeFileSync(path, data);
  return path;
}

/** The distance of each packet to the first picture of its segment, in segments one after the other. */
function offsets(video: ProbedPacket[], packets: ProbedPacket[], firsts: number[], counts: number[]): number[] {
  let at = 0;
  return counts.flatMap((count, index) => {
    const zeroS = video[firsts[index] ?? 0]?.ptsS ?? 0;
    const part = packets.slice(at, at + count);
    at += count;
    return part.map(packet => packet.ptsS - zeroS);
  });
}

/** Compares an export of everything with the segments: packets, their times within a segment, a clean decode. */
async function checkWhole(source: Recorded): Promise<string> {
  const path = await exported(source.id, ...spanOf(source));
  const file = await probe(path);
  assert.equal(hashes([{ ...file, segment: source.segments[0] as Segment }], 'video'), hashes(source.files, 'video'));
  assert.equal(hashes([{ ...file, segment: source.segments[0] as Segment }], 'audio'), hashes(source.files, 'audio'));
  const counts = source.files.map(one => one.video.length);
  const firsts = counts.map((_, index) => counts.slice(0, index).reduce((sum, count) => sum + count, 0));
  const worst = (made: number[], wanted: number[]) =>
    made.reduce((most, one, index) => Math.max(most, Math.abs(one - (wanted[index] ?? Number.NaN))), 0);
  for (const kind of ['video', 'audio'] as const) {
    const lengths = source.files.map(one => one[kind].length);
    const wanted = source.files.flatMap(one => offsets(one.video, one[kind], [0], [one[kind].length]));
    const difference = worst(offsets(file.video, file[kind], firsts, lengths), wanted);
    assert.ok(difference <= 0.001, `${kind} is up to ${difference * 1000} ms off`);
  }
  const lengthMs = source.segments.reduce((sum, one) => sum + one.endMs - one.startMs, 0);
  assert.ok(Math.abs(file.durationS * 1000 - lengthMs) < 150, `${file.durationS} s for ${lengthMs} ms`);
  await decodeWhole(path);
  const pictures = await shown(path);
  assert.equal(
    pictures.map(one => one.hash),
    (await stored(service.dataDir, source.segments)).map(one => one.hash),
  );
  assert.ok((pictures[0]?.timeS ?? 1) < 0.001, 'plays from the start');
  return path;
}

test('three segments and a gap, B pictures: the packets, the pictures, the length', async () => {
  assert.ok(paused.segments.length >= 3, `${paused.segments.length} segments`);
  const { gaps } = (
    await service.get<{ cameras: { gaps: { reason: string }[] }[] }>(
      `/api/timeline?camera=${paused.id}&startMs=${Date.now() - 86_400_000}&endMs=${Date.now()}`,
    )
  ).cameras[0] as { gaps: { reason: string }[] };
  assert.ok(gaps.length > 0, 'there is a gap');
  await checkWhole(paused);
});

test('a parameter change in the middle', async () => {
  assert.ok(changed.segments.some(segment => segment.endReason === 'parameters'));
  await checkWhole(changed);
});

test('H.265', async () => {
  const path = await checkWhole(hevc);
  assert.is((await probe(path)).streams[0]?.tag, 'hvc1');
});

test('a range begins and ends with the picture that was there at that moment', async () => {
  for (const source of [paused, hevc]) {
    const all = await stored(service.dataDir, source.segments);
    const [startMs, endMs] = spanOf(source);
    for (const [from, to] of [
      [startMs + 1733, endMs - 911],
      [startMs + 40, startMs + 2011],
      [startMs + 4999, startMs + 5603],
    ] as const) {
      const made = await shown(await exported(source.id, from, to));
      assert.equal(cutFaults(made, all, from, to), [], `${from - startMs} to ${to - startMs} of ${source.id}`);
    }
  }
});

test('another codec is refused with the moment of the change', async () => {
  const answer = await service.ask<ErrorBody>('GET', exportPath(switched.id, ...spanOf(switched)));
  assert.is(answer.status, 409);
  assert.is(answer.body.error.kind, 'failed-precondition');
  const border = switched.segments.find(segment => segment.codecs.startsWith('hvc1'))?.startMs ?? 0;
  assert.match(answer.body.error.message, new Date(border).toISOString());
  const [startMs, endMs] = spanOf(switched);
  await decodeWhole(await exported(switched.id, startMs, border));
  await decodeWhole(await exported(switched.id, border, endMs));
});

test('ranges, HEAD, conditions', async () => {
  const path = exportPath(paused.id, ...spanOf(paused), '&timeZone=Asia/Tokyo');
  const whole = await service.exchange('GET', path);
  const etag = String(whole.headers.etag);
  assert.match(etag, /^"[0-9a-f]{32}"$/);
  assert.is(whole.headers['content-type'], 'video/mp4');
  const local = new Date(spanOf(paused)[0] + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  const name = `${local.replaceAll(':', '-')}.mp4`;
  assert.is(
    whole.headers['content-disposition'],
    `attachment; filename="V_rder_T_r_ 1 ${name}"; filename*=UTF-8''V%C3%B6rder_T%C3%BCr_%201%20${encodeURIComponent(name)}`,
  );
  const head = await service.exchange('HEAD', path);
  assert.equal([head.status, head.headers['content-length'], head.headers.etag], [200, `${whole.data.length}`, etag]);
  const size = whole.data.length;
  let seed = 5;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  for (let round = 0; round < 25; round++) {
    const from = random(size);
    const to = Math.min(size - 1, from + random(100_000));
    const part = await service.exchange('GET', path, undefined, { range: `bytes=${from}-${to}` });
    assert.equal([part.status, part.headers['content-range']], [206, `bytes ${from}-${to}/${size}`]);
    assert.ok(part.data.equals(whole.data.subarray(from, to + 1)), `${from}-${to}`);
  }
  const beyond = await service.exchange('GET', path, undefined, { range: `bytes=${size}-` });
  assert.equal([beyond.status, beyond.headers['content-range']], [416, `bytes */${size}`]);
  assert.is((await service.exchange('GET', path, undefined, { 'if-none-match': etag })).status, 304);
  const resumed = { range: 'bytes=100-', 'if-range': etag };
  assert.is((await service.exchange('GET', path, undefined, resumed)).status, 206);
  assert.is((await service.exchange('GET', path, undefined, { ...resumed, 'if-range': '"x"' })).status, 200);
});

test('what is being written takes part', async () => {
  await record(hevc.id, 'continuous');
  await service.until<ApiCamera>(`/api/cameras/${hevc.id}`, one => one.state.name === 'live');
  const startMs = spanOf(hevc)[1] + 500;
  await pause(3500);
  const made = await probe(await exported(hevc.id, startMs, Date.now() + 60_000));
  assert.ok(made.durationS > 1 && made.durationS < 5, `${made.durationS} s`);
  await record(hevc.id, 'off');
});

test.run();
