// The way to a camera: what the engine needs to reach a stream, or why it cannot be reached. Hides what lies between.
import type { HubChoice, Transport } from './camera.ts';

/** One stream as its owner wrote it, with the camera's login in clear. */
export interface StreamSource {
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

/** What the engine is given. */
export interface Route {
  able: true;
  /** rtsp:// URLs without login, tried in turn; at least one. */
  urls: string[];
  username: string;
  password: string;
  /** Lifts the rule that no camera is on this machine. */
  allowLoopback: boolean;
}

export interface NoRoute {
  able: false;
  /** The setting that stands in the way; absent when only the hub does, and no other setting would help. */
  field?: 'hub' | 'transport' | 'url';
  /** One sentence each, for people. */
  message: string;
  cure: string;
}

export interface Hub {
  /** Never fails and never waits: a way that is still being made is none yet, and `onChange` tells when it is there. */
  route(source: StreamSource): Route | NoRoute;
  /** Calls `listener` whenever routes that were given may be others now. The returned function ends it. */
  onChange(listener: () => void): () => void;
}

/** Our own reader and the camera, with nothing in between: RTSP over TCP. */
export class DirectHub implements Hub {
  readonly #allowLoopback: boolean;

  constructor(options: { allowLoopback: boolean }) {
    this.#allowLoopback = options.allowLoopback;
  }

  route(source: StreamSource): Route | NoRoute {
    const { hub, url, transport, fallbackUrls = [], username, password, ours } = source;
    if (hub === 'go2rtc') return elsewhere('hub', 'It is set to go by go2rtc.', 'Use auto or direct.');
    if (transport !== 'tcp') return elsewhere('transport', `Its transport is ${transport}.`, 'Use tcp.');
    const urls = [url, ...fallbackUrls];
    if (!urls.every(one => /^rtsp:\/\//i.test(one))) {
      return elsewhere('url', 'Its address is not one of plain RTSP.', 'Write rtsp://host/path.');
    }
    return { able: true, urls, username, password, allowLoopback: this.#allowLoopback || ours };
  }

  /** A camera that is reached directly is so for ever. */
  onChange(): () => void {
    return () => undefined;
  }
}

function elsewhere(field: NonNullable<NoRoute['field']>, why: string, cure: string): NoRoute {
  return { able: false, field, message: `${why} That takes go2rtc, which is not part of this version.`, cure };
}
