// How go2rtc is and what is asked of it, as the rest of the service sees both. Hides nothing: plain shapes.
import type { Clock, Logger } from '../core/index.ts';

/** Ours alone: no camera's path may equal the name of a stream, or go2rtc takes the one for the other. */
export type StreamName = `th-${number}-${'main' | 'sub'}` | `th-${number}-${'view' | 'talk'}${'' | `-${number}`}`;

/** For people. */
export interface Words {
  /** A sentence without its full stop, so that it can stand in another. */
  message: string;
  cure: string;
}

/** What is known of a source that cannot be had. */
export type SourceFault =
  | 'unauthorized'
  | 'refused'
  | 'unreachable'
  | 'unknown-host'
  | 'timeout'
  | 'closed'
  | 'not-found'
  | 'other-codecs'
  | 'certificate'
  | 'other';

export interface SourceWords extends Words {
  /** What its source last failed with. */
  fault?: SourceFault;
  /** go2rtc does not take it, or it was set aside: there is no address until that is over. */
  refused?: true;
  /** It is over in seconds by itself. */
  passing?: true;
}

/**
 * `absent`: there is no program; `unusable`: there is one that cannot be used; `idle`: nobody needs it; `resting`: it failed too often
 * and is tried again later.
 */
export type StateName = 'absent' | 'unusable' | 'idle' | 'starting' | 'ready' | 'restarting' | 'resting';

export interface StreamState {
  name: StreamName;
  /** Its loopback address can be pulled. */
  usable: boolean;
  /** Who takes it, as of the last look. */
  consumers: number;
  /** Bytes came from its source between the last two looks. */
  moving: boolean;
  /** Why it cannot be pulled, or what its source last failed with. */
  problem?: SourceWords;
}

export interface Go2rtcState {
  name: StateName;
  /** Of the program that is, or would be, used. */
  version?: string;
  /** Absolute. */
  path?: string;
  message?: string;
  cure?: string;
  /** UTC. */
  sinceMs: number;
  /** Starts after failures, since our own start. */
  restarts: number;
  pid?: number;
  /** True while browsers can be served over WebRTC. */
  webrtc: boolean;
  /** As of the last minute, while it runs. */
  rssBytes?: number;
  fds?: number;
  /** Of one core, over the last seconds. */
  cpu01?: number;
  streams: StreamState[];
}

export interface Go2rtcProblem extends Words {
  kind: 'go2rtc';
  /** UTC. */
  sinceMs: number;
}

/** Something that wants a stream, until it is released. */
export interface StreamClaim {
  /** The address on this machine, without query, while the stream can be pulled. */
  url(): string | undefined;
  /** Why there is no address; with an address, what the source last failed with. */
  problem(): SourceWords | undefined;
  /** Has the source dialled now instead of at go2rtc's next turn, as far as that can be. */
  renew(): void;
  /** Idempotent. */
  release(): void;
}

export interface Go2rtcSettings {
  /** Absolute; undefined = looked for. */
  binary?: string;
  keep: 'always' | 'onDemand';
  webrtc: {
    /** One, of UDP and TCP; 0 = no WebRTC. */
    port: number;
    /** Of this machine, on which viewers are served; empty = all. */
    addresses: string[];
  };
}

/** WebRTC's port is the one that go2rtc has by itself; firewalls may know it. */
export const DEFAULT_SETTINGS: Go2rtcSettings = { keep: 'onDemand', webrtc: { port: 8555, addresses: [] } };

/** How a child process ended: one of the two is set. */
export interface ChildExit {
  code?: number;
  /** Its number. */
  signal?: number;
}

export interface Child {
  readonly pid: number;
  /** What it writes to its standard output and error, as it comes. */
  onOutput(listener: (piece: Buffer) => void): void;
  /** Resolves when it is gone and all of its output was delivered. Never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Also to what it has started itself. Nothing happens when it is gone. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ChildOptions {
  /** Absolute. */
  path: string;
  args: readonly string[];
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  /** It works in. */
  folder: string;
  /** Most files that it may have open. */
  openFiles: number;
}

/** As `spawnChild` of native: throws an error with `code` (ENOENT, EACCES, ENOEXEC, ...) when it cannot be started. */
export type Spawn = (options: ChildOptions) => Child;

export interface Go2rtcOptions extends Go2rtcSettings {
  dataDir: string;
  /** Absolute, in memory if possible; the first that can be used is, as a folder of mode 0700. */
  runtimeDirs: readonly string[];
  /** As `PATH`. */
  path?: string;
  clock: Clock;
  log: Logger;
  spawn: Spawn;
  /** Takes a directory for this process; undefined when another has it. As `lockDirectory` of native. */
  lock: (path: string) => { unlock(): void } | undefined;
  /** Sources may lead to this machine; absent = only those whose address says so. */
  allowLoopback?: boolean;
  /** Memory of this machine, or what we may use of it. */
  memoryLimitBytes: number;
}
