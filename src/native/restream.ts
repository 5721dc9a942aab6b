// The engine's RTSP server as the service sees it: where it listens, who may see what, who is there.
import type { NativeEngine } from './addon.ts';
import type { RestreamAccess, RestreamClient, RestreamEvent } from './messages.ts';

/** `inside`: for helpers of ours on this machine, who need no login. */
export type RestreamWay = 'inside' | 'outside';

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
