// Finds and loads thimble.node, and declares its surface. The only place that knows where the addon lies.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NvrError } from '../core/index.ts';
import type {
  EngineEvent,
  EngineOptions,
  EngineStats,
  Examination,
  ExportFacts,
  LiveEvent,
  RestreamAccess,
  RestreamClient,
  RestreamEvent,
  SegmentReport,
  StreamSettings,
} from './messages.ts';

export interface NativeEngine {
  start(): void;
  stop(deadlineMs: number): Promise<boolean>;
  setStream(settings: StreamSettings): void;
  removeStream(camera: number, stream: string): Promise<void>;
  capture(camera: number, stream: string, fromMs: number, untilMs: number): void;
  /** `viewer`: 1 to 2^32-1. */
  watchLive(camera: number, stream: string, sound: boolean, viewer: number): void;
  endLive(camera: number, stream: string, sound: boolean): void;
  showKey(camera: number, stream: string, viewer: number): void;
  /** Fragments that fit are put there, and are good until the next call back. */
  setLiveBuffer(buffer: Buffer): void;
  /** The newest keyframe in memory; `none` when there is none, `same` when it is still that of `knownAtMs` (0 = none is known). */
  keyPicture(
    camera: number,
    stream: string,
    width: number,
    knownAtMs: number,
  ): Promise<NativePicture | { state: 'same' }>;
  /** The port, or the name of an error. */
  restreamListen(inside: boolean, host: string, port: number): number | string;
  restreamClose(inside: boolean): void;
  restreamAllow(access: RestreamAccess): void;
  restreamClients(): RestreamClient[];
  footageMs(systemMs: number): number;
  openIndex(camera: number, stream: string, startMs: number, clockGen: number): Buffer | undefined;
  stats(): EngineStats;
}

/** Why a segment is not, or not wholly, in an export; after anything but `unreadable` the plan is of no use. */
export type ExportRefusal =
  | 'unreadable'
  | 'new-parameters'
  | 'other-codec'
  | 'other-sound'
  | 'sound-hole'
  | 'too-large';

/** Calls come one after the other: add, finish, read. */
export interface NativeExportPlan {
  add(segment: {
    path: string;
    sizeBytes: number;
    startMs: number;
    clockGen: number;
    fromMs?: number;
    toMs?: number;
  }): Promise<{ state: 'added' | ExportRefusal; code?: string }>;
  /** Undefined when there is nothing in it. */
  finish(): ExportFacts | undefined;
  read(offset: number, buffer: Buffer): Promise<number>;
  close(): void;
}

/** `code` = errno; EBADMSG when the file is damaged or another than it should be. */
export type NativePicture =
  | { state: 'made'; jpeg: Buffer; atMs: number; width: number; height: number }
  | { state: 'unreadable'; code: string }
  | { state: 'none' | 'damaged' | 'too-large' | 'unsupported' | 'no-memory' };

/** As of native/binding/child.h. */
export interface NativeChild {
  /** -1 when it is gone. */
  readonly pid: number;
  /** Descriptor that reads its standard output and error; the caller's to close. */
  readonly output: number;
  /** By its number, to its whole process group. */
  kill(signal: number): void;
}

export interface NativeChildPlan {
  /** Absolute. */
  path: string;
  args: string[];
  /** `NAME=value`. */
  env: string[];
  folder: string;
  /** 16 to 2^20. */
  openFiles: number;
}

export interface Addon {
  /** Throws an error with `code` when it cannot be started. */
  Child: new (
    plan: NativeChildPlan,
    onEnd: (exit: { code?: number; signal?: number }) => void,
  ) => NativeChild;
  Engine: new (
    options: EngineOptions,
    onEvent: (event: EngineEvent | LiveEvent | RestreamEvent) => void,
  ) => NativeEngine;
  /** One datagram to a socket of sd_notify(3), `@` = abstract; false when it did not get there. */
  notify(socketPath: string, state: string): boolean;
  ExportPlan: new (range: {
    storeUuid: string;
    camera: number;
    stream: string;
    startMs: number;
    endMs: number;
    mostTableBytes: number;
    /** For ranges in which the parameter sets change: they stand before each keyframe too. */
    repeatParameters: boolean;
  }) => NativeExportPlan;
  segmentPicture(request: {
    storeUuid: string;
    path: string;
    sizeBytes: number;
    camera: number;
    stream: string;
    startMs: number;
    clockGen: number;
    atMs: number;
    width: number;
  }): Promise<NativePicture>;
  /** Reports in the order of the paths. */
  examineSegments(paths: string[], storeUuid: string, how: Examination): Promise<SegmentReport[]>;
  /** Opens (creating it, 0600) and locks a file; its descriptor, or -1 when somebody else holds the lock. */
  lockFile(path: string): number;
  unlockFile(descriptor: number): void;
  clockSynchronised(): boolean;
}

const CURE = 'Build it anew with "npm run build", under the Node.js that runs it; a release has to be copied whole.';

/** Beside the bundle first (releases), then the build folder of a checkout. Throws `failed-precondition` when there is none, or it cannot be loaded. */
export function loadAddon(): Addon {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [
    join(here, 'thimble.node'),
    join(here, '../build/Release/thimble.node'),
    join(here, '../../build/Release/thimble.node'),
  ];
  const path = places.find(place => existsSync(place));
  if (!path) {
    throw new NvrError('failed-precondition', `thimble.node is in none of ${places.join(', ')}`, { cure: CURE });
  }
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    throw new NvrError('failed-precondition', `${path} cannot be loaded: ${(error as Error).message}`, {
      cure: CURE,
      cause: error,
    });
  }
}
