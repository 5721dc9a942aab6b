// A network between a browser and the service that can stop for a while: connections stay, nothing passes, nothing is lost.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class StallProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #stalled = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Leads to the host and port of `target`. */
  static async start(target: string): Promise<StallProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    const proxy = new StallProxy(server);
    server.on('connection', near => {
      const far = connect(Number(port), hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.#sockets.add(from);
        from.on('data', bytes => void (to.write(bytes) || from.pause()));
        to.on('drain', () => proxy.#stalled || from.resume());
        from.on('end', () => to.end());
        from.on('error', () => to.destroy());
        from.on('close', () => {
          proxy.#sockets.delete(from);
          to.destroy();
        });
        if (proxy.#stalled) from.pause();
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing passes, or everything does again. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    for (const socket of this.#sockets) {
      if (stalled) socket.pause();
      else socket.resume();
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
