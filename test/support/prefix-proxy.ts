// A reverse proxy that shows the service below a path, as Home Assistant's ingress does; it hands WebSockets through too.
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export class PrefixProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #prefix: string;

  private constructor(server: Server, prefix: string) {
    this.#server = server;
    this.#prefix = prefix;
  }

  /** Of the service at `target`, below `prefix` such as `/a/b/`. */
  static async start(target: string, prefix: string): Promise<PrefixProxy> {
    const { hostname, port } = new URL(target);
    const inner = (url = '') => (url.startsWith(prefix) ? `/${url.slice(prefix.length)}` : undefined);
    const server = createServer((asked, reply) => {
      const path = inner(asked.url);
      if (path === undefined) return void reply.writeHead(404).end();
      const passed = request({ hostname, port, path, method: asked.method, headers: asked.headers }, answer => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      });
      passed.on('error', () => reply.destroy());
      asked.pipe(passed);
    });
    const proxy = new PrefixProxy(server, prefix);
    server.on('connection', socket => proxy.#keep(socket));
    server.on('upgrade', (asked, socket: Socket, head) => {
      const path = inner(asked.url);
      if (path === undefined) return void socket.destroy();
      const lines = asked.rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${asked.rawHeaders[at + 1]}`]));
      const behind = connect(Number(port), hostname);
      proxy.#keep(behind);
      behind.write(`${[`GET ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
      behind.write(head);
      behind.pipe(socket).pipe(behind);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#prefix}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
