// What Debian's ffprobe and ffmpeg say about a media file: the judge of recordings that is not ours.
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unitSha256 } from './access-units.ts';
import { run } from './child.ts';
import { tempDir } from './temp.ts';

export interface ProbedStream {
  index: number;
  kind: 'video' | 'audio';
  /** FFmpeg's name: `h264`, `hevc`, `aac`. */
  codec: string;
  /** `avc1`, `hvc1`, `mp4a`. */
  tag: string;
  width: number;
  height: number;
  sampleRate: number;
  /** Seconds per tick. */
  tickS: number;
  hasBFrames: number;
}

export interface ProbedPacket {
  streamIndex: number;
  ptsTicks: number;
  dtsTicks: number;
  durationTicks: number;
  ptsS: number;
  dtsS: number;
  sizeBytes: number;
  key: boolean;
  /** As `unitSha256` makes it; '' for other codecs than H.264, HEVC and AAC. */
  sha256: string;
}

export interface ProbedFile {
  formatNames: string;
  durationS: number;
  streams: ProbedStream[];
  video: ProbedPacket[];
  audio: ProbedPacket[];
}

interface RawStream {
  index: number;
  codec_type: string;
  codec_name?: string;
  codec_tag_string?: string;
  width?: number;
  height?: number;
  sample_rate?: string;
  time_base: string;
  has_b_frames?: number;
}

interface RawPacket {
  stream_index: number;
  pts?: number;
  dts?: number;
  duration?: number;
  size: string;
  pos?: string;
  flags: string;
}

/** Streams and all packets in file order. Rejects when ffprobe cannot read the file or has an error to tell. */
export async function probe(path: string): Promise<ProbedFile> {
  const { stdout, stderr } = await run('ffprobe', [
    ...['-v', 'error', '-show_format', '-show_streams', '-show_packets'],
    ...['-show_entries', 'packet=stream_index,pts,dts,duration,size,pos,flags'],
    ...['-of', 'json', path],
  ]);
  if (stderr.trim() !== '') throw new Error(`${path}: ${stderr}`);
  const raw = JSON.parse(stdout) as {
    format: { format_name: string; duration?: string };
    streams: RawStream[];
    packets: RawPacket[];
  };
  const streams = raw.streams.filter(one => one.codec_type === 'video' || one.codec_type === 'audio').map(readStream);
  const packets = (kind: ProbedStream['kind']) => {
    const stream = streams.find(one => one.kind === kind);
    return stream ? readPackets(path, stream, raw.packets) : [];
  };
  return {
    formatNames: raw.format.format_name,
    durationS: Number(raw.format.duration ?? 0),
    streams,
    video: await packets('video'),
    audio: await packets('audio'),
  };
}

function readStream(raw: RawStream): ProbedStream {
  const [numerator, denominator] = raw.time_base.split('/').map(Number);
  return {
    index: raw.index,
    kind: raw.codec_type as 'video' | 'audio',
    codec: raw.codec_name ?? '',
    tag: raw.codec_tag_string ?? '',
    width: raw.width ?? 0,
    height: raw.height ?? 0,
    sampleRate: Number(raw.sample_rate ?? 0),
    tickS: (numerator ?? 0) / (denominator ?? 1),
    hasBFrames: raw.has_b_frames ?? 0,
  };
}

/** Reads the packets' bytes from the file at the place that the demuxer names. */
async function readPackets(path: string, stream: ProbedStream, raw: RawPacket[]): Promise<ProbedPacket[]> {
  const packets: ProbedPacket[] = [];
  const file = await open(path);
  try {
    for (const one of raw) {
      if (one.stream_index !== stream.index) continue;
      const sizeBytes = Number(one.size);
      const data = Buffer.alloc(sizeBytes);
      await file.read(data, 0, sizeBytes, Number(one.pos ?? 0));
      const ptsTicks = one.pts ?? Number.NaN;
      const dtsTicks = one.dts ?? Number.NaN;
      packets.push({
        ...{ streamIndex: stream.index, ptsTicks, dtsTicks, durationTicks: one.duration ?? 0, sizeBytes },
        ...{ ptsS: ptsTicks * stream.tickS, dtsS: dtsTicks * stream.tickS },
        key: one.flags.startsWith('K'),
        sha256: sha256Of(stream.codec, data),
      });
    }
  } finally {
    await file.close();
  }
  return packets;
}

function sha256Of(codec: string, data: Buffer): string {
  return codec === 'h264' || codec === 'hevc' || codec === 'aac' ? unitSha256(codec, data) : '';
}

/** Decodes everything; rejects at the first error or warning of a decoder. */
export async function decodeWhole(path: string): Promise<void> {
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-nostdin', '-xerror', '-i', path, '-f', 'null', '-']);
  if (stderr.trim() !== '') throw new Error(`${path}: ${stderr}`);
}

/** The decoded sound, mixed to one channel, from the first sample of the first packet. */
export async function decodeSound(path: string): Promise<Float32Array> {
  const target = join(tempDir('sound'), 'samples');
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-i', path, '-map', '0:a', '-ac', '1', '-f', 'f32le', target]);
  const bytes = await readFile(target);
  return new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
}
