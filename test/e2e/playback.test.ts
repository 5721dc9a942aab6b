// Playback and updates of the built service with its demo cameras: what is being written plays too, and pages hear of what happens.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Days, NewLink, Playback, Timeline, TriggerReply } from '../../src/api/contract.ts';
import { run, stopChildren } from '../support/child.ts';
import { decodeWhole, probe } from '../support/ffprobe.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

const test = suite('playback of the service', { timeoutMs: 90_000 });

let service: Service;

test.before(async () => {
  service = await Service.start({ args: ['--demo'] });
  // Three fragments, and what makes a playlist.
  await service.until<Playback>(recent(), ({ segments }) => (segments[0]?.fragments.length ?? 0) >= 8, 40_000);
});
test.after(async () => {
  await service.stop();
  await stopChildren();
});

function recent(more = ''): string {
  const nowMs = Date.now();
  return `/api/playback?camera=1&startMs=${nowMs - 300_000}&endMs=${nowMs + 60_000}${more}`;
}

async function bytesOf(address: string, offset: number, sizeBytes: number): Promise<Buffer> {
  const range = `bytes=${offset}-${offset + sizeBytes - 1}`;
  const { status, data } = await service.exchange('GET', address, undefined, { range });
  assert.is(status, 206);
  return data;
}

function save(...pieces: Buffer[]): string {
  const path = join(tempDir('played'), 'played.mp4');
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

test('the file being written plays up to its last whole fragment', async () => {
  const { inits, segments } = await service.get<Playback>(recent());
  const [init] = inits;
  const segment = segments.at(-1);
  assert.ok(init && segment?.open);
  const pieces = [await bytesOf(init.url, 0, init.sizeBytes)];
  for (const [, offset, sizeBytes] of segment.fragments) pieces.push(await bytesOf(segment.url, offset, sizeBytes));
  const path = save(...pieces);
  await decodeWhole(path);
  const { video, audio } = await probe(path);
  assert.ok(audio.length > 0);
  // The times that are told are those of the pictures.
  for (const [startMs, , , key] of segment.fragments) {
    const at = video.find(
      ({ ptsTicks }) => Math.floor(segment.startMs + (ptsTicks - segment.firstPts90k) / 90) === startMs,
    );
    assert.is(at?.key, key === 1, `${startMs}`);
  }
  const end = segment.fragments.at(-1)?.[0] as number;
  assert.ok(segment.endMs > end && segment.endMs < end + 2000, `${segment.endMs - end}`);
});

test('a keyframe of what is being written', async () => {
  const { segments } = await service.get<Playback>(recent());
  const key = segments.at(-1)?.fragments.findLast(fragment => fragment[3] === 1)?.[0] as number;
  const path = `/api/cameras/1/keyframe?atMs=${key + 10}`;
  const { status, headers, data } = await service.exchange('GET', path);
  assert.equal([status, headers['thimble-start-ms']], [200, String(key)]);
  const init = await service.exchange('GET', String(headers['thimble-init-url']));
  const { video } = await probe(save(init.data, data));
  assert.equal(
    video.map(packet => packet.key),
    [true],
  );
  assert.is((await service.exchange('GET', '/api/cameras/1/keyframe?atMs=1000')).status, 404);
});

test('ffmpeg plays what is recorded now by a signed link alone', async () => {
  const { url } = await service.post<NewLink>('/api/links', { path: '/api/cameras/1/playback.m3u8', ttlMs: 60_000 });
  const file = join(tempDir('live'), 'live.ts');
  const input = new URL(url, service.ready.url).href;
  const args = ['-v', 'error', '-nostdin', '-y', '-i', input, '-t', '3', '-c', 'copy', '-f', 'mpegts', file];
  await run('ffmpeg', args);
  assert.ok(readFileSync(file).length > 10_000);
});

test('timeline with activity, and days', async () => {
  const nowMs = Date.now();
  const range = `startMs=${nowMs - 720_000}&endMs=${nowMs}`;
  const path = `/api/timeline?camera=1&${range}&buckets=720&levels=16`;
  const { headers } = await service.exchange('GET', path);
  assert.is((await service.exchange('GET', path, undefined, { 'if-none-match': '"x"' })).status, 200);
  assert.match(String(headers.etag), /^"[\w-]{22}"$/);
  const [lane] = (await service.get<Timeline>(path)).cameras;
  assert.match(String(lane?.activity), /^0+[1-9a-f]+0*$/);
  const { days } = await service.get<Days>('/api/days?camera=1&timeZone=UTC');
  assert.is(days.at(-1)?.date, new Date(nowMs).toISOString().slice(0, 10));
  const bounds = [nowMs - 9_000_000, nowMs - 6_000_000, nowMs + 1].join(',');
  const found = await service.get<Days>(`/api/days?camera=1&bounds=${bounds}`);
  assert.equal(
    found.days.map(({ startMs, hasFootage }) => [startMs, hasFootage]),
    [[nowMs - 6_000_000, true]],
  );
});

test('a page hears of states, of a trigger and its event, and its pings come back', async () => {
  const socket = await WebSocketClient.open(`${service.ready.url}/api/updates`, service.headers);
  assert.is(socket.status, 101, socket.body);
  // biome-ignore lint/suspicious/noExplicitAny: any message
  const heard = (type: string): any[] => socket.texts.map(text => JSON.parse(text)).filter(one => one.type === type);
  await socket.until(() => heard('hello').length === 1);
  assert.equal(
    heard('hello')[0].cameras.map((camera: { state: { name: string } }) => camera.state.name),
    ['live', 'live'],
  );
  const { event } = await service.post<TriggerReply>('/api/cameras/2/trigger', { action: 'pulse', label: 'person' });
  await socket.until(() => heard('event').some(one => one.event?.id === event));
  await socket.until(() => heard('activity').some(one => one.camera === 2 && one.level === 15));
  socket.send('{"ping": 5}');
  await socket.until(() => socket.texts.includes('{"ping":5}'));
  await service.patch('/api/cameras/2', { name: 'Garden' });
  await socket.until(() => heard('camera').some(one => one.camera?.name === 'Garden'));
  await service.post('/api/cameras/2/record', { mode: 'off' });
  await socket.until(() => heard('segment').some(one => one.camera === 2 && one.endMs !== undefined));
  const [segment] = heard('segment').filter(one => one.camera === 2 && one.endMs !== undefined);
  await service.delete(`/api/segments/${segment.id}`);
  await socket.until(() => heard('deleted').some(one => one.camera === 2 && one.fromMs === segment.startMs));
  await socket.until(() => heard('system').length > 0, 15_000);
  await socket.close();
  await wait(100);
  assert.is(service.log.filter(line => line.level === 'error').length, 0);
});

test.run();
