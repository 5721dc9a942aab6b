// The native engine as the service sees it: finds the addon, hands over commands, delivers events.
import { type Addon, loadAddon, type NativeEngine } from './addon.ts';
import { type ChildOptions, type ChildProcess, startChild } from './child.ts';
import { type Examine, makeExaminer } from './examiner.ts';
import { type ExportFile, type ExportRequest, makeExport } from './export.ts';
import { Live } from './live.ts';
import type { EngineEvent, EngineOptions, EngineStats, LiveEvent, RestreamEvent, StreamSettings } from './messages.ts';
import { Pictures } from './picture.ts';
import { RestreamServer } from './restream.ts';

export type { ChildExit, ChildOptions, ChildProcess } from './child.ts';
export type { ExportFile, ExportRequest, ExportSegment } from './export.ts';
export { Live, type LiveListener } from './live.ts';
export type * from './messages.ts';
export type { MemoryPictureRequest, Picture, PictureRequest, Pictures } from './picture.ts';
export type { RestreamServer, RestreamWay } from './restream.ts';
export * from './supervisor.ts';

/** Cameras in, segment files out. One per service; its threads start with `start` and are gone after `stop`. */
export class Engine {
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  readonly #native: NativeEngine;
  readonly #onListenerError: (error: unknown) => void;
  /** What viewers get of streams as they come in. */
  readonly live: Live;
  /** What other programs get of streams. */
  readonly restream: RestreamServer;

  /** `onListenerError` hears of listeners that throw; the others are called all the same. */
  constructor(options: EngineOptions, onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
    this.#native = new (addon().Engine)(options, event => this.#deliver(event));
    this.live = new Live(this.#native);
    this.restream = new RestreamServer(this.#native);
  }

  /** Starts the ingest and writer threads. Throws `internal` when the system refuses them. */
  start(): void {
    this.#native.start();
  }

  /**
   * Closes all sessions and files, delivers the last events, joins the threads. False when `deadlineMs` passed first:
   * then only leaving the process helps. Idempotent.
   */
  stop(deadlineMs: number): Promise<boolean> {
    return this.#native.stop(deadlineMs);
  }

  /** Adds a stream or changes it; returns at once. */
  setStream(settings: StreamSettings): void {
    this.#native.setStream(settings);
  }

  /** Ends the session and the segment of a stream; resolves when its file is closed and its events are delivered. */
  removeStream(camera: number, stream: 'main' | 'sub'): Promise<void> {
    return this.#native.removeStream(camera, stream);
  }

  /**
   * Has footage of a time written that the ring holds or that is yet to come, and made durable at once. A stream that records only
   * events begins at the newest keyframe not younger than `fromMs`, never in what is recorded already, and ends before the first
   * keyframe behind `untilMs`; another call moves that end. Times are those of footage (`footageMs`). Returns at once.
   */
  capture(camera: number, stream: 'main' | 'sub', fromMs: number, untilMs: number): void {
    this.#native.capture(camera, stream, fromMs, untilMs);
  }

  /**
   * A time of the system's clock as footage is dated. The two differ while a correction of the clock of up to 2 s is being followed
   * (500 ppm: it takes an hour).
   */
  footageMs(systemMs: number): number {
    return this.#native.footageMs(systemMs);
  }

  /** As `Pictures.makeFromMemory` needs it. */
  keyPicture(
    camera: number,
    stream: 'main' | 'sub',
    width: number,
    knownAtMs: number,
  ): ReturnType<NativeEngine['keyPicture']> {
    return this.#native.keyPicture(camera, stream, width, knownAtMs);
  }

  stats(): EngineStats {
    return this.#native.stats();
  }

  /**
   * The fragments that a segment being written has by now, as the sidx it would get if it ended now, with an offset of 0 to the first.
   * Undefined when no such segment is open.
   */
  openIndex(segment: {
    camera: number;
    stream: 'main' | 'sub';
    startMs: number;
    clockGen: number;
  }): Buffer | undefined {
    return this.#native.openIndex(segment.camera, segment.stream, segment.startMs, segment.clockGen);
  }

  /**
   * Resolves when the ingest thread has answered: a command that changes nothing (no camera has the number 0) goes there, and its
   * answer comes back through the queue of the events. After `stop` it never resolves.
   */
  ping(): Promise<void> {
    return this.#native.removeStream(0, 'main');
  }

  /** Registers a listener; the returned function removes it. Events come in order, on the main thread. */
  on(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #deliver(event: EngineEvent | LiveEvent | RestreamEvent): void {
    const isLive = event.type === 'live-header' || event.type === 'live-fragment';
    if (isLive || event.type === 'restream-wanted' || event.type === 'restream-refused') {
      try {
        if (isLive) this.live.deliver(event);
        else this.restream.deliver(event);
      } catch (error) {
        this.#onListenerError(error);
      }
      return;
    }
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}

/** Tells systemd a state (sd_notify(3)) through its socket; false when it did not get there. Never waits. */
export function notify(socketPath: string, state: string): boolean {
  return addon().notify(socketPath, state);
}

/** Plans an export; as `makeExport` of export.ts. Runs off the main thread. */
export function planExport(request: ExportRequest): Promise<ExportFile> {
  return makeExport(addon(), request);
}

/** The maker of pictures of a store; one per service. They are made off the main thread. */
export function openPictures(storeUuid: string): Pictures {
  return new Pictures(request => addon().segmentPicture(request), storeUuid);
}

/** A function that examines segment files and mends them; as `makeExaminer` of examiner.ts. Works off the main thread. */
export function segmentExaminer(): Examine {
  return makeExaminer((paths, storeUuid, how) => addon().examineSegments(paths, storeUuid, how));
}

/**
 * Takes the lock of a directory (flock on a file `lock` in it) until the process ends or `unlock` is called; undefined when another
 * process holds it.
 */
export function lockDirectory(path: string): { unlock(): void } | undefined {
  const descriptor = addon().lockFile(`${path}/lock`);
  if (descriptor < 0) return undefined;
  return { unlock: () => addon().unlockFile(descriptor) };
}

/** Starts a program that dies with us, however we end; as `startChild` of child.ts. Only on the main thread. */
export function spawnChild(options: ChildOptions): ChildProcess {
  return startChild(addon(), options);
}

/** True while a time server keeps the clock of this machine. */
export function clockSynchronised(): boolean {
  return addon().clockSynchronised();
}

let loaded: Addon | undefined;
function addon(): Addon {
  loaded ??= loadAddon();
  return loaded;
}
