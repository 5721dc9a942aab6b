// Events as their owner meets them, over HTTP: triggers, lists, changes, clips and pictures, and what webhooks are told.
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type {
  Camera as ApiCamera,
  Settings as ApiSettings,
  ErrorBody,
  Event,
  EventList,
  RecordReply,
  Segment,
  SegmentList,
  Timeline,
  TriggerReply,
} from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { footageFaults, listSegments, segmentFiles, timelineOf } from '../support/footage.ts';
import { HookServer } from '../support/hook-server.ts';
import { parseMetrics, sampleValue } from '../support/metrics.ts';
import { jpegPixels, psnr, videoPixels } from '../support/pixels.ts';
import { eventFaults } from '../support/pre-roll.ts';
import { probeSegments } from '../support/recorded.ts';
import { Service } from '../support/service.ts';
import { cutFaults, shown, stored } from '../support/shown-pictures.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const PRE_ROLL_MS = 2000;
const POST_ROLL_MS = 1500;
/** Longer than a busy machine takes from one request to the next. */
const MERGE_MS = 4000;
const GOP_MS = 1000;
const SECRET = 'a secret of the owner';

interface Watched {
  id: number;
  camera: Camera;
  clip: string;
}

const test = suite('events', { timeoutMs: 60_000 });
const cameras: Camera[] = [];
let service: Service;
let hooks: HookServer;
/** Sets off `yard`, which sets off `door`. */
let door: Watched;
let yard: Watched;
/** Nothing ever happens there. */
let idle: Watched;
/** Its mode is off until it becomes continuous. */
let hall: Watched;
let attic: Watched;

/** Of the event of `door` that grows: its id and the times of its first and last cause. */
let long = { id: '', fromMs: 0, toMs: 0 };
let short = { id: '', fromMs: 0 };
let byHand = '';
let inHall = '';

async function add(
  name: string,
  spec: keyof typeof CLIPS,
  mode: string,
  events: Partial<ApiCamera['events']>,
): Promise<Watched> {
  const clip = await clipFile(CLIPS[spec]);
  const camera = await Camera.start({ clips: [clip] });
  cameras.push(camera);
  const body = { name, main: { url: camera.url }, record: { mode }, events };
  return { id: (await service.post<ApiCamera>('/api/cameras', body)).id, camera, clip };
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

async function trigger({ id }: Watched, body: object): Promise<string> {
  return (await service.post<TriggerReply>(`/api/cameras/${id}/trigger`, body)).event ?? '';
}

async function ids(query: string): Promise<string[]> {
  return (await service.get<EventList>(`/api/events?${query}`)).events.map(event => event.id);
}

/** It has ended, and the time before it is on disk. */
async function over(id: string): Promise<Event> {
  const isOver = ({ endMs, preRoll }: Event) => endMs !== undefined && preRoll.deliveredMs >= preRoll.promisedMs;
  return service.until<Event>(`/api/events/${id}`, isOver, 20_000);
}

function segmentsOf({ id }: Watched, done: (segments: Segment[]) => boolean): Promise<SegmentList> {
  return service.until<SegmentList>(`/api/segments?camera=${id}&limit=500`, ({ segments }) => done(segments), 20_000);
}

function filesOf({ id }: Watched): string[] {
  return segmentFiles(service.dataDir).filter(path => path.startsWith(`${id}/`));
}

async function mediaBytes(): Promise<number | undefined> {
  const { data } = await service.exchange('GET', '/api/metrics');
  return sampleValue(parseMetrics(data.toString('utf8')), 'thimble_writer_media_bytes_total');
}

test.before(async () => {
  hooks = await HookServer.start();
  service = await Service.start();
  const brief = { preRollMs: 1000, postRollMs: 1000, mergeMs: 0 };
  door = await add('Door', 'smallBFrames', 'events', {
    ...{ preRollMs: PRE_ROLL_MS, postRollMs: POST_ROLL_MS, mergeMs: MERGE_MS },
  });
  yard = await add('Yard', 'small', 'events', { ...brief, mergeMs: MERGE_MS, alsoTrigger: [door.id] });
  idle = await add('Idle', 'smallSilent', 'events', {});
  hall = await add('Hall', 'smallHevc', 'off', brief);
  attic = await add('Attic', 'small', 'off', brief);
  await service.patch(`/api/cameras/${door.id}`, { events: { alsoTrigger: [yard.id] } });
  const webhook = { url: hooks.url, secret: SECRET, on: ['opened', 'closed'], cameras: [door.id] };
  await service.patch('/api/settings', { webhooks: [webhook] });
  for (const { id } of [door, yard, idle, hall, attic])
    await service.until<ApiCamera>(`/api/cameras/${id}`, one => one.state.name === 'live', 20_000);
});
test.after(async () => {
  await service?.stop();
  await stopChildren();
  await hooks?.stop();
  await Promise.all(cameras.map(camera => camera.stop()));
});

test('events mode writes nothing while nothing happens', async () => {
  await pause(PRE_ROLL_MS + 2 * GOP_MS);
  assert.equal(segmentFiles(service.dataDir), []);
  assert.is(await mediaBytes(), 0);
  for (const { id } of [door, yard, idle]) assert.is((await timelineOf(service, id)).gaps.at(-1)?.reason, 'quiet');
  assert.equal(await ids('limit=10'), []);
  await service.patch(`/api/cameras/${hall.id}`, { record: { mode: 'continuous' } });
});

test('an event is listed at once, and takes in what follows: start, stop, pulses', async () => {
  const start = { kind: 'motion', label: 'person', score: 0.4, zones: ['porch'], payload: { from: 'a test' } };
  const fromMs = Date.now();
  const box = { box: [0.1, 0.2, 0.3, 0.4], label: 'person' };
  const id = await trigger(door, { ...start, action: 'start', timeMs: fromMs, boxes: [{ ...box, score: 0.4 }] });
  const [listed] = (await service.get<EventList>(`/api/events?camera=${door.id}`)).events;
  assert.equal([listed?.id, listed?.endMs, listed?.labels], [id, undefined, ['person']]);
  const early = await service.ask<ErrorBody>('DELETE', `/api/events/${id}`);
  assert.equal([early.status, early.body.error.kind], [409, 'failed-precondition']);

  const dog = { label: 'dog', score: 0.9, durationMs: 200, boxes: [{ ...box, label: 'dog', score: 0.9 }] };
  assert.is(await trigger(door, dog), id, 'one event while it goes on');
  await pause(500);
  assert.is(await trigger(door, { action: 'stop', kind: 'motion', label: 'person' }), id);
  await pause(300);
  const toMs = Date.now();
  assert.is(await trigger(door, { label: 'car', timeMs: toMs }), id, 'merged');
  long = { id, fromMs, toMs };
});

test('recording by hand, also where the mode is off, from the moment on', async () => {
  const { event = '', untilMs = 0 } = await service.post<RecordReply>(`/api/cameras/${attic.id}/record`, {
    ...{ action: 'start', durationMs: 60_000 },
  });
  byHand = event;
  assert.ok(untilMs > Date.now(), 'it says when it ends by itself');
  await segmentsOf(attic, ([first]) => first !== undefined && first.endMs - first.startMs >= 1000);
  const stopped = await service.post<RecordReply>(`/api/cameras/${attic.id}/record`, { action: 'stop' });
  assert.is(stopped.event, event);
  await segmentsOf(hall, ([first]) => first !== undefined && first.endMs - first.startMs >= 2500);
  inHall = await trigger(hall, { label: 'person', durationMs: 300 });

  const seen = await over(event);
  assert.equal([seen.sources, seen.preRoll.promisedMs], [['manual'], 0]);
  await segmentsOf(attic, segments => segments.every(one => !one.open));
  assert.is(filesOf(attic).length, 1);
  const isStopped = ({ cameras: [seenOf] }: Timeline) => seenOf?.gaps.at(-1)?.reason === 'stopped';
  await service.until<Timeline>(
    `/api/timeline?camera=${attic.id}&startMs=${Date.now() - 86_400_000}&endMs=${Date.now() + 60_000}`,
    isStopped,
  );
  assert.is((await service.get<ApiCamera>(`/api/cameras/${attic.id}`)).record.mode, 'off');
});

test('continuous mode: an event is an interval over what is recorded anyway', async () => {
  const { startMs, endMs = 0, preRoll } = await over(inHall);
  assert.equal(preRoll, { promisedMs: 1000, deliveredMs: 1000 });
  const { segments } = await segmentsOf(hall, ([first]) => (first?.endMs ?? 0) > endMs + 1100);
  assert.equal([segments.length, filesOf(hall).length], [1, 1], 'nothing is written a second time');
  assert.ok(segments[0]?.open && segments[0].hasEvents);
  const { data } = await service.exchange('GET', `/api/events/${inHall}/clip.mp4`);
  const path = join(tempDir('clip'), 'clip.mp4');
  writeFileSync(path, data);
  const lengthMs = (await probe(path)).durationS * 1000;
  assert.ok(Math.abs(lengthMs - (endMs - startMs + 2000)) <= 41, `${lengthMs} ms`);
});

test('an event ends with its last cause; cameras set off each other once, in no circle', async () => {
  const seen = await over(long.id);
  assert.equal(seen.labels, ['person', 'dog', 'car']);
  assert.equal([seen.sources, seen.zones, seen.score], [['http'], ['porch'], 0.9]);
  assert.equal(
    seen.boxes.map(box => box.label),
    ['dog', 'person'],
  );
  assert.equal(seen.payload, { from: 'a test' });
  assert.equal(seen.preRoll, { promisedMs: PRE_ROLL_MS, deliveredMs: PRE_ROLL_MS });
  const lengthMs = (seen.endMs ?? 0) - seen.startMs;
  assert.ok(Math.abs(lengthMs - (long.toMs - long.fromMs)) <= 50, `${lengthMs} ms`);

  const [passedOn, ...more] = (await service.get<EventList>(`/api/events?camera=${yard.id}`)).events;
  assert.equal(more, []);
  assert.equal([passedOn?.sources, passedOn?.labels], [['camera'], ['person', 'dog', 'car']]);
});

test('what comes later is another event; what is recorded already is not recorded again', async () => {
  await service.patch(`/api/cameras/${door.id}`, { events: { mergeMs: 0 } });
  const fromMs = Date.now();
  short = { id: await trigger(door, { label: 'car', timeMs: fromMs }), fromMs };
  assert.is.not(short.id, long.id);
  const { preRoll } = await over(short.id);
  assert.equal(preRoll, { promisedMs: PRE_ROLL_MS, deliveredMs: PRE_ROLL_MS });
  const { segments } = await segmentsOf(door, all => all.every(one => !one.open));
  assert.ok(segments.length > 0 && segments.every(one => one.hasEvents));
  assert.equal(await footageFaults(service, () => false), []);
  const report = async () => ({ sent: door.camera.sent, requests: door.camera.requests });
  for (const { id, fromMs: triggerMs, toMs = triggerMs } of [long, { ...short, toMs: undefined }]) {
    const promised = { triggerMs, preRollMs: PRE_ROLL_MS, postRollMs: toMs - triggerMs + POST_ROLL_MS };
    const faults = await eventFaults(service, { report }, await over(id), promised);
    // The pre-roll of the second may reach into the footage of the first.
    assert.equal(id === long.id ? faults : faults.filter(words => !words.startsWith('it could have begun')), []);
  }
});

test('the clip is cut to the picture, and comes in ranges', async () => {
  const path = `/api/events/${long.id}/clip.mp4`;
  const { startMs, endMs = 0, preRoll, postRollMs } = await service.get<Event>(`/api/events/${long.id}`);
  const [fromMs, toMs] = [startMs - preRoll.deliveredMs, endMs + postRollMs];
  const whole = await service.exchange('GET', path);
  assert.equal([whole.status, whole.headers['content-type']], [200, 'video/mp4']);
  const file = join(tempDir('clip'), 'clip.mp4');
  writeFileSync(file, whole.data);
  const all = await stored(service.dataDir, await listSegments(service, door.id));
  assert.equal(cutFaults(await shown(file), all, fromMs, toMs), []);
  const { durationS, streams } = await probe(file);
  assert.ok(Math.abs(durationS * 1000 - (toMs - fromMs)) <= 41, `${durationS} s for ${toMs - fromMs} ms`);
  assert.equal(
    streams.map(one => one.codec),
    ['h264', 'aac'],
  );

  const size = whole.data.length;
  for (const [from, to] of [
    [0, 99],
    [size >> 1, (size >> 1) + 70_000],
    [size - 10, size - 1],
  ] as const) {
    const part = await service.exchange('GET', path, undefined, { range: `bytes=${from}-${to}` });
    const last = Math.min(to, size - 1);
    assert.equal([part.status, part.headers['content-range']], [206, `bytes ${from}-${last}/${size}`]);
    assert.equal(part.data, whole.data.subarray(from, last + 1));
  }
});

test('the picture is the keyframe nearest to the cause', async () => {
  const hasPicture = (event: Event) => event.picture !== undefined;
  const { startMs, picture } = await service.until<Event>(`/api/events/${long.id}`, hasPicture, 20_000);
  const files = await probeSegments(service.dataDir, await listSegments(service, door.id));
  const keys = files.flatMap(({ segment, video }) =>
    video
      .filter(one => one.key)
      .map(one => ({ sha256: one.sha256, atMs: segment.startMs + (one.ptsS - (video[0]?.ptsS ?? 0)) * 1000 })),
  );
  const [nearest] = keys.sort((a, b) => Math.abs(a.atMs - startMs) - Math.abs(b.atMs - startMs));
  assert.ok(Math.abs((picture?.atMs ?? 0) - (nearest?.atMs ?? 0)) <= 2, `${picture?.atMs} and ${nearest?.atMs}`);

  const { status, headers, data } = await service.exchange('GET', `/api/events/${long.id}/picture.jpg`);
  assert.equal([status, headers['content-type'], data.length], [200, 'image/jpeg', picture?.sizeBytes]);
  const file = join(tempDir('jpeg'), 'picture.jpg');
  writeFileSync(file, data);
  const seen = await jpegPixels(file);
  // By its content it is this keyframe of the clip, and neither the one before nor the one after.
  const { video, durationS } = await probe(door.clip);
  const atS = video.find(one => one.sha256 === nearest?.sha256)?.ptsS ?? Number.NaN;
  const size = { width: picture?.width ?? 0, height: picture?.height ?? 0 };
  const likeness = async (stepS: number) =>
    psnr(
      seen,
      await videoPixels(door.clip, (atS + stepS + durationS) % durationS, { matrix: 'bt601', range: 'tv' }, size),
    );
  const [before, itself, after] = [await likeness(-GOP_MS / 1000), await likeness(0), await likeness(GOP_MS / 1000)];
  assert.ok(itself > 36 && itself > Math.max(before, after) + 6, `${before}, ${itself}, ${after} dB`);
});

test('lists: filters hold together, cursors go on', async () => {
  assert.equal(await ids(`camera=${door.id}`), [short.id, long.id], 'newest first');
  assert.equal((await ids(`camera=${attic.id}&camera=${hall.id}`)).sort(), [byHand, inHall].sort());
  assert.equal(await ids(`camera=${door.id}&label=dog`), [long.id]);
  assert.equal(await ids(`camera=${door.id}&label=car`), [short.id, long.id]);
  assert.equal(await ids('zone=porch'), [long.id]);
  assert.equal(await ids('source=manual'), [byHand]);
  assert.equal(await ids(`source=camera&camera=${door.id}`), []);
  assert.equal(await ids(`camera=${idle.id}`), []);
  const { startMs } = await service.get<Event>(`/api/events/${short.id}`);
  assert.equal(await ids(`camera=${door.id}&startMs=${startMs}`), [short.id]);
  assert.equal(await ids(`camera=${door.id}&endMs=${startMs}`), [long.id]);

  const everything = await ids('limit=50');
  const paged: string[] = [];
  for (let cursor = ''; ; ) {
    const page = await service.get<EventList>(`/api/events?limit=1${cursor}`);
    paged.push(...page.events.map(event => event.id));
    if (page.cursor === undefined) break;
    cursor = `&cursor=${page.cursor}`;
  }
  assert.equal(paged, everything);
});

test('reviewed, note, lock; what is locked is not deleted; footage stays', async () => {
  const path = `/api/events/${long.id}`;
  const changed = await service.patch<Event>(path, { reviewed: true, locked: true, note: 'the postman' });
  assert.equal([changed.reviewed, changed.locked, changed.note], [true, true, 'the postman']);
  assert.equal(await service.get<Event>(path), changed);
  for (const filter of ['reviewed', 'locked']) {
    assert.equal(await ids(`camera=${door.id}&${filter}=true`), [long.id]);
    assert.equal(await ids(`camera=${door.id}&${filter}=false`), [short.id]);
  }
  const refused = await service.ask<ErrorBody>('DELETE', path);
  assert.equal([refused.status, refused.body.error.kind], [409, 'failed-precondition']);
  assert.ok(refused.body.error.cure);
  assert.is((await service.patch<Event>(path, { locked: false, note: null })).note, undefined);
  const files = filesOf(door);
  await service.delete(path);
  for (const gone of [path, `${path}/picture.jpg`, `${path}/clip.mp4`])
    assert.is((await service.ask('GET', gone)).status, 404, gone);
  assert.equal(await ids(`camera=${door.id}`), [short.id]);
  assert.equal(filesOf(door), files);
});

test('webhooks are told, and can tell that it is us', async () => {
  for (const deadlineMs = Date.now() + 15_000; hooks.heard.length < 4 && Date.now() < deadlineMs; ) await pause(50);
  const told = hooks.heard.map(({ body }) => JSON.parse(body));
  assert.equal(
    told.map(({ type, id }) => [type, id]),
    [long.id, short.id].flatMap(id => [
      ['opened', id],
      ['closed', id],
    ]),
  );
  const identity = readFileSync(join(service.dataDir, 'identity.json'), 'utf8');
  for (const { headers, body } of hooks.heard) {
    const signed = createHmac('sha256', SECRET).update(`${headers['x-thimble-timestamp']}.${body}`).digest('hex');
    assert.is(headers['x-thimble-signature'], `sha256=${signed}`);
    const { store, cameraName, camera } = JSON.parse(body);
    assert.match(identity, `"${store}"`);
    assert.equal([cameraName, camera], ['Door', door.id]);
  }
  assert.is(new Set(hooks.heard.map(({ headers }) => headers['x-thimble-delivery'])).size, 4);
  const shownOf = (await service.get<ApiSettings>('/api/settings')).webhooks[0];
  assert.equal([shownOf?.hasSecret, JSON.stringify(shownOf).includes(SECRET)], [true, false]);
});

test('what cannot be used is refused with its field and a cure', async () => {
  const to = `/api/cameras/${door.id}`;
  const event = `/api/events/${short.id}`;
  const refused: [method: string, path: string, body: object | undefined, field: string][] = [
    ['POST', `${to}/trigger`, { label: 'x'.repeat(33) }, 'label'],
    ['POST', `${to}/trigger`, { lable: 'person' }, 'lable'],
    ['POST', `${to}/trigger`, { action: 'poke' }, 'action'],
    ['POST', `${to}/trigger`, { score: 2 }, 'score'],
    ['POST', `${to}/trigger`, { timeMs: Date.now() - 120_000 }, 'timeMs'],
    ['POST', `${to}/trigger`, { durationMs: -1 }, 'durationMs'],
    ['POST', `${to}/trigger`, { boxes: [{ box: [0, 0, 2, 1] }] }, 'boxes.0.box.2'],
    ['POST', `${to}/trigger`, { payload: 'x'.repeat(1100) }, 'payload'],
    ['POST', `${to}/record`, { action: 'start', durationMs: 5 }, 'durationMs'],
    ['PATCH', to, { events: { preRollMs: 60_000 } }, 'events.preRollMs'],
    ['PATCH', event, { note: 'x'.repeat(501) }, 'note'],
    ['PATCH', event, { locked: 'yes' }, 'locked'],
    ['GET', '/api/events?limit=0', undefined, 'limit'],
    ['GET', '/api/events?camera=door', undefined, 'camera.0'],
    ['GET', '/api/events?source=bell', undefined, 'source'],
    ['GET', '/api/events?reviewed=maybe', undefined, 'reviewed'],
    ['GET', '/api/events?startMs=5&endMs=1', undefined, 'endMs'],
    ['GET', '/api/events?cursor=x', undefined, 'cursor'],
    ['PATCH', '/api/settings', { webhooks: [{ url: 'ftp://192.168.1.5/x' }] }, 'webhooks.0.url'],
    ['PATCH', '/api/settings', { webhooks: [{ url: hooks.url, secret: 'short' }] }, 'webhooks.0.secret'],
  ];
  for (const [method, path, body, field] of refused) {
    const answer = await service.ask<ErrorBody>(method, path, body);
    const { kind, field: named, cure } = answer.body.error;
    assert.equal([answer.status, kind, named], [400, 'invalid-argument', field], `${method} ${path}: ${field}`);
    assert.match(cure ?? '', /^[A-Z].*[.?]$/, field);
  }
  assert.is((await service.ask('POST', '/api/cameras/999/trigger', {})).status, 404);
  assert.is((await service.ask('GET', '/api/events/1-1-0')).status, 404);
});

test('nothing was written of the camera where nothing happened; all files play; a clean end', async () => {
  assert.equal(filesOf(idle), []);
  assert.equal(await footageFaults(service), []);
  assert.equal(await service.stop(), { code: 0, signal: null });
});

test.run();
