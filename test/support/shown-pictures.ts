// The pictures of files as a player shows them, told apart by their content: what a cut at a moment has to begin and end with.
import { join } from 'node:path';
import type { Segment } from '../../src/api/contract.ts';
import { run } from './child.ts';
import { segmentPath } from './footage.ts';

/** Pictures that Debian's ffmpeg shows of a file: when, and a hash of their content. */
export async function shown(path: string): Promise<{ timeS: number; hash: string }[]> {
  const { stdout } = await run('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', path, '-map', '0:v'],
    // Without autoscale pictures of another size would be compared after scaling.
    ...['-vsync', 'passthrough', '-autoscale', '0', '-f', 'framemd5', '-'],
  ]);
  const base = /^#tb 0: (\d+)\/(\d+)$/m.exec(stdout);
  const tickS = Number(base?.[1]) / Number(base?.[2]);
  const lines = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return lines.map(line => {
    const fields = line.split(',').map(field => field.trim());
    return { timeS: Number(fields[2]) * tickS, hash: fields[5] ?? '' };
  });
}

/** All pictures of closed segments with the time at which they were recorded, UTC. */
export async function stored(
  dataDir: string,
  segments: readonly Segment[],
): Promise<{ timeMs: number; hash: string }[]> {
  const all = [];
  for (const segment of segments) {
    const pictures = await shown(join(dataDir, 'segments', segmentPath(segment)));
    const zeroS = pictures[0]?.timeS ?? 0;
    all.push(...pictures.map(one => ({ timeMs: segment.startMs + (one.timeS - zeroS) * 1000, hash: one.hash })));
  }
  return all;
}

/**
 * What is wrong with the pictures of a cut of [fromMs, toMs), one sentence each: it has to show those that were recorded then, all of them,
 * the first being the one that was there at that moment.
 */
export function cutFaults(
  made: readonly { timeS: number; hash: string }[],
  all: readonly { timeMs: number; hash: string }[],
  fromMs: number,
  toMs: number,
): string[] {
  // One picture of 40 ms begins before the range and lasts into it.
  const wanted = all.filter(one => one.timeMs > fromMs - 40.5 && one.timeMs < toMs - 0.5);
  const first = wanted.findIndex(one => one.hash === made[0]?.hash);
  if (first < 0 || first > 1) return [`it begins with picture ${first} of ${wanted.length}`];
  const faults: string[] = [];
  const differs = made.findIndex((one, index) => one.hash !== wanted[first + index]?.hash);
  if (differs >= 0) faults.push(`picture ${differs} is not what was recorded`);
  if (made.length !== wanted.length - first) faults.push(`${made.length} pictures instead of ${wanted.length - first}`);
  if ((made[0]?.timeS ?? 1) > 0.041) faults.push(`it starts at ${made[0]?.timeS} s`);
  return faults;
}
