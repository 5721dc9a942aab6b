// Session descriptions of WebRTC (RFC 8866, RFC 8829): taken apart within bounds, and read for what browsers and go2rtc need of each other.

/** It cannot be used; the message is for people and repeats nothing of it. */
export class SdpError extends Error {}

export interface SdpSection {
  kind: string;
  /** 0 = refused. */
  port: number;
  protocol: string;
  formats: readonly string[];
  /** In their order; a flag has an empty value. */
  attributes: readonly Attribute[];
}

export type Attribute = readonly [name: string, value: string];

export interface Sdp {
  attributes: readonly Attribute[];
  sections: readonly SdpSection[];
}

export type Direction = 'sendonly' | 'recvonly' | 'sendrecv' | 'inactive';

export interface Transport {
  ufrag: string;
  password: string;
  fingerprint: string;
}

/** Of one payload type. */
export interface SdpCodec {
  payloadType: string;
  /** Lower case. */
  name: string;
  lines: readonly Attribute[];
}

const MAX_CHARS = 64 * 1024;
const MAX_LINES = 800;
const MAX_LINE_CHARS = 1024;
const MAX_SECTIONS = 4;
const MAX_FORMATS = 96;
/** Hz, and channels: RFC 6184, 7798, 7587, 3551. */
const CLOCKS: Readonly<Record<string, readonly string[]>> = {
  h264: ['90000'],
  h265: ['90000'],
  opus: ['48000/2'],
  pcma: ['8000', '8000/1'],
  pcmu: ['8000', '8000/1'],
};
const DIRECTIONS: readonly string[] = ['sendonly', 'recvonly', 'sendrecv', 'inactive'];

export function parseSdp(text: string): Sdp {
  if (text.length > MAX_CHARS) throw new SdpError('it is too long');
  const lines = text.split(/\r?\n/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) throw new SdpError('it has too many lines');
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== 'v=0') throw new SdpError('it is no session description');
  const session: Attribute[] = [];
  const sections: (SdpSection & { attributes: Attribute[] })[] = [];
  for (const line of lines) {
    if (line.length > MAX_LINE_CHARS) throw new SdpError('it has a line that is too long');
    const [, type, value = ''] = /^([a-z])=([\x20-\x7e]*)$/.exec(line) ?? [];
    if (type === undefined) throw new SdpError('it has a line that is none');
    if (type === 'm') {
      if (sections.length === MAX_SECTIONS) throw new SdpError('it has too many parts');
      sections.push(mediaLine(value));
    } else if (type === 'a') (sections.at(-1)?.attributes ?? session).push(readAttribute(value));
  }
  return { attributes: session, sections };
}

function mediaLine(text: string): SdpSection & { attributes: Attribute[] } {
  const [, kind = '', port = '', protocol = '', formats = ''] =
    /^([a-z]{1,16}) (\d{1,5}) ([A-Z/]{1,32}) ([\d ]{1,400})$/.exec(text) ?? [];
  if (kind === '') throw new SdpError('it has a part that is neither video nor sound');
  const list = formats.split(' ').filter(one => one !== '');
  if (list.length > MAX_FORMATS) throw new SdpError('it has too many formats');
  return { kind, port: Number(port), protocol, formats: list, attributes: [] };
}

function readAttribute(text: string): Attribute {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

export function attribute(attributes: readonly Attribute[], name: string): string | undefined {
  return attributes.find(([own]) => own === name)?.[1];
}

/** RFC 8866 section 6.7: `sendrecv` where nothing is said. Several are a lie to one of its readers. */
export function directionOf({ attributes }: SdpSection): Direction {
  const said = attributes.filter(([name]) => DIRECTIONS.includes(name));
  if (said.length > 1) throw new SdpError('it has a part with two directions');
  return (said[0]?.[0] as Direction | undefined) ?? 'sendrecv';
}

/** The tag under which both sides know a part. */
export function midOf({ attributes }: SdpSection): string {
  const mid = attribute(attributes, 'mid') ?? '';
  if (!/^[\w-]{1,16}$/.test(mid)) throw new SdpError('it has a part without a usable name');
  return mid;
}

/** All parts share the transport of the first one that has it (RFC 8843). */
export function transportOf({ attributes, sections }: Sdp): Transport {
  const places = [...sections.map(one => one.attributes), attributes];
  const find = (name: string, pattern: RegExp) => {
    const text = places.map(place => attribute(place, name)).find(value => value !== undefined) ?? '';
    if (!pattern.test(text)) throw new SdpError(`it has no usable ${name}`);
    return text;
  };
  return {
    // RFC 8839 section 5.4.
    ufrag: find('ice-ufrag', /^[A-Za-z0-9+/]{4,256}$/),
    password: find('ice-pwd', /^[A-Za-z0-9+/]{22,256}$/),
    fingerprint: find('fingerprint', /^sha-256 [0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}$/),
  };
}

/**
 * Those of a part that are named, with what belongs to them. A type that is described twice means one thing to us and another to whoever
 * reads the last line: only the first is kept.
 */
export function codecsOf({ formats, attributes }: SdpSection, names: ReadonlySet<string>): SdpCodec[] {
  return formats.flatMap(payloadType => {
    const isOwn = ([name, value]: Attribute) =>
      ['rtpmap', 'fmtp', 'rtcp-fb'].includes(name) && value.startsWith(`${payloadType} `);
    const own = attributes.filter(isOwn).filter(isPlain);
    const lines = own.filter(
      (one, index) => one[0] === 'rtcp-fb' || index === own.findIndex(([name]) => name === one[0]),
    );
    const [, name = '', clock] = /^\d+ ([A-Za-z0-9-]+)\/(.+)$/.exec(attribute(lines, 'rtpmap') ?? '') ?? [];
    const key = name.toLowerCase();
    // With a zero in front it would be another word for a type that is there already.
    const isType = /^(0|[1-9]\d{0,2})$/.test(payloadType) && Number(payloadType) <= 127;
    if (!isType || !names.has(key) || !CLOCKS[key]?.includes(clock ?? '')) return [];
    return [{ payloadType, name: key, lines }];
  });
}

/** What all browsers and go2rtc write, and no more. */
function isPlain([name, value]: Attribute): boolean {
  if (name === 'rtpmap') return /^\d{1,3} [A-Za-z0-9-]{1,32}\/\d{1,6}(\/\d)?$/.test(value);
  if (name === 'fmtp') return /^\d{1,3} [A-Za-z0-9=;,./ _-]{1,512}$/.test(value);
  return /^\d{1,3} [a-z0-9 -]{1,64}$/.test(value);
}

export function writeSdp(session: readonly Attribute[], sections: readonly SdpSection[]): string {
  const line = ([name, value]: Attribute) => (value === '' ? `a=${name}` : `a=${name}:${value}`);
  const lines = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', ...session.map(line)];
  for (const { kind, port, protocol, formats, attributes } of sections) {
    lines.push(`m=${kind} ${port} ${protocol} ${formats.join(' ')}`, 'c=IN IP4 0.0.0.0', ...attributes.map(line));
  }
  return `${lines.join('\r\n')}\r\n`;
}
