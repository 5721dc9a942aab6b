// A server that plays the service where go2rtc's releases are, over TLS, and misbehaves as a test wants it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ReleaseService } from '../../src/go2rtc/index.ts';
import { Authority } from './certificates.ts';

export interface AskedFile {
  path: string;
  range: string | undefined;
}

export class ReleaseServer {
  readonly #authority = new Authority('Release test');
  readonly #server: Server;
  /** What is there, by path. */
  readonly files = new Map<string, Buffer>();
  /** Requests, oldest first. */
  readonly asked: AskedFile[] = [];
  /** Answers instead, and says whether it did. */
  before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  /** Closes the connection behind so many bytes of an answer, this many times. */
  cut = { afterBytes: 0, times: 0 };
  /** Ignores what is asked for as a part. */
  wholeOnly = false;

  constructor(names = 'IP:127.0.0.1') {
    const { cert, key } = this.#authority.sign('releases', names);
    this.#server = createServer({ cert, key }, (request, response) => this.#answer(request, response));
    // Broken connections are what some tests are about.
    this.#server.on('clientError', () => undefined);
  }

  async start(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get service(): ReleaseService {
    return {
      fileUrl: (version, name) => `https://${this.host}/download/v${version}/${name}`,
      releaseUrl: version => `https://${this.host}/releases/v${version}`,
      hosts: [this.host],
      ca: this.#authority.cert,
    };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.asked.push({ path, range: request.headers.range });
    if (this.before(request, response)) return;
    const file = this.files.get(path);
    if (!file) {
      response.writeHead(404).end('Not Found');
      return;
    }
    const from = this.wholeOnly ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from > 0 && from >= file.length) {
      response.writeHead(416).end();
      return;
    }
    const part = file.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': part.length,
      ...(from > 0 ? { 'Content-Range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
    });
    if (this.cut.times > 0) {
      this.cut.times--;
      response.write(part.subarray(0, this.cut.afterBytes), () => response.destroy());
    } else response.end(part);
  }
}
