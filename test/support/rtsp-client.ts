// A bare RTSP client that shows a server's answers and packets as they are.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RtspAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

export interface ReceivedPacket {
  channel: number;
  packet: Buffer;
  atMs: number;
}

/** For well-behaved servers: what is neither an answer nor a packet goes into `garbage`. */
export class RtspClient {
  readonly packets: ReceivedPacket[] = [];
  readonly answers: RtspAnswer[] = [];
  garbage: Buffer = Buffer.alloc(0);
  /** Bytes of a message that is not complete. */
  pending: Buffer = Buffer.alloc(0);
  closed = false;
  readonly #socket: Socket;
  readonly #url: string;
  #cseq = 0;
  #session: string | undefined;
  #wake: () => void = () => {};

  private constructor(socket: Socket, url: string) {
    this.#socket = socket;
    this.#url = url;
    socket.on('data', data => this.#receive(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  static async connect(url: string): Promise<RtspClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RtspClient(socket, url);
  }

  /** DESCRIBE, SETUP of so many tracks, PLAY; the answer to PLAY. */
  async play(tracks = 1): Promise<RtspAnswer> {
    await this.ask('DESCRIBE');
    for (let track = 0; track < tracks; track++) {
      const transport = `RTP/AVP/TCP;unicast;interleaved=${track * 2}-${track * 2 + 1}`;
      await this.ask('SETUP', { Transport: transport }, `${this.#url}/trackID=${track}`);
    }
    return this.ask('PLAY', { Range: 'npt=0.000-' });
  }

  async ask(method: string, headers: Record<string, string> = {}, url = this.#url): Promise<RtspAnswer> {
    const place = this.answers.length;
    this.send(method, headers, url);
    await this.until(() => this.answers.length > place, `an answer to ${method}`);
    const answer = this.answers[place];
    if (!answer) throw new Error('the answer is gone');
    this.#session ??= answer.headers.get('session')?.split(';')[0];
    return answer;
  }

  send(method: string, headers: Record<string, string> = {}, url = this.#url): void {
    const all = { CSeq: String(++this.#cseq), ...(this.#session && { Session: this.#session }), ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(`${method} ${url} RTSP/1.0\r\n${lines.join('')}\r\n`);
  }

  write(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  /** Resolves when `done` holds, which is looked at after each arrival; rejects after `timeoutMs`. */
  async until(done: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!done()) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`${what} did not come`);
      if (this.closed) throw new Error(`the connection closed before ${what}`);
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** RTP (not RTCP) of a track. */
  rtp(track = 0): Buffer[] {
    return this.packets.filter(one => one.channel === track * 2).map(one => one.packet);
  }

  /** Stops reading, so that the server's queue fills. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(data: Buffer): void {
    this.pending = Buffer.concat([this.pending, data]);
    for (let used = this.#take(); used > 0; used = this.#take()) this.pending = this.pending.subarray(used);
    this.#wake();
  }

  #take(): number {
    const { pending } = this;
    if (pending[0] === 0x24) {
      if (pending.length < 4 || pending.length < 4 + pending.readUInt16BE(2)) return 0;
      const end = 4 + pending.readUInt16BE(2);
      this.packets.push({ channel: pending[1] ?? 0, packet: Buffer.from(pending.subarray(4, end)), atMs: Date.now() });
      return end;
    }
    if (pending[0] === 0x52) return this.#takeAnswer();
    const next = pending.indexOf(0x24);
    const used = next < 0 ? pending.length : next;
    this.garbage = Buffer.concat([this.garbage, pending.subarray(0, used)]);
    return used;
  }

  #takeAnswer(): number {
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const [start, ...lines] = this.pending.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(
      lines.map(line => [line.replace(/:.*$/, '').toLowerCase(), line.replace(/^[^:]*:\s*/, '')]),
    );
    const total = end + 4 + Number(headers.get('content-length') ?? 0);
    if (this.pending.length < total) return 0;
    this.answers.push({
      status: Number(start?.split(' ')[1]),
      headers,
      body: this.pending.toString('latin1', end + 4, total),
    });
    return total;
  }
}
