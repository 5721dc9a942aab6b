// One kept connection that asks for one thing after the other and tells how long each took. Node's own client takes some 0.5 ms for itself,
// as long as an answer may.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

export class KeptConnection {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #headers: string;

  private constructor(socket: Socket, host: string, headers: Record<string, string>) {
    this.#socket = socket;
    this.#host = host;
    this.#headers = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
  }

  /** `headers` go with each request. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<KeptConnection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new KeptConnection(socket, host, headers);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Milliseconds from the request to the last byte of its answer. Throws for answers other than 200, or of unknown length. */
  async time(path: string): Promise<number> {
    const beganMs = performance.now();
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${this.#headers}\r\n`);
    let missing = Number.POSITIVE_INFINITY;
    let head = Buffer.alloc(0);
    while (missing > 0) {
      const [part] = (await once(this.#socket, 'data')) as [Buffer];
      if (Number.isFinite(missing)) {
        missing -= part.length;
        continue;
      }
      head = Buffer.concat([head, part]);
      const end = head.indexOf(END_OF_HEAD);
      if (end >= 0)
        missing = lengthOf(path, head.toString('latin1', 0, end)) - (head.length - end - END_OF_HEAD.length);
    }
    return performance.now() - beganMs;
  }
}

function lengthOf(path: string, head: string): number {
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) throw new Error(`GET ${path}: ${head}`);
  return Number(length);
}
