// Compares recorded segments with what a camera sent: every unit once, in order, and picture and sound in step.
import { join } from 'node:path';
import type { Segment } from '../../src/api/contract.ts';
import type { SentUnit } from './camera.ts';
import { type ProbedFile, probe } from './ffprobe.ts';
import { segmentPath } from './footage.ts';

export interface RecordedFile extends ProbedFile {
  segment: Segment;
}

/** Closed segments as ffprobe sees their files. */
export async function probeSegments(dataDir: string, segments: readonly Segment[]): Promise<RecordedFile[]> {
  const files: RecordedFile[] = [];
  for (const segment of segments) {
    files.push({ ...(await probe(join(dataDir, 'segments', segmentPath(segment)))), segment });
  }
  return files;
}

/** Hashes of a track over all files, in order. */
export function hashes(files: readonly RecordedFile[], kind: 'video' | 'audio'): string[] {
  return files.flatMap(file => file[kind].map(packet => packet.sha256));
}

/**
 * The largest difference, in milliseconds, between the distance of sound and picture in the files and the one with which
 * the camera sent them; over all units of all files. The files hold an uninterrupted run of what was sent.
 */
export function worstOffsetMs(files: readonly RecordedFile[], video: SentUnit[], audio: SentUnit[]): number {
  let worst = 0;
  let nextVideo = firstIndex(files, 'video', video);
  let nextAudio = firstIndex(files, 'audio', audio);
  for (const file of files) {
    const shifts = (packets: RecordedFile['video'], sent: SentUnit[], from: number) =>
      packets.map((packet, index) => packet.ptsS * 1000 - (sent[from + index]?.ptsMs ?? Number.NaN));
    const pictures = shifts(file.video, video, nextVideo);
    const sounds = shifts(file.audio, audio, nextAudio);
    nextVideo += pictures.length;
    nextAudio += sounds.length;
    const all = [...pictures, ...sounds];
    worst = Math.max(worst, all.reduce((a, b) => Math.max(a, b)) - all.reduce((a, b) => Math.min(a, b)));
  }
  return worst;
}

/** Where the recording begins in what was sent. */
function firstIndex(files: readonly RecordedFile[], kind: 'video' | 'audio', sent: SentUnit[]): number {
  const wanted = hashes(files, kind).slice(0, 20);
  const found = sent.findIndex((_, at) => wanted.every((sha256, index) => sent[at + index]?.sha256 === sha256));
  if (found < 0) throw new Error(`the recorded ${kind} was never sent`);
  return found;
}
