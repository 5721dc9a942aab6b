// What changes, told to everybody who listens: collects it, holds it down, and gives each only what is theirs to see. Does nothing while
// nobody listens.
import { type Caller, seesCamera } from '../accounts/index.ts';
import { background, type CameraId, type Clock } from '../core/index.ts';
import type { Camera, Problem, StorageUpdate, SystemUpdate, Update } from './contract.ts';
import { problems } from './problems.ts';
import { seenCamera } from './seen-camera.ts';
import type { WebSocketHandler, WebSocketPeer } from './server.ts';
import type { ApiServices } from './services.ts';
import { CameraActivity } from './updates-activity.ts';
import { MOST_APART_MS, UpdateQueue } from './updates-queue.ts';

/** Of an event that grows. */
const GROWTH_APART_MS = MOST_APART_MS;
const TICK_MS = 1000;
/** In ticks. */
const PROBLEMS_EVERY = 2;
const STATES_EVERY = 5;
const SYSTEM_EVERY = 10;
const STORAGE_EVERY = 60;
/** Whoever has more than this waiting gets no more until it is taken, and then everything anew. */
const MOST_WAITING_BYTES = 32 * 1024;

export type UpdatesServices = Pick<
  ApiServices,
  | 'bus'
  | 'cameras'
  | 'engine'
  | 'events'
  | 'storage'
  | 'facts'
  | 'clock'
  | 'log'
  | 'problems'
  | 'ongoingGap'
  | 'shortPastsMs'
  | 'webrtc'
>;

interface Listener {
  caller: Caller;
  peer: WebSocketPeer;
  /** It reads too slowly. */
  isBehind: boolean;
}

export class UpdatesFeed {
  readonly #services: UpdatesServices;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #queue: UpdateQueue;
  readonly #activity = new CameraActivity();
  readonly #states = new Map<CameraId, string>();
  #problems = '';
  #storage: StorageUpdate | undefined;
  #isAsking = false;
  #ticks = 0;
  #cancelTick: (() => void) | undefined;

  constructor(services: UpdatesServices) {
    this.#services = services;
    this.#clock = services.clock;
    this.#queue = new UpdateQueue(services.clock, (camera, update) => this.#tell(camera, update));
  }

  /** A socket for somebody. */
  listener(caller: Caller): WebSocketHandler {
    let own: Listener | undefined;
    return {
      opened: peer => {
        own = { caller, peer, isBehind: false };
        if (this.#listeners.size === 0) this.#begin();
        this.#listeners.add(own);
        this.#greet(own);
      },
      message: text => {
        const ping = pingOf(text);
        if (own && ping !== undefined) this.#send(own, JSON.stringify({ ping } satisfies Update));
      },
      drained: () => {
        if (!own?.isBehind) return;
        own.isBehind = false;
        this.#greet(own);
      },
      closed: () => {
        if (own) this.#listeners.delete(own);
        own = undefined;
        if (this.#listeners.size === 0) this.stop();
      },
    };
  }

  /** How many listen. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Forgets everything but who listens; nobody is told any more. Idempotent. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#queue.clear();
    this.#states.clear();
    this.#activity.clear();
    this.#storage = undefined;
  }

  #begin(): void {
    this.#subscribe();
    this.#problems = JSON.stringify(problems(this.#services));
    for (const camera of this.#services.cameras.list()) this.#states.set(camera.id, signature(camera));
    for (const event of this.#services.events.ongoing()) this.#activity.begin(event.camera, event.id);
    this.#ticks = 0;
    this.#tickSoon();
    background(this.#lookAtStorage(), 'figures of the storage', this.#services.log);
  }

  #subscribe(): void {
    const { bus, cameras } = this.#services;
    const settings = (camera: CameraId) =>
      this.#queue.note(`camera/${camera}`, camera, () => {
        const found = cameras.get(camera);
        return found && { type: 'camera', camera: found };
      });
    const state = (camera: CameraId) => this.#queue.note(`state/${camera}`, camera, () => this.#stateOf(camera));
    const event = (camera: CameraId, id: string, apartMs?: number) =>
      this.#queue.note(`event/${id}`, camera, () => this.#eventOf(id), apartMs);
    this.#unsubscribe.push(
      bus.on('camera.state', ({ camera }) => state(camera)),
      bus.on('camera.problems', ({ camera }) => state(camera)),
      bus.on('camera.changed', ({ camera }) => settings(camera)),
      bus.on('camera.able', ({ camera }) => settings(camera)),
      bus.on('talk.changed', ({ camera, by }) =>
        this.#queue.note(`talk/${camera}`, camera, () => ({ type: 'talk', camera, by })),
      ),
      bus.on('webrtc.ended', ({ user, camera, session, reason }) =>
        this.#tellUser(user, { type: 'webrtc', camera, session, ended: reason }),
      ),
      bus.on('camera.removed', ({ camera }) => {
        this.#states.delete(camera);
        this.#queue.note(`camera/${camera}`, camera, () => ({ type: 'camera', id: camera, removed: true }));
      }),
      bus.on('segment.opened', ({ camera, stream, id, startMs }) =>
        this.#queue.note(`segment/${id}`, camera, () => ({ type: 'segment', id, camera, stream, startMs })),
      ),
      bus.on('segment.closed', ({ camera, stream, id, startMs, endMs }) =>
        this.#queue.note(`segment/${id}`, camera, () => ({ type: 'segment', id, camera, stream, startMs, endMs })),
      ),
      bus.on('gap.opened', ({ camera, stream, startMs, reason }) => {
        if (stream !== 'main') return;
        this.#queue.note(`gap/${camera}/${startMs}`, camera, () => ({ type: 'gap', camera, gap: { startMs, reason } }));
      }),
      bus.on('gap.closed', ({ camera, stream, startMs, endMs, reason }) => {
        if (stream !== 'main') return;
        const gap = { startMs, endMs, reason };
        this.#queue.note(`gap/${camera}/${startMs}`, camera, () => ({ type: 'gap', camera, gap }));
      }),
      bus.on('event.opened', ({ camera, id }) => {
        this.#activity.begin(camera, id);
        event(camera, id);
        this.#tellActivity(camera);
      }),
      bus.on('event.updated', ({ camera, id }) => event(camera, id, GROWTH_APART_MS)),
      bus.on('event.closed', ({ camera, id }) => {
        this.#activity.end(camera, id);
        event(camera, id);
      }),
      bus.on('event.removed', ({ camera, id }) => {
        this.#activity.end(camera, id);
        this.#queue.note(`event/${id}`, camera, () => ({ type: 'event', id, camera, removed: true }));
      }),
      bus.on('footage.deleted', ({ camera, fromMs, untilMs }) => this.#noteDeleted(camera, fromMs, untilMs)),
    );
  }

  /** One after the other, they are told as one. */
  #noteDeleted(camera: CameraId, fromMs: number, untilMs: number): void {
    const key = `deleted/${camera}`;
    const before = this.#queue.waiting(key);
    const range = before && 'type' in before && before.type === 'deleted' ? before : { fromMs, untilMs };
    const whole = { fromMs: Math.min(range.fromMs, fromMs), untilMs: Math.max(range.untilMs, untilMs) };
    this.#queue.note(key, camera, () => ({ type: 'deleted', camera, ...whole }));
  }

  #tell(camera: CameraId | undefined, update: Update): void {
    const text = JSON.stringify(update);
    const byUser = new Map<number, string>();
    for (const listener of this.#listeners) {
      const { caller } = listener;
      if (camera !== undefined && !seesCamera(caller, camera)) continue;
      let own = text;
      if ('camera' in update && update.type === 'camera') {
        own = JSON.stringify({ ...update, camera: seenCamera(update.camera, caller) });
      } else if ('event' in update) {
        own = byUser.get(caller.user) ?? this.#ownEvent(update, caller.user);
        byUser.set(caller.user, own);
      }
      this.#send(listener, own);
    }
  }

  #tellUser(user: number, update: Update): void {
    for (const listener of this.#listeners) {
      if (listener.caller.user === user) this.#send(listener, JSON.stringify(update));
    }
  }

  /** Each has reviewed other events. */
  #ownEvent(update: Extract<Update, { event: unknown }>, user: number): string {
    const event = this.#services.events.find(update.event.id, user) ?? update.event;
    return JSON.stringify({ ...update, event });
  }

  #send(listener: Listener, text: string): void {
    if (listener.peer.bufferedBytes > MOST_WAITING_BYTES) listener.isBehind = true;
    if (!listener.isBehind) listener.peer.send(text);
  }

  #greet(listener: Listener): void {
    const { cameras, events, ongoingGap, webrtc } = this.#services;
    const { caller } = listener;
    const seen = cameras.list().filter(({ id }) => seesCamera(caller, id));
    const hello: Update = {
      type: 'hello',
      cameras: seen.map(camera => seenCamera(camera, caller)),
      events: events.ongoing(caller.user).filter(({ camera }) => seesCamera(caller, camera)),
      gaps: seen.flatMap(({ id }) => {
        const gap = ongoingGap(id);
        return gap ? [{ camera: id, gap }] : [];
      }),
      talks: webrtc.talks().filter(({ camera }) => seesCamera(caller, camera)),
      problems: seenProblems(problems(this.#services), caller),
      ...(this.#storage ? { storage: this.#storage } : {}),
      system: this.#system(caller),
    };
    this.#send(listener, JSON.stringify(hello));
  }

  #stateOf(id: CameraId): Update | undefined {
    const camera = this.#services.cameras.get(id);
    if (!camera) return undefined;
    this.#states.set(id, signature(camera));
    return { type: 'camera', id, state: camera.state };
  }

  #eventOf(id: string): Update | undefined {
    const event = this.#services.events.find(id);
    return event && { type: 'event', event };
  }

  #system(caller: Caller): SystemUpdate {
    const { facts, cameras, storage, clock } = this.#services;
    return {
      version: facts.version,
      startedMs: facts.startedMs,
      timeMs: clock.nowMs(),
      clockTrusted: storage.clockState().trusted,
      rssBytes: process.memoryUsage.rss(),
      cameras: cameras
        .list()
        .filter(({ id }) => seesCamera(caller, id))
        .map(({ id, state }) => [
          ...([id, Math.round((state.main?.fps ?? 0) * 10) / 10, Math.round(state.main?.bitrateBps ?? 0)] as const),
          state.lastPacketMs,
        ]),
    };
  }

  #tickSoon(): void {
    this.#cancelTick = this.#clock.after(TICK_MS, () => {
      this.#tickSoon();
      this.#tick();
    });
  }

  #tick(): void {
    const ticks = ++this.#ticks;
    this.#activity.measure(this.#services.engine.stats().streams);
    for (const camera of this.#activity.cameras()) this.#tellActivity(camera);
    if (ticks % PROBLEMS_EVERY === 0) this.#lookAtProblems();
    if (ticks % STATES_EVERY === 0) this.#lookAtStates();
    if (ticks % SYSTEM_EVERY === 0) {
      for (const one of this.#listeners)
        this.#send(one, JSON.stringify({ type: 'system', ...this.#system(one.caller) }));
    }
    if (ticks % STORAGE_EVERY === 0) background(this.#lookAtStorage(), 'figures of the storage', this.#services.log);
  }

  #tellActivity(camera: CameraId): void {
    if (!this.#activity.isNews(camera)) return;
    const make = () => ({ type: 'activity', camera, level: this.#activity.take(camera) }) as const;
    this.#queue.note(`activity/${camera}`, camera, make, TICK_MS);
  }

  #lookAtProblems(): void {
    const all = problems(this.#services);
    const text = JSON.stringify(all);
    if (text === this.#problems) return;
    this.#problems = text;
    for (const listener of this.#listeners) {
      const update: Update = { type: 'problems', problems: seenProblems(all, listener.caller) };
      this.#send(listener, JSON.stringify(update));
    }
  }

  /** Of what a camera is like not all changes are told on the bus. */
  #lookAtStates(): void {
    for (const camera of this.#services.cameras.list()) {
      const { id } = camera;
      if (this.#states.get(id) !== signature(camera)) this.#queue.note(`state/${id}`, id, () => this.#stateOf(id));
    }
  }

  async #lookAtStorage(): Promise<void> {
    // A volume that hangs holds one thread, not one more each minute.
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { freeBytes, totalBytes, segments, sizeBytes } = await this.#services.storage.figures().finally(() => {
      this.#isAsking = false;
    });
    const before = this.#storage;
    // Nobody may listen any more.
    if (this.#listeners.size === 0) return;
    this.#storage = { freeBytes, totalBytes, segments, sizeBytes };
    if (before?.freeBytes === freeBytes && before.segments === segments) return;
    this.#tell(undefined, { type: 'storage', ...this.#storage });
  }
}

function seenProblems(all: readonly Problem[], caller: Caller): Problem[] {
  return all.filter(({ camera }) => camera === undefined || seesCamera(caller, camera));
}

/** What of a camera's state is worth a message of its own: not the figures that change all the time. */
function signature({ state }: Camera): string {
  const { main, sub, onvif } = state;
  return JSON.stringify([
    ...[state.name, state.reason, state.message, state.retryAtMs, state.problems, state.reconnects, state.droppedBytes],
    ...[main?.codec, main?.width, main?.height, main?.audio, main?.audioLeftOut],
    ...[sub?.name, sub?.reason, sub?.problems, sub?.codec, sub?.width, sub?.height],
    ...[onvif?.name, onvif?.events, onvif?.problem?.kind],
  ]);
}

/** `{"ping": n}`; undefined for anything else, which is ignored. */
function pingOf(text: string): number | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const ping = typeof value === 'object' && value !== null ? (value as { ping?: unknown }).ping : undefined;
    return typeof ping === 'number' && Number.isFinite(ping) ? ping : undefined;
  } catch {
    return undefined;
  }
}
