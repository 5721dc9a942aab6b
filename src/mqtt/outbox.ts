// What waits for the broker: news that is told once. Bounded in bytes; when it is too much the oldest goes. Kept as bytes in a few blocks
// that are used again: objects that wait for long and then go would each time be garbage that the collector finds late.
import type { Publication } from './wire.ts';

/** Of all that waits; with what the link holds back and one picture it is 1 MiB. */
export const MAX_OUTBOX_BYTES: number = 768 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** Before each: QoS and whether it is retained, how long its topic is, how long its payload. */
const HEAD_BYTES = 7;
/** What a publication counts for beside topic and payload. */
const FIXED_BYTES = 16;
const RETAIN = 2;

interface Block {
  bytes: Buffer;
  /** What is before it was taken. */
  start: number;
  end: number;
}

export class Outbox {
  readonly #mostBytes: number;
  /** Oldest first. */
  #blocks: Block[] = [];
  /** Of a block that was taken whole. */
  #spare: Buffer | undefined;
  #length = 0;
  #sizeBytes = 0;
  #dropped = 0;

  constructor(mostBytes: number = MAX_OUTBOX_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get length(): number {
    return this.#length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** So many went for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  add(publication: Publication): void {
    this.#append(publication);
    this.#makeRoom();
  }

  /** The oldest, which is not in it any more. */
  take(): Publication | undefined {
    const [block] = this.#blocks;
    if (!block) return undefined;
    const { bytes, start } = block;
    const { topicBytes, payloadBytes, flags } = headAt(block);
    const payloadAt = start + HEAD_BYTES + topicBytes;
    const topic = bytes.toString('utf8', start + HEAD_BYTES, payloadAt);
    const payload = Buffer.from(bytes.subarray(payloadAt, payloadAt + payloadBytes));
    this.#skip(block);
    return { topic, payload, qos: flags & 1 ? 1 : 0, retain: (flags & RETAIN) !== 0 };
  }

  /** Puts what could not be sent back to the front; what is too much then goes, as the oldest. */
  putBack(publications: readonly Publication[]): void {
    const later = this.#blocks;
    this.#blocks = [];
    for (const publication of publications) this.#append(publication);
    this.#blocks.push(...later);
    this.#makeRoom();
  }

  clear(): void {
    this.#blocks = [];
    this.#spare = undefined;
    this.#length = 0;
    this.#sizeBytes = 0;
  }

  #append({ topic, payload, qos, retain }: Publication): void {
    const topicBytes = Buffer.byteLength(topic);
    const length = HEAD_BYTES + topicBytes + payload.length;
    if (topicBytes + payload.length + FIXED_BYTES > this.#mostBytes) {
      this.#dropped++;
      return;
    }
    const { bytes, end } = this.#blockFor(length);
    bytes.writeUInt8(qos | (retain ? RETAIN : 0), end);
    bytes.writeUInt16BE(topicBytes, end + 1);
    bytes.writeUInt32BE(payload.length, end + 3);
    bytes.write(topic, end + HEAD_BYTES, 'utf8');
    bytes.set(payload, end + HEAD_BYTES + topicBytes);
    this.#length++;
    this.#sizeBytes += topicBytes + payload.length + FIXED_BYTES;
  }

  /** One with so much room behind `end`, which is then taken. */
  #blockFor(length: number): { bytes: Buffer; end: number } {
    const last = this.#blocks.at(-1);
    if (last && last.bytes.length - last.end >= length) {
      last.end += length;
      return { bytes: last.bytes, end: last.end - length };
    }
    const spare = length <= BLOCK_BYTES ? this.#spare : undefined;
    if (spare) this.#spare = undefined;
    const bytes = spare ?? Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, length));
    this.#blocks.push({ bytes, start: 0, end: length });
    return { bytes, end: 0 };
  }

  #makeRoom(): void {
    for (let [block] = this.#blocks; block && this.#sizeBytes > this.#mostBytes; [block] = this.#blocks) {
      this.#skip(block);
      this.#dropped++;
    }
  }

  /** Forgets the oldest, which stands at the start of the first block. */
  #skip(block: Block): void {
    const { topicBytes, payloadBytes } = headAt(block);
    this.#length--;
    this.#sizeBytes -= topicBytes + payloadBytes + FIXED_BYTES;
    block.start += HEAD_BYTES + topicBytes + payloadBytes;
    if (block.start < block.end) return;
    this.#blocks.shift();
    if (block.bytes.length === BLOCK_BYTES) this.#spare = block.bytes;
  }
}

function headAt({ bytes, start }: Block): { flags: number; topicBytes: number; payloadBytes: number } {
  return {
    flags: bytes.readUInt8(start),
    topicBytes: bytes.readUInt16BE(start + 1),
    payloadBytes: bytes.readUInt32BE(start + 3),
  };
}
