// Takes fragments apart and makes smaller ones of them: of one keyframe, or without sound. Reads them in the one shape in which they are
// written (native/media/fragment.cc); everything else is damage.

const VIDEO_TRACK = 1;
const AUDIO_TRACK = 2;
/** As native/media/moof_reader.h. */
export const MAX_MOOF_BYTES = 1024 * 1024;
const MAX_FRAGMENT_BYTES = 64 * 1024 * 1024;
const MAX_RUNS = 4;
const MAX_TIME = 2n ** 52n;

const MFHD_BYTES = 16;
const TFHD_BYTES = 16;
const TFDT_BYTES = 20;
/** Up to its first sample. */
const TRUN_HEAD_BYTES = 20;
const SAMPLE_BYTES = 16;
const SYNC_SAMPLE = 0x02000000;

/** The samples of one track. Times in its timescale. */
export interface FragmentRun {
  track: number;
  /** dts of the first sample on the file's time line. */
  baseTime: number;
  /** Of each sample: duration, size, flags, composition offset. */
  samples: Buffer;
  /** Of all its samples; they stand behind those of the runs before. */
  mediaBytes: number;
}

export interface Fragment {
  /** moof and head of the mdat. */
  headBytes: number;
  sizeBytes: number;
  runs: FragmentRun[];
}

/** Of the fragment that begins with these bytes. A number = so many are needed; undefined = damage. */
export function readFragment(bytes: Buffer): Fragment | number | undefined {
  if (bytes.length < 8) return 8;
  const moofBytes = bytes.readUInt32BE(0);
  if (bytes.toString('latin1', 4, 8) !== 'moof' || moofBytes < 8 || moofBytes > MAX_MOOF_BYTES) return undefined;
  if (bytes.length < moofBytes + 8) return moofBytes + 8;
  const mdatBytes = bytes.readUInt32BE(moofBytes);
  if (bytes.toString('latin1', moofBytes + 4, moofBytes + 8) !== 'mdat') return undefined;
  if (mdatBytes < 8 || mdatBytes > MAX_FRAGMENT_BYTES) return undefined;
  const runs = readRuns(bytes.subarray(0, moofBytes));
  const mediaBytes = runs?.reduce((sum, run) => sum + run.mediaBytes, 0);
  if (!runs || mediaBytes !== mdatBytes - 8) return undefined;
  return { headBytes: moofBytes + 8, sizeBytes: moofBytes + mdatBytes, runs };
}

function readRuns(moof: Buffer): FragmentRun[] | undefined {
  const runs: FragmentRun[] = [];
  if (!isBox(moof, 8, 'mfhd', MFHD_BYTES)) return undefined;
  let at = 8 + MFHD_BYTES;
  let mediaBytes = 0;
  while (at < moof.length) {
    const run = runs.length < MAX_RUNS ? readRun(moof, at, moof.length + 8 + mediaBytes) : undefined;
    if (!run) return undefined;
    runs.push(run);
    mediaBytes += run.mediaBytes;
    at += moof.readUInt32BE(at);
  }
  return runs.length > 0 ? runs : undefined;
}

/** `dataOffset`: where its samples have to stand. */
function readRun(moof: Buffer, at: number, dataOffset: number): FragmentRun | undefined {
  const tfhd = at + 8;
  const tfdt = tfhd + TFHD_BYTES;
  const trun = tfdt + TFDT_BYTES;
  const first = trun + TRUN_HEAD_BYTES;
  if (moof.length < first) return undefined;
  const end = at + moof.readUInt32BE(at);
  if (end > moof.length || end < first + SAMPLE_BYTES || !isBox(moof, at, 'traf', end - at)) return undefined;
  if (!isBox(moof, tfhd, 'tfhd', TFHD_BYTES) || moof.readUInt32BE(tfhd + 8) !== 0x020000) return undefined;
  if (!isBox(moof, tfdt, 'tfdt', TFDT_BYTES) || moof.readUInt32BE(tfdt + 8) !== 0x01000000) return undefined;
  if (!isBox(moof, trun, 'trun', end - trun) || moof.readUInt32BE(trun + 8) !== 0x01000f01) return undefined;
  const track = moof.readUInt32BE(tfhd + 12);
  const baseTime = moof.readBigUInt64BE(tfdt + 12);
  const count = moof.readUInt32BE(trun + 12);
  if ((track !== VIDEO_TRACK && track !== AUDIO_TRACK) || baseTime >= MAX_TIME) return undefined;
  if (moof.readUInt32BE(trun + 16) !== dataOffset || end - first !== count * SAMPLE_BYTES) return undefined;
  const samples = moof.subarray(first, end);
  let mediaBytes = 0;
  for (let from = 4; from < samples.length; from += SAMPLE_BYTES) mediaBytes += samples.readUInt32BE(from);
  return { track, baseTime: Number(baseTime), samples, mediaBytes };
}

function isBox(bytes: Buffer, at: number, type: string, sizeBytes: number): boolean {
  return (
    at + 8 <= bytes.length && bytes.readUInt32BE(at) === sizeBytes && bytes.toString('latin1', at + 4, at + 8) === type
  );
}

/** One picture of a fragment. */
export interface Picture {
  /** Of its bytes, from the fragment's first. */
  offset: number;
  sizeBytes: number;
  /** Picture time on the file's time line, 90 kHz. */
  pts90k: number;
  /** Its run, with this one sample. */
  run: FragmentRun;
}

/** The last keyframe shown at or before `at90k`, else, with `orFirst`, the first keyframe. */
export function keyPicture({ runs, headBytes }: Fragment, at90k: number, orFirst: boolean): Picture | undefined {
  let found: Picture | undefined;
  let offset = headBytes;
  for (const { track, baseTime, samples, mediaBytes } of runs) {
    if (track !== VIDEO_TRACK) {
      offset += mediaBytes;
      continue;
    }
    let dts = baseTime;
    for (let at = 0; at < samples.length; at += SAMPLE_BYTES) {
      const sizeBytes = samples.readUInt32BE(at + 4);
      const pts90k = dts + samples.readInt32BE(at + 12);
      if (samples.readUInt32BE(at + 8) === SYNC_SAMPLE && (pts90k <= at90k || (orFirst && !found))) {
        const run = { track, baseTime: dts, samples: samples.subarray(at, at + SAMPLE_BYTES), mediaBytes: sizeBytes };
        found = { offset, sizeBytes, pts90k, run };
      }
      dts += samples.readUInt32BE(at);
      offset += sizeBytes;
    }
  }
  return found;
}

/** When its pictures begin and how long they take, 90 kHz; undefined without pictures. */
export function pictureSpan({
  runs,
}: Fragment): { start90k: number; duration90k: number; beginsWithKey: boolean } | undefined {
  const run = runs.find(one => one.track === VIDEO_TRACK);
  if (!run) return undefined;
  let start90k = Number.POSITIVE_INFINITY;
  let duration90k = 0;
  for (let at = 0; at < run.samples.length; at += SAMPLE_BYTES) {
    start90k = Math.min(start90k, run.baseTime + duration90k + run.samples.readInt32BE(at + 12));
    duration90k += run.samples.readUInt32BE(at);
  }
  return { start90k, duration90k, beginsWithKey: run.samples.readUInt32BE(8) === SYNC_SAMPLE };
}

/** moof and head of the mdat for runs whose media follow in their order. */
export function encodeHead(runs: readonly FragmentRun[]): Buffer {
  const trafBytes = runs.map(run => 8 + TFHD_BYTES + TFDT_BYTES + TRUN_HEAD_BYTES + run.samples.length);
  const moofBytes = 8 + MFHD_BYTES + trafBytes.reduce((sum, size) => sum + size, 0);
  const head = Buffer.alloc(moofBytes + 8);
  let at = box(head, 0, 'moof', moofBytes);
  box(head, at, 'mfhd', MFHD_BYTES);
  head.writeUInt32BE(1, at + 12);
  at += MFHD_BYTES;
  let dataOffset = moofBytes + 8;
  for (const [index, run] of runs.entries()) {
    at = box(head, at, 'traf', trafBytes[index] as number);
    box(head, at, 'tfhd', TFHD_BYTES);
    head.writeUInt32BE(0x020000, at + 8);
    head.writeUInt32BE(run.track, at + 12);
    at += TFHD_BYTES;
    box(head, at, 'tfdt', TFDT_BYTES);
    head.writeUInt32BE(0x01000000, at + 8);
    head.writeBigUInt64BE(BigInt(run.baseTime), at + 12);
    at += TFDT_BYTES;
    box(head, at, 'trun', TRUN_HEAD_BYTES + run.samples.length);
    head.writeUInt32BE(0x01000f01, at + 8);
    head.writeUInt32BE(run.samples.length / SAMPLE_BYTES, at + 12);
    head.writeUInt32BE(dataOffset, at + 16);
    run.samples.copy(head, at + TRUN_HEAD_BYTES);
    at += TRUN_HEAD_BYTES + run.samples.length;
    dataOffset += run.mediaBytes;
  }
  box(head, at, 'mdat', dataOffset - moofBytes);
  return head;
}

/** Gives where its content begins. */
function box(bytes: Buffer, at: number, type: string, sizeBytes: number): number {
  bytes.writeUInt32BE(sizeBytes, at);
  bytes.write(type, at + 4, 'latin1');
  return at + 8;
}

/** What a fragment at `offset` becomes without its sound: heads, and where their pictures stand; nothing when it has none. */
export function picturesOnly(fragment: Fragment, offset: number): (Buffer | { offset: number; sizeBytes: number })[] {
  let at = offset + fragment.headBytes;
  return fragment.runs.flatMap(run => {
    const media = { offset: at, sizeBytes: run.mediaBytes };
    at += run.mediaBytes;
    return run.track === VIDEO_TRACK ? [encodeHead([run]), media] : [];
  });
}

/** ftyp and moov with the picture's track only; undefined when they are damaged. */
export function initWithoutSound(init: Buffer): Buffer | undefined {
  const top = boxesOf(init);
  const moov = top?.find(one => one.type === 'moov');
  const children = moov && boxesOf(moov.content);
  if (!top || !children) return undefined;
  const kept: Buffer[] = [];
  for (const child of children) {
    if (child.type === 'trak' && trackOf(child.content) !== VIDEO_TRACK) continue;
    const extended = child.type === 'mvex' ? boxesOf(child.content) : [];
    if (!extended) return undefined;
    if (child.type !== 'mvex') kept.push(child.whole);
    else
      kept.push(
        parent(
          'mvex',
          extended.filter(isPicture).map(one => one.whole),
        ),
      );
  }
  return Buffer.concat(top.map(one => (one === moov ? parent('moov', kept) : one.whole)));
}

interface Box {
  type: string;
  whole: Buffer;
  content: Buffer;
}

/** Of a trex: its track; other boxes are kept. */
function isPicture({ type, content }: Box): boolean {
  return type !== 'trex' || (content.length >= 8 && content.readUInt32BE(4) === VIDEO_TRACK);
}

function trackOf(trak: Buffer): number | undefined {
  const tkhd = boxesOf(trak)?.find(one => one.type === 'tkhd')?.content;
  const at = tkhd?.[0] === 1 ? 20 : 12;
  return tkhd && tkhd.length >= at + 4 ? tkhd.readUInt32BE(at) : undefined;
}

function boxesOf(bytes: Buffer): Box[] | undefined {
  const boxes: Box[] = [];
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = at + 8 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    if (sizeBytes < 8 || at + sizeBytes > bytes.length) return undefined;
    const whole = bytes.subarray(at, at + sizeBytes);
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), whole, content: whole.subarray(8) });
    at += sizeBytes;
  }
  return boxes;
}

function parent(type: string, children: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  box(head, 0, type, 8 + children.reduce((sum, child) => sum + child.length, 0));
  return Buffer.concat([head, ...children]);
}
