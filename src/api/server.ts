// What the API needs of an HTTP server: requests in, replies out. Hides which server it is.

export interface HttpRequest {
  /** GET for HEAD as well: the server leaves the body out. */
  method: string;
  /** As sent, percent-encoding untouched; begins with `/`. */
  path: string;
  /** What stands behind the first `?`, as sent. */
  query: string;
  /** Of the other end, without port; of the proxy where there is one. */
  remoteAddress: string;
  /** True when the connection is encrypted. */
  secure: boolean;
  /** Lower-case name; undefined when it was not sent. */
  header(name: string): string | undefined;
  /** The whole body; rejects with `invalid-argument` when it is longer than `mostBytes`, which is `bodyBytes` unless it is given. */
  body(mostBytes?: number): Promise<Buffer>;
  /** True when nobody waits for the answer any more. Absent where that cannot be told. */
  isGone?(): boolean;
}

/** Bytes that are read as fast as the client takes them. */
export interface ByteSource {
  /** Undefined: not known before the end (pictures that go on as long as somebody looks). */
  sizeBytes: number | undefined;
  /** The next piece, undefined at the end. The piece is only valid until the next call. */
  next(): Promise<Buffer | undefined>;
  /** Called exactly once, also when the client went away; then `next` may be under way, and its result is not looked at. */
  close(): Promise<void>;
}

export interface HttpReply {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | ByteSource;
  /** Anybody may have it: who takes it slowly is cut off when there is no place for others. */
  yields?: boolean;
}

/** Must not reject; it may take as long as it needs. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpReply>;

/** Our side of one WebSocket. */
export interface WebSocketPeer {
  /** What was sent and not yet taken by the system. */
  readonly bufferedBytes: number;
  /** Text or one binary message; queued. Whoever sends much looks at `bufferedBytes` first: beyond `webSocketQueueBytes` the socket is cut off. */
  send(message: string | Buffer): void;
  /** Codes of RFC 6455 section 7.4. Idempotent. */
  close(code: number, reason?: string): void;
}

/** What a route does with a WebSocket. Nothing of it may throw. */
export interface WebSocketHandler {
  opened(peer: WebSocketPeer): void;
  /** Messages of clients are texts of at most `webSocketMessageBytes`; others end the socket before this is called. */
  message(text: string): void;
  /** All that was queued has gone. */
  drained?(): void;
  /** Called exactly once after `opened`, whoever closed. */
  closed(): void;
}

/** Either accepts the upgrade or says why not, as an ordinary reply. Must not reject. */
export type UpgradeHandler = (request: HttpRequest) => Promise<WebSocketHandler | HttpReply>;

export interface HttpServer {
  /** Resolves with the address in force. Rejects with `failed-precondition` when the port is in use. */
  start(handler: HttpHandler, upgrade?: UpgradeHandler): Promise<{ host: string; port: number }>;
  /** Takes no new requests, lets short ones finish, cuts the rest off after `graceMs`. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

/** Bounds that every server implementation keeps. */
export interface Limits {
  bodyBytes: number;
  /** Where a route asks for more. */
  largeBodyBytes: number;
  /** Of the request line and all header lines together. */
  headerBytes: number;
  /** Until the last header line has arrived. */
  headerTimeMs: number;
  /** Until the whole request has arrived. */
  requestTimeMs: number;
  /** No byte moved in either direction, in the middle of a reply. */
  stuckTimeMs: number;
  keepAliveMs: number;
  /** With a request or a WebSocket under way; of those without there are as many at most, which make room for others. */
  connections: number;
  connectionsPerAddress: number;
  /** Requests of one connection that wait for their answers. */
  pipelined: number;
  /** Of one text that a client sends over a WebSocket. */
  webSocketMessageBytes: number;
  /** What may wait for one WebSocket. */
  webSocketQueueBytes: number;
  webSockets: number;
}

export const LIMITS: Limits = {
  bodyBytes: 64 * 1024,
  largeBodyBytes: 512 * 1024,
  headerBytes: 16 * 1024,
  headerTimeMs: 10_000,
  requestTimeMs: 20_000,
  stuckTimeMs: 60_000,
  keepAliveMs: 5000,
  connections: 256,
  connectionsPerAddress: 128,
  pipelined: 32,
  webSocketMessageBytes: 4096,
  webSocketQueueBytes: 4 * 1024 * 1024,
  webSockets: 128,
};
