// A recording with everything around it in memory: cameras, an engine that says what a test wants, real tables on a fake index.
import type { Camera, RecordingPlan } from '../../src/cameras/index.ts';
import { EventBus, type Events, type GapReason, NvrError, type StreamName } from '../../src/core/index.ts';
import type { EngineEvent } from '../../src/native/index.ts';
import { Recording, RingBudget } from '../../src/recording/index.ts';
import { Database } from '../../src/storage/database.ts';
import { GapTable } from '../../src/storage/gaps.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { MemoryIndex } from './storage-memory-index.ts';

export const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
export const never = new AbortController().signal;

type Closed = Extract<EngineEvent, { type: 'segment-closed' }>;

interface CameraWish {
  enabled?: boolean;
  mode?: 'off' | 'continuous' | 'events';
  schedule?: string;
  preRollMs?: number;
  streams?: 'auto' | 'main' | 'both';
  main?: string;
  /** Of its state. */
  reason?: string;
  sub?: string;
}

export class StoppableEngine extends FakeEngine {
  stops = 0;
  stopsInTime = true;
  onStop = () => {};

  async stop(): Promise<boolean> {
    this.stops++;
    this.onStop();
    return this.stopsInTime;
  }
}

export class World {
  readonly clock = new FakeClock(T0);
  readonly engine = new StoppableEngine();
  readonly log = fakeLog('recording');
  readonly calls: string[] = [];
  readonly events: { [K in keyof Events]?: Events[K][] } = {};
  readonly bus = new EventBus(error => {
    throw error;
  });
  readonly cameras = new Map<number, Camera>();
  readonly plans = new Map<number, RecordingPlan | null>();
  /** Of each plan. */
  readonly offsets: [stream: StreamName, rotationOffsetMs: number][] = [];
  /** Cameras whose sub stream is needed, once for each need. */
  readonly needs: number[] = [];
  readonly segments: SegmentTable;
  readonly gaps: GapTable;
  failure: NvrError | undefined;
  there = true;
  footageEnd: { endMs: number; clockGen: number } | undefined;
  recording!: Recording;

  constructor() {
    const log = this.log.logger;
    const index = new MemoryIndex();
    const database = new Database({
      open: () => index,
      clock: new FakeClock(T0),
      log,
      maxBytes: 1e9,
      onStep: () => undefined,
      onHealth: () => undefined,
    });
    database.start();
    this.segments = new SegmentTable(database, log, () => undefined);
    this.gaps = new GapTable(database, log);
    for (const name of ['segment.opened', 'segment.closed', 'gap.opened', 'gap.closed'] as const) {
      this.bus.on(name, event => {
        const list = (this.events[name] ?? []) as unknown[];
        list.push(event);
        Object.assign(this.events, { [name]: list });
      });
    }
    this.restart();
  }

  restart(): void {
    const { engine, bus, clock, calls, segments, gaps, cameras, plans, needs, offsets } = this;
    this.recording = new Recording({
      engine,
      bus,
      clock,
      log: this.log.logger,
      ringBudget: new RingBudget(512 * 1024 * 1024),
      store: {
        segments,
        gaps,
        openStream: async (camera, stream) => {
          calls.push(`open ${camera}/${stream}`);
          if (this.failure) throw this.failure;
          if (!this.there) throw new NvrError('unavailable', 'the volume is not there');
          return this.footageEnd;
        },
        closeStream: async (camera, stream, leftovers) => {
          calls.push(`close ${camera}/${stream}${leftovers ? ' leftovers' : ''}`);
        },
        flush: async () => {
          calls.push('flush');
        },
        setClockGeneration: async (generation, stepMs) => {
          calls.push(`generation ${generation} ${stepMs}`);
        },
        isThere: async () => this.there,
        deleteSegment: () => Promise.reject(new NvrError('not-found', 'no segment')),
        deleteCamera: async camera => {
          calls.push(`delete ${camera}`);
          const none = { segments: 0, sizeBytes: 0 };
          return { deleted: none, kept: none };
        },
      },
      cameras: {
        list: () => [...cameras.values()],
        get: id => cameras.get(id),
        setRecording: async (id, stream, plan) => {
          calls.push(`${plan ? 'record' : 'end'} ${id}/${stream}`);
          if (stream === 'main') plans.set(id, plan);
          if (plan) offsets.push([stream, plan.rotationOffsetMs]);
        },
        need: id => {
          needs.push(id);
          return () => needs.splice(needs.indexOf(id), 1);
        },
      },
    });
  }

  /** Adds or changes a camera; `sub` is the path of its sub stream. */
  async camera(id: number, more: CameraWish = {}): Promise<void> {
    const { enabled = true, mode = 'continuous', streams = 'auto', main = 'main' } = more;
    const schedule = more.schedule === undefined ? {} : { schedule: more.schedule };
    const record = { mode, streams, segmentMs: 300_000, ...schedule };
    const { preRollMs = 5000 } = more;
    const events = { preRollMs, postRollMs: 10_000, mergeMs: 10_000, maxMs: 600_000, alsoTrigger: [] };
    const state = {
      name: more.reason ? 'failed' : 'starting',
      sinceMs: T0,
      ...(more.reason ? { reason: more.reason } : {}),
    };
    const sub = more.sub === undefined ? {} : { sub: { url: more.sub } };
    this.cameras.set(id, { id, enabled, record, events, main: { url: main }, ...sub, state } as unknown as Camera);
    this.bus.emit('camera.changed', { camera: id });
    await this.done();
  }

  async done(): Promise<void> {
    for (let n = 0; n < 5; n++) await settle();
  }

  opened(startMs: number, camera = 1, clockGen = 0): void {
    const path = segmentPath({ camera, stream: 'main', startMs, clockGen }, false);
    this.engine.emit({ type: 'segment-opened', camera, stream: 'main', startMs, clockGen, path });
  }

  closed(startMs: number, endMs: number, endReason: Closed['endReason'], more: Partial<Closed> = {}): void {
    const key = { camera: 1, stream: 'main' as StreamName, startMs, clockGen: 0 };
    const rest = { endMs, sizeBytes: 1000, endReason, codecs: 'avc1.64001f', path: segmentPath(key, false) };
    this.engine.emit({ type: 'segment-closed', ...key, ...rest, ...more });
  }

  /** A segment that is over. */
  wrote(startMs: number, endMs: number, endReason: Closed['endReason'] = 'length'): void {
    this.opened(startMs);
    this.closed(startMs, endMs, endReason);
  }

  gapList(): [number, number | undefined, GapReason][] {
    return this.gaps
      .list(1, 0, T0 * 2, 'main')
      .map(gap => [gap.startMs - T0, gap.endMs === undefined ? undefined : gap.endMs - T0, gap.reason]);
  }
}

export async function recordingWorld(): Promise<World> {
  const world = new World();
  await world.recording.start(never);
  await world.camera(1);
  return world;
}
