// The HTTP server on node:http: keeps the limits, reads bodies, sends replies with back-pressure.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { background, type Clock, fromSystem, type Logger, NvrError } from '../core/index.ts';
import {
  type ByteSource,
  type HttpHandler,
  type HttpReply,
  type HttpRequest,
  type HttpServer,
  LIMITS,
  type Limits,
} from './server.ts';

export interface NodeServerOptions {
  /** Without brackets. */
  host: string;
  port: number;
  log: Logger;
  clock: Clock;
  /** Where they differ from LIMITS. */
  limits?: Partial<Limits>;
}

export class NodeServer implements HttpServer {
  readonly #options: NodeServerOptions;
  readonly #limits: Limits;
  readonly #perAddress = new Map<string, number>();
  readonly #sockets = new Map<Socket, { waiting: number; last: Promise<void> }>();
  #server: Server | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: NodeServerOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  async start(handler: HttpHandler): Promise<{ host: string; port: number }> {
    const limits = this.#limits;
    const server = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerTimeMs,
      requestTimeout: limits.requestTimeMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, limits.headerTimeMs),
    });
    this.#server = server;
    server.maxConnections = limits.connections;
    server.timeout = limits.stuckTimeMs;
    server.on('connection', socket => this.#admit(socket));
    server.on('clientError', (error, socket) => refuseUnreadable(error, socket as Socket));
    server.on('request', (request, response) => {
      background(this.#inTurn(handler, request, response), 'answer a request', this.#options.log);
    });
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(listenError(error, host, port)));
      server.listen({ host, port }, resolve);
    });
    server.on('error', error => this.#options.log.error('the server failed', { error }));
    return { host, port: (server.address() as AddressInfo).port };
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
    const cancel = this.#options.clock.after(graceMs, () => {
      for (const socket of this.#sockets.keys()) socket.destroy();
    });
    await closed;
    cancel();
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    if (count > this.#limits.connectionsPerAddress) {
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, count);
    this.#sockets.set(socket, { waiting: 0, last: Promise.resolve() });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }

  /** Requests of one connection are answered one after the other: a thousand sent at once must not open a thousand files. */
  async #inTurn(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const turn = this.#sockets.get(request.socket);
    if (!turn) return;
    if (++turn.waiting > this.#limits.pipelined) {
      request.socket.destroy();
      return;
    }
    const answered = turn.last.then(async () => {
      if (!request.socket.destroyed) await this.#answer(handler, request, response);
    });
    turn.last = answered.then(
      () => void turn.waiting--,
      () => void turn.waiting--,
    );
    await answered;
  }

  async #answer(handler: HttpHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    const reply = await handler(toRequest(request, this.#limits.bodyBytes));
    const source = reply.body && !Buffer.isBuffer(reply.body) ? reply.body : undefined;
    try {
      writeHead(request, response, reply, this.#stopping !== undefined);
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
}

function writeHead(request: IncomingMessage, response: ServerResponse, reply: HttpReply, stopping: boolean): void {
  const { body } = reply;
  if (body) response.setHeader('Content-Length', Buffer.isBuffer(body) ? body.length : body.sizeBytes);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  // A body that nobody read would be taken for the next request, or be read to its end however long it is.
  if (stopping || (!request.complete && hasBody(request))) response.setHeader('Connection', 'close');
  response.writeHead(reply.status);
}

/** One piece at a time: the next is read when the system has taken the last. */
async function send(source: ByteSource, response: ServerResponse): Promise<void> {
  let sentBytes = 0;
  const gone = new Promise<boolean>(resolve => response.once('close', () => resolve(false)));
  for (;;) {
    const piece = await source.next();
    if (response.destroyed) return;
    if (!piece) break;
    sentBytes += piece.length;
    const taken = new Promise<boolean>(resolve => response.write(piece, error => resolve(!error)));
    if (!(await Promise.race([taken, gone]))) return;
  }
  if (sentBytes === source.sizeBytes) response.end();
  else response.destroy();
}

function toRequest(request: IncomingMessage, maxBodyBytes: number): HttpRequest {
  const url = request.url ?? '';
  const question = url.indexOf('?');
  return {
    method: request.method === 'HEAD' ? 'GET' : (request.method ?? ''),
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? '' : url.slice(question + 1),
    remoteAddress: request.socket.remoteAddress ?? '',
    secure: false,
    header: name => headerOf(request, name),
    body: () => readBody(request, maxBodyBytes),
    isGone: () => request.socket.destroyed,
  };
}

/** Several lines of one name count as one list, so that no check sees only the first. */
function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.join(', ');
}

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLong(maxBytes);
  try {
    // Leaving the loop early must not destroy the socket: the reply still has to go out on it.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      sizeBytes += (piece as Buffer).length;
      if (sizeBytes > maxBytes) throw tooLong(maxBytes);
      pieces.push(piece as Buffer);
    }
  } catch (error) {
    if (error instanceof NvrError) throw error;
    throw new NvrError('invalid-argument', 'the request was cut off', { cause: error });
  }
  return Buffer.concat(pieces);
}

function tooLong(maxBytes: number): NvrError {
  return new NvrError('invalid-argument', `the body is longer than ${maxBytes} bytes`, { cure: 'Send less.' });
}

/** What cannot be read as HTTP gets a bare answer and the end of its connection. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  const body = JSON.stringify({ error: { kind: 'invalid-argument', message: 'the request cannot be read' } });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): NvrError {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    return new NvrError('failed-precondition', `${address} is in use by another program`, {
      field: '--listen',
      cure: 'Stop that program, or choose another port with --listen.',
      cause: error,
    });
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
    return new NvrError('failed-precondition', `${address} cannot be listened on: ${error.code}`, {
      field: '--listen',
      cure: 'Choose another address with --listen.',
      cause: error,
    });
  }
  return fromSystem(error, `listening on ${address} failed`);
}
