// The seconds before: nothing is written until a trigger, and then what was before it is there, to the picture, over restarts too.
import { writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Camera, SegmentList, Timeline } from '../../src/api/contract.ts';
import { CameraChild } from '../support/camera-child.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { footageFaults, segmentFiles } from '../support/footage.ts';
import { type EventAnswer, eventFaults } from '../support/pre-roll.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const PRE_ROLL_MS = 3000;
const POST_ROLL_MS = 1000;
/** The ring: pre-roll, 2 s of latency, a GOP of 1 s, and what starting takes. */
const FILL_MS = 6500;

const test = suite('pre-roll', { timeoutMs: 120_000 });
test.after(stopChildren);

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
const over = (event: EventAnswer) => event.endMs !== undefined;

async function add(service: Service, camera: CameraChild, mode: 'events' | 'continuous'): Promise<number> {
  const events = { preRollMs: PRE_ROLL_MS, postRollMs: POST_ROLL_MS, mergeMs: 0 };
  const body = { name: mode, main: { url: camera.url }, record: { mode }, events };
  const { id } = await service.post<Camera>('/api/cameras', body);
  await service.until<Camera>(`/api/cameras/${id}`, one => one.state.name === 'live', 20_000);
  return id;
}

async function pulse(service: Service, id: number, label: string): Promise<{ event: string; triggerMs: number }> {
  const triggerMs = Date.now();
  const body = { action: 'pulse', label, timeMs: triggerMs };
  const { event } = await service.post<{ event: string }>(`/api/cameras/${id}/trigger`, body);
  return { event, triggerMs };
}

/** The event is over, and its footage closed. */
async function closed(service: Service, id: string): Promise<EventAnswer> {
  const event = await service.until<EventAnswer>(`/api/events/${id}`, over, 20_000);
  const path = `/api/segments?camera=${event.camera}&limit=500`;
  await service.until<SegmentList>(path, list => list.segments.every(one => !one.open), 20_000);
  return service.get<EventAnswer>(`/api/events/${id}`);
}

test('events mode: nothing before the trigger, then what was before it; picture, clip and timeline; kill -9', async () => {
  const clip = await clipFile(CLIPS.smallBFrames);
  const camera = await CameraChild.start({ clips: [clip] });
  const dataDir = tempDir('pre-roll');
  let service = await Service.start({ dataDir });
  const id = await add(service, camera, 'events');
  await pause(FILL_MS);
  assert.equal(segmentFiles(dataDir), [], 'no file without an event');

  const { event, triggerMs } = await pulse(service, id, 'person');
  const seen = await closed(service, event);
  const promised = { triggerMs, preRollMs: PRE_ROLL_MS, postRollMs: POST_ROLL_MS };
  assert.equal(await eventFaults(service, camera, seen, promised), []);
  assert.equal(seen.labels, ['person']);
  assert.equal(seen.sources, ['http']);

  const { cameras } = await service.get<Timeline>(
    `/api/timeline?camera=${id}&startMs=${Date.now() - 86_400_000}&endMs=${Date.now()}`,
  );
  assert.is(cameras[0]?.gaps.at(-1)?.reason, 'quiet', 'an intended gap, no fault');
  const withPicture = await service.until<EventAnswer>(
    `/api/events/${event}`,
    one => one.picture !== undefined,
    15_000,
  );
  assert.ok(Math.abs((withPicture.picture?.atMs ?? 0) - triggerMs) <= 1500);
  const picture = await service.exchange('GET', `/api/events/${event}/picture.jpg`);
  assert.is(picture.data.readUInt16BE(0), 0xffd8);

  // The next one ends badly: it goes on when the service dies.
  await pause(FILL_MS);
  const { event: second } = await pulse(service, id, 'car');
  await service.post(`/api/cameras/${id}/trigger`, { action: 'start', label: 'car' });
  await pause(1800);
  service.kill('SIGKILL');
  await service.child.exited;
  service = await Service.start({ dataDir }, 30_000);
  const path = `/api/segments?camera=${id}&limit=500`;
  const { segments } = await service.until<SegmentList>(path, list => list.segments.length >= 2, 20_000);
  const cut = await service.until<EventAnswer>(`/api/events/${second}`, over, 20_000);
  const last = segments.at(-1);
  assert.ok(last && last.startMs <= cut.startMs - PRE_ROLL_MS, 'what was before it had reached the disk');
  assert.ok(
    (cut.endMs ?? 0) <= (last?.endMs ?? 0) && (cut.endMs ?? 0) >= cut.startMs,
    'it ends where its footage ends',
  );
  assert.ok(cut.preRoll.deliveredMs >= cut.preRoll.promisedMs);
  assert.equal(await footageFaults(service), []);
  await service.stop();
});

test('continuous mode: an event is an interval over footage, and its clip is cut to the millisecond', async () => {
  const clip = await clipFile(CLIPS.small);
  const camera = await CameraChild.start({ clips: [clip] });
  const service = await Service.start({ dataDir: tempDir('pre-roll') });
  const id = await add(service, camera, 'continuous');
  await pause(FILL_MS);
  const { event, triggerMs } = await pulse(service, id, 'person');
  const seen = await service.until<EventAnswer>(`/api/events/${event}`, over, 20_000);
  assert.ok(seen.preRoll.deliveredMs >= PRE_ROLL_MS, `${seen.preRoll.deliveredMs}`);
  await service.until<SegmentList>(
    `/api/segments?camera=${id}`,
    list => (list.segments[0]?.endMs ?? 0) > triggerMs + POST_ROLL_MS + 500,
    15_000,
  );
  const file = await service.exchange('GET', `/api/events/${event}/clip.mp4`);
  assert.is(file.status, 200);
  const saved = `${tempDir('clip')}/clip.mp4`;
  writeFileSync(saved, file.data);
  const shown = (await probe(saved)).durationS * 1000;
  assert.ok(Math.abs(shown - (seen.preRoll.deliveredMs + POST_ROLL_MS)) <= 60, `${shown}`);
  await service.stop();
});

test.run();
