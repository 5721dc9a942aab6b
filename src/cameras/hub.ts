// The way to a camera: what the engine needs to reach a stream, or why it cannot be reached. Hides what lies between.
import type { CameraId, StreamName } from '../core/index.ts';
import type { LinkProblem } from '../native/index.ts';
import type { HubChoice, Transport } from './camera.ts';

/** One stream as its owner wrote it, with the camera's login in clear. */
export interface StreamSource {
  /** Absent = as the service's `--hub` says. */
  hub?: HubChoice;
  /** Without user and password. */
  url: string;
  transport: Transport;
  fallbackUrls?: string[];
  /** Empty = none, as is the password. */
  username: string;
  password: string;
  /** Played by this service itself (the cameras of --demo). */
  ours: boolean;
}

/** Whose way it is. */
export interface StreamKey {
  camera: CameraId;
  stream: StreamName;
}

/** What the engine is given. */
export interface Route {
  able: true;
  /** rtsp:// URLs without login, tried in turn; at least one. */
  urls: string[];
  username: string;
  password: string;
  /** Lifts the rule that no camera is on this machine. */
  allowLoopback: boolean;
  /** Present when go2rtc is what answers there. */
  hub?: true;
}

export interface NoRoute {
  able: false;
  /** The setting that stands in the way; absent when only the hub does, and no other setting would help. */
  field?: 'hub' | 'transport' | 'url';
  /** What the camera suffers from; absent = `hub`, the way itself. */
  problem?: LinkProblem;
  /** It is being made for the first time, or mended: `onChange` tells when there is one. */
  passing?: 'begins' | 'mends';
  /** One sentence each, for people. */
  message: string;
  cure: string;
}

/** What is known of an attempt beside what the engine saw. */
export interface Explanation {
  problem?: LinkProblem;
  message: string;
  cure: string;
}

export interface Hub {
  /** Why no stream with these settings can ever be reached; undefined when it may. Changes nothing. */
  refusal(source: StreamSource): NoRoute | undefined;
  /**
   * Never fails and never waits: a way that is still being made is none yet, and `onChange` tells when it is there. What it takes is
   * kept until `leave`, or until the same stream has another source.
   */
  route(key: StreamKey, source: StreamSource): Route | NoRoute;
  /** The stream is not wanted any more. */
  leave(key: StreamKey): void;
  /** An attempt on the way of `route` came to nothing, or its session ended; with what the hub knows of the cause. */
  failed(key: StreamKey, problem: LinkProblem): Explanation | undefined;
  /** Calls `listener` whenever routes that were given may be others now. The returned function ends it. */
  onChange(listener: () => void): () => void;
}

/** Our own reader and the camera, with nothing in between: RTSP over TCP. */
export class DirectHub implements Hub {
  readonly #allowLoopback: boolean;

  constructor(options: { allowLoopback: boolean }) {
    this.#allowLoopback = options.allowLoopback;
  }

  refusal(source: StreamSource): NoRoute | undefined {
    return directRefusal(source);
  }

  route(_key: StreamKey, source: StreamSource): Route | NoRoute {
    const { url, fallbackUrls = [], username, password, ours } = source;
    const allowLoopback = this.#allowLoopback || ours;
    return this.refusal(source) ?? { able: true, urls: [url, ...fallbackUrls], username, password, allowLoopback };
  }

  leave(): void {}

  failed(): undefined {
    return undefined;
  }

  /** A camera that is reached directly is so for ever. */
  onChange(): () => void {
    return () => undefined;
  }
}

/** Why a stream cannot be reached without go2rtc. */
export function directRefusal({ url, transport, fallbackUrls = [] }: StreamSource): NoRoute | undefined {
  if (transport !== 'tcp') return elsewhere('transport', `Its transport is ${transport}.`, 'Use tcp');
  if ([url, ...fallbackUrls].every(one => /^rtsp:\/\//i.test(one))) return undefined;
  return elsewhere('url', 'Its address is not one of plain RTSP.', 'Write rtsp://host/path');
}

function elsewhere(field: NonNullable<NoRoute['field']>, why: string, cure: string): NoRoute {
  return {
    able: false,
    field,
    message: `${why} That takes go2rtc, and the camera is to be reached directly.`,
    cure: `${cure}, or set "hub" to auto.`,
  };
}
