// Test clips, made once with Debian's ffmpeg and kept under build/fixtures by what they were made from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';
import { numberFilter } from './picture-number.ts';

export interface ClipSpec {
  codec: 'h264' | 'hevc';
  width: number;
  height: number;
  fps: number;
  seconds: number;
  /** Pictures from one keyframe to the next; `fps * seconds` is a multiple of it, so that a loop keeps the distance. */
  gop: number;
  bFrames: number;
  bitrateKbps: number;
  /** Sample rate of AAC sound, mono; 0 = none. `seconds * rate` is a multiple of 1024, so that a loop has no hole. */
  audioHz: number;
  /** Each picture bears its number in the round, which `test/support/picture-number.ts` reads. */
  numbered?: true;
}

const FULL: ClipSpec = {
  codec: 'h264',
  width: 1280,
  height: 720,
  fps: 25,
  seconds: 8,
  gop: 50,
  bFrames: 0,
  bitrateKbps: 2000,
  audioHz: 48_000,
};
const SMALL: ClipSpec = { ...FULL, width: 320, height: 180, gop: 25, bitrateKbps: 150, audioHz: 16_000 };

/** The clips that tests share. */
export const CLIPS = {
  /** 1280x720, 25 fps, 2 Mbit/s, keyframe each 2 s, AAC 48 kHz. */
  full: FULL,
  fullSilent: { ...FULL, audioHz: 0 },
  fullNumbered: { ...FULL, numbered: true },
  fullBFrames: { ...FULL, bFrames: 2 },
  /** 320x180, 25 fps, 150 kbit/s, keyframe each second, AAC 16 kHz. */
  small: SMALL,
  smallSilent: { ...SMALL, audioHz: 0 },
  smallBFrames: { ...SMALL, bFrames: 2 },
  /** The same with other parameter sets: for a change in mid-stream. */
  smallWide: { ...SMALL, width: 480, height: 272 },
  /** One keyframe in 8 s. */
  smallLongGop: { ...SMALL, gop: 200 },
  smallHevc: { ...SMALL, codec: 'hevc' },
  smallHevcBFrames: { ...SMALL, codec: 'hevc', bFrames: 2 },
} as const satisfies Record<string, ClipSpec>;

const FIXTURES = fileURLToPath(new URL('../../build/fixtures/', import.meta.url));

/** Path of the clip as a plain MP4; the first call on a machine encodes it, which takes seconds. */
export async function clipFile(spec: ClipSpec): Promise<string> {
  const frames = spec.fps * spec.seconds;
  const audioFrames = (spec.seconds * spec.audioHz) / 1024;
  if (frames % spec.gop !== 0 || !Number.isInteger(audioFrames)) throw new Error('this clip would not loop cleanly');
  const commands = [...(spec.audioHz > 0 ? [audioCommand(spec, audioFrames)] : []), videoCommand(spec, frames)];
  const key = createHash('sha256').update(JSON.stringify(commands)).digest('hex').slice(0, 16);
  const target = join(FIXTURES, `${spec.codec}-${spec.height}-${key}.mp4`);
  if (existsSync(target)) return target;
  mkdirSync(FIXTURES, { recursive: true });
  const own = join(FIXTURES, `.${key}-${process.pid}`);
  const place = (text: string) => text.replace('AUDIO', own).replace('RESULT', own);
  for (const command of commands) await run('ffmpeg', command.map(place));
  renameSync(`${own}.mp4`, target);
  rmSync(`${own}.aac`, { force: true });
  return target;
}

const QUIET = ['-v', 'error', '-nostdin', '-y'];

/**
 * Noise, so that no two frames are equal. A file of its own, because a limit of frames ends every stream of an output;
 * ADTS, because that forgets the encoder's priming, for which players would drop a frame of each round.
 */
function audioCommand(spec: ClipSpec, frames: number): string[] {
  const source = `anoisesrc=r=${spec.audioHz}:d=${spec.seconds}:a=0.3:seed=7`;
  const limits = ['-frames:a', String(frames), '-c:a', 'aac', '-b:a', '48k', '-ac', '1'];
  return [...QUIET, '-f', 'lavfi', '-i', source, ...limits, 'AUDIO.aac'];
}

function videoCommand(spec: ClipSpec, frames: number): string[] {
  const source = `testsrc2=s=${spec.width}x${spec.height}:r=${spec.fps}:d=${spec.seconds},noise=alls=12:allf=t:all_seed=7${spec.numbered ? `,${numberFilter()}` : ''}`;
  const rate = `${spec.bitrateKbps}k`;
  const group = `keyint=${spec.gop}:min-keyint=${spec.gop}:scenecut=0:open-gop=0:bframes=${spec.bFrames}:b-adapt=0`;
  const encoder =
    spec.codec === 'h264'
      ? ['-c:v', 'libx264', '-preset', 'veryfast', '-x264-params', group, '-bsf:v', 'filter_units=remove_types=6']
      : ['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-x265-params', `${group}:info=0:log-level=none`];
  return [
    ...QUIET,
    ...['-f', 'lavfi', '-i', source],
    ...(spec.audioHz > 0 ? ['-i', 'AUDIO.aac', '-map', '0:v', '-map', '1:a', '-c:a', 'copy'] : []),
    ...[...encoder, '-pix_fmt', 'yuv420p', '-b:v', rate, '-maxrate', rate, '-bufsize', rate],
    ...(spec.audioHz > 0 ? [] : ['-frames:v', String(frames)]),
    ...['-movflags', '+faststart', 'RESULT.mp4'],
  ];
}
