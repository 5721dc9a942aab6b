// A camera with a microphone and a speaker (ONVIF backchannel), which shows what it was asked and what was said to it.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { FrameReader, type Message } from './rtsp-frames.ts';

const BACKCHANNEL = 'www.onvif.org/ver20/backchannel';
const SPS = 'Z0LAH9oBQBbsBEAAAPpAADqYA8YMqA==';

export class SpeakerCamera {
  readonly requests: { connection: number; method: string; wantsSpeaker: boolean; url: string }[] = [];
  /** RTP packets for the speaker. */
  readonly heard: Buffer[] = [];
  /** Refuses the speaker to everybody (551), as older cameras do. */
  hasSpeaker = true;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<SpeakerCamera> {
    const server = createServer();
    const camera = new SpeakerCamera(server);
    server.on('connection', socket => camera.#serve(socket, ++camera.#connections));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return camera;
  }

  get url(): string {
    return `rtsp://127.0.0.1:${(this.#server.address() as AddressInfo).port}/speaker`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  asked(method: string): number {
    return this.requests.filter(one => one.method === method).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #serve(socket: Socket, connection: number): void {
    const frames = new FrameReader();
    let timer: NodeJS.Timeout | undefined;
    const channels = new Set<number>();
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      this.#sockets.delete(socket);
    });
    socket.on('data', bytes => {
      frames.push(bytes);
      for (let frame = frames.next(); frame; frame = frames.next()) {
        if ('packet' in frame && frame.channel === 4) this.heard.push(frame.packet);
        if (!('request' in frame)) continue;
        this.#answer(socket, connection, frame.request, channels);
        if (frame.request.first.startsWith('PLAY')) timer = sendPackets(socket, channels);
      }
    });
  }

  #answer(socket: Socket, connection: number, { first, headers }: Message, channels: Set<number>): void {
    const [method = '', url = ''] = first.split(' ');
    const wantsSpeaker = headers.get('require') === BACKCHANNEL;
    this.requests.push({ connection, method, wantsSpeaker, url });
    const isRefused = wantsSpeaker && !this.hasSpeaker;
    const lines = [isRefused ? 'RTSP/1.0 551 Option not supported' : 'RTSP/1.0 200 OK', `CSeq: ${headers.get('cseq')}`];
    let body = '';
    if (method === 'DESCRIBE' && !isRefused) {
      body = describe(wantsSpeaker);
      lines.push('Content-Type: application/sdp', `Content-Length: ${body.length}`);
    }
    if (method === 'SETUP') {
      lines.push(`Transport: ${headers.get('transport') ?? ''}`, 'Session: 4711');
      channels.add(Number(/interleaved=(\d+)/.exec(headers.get('transport') ?? '')?.[1]));
    }
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
    if (method === 'TEARDOWN') socket.end();
  }
}

function describe(withSpeaker: boolean): string {
  const lines = [
    ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=camera', 'c=IN IP4 0.0.0.0', 't=0 0'],
    ...['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=control:trackID=0'],
    `a=fmtp:96 packetization-mode=1; sprop-parameter-sets=${SPS},aM48gA==`,
    ...['m=audio 0 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000', 'a=control:trackID=1'],
  ];
  if (withSpeaker) lines.push('m=audio 0 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000', 'a=sendonly', 'a=control:trackID=2');
  return `${lines.join('\r\n')}\r\n`;
}

/** A small key picture 25 times a second, as far as anybody looks at it, and silence. */
function sendPackets(socket: Socket, channels: ReadonlySet<number>): NodeJS.Timeout {
  let count = 0;
  const packet = (channel: number, type: number, time: number, payload: Buffer) => {
    const bytes = Buffer.alloc(16 + payload.length);
    bytes.writeUInt16BE(0x2400 | channel, 0);
    bytes.writeUInt16BE(12 + payload.length, 2);
    bytes.writeUInt16BE(0x8000 | 0x80 | type, 4);
    bytes.writeUInt16BE(count & 0xffff, 6);
    bytes.writeUInt32BE(time >>> 0, 8);
    bytes.writeUInt32BE(0x1000 + channel, 12);
    payload.copy(bytes, 16);
    if (channels.has(channel)) socket.write(bytes);
  };
  return setInterval(() => {
    count++;
    packet(0, 96, count * 3600, Buffer.concat([Buffer.from([0x65, 0x88]), Buffer.alloc(200, 0x55)]));
    packet(2, 8, count * 320, Buffer.alloc(320, 0xd5));
  }, 40);
}
