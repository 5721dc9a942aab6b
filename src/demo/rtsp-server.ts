// A small RTSP server that plays clips in a loop: RTSP 1.0, RTP interleaved in TCP, each client with its own clock.
import { createServer, type Server } from 'node:net';
import { type Clock, fromSystem, type Logger, NvrError } from '../core/index.ts';
import { Pacer } from './pacer.ts';
import { type Interceptor, type Mount, RtspConnection } from './rtsp-connection.ts';
import type { LoginOptions } from './rtsp-login.ts';

export interface RtspServerOptions {
  log: Logger;
  clock: Clock;
  /** Path without leading slash -> what is played there. */
  mounts: ReadonlyMap<string, Mount>;
  /** 0 (default) = chosen by the system. The address is always 127.0.0.1. */
  port?: number;
  /** Default: nobody has to log in. */
  login?: LoginOptions;
  /** Largest RTP payload, 64 to 60000; default 1400. */
  maxPayloadBytes?: number;
  /** Bytes that may wait for one client before access units are dropped; default 1 MiB. */
  queueBytes?: number;
  interceptor?: Interceptor;
}

const HOST = '127.0.0.1';
const MAX_CONNECTIONS = 64;

/** `start` and `stop` can follow each other any number of times; after the first start the port stays the same. */
export class RtspServer {
  readonly #options: RtspServerOptions;
  readonly #pacer: Pacer;
  readonly #connections = new Set<RtspConnection>();
  #server: Server | undefined;
  #port: number;
  #lastId = 0;

  /** Throws `invalid-argument` for a payload size out of range. */
  constructor(options: RtspServerOptions) {
    const { maxPayloadBytes = 1400 } = options;
    if (!(maxPayloadBytes >= 64 && maxPayloadBytes <= 60_000)) {
      throw new NvrError('invalid-argument', 'RTP payloads have 64 to 60000 bytes', { field: 'maxPayloadBytes' });
    }
    this.#options = options;
    this.#pacer = new Pacer(options.clock);
    this.#port = options.port ?? 0;
  }

  /** 0 before the first start when the system is to choose. */
  get port(): number {
    return this.#port;
  }

  get connections(): ReadonlySet<RtspConnection> {
    return this.#connections;
  }

  url(path: string): string {
    return `rtsp://${HOST}:${this.#port}/${path}`;
  }

  /** Resolves when clients can connect; rejects with `failed-precondition` when the port is in use. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#server) return;
    const server = createServer();
    server.maxConnections = MAX_CONNECTIONS;
    server.on('connection', socket => {
      const {
        log,
        clock,
        mounts,
        login,
        interceptor,
        maxPayloadBytes = 1400,
        queueBytes = 1024 * 1024,
      } = this.#options;
      const connection = new RtspConnection(socket, {
        id: ++this.#lastId,
        pacer: this.#pacer,
        ...{ log, clock, mounts, login, interceptor, maxPayloadBytes, queueBytes },
      });
      this.#connections.add(connection);
      socket.on('close', () => this.#connections.delete(connection));
    });
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.once('close', () => reject(new NvrError('unavailable', 'stopped before it could listen')));
        server.listen({ host: HOST, port: this.#port }, resolve);
      });
    } catch (error) {
      this.#server = undefined;
      throw fromSystem(error, `cannot serve RTSP on ${HOST}:${this.#port}`);
    }
    server.on('error', error => this.#options.log.warn('RTSP server failed', { error: error.message }));
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** Cuts all clients off and frees the port. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    for (const connection of this.#connections) connection.close();
    await new Promise<void>(resolve => server.close(() => resolve()));
  }
}
