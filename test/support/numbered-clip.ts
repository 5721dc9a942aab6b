// Clips in which each picture shows its own number as black and white stripes, and the reading of such a picture in a page: what
// tells exactly which picture of a camera or a file is on the screen.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';

export interface NumberedClip {
  fps: number;
  /** `fps * seconds` is less than 4096. */
  seconds: number;
  /** Pictures from one keyframe to the next. */
  gop: number;
}

/** Bits of a number, the lowest one on the left. */
const BITS = 12;
const WIDTH = BITS * 32;
const HEIGHT = 192;
const FIXTURES = fileURLToPath(new URL('../../build/fixtures/', import.meta.url));

/** Path of a plain MP4 of H.264 without sound, its pictures numbered from 0; kept under build/fixtures. */
export async function numberedClip({ fps, seconds, gop }: NumberedClip): Promise<string> {
  if (fps * seconds >= 2 ** BITS) throw new Error('more pictures than numbers');
  const stripes = `geq=lum='if(mod(floor(N/pow(2,floor(X*${BITS}/W))),2),235,16)':cb=128:cr=128`;
  const group = `keyint=${gop}:min-keyint=${gop}:scenecut=0:open-gop=0:bframes=0`;
  const args = [
    ...['-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', `color=s=${WIDTH}x${HEIGHT}:r=${fps}:d=${seconds}`],
    ...['-vf', stripes, '-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline', '-x264-params', group],
    ...['-pix_fmt', 'yuv420p', '-b:v', '300k', '-bsf:v', 'filter_units=remove_types=6', '-movflags', '+faststart'],
  ];
  const key = createHash('sha256').update(args.join(' ')).digest('hex').slice(0, 16);
  const target = join(FIXTURES, `numbered-${fps}-${key}.mp4`);
  if (existsSync(target)) return target;
  mkdirSync(FIXTURES, { recursive: true });
  const own = join(FIXTURES, `.numbered-${key}-${process.pid}.mp4`);
  await run('ffmpeg', [...args, own]);
  renameSync(own, target);
  return target;
}

/** Runs in a page, as text: `numberOf(video)` is the number of the picture that a video element or canvas shows. */
export const READ_NUMBER = `
window.numberOf = picture => {
  const canvas = new OffscreenCanvas(${WIDTH}, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(picture, 0, 0, ${WIDTH}, 1);
  const { data } = context.getImageData(0, 0, ${WIDTH}, 1);
  let number = 0;
  for (let bit = 0; bit < ${BITS}; bit++) if (data[(bit * 32 + 16) * 4] > 128) number += 2 ** bit;
  return number;
};
`;
