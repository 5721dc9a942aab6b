// One WebSocket on a TCP or TLS socket of Node: queue with a bound, pings, closing. Hides frames from whoever uses it.
import type { Socket } from 'node:net';
import type { Clock, Logger } from '../core/index.ts';
import type { WebSocketHandler, WebSocketPeer } from './server.ts';
import { CLOSE, closePayload, FrameReader, frameHead, isSendable, OPCODE } from './web-socket-frames.ts';

/** For the other side's close frame. */
const CLOSING_TIME_MS = 2000;
const EMPTY = Buffer.alloc(0);

export interface ConnectionOptions {
  socket: Socket;
  handler: WebSocketHandler;
  maxTextBytes: number;
  maxQueueBytes: number;
  clock: Clock;
  log: Logger;
}

export class WebSocketConnection implements WebSocketPeer {
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  #heardMs: number;
  #isClosing = false;
  #isClosed = false;
  #mustTellDrained = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#heardMs = options.clock.monotonicMs();
    this.#reader = new FrameReader(
      {
        text: text => this.#guarded(() => !this.#isClosing && options.handler.message(text)),
        ping: payload => this.#write(OPCODE.pong, payload),
        pong: () => undefined,
        close: code => this.close(code === CLOSE.noCode ? CLOSE.normal : code),
        violation: code => this.close(code),
      },
      options.maxTextBytes,
    );
  }

  /** Takes the socket over. `head`: what the client sent behind its handshake. */
  open(head: Buffer): void {
    const { socket, handler } = this.#options;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#end());
    // The other side sends no more: nobody is there to be sent anything either.
    socket.on('end', () => socket.destroy());
    this.#guarded(() => handler.opened(this));
    if (head.length > 0) this.#read(head);
    socket.on('data', piece => this.#read(piece as Buffer));
    if (socket.destroyed) this.#end();
  }

  get bufferedBytes(): number {
    return this.#options.socket.writableLength;
  }

  send(message: string | Buffer): void {
    if (this.#isClosing || this.#isClosed) return;
    if (typeof message === 'string') this.#write(OPCODE.text, Buffer.from(message));
    else this.#write(OPCODE.binary, message);
  }

  close(code: number, reason?: string): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#write(OPCODE.close, closePayload(isSendable(code) ? code : CLOSE.normal, reason));
    this.#isClosing = true;
    const { socket, clock } = this.#options;
    if (this.#reader.ended) socket.end();
    const cancel = clock.after(CLOSING_TIME_MS, () => socket.destroy());
    socket.on('close', cancel);
  }

  /** Asks a silent client whether it is there, and lets go of one that has not answered for `goneMs`. */
  check(silentMs: number, goneMs: number): void {
    const silent = this.#options.clock.monotonicMs() - this.#heardMs;
    if (silent >= goneMs) this.#options.socket.destroy();
    else if (silent >= silentMs && !this.#isClosing) this.#write(OPCODE.ping, EMPTY);
  }

  #read(piece: Buffer): void {
    this.#heardMs = this.#options.clock.monotonicMs();
    if (this.#reader.ended) return;
    this.#reader.read(piece);
    if (this.#reader.ended && !this.#options.socket.writableEnded) this.#options.socket.end();
  }

  #write(opcode: number, payload: Buffer): void {
    const { socket, maxQueueBytes } = this.#options;
    if (!socket.writable || this.#isClosing) return;
    const head = frameHead(opcode, payload.length);
    if (payload.length === 0) socket.write(head, this.#onWritten);
    else {
      // Both leave in one call, and the payload is not copied.
      socket.cork();
      socket.write(head);
      socket.write(payload, this.#onWritten);
      socket.uncork();
    }
    if (socket.writableLength > maxQueueBytes) {
      this.#options.log.debug('a WebSocket was cut off: it is read too slowly', {
        waitingBytes: socket.writableLength,
      });
      socket.destroy();
    } else if (socket.writableLength > 0) this.#mustTellDrained = true;
  }

  readonly #onWritten = (): void => {
    const { socket, handler } = this.#options;
    if (!this.#mustTellDrained || socket.writableLength > 0 || this.#isClosed || this.#isClosing) return;
    this.#mustTellDrained = false;
    this.#guarded(() => handler.drained?.());
  };

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#guarded(() => this.#options.handler.closed());
  }

  /** A handler that throws must not end the process. */
  #guarded(call: () => unknown): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error('a WebSocket failed', { error });
      this.close(CLOSE.internal);
    }
  }
}
