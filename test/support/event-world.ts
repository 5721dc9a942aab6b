// Events over an index in memory: cameras, footage and the clock are what a test says; everything asked of recording is remembered.
import { join } from 'node:path';
import type { RecordMode } from '../../src/cameras/index.ts';
import { EventBus, type Events } from '../../src/core/index.ts';
import { CameraEvents, type EventRecording } from '../../src/events/index.ts';
import type { EngineEvent, Picture, PictureRequest, StreamStats } from '../../src/native/index.ts';
import { intentOf } from '../../src/recording/schedule.ts';
import { Database } from '../../src/storage/database.ts';
import { eventId } from '../../src/storage/event.ts';
import { EventTable } from '../../src/storage/events.ts';
import type { Segment } from '../../src/storage/index.ts';
import { MemoryIndex } from '../unit/storage-memory-index.ts';
import { FakeClock } from './fake-clock.ts';
import { type FakeLog, fakeLog } from './fake-log.ts';

export interface WorldCamera {
  id: number;
  name: string;
  enabled: boolean;
  record: { mode: RecordMode; schedule?: string };
  events: { preRollMs: number; postRollMs: number; mergeMs: number; maxMs: number; alsoTrigger: number[] };
}

export interface Told {
  name: keyof Events;
  atMs: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any message
  event: any;
}

export class EventWorld {
  readonly clock = new FakeClock();
  readonly log: FakeLog = fakeLog('events');
  readonly bus = new EventBus(error => {
    throw error;
  });
  readonly cameras = new Map<number, WorldCamera>();
  /** What `recording` was asked to capture. */
  readonly captures: { camera: number; fromMs: number; untilMs: number; atMs: number }[] = [];
  /** Footage by camera; reaches as far as the test says. */
  readonly footage = new Map<number, { startMs: number; endMs: number }>();
  /** Cameras held, as often as they are. */
  readonly held: number[] = [];
  readonly told: Told[] = [];
  readonly commits: number[] = [];
  readonly segments: Segment[] = [];
  readonly pictures: PictureRequest[] = [];
  /** Files of main streams being written, by camera. */
  readonly written = new Map<number, StreamStats['open'][number]>();
  /** Of all streams. */
  gopMs = 1000;
  /** Footage is dated by so much more than the clock says. */
  offsetMs = 0;
  isThere = true;
  /** Thrown by what has to be durable while set. */
  failure: Error | undefined;
  /** Resolves when a hold is in force. */
  settling: Promise<void> = Promise.resolve();
  make: (request: PictureRequest) => Promise<Picture> = async ({ atMs }) => ({
    ...{ jpeg: Buffer.from('a jpeg'), atMs: atMs + 40 },
    ...{ width: 640, height: 360 },
  });
  readonly table: EventTable;
  readonly events: CameraEvents;
  readonly #cameraOf: (id: number) => WorldCamera | undefined;
  readonly #engineListeners = new Set<(event: EngineEvent) => void>();

  /** `folder` takes the pictures. `cameraOf`: another source of cameras than `cameras`. */
  constructor(folder = '/nowhere', cameraOf?: (id: number) => WorldCamera | undefined) {
    const { clock, log, bus } = this;
    this.#cameraOf = cameraOf ?? (id => this.cameras.get(id));
    const database = new Database({
      open: () => new MemoryIndex(),
      clock,
      log: log.logger,
      maxBytes: 1e9,
      onStep: step => {
        if (step === 'index-commit') this.commits.push(clock.monotonicMs());
      },
      onHealth: () => undefined,
    });
    database.start();
    this.table = new EventTable({
      database,
      segments: { footage: () => [], last: () => undefined, noteEvents: () => undefined },
      footageKnown: () => true,
      onLocked: () => undefined,
      pictures: { remove: () => undefined, pathOf: key => join(folder, `${eventId(key)}.jpg`) },
      clock,
      log: log.logger,
    });
    for (const name of ['event.opened', 'event.updated', 'event.closed', 'event.removed'] as const) {
      bus.on(name, event => this.told.push({ name, atMs: clock.monotonicMs(), event }));
    }
    this.events = new CameraEvents({
      store: {
        ...{ events: this.table, segmentsFolder: folder, isThere: async () => this.isThere },
        flush: async () => {
          if (this.failure) throw this.failure;
          await database.flush();
        },
        recovered: async () => undefined,
        segments: { list: () => ({ segments: [...this.segments] }) } as never,
      },
      cameras: { get: this.#cameraOf, list: () => [...this.cameras.values()] },
      recording: this.#recording(),
      engine: {
        footageMs: systemMs => systemMs + this.offsetMs,
        stats: () => ({
          streams: [...this.written].map(
            ([camera, open]) => ({ camera, stream: 'main', gopMs: this.gopMs, open: [open] }) as never,
          ),
          writer: { queuedBytes: 0, writtenBytes: 0, mediaBytes: 0, syncs: 0, slowestSyncMs: 0 },
        }),
        on: listener => {
          this.#engineListeners.add(listener);
          return () => this.#engineListeners.delete(listener);
        },
      },
      pictures: {
        make: request => {
          this.pictures.push(request);
          return this.make(request);
        },
      },
      ...{ bus, clock, log: log.logger },
    });
    this.events.start();
  }

  /** Adds a camera with short settings: 5 s before, 3 s after, merged within 4 s, 60 s at most. */
  camera(id: number, changes: Partial<WorldCamera['events']> = {}): WorldCamera {
    const camera: WorldCamera = {
      ...{ id, name: `Camera ${id}`, enabled: true, record: { mode: 'events' } },
      events: { preRollMs: 5000, postRollMs: 3000, mergeMs: 4000, maxMs: 60_000, alsoTrigger: [], ...changes },
    };
    this.cameras.set(id, camera);
    return camera;
  }

  /** The clock was set. */
  step(stepMs: number): void {
    this.clock.step(stepMs);
    for (const listener of this.#engineListeners) listener({ type: 'clock-step', clockGeneration: 1, stepMs });
  }

  /** Names of what was told, in order. */
  names(): string[] {
    return this.told.map(({ name }) => name);
  }

  #recording(): EventRecording {
    const { clock } = this;
    return {
      capture: (camera, fromMs, untilMs) => {
        this.captures.push({ camera, fromMs, untilMs, atMs: this.clock.monotonicMs() });
      },
      coverage: (camera, atMs) => {
        const range = this.footage.get(camera);
        return range && range.startMs <= atMs && atMs < range.endMs ? range : undefined;
      },
      hold: camera => {
        this.held.push(camera);
        return () => this.held.splice(this.held.indexOf(camera), 1);
      },
      records: id => {
        const camera = this.#cameraOf(id);
        return camera?.enabled === true && (intentOf(camera, clock.nowMs()).mode !== 'off' || this.held.includes(id));
      },
      settled: () => this.settling,
    };
  }
}
