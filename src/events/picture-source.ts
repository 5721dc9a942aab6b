// Which files may hold the keyframe nearest to a moment, and whether a nearer one may still come.
import { join } from 'node:path';
import type { CameraId } from '../core/index.ts';
import type { Engine, PictureRequest } from '../native/index.ts';
import type { Store } from '../storage/index.ts';

/** A file, as pictures are asked for. */
export type PictureFile = Omit<PictureRequest, 'atMs' | 'width' | 'isWanted'> & { endMs: number };

export interface PictureFiles {
  /** The newest that holds the moment; the last before it when that is asked for and none does. */
  file?: PictureFile;
  /** The first that begins behind the moment. */
  next?: PictureFile;
  /** There is a keyframe behind the moment on disk, or so much footage that there should be one. */
  isSure: boolean;
  /** Of the stream at present, 0 when it is not known. */
  gopMs: number;
}

export interface PictureSourceOptions {
  store: Pick<Store, 'segments' | 'segmentsFolder'>;
  engine: Pick<Engine, 'stats'>;
}

/** No keyframe further behind the moment is looked for. */
export const MOST_BEHIND_MS = 15_000;
/** The least footage behind the moment that is waited for. */
const LEAST_BEHIND_MS = 1000;
/** Files of the shortest length in that time and in a pre-roll, of a few clock generations. */
const MOST_FILES = 40;

/** `fromMs`: how far back the last file before the moment is looked for; undefined = not at all. */
export function pictureFiles(
  { store, engine }: PictureSourceOptions,
  camera: CameraId,
  atMs: number,
  fromMs: number | undefined,
): PictureFiles {
  const stream = 'main';
  const stats = engine.stats().streams.find(one => one.camera === camera && one.stream === stream);
  const gopMs = stats?.gopMs || 0;
  const range = { startMs: Math.max(0, fromMs ?? atMs), endMs: atMs + MOST_BEHIND_MS };
  const closed = store.segments.list({ camera, stream, ...range, limit: MOST_FILES, newestFirst: true }).segments;
  const known = new Set(closed.map(({ path }) => path));
  const all = [...closed, ...(stats?.open ?? []).filter(one => !known.has(one.path) && one.endMs > one.startMs)].map(
    ({ path, sizeBytes, startMs, endMs, clockGen }): PictureFile => ({
      ...{ path: join(store.segmentsFolder, path), sizeBytes, camera, stream, startMs, endMs, clockGen },
    }),
  );
  const newest = (files: PictureFile[]) => files.sort((a, b) => b.clockGen - a.clockGen || b.endMs - a.endMs)[0];
  const file =
    newest(all.filter(one => one.startMs <= atMs && one.endMs > atMs)) ??
    (fromMs === undefined ? undefined : newest(all.filter(one => one.endMs <= atMs && one.endMs > fromMs)));
  const next = all
    .filter(one => one.startMs > atMs && one.startMs <= range.endMs && (!file || one.clockGen === file.clockGen))
    .sort((a, b) => a.startMs - b.startMs)[0];
  const behindMs = Math.min(Math.max(gopMs, LEAST_BEHIND_MS), MOST_BEHIND_MS);
  const isSure = file !== undefined && (next !== undefined || file.endMs >= atMs + behindMs);
  return { ...(file ? { file } : {}), ...(next ? { next } : {}), isSure, gopMs };
}
