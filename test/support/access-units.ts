// Tells access units apart by their content, so that a recorded file can be compared with what a camera sent.
import { createHash } from 'node:crypto';
import { type Clip, isParameterSet, nalType, nalUnits, type Track } from '../../src/demo/clip.ts';
import { readMp4File } from '../../src/demo/mp4-file.ts';

type Codec = Track['codec'];

/**
 * SHA-256 of an access unit. For video: of its NAL units behind 32-bit lengths, without parameter sets, access unit
 * delimiters and zero bytes behind a unit, because those may come and go on the way without a change to any picture.
 */
export function unitSha256(codec: Codec, data: Buffer, lengthBytes = 4): string {
  const hash = createHash('sha256');
  if (codec === 'aac') return hash.update(data).digest('hex');
  for (const unit of nalUnits(data, lengthBytes)) {
    if (isParameterSet(codec, unit) || nalType(codec, unit) === (codec === 'h264' ? 9 : 35)) continue;
    let end = unit.length;
    while (end > 0 && unit[end - 1] === 0) end--;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(end);
    hash.update(length).update(unit.subarray(0, end));
  }
  return hash.digest('hex');
}

/** The hashes of a plain MP4 clip's video or audio in decode order. */
export async function clipSha256s(path: string, kind: Track['kind']): Promise<string[]> {
  const clip: Clip = await readMp4File(path);
  const track = clip.tracks.find(one => one.kind === kind);
  if (!track) throw new Error(`${path} has no ${kind}`);
  const lengthBytes = track.kind === 'video' ? track.lengthBytes : 4;
  return track.frames.map(frame => unitSha256(track.codec, frame.data, lengthBytes));
}

/** Undefined when `recorded` is an uninterrupted run of `sent`; else a sentence about the first difference. */
export function differenceFromRun(recorded: readonly string[], sent: readonly string[]): string | undefined {
  const first = recorded[0];
  if (first === undefined) return 'nothing was recorded';
  let best = 0;
  for (let start = sent.indexOf(first); start >= 0; start = sent.indexOf(first, start + 1)) {
    let same = 1;
    while (same < recorded.length && recorded[same] === sent[start + same]) same++;
    if (same === recorded.length) return undefined;
    best = Math.max(best, same);
  }
  return best === 0 ? 'unit 0 was never sent' : `unit ${best} of ${recorded.length} is not the one that was sent next`;
}

/** Like `differenceFromRun` against a clip that is played in a loop from any place. */
export function differenceFromLoop(recorded: readonly string[], loop: readonly string[]): string | undefined {
  const sent: string[] = [];
  while (sent.length < recorded.length + loop.length) sent.push(...loop);
  return differenceFromRun(recorded, sent);
}
