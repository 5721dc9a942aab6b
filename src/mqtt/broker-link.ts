// One connection to a broker: handshake, publications and their acknowledgements, subscriptions, and the watch over whether it is there.
import { type LookupAddress, lookup } from 'node:dns';
import { connect, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { addressKind, type Clock } from '../core/index.ts';
import { BrokerFault, faultOf, isVersionRefusal, refusalOf } from './faults.ts';
import {
  type BrokerLimits,
  type BrokerPacket,
  MAX_PACKET_BYTES,
  PacketReader,
  ProtocolError,
} from './packet-reader.ts';
import {
  connectPacket,
  disconnectPacket,
  PACKET,
  PINGREQ,
  type ProtocolLevel,
  type Publication,
  publicationBytes,
  publishPacket,
  type Subscription,
  subscribePacket,
  unsubscribePacket,
} from './wire.ts';

/** Where a broker is and how it knows us. */
export interface BrokerTarget {
  /** mqtt:// or mqtts://, without user and password. */
  url: string;
  clientId: string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM. Without one the system's are trusted. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  will?: Publication;
}

export interface LinkOptions {
  clock: Clock;
  /** Something came for a subscription; not called for what is too long. */
  onMessage(topic: string, payload: Buffer, isRetained: boolean): void;
  /** A publication that was too long was left out. */
  onOversized(sizeBytes: number): void;
  /** Once, after the link was open; `unacknowledged`: with QoS 1, oldest first, of which nobody waits to hear. */
  onClosed(fault: BrokerFault, unacknowledged: Publication[]): void;
  /** There may be room again. */
  onRoom(): void;
}

/** The broker knows no MQTT 5. */
export class VersionRefused extends Error {}

const OPEN_MS = 10_000;
const ACK_MS = 10_000;
const KEEP_ALIVE_S = 30;
/** What the system has not taken yet. */
const MAX_BACKLOG_BYTES = 128 * 1024;
/** As many as mosquitto takes by itself. */
const MAX_UNACKNOWLEDGED = 20;

export class BrokerLink {
  readonly level: ProtocolLevel;
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  readonly #limits: BrokerLimits;
  readonly #unacknowledged = new Map<number, { publication: Publication; done?: (code: number) => void }>();
  /** By the ids of SUBSCRIBE and UNSUBSCRIBE. */
  readonly #acks = new Map<number, (codes: number[]) => void>();
  /** For each PINGREQ under way. */
  readonly #pongs: (() => void)[] = [];
  /** Of all that somebody waits for. */
  readonly #failing = new Set<(fault: BrokerFault) => void>();
  #lastId = 0;
  #cancelPing: () => void = () => undefined;
  #hasHeard = true;
  #isClosed = false;

  private constructor(socket: Socket, level: ProtocolLevel, limits: BrokerLimits, options: LinkOptions) {
    this.#socket = socket;
    this.level = level;
    this.#limits = limits;
    this.#options = options;
    this.#armPing();
  }

  /** Resolves when the broker has let us in. Rejects with `BrokerFault`, `VersionRefused`, or the signal's reason. */
  static open(
    target: BrokerTarget,
    level: ProtocolLevel,
    options: LinkOptions,
    signal: AbortSignal,
  ): Promise<BrokerLink> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const socket = dial(target);
      const isTls = target.url.startsWith('mqtts:');
      const reader = new PacketReader(level);
      let link: BrokerLink | undefined;
      let isReady = false;
      const fail = (error: unknown) => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        socket.destroy();
        if (link) link.#close(faultOf(error));
        else reject(error);
      };
      const onAbort = () => fail(signal.reason);
      const cancel = options.clock.after(OPEN_MS, () => fail(new BrokerFault('timeout')));
      signal.addEventListener('abort', onAbort, { once: true });
      socket.setNoDelay(true);
      socket.on(isTls ? 'secureConnect' : 'connect', () => {
        isReady = true;
        const { clientId, username, password, will } = target;
        const request = { level, clientId, username, password, keepAliveS: KEEP_ALIVE_S };
        socket.write(connectPacket({ ...request, ...(will && { will }), maxPacketBytes: MAX_PACKET_BYTES }));
      });
      socket.on('error', error => fail(link ? error : faultOf(error)));
      // Whoever expects plain MQTT ends a connection that begins with TLS.
      socket.on('close', () => fail(new BrokerFault(isTls && !isReady ? 'tls' : 'closed')));
      socket.on('drain', () => options.onRoom());
      const begin = ({ code, limits }: BrokerPacket & { type: 'connack' }) => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        const refusal =
          level === 5 && isVersionRefusal(code)
            ? new VersionRefused()
            : code !== 0
              ? refusalOf(code)
              : limits.retains === false && new BrokerFault('no-retain');
        if (refusal) {
          fail(refusal);
          return;
        }
        link = new BrokerLink(socket, level, limits, options);
        resolve(link);
      };
      socket.on('data', chunk => {
        try {
          if (!link && chunk[0] !== PACKET.connack << 4) throw new ProtocolError();
          for (const packet of reader.feed(chunk)) {
            if (socket.destroyed) return;
            if (link) link.#take(packet);
            else if (packet.type === 'connack') begin(packet);
            else throw new ProtocolError();
          }
        } catch (error) {
          fail(error instanceof ProtocolError ? new BrokerFault('not-mqtt') : error);
        }
      });
    });
  }

  /** Whether more may be published now; `acknowledged`: with QoS 1. */
  hasRoom(acknowledged = false): boolean {
    if (this.#isClosed || this.#socket.writableLength > MAX_BACKLOG_BYTES) return false;
    const most = Math.min(this.#limits.receiveMaximum ?? MAX_UNACKNOWLEDGED, MAX_UNACKNOWLEDGED);
    return !acknowledged || this.#unacknowledged.size < most;
  }

  /** Bytes that wait in this process. */
  get backlogBytes(): number {
    let bytes = this.#socket.writableLength;
    for (const { publication } of this.#unacknowledged.values()) bytes += publicationBytes(publication);
    return bytes;
  }

  /** False when the broker does not take anything that long. `done`: with the broker's code, for QoS 1. */
  publish(publication: Publication, done?: (code: number) => void): boolean {
    if (publicationBytes(publication) > (this.#limits.maxPacketBytes ?? Number.POSITIVE_INFINITY)) return false;
    const qos = this.#limits.maxQos === 0 ? 0 : publication.qos;
    const id = qos === 0 ? 0 : this.#id();
    if (qos === 1) this.#unacknowledged.set(id, { publication, ...(done && { done }) });
    if (!this.#isClosed) this.#socket.write(publishPacket(this.level, { ...publication, qos }, id));
    if (qos === 0) done?.(0);
    return true;
  }

  /** The same, resolving when the broker has it. Rejects with `BrokerFault` when we may not write there. */
  async publishSurely(publication: Publication): Promise<void> {
    const code = await this.#within<number>((resolve, reject) => {
      if (!this.publish({ ...publication, qos: 1 }, resolve))
        reject(new BrokerFault('forbidden', 'it takes shorter packets'));
    });
    if (code >= 0x80) throw new BrokerFault('topic-forbidden', publication.topic);
  }

  /** Rejects with `BrokerFault` when we may not read there. */
  async subscribe(topics: readonly Subscription[]): Promise<void> {
    const codes = await this.#within<number[]>(resolve => {
      const id = this.#id();
      this.#acks.set(id, resolve);
      this.#socket.write(subscribePacket(this.level, id, topics));
    });
    const refused = topics.find((_, index) => (codes[index] ?? 0x80) >= 0x80);
    if (refused) throw new BrokerFault('topic-forbidden', refused.filter);
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#within<number[]>(resolve => {
      const id = this.#id();
      this.#acks.set(id, resolve);
      this.#socket.write(unsubscribePacket(this.level, id, filters));
    });
  }

  /** Resolves when the broker has read all that was sent, and we have what it had to say to it. */
  async settled(): Promise<void> {
    await this.#within<void>(resolve => {
      this.#pongs.push(resolve);
      this.#socket.write(PINGREQ);
    });
  }

  /** Leaves in good order: the will is not published. `onClosed` is not called any more. */
  leave(): void {
    if (this.#isClosed) return;
    this.#release(new BrokerFault('closed'));
    this.#socket.end(disconnectPacket());
    // Who does not end its side is left.
    this.#options.clock.after(1000, () => this.#socket.destroy());
  }

  /** Gives up what does not come in time, and with it the link. */
  #within<T>(action: (resolve: (value: T) => void, reject: (fault: BrokerFault) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new BrokerFault('closed'));
        return;
      }
      const fail = (fault: BrokerFault) => {
        cancel();
        this.#failing.delete(fail);
        reject(fault);
      };
      const cancel = this.#options.clock.after(ACK_MS, () => this.#close(new BrokerFault('timeout')));
      this.#failing.add(fail);
      action(value => {
        cancel();
        this.#failing.delete(fail);
        resolve(value);
      }, fail);
    });
  }

  #take(packet: BrokerPacket): void {
    this.#hasHeard = true;
    switch (packet.type) {
      case 'publish':
        this.#options.onMessage(packet.topic, packet.payload, packet.retain);
        break;
      case 'oversized':
        this.#options.onOversized(packet.sizeBytes);
        break;
      case 'puback':
        this.#acknowledged(packet.id, packet.code);
        break;
      case 'suback':
        this.#answered(packet.id, packet.codes);
        break;
      case 'unsuback':
        this.#answered(packet.id, []);
        break;
      case 'pingresp':
        this.#pongs.shift()?.();
        break;
      case 'disconnect':
        this.#close(packet.code === 0x87 ? refusalOf(packet.code) : new BrokerFault('closed', `code ${packet.code}`));
        break;
      case 'connack':
        this.#close(new BrokerFault('not-mqtt'));
    }
  }

  #acknowledged(id: number, code: number): void {
    const one = this.#unacknowledged.get(id);
    this.#unacknowledged.delete(id);
    one?.done?.(code);
    this.#options.onRoom();
  }

  #answered(id: number, codes: number[]): void {
    const waiting = this.#acks.get(id);
    this.#acks.delete(id);
    waiting?.(codes);
  }

  #armPing(): void {
    const seconds = Math.min(this.#limits.keepAliveS ?? KEEP_ALIVE_S, KEEP_ALIVE_S);
    this.#cancelPing = this.#options.clock.after(seconds * 900, () => {
      if (!this.#hasHeard) {
        this.#close(new BrokerFault('timeout'));
        return;
      }
      this.#hasHeard = false;
      this.#pongs.push(() => undefined);
      this.#socket.write(PINGREQ);
      this.#armPing();
    });
  }

  #close(fault: BrokerFault): void {
    if (this.#isClosed) return;
    const unacknowledged = [...this.#unacknowledged.values()].filter(({ done }) => !done).map(one => one.publication);
    this.#release(fault);
    this.#socket.destroy();
    this.#options.onClosed(fault, unacknowledged);
  }

  #release(fault: BrokerFault): void {
    this.#isClosed = true;
    this.#cancelPing();
    for (const fail of [...this.#failing]) fail(fault);
    this.#acks.clear();
    this.#pongs.length = 0;
    this.#unacknowledged.clear();
  }

  /** One that nobody waits for. */
  #id(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#unacknowledged.has(this.#lastId) || this.#acks.has(this.#lastId));
    return this.#lastId;
  }
}

function dial({ url, ca, cert, key }: BrokerTarget): Socket {
  const { hostname, protocol, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isTls = protocol === 'mqtts:';
  const where = { host, port: Number(port || (isTls ? 8883 : 1883)), lookup: judgedLookup };
  if (addressKind(host) === 'other') return new Socket().destroy(new BrokerFault('address-forbidden'));
  if (!isTls) return connect(where);
  const servername = addressKind(host) === undefined ? { servername: host } : {};
  return connectTls({ ...where, ...servername, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
}

/** Names that lead to link-local addresses or to groups lead nowhere. */
function judgedLookup(
  hostname: string,
  options: { all?: boolean | undefined },
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookup(hostname, { all: true }, (error, found) => {
    if (error) {
      callback(error, []);
      return;
    }
    const allowed = found.filter(({ address }) => addressKind(address) !== 'other');
    const [first] = allowed;
    if (!first) callback(new BrokerFault('address-forbidden'), []);
    else if (options.all) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
}
