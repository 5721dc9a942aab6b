// A WebSocket client that sends what it is told, wrong frames too, and keeps what comes back.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

export interface Frame {
  opcode: number;
  payload: Buffer;
}

export class WebSocketClient {
  readonly socket: Socket;
  /** The status line and headers of the answer to the handshake. */
  head = '';
  /** What came in an answer that is no 101. */
  body = '';
  readonly frames: Frame[] = [];
  closed = false;
  #waiting: Buffer = Buffer.alloc(0);
  readonly #watchers = new Set<() => void>();
  /** Whoever does not answer pings is taken to be gone, a minute later. They are frames like others as long as this is false. */
  answersPings = false;
  /** Called for each frame instead of keeping it. */
  onFrame: ((frame: Frame) => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', piece => this.#take(piece as Buffer));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#tell();
    });
  }

  /** Resolves when the answer to the handshake is there, or the connection has ended. `url`: http: or https:. */
  static async open(
    url: string,
    headers: Record<string, string | undefined> = {},
    behind: Buffer | string = '',
    /** Where it comes from; default: as the system chooses. */
    localAddress?: string,
  ): Promise<WebSocketClient> {
    const { protocol, hostname, port, host, pathname, search } = new URL(url);
    const address = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      ...(localAddress !== undefined && { localAddress }),
    };
    const socket =
      protocol === 'https:' ? connectSecurely({ ...address, rejectUnauthorized: false }) : connect(address);
    const client = new WebSocketClient(socket);
    const lines = Object.entries({
      Host: host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      ...headers,
    }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
    const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
    socket.write(Buffer.concat([request, Buffer.from(behind)]));
    await client.until(() => client.head !== '' || client.closed);
    return client;
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.head)?.[1] ?? 0);
  }

  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === 1).map(({ payload }) => payload.toString('utf8'));
  }

  get binaries(): Buffer[] {
    return this.frames.filter(({ opcode }) => opcode === 2).map(({ payload }) => payload);
  }

  /** Of the server's close frame; 1005 when it had none in it, undefined before there is one. */
  get closeCode(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === 8);
    return close && (close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005);
  }

  /** Rejects after `limitMs`. */
  until(condition: () => boolean, limitMs = 10_000): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
        if (error) reject(error);
        else resolve();
      };
      const watch = () => condition() && done();
      const timer = setTimeout(() => done(new Error(`a WebSocket waited ${limitMs} ms in vain`)), limitMs);
      this.#watchers.add(watch);
    });
  }

  send(text: string): void {
    this.socket.write(clientFrame(1, Buffer.from(text)));
  }

  /** An orderly end; resolves when the connection has ended. */
  async close(code = 1000): Promise<void> {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    if (this.socket.writable) this.socket.write(clientFrame(8, payload));
    await this.until(() => this.closed);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #tell(): void {
    for (const watch of [...this.#watchers]) watch();
  }

  #take(piece: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? piece : Buffer.concat([this.#waiting, piece]);
    if (this.head === '') {
      const end = this.#waiting.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.#waiting.subarray(0, end).toString('latin1');
      this.#waiting = this.#waiting.subarray(end + 4);
    }
    if (this.status === 101) this.#takeFrames();
    else {
      this.body += this.#waiting.toString('utf8');
      this.#waiting = Buffer.alloc(0);
    }
    this.#tell();
  }

  #takeFrames(): void {
    for (;;) {
      const bytes = this.#waiting;
      if (bytes.length < 2) return;
      const short = (bytes[1] as number) & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < head) return;
      const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (bytes.length < head + size) return;
      const frame = { opcode: (bytes[0] as number) & 0x0f, payload: bytes.subarray(head, head + size) };
      if (this.answersPings && frame.opcode === 9) this.socket.write(clientFrame(10, frame.payload));
      else if (this.onFrame) this.onFrame(frame);
      else this.frames.push(frame);
      this.#waiting = bytes.subarray(head + size);
    }
  }
}

export interface FrameForm {
  final?: boolean;
  masked?: boolean;
  /** Three bits. */
  reserved?: number;
  /** Bytes of the length field, for lengths that are written longer than they need be. */
  lengthBytes?: 1 | 2 | 8;
  /** What the length field says, where that is a lie. */
  statedBytes?: bigint;
}

/** One frame as a client sends it. */
export function clientFrame(opcode: number, payload: Buffer | string = '', form: FrameForm = {}): Buffer {
  const bytes = Buffer.from(payload);
  const { final = true, masked = true, reserved = 0 } = form;
  const size = form.statedBytes ?? BigInt(bytes.length);
  const lengthBytes = form.lengthBytes ?? (size < 126n ? 1 : size < 65_536n ? 2 : 8);
  const length = Buffer.alloc(lengthBytes === 1 ? 1 : 1 + lengthBytes);
  if (lengthBytes === 1) length[0] = Number(size);
  else if (lengthBytes === 2) {
    length[0] = 126;
    length.writeUInt16BE(Number(size), 1);
  } else {
    length[0] = 127;
    length.writeBigUInt64BE(size, 1);
  }
  if (masked) length[0] = (length[0] as number) | 0x80;
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  if (masked) for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | (reserved << 4) | opcode]), length, mask, bytes]);
}
