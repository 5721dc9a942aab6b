// The go2rtc stand-in as a client of a camera: RTSP with interleaved packets, which it passes on as they come.
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Codec, type Media, mediaText, parseSdp } from './media.ts';
import { FrameReader, type Message } from './rtsp-frames.ts';
import { type Ids, Receiver, Sender } from './tracks.ts';

/** What all parts of the stand-in share. */
export interface Context {
  ids: Ids;
  version: string;
  /** Milliseconds for so many seconds of go2rtc's own waits. */
  wait(seconds: number): number;
}

type State = 'none' | 'conn' | 'setup' | 'play';

/** One session with a camera; dials again when a track is wanted that it has not set up. */
export class RtspSource {
  medias: Media[] = [];
  readonly #id: number;
  readonly #context: Context;
  #source: string;
  readonly #only: string;
  readonly #timeoutSeconds: number;
  #backchannel: boolean;
  #receivers: Receiver[] = [];
  #senders: { media: Media; sender: Sender }[] = [];
  #socket: Socket | undefined;
  #remote = '';
  #reader = new FrameReader();
  #url = '';
  #login: ((method: string, url: string) => string) | undefined;
  #sequence = 0;
  #session = '';
  #state: State = 'none';
  #sdp = '';
  #bytes = 0;
  /** Under way: nothing else may touch the connection. */
  #work: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => {};
  #ended: Error | undefined;

  constructor(context: Context, source: string) {
    this.#context = context;
    this.#id = context.ids.next();
    const [url = '', ...fragments] = source.split('#');
    const of = (name: string) => fragments.map(one => one.split('=')).find(([key]) => key === name)?.[1];
    this.#source = url;
    this.#backchannel = fragments.length === 0 || of('backchannel') === '1';
    this.#only = of('media') ?? '';
    this.#timeoutSeconds = Number(of('timeout') ?? 0);
  }

  /** Connects and asks what there is. A camera that refuses the speaker is asked again without. */
  async open(): Promise<void> {
    try {
      await this.#dial();
    } catch (error) {
      if (!this.#backchannel || this.#state === 'none') throw error;
      this.#backchannel = false;
      await this.#dial();
    }
  }

  getTrack(media: Media, codec: Codec): Promise<Receiver> {
    return this.#alone(async () => {
      const known = this.#receivers.find(one => one.codec === codec);
      if (known) return known;
      if (this.#state === 'play') await this.#again();
      const receiver = new Receiver(this.#context.ids, media, codec, await this.#setUp(media));
      this.#state = 'setup';
      this.#receivers.push(receiver);
      return receiver;
    });
  }

  /** The way to the camera's speaker. */
  addTrack(media: Media, codec: Codec, track: Receiver): Promise<void> {
    return this.#alone(async () => {
      if (this.#state === 'play') await this.#again();
      const channel = await this.#setUp(media);
      this.#state = 'setup';
      const sender = new Sender(this.#context.ids.next(), codec, track, packet => this.#speak(channel, packet));
      this.#senders.push({ media, sender });
    });
  }

  /** Plays until the session ends; rejects when it was not `stop` that ended it. */
  async start(): Promise<void> {
    for (let error: Error | undefined; ; ) {
      await this.#work;
      if (this.#state === 'none') return;
      if (this.#state === 'conn') throw new Error('start from CONN state');
      if (this.#state === 'play') throw error ?? new Error('EOF');
      this.#send('PLAY', this.#url, {});
      this.#state = 'play';
      error = await this.#handle();
    }
  }

  stop(): void {
    for (const receiver of this.#receivers) receiver.close();
    for (const { sender } of this.#senders) sender.close();
    if (this.#state === 'none') return;
    this.#state = 'none';
    this.#close();
  }

  info(): object {
    return {
      ...{ id: this.#id, format_name: 'rtsp', protocol: 'rtsp+tcp' },
      ...{ remote_addr: this.#remote, url: this.#source },
      ...{ sdp: this.#sdp, user_agent: `go2rtc/${this.#context.version}`, medias: this.medias.map(mediaText) },
      ...(this.#receivers.length > 0 && { receivers: this.#receivers.map(one => one.info()) }),
      ...(this.#senders.length > 0 && { senders: this.#senders.map(({ sender }) => sender.info()) }),
      ...(this.#bytes > 0 && { bytes_recv: this.#context.ids.shown(this.#bytes) }),
    };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }

  /** A new session with the same tracks and one more to come: everybody who reads loses some packets. */
  async #again(): Promise<void> {
    this.#close();
    await this.#dial();
    for (const { media } of this.#receivers) await this.#setUp(media);
    for (const { media } of this.#senders) await this.#setUp(media);
  }

  async #dial(): Promise<void> {
    const url = new URL(this.#source.replace(/^rtsps|^rtspx|^rtsp/, 'http'));
    const scheme = this.#source.slice(0, this.#source.indexOf(':'));
    const [name, password] = [url.username, url.password].map(decodeURIComponent) as [string, string];
    url.username = '';
    url.password = '';
    this.#state = 'none';
    this.#socket = await this.#connect(url, scheme !== 'rtsp');
    this.#remote = `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
    this.#state = 'conn';
    this.#ended = undefined;
    this.#reader = new FrameReader();
    this.#login = undefined;
    this.#session = '';
    this.#sequence = 0;
    this.#url = url.href.replace(/^http/, scheme === 'rtsp' ? 'rtsp' : 'rtsps').replace(/(:\/\/[^/?]+)\/$/, '$1');
    const headers = {
      Accept: 'application/sdp',
      ...(this.#backchannel && { Require: 'www.onvif.org/ver20/backchannel' }),
      'User-Agent': `go2rtc/${this.#context.version}`,
    };
    const answer = await this.#ask('DESCRIBE', this.#url, headers, { name, password });
    const location = isMoved(answer) ? (answer.headers.get('location') ?? '') : undefined;
    if (location !== undefined) {
      const login = /^\w+:\/\/([^/?]*@)/.exec(this.#source)?.[1] ?? '';
      this.#source = /^\w+:\/\/[^/?]*@/.test(location) ? location : location.replace('://', `://${login}`);
      this.#close();
      return this.#dial();
    }
    this.#url = answer.headers.get('content-base')?.trim() ?? this.#url;
    this.#sdp = answer.body;
    const medias = parseSdp(answer.body).filter(({ kind }) => this.#only === '' || this.#only.includes(kind));
    // Those of the first session stay, as objects: tracks are compared by them.
    this.medias = this.medias.length === 0 ? medias : this.medias.slice(0, medias.length);
  }

  #connect(url: URL, isSecure: boolean): Promise<Socket> {
    const [host, port] = [url.hostname, Number(url.port || 554)];
    const socket = isSecure ? connectTls({ host, port, rejectUnauthorized: false }) : connect(port, host);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          socket.destroy(new Error(`dial tcp ${url.host}: i/o timeout`));
        },
        this.#context.wait(this.#timeoutSeconds || 5),
      );
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
      socket.on('error', error => {
        clearTimeout(timer);
        const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
        reject(refused ? new Error(`dial tcp ${url.host}: connect: connection refused`) : error);
      });
      socket.on('data', bytes => {
        if (this.#socket !== socket) return;
        this.#reader.push(bytes);
        this.#wake();
      });
      socket.on('close', () => {
        if (this.#socket !== socket) return;
        this.#ended ??= new Error('EOF');
        this.#wake();
      });
    });
  }

  /** The next frame, or why there is none within so many seconds. */
  async #next(seconds: number) {
    const deadline = Date.now() + this.#context.wait(seconds);
    for (;;) {
      const frame = this.#reader.next();
      if (frame) return frame;
      if (this.#ended) return this.#ended;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        return new Error(`read tcp ${this.#socket?.localAddress}:${this.#socket?.localPort}: i/o timeout`);
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async #ask(
    method: string,
    url: string,
    headers: Record<string, string>,
    login?: { name: string; password: string },
  ): Promise<Message> {
    this.#send(method, url, headers);
    const frame = await this.#next(5);
    if (frame instanceof Error) throw frame;
    if (!('answer' in frame)) throw new Error(`malformed response on ${method}`);
    const status = frame.answer.first.split(' ')[1];
    if (status === '200' || isMoved(frame.answer)) return frame.answer;
    if (status !== '401') throw new Error(`wrong response on ${method}`);
    if (!login || login.name === '') throw new Error('user/pass not provided');
    if (this.#login) throw new Error('wrong user/pass');
    this.#login = loginOf(frame.answer.headers.get('www-authenticate') ?? '', login);
    return this.#ask(method, url, headers, login);
  }

  #send(method: string, url: string, headers: Record<string, string>): void {
    const login = this.#login?.(method, url);
    const all = {
      ...{ CSeq: String(++this.#sequence), ...(login !== undefined && { Authorization: login }) },
      ...{ ...(this.#session !== '' && { Session: this.#session }), ...headers },
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket?.write(`${method} ${url} RTSP/1.0\r\n${lines.join('')}\r\n`);
  }

  /** The channel of its packets. */
  async #setUp(media: Media): Promise<number> {
    const place = this.medias.findIndex(one => one.control === media.control && one.kind === media.kind);
    if (place < 0) throw new Error(`wrong media: ${mediaText(media)}`);
    const slash = this.#url.endsWith('/') || media.control.startsWith('/') ? '' : '/';
    const url = media.control.includes('://') ? media.control : `${this.#url}${slash}${media.control}`;
    const transport = `RTP/AVP/TCP;unicast;interleaved=${place * 2}-${place * 2 + 1}`;
    const answer = await this.#ask('SETUP', url, { Transport: transport });
    if (this.#session === '') this.#session = answer.headers.get('session')?.split(';')[0] ?? '';
    const given = /interleaved=(\d+)-/.exec(answer.headers.get('transport') ?? '')?.[1];
    if (given === undefined) throw new Error(`wrong transport: ${answer.headers.get('transport') ?? ''}`);
    return Number(given);
  }

  /** Reads until the session is broken; says how. */
  async #handle(): Promise<Error> {
    const socket = this.#socket;
    const keepAlive = setInterval(() => this.#send('OPTIONS', this.#url, {}), this.#context.wait(25));
    const seconds = this.#timeoutSeconds || (this.#receivers.length > 0 ? 5 : 30);
    try {
      for (;;) {
        const frame = await this.#next(seconds);
        if (this.#socket !== socket) return new Error('use of closed network connection');
        if (frame instanceof Error) return frame;
        if (!('packet' in frame)) continue;
        this.#bytes += frame.packet.length;
        if ((frame.channel & 1) === 1 || frame.packet.length < 12) continue;
        this.#receivers.find(one => one.channel === frame.channel)?.write(frame.packet);
      }
    } finally {
      clearInterval(keepAlive);
    }
  }

  #speak(channel: number, packet: Buffer): undefined {
    const head = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 255]);
    this.#socket?.write(Buffer.concat([head, packet]));
    return undefined;
  }

  #close(): void {
    const socket = this.#socket;
    if (this.#sdp !== '') this.#send('TEARDOWN', this.#url, {});
    this.#socket = undefined;
    this.#ended = new Error('use of closed network connection');
    this.#wake();
    socket?.destroySoon();
  }
}

function isMoved({ first }: Message): boolean {
  return /^\S+ 30[12] /.test(first);
}

function loginOf(challenge: string, { name, password }: { name: string; password: string }) {
  if (challenge.startsWith('Basic ')) {
    const token = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
    return () => token;
  }
  const [realm, nonce] = ['realm', 'nonce'].map(key => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1] ?? '');
  const md5 = (...parts: (string | undefined)[]) => createHash('md5').update(parts.join(':')).digest('hex');
  return (method: string, uri: string) => {
    const response = md5(md5(name, realm, password), nonce, md5(method, uri));
    return `Digest username="${name}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"`;
  };
}
