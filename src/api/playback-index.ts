// Where the fragments of segment files stand: reads it from the files, with one read of each as a rule, and keeps a little of it.
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { NvrError } from '../core/index.ts';
import { openFile } from './file-source.ts';
import {
  encodeIndex,
  type FragmentPlace,
  INDEX_HEAD_BYTES,
  indexSize,
  readHead,
  readIndex,
  type SegmentHead,
} from './playback-file.ts';
import { type Fragment, MAX_MOOF_BYTES, pictureSpan, readFragment } from './playback-fragment.ts';
import type { IndexedSegment } from './services.ts';

/** All of most files: head, and the index of five minutes. */
const FIRST_READ_BYTES = 8 * 1024;
/** Of large heads, with what follows at once. */
const HEAD_STEPS = 4;
const HEAD_MORE_BYTES = 256;
/** The moof of most fragments. */
const MOOF_READ_BYTES = 4 * 1024;
/** More than the recorder puts into one file: its index has 16 bits for their number. */
const MAX_FRAGMENTS = 65_535;
const MAX_KEPT_BYTES = 512 * 1024;
/** What an entry takes beside its index, about. */
const ENTRY_BYTES = 512;

/** What is asked about; of an open one `sizeBytes` are whole. */
export type PlayableSegment = Pick<
  IndexedSegment,
  'id' | 'camera' | 'stream' | 'startMs' | 'endMs' | 'clockGen' | 'sizeBytes' | 'codecs' | 'path'
> & { open: boolean };

export interface SegmentMap extends SegmentHead {
  /** The same only for the same bytes of ftyp and moov. */
  initId: string;
  /** In file order; at least one. */
  fragments: FragmentPlace[];
}

interface Known {
  head: SegmentHead;
  initId: string;
  /** A sidx; undefined while the file is being written. */
  index: Buffer | undefined;
}

export interface PlaybackIndexOptions {
  /** Absolute. */
  segmentsFolder: string;
  /** The fragments that an open segment has by now, as a sidx; undefined when it is not open any more. */
  openIndex(segment: PlayableSegment): Buffer | undefined;
}

export class PlaybackIndex {
  readonly #options: PlaybackIndexOptions;
  /** By id; oldest use first. */
  readonly #known = new Map<string, Known>();
  #bytes = 0;

  constructor(options: PlaybackIndexOptions) {
    this.#options = options;
  }

  /** Rejects with `not-found` when the file is gone, `data-loss` when it is damaged or another than it should be. */
  async map(segment: PlayableSegment): Promise<SegmentMap> {
    const live = segment.open ? this.#options.openIndex(segment) : undefined;
    const known = this.#take(keyOf(segment)) ?? (await this.#load(segment));
    const index = live ?? known.index ?? (await this.#walkFile(segment, known.head));
    // What was whole in the file when it was asked for: the engine may know more by now.
    const fragments = readIndex(
      index,
      known.head.reservedOffset + known.head.reservedBytes,
      segment.sizeBytes,
      segment.open,
    );
    if (!fragments || fragments.length === 0) throw damaged();
    return { ...known.head, initId: known.initId, fragments };
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  #take(id: string): Known | undefined {
    const known = this.#known.get(id);
    if (known) {
      this.#known.delete(id);
      this.#known.set(id, known);
    }
    return known;
  }

  #keep(id: string, known: Known): void {
    const before = this.#known.get(id);
    if (before) this.#bytes -= sizeOf(before);
    this.#known.delete(id);
    this.#known.set(id, known);
    this.#bytes += sizeOf(known);
    for (const [oldest, entry] of this.#known) {
      if (this.#bytes <= MAX_KEPT_BYTES || oldest === id) break;
      this.#known.delete(oldest);
      this.#bytes -= sizeOf(entry);
    }
  }

  async #load(segment: PlayableSegment): Promise<Known> {
    const { file } = await openFile(join(this.#options.segmentsFolder, segment.path));
    try {
      let bytes = await readAt(file, 0, FIRST_READ_BYTES);
      let head = readHead(bytes);
      // Each step tells of one box more.
      for (let step = 0; typeof head === 'number' && head > bytes.length && step < HEAD_STEPS; step++) {
        bytes = await readAt(file, 0, head + HEAD_MORE_BYTES);
        head = readHead(bytes);
      }
      if (typeof head !== 'object' || head.id !== segment.id) throw damaged();
      const initId = createHash('sha256').update(bytes.subarray(0, head.initBytes)).digest('hex').slice(0, 16);
      const index = segment.open
        ? undefined
        : ((await readIndexOf(file, head, bytes)) ?? (await walk(file, head, segment.sizeBytes)));
      const known = { head, initId, index };
      this.#keep(keyOf(segment), known);
      return known;
    } finally {
      await file.close();
    }
  }

  async #walkFile(segment: PlayableSegment, head: SegmentHead): Promise<Buffer> {
    const { file } = await openFile(join(this.#options.segmentsFolder, segment.path));
    try {
      return await walk(file, head, segment.sizeBytes);
    } finally {
      await file.close();
    }
  }
}

function keyOf({ id, open }: PlayableSegment): string {
  return open ? `${id} open` : id;
}

function sizeOf({ index }: Known): number {
  return ENTRY_BYTES + (index?.length ?? 0);
}

/** Its sidx; undefined when there is none. */
async function readIndexOf(file: FileHandle, head: SegmentHead, bytes: Buffer): Promise<Buffer | undefined> {
  let reserved = bytes.subarray(head.reservedOffset);
  if (reserved.length < INDEX_HEAD_BYTES) reserved = await readAt(file, head.reservedOffset, FIRST_READ_BYTES);
  const sizeBytes = indexSize(reserved);
  if (sizeBytes === undefined || sizeBytes > head.reservedBytes) return undefined;
  if (reserved.length < sizeBytes) reserved = await readAt(file, head.reservedOffset, sizeBytes);
  // The first fragment stands where the reserved box ends.
  if (reserved.length < sizeBytes || Number(reserved.readBigUInt64BE(28)) !== head.reservedBytes - sizeBytes)
    return undefined;
  // A copy of its own: nothing else is kept with it.
  const index = Buffer.allocUnsafeSlow(sizeBytes);
  reserved.copy(index);
  return index;
}

/** From fragment to fragment, for a file without index: up to the first that is not whole. */
async function walk(file: FileHandle, head: SegmentHead, sizeBytes: number): Promise<Buffer> {
  const places: FragmentPlace[] = [];
  let offset = head.reservedOffset + head.reservedBytes;
  while (offset < sizeBytes && places.length < MAX_FRAGMENTS) {
    const fragment = await fragmentAt(file, offset);
    if (!fragment || offset + fragment.sizeBytes > sizeBytes) break;
    const span = pictureSpan(fragment);
    const last = places.at(-1);
    if (span) {
      const { start90k, duration90k, beginsWithKey: key } = span;
      places.push({ offset, sizeBytes: fragment.sizeBytes, start90k, duration90k, key });
    } else if (last) last.sizeBytes += fragment.sizeBytes;
    else places.push({ offset, sizeBytes: fragment.sizeBytes, start90k: 0, duration90k: 0, key: false });
    offset += fragment.sizeBytes;
  }
  return encodeIndex(places);
}

/** Of the fragment that stands there; undefined when none does. */
export async function fragmentAt(file: FileHandle, offset: number): Promise<Fragment | undefined> {
  let fragment = readFragment(await readAt(file, offset, MOOF_READ_BYTES));
  if (typeof fragment === 'number' && fragment > MOOF_READ_BYTES && fragment <= MAX_MOOF_BYTES + 8) {
    fragment = readFragment(await readAt(file, offset, fragment));
  }
  return typeof fragment === 'object' ? fragment : undefined;
}

/** As much of `sizeBytes` as the file has. */
async function readAt(file: FileHandle, offset: number, sizeBytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(sizeBytes);
  const { bytesRead } = await file.read(buffer, 0, sizeBytes, offset);
  return buffer.subarray(0, bytesRead);
}

function damaged(): NvrError {
  return new NvrError('data-loss', 'the file of this segment is damaged');
}
