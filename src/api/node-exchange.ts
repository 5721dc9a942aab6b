// One request and its reply in terms of node:http: reads bodies within their bound, sends replies with back-pressure.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { NvrError } from '../core/index.ts';
import { bodyTooLong } from './body-too-long.ts';
import { type Client, clientOf, plainAddress } from './remote-address.ts';
import type { ByteSource, HttpReply, HttpRequest } from './server.ts';

/** `isUpgrade`: such a request has no body that could be read. */
export function toRequest(
  request: IncomingMessage,
  { bodyBytes, proxies, isUpgrade }: { bodyBytes: number; proxies: ReadonlySet<string>; isUpgrade?: boolean },
): HttpRequest {
  const url = request.url ?? '';
  const question = url.indexOf('?');
  const header = (name: string) => headerOf(request, name);
  const connection: Client = {
    remoteAddress: plainAddress(request.socket.remoteAddress ?? ''),
    secure: 'encrypted' in request.socket,
  };
  return {
    method: request.method === 'HEAD' ? 'GET' : (request.method ?? ''),
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? '' : url.slice(question + 1),
    ...clientOf(connection, header, proxies),
    header,
    body: async (mostBytes = bodyBytes) => (isUpgrade ? Buffer.alloc(0) : await readBody(request, mostBytes)),
    isGone: () => request.socket.destroyed,
  };
}

/** Several lines of one name count as one list, so that no check sees only the first. */
function headerOf(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.join(', ');
}

export function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/** `last`: the connection ends with this reply. */
export function writeHead(request: IncomingMessage, response: ServerResponse, reply: HttpReply, last: boolean): void {
  const { body } = reply;
  const mayHaveBody = reply.status >= 200 && reply.status !== 204 && reply.status !== 304;
  const sizeBytes = Buffer.isBuffer(body) ? body.length : body ? body.sizeBytes : mayHaveBody ? 0 : undefined;
  if (sizeBytes !== undefined) response.setHeader('Content-Length', sizeBytes);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  // A body that nobody read would be taken for the next request, or be read to its end however long it is.
  if (last || (!request.complete && hasBody(request))) response.setHeader('Connection', 'close');
  response.writeHead(reply.status);
}

/** One piece at a time: the next is read when the system has taken the last. */
export async function send(source: ByteSource, response: ServerResponse): Promise<void> {
  let sentBytes = 0;
  const gone = new Promise<'gone'>(resolve => response.once('close', () => resolve('gone')));
  for (;;) {
    const pending = source.next();
    const piece = await Promise.race([pending, gone]);
    if (piece === 'gone' || response.destroyed) {
      pending.catch(() => undefined);
      return;
    }
    if (!piece) break;
    sentBytes += piece.length;
    const taken = new Promise<boolean>(resolve => response.write(piece, error => resolve(!error)));
    if ((await Promise.race([taken, gone])) !== true) return;
  }
  if (source.sizeBytes === undefined || sentBytes === source.sizeBytes) response.end();
  else response.destroy();
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw bodyTooLong(maxBytes);
  try {
    // Leaving the loop early must not destroy the socket: the reply still has to go out on it.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      sizeBytes += (piece as Buffer).length;
      if (sizeBytes > maxBytes) throw bodyTooLong(maxBytes);
      pieces.push(piece as Buffer);
    }
  } catch (error) {
    if (error instanceof NvrError) throw error;
    throw new NvrError('invalid-argument', 'the request was cut off', { cause: error });
  }
  return Buffer.concat(pieces);
}

/** What cannot be read as HTTP gets a bare answer and the end of its connection. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
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
