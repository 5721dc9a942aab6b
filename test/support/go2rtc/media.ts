// What the go2rtc stand-in knows of codecs: which fit together, session descriptions, and how they are shown over the API.

export interface Codec {
  /** As in the session description, in capitals; `ANY` in a wish. */
  name: string;
  /** 0 in a wish = any. */
  clockRate: number;
  /** 2, or 0 for anything else. */
  channels: number;
  fmtp: string;
  payloadType: number;
}

export interface Media {
  kind: string;
  /** Seen from whoever has it: a camera's picture is `recvonly`, what a viewer wants `sendonly`. */
  direction: string;
  codecs: Codec[];
  control: string;
}

export const ANY = 'ANY';

const ALIASES: Readonly<Record<string, string>> = {
  '': ANY,
  COPY: ANY,
  MJPEG: 'JPEG',
  AAC: 'MPEG4-GENERIC',
  MP3: 'MPA',
};
const SHOWN: Readonly<Record<string, string>> = {
  ...{ H264: 'h264', H265: 'hevc', JPEG: 'mjpeg', PCMA: 'pcm_alaw', PCMU: 'pcm_mulaw', L16: 'pcm_s16be' },
  ...{ 'MPEG4-GENERIC': 'aac', OPUS: 'opus', MPA: 'mp3' },
};
const STATIC: Readonly<Record<string, string>> = { 0: 'PCMU', 8: 'PCMA', 26: 'JPEG' };
const PROFILES: Readonly<Record<number, string>> = { 66: 'Baseline', 77: 'Main', 88: 'Extended', 100: 'High' };

/** A wish for a codec by its name in a query. */
export function wish(name: string): Codec {
  const upper = name.toUpperCase();
  return { name: ALIASES[upper] ?? upper, clockRate: 0, channels: 0, fmtp: '', payloadType: 0 };
}

/** `video` and `audio` of a query as wishes, in the order of `kinds`; undefined when it names neither. */
export function wishes(query: URLSearchParams, kinds: readonly string[]): Media[] | undefined {
  const medias = kinds.flatMap(kind =>
    query.getAll(kind).map(list => {
      return { kind, direction: 'sendonly', codecs: list.split(',').map(wish), control: '' };
    }),
  );
  return medias.length > 0 ? medias : undefined;
}

function fits(have: Codec, wanted: Codec): boolean {
  if (wanted.name === 'ALL' || wanted.name === ANY) return true;
  const rate = wanted.clockRate === 0 || wanted.clockRate === have.clockRate;
  return have.name === wanted.name && rate && (wanted.channels === 0 || wanted.channels === have.channels);
}

/** The first codec of `have` that one of `wanted` takes, when kind and direction fit too. */
export function match(have: Media, wanted: Media): { codec: Codec; wanted: Codec } | undefined {
  if (have.kind !== wanted.kind) return undefined;
  if (have.direction === 'sendonly' && wanted.direction !== 'recvonly') return undefined;
  if (have.direction === 'recvonly' && wanted.direction !== 'sendonly') return undefined;
  for (const codec of have.codecs) for (const one of wanted.codecs) if (fits(codec, one)) return { codec, wanted: one };
  return undefined;
}

export function matchCodec(media: Media, wanted: Codec): Codec | undefined {
  return media.codecs.find(codec => fits(codec, wanted));
}

export function isVideo(codec: Codec): boolean {
  return ['H264', 'H265', 'JPEG', 'VP8', 'VP9', 'AV1'].includes(codec.name);
}

/** Name, rate and channels, as lists of medias show it. */
export function codecText({ name, clockRate, channels }: Codec): string {
  const rate = clockRate !== 0 && clockRate !== 90_000 ? `/${clockRate}` : '';
  return `${name}${rate}${channels > 0 ? `/${channels}` : ''}`;
}

export function mediaText(media: Media): string {
  return [media.kind, media.direction, ...new Set(media.codecs.map(codecText))].join(', ');
}

/** As the API shows a codec. */
export function codecInfo(codec: Codec): object {
  const shown = SHOWN[codec.name];
  const sps = Buffer.from(/sprop-parameter-sets=([^,]*),/.exec(codec.fmtp)?.[1] ?? '', 'base64');
  const named = codec.name === 'H264' && sps.length >= 4;
  return {
    ...(codec.channels > 0 && { channels: codec.channels }),
    ...(shown && { codec_name: shown, codec_type: isVideo(codec) ? 'video' : 'audio' }),
    ...(named && { level: sps[3], profile: PROFILES[sps[1] ?? 0] ?? `0x${sps.toString('hex', 1, 2).toUpperCase()}` }),
    ...(codec.clockRate !== 0 && codec.clockRate !== 90_000 && { sample_rate: codec.clockRate }),
  };
}

/** The medias of a camera's session description; what has no direction is what the camera sends. */
export function parseSdp(sdp: string): Media[] {
  const medias: Media[] = [];
  for (const section of sdp.split(/^m=/m).slice(1)) {
    const [head = '', ...lines] = section.split(/\r?\n/);
    const [kind = '', , , ...types] = head.trim().split(' ');
    const attribute = (name: RegExp) => lines.map(line => name.exec(line)?.[1]).find(value => value !== undefined);
    const codecs = types.map(type => {
      const map = (attribute(new RegExp(`^a=rtpmap:${type} (.*)$`)) ?? `${STATIC[type] ?? type}/8000`).trim();
      const [name = '', rate = '0', channels] = map.split('/');
      const given = attribute(new RegExp(`^a=fmtp:${type} (.*)$`)) ?? '';
      const isHalf = /^h265/i.test(map) && !['vps', 'sps', 'pps'].every(set => given.includes(`sprop-${set}=`));
      const fmtp = isHalf ? '' : given;
      const payload = { fmtp: fmtp.trim(), payloadType: Number(type) };
      return { name: name.toUpperCase(), clockRate: Number(rate), channels: channels === '2' ? 2 : 0, ...payload };
    });
    medias.push({
      kind,
      codecs,
      direction: attribute(/^a=(sendonly|recvonly|sendrecv)\s*$/) ?? 'recvonly',
      control: attribute(/^a=control:(\S*)/) ?? '',
    });
  }
  return medias;
}

/** The description that a reader gets: one codec for each track, payload types from 96. */
export function writeSdp(sessionName: string, tracks: readonly { codec: Codec; direction: string }[]): string {
  const lines = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', `s=${sessionName}`, 'c=IN IP4 0.0.0.0', 't=0 0'];
  tracks.forEach(({ codec, direction }, index) => {
    const { name, clockRate, channels, fmtp, payloadType } = codec;
    lines.push(`m=${isVideo(codec) ? 'video' : 'audio'} 0 RTP/AVP ${payloadType}`);
    lines.push(`a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 0 ? `/${channels}` : ''}`);
    if (fmtp !== '') lines.push(`a=fmtp:${payloadType} ${fmtp}`);
    lines.push(`a=${direction}`, `a=control:trackID=${index}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}
