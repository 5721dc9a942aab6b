// The session description (RFC 4566) of a clip, as DESCRIBE answers it.
import { type Clip, nalType, type Track, type VideoTrack } from './clip.ts';

/** RTP clock of a track: 90 kHz for video, the sample rate for sound. */
export function rtpClockRate(track: Track): number {
  return track.kind === 'video' ? 90_000 : track.sampleRate;
}

/** Dynamic payload types, one per place in the clip. */
export function payloadType(trackIndex: number): number {
  return 96 + trackIndex;
}

export function describeClip(clip: Clip): string {
  const lines = ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=Thimble', 'c=IN IP4 0.0.0.0', 't=0 0', 'a=range:npt=0-'];
  clip.tracks.forEach((track, index) => {
    const type = payloadType(index);
    lines.push(`m=${track.kind} 0 RTP/AVP ${type}`);
    lines.push(`a=rtpmap:${type} ${rtpMap(track)}`, `a=fmtp:${type} ${formatParameters(track)}`);
    lines.push(`a=control:trackID=${index}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}

function rtpMap(track: Track): string {
  if (track.kind === 'audio') return `mpeg4-generic/${track.sampleRate}/${track.channels}`;
  return `${track.codec === 'h264' ? 'H264' : 'H265'}/90000`;
}

function formatParameters(track: Track): string {
  if (track.kind === 'audio') {
    return [
      'streamtype=5; profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3',
      `config=${track.config.toString('hex')}`,
    ].join('; ');
  }
  if (track.codec === 'hevc') {
    return [32, 33, 34].map((type, i) => `sprop-${['vps', 'sps', 'pps'][i]}=${sets(track, type)}`).join('; ');
  }
  const sps = track.parameterSets.find(unit => nalType('h264', unit) === 7);
  const profile = sps && sps.length > 3 ? `profile-level-id=${sps.toString('hex', 1, 4)}; ` : '';
  return `packetization-mode=1; ${profile}sprop-parameter-sets=${sets(track, 7)},${sets(track, 8)}`;
}

function sets(track: VideoTrack, type: number): string {
  return track.parameterSets
    .filter(unit => nalType(track.codec, unit) === type)
    .map(unit => unit.toString('base64'))
    .join(',');
}
