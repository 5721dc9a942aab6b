// A storm of triggers: a thousand a minute on each of four cameras, over HTTP. What it does to the recording, the index and the memory.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, EventList, Status } from '../../src/api/contract.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { timelineOf } from '../support/footage.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { SyncTimes } from '../support/sync-times.ts';
import { tempDir } from '../support/temp.ts';
import type { Measured } from './budgets.ts';
import { makeLoopDisk } from './loop-disk.ts';
import { median, percentile } from './percentile.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const PER_MINUTE = 1000;
const EVENT_MS = 10_000;
/** Events that go on as long as they may, and events that end every ten seconds; in both modes. */
const CAMERAS = [
  { record: { mode: 'events' } },
  { record: { mode: 'events' }, events: { mergeMs: 0, maxMs: EVENT_MS } },
  { record: { mode: 'continuous' } },
  { record: { mode: 'continuous' }, events: { mergeMs: 0, maxMs: EVENT_MS, preRollMs: 0 } },
];
const USUAL_MAX_MS = 600_000;
/** Rings fill, and the garbage of the start is collected. */
const SETTLE_MS = 12_000;
const SAMPLE_MS = 2000;
const KNOWN_COMMITS = 5;

interface Storm {
  fromMs: number;
  untilMs: number;
  refused: number;
  answersMs: number[];
  memory: ProcessFigures[];
}

export async function measureStorm(options: Pick<ServiceOptions, 'command'>, minutes: number): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.full);
  const names = CAMERAS.map((_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const disk = makeLoopDisk(512 + CAMERAS.length * Math.ceil(minutes * 20));
  const dataDir = disk ? mkdtempSync(join(disk.folder, 'data-')) : tempDir('bench');
  try {
    const syncs = await SyncTimes.build();
    const service = await Service.start({ ...options, dataDir, env: syncs.env });
    for (const [index, body] of CAMERAS.entries()) await addCameras(service, [server.url(names[index] ?? '')], body);
    await pause(SETTLE_MS);
    const commits = commitsOf(syncs, dataDir);
    await checkCommits(service, commits);
    const storm = await raise(service, minutes * 60_000);
    const { dropped, gaps, events } = await aftermath(service, storm);
    await service.stop();
    const growth = (name: 'rssMiB' | 'anonMiB') =>
      growthOf(
        storm.memory.map(one => one[name]),
        minutes,
      );
    const values: Measured[] = [
      { id: 'stormRefused', value: storm.refused },
      { id: 'stormAnswer', value: percentile(storm.answersMs, 0.99) },
      { id: 'stormGaps', value: gaps },
      { id: 'stormDropped', value: dropped },
      { id: 'stormCommits', value: perSecond(commits(storm.fromMs, storm.untilMs)) },
      { id: 'stormEvents', value: events },
      { id: 'stormRss', value: growth('rssMiB') },
      { id: 'stormAnonymous', value: growth('anonMiB') },
    ];
    return values.map(value => ({ ...value, cameras: CAMERAS.length }));
  } finally {
    await server.stop();
    disk?.remove();
  }
}

type Commits = (fromMs: number, untilMs: number) => number[];

/** When the index was committed between two moments: each commit ends with an fdatasync of its file. */
function commitsOf(syncs: SyncTimes, dataDir: string): Commits {
  const path = join(dataDir, 'index', 'data.mdb');
  return (fromMs, untilMs) =>
    syncs
      .read()
      .filter(sync => sync.path === path && sync.timeMs >= fromMs && sync.timeMs < untilMs)
      .map(sync => sync.timeMs);
}

/** From the first to the last: both ends counted, an hour of one a second would have 3601. */
function perSecond(timesMs: readonly number[]): number {
  return (timesMs.length - 1) / (((timesMs.at(-1) ?? Number.NaN) - (timesMs[0] ?? Number.NaN)) / 1000);
}

/** Changes that are answered only when they are durable have to show: else the count would say nothing. */
async function checkCommits(service: Service, commits: Commits): Promise<void> {
  const fromMs = Date.now();
  for (let n = 0; n < KNOWN_COMMITS; n++) await service.patch('/api/cameras/1', { name: `Camera ${n}` });
  const seen = commits(fromMs, Date.now() + 1).length;
  if (seen < KNOWN_COMMITS) throw new Error(`${seen} commits of ${KNOWN_COMMITS} were seen`);
}

/** Sends at fixed moments, whether or not what was sent before is answered. */
async function raise(service: Service, lengthMs: number): Promise<Storm> {
  const storm: Storm = { fromMs: Date.now(), untilMs: 0, refused: 0, answersMs: [], memory: [] };
  const under = new Set<Promise<void>>();
  const send = async (camera: number) => {
    const began = performance.now();
    const { status } = await service.ask('POST', `/api/cameras/${camera}/trigger`, randomTrigger());
    storm.answersMs.push(performance.now() - began);
    if (status !== 202) storm.refused++;
  };
  const total = Math.round((lengthMs / 60_000) * PER_MINUTE * CAMERAS.length);
  const began = performance.now();
  let sampledMs = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < total; n++) {
    const waitMs = began + (n * lengthMs) / total - performance.now();
    if (waitMs > 0) await pause(waitMs);
    const sent = send(1 + (n % CAMERAS.length)).catch(() => {
      storm.refused++;
    });
    under.add(sent);
    void sent.finally(() => under.delete(sent));
    if (performance.now() - sampledMs < SAMPLE_MS) continue;
    sampledMs = performance.now();
    storm.memory.push(processFigures(service.pid));
  }
  await Promise.all(under);
  storm.untilMs = Date.now();
  return storm;
}

/** All that a trigger may carry, of more kinds than an event keeps. */
function randomTrigger(): Record<string, unknown> {
  const below = (count: number) => Math.floor(Math.random() * count);
  const chance = Math.random();
  const action = chance < 0.8 ? 'pulse' : chance < 0.9 ? 'start' : 'stop';
  const box = () => ({
    box: [Math.random() / 2, Math.random() / 2, 0.2, 0.3],
    score: Math.random(),
    label: `b${below(9)}`,
  });
  return {
    ...{ action, kind: `kind ${below(40)}`, label: `label ${below(40)}`, score: Math.random() },
    ...(action === 'stop' ? {} : { durationMs: below(3000) }),
    ...(chance < 0.4 ? { timeMs: Date.now() - below(2000) } : {}),
    ...(chance < 0.2 ? { boxes: Array.from({ length: below(5) }, box), zones: [`zone ${below(30)}`] } : {}),
    ...(chance < 0.1 ? { payload: { text: 'x'.repeat(below(900)) } } : {}),
  };
}

async function aftermath(service: Service, { fromMs, untilMs }: Storm) {
  // The last of the footage reaches the disk, and the index.
  await pause(3000);
  let gaps = 0;
  let most = 0;
  for (let camera = 1; camera <= CAMERAS.length; camera++) {
    const timeline = await timelineOf(service, camera);
    gaps += timeline.gaps.filter(gap => gap.startMs < untilMs && (gap.endMs ?? untilMs) > fromMs).length;
    // What no gap tells of would be a hole all the same.
    if (!timeline.footage.some(([startMs, endMs]) => startMs <= fromMs && endMs >= untilMs)) gaps++;
    const { maxMs = USUAL_MAX_MS } = CAMERAS[camera - 1]?.events ?? {};
    most += Math.ceil((untilMs - fromMs) / maxMs) + 1;
  }
  const { cameras } = await service.get<{ cameras: { state: { droppedBytes: number } }[] }>('/api/cameras');
  const dropped = cameras.reduce((sum, { state }) => sum + state.droppedBytes, 0);
  const events = await allEvents(service);
  const { events: counted } = await service.get<Status>('/api/status');
  if (counted.opened !== events.length) throw new Error(`${counted.opened} events began, ${events.length} are listed`);
  return { dropped, gaps, events: events.length / most };
}

async function allEvents(service: Service): Promise<Event[]> {
  const events: Event[] = [];
  let cursor: string | undefined;
  do {
    const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: EventList = await service.get<EventList>(`/api/events?limit=200${next}`);
    events.push(...page.events);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return events;
}

/** From what it was behind the first minute (of a short storm: its first third) to what it is at the end. */
function growthOf(values: readonly number[], minutes: number): number {
  const window = Math.max(1, Math.round(values.length / Math.max(6, 2 * minutes)));
  const at = Math.round(values.length / Math.max(3, minutes));
  return median(values.slice(-window)) - median(values.slice(at, at + window));
}
