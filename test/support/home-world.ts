// A recorder for MQTT without the rest of it: cameras and events are what a test says, the clock is the real one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Camera } from '../../src/cameras/index.ts';
import { type Clock, EventBus, NvrError, systemClock } from '../../src/core/index.ts';
import type { EventView, Trigger } from '../../src/events/index.ts';
import { Mqtt } from '../../src/mqtt/index.ts';
import { type FakeLog, fakeLog } from './fake-log.ts';
import { tempDir } from './temp.ts';

export class HomeWorld {
  readonly uuid: string;
  readonly bus = new EventBus(error => {
    throw error;
  });
  readonly log: FakeLog = fakeLog('mqtt');
  readonly cameras = new Map<number, Camera>();
  readonly presets = new Map<number, { token: string; name: string }[]>();
  /** Presets that were gone to. */
  readonly went: [camera: number, preset: string][] = [];
  readonly events = new Map<string, EventView>();
  readonly triggers: Trigger[] = [];
  readonly sections = new Map<string, unknown>();
  readonly audit: string[] = [];
  readonly mqtt: Mqtt;
  readonly #pictures = tempDir('pictures');
  restarts = 0;
  problems = 0;

  constructor(uuid: string, cameras: readonly number[], clock: Clock = systemClock) {
    this.uuid = uuid;
    for (const id of cameras) this.cameras.set(id, fakeCamera(id, `Camera ${id}`));
    this.mqtt = new Mqtt({
      ...{
        bus: this.bus,
        clock,
        log: this.log.logger,
        version: '1.2.3',
        url: 'http://10.0.0.5:8080',
        startedMs: 1,
        random: () => 0,
      },
      store: {
        settings: {
          get: (section: string) => this.sections.get(section),
          put: async (section: string, value: unknown) => void this.sections.set(section, structuredClone(value)),
        } as never,
        seal: secret => `sealed:${Buffer.from(secret).toString('base64')}`,
        unseal: sealed => Buffer.from(sealed.slice(7), 'base64').toString(),
        uuid,
      },
      cameras: {
        list: () => [...this.cameras.values()],
        get: id => this.cameras.get(id),
        presets: id => this.presets.get(id) ?? [],
        goToPreset: async (id, which) => void this.went.push([id, which]),
        update: async (id, patch) => this.#update(id, patch as Partial<Camera>),
      },
      events: {
        trigger: trigger => {
          this.triggers.push(trigger);
          return undefined;
        },
        find: id => this.events.get(id),
        list: ({ cameras: [camera] = [] }) => ({
          events: [...this.events.values()].filter(event => event.camera === camera).reverse(),
        }),
        ongoing: () => [...this.events.values()].filter(({ endMs }) => endMs === undefined),
        picturePath: id => join(this.#pictures, `${id}.jpg`),
      },
      storage: async () => ({
        ...{ freeBytes: 5e9, totalBytes: 9e9 },
        cameras: [...this.cameras.keys()].map(camera => ({ camera, oldestMs: Date.now() - 3 * 86_400_000 })),
      }),
      audit: { record: ({ target, detail }) => void this.audit.push(`${target}: ${detail}`) },
      problems: () => this.problems,
      restart: () => {
        this.restarts++;
      },
    });
  }

  addCamera(id: number, name: string): void {
    this.cameras.set(id, fakeCamera(id, name));
    this.bus.emit('camera.changed', { camera: id });
  }

  removeCamera(id: number): void {
    this.cameras.delete(id);
    this.bus.emit('camera.removed', { camera: id });
  }

  /** Changes how a camera is. */
  change(id: number, name: Camera['state']['name']): void {
    const camera = this.cameras.get(id);
    if (!camera) throw new Error(`there is no camera ${id}`);
    this.cameras.set(id, { ...camera, state: { ...camera.state, name } });
    this.bus.emit('camera.state', { camera: id, name, sinceMs: 1 });
  }

  /** Opens an event, or closes it, or gives it a picture. */
  happen(id: string, camera: number, change: Partial<EventView> = {}, jpeg?: Buffer): EventView {
    const before = this.events.get(id);
    const event: EventView = {
      ...(before ?? fakeEvent(id, camera)),
      ...change,
      ...(jpeg && { picture: { atMs: 1, width: 64, height: 36, sizeBytes: jpeg.length } }),
    };
    if (jpeg) writeFileSync(join(this.#pictures, `${id}.jpg`), jpeg);
    this.events.set(id, event);
    const { startMs, endMs, labels, sources } = event;
    const summary = { camera, id, startMs, labels, sources, ...(endMs !== undefined && { endMs }) };
    this.bus.emit(endMs !== undefined ? 'event.closed' : before ? 'event.updated' : 'event.opened', summary);
    return event;
  }

  #update(id: number, patch: Partial<Camera>): Camera {
    const before = this.cameras.get(id);
    if (!before) throw new NvrError('not-found', 'there is no such camera');
    const after: Camera = { ...before, ...patch, record: { ...before.record, ...patch.record } };
    this.cameras.set(id, after);
    this.bus.emit('camera.changed', { camera: id });
    return after;
  }
}

export function fakeEvent(id: string, camera: number): EventView {
  return {
    ...{ id, camera, startMs: 1_700_000_000_000, labels: ['person'], zones: ['drive'], sources: ['http'] },
    ...{
      boxes: [],
      preRoll: { promisedMs: 5000, deliveredMs: 5000 },
      postRollMs: 1000,
      locked: false,
      reviewed: false,
    },
  };
}

export function fakeCamera(id: number, name: string): Camera {
  return {
    ...{ id, name, enabled: true, priority: 50, audio: true, hasPassword: false },
    main: { url: 'rtsp://10.0.0.1/', transport: 'tcp' },
    record: { mode: 'continuous', streams: 'auto', segmentMs: 300_000 },
    events: { preRollMs: 5000, postRollMs: 10_000, mergeMs: 0, maxMs: 600_000, alsoTrigger: [] },
    retention: { days: null, eventDays: null, quotaBytes: null },
    can: {
      ptz: false,
      presets: false,
      relays: false,
      dayNight: false,
      talk: false,
      audio: true,
      webrtc: false,
      privacy: false,
    },
    cannot: {},
    state: {
      name: 'live',
      main: { codec: 'h264', width: 1920, height: 1080, fps: 25, bitrateBps: 2_000_000, gopMs: 2000 },
      ...{ sinceMs: 1, lastPacketMs: 2, problems: [], reconnects: 3, droppedBytes: 0 },
    },
  };
}
