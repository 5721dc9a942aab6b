// All servers that the API can run on, for tests that hold for each of them.
import { NodeServer } from '../../src/api/node-server.ts';
import type { HttpServer, Limits } from '../../src/api/server.ts';
import { systemClock } from '../../src/core/index.ts';
import type { fakeLog } from './fake-log.ts';

export interface ServerKind {
  name: string;
  /** Frames against the rules are answered with a close frame. */
  saysWhy: boolean;
  make(options: { log: ReturnType<typeof fakeLog>['logger']; port?: number; limits?: Partial<Limits> }): HttpServer;
}

export const SERVERS: readonly ServerKind[] = [
  {
    name: 'node',
    saysWhy: true,
    make: ({ log, port = 0, limits }) =>
      new NodeServer({ host: '127.0.0.1', port, log, clock: systemClock, ...(limits && { limits }) }),
  },
];
