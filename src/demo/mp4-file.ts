// Reads a plain (not fragmented) MP4 file of H.264 or HEVC video and AAC sound into a clip.
import { open } from 'node:fs/promises';
import { fromSystem, NvrError } from '../core/index.ts';
import { boxes, damaged, find, need } from './boxes.ts';
import type { AudioTrack, Clip, Track, VideoTrack } from './clip.ts';
import { readSampleTable } from './sample-table.ts';

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_TRACKS = 4;
/** Bytes of a visual sample entry in front of its boxes (ISO/IEC 14496-12 clause 12.1.3). */
const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;
/** samplingFrequencyIndex, ISO/IEC 14496-3 table 1.18. */
const AAC_SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
] as const;

/** Throws `not-found` and the like for the file, `data-loss` for what is in it. Tracks of other codecs are left out. */
export async function readMp4File(path: string): Promise<Clip> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw fromSystem(error, `cannot open the clip ${path}`);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new NvrError('invalid-argument', `the clip ${path} is no file`);
    if (stat.size > MAX_FILE_BYTES) throw new NvrError('invalid-argument', `the clip ${path} is larger than 64 MiB`);
    return parseMp4(await file.readFile());
  } finally {
    await file.close();
  }
}

/** Parses a whole file; frames stay views into `file`. */
export function parseMp4(file: Buffer): Clip {
  const moov = need(file, 'moov');
  const movieTimescale = timescaleOf(need(moov, 'mvhd'));
  const tracks: Track[] = [];
  let seen = 0;
  for (const box of boxes(moov)) {
    if (box.type !== 'trak') continue;
    if (++seen > MAX_TRACKS) throw damaged('too many tracks');
    const track = readTrack(box.body, file, movieTimescale);
    if (track && track.frames.length > 0) tracks.push(track);
  }
  return { tracks };
}

function readTrack(trak: Buffer, file: Buffer, movieTimescale: number): Track | undefined {
  const timescale = timescaleOf(need(trak, 'mdia/mdhd'));
  const stbl = need(trak, 'mdia/minf/stbl');
  const stsd = need(stbl, 'stsd');
  if (stsd.length < 8) throw damaged('stsd is cut off');
  for (const entry of boxes(stsd.subarray(8))) {
    const read = { avc1: readAvc, hvc1: readHevc, hev1: readHevc, mp4a: readAac }[entry.type];
    const codec = read?.(entry.body);
    if (!codec) continue;
    const shiftTicks = editShiftTicks(find(trak, 'edts/elst'), timescale, movieTimescale);
    const samples = readSampleTable(stbl, file, shiftTicks);
    if (samples.frames.length > 0 && samples.durationTicks === 0) throw damaged('a track without duration');
    return { ...codec, timescale, ...samples };
  }
  return undefined;
}

/** mvhd and mdhd keep it behind two times, which are 32 or 64 bits wide. */
function timescaleOf(header: Buffer): number {
  const at = header[0] === 1 ? 20 : 12;
  if (header.length < at + 4) throw damaged('a header is cut off');
  const timescale = header.readUInt32BE(at);
  if (timescale === 0) throw damaged('timescale 0');
  return timescale;
}

/** How far the edit list moves the media: leading empty edits delay it, the first real one skips to its media time. */
function editShiftTicks(elst: Buffer | undefined, timescale: number, movieTimescale: number): number {
  if (!elst || elst.length < 8) return 0;
  const wide = elst[0] === 1;
  const rowBytes = wide ? 20 : 12;
  const rows = Math.min(elst.readUInt32BE(4), Math.floor((elst.length - 8) / rowBytes), 16);
  let delay = 0;
  for (let row = 0; row < rows; row++) {
    const at = 8 + row * rowBytes;
    const duration = wide ? Number(elst.readBigUInt64BE(at)) : elst.readUInt32BE(at);
    const mediaTime = wide ? Number(elst.readBigInt64BE(at + 8)) : elst.readInt32BE(at + 4);
    if (mediaTime >= 0) return Math.round((delay * timescale) / movieTimescale) - mediaTime;
    delay += duration;
  }
  return 0;
}

type CodecOf<T> = Omit<T, 'timescale' | 'frames' | 'durationTicks'>;

function visualBoxes(entry: Buffer): Buffer {
  if (entry.length < VISUAL_ENTRY_BYTES) throw damaged('a sample entry is cut off');
  return entry.subarray(VISUAL_ENTRY_BYTES);
}

function readAvc(entry: Buffer): CodecOf<VideoTrack> {
  const avcc = need(visualBoxes(entry), 'avcC');
  if (avcc.length < 6) throw damaged('avcC is cut off');
  const sets: Buffer[] = [];
  const at = readSets(avcc, 6, (avcc[5] ?? 0) & 0x1f, sets);
  readSets(avcc, at + 1, avcc[at] ?? 0, sets);
  return video('h264', entry, ((avcc[4] ?? 0) & 3) + 1, sets);
}

function readHevc(entry: Buffer): CodecOf<VideoTrack> {
  const hvcc = need(visualBoxes(entry), 'hvcC');
  if (hvcc.length < 23) throw damaged('hvcC is cut off');
  const sets: Buffer[] = [];
  let at = 23;
  for (let array = 0; array < (hvcc[22] ?? 0); array++) {
    if (hvcc.length < at + 3) throw damaged('hvcC is cut off');
    at = readSets(hvcc, at + 3, hvcc.readUInt16BE(at + 1), sets);
  }
  return video('hevc', entry, ((hvcc[21] ?? 0) & 3) + 1, sets);
}

function readSets(record: Buffer, start: number, count: number, sets: Buffer[]): number {
  let at = start;
  for (let i = 0; i < count; i++) {
    if (record.length < at + 2) throw damaged('a parameter set is cut off');
    const length = record.readUInt16BE(at);
    at += 2;
    if (length > record.length - at) throw damaged('a parameter set is cut off');
    if (length > 0) sets.push(record.subarray(at, at + length));
    at += length;
  }
  return at;
}

function video(codec: VideoTrack['codec'], entry: Buffer, lengthBytes: number, sets: Buffer[]): CodecOf<VideoTrack> {
  if (sets.length > 64) throw damaged('too many parameter sets');
  const [width, height] = [entry.readUInt16BE(24), entry.readUInt16BE(26)];
  return { kind: 'video', codec, width, height, lengthBytes, parameterSets: sets };
}

/** Undefined for mp4a entries that are not AAC (MP3 hides there too) or of a rate outside the table. */
function readAac(entry: Buffer): CodecOf<AudioTrack> | undefined {
  if (entry.length < AUDIO_ENTRY_BYTES) throw damaged('a sample entry is cut off');
  const config = readEsds(need(entry.subarray(AUDIO_ENTRY_BYTES), 'esds'));
  if (!config || config.length < 2) return undefined;
  const bits = config.readUInt16BE(0);
  const sampleRate = AAC_SAMPLE_RATES[(bits >> 7) & 0xf];
  if (sampleRate === undefined) return undefined;
  return { kind: 'audio', codec: 'aac', sampleRate, channels: (bits >> 3) & 0xf, config };
}

/** The DecoderSpecificInfo out of nested descriptors (ISO/IEC 14496-1 clause 7.2.6), when the object type is AAC (0x40). */
function readEsds(esds: Buffer): Buffer | undefined {
  const es = descriptor(esds.subarray(4), 3);
  if (!es || es.length < 3) return undefined;
  const flags = es[2] ?? 0;
  let at = 3 + (flags & 0x80 ? 2 : 0);
  if (flags & 0x40) at += 1 + (es[at] ?? 0);
  if (flags & 0x20) at += 2;
  const decoder = descriptor(es.subarray(at), 4);
  if (!decoder || decoder.length < 13 || decoder[0] !== 0x40) return undefined;
  return descriptor(decoder.subarray(13), 5);
}

/** The body of the descriptor that `data` begins with, when it has this tag. */
function descriptor(data: Buffer, tag: number): Buffer | undefined {
  if (data[0] !== tag) return undefined;
  let length = 0;
  for (let at = 1; at < 5; at++) {
    const byte = data[at];
    if (byte === undefined) return undefined;
    length = (length << 7) | (byte & 0x7f);
    if (byte & 0x80) continue;
    return length <= data.length - at - 1 ? data.subarray(at + 1, at + 1 + length) : undefined;
  }
  return undefined;
}
