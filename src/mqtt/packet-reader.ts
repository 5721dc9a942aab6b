// Takes what a broker sends apart into packets, bounded in memory: what is longer than anybody needs is left out unread.
import { PACKET, type ProtocolLevel } from './wire.ts';

/** A whole packet is kept up to this; our commands are far shorter. */
export const MAX_PACKET_BYTES: number = 64 * 1024;

/** What a broker of MQTT 5 takes from us. */
export interface BrokerLimits {
  /** Publications that wait for their acknowledgement at the same time. */
  receiveMaximum?: number;
  maxPacketBytes?: number;
  /** In place of what we have asked for. */
  keepAliveS?: number;
  /** 0 = it takes no QoS 1. */
  maxQos?: number;
  /** False = it keeps nothing. */
  retains?: boolean;
}

/** Properties of MQTT 5 other than those limits are left out: none of them changes what we do. */
export type BrokerPacket =
  | { type: 'connack'; code: number; limits: BrokerLimits }
  | { type: 'publish'; topic: string; payload: Buffer; retain: boolean }
  | { type: 'puback'; id: number; code: number }
  | { type: 'suback'; id: number; codes: number[] }
  | { type: 'unsuback'; id: number }
  | { type: 'pingresp' }
  | { type: 'disconnect'; code: number }
  /** A publication that was too long. */
  | { type: 'oversized'; sizeBytes: number };

/** What came is not MQTT as brokers may send it to us; the connection is of no use any more. */
export class ProtocolError extends Error {}

export class PacketReader {
  readonly #level: ProtocolLevel;
  #pending: Buffer = Buffer.alloc(0);
  #skipBytes = 0;

  constructor(level: ProtocolLevel) {
    this.#level = level;
  }

  /** The packets that are complete now. Throws `ProtocolError`. */
  *feed(chunk: Buffer): Generator<BrokerPacket> {
    let rest = chunk;
    if (this.#skipBytes > 0) {
      const skipped = Math.min(this.#skipBytes, rest.length);
      this.#skipBytes -= skipped;
      rest = rest.subarray(skipped);
    }
    if (this.#pending.length > 0) rest = Buffer.concat([this.#pending, rest]);
    this.#pending = Buffer.alloc(0);
    while (rest.length >= 2) {
      const head = lengthOf(rest);
      if (!head) break;
      const { sizeBytes, from } = head;
      const first = rest[0] ?? 0;
      if (sizeBytes > MAX_PACKET_BYTES) {
        if (first >> 4 !== PACKET.publish) throw new ProtocolError('a packet is too long');
        this.#skipBytes = Math.max(0, sizeBytes - (rest.length - from));
        rest = rest.subarray(Math.min(rest.length, from + sizeBytes));
        yield { type: 'oversized', sizeBytes };
        continue;
      }
      if (rest.length < from + sizeBytes) break;
      yield this.#packet(first, rest.subarray(from, from + sizeBytes));
      rest = rest.subarray(from + sizeBytes);
    }
    // A copy: the chunk it lies in may be much larger.
    if (rest.length > 0) this.#pending = Buffer.from(rest);
  }

  #packet(first: number, body: Buffer): BrokerPacket {
    const at = new Cursor(body, this.#level);
    switch (first >> 4) {
      case PACKET.connack:
        at.skip(1);
        return { type: 'connack', code: at.byte(), limits: at.limits() };
      case PACKET.publish:
        return publish(first, at);
      case PACKET.puback:
        // MQTT 5 leaves a code of 0 out.
        return { type: 'puback', id: at.number16(), code: at.left > 0 ? at.byte() : 0 };
      case PACKET.suback:
        return { type: 'suback', id: at.number16(), codes: [...at.behindProperties()] };
      case PACKET.unsuback:
        return { type: 'unsuback', id: at.number16() };
      case PACKET.pingresp:
        return { type: 'pingresp' };
      case PACKET.disconnect:
        return { type: 'disconnect', code: at.left > 0 ? at.byte() : 0 };
      default:
        throw new ProtocolError('a packet is of a type that brokers do not send');
    }
  }
}

/** How long the values of a CONNACK's properties are (MQTT 5, 2.2.2.2); those that are missing here begin with their length. */
const FIXED_BYTES: Record<number, number> = {
  ...{ 17: 4, 19: 2, 33: 2, 34: 2, 36: 1, 37: 1, 39: 4, 40: 1, 41: 1, 42: 1 },
};
/** A pair of texts, of which there may be any number. */
const USER_PROPERTY = 38;

function publish(first: number, at: Cursor): BrokerPacket {
  // Subscribed with QoS 0.
  if ((first & 0x06) !== 0) throw new ProtocolError('a publication wants to be acknowledged');
  const topic = at.text();
  return { type: 'publish', topic, payload: Buffer.from(at.behindProperties()), retain: (first & 1) === 1 };
}

/** Length of the packet behind its head, and where it begins; undefined while the head is not complete. */
function lengthOf(data: Buffer): { sizeBytes: number; from: number } | undefined {
  let sizeBytes = 0;
  for (let n = 0; n < 4; n++) {
    const digit = data[1 + n];
    if (digit === undefined) return undefined;
    sizeBytes += (digit & 0x7f) * 128 ** n;
    if (digit < 0x80) return { sizeBytes, from: 2 + n };
  }
  throw new ProtocolError('the length of a packet is none');
}

/** Reads within one packet. */
class Cursor {
  readonly #data: Buffer;
  readonly #level: ProtocolLevel;
  #at = 0;

  constructor(data: Buffer, level: ProtocolLevel) {
    this.#data = data;
    this.#level = level;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  skip(count: number): void {
    if (this.left < count) throw new ProtocolError('a packet is cut short');
    this.#at += count;
  }

  byte(): number {
    this.skip(1);
    return this.#data[this.#at - 1] ?? 0;
  }

  number16(): number {
    return this.byte() * 256 + this.byte();
  }

  text(): string {
    const length = this.number16();
    this.skip(length);
    return this.#data.toString('utf8', this.#at - length, this.#at);
  }

  /** Of a CONNACK. MQTT 3.1.1 has none; a refusal of the version may come as 3.1.1 has it. */
  limits(): BrokerLimits {
    if (this.#level !== 5 || this.left === 0) return {};
    const head = lengthOf(this.#data.subarray(this.#at - 1));
    if (!head || head.from - 1 + head.sizeBytes > this.left) throw new ProtocolError('a packet is cut short');
    this.skip(head.from - 1);
    const end = this.#at + head.sizeBytes;
    const found = new Map<number, number>();
    while (this.#at < end) {
      const id = this.byte();
      const fixed = FIXED_BYTES[id];
      if (fixed !== undefined) {
        let value = 0;
        for (let n = 0; n < fixed; n++) value = value * 256 + this.byte();
        found.set(id, value);
      } else {
        this.text();
        if (id === USER_PROPERTY) this.text();
      }
    }
    const [receiveMaximum, maxPacketBytes, keepAliveS, maxQos] = [33, 39, 19, 36].map(id => found.get(id));
    return {
      ...(receiveMaximum && { receiveMaximum }),
      ...(maxPacketBytes && { maxPacketBytes }),
      ...(keepAliveS && { keepAliveS }),
      ...(maxQos !== undefined && { maxQos }),
      ...(found.has(37) && { retains: found.get(37) === 1 }),
    };
  }

  /** The rest of the packet. */
  behindProperties(): Buffer {
    if (this.#level === 5) {
      const head = this.left > 0 ? lengthOf(this.#data.subarray(this.#at - 1)) : undefined;
      if (!head) throw new ProtocolError('a packet is cut short');
      this.skip(head.from - 1 + head.sizeBytes);
    }
    return this.#data.subarray(this.#at);
  }
}
