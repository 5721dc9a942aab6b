// All servers that the API can run on, for tests that hold for each of them.
import { NodeServer } from '../../src/api/node-server.ts';
import { type HttpServer, LIMITS, type Limits } from '../../src/api/server.ts';
import { loadUws } from '../../src/api/uws-binary.ts';
import { UwsServer } from '../../src/api/uws-server.ts';
import { type Logger, systemClock } from '../../src/core/index.ts';

export interface ServerKind {
  name: string;
  /** WebSocket frames against the rules are answered with a close frame. */
  saysWhy: boolean;
  /** What a client sends behind its handshake before that is accepted is kept for it. */
  keepsEarlyFrames: boolean;
  /** Requests that come before the last is answered wait for their turn; else they end the connection. */
  pipelines: boolean;
  /** Bodies may come in chunks; else they are refused with 411. */
  takesChunks: boolean;
  /** What is no HTTP gets an answer, and headers have the time that the limits say; else the connection just ends, after 10 s. */
  answersUnreadable: boolean;
  make(options: { log: Logger; port?: number; limits?: Partial<Limits> }): HttpServer;
}

// Read by the library when it is loaded.
process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(LIMITS.headerBytes);
const uws = loadUws();

export const SERVERS: readonly ServerKind[] = [
  {
    name: 'node',
    saysWhy: true,
    keepsEarlyFrames: true,
    pipelines: true,
    takesChunks: true,
    answersUnreadable: true,
    make: ({ log, port = 0, limits = {} }) =>
      new NodeServer({ host: '127.0.0.1', port, log, clock: systemClock, limits }),
  },
  ...(uws
    ? [
        {
          name: 'uws',
          saysWhy: false,
          keepsEarlyFrames: false,
          pipelines: false,
          takesChunks: false,
          answersUnreadable: false,
          make: ({ log, port = 0, limits = {} }: Parameters<ServerKind['make']>[0]) =>
            new UwsServer(uws, { host: '127.0.0.1', port, log, clock: systemClock, limits }),
        },
      ]
    : []),
];
