// The HTTP server on uWebSockets.js: listens, keeps the limits, lets WebSockets in. Plain connections only.
import { createServer } from 'node:net';
import { background, NvrError } from '../core/index.ts';
import { jsonReply } from './json-reply.ts';
import { listenError } from './listen-error.ts';
import { plainAddress } from './remote-address.ts';
import {
  type HttpHandler,
  type HttpReply,
  type HttpServer,
  LIMITS,
  type Limits,
  type UpgradeHandler,
} from './server.ts';
import { type ServerOptions, tooManyWebSockets } from './server-options.ts';
import type { Uws, UwsApp, UwsRequest, UwsResponse } from './uws-binary.ts';
import { UwsConnections } from './uws-connections.ts';
import { UwsExchange } from './uws-exchange.ts';
import { type PeerData, UwsWebSocketPeer } from './uws-web-socket.ts';
import { refuseHandshake, wantsWebSocket } from './web-socket-handshake.ts';
import { WebSockets } from './web-sockets.ts';

/** Seconds without a word from a client; it is asked before that. A multiple of 4. */
const IDLE_S = 60;
const TOO_MANY: HttpReply = jsonReply(
  429,
  { error: { kind: 'resource-exhausted', message: 'too much is asked for at once' } },
  { 'Retry-After': '1' },
);

interface Handlers {
  handler: HttpHandler;
  upgrade: UpgradeHandler | undefined;
}

export class UwsServer implements HttpServer {
  readonly #uws: Uws;
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #proxies: ReadonlySet<string>;
  readonly #webSockets: WebSockets;
  readonly #app: UwsApp;
  #listening: { socket: unknown; port: number } | undefined;
  #stopping: Promise<void> | undefined;
  readonly #connections: UwsConnections;
  #exchanges = 0;
  #onIdle: () => void = () => undefined;
  /** Those whose answers give way to others; the oldest first. */
  readonly #yielding = new Set<UwsExchange>();
  /** Requests and WebSockets by address of the connection. */
  readonly #busy = new Map<string, number>();

  constructor(uws: Uws, options: ServerOptions) {
    this.#uws = uws;
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#proxies = new Set(options.proxies?.map(plainAddress));
    this.#webSockets = new WebSockets(options.clock, this.#limits.webSockets);
    this.#connections = new UwsConnections({
      mostResting: this.#limits.connections,
      mostPerAddress: this.#limits.connectionsPerAddress,
      proxies: this.#proxies,
      busy: address => this.#busy.get(address) ?? 0,
    });
    this.#app = uws.App();
  }

  async start(handler: HttpHandler, upgrade?: UpgradeHandler): Promise<{ host: string; port: number }> {
    const { host, port, log } = this.#options;
    const handlers = { handler, upgrade };
    const { webSocketMessageBytes, webSocketQueueBytes } = this.#limits;
    this.#app.filter((socket, change) => this.#changed(socket, change));
    this.#app.any('/*', (response, request) => {
      this.#guarded(response, () => this.#arrived(handlers, response, request));
    });
    this.#app.ws<PeerData>('/*', {
      compression: this.#uws.DISABLED,
      maxPayloadLength: webSocketMessageBytes,
      maxBackpressure: webSocketQueueBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: IDLE_S,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) =>
        this.#guarded(response, () => this.#arrived(handlers, response, request, context)),
      open: socket => socket.getUserData().peer.opened(socket),
      message: (socket, message, isBinary) => socket.getUserData().peer.message(message, isBinary),
      drain: socket => socket.getUserData().peer.drained(),
      close: socket => {
        const { peer, address } = socket.getUserData();
        this.#webSockets.remove(peer);
        this.#leave(address);
        peer.closed();
      },
    });
    const socket = await new Promise<unknown>(resolve => {
      this.#app.listen(host, port, this.#uws.LIBUS_LISTEN_EXCLUSIVE_PORT, resolve);
    });
    if (!socket) throw await whyNot(host, port);
    this.#listening = { socket, port: this.#uws.us_socket_local_port(socket) };
    log.debug('uWebSockets.js listens', { port: this.#listening.port });
    return { host, port: this.#listening.port };
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    if (!this.#listening) return;
    this.#uws.us_listen_socket_close(this.#listening.socket);
    this.#webSockets.closeAll();
    if (this.#exchanges > 0) {
      await new Promise<void>(resolve => {
        const cancel = this.#options.clock.after(graceMs, resolve);
        this.#onIdle = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#app.close();
  }

  #changed(socket: UwsResponse, change: number): void {
    if (change < 0) this.#connections.closed();
    else this.#guarded(socket, () => this.#connections.opened(socket));
  }

  /** Counts what is under way for an address; false when that is too much. */
  #enter(address: string): boolean {
    const count = (this.#busy.get(address) ?? 0) + 1;
    const { connections, connectionsPerAddress } = this.#limits;
    if (count > connectionsPerAddress && !this.#proxies.has(address)) return false;
    if (this.#exchanges >= connections && !this.#makeRoom()) return false;
    this.#exchanges++;
    this.#busy.set(address, count);
    return true;
  }

  /** Its place is free a moment later. */
  #makeRoom(): boolean {
    const [oldest] = this.#yielding;
    if (!oldest) return false;
    this.#yielding.delete(oldest);
    oldest.cut();
    return true;
  }

  #leave(address: string): void {
    const left = (this.#busy.get(address) ?? 1) - 1;
    if (left > 0) this.#busy.set(address, left);
    else this.#busy.delete(address);
    if (--this.#exchanges === 0) this.#onIdle();
  }

  /** `context`: of the library, for requests that it takes for the handshake of a WebSocket. */
  #arrived(handlers: Handlers, response: UwsResponse, request: UwsRequest, context?: unknown): void {
    const { clock } = this.#options;
    const exchange = new UwsExchange(response, request, { limits: this.#limits, proxies: this.#proxies, clock });
    this.#connections.arrived(exchange, () => this.#begin(handlers, exchange, context));
    if (exchange.refusal) exchange.refuse(exchange.refusal);
  }

  #begin(handlers: Handlers, exchange: UwsExchange, context: unknown): void {
    if (exchange.isOver) return;
    const { address } = exchange;
    const mayRun = this.#enter(address);
    const work = mayRun ? this.#answer(handlers, exchange, context) : exchange.send(TOO_MANY, true);
    const done = work
      .catch((error: unknown) => {
        exchange.cut();
        this.#options.log.error('an answer was cut off', { error });
      })
      .then(() => {
        // A WebSocket leaves when it closes.
        if (mayRun && !exchange.isUpgraded) this.#leave(address);
      });
    background(done, 'answer a request', this.#options.log);
  }

  async #answer({ handler, upgrade }: Handlers, exchange: UwsExchange, context: unknown): Promise<void> {
    if (upgrade && wantsWebSocket(exchange.request)) await this.#upgrade(upgrade, exchange, context);
    else await this.#send(exchange, await handler(exchange.request));
  }

  async #send(exchange: UwsExchange, reply: HttpReply): Promise<void> {
    if (reply.yields) this.#yielding.add(exchange);
    await exchange.send(reply, this.#stopping !== undefined).finally(() => this.#yielding.delete(exchange));
  }

  async #upgrade(upgrade: UpgradeHandler, exchange: UwsExchange, context: unknown): Promise<void> {
    const refusal = refuseHandshake(exchange.method, exchange.request);
    if (refusal) return this.#send(exchange, refusal);
    if (!this.#webSockets.reserve()) return this.#send(exchange, tooManyWebSockets());
    const decision = await upgrade(exchange.request).finally(() => this.#webSockets.release());
    if ('status' in decision) return this.#send(exchange, decision);
    if (exchange.isOver) return;
    const peer = new UwsWebSocketPeer(decision, this.#options.log);
    this.#webSockets.add(peer);
    exchange.upgrade({ peer, address: exchange.address } satisfies PeerData, context);
  }

  /** What a handler of the library throws would end the process. */
  #guarded(response: UwsResponse, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error('a request failed', { error });
      try {
        response.close();
      } catch {
        // It has ended already.
      }
    }
  }
}

/** The library does not say why it cannot listen; the system says it once more. */
function whyNot(host: string, port: number): Promise<NvrError> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', error => resolve(listenError(error, host, port, '--listen')));
    server.listen({ host, port }, () => {
      server.close(() => resolve(new NvrError('unavailable', `listening on ${host}:${port} failed`)));
    });
  });
}
