// The engine's RTSP server as the service sees it: where it listens, who may see what, who is there.
import type { CameraId, StreamName } from '../core/index.ts';
import type { NativeEngine } from './addon.ts';

/** `inside`: for helpers of ours on this machine, who need no login. */
export type RestreamWay = 'inside' | 'outside';

export interface RestreamLogin {
  name: string;
  /** Hexadecimal hashes of `name:realm:secret`; as good as the secret. */
  ha1Md5: string;
  ha1Sha256: string;
  /** Absent = all. */
  cameras?: CameraId[];
}

export interface RestreamAccess {
  realm: string;
  users: RestreamLogin[];
  /** Those that there are, connected or not. */
  streams: { camera: CameraId; stream: StreamName }[];
}

/** Somebody who watches. */
export interface RestreamClient {
  camera: CameraId;
  stream: StreamName;
  inside: boolean;
  /** '' from inside. */
  user: string;
  address: string;
  /** UTC. */
  sinceMs: number;
  sentBytes: number;
  /** How often it was so slow that it was moved on to a newer keyframe. */
  skips: number;
}

export type RestreamEvent =
  /** Clients want a stream; false some seconds after the last one has left. */
  | { type: 'restream-wanted'; camera: CameraId; stream: StreamName; wanted: boolean }
  /** Somebody gave a wrong name or secret; `user` as it was given. At most one a second. */
  | { type: 'restream-refused'; user: string; address: string };

type Surface = Pick<NativeEngine, 'restreamListen' | 'restreamClose' | 'restreamAllow' | 'restreamClients'>;

/** One per engine, with one listener. */
export class RestreamServer {
  readonly #surface: Surface;
  #listener: ((event: RestreamEvent) => void) | undefined;

  constructor(surface: Surface) {
    this.#surface = surface;
  }

  /**
   * Listens on an address as numbers, in place of what that way listened on before; 0 = any port. The port, or the name of the error
   * (EADDRINUSE, EADDRNOTAVAIL, EACCES, ...); then that way listens where it did.
   */
  listen(way: RestreamWay, host: string, port: number): { port: number } | { code: string } {
    const result = this.#surface.restreamListen(way === 'inside', host, port);
    return typeof result === 'number' ? { port: result } : { code: result };
  }

  /** Nobody comes that way any more, and who came is cut. */
  close(way: RestreamWay): void {
    this.#surface.restreamClose(way === 'inside');
  }

  /** Who may no more is cut. */
  allow(access: RestreamAccess): void {
    this.#surface.restreamAllow(access);
  }

  onEvent(listener: ((event: RestreamEvent) => void) | undefined): void {
    this.#listener = listener;
  }

  deliver(event: RestreamEvent): void {
    this.#listener?.(event);
  }

  /** Those that play. */
  clients(): RestreamClient[] {
    return this.#surface.restreamClients();
  }
}
