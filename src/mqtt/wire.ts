// The packets of MQTT 3.1.1 and 5 that a client of ours sends, as bytes: what is asked of the caller are texts that fit.

/** 4 = MQTT 3.1.1, 5 = MQTT 5: the number that CONNECT carries. */
export type ProtocolLevel = 4 | 5;
/** What we publish with; deliveries exactly once are not used. */
export type Qos = 0 | 1;

export interface Publication {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
}

export interface ConnectRequest {
  level: ProtocolLevel;
  clientId: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Whole seconds, 1 to 65535. */
  keepAliveS: number;
  /** Published by the broker when we are gone without a word. */
  will?: Publication;
  /** Longer packets are not wanted. MQTT 5 tells the broker. */
  maxPacketBytes: number;
}

export const PACKET = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

const CLEAN = 0x02;
const WILL = 0x04;
const PASSWORD = 0x40;
const USERNAME = 0x80;
/** MQTT 5, 3.1.2.11.4: Maximum Packet Size. */
const PROPERTY_MAX_PACKET = 0x27;
/** MQTT 5, 3.8.3.1: what is retained is not sent for this subscription. */
const NO_RETAINED = 0x20;

export const PINGREQ: Buffer = Buffer.from([PACKET.pingreq << 4, 0]);

/** Always a clean session: what others sent while we were away are commands of the past. */
export function connectPacket(request: ConnectRequest): Buffer {
  const { level, clientId, username, password, keepAliveS, will, maxPacketBytes } = request;
  let flags = CLEAN;
  if (will) flags |= WILL | (will.qos << 3) | (will.retain ? 0x20 : 0);
  if (username !== undefined) flags |= USERNAME;
  if (password !== undefined) flags |= PASSWORD;
  const limit = Buffer.alloc(5);
  limit[0] = PROPERTY_MAX_PACKET;
  limit.writeUInt32BE(maxPacketBytes, 1);
  const noProperties = level === 5 ? [Buffer.from([0])] : [];
  return packet(PACKET.connect << 4, [
    text('MQTT'),
    Buffer.from([level, flags, keepAliveS >> 8, keepAliveS & 255]),
    ...(level === 5 ? [Buffer.from([limit.length]), limit] : []),
    text(clientId),
    ...(will ? [...noProperties, text(will.topic), bytes(will.payload)] : []),
    ...(username === undefined ? [] : [text(username)]),
    ...(password === undefined ? [] : [text(password)]),
  ]);
}

/** `id`: 1 to 65535, for what is to be acknowledged. The payload is the last part, so that it need not be copied. */
export function publishPacket(level: ProtocolLevel, { topic, payload, qos, retain }: Publication, id: number): Buffer {
  return packet((PACKET.publish << 4) | (qos << 1) | (retain ? 1 : 0), [
    text(topic),
    ...(qos > 0 ? [number16(id)] : []),
    ...(level === 5 ? [Buffer.from([0])] : []),
    payload,
  ]);
}

export interface Subscription {
  filter: string;
  /** Whether what is retained there is wanted; MQTT 3.1.1 sends it in any case. */
  retained: boolean;
}

/** With QoS 0: in a clean session a higher one would bring nothing but acknowledgements. */
export function subscribePacket(level: ProtocolLevel, id: number, topics: readonly Subscription[]): Buffer {
  return packet((PACKET.subscribe << 4) | 2, [
    number16(id),
    ...(level === 5 ? [Buffer.from([0])] : []),
    ...topics.flatMap(({ filter, retained }) => [
      text(filter),
      Buffer.from([level === 5 && !retained ? NO_RETAINED : 0]),
    ]),
  ]);
}

export function unsubscribePacket(level: ProtocolLevel, id: number, filters: readonly string[]): Buffer {
  return packet((PACKET.unsubscribe << 4) | 2, [
    number16(id),
    ...(level === 5 ? [Buffer.from([0])] : []),
    ...filters.map(text),
  ]);
}

/** The broker drops the will. */
export function disconnectPacket(): Buffer {
  return Buffer.from([PACKET.disconnect << 4, 0]);
}

/** What a publication takes on the way, about. */
export function publicationBytes({ topic, payload }: Publication): number {
  return topic.length + payload.length + 16;
}

function packet(head: number, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const start = [head];
  let rest = length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    start.push(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(start), ...parts]);
}

function text(value: string): Buffer {
  return bytes(Buffer.from(value, 'utf8'));
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([number16(value.length), value]);
}

function number16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
