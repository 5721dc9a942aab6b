// The services behind the API with fakes in their place, and real files for segments.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ApiServices, CameraGroups, type IndexedSegment } from '../../src/api/index.ts';
import { Cameras, DirectHub, Prober } from '../../src/cameras/index.ts';
import { EventBus, NvrError } from '../../src/core/index.ts';
import { WebhookSettings, Webhooks } from '../../src/events/index.ts';
import { Go2rtcPreferencesKeeper } from '../../src/go2rtc/index.ts';
import { Mqtt } from '../../src/mqtt/index.ts';
import { Live } from '../../src/native/index.ts';
import { Restream } from '../../src/restream/index.ts';
import { WebRtc } from '../../src/webrtc/index.ts';
import { EventWorld } from './event-world.ts';
import { FakeAccounts } from './fake-accounts.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeEngine } from './fake-engine.ts';
import { FakeLive } from './fake-live.ts';
import { type FakeLog, fakeLog } from './fake-log.ts';
import { FakeStore } from './fake-store.ts';
import { FakeGo2rtc } from './webrtc-world.ts';

export interface FakeServices {
  services: ApiServices;
  cameras: Cameras;
  engine: FakeEngine;
  store: FakeStore;
  log: FakeLog;
  /** Closed segments, oldest first. */
  segments: IndexedSegment[];
  /** Footage of events. */
  events: [number, number][];
  /** Cameras whose footage was removed. */
  purged: number[];
  /** The events of all these cameras, with a clock of their own. */
  world: EventWorld;
  /** What webhooks sent. */
  posted: string[];
  problems: ReturnType<ApiServices['problems']>;
  /** Lines that the log keeps in memory. */
  lines: string[];
  /** Gaps that go on, by camera. */
  gaps: Map<number, ReturnType<ApiServices['ongoingGap']>>;
  /** What health and problems are told by; events have their own. */
  clock: FakeClock;
  /** How far the memory of cameras reaches back that is too small. */
  shortPasts: Map<number, number>;
  /** Adds a closed segment, with a file when `content` is given. */
  addSegment(startMs: number, content?: Buffer): IndexedSegment;
  /** Makes a file being written; readers may count on `sizeBytes` of it. */
  openSegment(startMs: number, content: Buffer, sizeBytes: number): string;
}

function fakeStorage(segments: IndexedSegment[]): ApiServices['storage'] {
  let settings: ReturnType<ApiServices['storage']['settings']> = {
    floorBytes: null,
    floorPercent: null,
    totalQuotaBytes: null,
    leastKeptPercent: 25,
    clockConfirmed: false,
  };
  const none = { segments: 0, sizeBytes: 0 };
  return {
    settings: () => settings,
    settingsProvisioned: false,
    updateSettings: async patch => {
      settings = Object.assign({ ...settings }, patch);
      return settings;
    },
    lockSegment: async (id, locked) => {
      const segment = segments.find(known => known.id === id);
      if (!segment) throw new NvrError('not-found', 'there is no such segment');
      return Object.assign(segment, { locked });
    },
    figures: async () => ({
      freeBytes: 3,
      totalBytes: 4,
      floorBytes: 1,
      totalQuotaBytes: null,
      segments: 0,
      sizeBytes: 0,
      lockedBytes: 0,
      cameras: [],
      deleted: { age: none, 'camera-quota': none, 'total-quota': none, floor: none },
    }),
    // Tells what it was asked, so that tests see how the query was read.
    forecast: async overrides => [
      { camera: overrides.camera ?? 0, bytesPerDay: 0, days: overrides.days ?? null, limit: null },
    ],
    clockState: () => ({ trusted: false, generation: 2 }),
  };
}

/** All that is sent gets through. */
function fakeWebhooks(world: EventWorld, cameras: Cameras, store: FakeStore, posted: string[]): Webhooks {
  const sections = new Map<string, unknown>();
  const { bus, clock, log } = world;
  const settings = new WebhookSettings({
    store: {
      settings: {
        get: (section: string) => sections.get(section),
        put: async (section: string, value: unknown) => void sections.set(section, structuredClone(value)),
      } as never,
      seal: text => store.seal(text),
      unseal: sealed => store.unseal(sealed),
    },
    allowLoopback: false,
    log: log.logger,
  });
  const webhooks = new Webhooks({
    ...{ settings, events: world.table, cameras, storeUuid: 'a'.repeat(32), allowLoopback: false, bus, clock },
    sender: {
      send: async ({ body }) => {
        posted.push(body.toString());
        return 200;
      },
    },
    log: log.logger,
  });
  webhooks.start();
  return webhooks;
}

/** Without a broker. */
function fakeMqtt(world: EventWorld, cameras: Cameras, store: FakeStore): Mqtt {
  const sections = new Map<string, unknown>();
  const settings = {
    get: (section: string) => sections.get(section),
    put: async (section: string, value: unknown) => void sections.set(section, structuredClone(value)),
  };
  const { bus, clock, log, events } = world;
  return new Mqtt({
    ...{ cameras, events, bus, clock, log: log.logger, version: '0.0.0', url: 'http://127.0.0.1:80', startedMs: 1 },
    store: {
      settings: settings as never,
      seal: text => store.seal(text),
      unseal: sealed => store.unseal(sealed),
      uuid: 'a'.repeat(32),
    },
    storage: async () => ({ freeBytes: 3, totalBytes: 4, cameras: [] }),
    audit: { record: () => undefined },
    problems: () => 0,
  });
}

/** Without go2rtc. */
function fakeWebRtc({ bus, clock, log }: EventWorld, cameras: Cameras): WebRtc {
  const go2rtc = new FakeGo2rtc();
  go2rtc.name = 'absent';
  return new WebRtc({
    ...{ go2rtc, bus, clock, log: log.logger, interfaces: () => ({}) },
    speakers: { of: () => undefined, start: () => undefined, stop: () => undefined },
    cameras,
    view: () => Promise.reject(new NvrError('unavailable', 'there is no restream')),
  });
}

/** There is none, and installing it goes on for ever. */
function fakeGo2rtc(log: FakeLog): ApiServices['go2rtc'] {
  let running = false;
  const stored = new Map<string, unknown>();
  const rows = {
    get: (section: string) => stored.get(section),
    put: async (section: string, value: unknown) => void stored.set(section, value),
  };
  return {
    state: () => ({
      name: 'absent',
      message: 'There is none',
      cure: 'Install it.',
      sinceMs: 1,
      restarts: 0,
      webrtc: false,
      streams: [],
    }),
    preferences: new Go2rtcPreferencesKeeper({ settings: rows, log: log.logger }),
    installer: {
      get state() {
        return running
          ? { name: 'running' as const, sinceMs: 2, receivedBytes: 0 }
          : { name: 'idle' as const, sinceMs: 1 };
      },
      offered: { version: '1.9.14', file: 'go2rtc_linux_amd64' },
      begin: () => {
        running = true;
      },
    },
  };
}

/** A server that nobody comes to. */
function fakeRestream({ bus, clock, log }: EventWorld, cameras: Cameras, store: FakeStore): Restream {
  const sections = new Map<string, unknown>();
  const restream = new Restream({
    ...{ cameras, bus, clock, log: log.logger, audit: { record: () => undefined } },
    store: {
      settings: {
        get: (section: string) => sections.get(section),
        put: async (section: string, value: unknown) => void sections.set(section, structuredClone(value)),
      } as never,
      seal: text => store.seal(text),
      unseal: sealed => store.unseal(sealed),
    },
    server: {
      listen: (_way, _host, port) => ({ port: port || 40_000 }),
      close: () => undefined,
      allow: () => undefined,
      clients: () => [],
      onEvent: () => undefined,
    },
  });
  restream.start();
  return restream;
}

/** `folder` takes the segment files. */
export async function fakeServices(folder: string): Promise<FakeServices> {
  const engine = new FakeEngine();
  const store = new FakeStore();
  const log = fakeLog();
  const clock = new FakeClock();
  const bus = new EventBus(error => {
    throw error;
  });
  const hub = new DirectHub({ allowLoopback: false });
  const cameras = new Cameras({
    store,
    engine,
    hub,
    bus,
    log: log.logger,
    clock,
    allowLoopback: false,
    ownPorts: () => [],
  });
  await cameras.start(new AbortController().signal);
  const segments: IndexedSegment[] = [];
  const events: FakeServices['events'] = [];
  const purged: number[] = [];
  const problems: FakeServices['problems'] = [];
  const lines: string[] = [];
  const gaps: FakeServices['gaps'] = new Map();
  const shortPasts: FakeServices['shortPasts'] = new Map();
  const write = (path: string, content: Buffer) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const world = new EventWorld(folder, id => cameras.get(id));
  const posted: string[] = [];
  const hosts: string[] = [];
  const services: ApiServices = {
    accounts: FakeAccounts.open().real,
    linkKey: Buffer.alloc(32, 1),
    hosts: { names: () => hosts, update: async names => void hosts.splice(0, hosts.length, ...names) },
    cameras,
    events: world.events,
    bus: world.bus,
    groups: new CameraGroups({ get: () => undefined, put: async () => undefined }),
    webhooks: fakeWebhooks(world, cameras, store, posted),
    mqtt: fakeMqtt(world, cameras, store),
    webrtc: fakeWebRtc(world, cameras),
    go2rtc: fakeGo2rtc(log),
    restream: fakeRestream(world, cameras, store),
    prober: new Prober({
      ...{ engine, clock, hub, ownPorts: () => [], log: log.logger, allowLoopback: false },
      keyPicture: () => Promise.reject(new NvrError('not-found', 'there is no picture')),
    }),
    engine,
    segments: {
      folder,
      list({ camera, stream = 'main', startMs, endMs, limit, cursor }) {
        const found = segments
          .filter(segment => segment.camera === camera && segment.stream === stream)
          .filter(segment => segment.startMs < endMs && segment.endMs > startMs)
          .filter(segment => cursor === undefined || segment.startMs > Number(cursor));
        const page = found.slice(0, limit);
        return found.length > limit ? { segments: page, cursor: String(page.at(-1)?.startMs) } : { segments: page };
      },
      cursorAfter: segment => String(segment.startMs),
      isAfter: (cursor, segment) => segment.startMs > Number(cursor),
      get: id => segments.find(segment => segment.id === id),
      async remove(id) {
        const index = segments.findIndex(segment => segment.id === id);
        if (index < 0) throw new NvrError('not-found', 'there is no such segment');
        segments.splice(index, 1);
      },
      async removeAll(camera) {
        purged.push(camera);
        const locked = segments.filter(segment => segment.camera === camera && segment.locked);
        return { kept: { segments: locked.length, sizeBytes: locked.reduce((sum, one) => sum + one.sizeBytes, 0) } };
      },
      eventFootage: (_, startMs, endMs) => events.filter(([fromMs, toMs]) => fromMs < endMs && toMs > startMs),
      totals: () => ({ segments: segments.length, sizeBytes: segments.reduce((sum, one) => sum + one.sizeBytes, 0) }),
    },
    live: {
      feeds: new Live(new FakeLive()),
      need: () => () => undefined,
      keyPicture: async () => {
        throw new NvrError('not-found', 'there is no keyframe to make a picture of');
      },
      newestSegment: () => segments.at(-1),
    },
    recordingSettled: async () => {},
    storage: fakeStorage(segments),
    pictures: {
      make: async () => {
        throw new NvrError('not-found', 'there is no keyframe in this segment');
      },
    },
    planExport: async () => {
      throw new NvrError('not-found', 'there is no footage in this range');
    },
    timeline: (ids, stream) =>
      ids.map(camera => ({
        camera,
        footage: [stream === 'main' ? [1, 2] : [3, 4]],
        gaps: [{ startMs: 2, reason: 'offline' }],
        sizes: [],
      })),
    problems: () => [...problems],
    gapCounts: () => [{ camera: 1, reason: 'offline', count: 3 }],
    indexBytes: () => 4096,
    logs: {
      lines: () => lines,
      counts: () => ({ debug: 0, info: 5, warn: 2, error: 1 }),
      levels: { other: 'info', tags: {} },
    },
    ongoingGap: camera => gaps.get(camera),
    shortPastsMs: list => new Map([...shortPasts].filter(([id]) => list.some(camera => camera.id === id))),
    facts: { version: '0.0.0', startedMs: 1, dataDir: folder, hub: 'auto', timeZone: 'Etc/UTC' },
    clock,
    log: log.logger,
  };
  return {
    services,
    cameras,
    engine,
    store,
    log,
    segments,
    events,
    purged,
    world,
    posted,
    problems,
    lines,
    gaps,
    clock,
    shortPasts,
    addSegment(startMs, content) {
      const segment: IndexedSegment = {
        id: `1-main-${startMs}-0`,
        camera: 1,
        stream: 'main',
        startMs,
        clockGen: 0,
        endMs: startMs + 1000,
        sizeBytes: content?.length ?? 0,
        codecs: 'avc1.640020',
        endReason: 'length',
        locked: false,
        path: `1/${startMs}.mp4`,
      };
      segments.push(segment);
      if (content) write(segment.path, content);
      return segment;
    },
    openSegment(startMs, content, sizeBytes) {
      const path = `1/${startMs}.mp4`;
      write(path, content);
      engine.open.set(1, { startMs, clockGen: 0, endMs: startMs + 500, sizeBytes, path, codecs: 'avc1.640020' });
      return `1-main-${startMs}-0`;
    },
  };
}
