// The frames of RFC 6455: those of clients taken apart piece by piece, with a bound on their texts, and the heads of ours.
import { isUtf8 } from 'node:buffer';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** RFC 6455 section 7.4.1. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupported: 1003,
  /** Stands for a close frame without a code; never sent. */
  noCode: 1005,
  /** Stands for a connection that ended without a close frame; never sent. */
  abnormal: 1006,
  notText: 1007,
  tooBig: 1009,
  internal: 1011,
} as const;

const MAX_CONTROL_BYTES = 125;
/** Two bytes, eight of a long length, four of the mask. */
const MAX_HEAD_BYTES = 14;

export interface FrameEvents {
  text(text: string): void;
  ping(payload: Buffer): void;
  pong(): void;
  close(code: number): void;
  /** Nothing is read any more; the code says why. */
  violation(code: number): void;
}

/** Reads the frames of one client. Holds at most one text of `maxTextBytes` and one control frame. */
export class FrameReader {
  readonly #events: FrameEvents;
  readonly #maxTextBytes: number;
  readonly #head = Buffer.alloc(MAX_HEAD_BYTES);
  #headBytes = 0;
  #needBytes = 2;
  #opcode = 0;
  #isFinal = false;
  #control: Buffer | undefined;
  /** Of the frame under way. */
  #sizeBytes = 0;
  #readBytes = 0;
  /** Undefined between messages. */
  #text: Buffer | undefined;
  #textBytes = 0;
  #ended = false;

  constructor(events: FrameEvents, maxTextBytes: number) {
    this.#events = events;
    this.#maxTextBytes = maxTextBytes;
  }

  /** True once nothing is read any more: after a close frame or a violation. */
  get ended(): boolean {
    return this.#ended;
  }

  read(piece: Buffer): void {
    let at = 0;
    while (at < piece.length && !this.#ended) {
      if (this.#headBytes < this.#needBytes) {
        this.#head[this.#headBytes++] = piece[at++] as number;
        if (this.#headBytes === 2) this.#begin();
        if (this.#headBytes === this.#needBytes && !this.#ended) this.#measure();
      } else {
        const taken = Math.min(this.#sizeBytes - this.#readBytes, piece.length - at);
        this.#take(piece.subarray(at, at + taken));
        at += taken;
      }
      if (this.#headBytes === this.#needBytes && this.#readBytes === this.#sizeBytes && !this.#ended) this.#finish();
    }
  }

  /** The first two bytes are there. */
  #begin(): void {
    const [first, second] = this.#head as unknown as [number, number];
    this.#opcode = first & 0x0f;
    this.#isFinal = (first & 0x80) !== 0;
    const length = second & 0x7f;
    this.#needBytes = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + 4;
    const isControl = this.#opcode >= 8;
    const isKnown = Object.values<number>(OPCODE).includes(this.#opcode);
    // Section 5: reserved bits and opcodes, unmasked frames, control frames that are long or in parts.
    if ((first & 0x70) !== 0 || !isKnown || (second & 0x80) === 0) this.#fail(CLOSE.protocolError);
    else if (isControl && (!this.#isFinal || length > MAX_CONTROL_BYTES)) this.#fail(CLOSE.protocolError);
    else if (this.#opcode === OPCODE.binary) this.#fail(CLOSE.unsupported);
    else if (!isControl && (this.#opcode === OPCODE.continuation) !== (this.#text !== undefined))
      this.#fail(CLOSE.protocolError);
  }

  /** The whole head is there. */
  #measure(): void {
    const violation = this.#readLength();
    this.#readBytes = 0;
    if (violation !== undefined) this.#fail(violation);
    else if (this.#opcode >= 8) this.#control = Buffer.alloc(this.#sizeBytes);
    else if (this.#textBytes + this.#sizeBytes > this.#maxTextBytes) this.#fail(CLOSE.tooBig);
    // A text in one frame gets what it needs, one in parts what it may grow to.
    else this.#text ??= Buffer.allocUnsafe(this.#isFinal ? this.#sizeBytes : this.#maxTextBytes);
  }

  /** The shortest form is a must, and the first bit of the long one is 0 (section 5.2). */
  #readLength(): number | undefined {
    const length = (this.#head[1] as number) & 0x7f;
    this.#sizeBytes = length;
    if (length === 126) {
      this.#sizeBytes = this.#head.readUInt16BE(2);
      if (this.#sizeBytes < 126) return CLOSE.protocolError;
    } else if (length === 127) {
      const long = this.#head.readBigUInt64BE(2);
      if (long < 65_536n || long >> 63n === 1n) return CLOSE.protocolError;
      this.#sizeBytes = Number(long);
    }
    return undefined;
  }

  #take(piece: Buffer): void {
    const mask = this.#needBytes - 4;
    const target = this.#control ?? (this.#text as Buffer);
    const start = this.#control ? this.#readBytes : this.#textBytes;
    for (let i = 0; i < piece.length; i++) {
      target[start + i] = (piece[i] as number) ^ (this.#head[mask + ((this.#readBytes + i) & 3)] as number);
    }
    this.#readBytes += piece.length;
    if (!this.#control) this.#textBytes += piece.length;
  }

  /** A frame is whole. */
  #finish(): void {
    const control = this.#control;
    this.#control = undefined;
    this.#headBytes = 0;
    this.#needBytes = 2;
    this.#sizeBytes = 0;
    this.#readBytes = 0;
    if (control) {
      this.#finishControl(control);
      return;
    }
    if (!this.#isFinal) return;
    const text = (this.#text as Buffer).subarray(0, this.#textBytes);
    this.#text = undefined;
    this.#textBytes = 0;
    if (!isUtf8(text)) this.#fail(CLOSE.notText);
    else this.#events.text(text.toString('utf8'));
  }

  #finishControl(payload: Buffer): void {
    if (this.#opcode === OPCODE.ping) this.#events.ping(payload);
    else if (this.#opcode === OPCODE.pong) this.#events.pong();
    else {
      const code = payload.length === 0 ? CLOSE.noCode : payload.length === 1 ? 0 : payload.readUInt16BE(0);
      if (payload.length > 0 && !isSendable(code)) this.#fail(CLOSE.protocolError);
      else if (!isUtf8(payload.subarray(2))) this.#fail(CLOSE.notText);
      else {
        this.#ended = true;
        this.#events.close(code);
      }
    }
  }

  #fail(code: number): void {
    this.#ended = true;
    this.#events.violation(code);
  }
}

/** Codes that may stand in a close frame. */
export function isSendable(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== CLOSE.noCode && code !== CLOSE.abnormal;
}

/** Of one whole message or control frame of ours; servers mask nothing. */
export function frameHead(opcode: number, sizeBytes: number): Buffer {
  const long = sizeBytes < 126 ? 0 : sizeBytes < 65_536 ? 2 : 8;
  const head = Buffer.allocUnsafe(2 + long);
  head[0] = 0x80 | opcode;
  head[1] = long === 0 ? sizeBytes : long === 2 ? 126 : 127;
  if (long === 2) head.writeUInt16BE(sizeBytes, 2);
  else if (long === 8) head.writeBigUInt64BE(BigInt(sizeBytes), 2);
  return head;
}

/** The reason is cut to what a control frame takes. */
export function closePayload(code: number, reason = ''): Buffer {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_CONTROL_BYTES - 2) text = text.slice(0, -1);
  const payload = Buffer.alloc(2 + Buffer.byteLength(text));
  payload.writeUInt16BE(code, 0);
  payload.write(text, 2);
  return payload;
}
