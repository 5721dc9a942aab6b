// What a clip is: encoded tracks in memory that can be played in a loop.

/** Times are ticks of the track's `timescale`; `pts` differs from `dts` only with B-frames and may be negative (edit lists). */
export interface Frame {
  dts: number;
  pts: number;
  key: boolean;
  /** Video: NAL units, each behind its length. Audio: one raw AAC frame. A view into the file. */
  data: Buffer;
}

interface TrackBase {
  /** Ticks per second. */
  timescale: number;
  /** In decode order. */
  frames: Frame[];
  /** From the first frame's dts to the end of the last frame: where the next round of a loop begins. */
  durationTicks: number;
}

export interface VideoTrack extends TrackBase {
  kind: 'video';
  codec: 'h264' | 'hevc';
  width: number;
  height: number;
  /** Bytes of the length in front of each NAL unit: 1, 2 or 4. */
  lengthBytes: number;
  /** VPS (HEVC), SPS and PPS without start code or length. */
  parameterSets: Buffer[];
}

export interface AudioTrack extends TrackBase {
  kind: 'audio';
  codec: 'aac';
  sampleRate: number;
  channels: number;
  /** AudioSpecificConfig, ISO/IEC 14496-3 clause 1.6. */
  config: Buffer;
}

export type Track = VideoTrack | AudioTrack;

/**
 * To loop without a hole its tracks have the same length. Everything is a view into one buffer, so a clip costs its
 * file size plus its sample tables.
 */
export interface Clip {
  tracks: Track[];
}

/** More NAL units than any camera puts into one picture. */
const MAX_NAL_UNITS = 512;

/** The NAL units of a sample. A damaged length ends the list. */
export function nalUnits(data: Buffer, lengthBytes: number): Buffer[] {
  const units: Buffer[] = [];
  let at = 0;
  while (at + lengthBytes < data.length && units.length < MAX_NAL_UNITS) {
    const length = data.readUIntBE(at, lengthBytes);
    at += lengthBytes;
    if (length > data.length - at) break;
    if (length > 0) units.push(data.subarray(at, at + length));
    at += length;
  }
  return units;
}

/** NAL unit type as the codec numbers it. */
export function nalType(codec: VideoTrack['codec'], unit: Buffer): number {
  const first = unit[0] ?? 0;
  return codec === 'h264' ? first & 0x1f : (first >> 1) & 0x3f;
}

/** SPS and PPS of H.264, VPS, SPS and PPS of HEVC. */
export function isParameterSet(codec: VideoTrack['codec'], unit: Buffer): boolean {
  const type = nalType(codec, unit);
  return codec === 'h264' ? type === 7 || type === 8 : type >= 32 && type <= 34;
}
