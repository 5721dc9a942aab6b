// A store with days of closed segments, made in seconds: each file has its true header and index, and its media only where that is
// looked at.
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/core/index.ts';
import { segmentExaminer } from '../../src/native/index.ts';
import { crc32 } from '../../src/storage/crc32.ts';
import { Database } from '../../src/storage/database.ts';
import { openLmdb } from '../../src/storage/environment.ts';
import { segmentPath } from '../../src/storage/layout.ts';
import { SegmentTable } from '../../src/storage/segments.ts';
import { type ClipSpec, clipFile } from '../support/clips.ts';
import { fakeLog } from '../support/fake-log.ts';
import { SegmentTemplate } from '../support/segment-copies.ts';
import { makeSegmentFile } from '../support/segment-file.ts';
import { tempDir } from '../support/temp.ts';

export const SEGMENT_MS = 300_000;
/** Offsets in the `uuid` box: see native/media/segment_header.cc. */
const CAMERA_AT = 44;
const START_AT = 52;
const CHECKSUM_AT = 76;

export interface StoredDays {
  /** Of a service that does not run. */
  dataDir: string;
  /** Cameras 1 to this. */
  cameras: number;
  beginMs: number;
  /** Of each camera, one behind the other. */
  segments: number;
  clip: ClipSpec;
  /** Which part of a segment's media is there, in milliseconds from its start; undefined = a hole. */
  media(camera: number, startMs: number): { fromMs: number; toMs: number } | undefined;
}

/** Writes files and index; gives back the starts of the segments. */
export async function storeDays(days: StoredDays): Promise<number[]> {
  const { dataDir, cameras, beginMs, segments, clip } = days;
  const bytes = await template(dataDir, beginMs - SEGMENT_MS, clip);
  const fragments = fragmentOffsets(bytes);
  const { logger: log } = fakeLog();
  const folder = join(dataDir, 'index');
  const options = { clock: systemClock, log, maxBytes: 1 << 30, onStep: () => undefined, onHealth: () => undefined };
  const database = new Database({ ...options, open: () => openLmdb(folder) });
  database.start();
  const table = new SegmentTable(database, log, () => undefined);
  await table.load();
  const starts = Array.from({ length: segments }, (_, number) => beginMs + number * SEGMENT_MS);
  for (const startMs of starts) {
    for (let camera = 1; camera <= cameras; camera++) {
      const key = { camera, stream: 'main', startMs, clockGen: 1 } as const;
      const path = join(dataDir, 'segments', segmentPath(key, false));
      writeSegment(path, { bytes, fragments, camera, startMs, media: days.media(camera, startMs) });
      const facts = { endMs: startMs + SEGMENT_MS, sizeBytes: bytes.length, codecs: 'avc1.64001f,mp4a.40.2' };
      table.record({ ...key, ...facts, endReason: 'length', path: segmentPath(key, false) });
    }
  }
  await database.flush();
  await database.close();
  return starts;
}

interface Copy {
  bytes: Buffer;
  fragments: readonly number[];
  camera: number;
  startMs: number;
  media: { fromMs: number; toMs: number } | undefined;
}

function writeSegment(path: string, { bytes, fragments, camera, startMs, media }: Copy): void {
  const uuidAt = uuidOffset(bytes);
  const head = Buffer.from(bytes.subarray(0, fragments[0]));
  head.writeUInt32BE(camera, uuidAt + CAMERA_AT);
  head.writeBigInt64BE(BigInt(startMs), uuidAt + START_AT);
  head.writeUInt32BE(crc32(head.subarray(0, uuidAt + CHECKSUM_AT)), uuidAt + CHECKSUM_AT);
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'wx', 0o640);
  writeSync(file, head);
  if (media) {
    const offsetOf = (ms: number) => fragments[Math.min(fragments.length - 1, Math.max(0, Math.floor(ms / 1000)))] ?? 0;
    const fromAt = offsetOf(media.fromMs);
    const toAt = media.toMs >= SEGMENT_MS ? bytes.length : offsetOf(media.toMs);
    writeSync(file, bytes, fromAt, toAt - fromAt, fromAt);
  }
  ftruncateSync(file, bytes.length);
  closeSync(file);
}

/** Behind `ftyp` and `moov`. */
function uuidOffset(bytes: Buffer): number {
  const moovAt = bytes.readUInt32BE(0);
  return moovAt + bytes.readUInt32BE(moovAt);
}

/** Of fragments, each of which is a second long. */
function fragmentOffsets(bytes: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'moof') offsets.push(at);
  }
  if (offsets.length !== SEGMENT_MS / 1000) throw new Error(`${offsets.length} fragments in the template`);
  return offsets;
}

/** A closed segment, made of a clip that repeats. */
async function template(dataDir: string, startMs: number, spec: ClipSpec): Promise<Buffer> {
  const { body } = JSON.parse(readFileSync(join(dataDir, 'identity.json'), 'utf8')) as { body: { store: string } };
  const storeUuid = body.store;
  const work = tempDir('template');
  const clip = await clipFile(spec);
  const key = { camera: 1, stream: 'main', startMs, clockGen: 1 } as const;
  const { path } = await makeSegmentFile({ ...key, storeUuid, folder: join(work, 'short'), clip, closed: true });
  const folder = join(work, 'long');
  new SegmentTemplate(path).write({ folder, camera: 1, startMs, seconds: SEGMENT_MS / 1000 });
  const long = join(folder, segmentPath(key, false));
  const { state } = await segmentExaminer()(long, storeUuid, { write: true, thorough: true });
  if (state !== 'repaired') throw new Error(`the template is ${state}`);
  return readFileSync(long);
}
