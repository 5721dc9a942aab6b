// The answer of go2rtc, written anew for the browser: only the addresses under which it reaches this service, and nothing hidden.
import type { CleanOffer } from './offer.ts';
import { HIDDEN_MID, PROTOCOL } from './offer.ts';
import {
  type Attribute,
  attribute,
  codecsOf,
  type Direction,
  directionOf,
  midOf,
  parseSdp,
  SdpError,
  type SdpSection,
  transportOf,
  writeSdp,
} from './sdp.ts';

export interface Reach {
  /** IPv4 addresses, the likeliest first; at least one. */
  addresses: readonly string[];
  /** UDP and TCP. */
  port: number;
}

export interface CleanAnswer {
  sdp: string;
  /** What of the parts is carried at all. */
  video: boolean;
  audio: boolean;
}

/** RFC 8445 section 5.1.2: hosts, and TCP below UDP. */
const UDP_PRIORITY = 2_130_706_431;
const TCP_PRIORITY = 1_671_430_143;
const STEP = 256;
const CODECS: ReadonlySet<string> = new Set(['h264', 'h265', 'pcma', 'pcmu', 'opus']);
/** As go2rtc answers to each of ours. */
const MIRRORED: Readonly<Record<string, Direction>> = { view: 'sendonly', talk: 'recvonly' };

/** Throws `SdpError` when it is no answer to this offer. */
export function cleanAnswer(text: string, offer: CleanOffer, kind: 'view' | 'talk', reach: Reach): CleanAnswer {
  const answer = parseSdp(text);
  const { ufrag, password, fingerprint } = transportOf(answer);
  const common: Attribute[] = [
    ['ice-ufrag', ufrag],
    ['ice-pwd', password],
    ['fingerprint', fingerprint],
    ['rtcp-mux', ''],
    ['rtcp-rsize', ''],
  ];
  const own = answer.sections.filter(section => midOf(section) !== HIDDEN_MID);
  if (own.length !== offer.parts.length) throw new SdpError('it has other parts than the offer');
  const parts = own.map((section, index) => {
    const { kind: media, mid } = offer.parts[index] as CleanOffer['parts'][number];
    if (section.kind !== media || midOf(section) !== mid || section.protocol !== PROTOCOL) {
      throw new SdpError('its parts are not those of the offer');
    }
    const setup = attribute(section.attributes, 'setup') ?? attribute(answer.attributes, 'setup') ?? '';
    if (!/^(active|passive)$/.test(setup)) throw new SdpError('it takes no role');
    return { media, section: writePart(section, MIRRORED[kind] as Direction, [...common, ['setup', setup]]) };
  });
  const carries = (media: string) => parts.some(one => one.media === media && !isSilent(one.section));
  const sections = parts.map(({ section }) => section);
  const [first, ...rest] = sections as [SdpSection, ...SdpSection[]];
  const withCandidates = { ...first, attributes: [...first.attributes, ...candidates(reach)] };
  const group: Attribute = ['group', `BUNDLE ${offer.parts.map(({ mid }) => mid).join(' ')}`];
  return {
    sdp: writeSdp([group], [withCandidates, ...rest]),
    video: carries('video'),
    audio: carries('audio'),
  };
}

function isSilent(section: SdpSection): boolean {
  return directionOf(section) === 'inactive';
}

function writePart(section: SdpSection, expected: Direction, common: readonly Attribute[]): SdpSection {
  const codecs = codecsOf(section, CODECS);
  const said = directionOf(section);
  const carries = section.port !== 0 && codecs.length > 0 && (said === expected || said === 'sendrecv');
  const sources = section.attributes.filter(
    ([name, value]) => name === 'ssrc' && /^\d{1,10} (cname|msid):[\w /{}.-]{1,128}$/.test(value),
  );
  return {
    kind: section.kind,
    port: 9,
    protocol: PROTOCOL,
    formats: codecs.length > 0 ? codecs.map(({ payloadType }) => payloadType) : section.formats.slice(0, 1),
    attributes: [
      ['mid', midOf(section)],
      [carries ? expected : 'inactive', ''],
      ...common,
      ...codecs.flatMap(({ lines }) => lines),
      ...(carries && expected === 'sendonly' ? sources : []),
    ],
  };
}

function candidates({ addresses, port }: Reach): Attribute[] {
  const lines = addresses.flatMap((address, index): Attribute[] => [
    ['candidate', `${index + 1} 1 udp ${UDP_PRIORITY - index * STEP} ${address} ${port} typ host`],
    ['candidate', `${index + 101} 1 tcp ${TCP_PRIORITY - index * STEP} ${address} ${port} typ host tcptype passive`],
  ]);
  return [...lines, ['end-of-candidates', '']];
}
