// Reads what a player must know of fragmented MP4: the time scales of an init segment, and when the pictures of a fragment are
// shown. Bytes that are no MP4 give undefined; work is bounded by their length.

export interface Track {
  id: number;
  timescale: number;
  video: boolean;
}

/** The video samples of one fragment, or its sound where it has no video; seconds on the file's time line. */
export interface FragmentTimes {
  video: boolean;
  /** The first sample can be decoded by itself. */
  key: boolean;
  /** When each sample is shown, in order of showing. */
  shownS: number[];
  /** Until when the last one is shown. */
  endS: number;
}

/** A fragment holds at most that many samples of one track; beyond it is taken for damage. */
const MOST_SAMPLES = 20_000;
const NOT_SYNC = 0x10000;

/** Tracks of an init segment. */
export function tracksOf(bytes: Uint8Array): Track[] | undefined {
  const view = viewOf(bytes);
  const moov = boxes(view, 0, view.byteLength).find(box => box.type === 'moov');
  if (!moov) return undefined;
  const tracks: Track[] = [];
  for (const trak of inside(view, moov, 'trak')) {
    const tkhd = inside(view, trak, 'tkhd')[0];
    const mdia = inside(view, trak, 'mdia')[0];
    const mdhd = mdia && inside(view, mdia, 'mdhd')[0];
    const hdlr = mdia && inside(view, mdia, 'hdlr')[0];
    if (!tkhd || !mdhd || !hdlr) continue;
    // Both have two times before, of 4 or 8 bytes by their version.
    const id = number32(view, tkhd, view.getUint8(tkhd.from) === 1 ? 20 : 12);
    const timescale = number32(view, mdhd, view.getUint8(mdhd.from) === 1 ? 20 : 12);
    const handler = number32(view, hdlr, 8);
    if (id && timescale) tracks.push({ id, timescale, video: handler === 0x76696465 });
  }
  return tracks.length > 0 ? tracks : undefined;
}

/** Times of the fragments in these bytes, together: of the video track, else of the first that is known. */
export function fragmentTimes(bytes: Uint8Array, tracks: readonly Track[]): FragmentTimes | undefined {
  const view = viewOf(bytes);
  let video: FragmentTimes | undefined;
  let other: FragmentTimes | undefined;
  for (const moof of boxes(view, 0, view.byteLength)) {
    if (moof.type !== 'moof') continue;
    for (const traf of inside(view, moof, 'traf')) {
      const times = trafTimes(view, traf, tracks);
      if (times?.video) video = video ? joined(video, times) : times;
      else other ??= times;
    }
  }
  return video ?? other;
}

function joined(a: FragmentTimes, b: FragmentTimes): FragmentTimes {
  const shownS = [...a.shownS, ...b.shownS].sort((one, other) => one - other);
  return { ...a, shownS, endS: Math.max(a.endS, b.endS) };
}

function trafTimes(view: DataView, traf: Box, tracks: readonly Track[]): FragmentTimes | undefined {
  const tfhd = inside(view, traf, 'tfhd')[0];
  const tfdt = inside(view, traf, 'tfdt')[0];
  const track = tfhd && tracks.find(({ id }) => id === number32(view, tfhd, 4));
  if (!tfhd || !tfdt || !track) return undefined;
  const defaults = headerDefaults(view, tfhd);
  let decodeTime =
    view.getUint8(tfdt.from) === 1 && tfdt.from + 12 <= tfdt.to
      ? view.getUint32(tfdt.from + 4) * 2 ** 32 + view.getUint32(tfdt.from + 8)
      : (number32(view, tfdt, 4) ?? 0);
  const shownS: number[] = [];
  let end = 0;
  let key: boolean | undefined;
  for (const trun of inside(view, traf, 'trun')) {
    for (const sample of samples(view, trun, defaults)) {
      if (shownS.length >= MOST_SAMPLES) return undefined;
      key ??= !(sample.flags & NOT_SYNC);
      shownS.push((decodeTime + sample.offset) / track.timescale);
      decodeTime += sample.duration;
      end = Math.max(end, decodeTime + sample.offset);
    }
  }
  if (shownS.length === 0) return undefined;
  shownS.sort((a, b) => a - b);
  return { video: track.video, key: key ?? false, shownS, endS: end / track.timescale };
}

/** The bytes of each fragment, in order. */
export function fragmentsOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const view = viewOf(bytes);
  const starts = boxes(view, 0, view.byteLength).flatMap(({ type, at }) => (type === 'moof' ? [at] : []));
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.length));
}

interface Defaults {
  duration: number;
  flags: number;
}

/** ISO/IEC 14496-12 8.8.7: what is there is said by the flags, in this order. */
function headerDefaults(view: DataView, tfhd: Box): Defaults {
  const flags = flagsOf(view, tfhd);
  let at = 8;
  if (flags & 1) at += 8;
  if (flags & 2) at += 4;
  const duration = flags & 8 ? (number32(view, tfhd, at) ?? 0) : 0;
  if (flags & 8) at += 4;
  if (flags & 0x10) at += 4;
  return { duration, flags: flags & 0x20 ? (number32(view, tfhd, at) ?? 0) : 0 };
}

/** ISO/IEC 14496-12 8.8.8. */
function* samples(view: DataView, trun: Box, defaults: Defaults) {
  const flags = flagsOf(view, trun);
  const count = number32(view, trun, 4) ?? 0;
  let at = trun.from + 8 + (flags & 1 ? 4 : 0);
  const firstFlags = flags & 4 ? (number32(view, trun, at - trun.from) ?? 0) : undefined;
  if (flags & 4) at += 4;
  const size = 4 * [0x100, 0x200, 0x400, 0x800].filter(flag => flags & flag).length;
  for (let index = 0; index < Math.min(count, MOST_SAMPLES + 1) && at + size <= trun.to; index++) {
    let field = at;
    const take = (flag: number, otherwise: number) => (flags & flag ? view.getUint32((field += 4) - 4) : otherwise);
    const duration = take(0x100, defaults.duration);
    take(0x200, 0);
    const own = take(0x400, defaults.flags);
    // Signed in version 1; nobody shifts by more than 2^31 units in version 0.
    const offset = take(0x800, 0) | 0;
    yield { duration, flags: index === 0 && firstFlags !== undefined ? firstFlags : own, offset };
    at += size;
  }
}

interface Box {
  type: string;
  at: number;
  /** Of what it holds. */
  from: number;
  to: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whole boxes between two places; ends at the first that is damaged. */
function boxes(view: DataView, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    let size = view.getUint32(at);
    let header = 8;
    if (size === 1 && at + 16 <= to) {
      size = view.getUint32(at + 8) * 2 ** 32 + view.getUint32(at + 12);
      header = 16;
    } else if (size === 0) size = to - at;
    if (size < header || at + size > to) break;
    const type = String.fromCharCode(...[4, 5, 6, 7].map(offset => view.getUint8(at + offset)));
    found.push({ type, at, from: at + header, to: at + size });
    at += size;
  }
  return found;
}

function inside(view: DataView, box: Box, type: string): Box[] {
  return boxes(view, box.from, box.to).filter(one => one.type === type && one.to - one.from >= 4);
}

function flagsOf(view: DataView, box: Box): number {
  return view.getUint32(box.from) & 0xffffff;
}

function number32(view: DataView, box: Box, at: number): number | undefined {
  return box.from + at + 4 <= box.to ? view.getUint32(box.from + at) : undefined;
}
