// Segments over HTTP: lists with the one being written, their files with ranges, and their removal.
import { join } from 'node:path';
import * as v from 'valibot';
import { type CameraId, NvrError, parseSegmentId, segmentId } from '../core/index.ts';
import { parseRange } from './byte-range.ts';
import type { Segment, SegmentList } from './contract.ts';
import { fileSource, openFile } from './file-source.ts';
import { cameraId, integer, MAX_TIME_MS, streamName, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { HttpReply, HttpRequest } from './server.ts';
import type { ApiServices, IndexedSegment, SegmentPosition, SegmentQuery } from './services.ts';

const MAX_LIMIT = 1000;

const listQuery = v.strictObject({
  camera: cameraId,
  stream: v.optional(streamName),
  startMs: v.optional(timeMs),
  endMs: v.optional(timeMs),
  limit: v.optional(integer(1, MAX_LIMIT)),
  cursor: v.optional(
    v.pipe(v.string('Use the cursor of the answer before.'), v.maxLength(64, 'Use the cursor of the answer before.')),
  ),
});

const patchSchema = v.strictObject({ locked: v.boolean('Use true or false.') });

const FILE = { identity: 'viewer', rate: 'media', media: 'video/mp4', linkable: true } as const;

export function segmentRoutes(services: ApiServices) {
  return [
    route('GET', '/api/segments', {
      identity: 'viewer',
      summary: 'Segments of a camera, oldest first, with the one being written.',
      cameras: ({ query }) => [query.camera],
      query: listQuery,
      handle: ({ query }) => {
        const { startMs = 0, endMs = MAX_TIME_MS, limit = 100, camera, stream, cursor } = query;
        if (endMs < startMs) throw endBeforeStart();
        return jsonReply(
          200,
          listSegments(services, {
            camera,
            ...(stream ? { stream } : {}),
            startMs,
            endMs,
            limit,
            ...(cursor === undefined ? {} : { cursor }),
          }),
        );
      },
    }),
    route('GET', '/api/segments/{id}/file', {
      ...FILE,
      summary: 'The file of a segment.',
      cameras: segmentCamera,
      handle: ({ params, request }) => sendFile(services, params.id ?? '', request),
    }),
    route('GET', '/api/segments/{id}/file.mp4', {
      ...FILE,
      summary: 'The same for players that go by the end of an address.',
      cameras: segmentCamera,
      handle: ({ params, request }) => sendFile(services, params.id ?? '', request),
    }),
    route('PATCH', '/api/segments/{id}', {
      identity: 'operator',
      summary: 'Locks a segment, or unlocks it.',
      audit: 'change',
      cameras: segmentCamera,
      body: patchSchema,
      handle: async ({ params, body }) => {
        const id = params.id ?? '';
        refuseOpen(services, id);
        const segment = await services.storage.lockSegment(id, body.locked);
        services.log.info(body.locked ? 'segment locked' : 'segment unlocked', { segment: id });
        return jsonReply(200, withEvents(services, [closed(segment)])[0] as Segment);
      },
    }),
    route('DELETE', '/api/segments/{id}', {
      identity: 'viewer',
      right: 'delete',
      summary: 'Deletes a segment that is not locked.',
      audit: 'remove',
      cameras: segmentCamera,
      handle: async ({ params }) => {
        const id = params.id ?? '';
        refuseOpen(services, id);
        await services.segments.remove(id);
        services.log.info('segment removed', { segment: id, cause: 'owner' });
        return { status: 204 };
      },
    }),
  ];
}

/** For rows of the table whose `{id}` is that of a segment. Throws `not-found` for what is none. */
export function segmentCamera({ params }: { params: Record<string, string> }): CameraId[] {
  const key = parseSegmentId(params.id ?? '');
  if (!key) throw noSegment();
  return [key.camera];
}

function refuseOpen(services: ApiServices, id: string): void {
  if (services.segments.get(id) || !openSegments(services).some(open => open.segment.id === id)) return;
  throw new NvrError('failed-precondition', 'the segment is still being written', {
    cure: 'Try again when it is closed.',
  });
}

export function endBeforeStart(): NvrError {
  return new NvrError('invalid-argument', '"endMs" lies before "startMs"', {
    field: 'endMs',
    cure: 'Use a later time.',
  });
}

function listSegments(services: ApiServices, query: SegmentQuery): SegmentList {
  const { camera, stream, startMs, endMs, limit, cursor } = query;
  const { cursorAfter, isAfter } = services.segments;
  // The figures first: asking for them brings the index up to date with what was closed.
  const beingWritten = openSegments(services);
  const page = services.segments.list(query);
  const last = page.segments.at(-1);
  const untilCursor = page.cursor !== undefined && last ? cursorAfter(last) : undefined;
  const open = beingWritten
    .filter(({ segment }) => segment.camera === camera && (stream ?? segment.stream) === segment.stream)
    .filter(({ segment }) => segment.startMs < endMs && segment.endMs >= startMs)
    // Closed a moment ago: then the index knows it although the figures still show it open.
    .filter(({ segment }) => !page.segments.some(known => known.id === segment.id))
    .map(({ segment, clockGen }) => ({ shown: segment, position: { ...segment, clockGen } }))
    .filter(({ position }) => cursor === undefined || isAfter(cursor, position))
    .filter(({ position }) => untilCursor === undefined || !isAfter(untilCursor, position));
  const all = page.segments.map(segment => ({ shown: closed(segment), position: segment as SegmentPosition }));
  // Of one stream the open one comes last; one of main may be older than many of a sub stream that was interrupted.
  for (const one of open) {
    const next = all.findIndex(({ position }) => isAfter(cursorAfter(one.position), position));
    all.splice(next < 0 ? all.length : next, 0, one);
  }
  const kept = all.slice(0, limit);
  const segments = withEvents(
    services,
    kept.map(({ shown }) => shown),
  );
  const end = kept.at(-1);
  if (all.length > limit && end) return { segments, cursor: cursorAfter(end.position) };
  return { segments, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}

type WithoutEvents = Omit<Segment, 'hasEvents'>;

/** Segments of one camera, by their start. */
function withEvents(services: ApiServices, segments: readonly WithoutEvents[]): Segment[] {
  const first = segments[0];
  if (!first) return [];
  const untilMs = Math.max(...segments.map(endOf));
  const ranges = services.segments.eventFootage(first.camera, first.startMs, untilMs);
  let at = 0;
  return segments.map(segment => {
    // Segments of two streams overlap, but those to come begin no earlier.
    while ((ranges[at]?.[1] ?? Number.POSITIVE_INFINITY) < segment.startMs) at++;
    const hasEvents = ranges
      .slice(at, at + 2)
      .some(([fromMs, toMs]) => fromMs < endOf(segment) && (toMs > segment.startMs || fromMs >= segment.startMs));
    return { ...segment, hasEvents };
  });
}

/** One without length counts as a moment. */
function endOf({ startMs, endMs }: WithoutEvents): number {
  return Math.max(endMs, startMs + 1);
}

function closed(segment: IndexedSegment): WithoutEvents {
  const { id, camera, stream, startMs, endMs, sizeBytes, codecs, endReason, locked } = segment;
  return { id, camera, stream, startMs, endMs, sizeBytes, codecs, open: false, locked, endReason };
}

export interface OpenSegment {
  segment: WithoutEvents;
  clockGen: number;
  path: string;
}

/** What the engine is writing, as far as readers may count on it. */
export function openSegments(services: Pick<ApiServices, 'engine'>): OpenSegment[] {
  return services.engine.stats().streams.flatMap(({ camera, stream, open }) =>
    open.map(({ startMs, clockGen, endMs, sizeBytes, codecs, path }) => {
      const id = segmentId(camera, stream, startMs, clockGen);
      return {
        segment: { id, camera, stream, startMs, endMs, sizeBytes, codecs, open: true, locked: false },
        clockGen,
        path,
      };
    }),
  );
}

/** A segment that can be read, with its place relative to the segments folder. */
export type ReadableSegment = Pick<Segment, 'camera' | 'stream' | 'startMs' | 'sizeBytes' | 'open'> &
  Pick<OpenSegment, 'clockGen' | 'path'>;

/** Closed or being written; of the latter `sizeBytes` are whole. Throws `not-found`. */
export function findSegment(services: ApiServices, id: string): ReadableSegment {
  // The figures first: asking for them brings the index up to date with what was closed.
  const beingWritten = openSegments(services);
  const known = services.segments.get(id);
  if (known) return { ...known, open: false };
  const found = beingWritten.find(entry => entry.segment.id === id);
  if (!found) throw noSegment();
  return { ...found.segment, clockGen: found.clockGen, path: found.path };
}

async function sendFile(services: ApiServices, id: string, request: HttpRequest): Promise<HttpReply> {
  const { path, open, sizeBytes: wholeBytes } = findSegment(services, id);
  const { file, sizeBytes: fileBytes } = await openFile(join(services.segments.folder, path));
  try {
    const sizeBytes = open ? Math.min(wholeBytes, fileBytes) : fileBytes;
    // When a segment is closed its index is written into the space reserved for it: only then the bytes are final.
    const etag = open ? undefined : `"${id}-${sizeBytes}"`;
    const reply = plan(request, sizeBytes, etag);
    const headers = {
      'Content-Type': 'video/mp4',
      'Accept-Ranges': 'bytes',
      'Content-Disposition': `inline; filename="${id}.mp4"`,
      ...(etag ? { ETag: etag } : {}),
      ...reply.headers,
    };
    if (!reply.range) {
      await file.close();
      return { status: reply.status, headers, ...(reply.status === 304 ? {} : { body: Buffer.alloc(0) }) };
    }
    return { status: reply.status, headers, body: fileSource(file, reply.range) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export interface Plan {
  status: number;
  headers: Record<string, string>;
  /** Absent = no bytes. */
  range?: { start: number; end: number };
}

/** Which bytes the client gets, by RFC 9110 sections 13 and 14. */
export function plan(request: HttpRequest, sizeBytes: number, etag: string | undefined): Plan {
  if (etag && matchesAny(request.header('if-none-match'), etag)) return { status: 304, headers: {} };
  const ifRange = request.header('if-range');
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.header('range'), sizeBytes) : undefined;
  if (range === 'unsatisfiable') return { status: 416, headers: { 'Content-Range': `bytes */${sizeBytes}` } };
  if (range) {
    return { status: 206, headers: { 'Content-Range': `bytes ${range.start}-${range.end}/${sizeBytes}` }, range };
  }
  return { status: 200, headers: {}, ...(sizeBytes > 0 ? { range: { start: 0, end: sizeBytes - 1 } } : {}) };
}

/** True when the client names what it has as this; `header` is If-None-Match. */
export function matchesAny(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some(entry => ['*', etag, `W/${etag}`].includes(entry.trim()));
}

function noSegment(): NvrError {
  return new NvrError('not-found', 'there is no such segment');
}
