// Clips made of numbers instead of pictures: valid parameter sets and frame structure, nothing that decodes. For tests
// that must not depend on an encoder.
import type { Clip, Frame, Track } from '../../src/demo/clip.ts';

export interface SyntheticClip {
  /** Multiples of 16; default 320x192. */
  width?: number;
  height?: number;
  fps: number;
  seconds: number;
  gop: number;
  /** Size of each access unit; the longer ones become FU-As on the way. */
  unitBytes: number;
  audio: boolean;
}

const AUDIO_HZ = 16_000;
const MEDIA_HZ = 90_000;

export function syntheticClip(spec: SyntheticClip): Clip {
  const { width = 320, height = 192, fps, seconds, gop, unitBytes } = spec;
  const delta = MEDIA_HZ / fps;
  const frames = Array.from({ length: fps * seconds }, (_, i): Frame => {
    const key = i % gop === 0;
    const body = noise(unitBytes, i + width);
    // A slice header that begins with first_mb_in_slice 0 and slice_type 7 (I) or 5 (P).
    const nal = Buffer.concat([Buffer.from(key ? [0x65, 0x88] : [0x41, 0x9a]), body]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(nal.length);
    return { dts: i * delta, pts: i * delta, key, data: Buffer.concat([length, nal]) };
  });
  const video: Track = {
    kind: 'video',
    codec: 'h264',
    ...{ width, height, frames, lengthBytes: 4, timescale: MEDIA_HZ, durationTicks: frames.length * delta },
    parameterSets: [spsOf(width, height), Buffer.from([0x68, 0xce, 0x38, 0x80])],
  };
  return { tracks: spec.audio ? [video, audioTrack(seconds)] : [video] };
}

function audioTrack(seconds: number): Track {
  const count = Math.floor((seconds * AUDIO_HZ) / 1024);
  const frames = Array.from({ length: count }, (_, i): Frame => {
    return { dts: i * 1024, pts: i * 1024, key: true, data: noise(120, 100_000 + i) };
  });
  // AudioSpecificConfig: AAC-LC, 16 kHz, mono.
  const config = Buffer.from([0x14, 0x08]);
  const durationTicks = count * 1024;
  return {
    kind: 'audio',
    codec: 'aac',
    sampleRate: AUDIO_HZ,
    channels: 1,
    config,
    timescale: AUDIO_HZ,
    frames,
    durationTicks,
  };
}

/** The same bytes for the same seed; never 0, so that there is nothing to escape. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = ((state >>> 24) % 255) + 1;
  }
  return bytes;
}

/** A baseline SPS (H.264 clause 7.3.2.1.1) of level 3.1 without VUI. */
function spsOf(width: number, height: number): Buffer {
  let bits = '';
  const put = (value: number, count: number) => {
    bits += value.toString(2).padStart(count, '0');
  };
  const ue = (value: number) => {
    const code = (value + 1).toString(2);
    bits += code.padStart(code.length * 2 - 1, '0');
  };
  for (const byte of [0x67, 66, 0xc0, 31]) put(byte, 8);
  ue(0); // seq_parameter_set_id
  ue(0); // log2_max_frame_num_minus4
  ue(2); // pic_order_cnt_type
  ue(1); // max_num_ref_frames
  put(0, 1);
  ue(width / 16 - 1);
  ue(height / 16 - 1);
  put(0b1100, 4); // frame_mbs_only, direct_8x8_inference, no cropping, no VUI
  put(1, 1);
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  return Buffer.from(bits.match(/.{8}/g)?.map(byte => Number.parseInt(byte, 2)) ?? []);
}
