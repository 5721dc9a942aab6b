// An HTTP server without a network: hands over what a test says.
import type { HttpHandler, HttpReply, HttpServer, UpgradeHandler, WebSocketHandler } from '../../src/api/server.ts';

export class FakeServer implements HttpServer {
  handler: HttpHandler | undefined;
  upgrade: UpgradeHandler | undefined;

  async start(handler: HttpHandler, upgrade?: UpgradeHandler) {
    this.handler = handler;
    this.upgrade = upgrade;
    return { host: '127.0.0.1', port: 80 };
  }

  async stop() {}

  /** One exchange; `body` is sent as JSON unless `headers` say something else. */
  async ask(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<HttpReply> {
    const [path = '', query = ''] = url.split('?', 2);
    const all: Record<string, string> = { host: '127.0.0.1:80', ...headers };
    if (body !== undefined) all['content-type'] ??= 'application/json';
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
    const reply = await this.handler?.({
      method,
      path,
      query,
      remoteAddress: '127.0.0.1',
      secure: false,
      header: name => all[name],
      body: async () => Buffer.from(text),
    });
    if (!reply) throw new Error('the server is not started');
    return reply;
  }

  /** Asks for a WebSocket. */
  async open(path: string, headers: Record<string, string> = {}): Promise<WebSocketHandler | HttpReply> {
    const all: Record<string, string> = { host: '127.0.0.1:80', upgrade: 'websocket', ...headers };
    const reply = await this.upgrade?.({
      ...{ method: 'GET', path, query: '', remoteAddress: '127.0.0.1', secure: false },
      header: name => all[name],
      body: async () => Buffer.alloc(0),
    });
    if (!reply) throw new Error('the server is not started');
    return reply;
  }
}
