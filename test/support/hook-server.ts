// What webhooks are sent to: an HTTP server on this machine that takes everything and remembers it.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  headers: IncomingHttpHeaders;
  body: string;
}

export class HookServer {
  /** In the order of arrival. */
  readonly heard: Heard[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', piece => pieces.push(piece));
      request.on('end', () => {
        this.heard.push({ headers: request.headers, body: Buffer.concat(pieces).toString('utf8') });
        response.writeHead(204).end();
      });
    });
  }

  static async start(): Promise<HookServer> {
    const hooks = new HookServer();
    hooks.#server.listen(0, '127.0.0.1');
    await once(hooks.#server, 'listening');
    return hooks;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
