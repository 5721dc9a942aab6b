// WebSockets that are open: whoever may no longer have one loses it within seconds.
import type { Clock } from '../core/index.ts';
import type { WebSocketHandler, WebSocketPeer } from './server.ts';

/** From the loss of a right to the end of the socket, at most. */
const LOOK_MS = 4000;
/** "Policy violation" of RFC 6455 section 7.4.1. */
const NOT_ALLOWED = 1008;

export class OpenSockets {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #open = new Map<WebSocketPeer, () => boolean>();
  #cancel: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** The handler, with its peer under watch: it is closed once `isStillGood` says no. */
  watch(handler: WebSocketHandler, isStillGood: () => boolean): WebSocketHandler {
    let own: WebSocketPeer | undefined;
    return {
      opened: peer => {
        own = peer;
        this.#open.set(peer, isStillGood);
        this.#cancel ??= this.#clock.after(LOOK_MS, () => this.#look());
        handler.opened(peer);
      },
      message: text => handler.message(text),
      drained: () => handler.drained?.(),
      closed: () => {
        if (own) this.#open.delete(own);
        handler.closed();
      },
    };
  }

  /** Somebody lost a right just now. */
  lookSoon(): void {
    if (!this.#cancel) return;
    this.#cancel();
    this.#cancel = this.#clock.after(0, () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#open.clear();
  }

  /** No timer while nothing is open. */
  #look(): void {
    for (const [peer, isStillGood] of this.#open) {
      if (!isStillGood()) peer.close(NOT_ALLOWED, 'not allowed any more');
    }
    this.#cancel = this.#open.size > 0 ? this.#clock.after(LOOK_MS, () => this.#look()) : undefined;
  }
}
