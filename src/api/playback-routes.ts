// Playback over HTTP: which bytes of which files to fetch for a range of time, and the same without sound.
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { NvrError } from '../core/index.ts';
import type { Playback, PlaybackFragment, PlaybackInit, PlaybackSegment } from './contract.ts';
import { openFile } from './file-source.ts';
import { cameraId, integer, streamName, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { type Piece, piecesSource } from './pieces-source.ts';
import { readHead } from './playback-file.ts';
import { initWithoutSound, picturesOnly } from './playback-fragment.ts';
import { fragmentAt, type PlaybackIndex } from './playback-index.ts';
import { playbackPieces, utcMs } from './playback-segments.ts';
import { route } from './router.ts';
import { endBeforeStart, findSegment, segmentCamera } from './segment-routes.ts';
import type { ByteSource } from './server.ts';
import type { ApiServices } from './services.ts';

const MAX_RANGE_MS = 600_000;
/** Ten minutes of the shortest there are, and some that ended early. */
const MAX_SEGMENTS = 200;
/** Of one answer without sound: their heads are made in memory. */
const MAX_HEADS_BYTES = 1024 * 1024;
const MAX_INIT_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 999_999_999_999_999;

const playbackQuery = v.strictObject({
  camera: cameraId,
  stream: v.optional(streamName, 'main'),
  startMs: timeMs,
  endMs: timeMs,
  audio: v.optional(
    v.pipe(
      v.picklist(['0', '1'], 'Use 0 or 1.'),
      v.transform(text => text === '1'),
    ),
    '1',
  ),
});

const partQuery = v.strictObject({
  offset: integer(0, MAX_FILE_BYTES),
  sizeBytes: integer(1, MAX_FILE_BYTES),
});

export function playbackRoutes(services: ApiServices, index: PlaybackIndex) {
  return [
    route('GET', '/api/playback', {
      identity: 'viewer',
      summary: 'Which bytes to fetch for a range of time.',
      rate: 'media',
      query: playbackQuery,
      cameras: ({ query }) => [query.camera],
      handle: async ({ query: { audio, ...range } }) => {
        checkRange(range);
        const { pieces, endMs } = await playbackPieces(services, index, range, MAX_SEGMENTS);
        const address = (id: string) => `/api/segments/${id}/${audio ? 'file' : 'video'}`;
        const inits = new Map<string, PlaybackInit>();
        const segments = pieces.map(({ segment, map, fragments }): PlaybackSegment => {
          const { id, startMs, codecs, open } = segment;
          const init = audio ? map.initId : `${map.initId}v`;
          if (!inits.has(init)) {
            const shown = audio ? codecs : codecs.split(',', 1).join();
            inits.set(init, { id: init, codecs: shown, url: address(id), sizeBytes: map.initBytes });
          }
          return {
            ...{ id, startMs, endMs: segment.endMs, open, init, url: address(id) },
            firstPts90k: map.firstPts90k,
            fragments: fragments.map(
              ({ start90k, offset, sizeBytes, key }): PlaybackFragment => [
                ...([utcMs(segment, map, start90k), offset, sizeBytes] as const),
                key ? 1 : 0,
              ],
            ),
          };
        });
        const gaps = services.timeline([range.camera], range.stream, range.startMs, endMs)[0]?.gaps ?? [];
        return jsonReply(200, { endMs, inits: [...inits.values()], segments, gaps } satisfies Playback);
      },
    }),
    route('GET', '/api/segments/{id}/video', {
      identity: 'viewer',
      summary: 'Part of a segment file without its sound: its init segment (from 0 on) or whole fragments.',
      rate: 'media',
      media: 'video/mp4',
      cameras: segmentCamera,
      query: partQuery,
      handle: async ({ params, query }) => {
        const body = await soundlessPart(services, params.id ?? '', query);
        return { status: 200, headers: { 'Content-Type': 'video/mp4' }, body };
      },
    }),
  ];
}

function checkRange({ startMs, endMs }: { startMs: number; endMs: number }): void {
  if (endMs < startMs) throw endBeforeStart();
  if (endMs - startMs <= MAX_RANGE_MS) return;
  throw new NvrError('invalid-argument', 'an answer tells of at most 10 minutes', {
    field: 'endMs',
    cure: `Use ${startMs + MAX_RANGE_MS} or an earlier time.`,
  });
}

async function soundlessPart(
  services: ApiServices,
  id: string,
  { offset, sizeBytes }: { offset: number; sizeBytes: number },
): Promise<ByteSource> {
  const segment = findSegment(services, id);
  if (offset + sizeBytes > segment.sizeBytes) throw notWhole();
  const { file } = await openFile(join(services.segments.folder, segment.path));
  try {
    const pieces = offset === 0 ? await soundlessInit(file, sizeBytes) : await soundless(file, offset, sizeBytes);
    return piecesSource(file, pieces);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Of the first bytes of a file: ftyp and moov, no more and no less. */
async function soundlessInit(file: FileHandle, sizeBytes: number): Promise<Piece[]> {
  if (sizeBytes > MAX_INIT_BYTES) throw notWhole();
  const bytes = Buffer.alloc(sizeBytes);
  await file.read(bytes, 0, sizeBytes, 0);
  const init = readHead(bytes) === sizeBytes + 8 ? initWithoutSound(bytes) : undefined;
  if (!init) throw notWhole();
  return [init];
}

/** Of whole fragments. */
async function soundless(file: FileHandle, offset: number, sizeBytes: number): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let at = offset;
  let headsBytes = 0;
  while (at < offset + sizeBytes) {
    const fragment = headsBytes < MAX_HEADS_BYTES ? await fragmentAt(file, at) : undefined;
    if (!fragment || at + fragment.sizeBytes > offset + sizeBytes) throw notWhole();
    headsBytes += fragment.headBytes;
    pieces.push(...picturesOnly(fragment, at));
    at += fragment.sizeBytes;
  }
  return pieces;
}

function notWhole(): NvrError {
  return new NvrError('invalid-argument', 'no whole fragments stand there', {
    field: 'offset',
    cure: 'Use offset and size as GET /api/playback?audio=0 tells them.',
  });
}
