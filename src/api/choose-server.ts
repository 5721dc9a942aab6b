// Which HTTP server the service runs on; only the one that is used is loaded.
import { NvrError } from '../core/index.ts';
import type { HttpServer } from './server.ts';
import type { ServerOptions } from './server-options.ts';
import { loadUws } from './uws-binary.ts';

/**
 * `auto`: uWebSockets.js where there is a binary for this machine. It serves plain connections only: encrypted ones are Node's.
 * Rejects with `failed-precondition` when the one that is asked for cannot be had.
 */
export async function chooseServer(choice: 'auto' | 'uws' | 'node', options: ServerOptions): Promise<HttpServer> {
  if (choice !== 'node' && !options.tls) {
    const uws = loadUws();
    if (uws) {
      const { UwsServer } = await import('./uws-server.ts');
      return new UwsServer(uws, options);
    }
    if (choice === 'uws') {
      throw new NvrError('failed-precondition', 'uWebSockets.js has no binary for this machine and this Node.js', {
        field: '--http',
        cure: 'Use --http auto.',
      });
    }
  }
  const { NodeServer } = await import('./node-server.ts');
  return new NodeServer(options);
}
