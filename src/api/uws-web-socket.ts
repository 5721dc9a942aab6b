// One WebSocket of uWebSockets.js as a peer. Frames, pings and their rules are the library's.
import type { Logger } from '../core/index.ts';
import type { WebSocketHandler, WebSocketPeer } from './server.ts';
import type { UwsWebSocket } from './uws-binary.ts';
import { CLOSE, isSendable } from './web-socket-frames.ts';

/** May still wait for a socket that is closed in good order: the library keeps it for up to a minute. */
const MOST_LEFT_BYTES = 64 * 1024;

/** The library copies the properties of what it is given: only a plain object comes back whole. */
export interface PeerData {
  peer: UwsWebSocketPeer;
  /** Of the connection. */
  address: string;
}

export class UwsWebSocketPeer implements WebSocketPeer {
  readonly #handler: WebSocketHandler;
  readonly #log: Logger;
  /** Undefined before it is open and after it was closed. */
  #socket: UwsWebSocket<PeerData> | undefined;
  #mustTellDrained = false;

  constructor(handler: WebSocketHandler, log: Logger) {
    this.#handler = handler;
    this.#log = log;
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  send(message: string | Buffer): void {
    if (!this.#socket) return;
    // The limit of the library ends the socket, and its end is told within the call.
    if (this.#socket.send(message, typeof message !== 'string', false) !== 1) this.#mustTellDrained = true;
  }

  close(code: number, reason = ''): void {
    // A close frame behind all that would not be taken either, and it would wait in memory, counted by nobody.
    if (this.bufferedBytes > MOST_LEFT_BYTES) this.#socket?.close();
    else this.#socket?.end(isSendable(code) ? code : CLOSE.normal, reason.slice(0, 100));
  }

  opened(socket: UwsWebSocket<PeerData>): void {
    this.#socket = socket;
    this.#guarded(() => this.#handler.opened(this));
  }

  message(bytes: ArrayBuffer, isBinary: boolean): void {
    if (isBinary) this.close(CLOSE.unsupported);
    else this.#guarded(() => this.#handler.message(Buffer.from(bytes).toString('utf8')));
  }

  drained(): void {
    if (!this.#mustTellDrained || this.bufferedBytes > 0) return;
    this.#mustTellDrained = false;
    this.#guarded(() => this.#handler.drained?.());
  }

  closed(): void {
    this.#socket = undefined;
    this.#guarded(() => this.#handler.closed());
  }

  /** A handler that throws must not end the process. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('a WebSocket failed', { error });
      this.close(CLOSE.internal);
    }
  }
}
