// Stand-ins for segment files and their examination, so that tests of the store need no media: one JSON line per fragment.
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SegmentKey } from '../../src/core/index.ts';
import type { Examination, SegmentFacts, Store } from '../../src/storage/index.ts';
import { segmentPath } from '../../src/storage/layout.ts';

const CLOSED = 'closed\n';
export const LOOK: Examination = { write: false, thorough: true };
export const CODECS = 'avc1.64001f,mp4a.40.2';

export interface FakeSegment extends SegmentKey {
  store: string;
}

/** Makes the file of a segment with `fragments` seconds of footage; returns its path relative to the segments folder. */
export function writeSegment(folder: string, segment: FakeSegment, fragments: number, closed: boolean): string {
  const path = segmentPath(segment, false);
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const lines = Array.from({ length: fragments }, () => 'fragment\n').join('');
  writeFileSync(file, `${JSON.stringify(segment)}\n${lines}${closed ? CLOSED : ''}`, { flag: 'wx' });
  return path;
}

/** A closed segment of camera 1, 10 s long, with its file and its record; returns its id. */
export function recordSegment(store: Store, startMs: number): string {
  const key = { camera: 1, stream: 'main' as const, startMs, clockGen: 0 };
  const path = writeSegment(store.segmentsFolder, { ...key, store: store.uuid }, 10, true);
  const { size: sizeBytes } = statSync(join(store.segmentsFolder, path));
  store.segments.record({ ...key, endMs: startMs + 10_000, sizeBytes, codecs: CODECS, endReason: 'length', path });
  return `1-main-${startMs}-0`;
}

/** What a power cut leaves behind a file's last whole fragment. */
export function tear(file: string): void {
  appendFileSync(file, 'frag');
}

/** What the native addon does, for these files. */
export async function examineFake(path: string, storeUuid: string, { write }: Examination): Promise<SegmentFacts> {
  const none = { camera: 0, stream: 'main', startMs: 0, clockGen: 0, endMs: 0, sizeBytes: 0, codecs: '' } as const;
  const text = readFileSync(path, 'utf8');
  const [head = '', ...rest] = text.split('\n');
  let segment: FakeSegment;
  try {
    segment = JSON.parse(head) as FakeSegment;
  } catch {
    return { ...none, state: 'foreign' };
  }
  if (segment.store !== storeUuid) return { ...none, state: 'foreign' };
  const fragments = rest.filter(line => line === 'fragment').length;
  const whole = `${head}\n${'fragment\n'.repeat(fragments)}`;
  const { camera, stream, startMs, clockGen } = segment;
  const facts = { camera, stream, startMs, clockGen, endMs: startMs + fragments * 1000, codecs: CODECS };
  if (fragments === 0) return { ...facts, state: 'empty', sizeBytes: 0 };
  const state = text === whole + CLOSED ? 'whole' : 'repaired';
  if (state === 'repaired' && write) {
    truncateSync(path, Buffer.byteLength(whole));
    appendFileSync(path, CLOSED);
  }
  return { ...facts, state, sizeBytes: Buffer.byteLength(whole) + CLOSED.length };
}
