// Offers as browsers write them, without their addresses, as our gateway passes them on.

export interface OfferedMedia {
  kind: 'video' | 'audio';
  direction: 'recvonly' | 'sendonly' | 'sendrecv';
  /** `H264/90000`, in the order of payload types from 100. */
  codecs: readonly string[];
}

const PRINT = Array.from({ length: 32 }, (_, n) => (n + 16).toString(16).toUpperCase()).join(':');

export function offer(medias: readonly OfferedMedia[]): string {
  const lines = [
    ...['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0'],
    ...[`a=group:BUNDLE ${medias.map((_, mid) => mid).join(' ')}`, 'a=msid-semantic: WMS'],
  ];
  medias.forEach(({ kind, direction, codecs }, mid) => {
    const types = codecs.map((_, place) => 100 + mid * 20 + place);
    lines.push(`m=${kind} 9 UDP/TLS/RTP/SAVPF ${types.join(' ')}`, 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0');
    lines.push('a=ice-ufrag:EsAw', 'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1', 'a=ice-options:trickle');
    lines.push(`a=fingerprint:sha-256 ${PRINT}`, 'a=setup:actpass', `a=mid:${mid}`, `a=${direction}`, 'a=rtcp-mux');
    codecs.forEach((codec, place) => {
      lines.push(`a=rtpmap:${types[place]} ${codec}`);
      if (codec.startsWith('H264'))
        lines.push(`a=fmtp:${types[place]} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f`);
    });
  });
  return `${lines.join('\r\n')}\r\n`;
}

/** What a viewer asks for who has all codecs, and what one asks for who takes H.265 only. */
export const VIEWER = offer([
  { kind: 'video', direction: 'recvonly', codecs: ['H264/90000', 'VP8/90000'] },
  { kind: 'audio', direction: 'recvonly', codecs: ['opus/48000/2', 'PCMU/8000', 'PCMA/8000'] },
]);
export const VIEWER_OF_H265 = offer([
  { kind: 'video', direction: 'recvonly', codecs: ['H265/90000'] },
  { kind: 'audio', direction: 'recvonly', codecs: ['opus/48000/2', 'PCMU/8000', 'PCMA/8000'] },
]);
export const SILENT_VIEWER_OF_H265 = offer([{ kind: 'video', direction: 'recvonly', codecs: ['H265/90000'] }]);

const SPEECH: OfferedMedia = {
  kind: 'audio',
  direction: 'sendonly',
  codecs: ['opus/48000/2', 'PCMU/8000', 'PCMA/8000'],
};
/** Somebody who talks, with and without a wish for pictures. */
export const TALKER = offer([SPEECH, { kind: 'video', direction: 'recvonly', codecs: ['H264/90000'] }]);
export const LONE_TALKER = offer([SPEECH]);
