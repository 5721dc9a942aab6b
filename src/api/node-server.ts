// The HTTP server on node:http and node:https: listens, keeps the limits, takes turns, lets WebSockets in.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { background } from '../core/index.ts';
import { listenError } from './listen-error.ts';
import { hasBody, refuseUnreadable, send, toRequest, writeHead } from './node-exchange.ts';
import { firstOfMost, plainAddress } from './remote-address.ts';
import {
  type HttpHandler,
  type HttpReply,
  type HttpServer,
  LIMITS,
  type Limits,
  type UpgradeHandler,
  type WebSocketHandler,
} from './server.ts';
import { type ServerOptions, type TlsIdentity, tooManyWebSockets } from './server-options.ts';
import { WebSocketConnection } from './web-socket-connection.ts';
import { acceptKey, refuseHandshake, wantsWebSocket } from './web-socket-handshake.ts';
import { WebSockets } from './web-sockets.ts';

interface Connection {
  /** Of TCP, also under TLS. */
  key: string;
  socket: Socket;
  address: string;
  /** Requests that have no answer yet; a WebSocket counts as one for ever. */
  waiting: number;
  /** The answer that is on its way gives way to others. */
  yields: boolean;
  last: Promise<void>;
}

export class NodeServer implements HttpServer {
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #proxies: ReadonlySet<string>;
  /** By the other end's address and port, which a TCP connection and the TLS on it have in common; what rests longest comes first. */
  readonly #connections = new Map<string, Connection>();
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
    // Those that make room for others are counted until they have closed.
    server.maxConnections = 2 * this.#limits.connections;
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
    return createSecureServer({ ...options, ...secureContext(tls), handshakeTimeout: limits.headerTimeMs });
  }

  /** Whoever connects from now on is shown this identity; of an encrypted server only. */
  renew(identity: TlsIdentity): void {
    if (this.#server instanceof SecureServer) this.#server.setSecureContext(secureContext(identity));
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
      for (const { socket } of this.#connections.values()) socket.destroy();
    });
    await closed;
    cancel();
  }

  #admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const key = keyOf(socket);
    if (!this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const connection = { key, socket, address, waiting: 0, yields: false, last: Promise.resolve() };
    this.#connections.set(key, connection);
    socket.on('close', () => {
      if (this.#connections.get(key) === connection) this.#connections.delete(key);
    });
  }

  /** Whoever only holds a connection gives way to those who want something; false when all are in use. */
  #makeRoom(address: string): boolean {
    const all = [...this.#connections.values()];
    const own = all.filter(one => one.address === address);
    const isGreedy = own.length >= this.#limits.connectionsPerAddress && !this.#proxies.has(address);
    if (!isGreedy && all.length < this.#limits.connections) return true;
    const ones = isGreedy ? own : all;
    const leaving =
      firstOfMost(ones.filter(({ waiting }) => waiting === 0)) ?? firstOfMost(ones.filter(({ yields }) => yields));
    if (!leaving) return false;
    this.#connections.delete(leaving.key);
    leaving.socket.destroy();
    return true;
  }

  /** Requests of one connection are answered one after the other: a thousand sent at once must not open a thousand files. */
  async #inTurn(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = keyOf(request.socket);
    const connection = this.#connections.get(key);
    if (!connection || request.socket.destroyed) return;
    if (++connection.waiting > this.#limits.pipelined) {
      request.socket.destroy();
      return;
    }
    const answered = connection.last.then(async () => {
      if (request.socket.destroyed) return;
      const reply = await handler(this.#toRequest(request));
      connection.yields = reply.yields === true;
      await this.#send(request, response, reply);
    });
    const rest = () => {
      connection.waiting--;
      connection.yields = false;
      if (!this.#connections.delete(key)) return;
      this.#connections.set(key, connection);
    };
    connection.last = answered.then(rest, rest);
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
    const connection = this.#connections.get(keyOf(socket));
    if (!connection || connection.waiting > 0 || this.#stopping || hasBody(request)) {
      socket.destroy();
      return;
    }
    connection.waiting = 1;
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

function secureContext({ certificate: cert, key }: TlsIdentity) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
