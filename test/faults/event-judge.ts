// Whether events and footage agree after a death: what an event says is on disk, what was answered is there, and nothing is there twice.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, EventList } from '../../src/api/contract.ts';
import { decodeWhole } from '../support/ffprobe.ts';
import { listSegments } from '../support/footage.ts';
import { probeSegments } from '../support/recorded.ts';
import type { Service } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import type { Taken } from './event-storm.ts';
import { pause } from './fault.ts';

/** What happened before the death. */
export interface Before {
  /** No event began sooner. */
  fromMs: number;
  /** Since when all cameras were live: causes may lie before their first pictures. */
  liveMs: number;
  killedMs: number;
  taken: readonly Taken[];
  preRollMs: number;
  postRollMs: number;
  /** Footage of the last moments may be lost. */
  mostLostMs: number;
}

export interface EventVerdict {
  faults: string[];
  events: number;
  /** Of footage that was to be recorded until the death. */
  lostMs: number;
  /** How long before the death the oldest event was answered that is not there any more. */
  lostEventMs: number;
}

interface Picture {
  atMs: number;
  sha256: string;
}

/** An event is durable a second after it was answered, and the commit takes its time. */
const EVENT_COMMIT_MS = 2000;
/** Two pictures that follow each other at 25 fps are never further apart. */
const MOST_BETWEEN_MS = 120;
/** The same pictures are sent again after 8 s. */
const SAME_MS = 4000;
/** System time against that of footage, and rounding. */
const TOLERANCE_MS = 100;
/** From `live` to the first keyframe: its GOP. */
const FIRST_KEYFRAME_MS = 2500;
/** The ends of events follow the footage that was adopted. */
const SETTLED_MS = 3000;

/** To be asked of a service whose leftovers are adopted. */
export async function judgeEvents(service: Service, before: Before): Promise<EventVerdict> {
  const footage = new Map<number, Picture[]>();
  for (const camera of new Set(before.taken.map(one => one.camera))) {
    footage.set(camera, await picturesOf(service, camera, before.fromMs));
  }
  const twice = [...footage].flatMap(([camera, pictures]) => recordedTwice(camera, pictures));
  for (const deadlineMs = Date.now() + SETTLED_MS; ; await pause(100)) {
    const events = await eventsSince(service, before.fromMs);
    const verdict = compare(events, footage, before);
    if (verdict.faults.length > 0 && Date.now() < deadlineMs) continue;
    return { ...verdict, faults: [...twice, ...verdict.faults, ...(await clipFaults(service, events))] };
  }
}

async function eventsSince(service: Service, fromMs: number): Promise<Event[]> {
  const events: Event[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page: EventList = await service.get(`/api/events?startMs=${fromMs}&limit=200${cursor}`);
    events.push(...page.events);
    cursor = page.cursor && `&cursor=${page.cursor}`;
  }
  return events;
}

/** All recorded since then, by their times. */
async function picturesOf(service: Service, camera: number, fromMs: number): Promise<Picture[]> {
  const segments = (await listSegments(service, camera)).filter(one => !one.open && one.endMs > fromMs);
  const files = await probeSegments(service.dataDir, segments);
  return files
    .flatMap(({ segment, video }) => {
      const zeroS = Math.min(...video.map(one => one.ptsS));
      return video.map(({ ptsS, sha256 }) => ({ sha256, atMs: segment.startMs + (ptsS - zeroS) * 1000 }));
    })
    .sort((a, b) => a.atMs - b.atMs);
}

function recordedTwice(camera: number, pictures: readonly Picture[]): string[] {
  const last = new Map<string, number>();
  let count = 0;
  for (const { sha256, atMs } of pictures) {
    if (atMs - (last.get(sha256) ?? Number.NEGATIVE_INFINITY) < SAME_MS) count++;
    last.set(sha256, atMs);
  }
  return count > 0 ? [`camera ${camera}: ${count} pictures are recorded twice`] : [];
}

/** How far the pictures go on from `fromMs` without a hole; undefined when there are none of that moment. */
function reach(pictures: readonly Picture[], fromMs: number): number | undefined {
  let place = pictures.findLastIndex(one => one.atMs <= fromMs + 1);
  let atMs = pictures[place]?.atMs;
  if (atMs === undefined || atMs + MOST_BETWEEN_MS < fromMs) return undefined;
  for (let next = pictures[++place]; next && next.atMs - atMs <= MOST_BETWEEN_MS; next = pictures[++place]) {
    atMs = next.atMs;
  }
  return atMs + MOST_BETWEEN_MS;
}

function compare(
  events: readonly Event[],
  footage: ReadonlyMap<number, Picture[]>,
  before: Before,
): Omit<EventVerdict, 'events'> & { events: number } {
  const faults: string[] = [];
  for (const event of events) faults.push(...eventFaults(event, footage.get(event.camera) ?? [], before));
  const known = new Map(events.map(event => [event.id, event]));
  const continued = new Set(events.map(event => event.continues));
  let lostMs = 0;
  let lostEventMs = 0;
  for (const taken of before.taken) {
    const event = known.get(taken.event);
    const pictures = footage.get(taken.camera) ?? [];
    if (event) lostMs = Math.max(lostMs, lossOf(taken, event, pictures, before, faults));
    if (event && taken.untilMs > before.killedMs && !continued.has(event.id))
      faults.push(...endFaults(event, pictures));
    if (!event) lostEventMs = Math.max(lostEventMs, before.killedMs - taken.answeredMs);
  }
  if (lostEventMs > EVENT_COMMIT_MS) faults.push(`an event is lost that was answered ${lostEventMs} ms before`);
  return { faults, events: events.length, lostMs, lostEventMs };
}

/** What it says of itself against what is on disk. */
function eventFaults(event: Event, pictures: readonly Picture[], { liveMs, killedMs, mostLostMs }: Before): string[] {
  const { id, startMs, endMs, preRoll } = event;
  if (endMs === undefined) return [`${id} has no end`];
  const faults: string[] = [];
  if (endMs < startMs || endMs > killedMs + TOLERANCE_MS)
    faults.push(`${id} ends ${endMs - killedMs} ms after the death`);
  if (preRoll.deliveredMs > 0) {
    const reachMs = reach(pictures, startMs - preRoll.deliveredMs);
    if (reachMs === undefined || reachMs < startMs) {
      faults.push(
        `${id} says that ${preRoll.deliveredMs} ms before it are there; they last ${lasts(reachMs, startMs)}`,
      );
    }
  }
  const wholeMs = Math.min(endMs, killedMs - mostLostMs);
  const firstMs = Math.max(startMs, liveMs + TOLERANCE_MS);
  const reachMs = reach(pictures, firstMs);
  if (wholeMs > firstMs && (reachMs === undefined || reachMs < wholeMs - TOLERANCE_MS)) {
    const beganMs = startMs - liveMs;
    faults.push(
      `${id} began ${beganMs} ms after all were live and lasts ${endMs - startMs} ms, its footage ${lasts(reachMs, startMs)}`,
    );
  }
  return faults;
}

/** What went on at the death ends with its footage. */
function endFaults({ id, startMs, endMs = 0 }: Event, pictures: readonly Picture[]): string[] {
  const reachMs = reach(pictures, startMs) ?? startMs;
  return endMs < reachMs - MOST_BETWEEN_MS - TOLERANCE_MS
    ? [`${id} ends ${reachMs - endMs} ms before its footage`]
    : [];
}

function lasts(reachMs: number | undefined, startMs: number): string {
  return reachMs === undefined ? 'not at all' : `until ${reachMs - startMs} ms after its start`;
}

/** What is missing of the footage that a trigger asked for, when that was going on at the death. */
function lossOf(taken: Taken, event: Event, pictures: readonly Picture[], before: Before, faults: string[]): number {
  const { killedMs, liveMs, mostLostMs, preRollMs, postRollMs } = before;
  // Its footage may have been on its way to the disk.
  if (taken.answeredMs > killedMs - mostLostMs) return 0;
  const { id, startMs, preRoll } = event;
  const isFirst = Math.abs(taken.causeMs - startMs) <= TOLERANCE_MS;
  const isTold = taken.answeredMs < killedMs - mostLostMs - EVENT_COMMIT_MS;
  const wasThere = startMs - preRollMs > liveMs + FIRST_KEYFRAME_MS;
  if (isFirst && isTold && wasThere && preRoll.deliveredMs < preRollMs) {
    faults.push(`${id}: ${preRoll.deliveredMs} of ${preRollMs} ms before it are delivered`);
  }
  const fromMs = Math.max(taken.causeMs, startMs, liveMs + TOLERANCE_MS);
  const wantedMs = taken.untilMs + postRollMs;
  const reachMs = reach(pictures, fromMs) ?? fromMs;
  const missingMs = Math.min(wantedMs, killedMs) - reachMs;
  if (wantedMs >= killedMs) return missingMs;
  if (missingMs > TOLERANCE_MS && reachMs < killedMs - mostLostMs) {
    faults.push(`${id}: ${missingMs} ms are missing of what the trigger at ${taken.causeMs - startMs} ms asked for`);
  }
  return 0;
}

/** The clip of the newest event plays. */
async function clipFaults(service: Service, [newest]: readonly Event[]): Promise<string[]> {
  if (!newest) return [];
  const { status, data } = await service.exchange('GET', `/api/events/${newest.id}/clip.mp4`);
  // Of an event that the death came upon at once there is no footage.
  if (status === 404 && newest.preRoll.deliveredMs === 0) return [];
  if (status !== 200) return [`the clip of ${newest.id}: ${status} ${data.toString('utf8', 0, 300)}`];
  const path = join(tempDir('clip'), 'clip.mp4');
  writeFileSync(path, data);
  return decodeWhole(path).then(
    () => [],
    error => [`the clip of ${newest.id}: ${String(error)}`],
  );
}
