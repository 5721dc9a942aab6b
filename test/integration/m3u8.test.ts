// HLS playlists over HTTP, played by ffmpeg: recorded ranges over several files, signed links, and live ones that move on.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { errorReply } from '../../src/api/error-reply.ts';
import type { IndexedSegment } from '../../src/api/index.ts';
import { SignedLinks } from '../../src/api/links.ts';
import type { HlsEntry } from '../../src/api/m3u8.ts';
import { m3u8Routes } from '../../src/api/m3u8-routes.ts';
import { type LiveWindow, LiveWindows } from '../../src/api/m3u8-windows.ts';
import { NodeServer } from '../../src/api/node-server.ts';
import { PlaybackIndex } from '../../src/api/playback-index.ts';
import { Router } from '../../src/api/router.ts';
import { segmentRoutes } from '../../src/api/segment-routes.ts';
import type { HttpRequest } from '../../src/api/server.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { parseInput, systemClock } from '../../src/core/index.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { ADMIN, askRouter } from '../support/ask-router.ts';
import { run } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { makeSegmentFile, type SegmentFile } from '../support/segment-file.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('m3u8', { timeoutMs: 90_000 });

const START_MS = Date.parse('2026-03-01T12:00:00.123Z');
const KEY = { camera: 1, stream: 'main', clockGen: 0 } as const;

let folder: string;
let fakes: FakeServices;
let router: Router;
let server: NodeServer;
let url: string;
let asked: string[];
let links: SignedLinks;

test.before.each(async () => {
  folder = tempDir('m3u8');
  fakes = await fakeServices(folder);
  asked = [];
  links = new SignedLinks({ key: Buffer.alloc(32, 1), clock: systemClock, callerBy: () => ADMIN });
  const index = new PlaybackIndex({ segmentsFolder: folder, openIndex: () => undefined });
  router = new Router([...m3u8Routes(fakes.services, index, links), ...segmentRoutes(fakes.services)]);
  server = new NodeServer({ host: '127.0.0.1', port: 0, log: fakes.log.logger, clock: systemClock });
  const { port } = await server.start(async request => {
    asked.push(`${request.path}?${request.query}`);
    return answer(request);
  });
  url = `http://127.0.0.1:${port}`;
});
test.after.each(async () => {
  await server.stop(0);
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function answer(request: HttpRequest) {
  try {
    const caller = links.read(request) ?? ADMIN;
    return await askRouter(router, request, caller);
  } catch (error) {
    return errorReply(error, cause => console.error(cause));
  }
}

async function ask(path: string, query: string): Promise<{ status: number; text: string }> {
  const reply = await answer({
    ...{ method: 'GET', path, query, remoteAddress: '127.0.0.1', secure: false },
    header: () => undefined,
    body: async () => Buffer.alloc(0),
  });
  return { status: reply.status, text: String(reply.body) };
}

async function addFile(startMs: number, clip = CLIPS.small): Promise<SegmentFile> {
  const spec = { ...KEY, startMs, storeUuid: 'a'.repeat(32), folder, closed: true, clip: await clipFile(clip) };
  const file = await makeSegmentFile(spec);
  const segment: IndexedSegment = {
    ...{ ...KEY, id: `1-main-${startMs}-0`, startMs, endMs: file.endMs, sizeBytes: file.sizeBytes },
    ...{ codecs: 'avc1.640020,mp4a.40.2', endReason: 'length', locked: false },
    path: segmentPath({ ...KEY, startMs }, false),
  };
  fakes.segments.push(segment);
  return file;
}

/** Pictures that ffmpeg decodes of an address, with what it complains of. */
async function decoded(address: string): Promise<{ pictures: number; complaints: string }> {
  const args = [
    '-v',
    'warning',
    '-nostdin',
    '-i',
    address,
    '-map',
    '0:v',
    '-fps_mode',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ];
  const { stdout, stderr } = await run('ffmpeg', args);
  return { pictures: stdout.split('\n').filter(line => /^0,/.test(line)).length, complaints: stderr };
}

test('ffmpeg plays a range over two files', async () => {
  await addFile(START_MS);
  await addFile(START_MS + 30_000);
  const query = `startMs=${START_MS}&endMs=${START_MS + 60_000}`;
  const { text } = await ask('/api/cameras/1/playback.m3u8', query);
  assert.is(text.match(/#EXT-X-DISCONTINUITY\n/g)?.length, 1);
  assert.is(text.match(/#EXT-X-MAP:/g)?.length, 1);
  assert.match(text, `#EXT-X-PROGRAM-DATE-TIME:${new Date(START_MS + 30_000).toISOString()}`);
  assert.match(text, /#EXT-X-ENDLIST\n$/);
  const { pictures, complaints } = await decoded(`${url}/api/cameras/1/playback.m3u8?${query}`);
  // It knows no discontinuities in MP4: of the file behind one it skips the first fragment, and says so.
  assert.ok(pictures >= 2 * 8 * 25 - 25, `${pictures} ${complaints}`);
  const second = `startMs=${START_MS + 30_000}&endMs=${START_MS + 60_000}`;
  assert.is((await decoded(`${url}/api/cameras/1/playback.m3u8?${second}`)).pictures, 8 * 25);
  assert.not.match(complaints, /error|invalid|corrupt/i);
});

const hasGst = ['hlsdemux', 'souphttpsrc', 'qtdemux', 'h264parse'].every(
  element => spawnSync('gst-inspect-1.0', ['--exists', element]).status === 0,
);

test.needs(hasGst, 'GStreamer has no hlsdemux or souphttpsrc here', 'GStreamer plays all of two files', async () => {
  await addFile(START_MS);
  await addFile(START_MS + 30_000);
  const address = `${url}/api/cameras/1/playback.m3u8?startMs=${START_MS}&endMs=${START_MS + 60_000}`;
  const line = `souphttpsrc location=${address} ! hlsdemux ! qtdemux ! h264parse ! identity silent=false ! fakesink sync=false`;
  const { stdout } = await run('gst-launch-1.0', ['-v', ...line.split(' ')]);
  assert.is(stdout.split('\n').filter(text => text.includes('chain') && text.includes('pts:')).length, 2 * 8 * 25);
});

test('another size begins with another init segment', async () => {
  await addFile(START_MS);
  await addFile(START_MS + 8000, CLIPS.full);
  const query = `startMs=${START_MS}&endMs=${START_MS + 60_000}`;
  const { text } = await ask('/api/cameras/1/playback.m3u8', query);
  const lines = text.split('\n');
  const second = lines.findLastIndex(line => line.startsWith('#EXT-X-MAP:'));
  assert.is(lines[second - 1], '#EXT-X-DISCONTINUITY');
  assert.is(lines.filter(line => line.startsWith('#EXT-X-MAP:')).length, 2);
  // ffmpeg takes no second init segment: it judges what follows alone.
  const alone = `startMs=${START_MS + 8000}&endMs=${START_MS + 60_000}`;
  const { pictures, complaints } = await decoded(`${url}/api/cameras/1/playback.m3u8?${alone}`);
  assert.is(pictures, 8 * 25, complaints);
  assert.not.match(complaints, /error|invalid|corrupt/i);
});

test('a signed link leads to everything that is played, and to nothing else', async () => {
  await addFile(START_MS);
  const query = `startMs=${START_MS}&endMs=${START_MS + 8000}`;
  const link = links.sign('/api/cameras/1/playback.m3u8', query, ADMIN, Date.now() + 60_000);
  const { pictures } = await decoded(`${url}${link}`);
  assert.is(pictures, 8 * 25);
  const files = asked.filter(address => address.includes('/file.mp4'));
  assert.ok(files.length > 0 && files.every(address => address.includes('link=1.')), asked.join('\n'));
  // Signed for one segment only.
  const query2 = files[0]?.split('?')[1] ?? '';
  assert.is((await ask(`/api/segments/1-main-${START_MS + 1}-0/file.mp4`, query2)).status, 403);
});

test('what is being recorded: a leading playlist, then one that grows by whole entries', async () => {
  const startMs = fakes.services.clock.nowMs() - 9000;
  const file = await addFile(startMs, CLIPS.full);
  const { path, codecs } = fakes.segments.pop() as IndexedSegment;
  await fakes.cameras.add(parseInput(newCameraSchema, { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' } }));
  assert.is((await ask('/api/cameras/1/playback.m3u8', '')).status, 404);
  const entries: number[] = [];
  let before = '';
  for (const until of [...file.fragments.slice(1), file.sizeBytes]) {
    const open = { startMs, clockGen: 0, endMs: startMs + 8000, sizeBytes: until, path, codecs };
    fakes.engine.open.set(1, open);
    const { text } = await ask('/api/cameras/1/playback.m3u8', `startMs=${startMs}`);
    assert.not.match(text, 'ENDLIST');
    assert.ok(text.startsWith(before), `${before}\n---\n${text}`);
    before = text;
    entries.push(text.match(/#EXTINF/g)?.length ?? 0);
  }
  assert.equal([...new Set(entries)], [0, 1]);
  const { text } = await ask('/api/cameras/1/playback.m3u8', '');
  assert.match(
    text,
    /#EXT-X-STREAM-INF:BANDWIDTH=\d+,CODECS="avc1.640020,mp4a.40.2"\nplayback.m3u8\?stream=main&startMs=\d+\n$/,
  );
});

test('a live playlist forgets what is long past, and counts it', () => {
  const windows = new LiveWindows();
  const all: HlsEntry[] = [];
  for (let n = 0; n < 200; n++) {
    all.push({
      ...{
        segment: `s${Math.floor(n / 7)}`,
        initId: 'i',
        initBytes: 1,
        startMs: n * 4000,
        durationS: n === 90 ? 9 : 4,
      },
      ...{ offset: 0, sizeBytes: 1, isFirstOfFile: n % 7 === 0 },
    });
  }
  let window: LiveWindow = { fromMs: 0, sequence: 0, discontinuities: 0, targetS: 0 };
  for (let n = 1; n <= all.length; n++) {
    // As reading from `fromMs` on gives them; the first read is the first of what is read of its file.
    const read = all.slice(0, n).filter(entry => entry.startMs + 1 >= window.fromMs);
    const { window: moved, entries } = windows.move('key', window, read);
    assert.ok(entries.length <= 30);
    assert.is(entries[0], all[moved.sequence]);
    assert.is(moved.discontinuities, all.slice(1, moved.sequence + 1).filter(entry => entry.isFirstOfFile).length);
    assert.ok(moved.targetS >= window.targetS);
    window = moved;
  }
  assert.is(window.targetS, 9);
  assert.ok(window.sequence > 150);
  for (let n = 0; n < 1000; n++) windows.move(`${n}`, window, []);
  assert.is(windows.get('key'), undefined);
});

test('bounds name their field', async () => {
  for (const [query, field] of [
    ['endMs=5', 'startMs'],
    ['startMs=5&endMs=4', 'endMs'],
    [`startMs=0&endMs=${3 * 3_600_000}`, 'startMs'],
    ['startMs=0', 'startMs'],
  ] as const) {
    const { status, text } = await ask('/api/cameras/1/playback.m3u8', query);
    assert.equal([status, JSON.parse(text).error.field], [400, field], query);
  }
  assert.is((await ask('/api/cameras/1/playback.m3u8', `startMs=${START_MS}&endMs=${START_MS + 1}`)).status, 404);
});

test.run();
