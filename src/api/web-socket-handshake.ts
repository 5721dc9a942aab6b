// The handshake of RFC 6455 section 4.2: what a request for a WebSocket must bring along, and our answer to it.
import { createHash } from 'node:crypto';
import { jsonReply } from './json-reply.ts';
import type { HttpReply, HttpRequest } from './server.ts';

/** Section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** True for requests that ask for a WebSocket; what else can be upgraded to is not known here, and such requests are ordinary ones. */
export function wantsWebSocket(request: Pick<HttpRequest, 'header'>): boolean {
  return hasToken(request.header('upgrade'), 'websocket') && hasToken(request.header('connection'), 'upgrade');
}

/** Why a handshake cannot be accepted; undefined when it can. `method`: as sent. */
export function refuseHandshake(method: string, request: Pick<HttpRequest, 'header'>): HttpReply | undefined {
  if (request.header('sec-websocket-version') !== '13') {
    return refusal(426, 'only version 13 of WebSockets is known', {
      'Sec-WebSocket-Version': '13',
      Upgrade: 'websocket',
    });
  }
  const key = request.header('sec-websocket-key') ?? '';
  // 16 bytes in base64.
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key)) return refusal(400, 'the key of the WebSocket is not one');
  if (method !== 'GET') return refusal(400, 'a WebSocket is asked for with GET');
  return undefined;
}

/** For the header Sec-WebSocket-Accept. */
export function acceptKey(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

function refusal(status: number, message: string, headers: Record<string, string> = {}): HttpReply {
  return jsonReply(status, { error: { kind: 'invalid-argument', message } }, headers);
}

function hasToken(list: string | undefined, token: string): boolean {
  return (list ?? '').split(',').some(part => part.trim().toLowerCase() === token);
}
