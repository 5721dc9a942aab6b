// The offer of a browser, written anew from what of it is understood: go2rtc gets no other word of it, and no address.
import {
  type Attribute,
  attribute,
  codecsOf,
  directionOf,
  midOf,
  parseSdp,
  type SdpCodec,
  SdpError,
  type SdpSection,
  transportOf,
  writeSdp,
} from './sdp.ts';

/** What a browser wants: to see a camera, or to speak to it. */
export type PeerKind = 'view' | 'talk';

export interface CleanOffer {
  /** For go2rtc. */
  sdp: string;
  /** Names of the parts as the browser wrote them, in their order. */
  parts: readonly { kind: 'video' | 'audio'; mid: string }[];
  /** Codecs of the pictures that the browser takes: `h264`, `h265`. */
  video: ReadonlySet<string>;
  /** Codecs of the sound. */
  audio: ReadonlySet<string>;
}

/** The part that is added behind those of the browser and taken out of the answer again. */
export const HIDDEN_MID = 'thimble';

export const PROTOCOL = 'UDP/TLS/RTP/SAVPF';
/**
 * In parts that send nothing. Where a part names no source, pion believes any packet to be a new track of it, and go2rtc ends as it knows
 * none (`handleUndeclaredSSRC`, `getMediaCodec`).
 */
const NO_SOURCE = 1;
const VIDEO: ReadonlySet<string> = new Set(['h264', 'h265']);
const AUDIO: ReadonlySet<string> = new Set(['pcma', 'pcmu', 'opus']);

/** Throws `SdpError`. */
export function cleanOffer(text: string, kind: PeerKind): CleanOffer {
  const offer = parseSdp(text);
  const parts = offer.sections.map(section => readPart(section, kind));
  if (parts.length === 0) throw new SdpError('it has no parts');
  for (const media of ['video', 'audio'] as const) {
    if (parts.filter(part => part.kind === media).length > 1)
      throw new SdpError(`it has more than one part of ${media}`);
  }
  if (kind === 'view' && !parts.some(part => part.kind === 'video')) throw new SdpError('it has no part of video');
  if (kind === 'talk' && (parts.length > 1 || parts[0]?.kind !== 'audio')) {
    throw new SdpError('it has to have one part of audio and nothing else');
  }
  const mids = parts.map(({ mid }) => mid);
  if (new Set(mids).size < mids.length || mids.includes(HIDDEN_MID)) throw new SdpError('its parts share a name');
  const { ufrag, password, fingerprint } = transportOf(offer);
  if (!offer.sections.every(section => /^(actpass|active)$/.test(setupOf(section, offer.attributes)))) {
    throw new SdpError('it leaves no role to the other side');
  }
  const common: Attribute[] = [
    ['ice-ufrag', ufrag],
    ['ice-pwd', password],
    ['fingerprint', fingerprint],
    ['setup', 'actpass'],
    ['rtcp-mux', ''],
    ['rtcp-rsize', ''],
  ];
  const hidden = kind === 'talk' ? [hiddenPart(parts[0] as Part)] : [];
  const sections = [...parts, ...hidden].map(part => writePart(part, common));
  return {
    sdp: writeSdp([['group', `BUNDLE ${[...mids, ...hidden.map(({ mid }) => mid)].join(' ')}`]], sections),
    parts: parts.map(({ kind: media, mid }) => ({ kind: media, mid })),
    video: namesOf(parts, 'video'),
    audio: namesOf(parts, 'audio'),
  };
}

interface Part {
  kind: 'video' | 'audio';
  mid: string;
  direction: string;
  codecs: SdpCodec[];
  /** SSRC. */
  source: number;
}

function readPart(section: SdpSection, wanted: PeerKind): Part {
  const { kind, port, protocol } = section;
  if (kind !== 'video' && kind !== 'audio') throw new SdpError('it has a part that is neither video nor audio');
  if (port === 0 || protocol !== PROTOCOL) throw new SdpError('it has a part that is not for WebRTC');
  const direction = directionOf(section);
  // Whoever could send would be a source of the stream for go2rtc, and others would see it.
  const allowed = wanted === 'talk' ? ['sendonly'] : kind === 'video' ? ['recvonly'] : ['recvonly', 'inactive'];
  if (!allowed.includes(direction)) throw new SdpError(`its part of ${kind} has to be ${allowed[0]}`);
  const codecs = codecsOf(section, kind === 'video' ? VIDEO : AUDIO);
  if (codecs.length === 0) {
    throw new SdpError(kind === 'video' ? 'it takes neither H.264 nor H.265' : 'it has neither G.711 nor Opus');
  }
  const types = codecs.map(({ payloadType }) => payloadType);
  if (new Set(types).size < types.length) throw new SdpError('it has a payload type with two meanings');
  return { kind, mid: midOf(section), direction, codecs, source: wanted === 'talk' ? sourceOf(section) : NO_SOURCE };
}

/** Of the sound that a talker sends. */
function sourceOf({ attributes }: SdpSection): number {
  const [, digits] =
    attributes.flatMap(([name, value]) => (name === 'ssrc' ? [/^(\d{1,10}) /.exec(value)] : []))[0] ?? [];
  const source = Number(digits ?? 0);
  if (source <= NO_SOURCE || source > 0xffff_ffff) throw new SdpError('it does not tell the source of its sound');
  return source;
}

function setupOf({ attributes }: SdpSection, session: readonly Attribute[]): string {
  return attribute(attributes, 'setup') ?? attribute(session, 'setup') ?? '';
}

/**
 * Only who wants to see something is a consumer to go2rtc, which talkers have to be; a talk stream has no pictures. go2rtc ends when a packet
 * comes with a payload type that it knows and the talker's part has not (`getMediaCodec`), so that this part has one of the same.
 */
function hiddenPart({ codecs }: Part): Part {
  const { payloadType } = codecs.find(({ name }) => name === 'opus') ?? (codecs[0] as SdpCodec);
  const lines: Attribute[] = [
    ['rtpmap', `${payloadType} H264/90000`],
    ['fmtp', `${payloadType} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f`],
  ];
  return {
    ...{ kind: 'video', mid: HIDDEN_MID, direction: 'recvonly', source: NO_SOURCE },
    codecs: [{ payloadType, name: 'h264', lines }],
  };
}

function writePart({ kind, mid, direction, codecs, source }: Part, common: readonly Attribute[]): SdpSection {
  return {
    kind,
    port: 9,
    protocol: PROTOCOL,
    formats: codecs.map(({ payloadType }) => payloadType),
    attributes: [
      ['mid', mid],
      [direction, ''],
      ...common,
      ...codecs.flatMap(({ lines }) => lines),
      ['ssrc', `${source} cname:thimble`],
    ],
  };
}

function namesOf(parts: readonly Part[], kind: 'video' | 'audio'): ReadonlySet<string> {
  return new Set(parts.filter(part => part.kind === kind).flatMap(({ codecs }) => codecs.map(({ name }) => name)));
}
