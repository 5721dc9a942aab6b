// The HTTP server on node:http and node:https: listens, keeps the limits, takes turns, lets WebSockets in.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { background } from '../core/index.ts';
import { listenError } from './listen-error.ts';
import { hasBody, refuseUnreadable, send, toRequest, writeHead } from './node-exchange.ts';
import { plainAddress } from './remote-address.ts';
import {
  type HttpHandler,
  type HttpReply,
  type HttpServer,
  LIMITS,
  type Limits,
  type UpgradeHandler,
  type WebSocketHandler,
} from './server.ts';
import { type ServerOptions, tooManyWebSockets } from './server-options.ts';
import { WebSocketConnection } from './web-socket-connection.ts';
import { acceptKey, refuseHandshake, wantsWebSocket } from './web-socket-handshake.ts';
import { WebSockets } from './web-sockets.ts';

export class NodeServer implements HttpServer {
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #proxies: ReadonlySet<string>;
  readonly #perAddress = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #turns = new WeakMap<Socket, { waiting: number; last: Promise<void> }>();
  readonly #webSockets: WebSockets;
  #server: Server | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#proxies = new Set(options.proxies?.map(plainAddress));
    this.#webSockets = new WebSockets(options.clock, this.#limits.webSockets);
  }

  async start(handler: HttpHandler, upgrade?: UpgradeHandler): Promise<{ host: string; port: number }> {
    const { host, port, log, tls } = this.#options;
    const server = this.#create();
    this.#server = server;
    server.maxConnections = this.#limits.connections;
    server.timeout = this.#limits.stuckTimeMs;
    server.on('connection', socket => this.#admit(socket));
    server.on('clientError', (error, socket) => refuseUnreadable(error, socket as Socket));
    server.on('request', (request, response) => {
      background(this.#inTurn(handler, request, response), 'answer a request', log);
    });
    server.on('upgrade', (request, socket, head) => {
      background(this.#upgrade({ handler, upgrade }, request, socket as Socket, head), 'open a WebSocket', log);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(listenError(error, host, port, tls ? '--https' : '--listen')));
      server.listen({ host, port }, resolve);
    });
    server.on('error', error => log.error('the server failed', { error }));
    return { host, port: (server.address() as AddressInfo).port };
  }

  #create(): Server {
    const limits = this.#limits;
    const options = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerTimeMs,
      requestTimeout: limits.requestTimeMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, limits.headerTimeMs),
    };
    const { tls } = this.#options;
    if (!tls) return createServer(options);
    const { certificate: cert, key } = tls;
    return createSecureServer({
      ...{ ...options, cert, key },
      minVersion: 'TLSv1.2',
      handshakeTimeout: limits.headerTimeMs,
    });
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise<void>(resolve => server.close(() => resolve()));
    server.closeIdleConnections();
    this.#webSockets.closeAll();
    const cancel = this.#options.clock.after(graceMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    cancel();
  }

  #admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    if (count > this.#limits.connectionsPerAddress && !this.#proxies.has(address)) {
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, count);
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }

  #turn(socket: Socket): { waiting: number; last: Promise<void> } {
    let turn = this.#turns.get(socket);
    if (!turn) {
      turn = { waiting: 0, last: Promise.resolve() };
      this.#turns.set(socket, turn);
    }
    return turn;
  }

  /** Requests of one connection are answered one after the other: a thousand sent at once must not open a thousand files. */
  async #inTurn(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.socket.destroyed) return;
    const turn = this.#turn(request.socket);
    if (++turn.waiting > this.#limits.pipelined) {
      request.socket.destroy();
      return;
    }
    const answered = turn.last.then(async () => {
      if (request.socket.destroyed) return;
      await this.#send(request, response, await handler(this.#toRequest(request)));
    });
    turn.last = answered.then(
      () => void turn.waiting--,
      () => void turn.waiting--,
    );
    await answered;
  }

  #toRequest(request: IncomingMessage, isUpgrade = false) {
    return toRequest(request, { bodyBytes: this.#limits.bodyBytes, proxies: this.#proxies, isUpgrade });
  }

  async #send(
    request: IncomingMessage,
    response: ServerResponse,
    reply: HttpReply,
    last = this.#stopping !== undefined,
  ): Promise<void> {
    response.on('error', () => response.destroy());
    const source = reply.body && !Buffer.isBuffer(reply.body) ? reply.body : undefined;
    try {
      writeHead(request, response, reply, last);
      if (request.method === 'HEAD' || !source) response.end(request.method === 'HEAD' ? undefined : reply.body);
      else await send(source, response);
    } catch (error) {
      // The length is promised: only the end of the connection can say that it was not kept.
      response.destroy();
      this.#options.log.error('an answer was cut off', { error });
    } finally {
      await source?.close();
    }
  }

  async #upgrade(
    { handler, upgrade }: { handler: HttpHandler; upgrade: UpgradeHandler | undefined },
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
  ): Promise<void> {
    socket.on('error', () => socket.destroy());
    // Node has given the connection up: whatever comes of it, the socket ends with it.
    const asked = this.#toRequest(request, true);
    if (this.#turn(socket).waiting > 0 || this.#stopping || hasBody(request)) {
      socket.destroy();
      return;
    }
    if (!upgrade || !wantsWebSocket(asked)) {
      await this.#sendLast(request, socket, await handler(asked));
      return;
    }
    const refusal = refuseHandshake(request.method ?? '', asked);
    if (refusal) await this.#sendLast(request, socket, refusal);
    else if (!this.#webSockets.reserve()) await this.#sendLast(request, socket, tooManyWebSockets());
    else {
      const decision = await upgrade(asked).finally(() => this.#webSockets.release());
      if ('status' in decision) await this.#sendLast(request, socket, decision);
      else this.#open(request, socket, head, decision);
    }
  }

  #open(request: IncomingMessage, socket: Socket, head: Buffer, handler: WebSocketHandler): void {
    const { clock, log } = this.#options;
    const accept = acceptKey(request.headers['sec-websocket-key'] ?? '');
    const connection = new WebSocketConnection({
      ...{ socket, clock, log },
      handler: {
        opened: peer => handler.opened(peer),
        message: text => handler.message(text),
        drained: () => handler.drained?.(),
        closed: () => {
          this.#webSockets.remove(connection);
          handler.closed();
        },
      },
      maxTextBytes: this.#limits.webSocketMessageBytes,
      maxQueueBytes: this.#limits.webSocketQueueBytes,
    });
    if (!socket.destroyed) {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    }
    this.#webSockets.add(connection);
    connection.open(head);
  }

  /** An ordinary reply to a request that Node has let go of as an upgrade; the connection ends with it. */
  async #sendLast(request: IncomingMessage, socket: Socket, reply: HttpReply): Promise<void> {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on('finish', () => socket.end(() => socket.destroy()));
    await this.#send(request, response, reply, true);
  }
}
