// How packets go from a camera to readers in the go2rtc stand-in: a receiver has senders, each with a bounded queue of its own.
import { type Codec, codecInfo, isVideo, type Media } from './media.ts';

/** Numbers all parts that the API shows, and their counters. */
export class Ids {
  readonly #wraps: boolean;
  #last = 0;

  /** `wraps`: counters are those of a 32-bit board that has run for two hours. */
  constructor(wraps = false) {
    this.#wraps = wraps;
  }

  next(): number {
    return ++this.#last;
  }

  shown(count: number): number {
    return this.#wraps ? (count + 0x7fff_0000) | 0 : count;
  }
}

/** One track that comes in. */
export class Receiver {
  readonly id: number;
  readonly media: Media;
  readonly codec: Codec;
  /** Of the interleaved packets. */
  readonly channel: number;
  senders: Sender[] = [];
  readonly #ids: Ids;
  #bytes = 0;
  #packets = 0;

  constructor(ids: Ids, media: Media, codec: Codec, channel: number) {
    this.#ids = ids;
    this.id = ids.next();
    this.media = media;
    this.codec = codec;
    this.channel = channel;
  }

  /** A whole RTP packet. */
  write(packet: Buffer): void {
    this.#bytes += packet.length - 12;
    this.#packets++;
    for (const sender of this.senders) sender.put(packet);
  }

  /** Hands all senders to the track of a later session, which knows nothing of this one. */
  replaceBy(other: Receiver): void {
    other.senders = this.senders;
    for (const sender of other.senders) sender.parent = other;
    this.senders = [];
  }

  /** Senders lose their parent and are told nothing: they stay open and silent. */
  close(): void {
    for (const sender of this.senders) sender.parent = undefined;
    this.senders = [];
  }

  info(): object {
    const children = this.senders.map(sender => sender.id);
    return {
      ...{ id: this.id, codec: codecInfo(this.codec) },
      ...(children.length > 0 && { childs: children }),
      ...(this.#bytes > 0 && { bytes: this.#ids.shown(this.#bytes) }),
      ...(this.#packets > 0 && { packets: this.#packets }),
    };
  }
}

/** One track that goes out. What it takes is handed on in order, one packet at a time, while there is room. */
export class Sender {
  readonly id: number;
  readonly codec: Codec;
  parent: Receiver | undefined;
  /** A SETUP named it (readers), so that PLAY keeps it. */
  isSetUp = false;
  readonly #handle: (packet: Buffer) => Promise<void> | undefined;
  readonly #room: number;
  readonly #queue: Buffer[] = [];
  #busy = false;
  #open = true;
  #bytes = 0;
  #packets = 0;
  #drops = 0;

  constructor(id: number, codec: Codec, parent: Receiver, handle: (packet: Buffer) => Promise<void> | undefined) {
    this.id = id;
    this.codec = codec;
    this.parent = parent;
    this.#handle = handle;
    this.#room = isVideo(codec) ? 4096 : 128;
    parent.senders.push(this);
  }

  put(packet: Buffer): void {
    if (!this.#open) return;
    if (this.#queue.length >= this.#room) {
      this.#drops++;
      return;
    }
    this.#queue.push(packet);
    this.#bytes += packet.length - 12;
    this.#packets++;
    if (!this.#busy) void this.#run();
  }

  close(): void {
    this.#open = false;
    this.#queue.length = 0;
    const { parent } = this;
    if (parent) parent.senders = parent.senders.filter(one => one !== this);
    this.parent = undefined;
  }

  /** As the program shows it: `bytes` and `packets` were queued, whatever became of them. */
  info(): object {
    return {
      ...{ id: this.id, codec: codecInfo(this.codec) },
      ...(this.parent && { parent: this.parent.id }),
      ...(this.#bytes > 0 && { bytes: this.#bytes }),
      ...(this.#packets > 0 && { packets: this.#packets }),
      ...(this.#drops > 0 && { drops: this.#drops }),
    };
  }

  async #run(): Promise<void> {
    this.#busy = true;
    for (let packet = this.#queue.shift(); packet; packet = this.#queue.shift()) await this.#handle(packet);
    this.#busy = false;
  }
}
