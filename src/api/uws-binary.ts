// uWebSockets.js as far as it is used here, and finding its binary: there is one for each version of Node's interface and kind of CPU.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Valid until `onAborted` was called or the answer is complete; every call after that throws. */
export interface UwsResponse {
  onAborted(handler: () => void): void;
  /** The chunk is only valid within the call. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): void;
  /** The offset is that of `getWriteOffset`. Returns whether all could be written. */
  onWritable(handler: (offset: number) => boolean): void;
  cork(write: () => void): void;
  writeStatus(status: string): void;
  writeHeader(name: string, value: string): void;
  /** False: what was given waits in memory. */
  write(chunk: Uint8Array): boolean;
  end(body?: Uint8Array | string, closeConnection?: boolean): void;
  endWithoutBody(reportedBytes?: number, closeConnection?: boolean): void;
  /** [all was taken, the answer is complete]. What was not taken is to be given again. */
  tryEnd(chunk: Uint8Array, totalBytes: number): [boolean, boolean];
  getWriteOffset(): number;
  /** Ends the connection at once; `onAborted` is called. */
  close(): void;
  getRemoteAddressAsText(): ArrayBuffer;
  upgrade(data: unknown, key: string, protocol: string, extensions: string, context: unknown): void;
}

/** Valid within the call of the handler only. */
export interface UwsRequest {
  getCaseSensitiveMethod(): string;
  /** As sent, without the query. */
  getUrl(): string;
  getQuery(): string | undefined;
  /** Names in lower case; each line of the request. */
  forEach(visit: (name: string, value: string) => void): void;
}

/** Valid until its `close` handler was called; every call after that throws. */
export interface UwsWebSocket<Data> {
  getUserData(): Data;
  /** 0: some of it waits, 1: all has gone, 2: too much waits already. */
  send(message: Uint8Array | string, isBinary: boolean, compress: boolean): 0 | 1 | 2;
  getBufferedAmount(): number;
  /** Sends a close frame; calls the `close` handler at once. */
  end(code: number, reason: string): void;
  /** Calls the `close` handler at once. */
  close(): void;
}

export interface UwsWebSocketBehaviour<Data> {
  compression: number;
  maxPayloadLength: number;
  maxBackpressure: number;
  closeOnBackpressureLimit: boolean;
  idleTimeout: number;
  sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: unknown): void;
  open(socket: UwsWebSocket<Data>): void;
  message(socket: UwsWebSocket<Data>, message: ArrayBuffer, isBinary: boolean): void;
  drain(socket: UwsWebSocket<Data>): void;
  close(socket: UwsWebSocket<Data>): void;
}

export interface UwsApp {
  any(pattern: string, handler: (response: UwsResponse, request: UwsRequest) => void): UwsApp;
  ws<Data>(pattern: string, behaviour: UwsWebSocketBehaviour<Data>): UwsApp;
  /** 1 for each new connection, -1 for each that has ended. */
  filter(handler: (response: UwsResponse, change: number) => void): UwsApp;
  listen(host: string, port: number, options: number, handler: (socket: unknown) => void): UwsApp;
  close(): void;
}

export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(socket: unknown): void;
  us_socket_local_port(socket: unknown): number;
  LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  DISABLED: number;
}

/** Undefined where there is no binary for this machine and this Node, or it cannot be loaded. */
export function loadUws(): Uws | undefined {
  const require = createRequire(import.meta.url);
  const { platform, arch, versions } = process;
  const file = join('uWebSockets.js', 'dist', 'bin', `uws_${platform}_${arch}_${versions.modules}.node`);
  const places = [
    fileURLToPath(new URL(`./uws-${versions.modules}.node`, import.meta.url)),
    ...(require.resolve.paths('uWebSockets.js') ?? []).map(folder => join(folder, file)),
  ];
  const place = places.find(path => existsSync(path));
  if (place === undefined) return undefined;
  try {
    return require(place) as Uws;
  } catch {
    // Another C library, or one that is too old.
    return undefined;
  }
}
