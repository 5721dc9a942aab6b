// HLS over HTTP: footage and live pictures for players that know nothing of us, out of the same files.
import * as v from 'valibot';
import type { Caller } from '../accounts/index.ts';
import { NvrError } from '../core/index.ts';
import { cameraInPath, parseCameraId } from './camera-routes.ts';
import { streamName, timeMs } from './input.ts';
import type { SignedLinks } from './links.ts';
import { entriesOf, leadingPlaylist, mediaPlaylist } from './m3u8.ts';
import { LiveWindows } from './m3u8-windows.ts';
import type { PlaybackIndex } from './playback-index.ts';
import { type FootageRange, type PlaybackPieces, playableSegments, playbackPieces } from './playback-segments.ts';
import { route } from './router.ts';
import { endBeforeStart } from './segment-routes.ts';
import type { HttpReply, HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const MAX_RANGE_MS = 2 * 3_600_000;
const MAX_SEGMENTS = 1000;
/** How far back a live playlist begins: players need three entries. */
const LIVE_PAST_MS = 20_000;

const playlistQuery = v.strictObject({
  stream: v.optional(streamName, 'main'),
  startMs: v.optional(timeMs),
  endMs: v.optional(timeMs),
});

type Signer = (path: string, query: string) => string;

export function m3u8Routes(services: ApiServices, index: PlaybackIndex, links: SignedLinks) {
  const windows = new LiveWindows();
  return [
    route('GET', '/api/cameras/{id}/playback.m3u8', {
      identity: 'viewer',
      summary: 'An HLS playlist of a range of at most 2 hours; without an end, of what is being recorded.',
      rate: 'media',
      media: 'application/vnd.apple.mpegurl',
      linkable: true,
      cameras: cameraInPath,
      query: playlistQuery,
      handle: async ({ params, query: { stream, startMs, endMs }, request, caller }) => {
        const camera = parseCameraId(params.id);
        const linked = caller.by === 'link' ? signer(links, request, caller) : undefined;
        if (startMs === undefined && endMs !== undefined) throw noStart();
        if (startMs === undefined) return leading(services, { camera, stream }, linked);
        const address = addressOf(linked);
        if (endMs !== undefined) {
          const range = { camera, stream, startMs, endMs };
          return sent(await recorded(services, index, range, address));
        }
        return sent(await live(services, index, windows, { camera, stream, startMs }, address));
      },
    }),
  ];
}

/** Makes links that are good as long as that of the request. */
function signer(links: SignedLinks, request: HttpRequest, caller: Caller): Signer {
  const untilMs = Number(new URLSearchParams(request.query).get('link')?.split('.')[2]);
  return (path, query) => links.sign(path, query, caller, untilMs);
}

/** ffmpeg plays nothing of which the address does not end as its kind does. Relative to the playlist, so that it may stand below a prefix. */
function addressOf(linked: Signer | undefined): (segment: string) => string {
  const known = new Map<string, string>();
  return segment => {
    const path = `/api/segments/${segment}/file.mp4`;
    const address = known.get(segment) ?? (linked ? linked(path, '') : path).replace('/api/', '../../');
    known.set(segment, address);
    return address;
  };
}

function sent(playlist: string): HttpReply {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/vnd.apple.mpegurl' },
    body: Buffer.from(playlist),
  };
}

async function recorded(
  services: ApiServices,
  index: PlaybackIndex,
  range: FootageRange,
  address: (segment: string) => string,
): Promise<string> {
  if (range.endMs < range.startMs) throw endBeforeStart();
  if (range.endMs - range.startMs > MAX_RANGE_MS) throw tooLong(range.startMs);
  const { pieces } = await wholeRange(services, index, range);
  if (pieces.length === 0) throw noFootage();
  const entries = entriesOf(pieces, false);
  return mediaPlaylist({ entries, ended: true, sequence: 0, discontinuities: 0, targetS: 0, address });
}

async function live(
  services: ApiServices,
  index: PlaybackIndex,
  windows: LiveWindows,
  { camera, stream, startMs }: Omit<FootageRange, 'endMs'>,
  address: (segment: string) => string,
): Promise<string> {
  const key = `${camera}/${stream}/${startMs}`;
  const nowMs = services.clock.nowMs();
  const before = windows.get(key) ?? { fromMs: startMs, sequence: 0, discontinuities: 0, targetS: 0 };
  if (nowMs - before.fromMs > MAX_RANGE_MS) throw tooLong(nowMs - MAX_RANGE_MS);
  // What is dated a little ahead of the clock belongs to it.
  const range = { camera, stream, startMs: before.fromMs, endMs: Math.max(nowMs, before.fromMs) + 60_000 };
  const { pieces } = await wholeRange(services, index, range);
  const { window, entries } = windows.move(key, before, entriesOf(pieces, true));
  return mediaPlaylist({ ...window, entries, ended: false, address });
}

async function wholeRange(services: ApiServices, index: PlaybackIndex, range: FootageRange): Promise<PlaybackPieces> {
  const found = await playbackPieces(services, index, range, MAX_SEGMENTS);
  if (found.endMs >= range.endMs) return found;
  throw new NvrError('invalid-argument', `the range has more than ${MAX_SEGMENTS} segments`, {
    field: 'endMs',
    cure: `Use ${found.endMs} or an earlier time.`,
  });
}

/** What is being recorded now, by an address that stays the same while it is played. */
function leading(
  services: ApiServices,
  { camera, stream }: Omit<FootageRange, 'startMs' | 'endMs'>,
  linked: Signer | undefined,
): HttpReply {
  const nowMs = services.clock.nowMs();
  const startMs = nowMs - LIVE_PAST_MS;
  const { segments } = playableSegments(services, { camera, stream, startMs, endMs: nowMs + 1 }, MAX_SEGMENTS);
  const newest = segments.toSorted((a, b) => a.startMs - b.startMs).at(-1);
  if (!newest) throw noFootage();
  const bandwidthBps = (newest.sizeBytes * 8000) / Math.max(1000, newest.endMs - newest.startMs);
  const query = `stream=${stream}&startMs=${startMs}`;
  const uri = linked ? linked(`/api/cameras/${camera}/playback.m3u8`, query) : `playback.m3u8?${query}`;
  return sent(leadingPlaylist(uri.replace(`/api/cameras/${camera}/`, ''), bandwidthBps, newest.codecs));
}

function noStart(): NvrError {
  return new NvrError('invalid-argument', 'there is an end and no start', {
    field: 'startMs',
    cure: 'Add "startMs", or leave "endMs" out for live pictures.',
  });
}

function tooLong(startMs: number): NvrError {
  return new NvrError('invalid-argument', 'a playlist is at most 2 hours long', {
    field: 'startMs',
    cure: `Use at most 2 hours, as from ${startMs} to ${startMs + MAX_RANGE_MS}.`,
  });
}

function noFootage(): NvrError {
  return new NvrError('not-found', 'there is no footage in this range');
}
