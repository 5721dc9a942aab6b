// One client of the RTSP server: its requests, its session and its queue.
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { background, type Clock, type Logger } from '../core/index.ts';
import type { Clip } from './clip.ts';
import type { Paced, Pacer } from './pacer.ts';
import type { PlayedUnit } from './player.ts';
import { interleaved } from './rtp-packet.ts';
import { type Outgoing, type OutgoingContext, RtpSender } from './rtp-sender.ts';
import { type LoginOptions, RtspLogin } from './rtsp-login.ts';
import { encodeReply, RtspReader, type RtspReply, type RtspRequest } from './rtsp-request.ts';
import { describeClip } from './sdp.ts';

/** Plays clips under a path. `clipOf` names the clip of each round; the first one is what DESCRIBE tells about. */
export interface Mount {
  clipOf: (round: number) => Clip;
}

/** Stands between the server and its clients. A camera with faults for tests is made of this. */
export interface Interceptor {
  /** Called for each request before it is worked on; `reply` does the usual. 'silence' sends nothing. */
  answer?(request: RtspRequest, reply: () => RtspReply, connectionId: number): Promise<RtspReply | 'silence'>;
  /** Called for each access unit and sender report; what it returns is sent. */
  outgoing?(packets: Outgoing[], context: OutgoingContext): Outgoing[];
}

export interface ConnectionOptions {
  id: number;
  clock: Clock;
  pacer: Pacer;
  log: Logger;
  mounts: ReadonlyMap<string, Mount>;
  maxPayloadBytes: number;
  queueBytes: number;
  login: LoginOptions | undefined;
  interceptor: Interceptor | undefined;
}

/** Told in the Session header; a client that says nothing for longer is closed. Idle connections get as long. */
export const SESSION_TIMEOUT_MS = 60_000;
const PUBLIC = 'OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN';

export class RtspConnection implements Paced {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader = new RtspReader();
  readonly #login: RtspLogin | undefined;
  readonly #sessionId = randomBytes(6).toString('hex');
  readonly #channels = new Map<number, number>();
  #mount: Mount | undefined;
  #sender: RtpSender | undefined;
  #heardMs: number;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#login = options.login && new RtspLogin(options.login);
    this.#heardMs = options.clock.monotonicMs();
    socket.setNoDelay(true);
    socket.setTimeout(SESSION_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', data => background(this.#receive(data), 'rtsp request', options.log));
    socket.on('error', error => options.log.debug('client failed', { connection: options.id, error: error.message }));
    socket.on('close', () => this.#stopPlaying());
  }

  get id(): number {
    return this.#options.id;
  }

  get playing(): boolean {
    return this.#sender !== undefined;
  }

  /** Ends the connection at once. */
  close(): void {
    this.#stopPlaying();
    this.#socket.destroy();
  }

  tick(nowMs: number): number {
    if (!this.#sender) return Number.POSITIVE_INFINITY;
    if (nowMs - this.#heardMs > SESSION_TIMEOUT_MS) {
      this.#options.log.debug('client is silent', { connection: this.#options.id });
      this.close();
      return Number.POSITIVE_INFINITY;
    }
    return this.#sender.tick(nowMs);
  }

  /** Reading pauses while a request is answered, so that at most one is in work. */
  async #receive(data: Buffer): Promise<void> {
    this.#heardMs = this.#options.clock.monotonicMs();
    const requests = this.#reader.read(data);
    if (!requests) {
      this.close();
      return;
    }
    this.#socket.pause();
    for (const request of requests) {
      if (this.#socket.destroyed) return;
      await this.#answer(request);
    }
    this.#socket.resume();
  }

  async #answer(request: RtspRequest): Promise<void> {
    const usual = () => this.#reply(request);
    const { interceptor } = this.#options;
    const reply = interceptor?.answer ? await interceptor.answer(request, usual, this.id) : usual();
    if (reply === 'silence' || this.#socket.destroyed) return;
    // Who asks on and on without reading the answers would fill our memory.
    if (this.#socket.writableLength > 4 * this.#options.queueBytes) this.close();
    else this.#socket.write(encodeReply(reply, request));
  }

  #reply(request: RtspRequest): RtspReply {
    const refusal = request.method === 'OPTIONS' ? undefined : this.#login?.refuse(request);
    if (refusal) return refusal;
    const session = request.headers.get('session')?.split(';')[0]?.trim();
    if (session !== undefined && session !== this.#sessionId) return status(454, 'Session Not Found');
    switch (request.method) {
      case 'OPTIONS':
        return { ...status(200, 'OK'), headers: [['Public', PUBLIC]] };
      case 'DESCRIBE':
        return this.#describe(request);
      case 'SETUP':
        return this.#setup(request);
      case 'PLAY':
        return this.#play(request);
      case 'GET_PARAMETER':
        return { ...status(200, 'OK'), headers: this.#sessionHeader() };
      case 'TEARDOWN':
        this.#stopPlaying();
        this.#channels.clear();
        return status(200, 'OK');
      default:
        return { ...status(501, 'Not Implemented'), headers: [['Public', PUBLIC]] };
    }
  }

  #describe(request: RtspRequest): RtspReply {
    const mount = this.#options.mounts.get(pathOf(request.url));
    if (!mount) return status(404, 'Not Found');
    return {
      ...status(200, 'OK'),
      headers: [
        ['Content-Base', `${baseOf(request.url)}/`],
        ['Content-Type', 'application/sdp'],
      ],
      body: describeClip(mount.clipOf(0)),
    };
  }

  #setup(request: RtspRequest): RtspReply {
    const control = /^(.*)\/trackID=(\d{1,2})$/.exec(request.url);
    const mount = control && this.#options.mounts.get(pathOf(control[1] ?? ''));
    const trackIndex = Number(control?.[2]);
    if (!mount?.clipOf(0).tracks[trackIndex]) return status(404, 'Not Found');
    if (this.playing || (this.#mount && this.#mount !== mount)) return status(455, 'Method Not Valid in This State');
    const transport = (request.headers.get('transport') ?? '').split(',').find(one => /^\s*RTP\/AVP\/TCP\b/i.test(one));
    if (transport === undefined) return status(461, 'Unsupported Transport');
    const asked = /interleaved=(\d{1,3})/i.exec(transport)?.[1];
    const channel = asked === undefined ? trackIndex * 2 : Number(asked);
    const taken = [...this.#channels].some(([track, other]) => track !== trackIndex && Math.abs(other - channel) < 2);
    if (channel > 254 || taken) return status(461, 'Unsupported Transport');
    this.#mount = mount;
    this.#channels.set(trackIndex, channel);
    return {
      ...status(200, 'OK'),
      headers: [['Transport', `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`], ...this.#sessionHeader()],
    };
  }

  #play(request: RtspRequest): RtspReply {
    if (!this.#mount || this.#channels.size === 0) return status(455, 'Method Not Valid in This State');
    this.#sender ??= this.#startPlaying(this.#mount);
    const base = baseOf(request.url);
    const info = [...this.#channels.keys()].map(trackIndex => {
      const first = this.#sender?.info(trackIndex);
      return `url=${base}/trackID=${trackIndex};seq=${first?.sequence};rtptime=${first?.timestamp}`;
    });
    return {
      ...status(200, 'OK'),
      headers: [['Range', 'npt=0.000-'], ...this.#sessionHeader(), ['RTP-Info', info.join(',')]],
    };
  }

  #startPlaying(mount: Mount): RtpSender {
    const { clock, pacer, queueBytes, maxPayloadBytes, id, log } = this.#options;
    const sender = new RtpSender({
      clipOf: mount.clipOf,
      channels: new Map(this.#channels),
      maxPayloadBytes,
      startMs: clock.monotonicMs(),
      startUtcMs: clock.nowMs(),
      hasRoom: () => this.#socket.writableLength < queueBytes,
      send: (packets, trackIndex, unit) => this.#send(packets, trackIndex, unit),
    });
    // What is sent counts as life for the socket's own timer; from here on the client itself is watched in tick().
    this.#socket.setTimeout(0);
    pacer.add(this);
    log.debug('client plays', { connection: id });
    return sender;
  }

  #stopPlaying(): void {
    if (!this.#sender) return;
    this.#options.pacer.remove(this);
    this.#options.log.debug('client stopped', {
      connection: this.#options.id,
      droppedUnits: this.#sender.droppedUnits,
    });
    this.#sender = undefined;
    this.#socket.setTimeout(SESSION_TIMEOUT_MS);
  }

  #send(packets: Outgoing[], trackIndex: number, unit: PlayedUnit | undefined): void {
    const { interceptor, id } = this.#options;
    const context: OutgoingContext = { connectionId: id, trackIndex, ...(unit && { unit }) };
    const sent = interceptor?.outgoing ? interceptor.outgoing(packets, context) : packets;
    if (this.#socket.destroyed || sent.length === 0) return;
    const pieces = sent.map(one => ('raw' in one ? one.raw : interleaved(one.channel, one.packet)));
    this.#socket.write(Buffer.concat(pieces));
  }

  #sessionHeader(): [string, string][] {
    return [['Session', `${this.#sessionId};timeout=${SESSION_TIMEOUT_MS / 1000}`]];
  }
}

function status(code: number, reason: string): RtspReply {
  return { status: code, reason, headers: [] };
}

/** The request's URL without query and closing slash. */
function baseOf(url: string): string {
  return url.replace(/\?.*$/, '').replace(/\/+$/, '');
}

/** `rtsp://host:port/a/b` -> `a/b`. */
function pathOf(url: string): string {
  return baseOf(url).replace(/^rtsp:\/\/[^/]*\/?/i, '');
}
