// Exports over HTTP: one MP4 of any range of a stream, with ranges, and the name under which it is saved.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { type CameraId, NvrError, type StreamName } from '../core/index.ts';
import type { ExportSegment } from '../native/index.ts';
import { type ExportPiece, exportPieces } from './export-pieces.ts';
import type { ExportLease, ExportPlans } from './export-plans.ts';
import { cameraId, streamName, timeMs } from './input.ts';
import { route } from './router.ts';
import { endBeforeStart, openSegments, plan } from './segment-routes.ts';
import type { ByteSource, HttpReply, HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const MAX_RANGE_MS = 24 * 3_600_000;
const PIECE_BYTES = 256 * 1024;
const SEGMENTS_PER_PAGE = 1000;
const ZONE_CURE = 'Use a name like Europe/Berlin, or leave it out.';

const exportQuery = v.strictObject({
  camera: cameraId,
  stream: v.optional(streamName),
  startMs: timeMs,
  endMs: timeMs,
  timeZone: v.optional(v.pipe(v.string(ZONE_CURE), v.maxLength(64, ZONE_CURE), v.check(isTimeZone, ZONE_CURE))),
});

export interface ExportQuery {
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  endMs: number;
  timeZone: string | undefined;
}

export function exportRoutes(services: ApiServices, plans: ExportPlans) {
  return [
    route('GET', '/api/export.mp4', {
      identity: 'viewer',
      right: 'export',
      summary: 'A range of footage as one MP4 file.',
      audit: 'export',
      rate: 'media',
      media: 'video/mp4',
      linkable: true,
      cameras: ({ query }) => [query.camera],
      query: exportQuery,
      handle: ({ query: { stream = 'main', timeZone, ...range }, request }) => {
        checkRange(range);
        return sendExport(services, plans, { ...range, stream, timeZone }, request);
      },
    }),
  ];
}

function checkRange({ startMs, endMs }: { startMs: number; endMs: number }): void {
  if (endMs <= startMs) throw endBeforeStart();
  if (endMs - startMs > MAX_RANGE_MS) {
    throw new NvrError('invalid-argument', 'an export is at most 24 hours long', {
      field: 'endMs',
      cure: `Use ${startMs + MAX_RANGE_MS} or an earlier time.`,
    });
  }
}

/** The footage of a range as one file. */
export async function sendExport(
  services: ApiServices,
  plans: ExportPlans,
  query: ExportQuery,
  request: HttpRequest,
): Promise<HttpReply> {
  const { camera, stream, startMs, endMs, timeZone } = query;
  const range = { camera, stream, startMs, endMs };
  const segments = piecesOf(services, query).map(piece => toSegment(services.segments.folder, piece));
  const lease = await plans.take(
    keyOf(range, segments),
    () => request.isGone?.() !== true,
    async isWanted => {
      const file = await services.planExport({ ...range, segments, isWanted });
      for (const { path, code } of file.unreadable) {
        services.log.warn('a segment is missing in an export', { camera, path, code });
      }
      return file;
    },
  );
  try {
    const { facts } = lease.file;
    const etag = `"${facts.digest}"`;
    const reply = plan(request, facts.sizeBytes, etag);
    const name = services.cameras.get(camera)?.name ?? `Camera ${camera}`;
    const headers = {
      'Content-Type': 'video/mp4',
      'Accept-Ranges': 'bytes',
      'Content-Disposition': disposition(`${name} ${localTime(facts.startMs, timeZone)}.mp4`),
      ETag: etag,
      ...reply.headers,
    };
    if (reply.range) return { status: reply.status, headers, body: exportSource(lease, reply.range) };
    lease.release();
    return { status: reply.status, headers, ...(reply.status === 304 ? {} : { body: Buffer.alloc(0) }) };
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** The same only while the same bytes of the same files make up the range. */
function keyOf(range: object, segments: ExportSegment[]): string {
  return createHash('sha256')
    .update(JSON.stringify([range, segments]))
    .digest('base64');
}

/** Takes over the lease. */
function exportSource(lease: ExportLease, range: { start: number; end: number }): ByteSource {
  const sizeBytes = range.end - range.start + 1;
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, sizeBytes));
  let position = range.start;
  return {
    sizeBytes,
    async next() {
      const wanted = Math.min(buffer.length, range.end + 1 - position);
      if (wanted <= 0) return undefined;
      const count = await lease.read(position, buffer.subarray(0, wanted));
      position += count;
      return count > 0 ? buffer.subarray(0, count) : undefined;
    },
    async close() {
      lease.release();
    },
  };
}

interface Footage {
  startMs: number;
  endMs: number;
  clockGen: number;
  path: string;
  sizeBytes: number;
}

/** Closed segments and those being written. */
function piecesOf(services: ApiServices, { camera, stream, startMs, endMs }: ExportQuery): ExportPiece<Footage>[] {
  // The figures first: asking for them brings the index up to date with what was closed.
  const beingWritten = openSegments(services);
  const found: Footage[] = [];
  const known = new Set<string>();
  let cursor: string | undefined;
  do {
    const range = { camera, stream, startMs, endMs, limit: SEGMENTS_PER_PAGE };
    const page = services.segments.list({ ...range, ...(cursor === undefined ? {} : { cursor }) });
    for (const segment of page.segments) {
      known.add(segment.id);
      found.push(segment);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  for (const { segment, path, clockGen } of beingWritten) {
    if (segment.camera === camera && segment.stream === stream && !known.has(segment.id)) {
      found.push({ ...segment, clockGen, path });
    }
  }
  return exportPieces(found, startMs, endMs);
}

function toSegment(folder: string, { segment, fromMs, toMs }: ExportPiece<Footage>): ExportSegment {
  return {
    path: join(folder, segment.path),
    sizeBytes: segment.sizeBytes,
    startMs: segment.startMs,
    clockGen: segment.clockGen,
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
  };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** `2026-11-21 08-46-40`, in the zone of the machine unless another is given. */
function localTime(timeMs: number, timeZone: string | undefined): string {
  const digits = '2-digit';
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ year: 'numeric', month: digits, day: digits, hour: digits, minute: digits, second: digits, hourCycle: 'h23' },
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const parts = new Map(format.formatToParts(timeMs).map(({ type, value }) => [type as string, value]));
  const joined = (names: string[]) => names.map(name => parts.get(name) ?? '').join('-');
  return `${joined(['year', 'month', 'day'])} ${joined(['hour', 'minute', 'second'])}`;
}

/** RFC 6266: a plain name for old clients and the whole one. Without what file systems do not take. */
function disposition(fileName: string): string {
  const safe = fileName
    .replace(/[\p{Cc}\p{Cs}\\/:*?"<>|]/gu, '_')
    .replace(/^[. ]+/, '')
    .trim();
  const plain = safe.replace(/[^\x20-\x7e]/g, '_').replaceAll('%', '_');
  const whole = encodeURIComponent(safe).replace(
    /['()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
