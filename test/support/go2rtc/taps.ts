// Looks over go2rtc's shoulder: a way to a camera that keeps what passes on it.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Frame, FrameReader } from './rtsp-frames.ts';

export class Tap {
  /** Of all connections, in the order of arrival. */
  readonly packets: { connection: number; channel: number; packet: Buffer }[] = [];
  /** First lines and headers of what was asked of the camera. */
  readonly requests: { connection: number; method: string; headers: Map<string, string>; atMs: number }[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  static async start(cameraUrl: string): Promise<Tap> {
    const { hostname, port, pathname } = new URL(cameraUrl);
    const server = createServer();
    const tap = new Tap(server, pathname);
    server.on('connection', near => tap.#join(near, connect(Number(port), hostname)));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return tap;
  }

  get url(): string {
    return `rtsp://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#path}`;
  }

  /** RTP of one interleaved channel. */
  of(channel: number): Buffer[] {
    return this.packets.filter(one => one.channel === channel).map(one => one.packet);
  }

  asked(method: string): number {
    return this.requests.filter(one => one.method === method).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    const connection = ++this.connections;
    this.#pipe(near, far, frame => {
      if (!('request' in frame)) return;
      const { first, headers } = frame.request;
      this.requests.push({ connection, method: first.split(' ')[0] ?? '', headers, atMs: Date.now() });
    });
    this.#pipe(far, near, frame => {
      if ('packet' in frame) this.packets.push({ connection, ...frame });
    });
  }

  #pipe(from: Socket, to: Socket, see: (frame: Frame) => void): void {
    const frames = new FrameReader();
    this.#sockets.add(from);
    from.on('data', bytes => {
      frames.push(bytes);
      for (let frame = frames.next(); frame; frame = frames.next()) see(frame);
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
