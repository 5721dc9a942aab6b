// WebRTC of the go2rtc stand-in: an answer that a browser would take, and a consumer that reads like one; no media leave it.
import { createHash, randomBytes } from 'node:crypto';
import { type Codec, type Media, mediaText } from './media.ts';
import type { Consumer, Stream, World } from './streams.ts';
import { Receiver, Sender } from './tracks.ts';

export interface WebrtcOptions {
  /** Host and port of the candidates. */
  address: { host: string; port: number } | undefined;
  /** Of `udp4`, `tcp4`, `udp6`, `tcp6`. */
  networks: readonly string[];
}

interface Section {
  kind: string;
  mid: string;
  direction: string;
  /** Payload type and codec, in the offer's order. */
  types: { type: number; codec: Codec }[];
}

const OPPOSITE: Readonly<Record<string, string>> = { sendonly: 'recvonly', recvonly: 'sendonly' };

function sectionsOf(offer: string): Section[] {
  return offer
    .split(/^m=/m)
    .slice(1)
    .map(text => {
      const [head = '', ...lines] = text.split(/\r?\n/);
      const [kind = '', , , ...types] = head.split(' ');
      const of = (name: RegExp) => lines.map(line => name.exec(line)?.[1]).find(value => value !== undefined);
      const codecs = types.flatMap(type => {
        const [name, rate, channels] = (of(new RegExp(`^a=rtpmap:${type} (.*)$`)) ?? '').trim().split('/');
        if (!name) return [];
        const numbers = { clockRate: Number(rate), channels: channels === '2' ? 2 : 0, payloadType: Number(type) };
        return [{ type: Number(type), codec: { name: name.toUpperCase(), fmtp: '', ...numbers } }];
      });
      const direction = of(/^a=(sendrecv|sendonly|recvonly|inactive)\s*$/) ?? 'sendrecv';
      return { kind, mid: of(/^a=mid:(\S+)/) ?? '', direction, types: codecs };
    });
}

/** Sound at 8 kHz fits whatever number of channels it is said to have. */
function mediasOf(sections: readonly Section[]): Media[] {
  const medias = sections.flatMap(({ kind, mid, direction, types }) => {
    const codecs = types.map(({ codec }) => ({ ...codec, channels: codec.name === 'OPUS' ? codec.channels : 0 }));
    const directions = direction === 'sendrecv' ? ['recvonly', 'sendonly'] : [OPPOSITE[direction]];
    return directions.flatMap(own => (own ? [{ kind, direction: own, codecs, control: mid }] : []));
  });
  return medias.sort((one, other) => Number(other.kind === 'video') - Number(one.kind === 'video'));
}

/** Who wants pictures is a consumer, who has some to send is not; else whoever wants anything. */
function isConsumer(medias: readonly Media[]): boolean {
  const has = (direction: string, kind?: string) =>
    medias.some(media => media.direction === direction && (kind === undefined || media.kind === kind));
  return has('sendonly', 'video') || (!has('recvonly', 'video') && has('sendonly'));
}

class Peer implements Consumer {
  medias: Media[];
  readonly sending = new Map<string, Codec>();
  readonly hearing = new Map<string, Codec>();
  readonly #world: World;
  readonly #id: number;
  readonly #format: string;
  readonly #userAgent: string | undefined;
  #senders: Sender[] = [];
  #speeches: Receiver[] = [];

  constructor(world: World, medias: Media[], format: string, userAgent: string | undefined) {
    this.#world = world;
    this.#id = world.ids.next();
    this.#format = format;
    this.#userAgent = userAgent;
    this.medias = medias;
  }

  addTrack(wanted: Media, codec: Codec, track: Receiver): void {
    this.sending.set(wanted.control, codec);
    this.#senders.push(new Sender(this.#world.ids.next(), codec, track, () => undefined));
  }

  speech(wanted: Media, codec: Codec): Receiver {
    this.hearing.set(wanted.control, codec);
    const speech = new Receiver(this.#world.ids, wanted, codec, 0);
    this.#speeches.push(speech);
    return speech;
  }

  stop(): void {
    for (const sender of this.#senders) sender.close();
    for (const speech of this.#speeches) for (const sender of speech.senders) sender.close();
  }

  info(): object {
    return {
      ...{ id: this.#id, format_name: this.#format, protocol: 'http' },
      ...(this.#userAgent !== undefined && { user_agent: this.#userAgent }),
      ...{ medias: this.medias.map(mediaText) },
      ...(this.#speeches.length > 0 && { receivers: this.#speeches.map(one => one.info()) }),
      ...(this.#senders.length > 0 && { senders: this.#senders.map(one => one.info()) }),
    };
  }
}

/**
 * The answer to an offer. The peer reads from now on and is given up after 30 s, since nobody connects to it.
 * Rejects when the offer is none or no codec fits.
 */
export async function answerOffer(
  world: World & { webrtc: WebrtcOptions },
  stream: Stream,
  offer: string,
  who: { format: string; userAgent: string | undefined },
): Promise<string> {
  if (!offer.startsWith('v=0')) throw new Error('sdp: invalid syntax');
  const sections = sectionsOf(offer);
  const medias = mediasOf(sections);
  const peer = new Peer(world, medias, who.format, who.userAgent);
  if (isConsumer(medias)) {
    await stream.add(peer);
    // Added before it is known that nothing can be sent to it; nobody removes it then.
    if (!sections.every(hasCodec))
      throw new Error('unable to populate media section, RTPSender created with no codecs');
    setTimeout(() => stream.remove(peer), world.wait(30)).unref();
  } else {
    for (const media of medias) if (media.codecs[0]) peer.hearing.set(media.control, media.codecs[0]);
    stream.addSource(peer);
    setTimeout(() => stream.removeSource(peer), world.wait(30)).unref();
  }
  return describe(world.webrtc, sections, peer);
}

const CODECS = ['H264', 'H265', 'OPUS', 'PCMU', 'PCMA', 'G722', 'L16'];

function hasCodec({ types }: Section): boolean {
  return types.some(({ codec }) => CODECS.includes(codec.name));
}

function describe({ address, networks }: WebrtcOptions, sections: readonly Section[], peer: Peer): string {
  const word = (bytes: number) => randomBytes(bytes).toString('hex');
  const print = createHash('sha256').update(word(8)).digest('hex').toUpperCase().match(/../g)?.join(':');
  const fragment = word(8);
  const ice = [`a=ice-ufrag:${fragment}`, `a=ice-pwd:${word(16)}`];
  const mids = sections.map(({ mid }) => mid).join(' ');
  const lines = [
    ...['v=0', `o=- ${Date.now()} 1 IN IP4 0.0.0.0`, 's=-', 't=0 0', `a=msid-semantic:WMS *`],
    ...[`a=fingerprint:sha-256 ${print}`, 'a=extmap-allow-mixed', `a=group:BUNDLE ${mids}`],
  ];
  sections.forEach((section, index) => {
    lines.push(...describeSection(section, peer, ice));
    if (index === 0 && address) lines.push(...candidates(address, networks).map(line => `${line} ufrag ${fragment}`));
  });
  return `${lines.join('\r\n')}\r\n`;
}

function describeSection({ kind, mid, types }: Section, peer: Peer, ice: readonly string[]): string[] {
  const [sending, hearing] = [peer.sending.get(mid), peer.hearing.get(mid)];
  const direction = sending ? (hearing ? 'sendrecv' : 'sendonly') : hearing ? 'recvonly' : 'inactive';
  const known = types.filter(({ codec }) => CODECS.includes(codec.name));
  return [
    ...[
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${known.map(({ type }) => type).join(' ')}`,
      'c=IN IP4 0.0.0.0',
      'a=setup:active',
      `a=mid:${mid}`,
    ],
    ...[...ice, 'a=rtcp-mux', 'a=rtcp-rsize'],
    ...known.map(({ type, codec: { name, clockRate, channels } }) => {
      return `a=rtpmap:${type} ${name}/${clockRate}${channels > 0 ? `/${channels}` : ''}`;
    }),
    ...(direction.startsWith('send') ? [`a=msid:go2rtc go2rtc-${kind}`] : []),
    `a=${direction}`,
  ];
}

function candidates({ host, port }: { host: string; port: number }, networks: readonly string[]): string[] {
  const family = host.includes(':') ? '6' : '4';
  const udp = `a=candidate:1 1 udp 2130706431 ${host} ${port} typ host`;
  const tcp = `a=candidate:2 1 tcp 1671430143 ${host} ${port} typ host tcptype passive`;
  return [...(networks.includes(`udp${family}`) ? [udp] : []), ...(networks.includes(`tcp${family}`) ? [tcp] : [])];
}
