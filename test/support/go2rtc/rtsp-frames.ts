// Takes an RTSP connection apart for the go2rtc stand-in: interleaved packets, answers, requests, and whatever is none of them.

export interface Message {
  /** `RTSP/1.0 200 OK` or `OPTIONS rtsp://... RTSP/1.0`. */
  first: string;
  /** Names in lower case. */
  headers: Map<string, string>;
  body: string;
}

export type Frame = { channel: number; packet: Buffer } | { answer: Message } | { request: Message };

const REQUESTS = ['OPTI', 'TEAR', 'DESC', 'SETU', 'PLAY', 'PAUS', 'RECO', 'ANNO', 'GET_', 'SET_'];

/** Takes bytes in any pieces. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): void {
    this.#pending = this.#pending.length > 0 ? Buffer.concat([this.#pending, bytes]) : bytes;
  }

  /** The next complete one. What is neither packet nor message is passed over up to the next likely packet. */
  next(): Frame | undefined {
    for (;;) {
      const { length } = this.#pending;
      if (length < 4) return undefined;
      if (this.#pending[0] === 0x24) return this.#packet();
      const begin = this.#pending.toString('latin1', 0, 4);
      if (begin === 'RTSP' || REQUESTS.includes(begin)) return this.#message(begin === 'RTSP');
      const at = likelyPacket(this.#pending);
      this.#pending = this.#pending.subarray(at);
      if (at === length) return undefined;
    }
  }

  #packet(): Frame | undefined {
    const end = 4 + this.#pending.readUInt16BE(2);
    if (this.#pending.length < end) return undefined;
    const packet = Buffer.from(this.#pending.subarray(4, end));
    const channel = this.#pending[1] ?? 0;
    this.#pending = this.#pending.subarray(end);
    return { channel, packet };
  }

  #message(isAnswer: boolean): Frame | undefined {
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...lines] = this.#pending.toString('latin1', 0, end).split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    const total = end + 4 + (Number(headers.get('content-length')) || 0);
    if (this.#pending.length < total) return undefined;
    const message = { first, headers, body: this.#pending.toString('latin1', end + 4, total) };
    this.#pending = this.#pending.subarray(total);
    return isAnswer ? { answer: message } : { request: message };
  }
}

/** Where a packet of a plausible channel and size begins behind the first byte; the end when nothing does. */
function likelyPacket(bytes: Buffer): number {
  for (let at = bytes.indexOf(0x24, 1); at >= 0; at = bytes.indexOf(0x24, at + 1)) {
    if (at + 4 > bytes.length) return at;
    if ((bytes[at + 1] ?? 255) < 20 && bytes.readUInt16BE(at + 2) <= 1500) return at;
  }
  return bytes.length;
}
