// A volume with footage in memory, and retention over it: what other files take, what does not go, what the engine writes.
import type { Camera } from '../../src/cameras/index.ts';
import { EventBus } from '../../src/core/index.ts';
import { Retention } from '../../src/recording/retention.ts';
import type { StorageSettings } from '../../src/recording/storage-settings.ts';
import { Database } from '../../src/storage/database.ts';
import { EventTable } from '../../src/storage/events.ts';
import type { Segment } from '../../src/storage/index.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { SettingsTable } from '../../src/storage/settings.ts';
import { MemoryIndex } from '../unit/storage-memory-index.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeEngine } from './fake-engine.ts';
import { fakeLog } from './fake-log.ts';

const never = new AbortController().signal;
/** When the footage of all worlds begins. */
export const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
export const MB = 1_000_000;
export const DAY_MS = 86_400_000;

type Rules = Camera['retention'];

/** A volume with footage, and retention over it. */
export class RetentionWorld {
  readonly clock = new FakeClock(T0 + 100 * DAY_MS);
  readonly engine = new FakeEngine();
  readonly log = fakeLog('retention');
  readonly bus = new EventBus(error => {
    throw error;
  });
  readonly cameras: { id: number; priority: number; retention: Rules; record: { segmentMs: number } }[] = [];
  readonly segments: SegmentTable;
  readonly events: EventTable;
  readonly database: Database;
  readonly gone: string[] = [];
  readonly looks: number[] = [];
  /** Files that the volume does not let go. */
  readonly stuck = new Set<string>();
  settings: StorageSettings = {
    floorBytes: 100 * MB,
    floorPercent: null,
    totalQuotaBytes: null,
    leastKeptPercent: 25,
    clockConfirmed: false,
  };
  totalBytes = 1000 * MB;
  otherBytes = 0;
  trusted = true;
  there = true;
  lateBytes = 0;
  /** Deleted bytes that the volume does not count as free yet. */
  late = false;
  /** How long deleting takes. */
  slowMs = 0;
  retention: Retention;

  constructor() {
    const none = () => undefined;
    const log = this.log.logger;
    const index = new MemoryIndex();
    const database = new Database({
      open: () => index,
      clock: new FakeClock(),
      log,
      maxBytes: 1e9,
      onStep: none,
      onHealth: none,
    });
    database.start();
    this.database = database;
    this.segments = new SegmentTable(database, log, none, {
      footage: (...range) => this.events.footage(...range),
      unlockedFootage: (...range) => this.events.unlockedFootage(...range),
    });
    const pictures = { remove: none, pathOf: () => '' };
    // The clock of the store stands still: commits are nothing that is looked at here.
    this.events = new EventTable({
      database,
      segments: this.segments,
      pictures,
      footageKnown: () => true,
      onLocked: none,
      clock: new FakeClock(),
      log,
    });
    this.retention = this.#make();
  }

  /** The service starts again. */
  async restart(): Promise<void> {
    await this.retention.stop();
    this.looks.length = 0;
    this.retention = this.#make();
  }

  #make(): Retention {
    const { engine, bus, clock, segments, events, database } = this;
    return new Retention({
      store: {
        segments,
        events,
        settings: new SettingsTable(database),
        isThere: async () => this.there,
        retryDeletions: async () => this.stuck.size,
        volume: async () => {
          this.looks.push(clock.monotonicMs());
          return { freeBytes: this.freeBytes - this.lateBytes, totalBytes: this.totalBytes };
        },
        deleteSegments: async ids => {
          if (this.slowMs > 0) await clock.sleep(this.slowMs);
          return ids.flatMap(id => this.#delete(id));
        },
      },
      engine,
      cameras: { list: () => this.cameras as unknown as Camera[] },
      settings: () => this.settings,
      clockTrusted: () => this.trusted,
      bus,
      clock,
      log: this.log.logger,
    });
  }

  get freeBytes(): number {
    return this.totalBytes - this.otherBytes - this.segments.totals().sizeBytes;
  }

  camera(id: number, retention: Partial<Rules> = {}, priority = 50): this {
    this.cameras.push({
      id,
      priority,
      retention: { days: null, eventDays: null, quotaBytes: null, ...retention },
      record: { segmentMs: 60_000 },
    });
    return this;
  }

  /** Segments of 10 MB, one a day from day `fromDay` on. */
  footage(camera: number, days: number, fromDay = 0): string[] {
    return Array.from({ length: days }, (_, n) => this.add(camera, T0 + (fromDay + n) * DAY_MS + camera));
  }

  add(camera: number, startMs: number, clockGen = 0): string {
    const key = { camera, stream: 'main' as const, startMs, clockGen };
    const path = segmentPath(key, false);
    this.segments.record({
      ...key,
      endMs: startMs + 60_000,
      sizeBytes: 10 * MB,
      codecs: 'avc1',
      endReason: 'length',
      path,
    });
    return `${camera}-main-${startMs}-${clockGen}`;
  }

  /** The engine writes a segment of the camera. */
  record(camera: number, bitrateBps = 800_000): void {
    const settings = {
      camera,
      stream: 'main',
      urls: [],
      username: '',
      password: '',
      audio: false,
      allowLoopback: false,
    };
    this.engine.setStream({
      ...settings,
      stream: 'main',
      record: true,
      segmentMs: 60_000,
      rotationOffsetMs: 0,
      events: false,
      preRollMs: 0,
      ringMaxBytes: 0,
    });
    this.engine.figures.set(camera, { bitrateBps });
    this.engine.open.set(camera, { startMs: 0, clockGen: 0, endMs: 1, sizeBytes: 0, path: 'x', codecs: '' });
    this.bus.emit('segment.opened', { camera, stream: 'main', id: 'x', startMs: 0 });
  }

  async look(): Promise<string[]> {
    const before = this.gone.length;
    if (this.looks.length === 0) await this.retention.start(never);
    else this.retention.look();
    for (let n = 0; n < 50; n++) await settle();
    return this.gone.slice(before);
  }

  /** Its owner deletes it. */
  forget(id: string): void {
    const known = this.segments.get(id);
    if (known) this.segments.drop(known);
  }

  #delete(id: string): Segment[] {
    const known = this.segments.get(id);
    if (!known || this.segments.isHeld(known)) return [];
    this.segments.take(known);
    this.events.removeBare(known.camera, known.startMs, known.endMs);
    // As the store does: marked, so that it is not asked for again, and its bytes stay.
    if (this.stuck.has(id)) return [];
    this.segments.addTotals(known.camera, -1, -known.sizeBytes);
    if (this.late) this.lateBytes += known.sizeBytes;
    this.gone.push(id);
    return [known];
  }
}
