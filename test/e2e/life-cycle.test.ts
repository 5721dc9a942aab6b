// A day in the life of the service: start, changes of cameras and footage while it records, stop, and start again.
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type {
  Camera as ApiCamera,
  CameraList,
  ErrorBody,
  Segment,
  SegmentList,
  Status,
} from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { decodeWhole } from '../support/ffprobe.ts';
import { footageFaults, listSegments, segmentFiles, segmentPath, timelineOf } from '../support/footage.ts';
import { freePort } from '../support/free-port.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const STARTING = '{"status":"starting"}';

const cameras: Camera[] = [];
const test = suite('life cycle', { timeoutMs: 60_000 });
test.after(async () => {
  await stopChildren();
  await Promise.all(cameras.map(camera => camera.stop()));
});

/** A camera that any number of clients may watch. */
async function makeCamera(): Promise<Camera> {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  cameras.push(camera);
  return camera;
}

async function add(service: Service, name: string, url: string): Promise<number> {
  return (await service.post<ApiCamera>('/api/cameras', { name, main: { url } })).id;
}

/** Waits until the camera's open segment has something in it. */
async function recording(service: Service, id: number): Promise<Segment> {
  const isOpen = (segment: Segment) => segment.open && segment.sizeBytes > 0;
  const { segments } = await service.until<SegmentList>(`/api/segments?camera=${id}`, list =>
    list.segments.some(isOpen),
  );
  return segments.find(isOpen) as Segment;
}

/** Types of the boxes at the top of a file. Throws when they do not fill it exactly. */
function boxTypes(path: string): string[] {
  const types: string[] = [];
  const header = Buffer.alloc(8);
  const file = openSync(path, 'r');
  try {
    let at = 0;
    for (const { size } = statSync(path); at < size; at += header.readUInt32BE(0)) {
      readSync(file, header, 0, 8, at);
      if (header.readUInt32BE(0) < 8 || at + header.readUInt32BE(0) > size) throw new Error(`${path}: broken at ${at}`);
      types.push(header.toString('latin1', 4));
    }
  } finally {
    closeSync(file);
  }
  return types;
}

test('says ready with all facts; until then health says starting and nothing else is answered', async () => {
  const port = await freePort();
  const { child, started } = Service.begin({ port }, 15_000);
  const early: { path: string; status: number; body: string }[] = [];
  const ready = started.then(() => true);
  while (!(await Promise.race([ready, pause(2)]))) {
    for (const path of ['/api/health', '/api/cameras']) {
      const answer = await ask(port, path).catch(() => undefined);
      if (answer && !child.stdout.some(line => line.includes('"msg":"ready"'))) early.push({ path, ...answer });
    }
  }
  assert.ok(early.length > 0, 'HTTP is there before the index is open');
  for (const { path, status, body } of early) {
    if (path === '/api/health')
      assert.ok([`503 ${STARTING}`, '200 {"status":"ok"}'].includes(`${status} ${body}`), body);
    else if (status === 503) assert.match(body, /"kind":"unavailable".*"cure":"[A-Z]/);
    else assert.is(body, '{"cameras":[]}');
  }
  assert.ok(early.some(({ body }) => body === STARTING));
  const service = await started;
  const record = service.log.find(one => one.msg === 'ready') ?? {};
  assert.equal([record.url, record.hub, record.dataDir], [`http://127.0.0.1:${port}`, 'auto', service.dataDir]);
  assert.match(String(record.version), /^\d+\.\d+\.\d+$/);
  assert.equal(await service.get('/api/health'), { status: 'ok' });
  const status = await service.get<Status>('/api/status');
  const keys = 'service memory storage hub go2rtc cameras events problems timeMs clock'.split(' ');
  assert.equal(Object.keys(status).sort(), keys.sort());
  assert.equal(Object.keys(status.service).sort(), ['pid', 'startedMs', 'uptimeMs', 'version']);
  assert.equal([status.service.pid, status.service.version, status.hub], [service.pid, record.version, 'auto']);
  assert.ok((status.storage.freeBytes ?? 0) > 0 && (status.storage.totalBytes ?? 0) > (status.storage.freeBytes ?? 0));
  assert.equal([status.storage.segments, status.storage.sizeBytes, status.problems], [0, 0, []]);
  assert.ok(Math.abs(status.timeMs - Date.now()) < 2000);
  assert.is((await service.stop()).code, 0);
});

test('--demo: two cameras are recorded, on a first start and on a second one', async () => {
  const first = await Service.start({ args: ['--demo'] });
  for (const id of [1, 2]) await recording(first, id);
  assert.is((await first.stop()).code, 0);
  const second = await Service.start({ dataDir: first.dataDir, args: ['--demo'] });
  for (const id of [1, 2]) await recording(second, id);
  assert.is((await second.get<CameraList>('/api/cameras')).cameras.length, 2);
  assert.is((await second.stop()).code, 0);
});

test('SIGTERM with four cameras closes all files; the next start goes on after a gap that says restart', async () => {
  const { url } = await makeCamera();
  const service = await Service.start();
  const ids: number[] = [];
  for (const name of ['a', 'b', 'c', 'd']) ids.push(await add(service, name, url));
  for (const id of ids) await recording(service, id);
  await pause(1500);
  const stoppedMs = Date.now();
  assert.equal(await service.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - stoppedMs <= 1000, `stopping took ${Date.now() - stoppedMs} ms`);
  assert.equal(service.child.stderr, []);
  const files = segmentFiles(service.dataDir);
  assert.is(files.length, 4);
  for (const file of files) {
    const types = boxTypes(join(service.dataDir, 'segments', file));
    assert.equal(types.slice(0, 2), ['ftyp', 'moov'], file);
    assert.is(types.filter(type => type === 'sidx').length, 1, `${file}: ${types.join(' ')}`);
    assert.is(types.at(-1), 'mdat');
    await decodeWhole(join(service.dataDir, 'segments', file));
  }

  const second = await Service.start({ dataDir: service.dataDir });
  for (const id of ids) {
    const open = await recording(second, id);
    const [old] = await listSegments(second, id);
    assert.equal([old?.open, old?.endReason], [false, 'stop']);
    assert.ok(stoppedMs - (old?.endMs ?? 0) <= 300, `${stoppedMs - (old?.endMs ?? 0)} ms before the stop are lost`);
    assert.equal((await timelineOf(second, id)).gaps, [
      { startMs: old?.endMs, endMs: open.startMs, reason: 'restart' },
    ]);
  }
  assert.equal(await footageFaults(second), []);
  second.kill('SIGINT');
  assert.equal(await second.child.exited, { code: 0, signal: null });

  const third = await Service.start({ dataDir: service.dataDir });
  for (const id of ids) await recording(third, id);
  third.kill('SIGTERM');
  third.kill('SIGINT');
  await pause(20);
  third.kill('SIGTERM');
  const { code, signal } = await third.child.exited;
  assert.ok(signal === null && (code === 0 || code === 1), `ended with ${code ?? signal}`);
  for (const file of segmentFiles(service.dataDir)) {
    assert.ok(boxTypes(join(service.dataDir, 'segments', file)).includes('sidx'), `${file} was not closed in a hurry`);
  }
  const fourth = await Service.start({ dataDir: service.dataDir });
  assert.equal(await footageFaults(fourth), []);
  for (const id of ids) {
    const { gaps } = await timelineOf(fourth, id);
    assert.equal([...new Set(gaps.map(gap => gap.reason))], ['restart']);
  }
  assert.is((await fourth.stop()).code, 0);
});

test('a camera is renamed, moved, paused, disabled and removed while it and another record', async () => {
  const [here, there] = [await makeCamera(), await makeCamera()];
  const service = await Service.start();
  const other = await add(service, 'Other', here.url);
  const id = await add(service, 'Old name', here.url);
  const path = `/api/cameras/${id}`;
  const first = await recording(service, id);

  const renamed = await service.patch<ApiCamera>(path, { name: 'New name' });
  assert.equal([renamed.id, renamed.name, renamed.state.name], [id, 'New name', 'live']);
  assert.is((await recording(service, id)).id, first.id, 'a name interrupts nothing');

  await service.patch(path, { main: { url: there.url } });
  const movedMs = Date.now();
  await service.until<ApiCamera>(path, one => one.state.name === 'live' && there.connections === 1);
  const second = await recording(service, id);
  assert.is.not(second.id, first.id);
  assert.ok(second.startMs - movedMs <= 2000, `recorded from the new address after ${second.startMs - movedMs} ms`);
  assert.is((await listSegments(service, id))[0]?.endReason, 'reconnect');

  assert.is((await service.patch<ApiCamera>(path, { record: { mode: 'off' } })).state.name, 'live');
  assert.equal((await listSegments(service, id)).at(-1)?.open, false, 'the answer comes when the file is closed');
  assert.equal((await listSegments(service, id)).at(-1)?.endReason, 'mode');
  const stopped = (await timelineOf(service, id)).gaps.at(-1);
  assert.equal([stopped?.reason, stopped?.endMs], ['stopped', undefined]);
  await service.patch(path, { record: { mode: 'continuous' } });
  await recording(service, id);

  const disabled = await service.patch<ApiCamera>(path, { enabled: false });
  assert.is(disabled.state.name, 'disabled');
  assert.is((await timelineOf(service, id)).gaps.at(-1)?.reason, 'disabled');
  await service.patch(path, { enabled: true });
  await recording(service, id);
  const { gaps } = await timelineOf(service, id);
  assert.ok(
    gaps.every(gap => gap.endMs !== undefined),
    'nothing is missing any more',
  );

  const kept = segmentFiles(service.dataDir).filter(file => file.startsWith(`${id}/`));
  assert.is((await service.ask('DELETE', path)).status, 204);
  assert.is((await service.ask('GET', path)).status, 404);
  assert.equal(
    segmentFiles(service.dataDir).filter(file => file.startsWith(`${id}/`)),
    kept,
    'footage stays',
  );
  const left = await listSegments(service, id);
  assert.equal([left.length, left.some(segment => segment.open)], [kept.length, false]);
  for (const segment of left) await decodeWhole(await service.download(segment.id));

  const third = await add(service, 'Third', there.url);
  assert.ok(third > id, 'numbers are not used again');
  await recording(service, third);
  assert.is((await service.ask('DELETE', `/api/cameras/${third}?footage=delete`)).status, 204);
  assert.equal(await listSegments(service, third), []);
  assert.is(existsSync(join(service.dataDir, 'segments', String(third))), false);

  assert.equal((await timelineOf(service, other)).gaps, [], 'the other camera noticed nothing');
  assert.is((await listSegments(service, other)).length, 1);
  assert.is((await service.stop()).code, 0);
});

test('segments: pages, ranges of open and closed ones, removal of closed ones', async () => {
  const service = await Service.start();
  const id = await add(service, 'Door', (await makeCamera()).url);
  for (let i = 0; i < 3; i++) {
    await recording(service, id);
    await service.patch(`/api/cameras/${id}`, { record: { mode: 'off' } });
    await service.patch(`/api/cameras/${id}`, { record: { mode: 'continuous' } });
  }
  const open = await recording(service, id);
  const all = await listSegments(service, id);
  assert.equal(
    all.map(segment => segment.open),
    [false, false, false, true],
  );
  for (const limit of [1, 2, 3, 4]) {
    const paged = (await listSegments(service, id, limit)).map(segment => segment.id);
    assert.equal(
      paged,
      all.map(segment => segment.id),
      `pages of ${limit}`,
    );
  }
  await checkRanges(service, all[0] as Segment);
  await checkOpenRanges(service, open);

  const [first] = all;
  const file = join(service.dataDir, 'segments', segmentPath(first as Segment));
  assert.ok(existsSync(file));
  const refusal = await service.ask<ErrorBody>('DELETE', `/api/segments/${open.id}`);
  assert.equal([refusal.status, refusal.body.error.kind], [409, 'failed-precondition']);
  assert.is((await service.ask('DELETE', `/api/segments/${first?.id}`)).status, 204);
  assert.is(existsSync(file), false);
  for (const path of [`/api/segments/${first?.id}`, '/api/segments/1-main-5-0', '/api/segments/..%2f..%2fidentity']) {
    assert.is((await service.ask('DELETE', path)).status, 404, path);
    assert.is((await service.ask('GET', `${path}/file`)).status, 404, path);
  }
  assert.equal(
    (await listSegments(service, id)).map(segment => segment.id),
    all.slice(1).map(segment => segment.id),
  );
  const gone = (await timelineOf(service, id)).gaps.find(gap => gap.reason === 'deleted');
  assert.equal([gone?.startMs, gone?.endMs], [first?.startMs, first?.endMs]);
  assert.equal(await footageFaults(service), []);
  assert.is((await service.stop()).code, 0);
  assert.equal(readdirSync(join(service.dataDir, 'quarantine')), []);
});

async function checkRanges(service: Service, segment: Segment): Promise<void> {
  const path = `/api/segments/${segment.id}/file`;
  const whole = await service.exchange('GET', path);
  const size = whole.data.length;
  const { etag = '', ...headers } = whole.headers;
  assert.equal([whole.status, size, headers['content-type']], [200, segment.sizeBytes, 'video/mp4']);
  assert.equal([headers['accept-ranges'], headers['content-length']], ['bytes', String(size)]);
  const ranges: [range: string, start: number, end: number][] = [
    ['bytes=0-99', 0, 100],
    ['bytes=100-', 100, size],
    ['bytes=-100', size - 100, size],
    [`bytes=${size - 1}-${size + 1000}`, size - 1, size],
  ];
  for (const [range, start, end] of ranges) {
    const part = await service.exchange('GET', path, undefined, { range });
    assert.equal([part.status, part.headers['content-range']], [206, `bytes ${start}-${end - 1}/${size}`], range);
    assert.ok(part.data.equals(whole.data.subarray(start, end)), range);
  }
  for (const range of [`bytes=${size}-`, 'bytes=-0']) {
    const none = await service.exchange('GET', path, undefined, { range });
    assert.equal([none.status, none.headers['content-range']], [416, `bytes */${size}`], range);
  }
  for (const range of ['bytes=9-1', 'lines=0-5', 'bytes=0-1,5-6', 'bytes=a-b']) {
    assert.is((await service.exchange('GET', path, undefined, { range })).status, 200, range);
  }
  const head = await service.exchange('HEAD', path);
  assert.equal([head.status, head.headers['content-length'], head.data.length], [200, String(size), 0]);
  assert.is((await service.exchange('GET', path, undefined, { 'if-none-match': etag })).status, 304);
  const range = 'bytes=0-9';
  assert.is((await service.exchange('GET', path, undefined, { range, 'if-range': etag })).status, 206);
  assert.is((await service.exchange('GET', path, undefined, { range, 'if-range': '"other"' })).status, 200);
}

async function checkOpenRanges(service: Service, segment: Segment): Promise<void> {
  const path = `/api/segments/${segment.id}/file`;
  const part = await service.exchange('GET', path, undefined, { range: 'bytes=0-99' });
  assert.is(part.status, 206);
  assert.is(part.headers.etag, undefined, 'it still grows');
  const whole = await service.exchange('GET', path);
  assert.equal([whole.status, String(whole.data.length)], [200, whole.headers['content-length']]);
  assert.ok(whole.data.length >= segment.sizeBytes);
  const beyond = await service.exchange('GET', path, undefined, { range: 'bytes=100000000-' });
  assert.is(beyond.status, 416);
  await decodeWhole(await service.download(segment.id));
}

function ask(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, agent: false }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', piece => {
        body += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end();
  });
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

test.run();
