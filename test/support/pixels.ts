// Pictures as pixels, decoded by Debian's ffmpeg, and how far two of them differ.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './child.ts';
import { tempDir } from './temp.ts';

export interface Size {
  width: number;
  height: number;
}

/** Three bytes a pixel. */
export type Rgb = Buffer;

/** How the colours of a video are to be read, in the words of ffmpeg's scale filter. */
export interface Colours {
  matrix: 'bt709' | 'bt601' | 'bt2020';
  range: 'tv' | 'pc';
}

const EXACT = 'flags=bilinear+accurate_rnd+full_chroma_int';

/**
 * The first picture at or behind `atS` of a video, scaled to `size`, with colours in half the resolution as in any JPEG of
 * ours.
 */
export async function videoPixels(path: string, atS: number, colours: Colours, size: Size): Promise<Rgb> {
  const target = join(tempDir('pixels'), 'rgb');
  const { matrix, range } = colours;
  const same = `in_color_matrix=${matrix}:out_color_matrix=${matrix}:in_range=${range}:out_range=${range}`;
  const filter = [
    `select='gte(t,${(atS - 0.001).toFixed(4)})'`,
    `scale=${size.width}:${size.height}:${EXACT}:${same}`,
    'format=yuv420p',
    `scale=${EXACT}:in_color_matrix=${matrix}:in_range=${range}`,
    'format=rgb24',
  ].join(',');
  await run('ffmpeg', [
    ...[
      '-v',
      'error',
      '-nostdin',
      '-i',
      path,
      '-map',
      '0:v',
      '-vf',
      filter,
      '-frames:v',
      '1',
      '-f',
      'rawvideo',
      target,
    ],
  ]);
  return readFile(target);
}

/** A JPEG as every viewer shows it: JFIF, that is BT.601 in full range. */
export async function jpegPixels(path: string): Promise<Rgb> {
  const target = join(tempDir('pixels'), 'rgb');
  const filter = `scale=${EXACT}:in_color_matrix=bt601:in_range=pc,format=rgb24`;
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-i', path, '-vf', filter, '-f', 'rawvideo', target]);
  return readFile(target);
}

/** What ffprobe says of a picture. */
export async function pictureFacts(path: string): Promise<Size & { codec: string; format: string; pixel: string }> {
  const entries = 'stream=codec_name,width,height,pix_fmt,sample_aspect_ratio';
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', path]);
  const [stream] = JSON.parse(stdout).streams;
  return {
    codec: stream.codec_name,
    width: stream.width,
    height: stream.height,
    format: stream.pix_fmt,
    pixel: stream.sample_aspect_ratio,
  };
}

/** Peak signal-to-noise ratio in dB over all samples. Throws when the sizes differ. */
export function psnr(a: Rgb, b: Rgb): number {
  if (a.length !== b.length || a.length === 0) throw new Error(`pictures of ${a.length} and ${b.length} bytes`);
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += ((a[at] ?? 0) - (b[at] ?? 0)) ** 2;
  return sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * a.length) / sum);
}

/** How much brighter `a` is than `b` in red, green and blue, on the average. */
export function meanDifference(a: Rgb, b: Rgb): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let at = 0; at + 2 < a.length; at += 3) {
    for (const channel of [0, 1, 2] as const) sums[channel] += (a[at + channel] ?? 0) - (b[at + channel] ?? 0);
  }
  return [sums[0] / (a.length / 3), sums[1] / (a.length / 3), sums[2] / (a.length / 3)];
}

/** One pixel. */
export function pixelAt(rgb: Rgb, width: number, x: number, y: number): [number, number, number] {
  const at = (y * width + x) * 3;
  return [rgb[at] ?? 0, rgb[at + 1] ?? 0, rgb[at + 2] ?? 0];
}
