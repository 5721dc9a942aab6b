// The go2rtc stand-in as an RTSP server: one connection of a reader, which gets the camera's packets as they are.
import type { Socket } from 'node:net';
import { type Codec, isVideo, type Media, mediaText, wishes, writeSdp } from './media.ts';
import { FrameReader, type Message } from './rtsp-frames.ts';
import type { Consumer, Stream, StreamMap, World } from './streams.ts';
import { type Receiver, Sender } from './tracks.ts';

export interface ReaderWorld extends World {
  streams: StreamMap;
  /** In which order the wishes of a query are met: at random with each request. */
  kinds(): readonly string[];
  /** What is sent to readers that wish for nothing; its order is settled once. */
  defaultKinds: readonly string[];
  defaultQuery: string;
}

const METHODS = 'OPTIONS, SETUP, TEARDOWN, DESCRIBE, PLAY, PAUSE, ANNOUNCE, RECORD';
/** Large writes go in pieces, so that one given up half-way leaves half of it. */
const PIECE_BYTES = 1024;
const FLUSH_BYTES = 1024 * 1024;

export class Reader implements Consumer {
  medias: Media[] = [];
  readonly #world: ReaderWorld;
  readonly #socket: Socket;
  readonly #id: number;
  readonly #frames = new FrameReader();
  #senders: Sender[] = [];
  #stream: Stream | undefined;
  #name = '';
  #sdp = '';
  #userAgent: string | undefined;
  #session = '';
  #isPlaying = false;
  #isOpen = true;
  #writing: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  constructor(world: ReaderWorld, socket: Socket) {
    this.#world = world;
    this.#socket = socket;
    this.#id = world.ids.next();
    socket.on('error', () => {});
    socket.on('data', bytes => {
      this.#frames.push(bytes);
      this.#wake();
    });
    socket.on('close', () => {
      this.#isOpen = false;
      this.#wake();
    });
  }

  /** Serves the connection to its end. */
  async serve(): Promise<void> {
    let goesOn = true;
    while (goesOn) {
      const frame = await this.#next(this.#isPlaying ? 60 : 5);
      if (!frame) break;
      if (!('request' in frame)) continue;
      goesOn = this.#isPlaying ? this.#whilePlaying(frame.request) : await this.#before(frame.request);
    }
    this.#stream?.remove(this);
    this.#socket.destroySoon();
  }

  addTrack(_wanted: Media, _codec: Codec, track: Receiver): void {
    const channel = this.#senders.length * 2;
    const codec = { ...track.codec, payloadType: 96 + this.#senders.length };
    this.#senders.push(new Sender(this.#world.ids.next(), codec, track, this.#writer(codec, channel)));
  }

  stop(): void {
    for (const sender of this.#senders) sender.close();
    this.#isOpen = false;
  }

  info(): object {
    return {
      ...{ id: this.#id, format_name: 'rtsp', protocol: 'rtsp+tcp' },
      ...{ remote_addr: `${this.#socket.remoteAddress}:${this.#socket.remotePort}` },
      ...{ sdp: this.#sdp, ...(this.#userAgent !== undefined && { user_agent: this.#userAgent }) },
      ...{ medias: this.medias.map(mediaText), senders: this.#senders.map(one => one.info()) },
    };
  }

  /** The next frame within so many seconds, else nothing. */
  async #next(seconds: number) {
    const deadline = Date.now() + this.#world.wait(seconds);
    for (;;) {
      const frame = this.#frames.next();
      if (frame) return frame;
      const leftMs = deadline - Date.now();
      if (!this.#isOpen || leftMs <= 0) return undefined;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Once it plays, only OPTIONS is answered: GET_PARAMETER and TEARDOWN keep the session alive and get no word. */
  #whilePlaying(request: Message): boolean {
    if (methodOf(request) === 'OPTIONS') this.#answer(request, '200 OK');
    return true;
  }

  /** False ends the connection. */
  async #before(request: Message): Promise<boolean> {
    this.#userAgent ??= request.headers.get('user-agent');
    switch (methodOf(request)) {
      case 'OPTIONS':
        return this.#answer(request, '200 OK', { Public: METHODS });
      case 'DESCRIBE':
        return this.#describe(request);
      case 'SETUP':
        return this.#setUp(request);
      case 'PLAY':
        for (const sender of this.#senders) if (!sender.isSetUp) sender.close();
        this.#answer(request, '200 OK');
        this.#isPlaying = true;
        return true;
      case 'TEARDOWN':
        this.#answer(request, '200 OK');
        return false;
      default:
        return false;
    }
  }

  async #describe(request: Message): Promise<boolean> {
    const { streams, kinds, defaultKinds, defaultQuery, say, version } = this.#world;
    const url = new URL((request.first.split(' ')[1] ?? '').replace(/^rtsp/, 'http'));
    this.#name = decodeURIComponent(url.pathname.slice(1));
    await streams.touch('look up');
    const stream = streams.get(this.#name);
    if (stream) {
      this.medias = wishes(url.searchParams, kinds()) ?? wishes(new URLSearchParams(defaultQuery), defaultKinds) ?? [];
      try {
        await stream.add(this);
        this.#stream = stream;
      } catch (error) {
        say('warn', '[rtsp]', { error: (error as Error).message, stream: this.#name });
      }
    }
    if (this.#senders.length === 0) {
      this.#answer(request, '404 Not Found');
      return false;
    }
    this.#sdp = writeSdp(
      `go2rtc/${version}`,
      this.#senders.map(({ codec }) => ({ codec, direction: 'recvonly' })),
    );
    return this.#answer(request, '200 OK', { 'Content-Type': 'application/sdp' }, this.#sdp);
  }

  #setUp(request: Message): boolean {
    const transport = request.headers.get('transport') ?? '';
    if (!transport.startsWith('RTP/AVP/TCP')) return this.#answer(request, '461 Unsupported transport');
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
    this.#session = Array.from({ length: 8 }, () => letters[Math.floor(Math.random() * letters.length)]).join('');
    const track = Number(/=(\d+)$/.exec(request.first.split(' ')[1] ?? '')?.[1] ?? Number.NaN);
    const sender = this.#senders[track];
    if (!sender) return this.#answer(request, '400 Bad Request');
    sender.isSetUp = true;
    const given = `RTP/AVP/TCP;unicast;interleaved=${track * 2}-${track * 2 + 1}`;
    return this.#answer(request, '200 OK', { Transport: given });
  }

  /** Always true. */
  #answer(request: Message, status: string, headers: Record<string, string> = {}, body?: string): true {
    const isSetUp = methodOf(request) === 'SETUP';
    const all = {
      ...(request.headers.has('cseq') && { CSeq: request.headers.get('cseq') }),
      ...(this.#session !== '' && { Session: `${this.#session}${isSetUp ? ';timeout=60' : ''}` }),
      ...headers,
      ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(`RTSP/1.0 ${status}\r\n${lines.join('')}\r\n${body ?? ''}`);
    return true;
  }

  /** Collects packets up to the marker of a picture, each packet of a sound; only the payload type is ours. */
  #writer(codec: Codec, channel: number): (packet: Buffer) => Promise<void> | undefined {
    let parts: Buffer[] = [];
    let sizeBytes = 0;
    const isPicture = isVideo(codec);
    return packet => {
      if (!this.#isOpen) return undefined;
      const size = packet.length;
      const framed = Buffer.concat([Buffer.from([0x24, channel, size >> 8, size & 255]), packet]);
      const isLast = ((packet[1] ?? 0) & 0x80) !== 0;
      framed[5] = (isLast ? 0x80 : 0) | codec.payloadType;
      parts.push(framed);
      sizeBytes += framed.length;
      if ((isPicture && !isLast && sizeBytes < FLUSH_BYTES) || !this.#isPlaying) {
        // Before PLAY nothing may go out; a reader that never plays must not hold more than this.
        if (sizeBytes >= FLUSH_BYTES) parts = [];
        return undefined;
      }
      const bytes = Buffer.concat(parts);
      parts = [];
      sizeBytes = 0;
      return this.#write(bytes);
    };
  }

  /** One write at a time; after 5 s without progress what is left of it is dropped, wherever in a frame that is. */
  #write(bytes: Buffer): Promise<void> {
    const done = this.#writing.then(async () => {
      const deadline = Date.now() + this.#world.wait(5);
      for (let at = 0; at < bytes.length && this.#isOpen; at += PIECE_BYTES) {
        const taken = await this.#take(bytes.subarray(at, at + PIECE_BYTES), deadline);
        if (!taken) return;
      }
    });
    this.#writing = done;
    return done;
  }

  #take(piece: Buffer, deadline: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), Math.max(0, deadline - Date.now()));
      this.#socket.write(piece, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

function methodOf(request: Message): string {
  return request.first.split(' ')[0] ?? '';
}
