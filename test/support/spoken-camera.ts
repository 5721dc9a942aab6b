// A camera with a speaker: pictures as our scripted camera has them, and beside them what ONVIF calls a backchannel, with a record of what was said.
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { Camera, type CameraOptions } from './camera.ts';

export interface SpeakerOptions {
  camera: CameraOptions;
  /** Of the speaker, as in an rtpmap; default PCMA/8000. */
  codec?: string;
  /** False: the question for a speaker is answered by 551. */
  speaker?: boolean;
}

/** What one connection to the speaker was. */
export interface Said {
  /** Methods of its requests. */
  requests: string[];
  /** RTP packets that came, and their bytes without the headers. */
  packets: number;
  bytes: number;
  isOpen: boolean;
}

/** A connection that requires the speaker in its first request is one to it; all others go to the camera. */
export class SpokenCamera {
  readonly camera: Camera;
  readonly said: Said[] = [];
  /** Connections that were passed on to the camera. */
  passed = 0;
  readonly #options: SpeakerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(camera: Camera, options: SpeakerOptions) {
    this.camera = camera;
    this.#options = options;
    this.#server = createServer(socket => this.#greet(socket));
  }

  static async start(options: SpeakerOptions): Promise<SpokenCamera> {
    const front = new SpokenCamera(await Camera.start(options.camera), options);
    await new Promise<void>(done => front.#server.listen(0, '127.0.0.1', done));
    return front;
  }

  get url(): string {
    const { port } = this.#server.address() as { port: number };
    return this.camera.url.replace(/:\d+/, `:${port}`);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(done => this.#server.close(done));
    await this.camera.stop();
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.once('data', (first: Buffer) => {
      if (/^DESCRIBE[\s\S]*\r\nRequire: www\.onvif\.org\/ver20\/backchannel\r\n/.test(first.toString('latin1'))) {
        this.#listen(socket, first);
      } else this.#pass(socket, first);
    });
  }

  #pass(socket: Socket, first: Buffer): void {
    this.passed++;
    const { port, hostname } = new URL(this.camera.url.replace('rtsp:', 'http:'));
    const inner = dial(Number(port), hostname);
    inner.on('error', () => socket.destroy());
    inner.write(first);
    socket.pipe(inner);
    inner.pipe(socket);
  }

  #listen(socket: Socket, first: Buffer): void {
    const said: Said = { requests: [], packets: 0, bytes: 0, isOpen: true };
    this.said.push(said);
    socket.on('close', () => {
      said.isOpen = false;
    });
    let rest = Buffer.alloc(0);
    const read = (piece: Buffer) => {
      rest = Buffer.concat([rest, piece]);
      for (;;) {
        if (rest[0] === 0x24) {
          if (rest.length < 4 || rest.length < 4 + rest.readUInt16BE(2)) return;
          const size = rest.readUInt16BE(2);
          // The other channel is that of RTCP.
          if ((rest[1] as number) % 2 === 0) {
            said.packets++;
            said.bytes += size - 12;
          }
          rest = rest.subarray(4 + size);
          continue;
        }
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        const request = rest.subarray(0, end).toString('latin1');
        rest = rest.subarray(end + 4);
        said.requests.push(request.split(' ', 1)[0] ?? '');
        socket.write(this.#reply(request));
      }
    };
    read(first);
    socket.on('data', read);
  }

  #reply(request: string): string {
    const { codec = 'PCMA/8000', speaker = true } = this.#options;
    const [, method = '', url = ''] = /^(\w+) (\S+)/.exec(request) ?? [];
    const [, number = '0'] = /CSeq: (\d+)/i.exec(request) ?? [];
    const reply = (line: string, headers: string[] = [], body = '') =>
      `${[`RTSP/1.0 ${line}`, `CSeq: ${number}`, ...headers].join('\r\n')}\r\n\r\n${body}`;
    if (method === 'DESCRIBE') {
      if (!speaker) return reply('551 Option not supported', ['Unsupported: www.onvif.org/ver20/backchannel']);
      const sdp = [
        ...['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=camera', 't=0 0'],
        ...['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=recvonly', 'a=control:trackID=0'],
        ...['m=audio 0 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000', 'a=recvonly', 'a=control:trackID=1'],
        ...['m=audio 0 RTP/AVP 97', `a=rtpmap:97 ${codec}`, 'a=sendonly', 'a=control:trackID=2', ''],
      ].join('\r\n');
      const headers = [`Content-Base: ${url}/`, 'Content-Type: application/sdp', `Content-Length: ${sdp.length}`];
      return reply('200 OK', headers, sdp);
    }
    if (method === 'SETUP') {
      const [, transport = ''] = /Transport: ([^\r\n]*)/i.exec(request) ?? [];
      return reply('200 OK', ['Session: 1234;timeout=60', `Transport: ${transport}`]);
    }
    return reply('200 OK', ['Session: 1234', 'Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']);
  }
}
