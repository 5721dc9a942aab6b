// Writes HLS playlists (RFC 8216, version 7) of byte ranges of segment files.
import type { PlaybackPiece } from './playback-segments.ts';
import { utcMs } from './playback-segments.ts';

/** An entry ends before the first keyframe behind this. */
const ENTRY_90K = 4 * 90_000;
/** Of live playlists, at least: clients ask again about as often. */
const LEAST_TARGET_S = 4;

/** One segment in the words of HLS: whole fragments from a keyframe on. */
export interface HlsEntry {
  segment: string;
  initId: string;
  initBytes: number;
  startMs: number;
  durationS: number;
  offset: number;
  sizeBytes: number;
  /** The time line of its file is another than that of the entry before. */
  isFirstOfFile: boolean;
}

/** `growing`: what may still grow is left out. */
export function entriesOf(pieces: readonly PlaybackPiece[], growing: boolean): HlsEntry[] {
  const entries: HlsEntry[] = [];
  for (const [at, { segment, map, fragments }] of pieces.entries()) {
    let ticks = 0;
    let entry: HlsEntry | undefined;
    const own: HlsEntry[] = [];
    for (const { offset, sizeBytes, start90k, duration90k, key } of fragments) {
      if (!entry || (key && ticks >= ENTRY_90K)) {
        entry = {
          ...{ segment: segment.id, initId: map.initId, initBytes: map.initBytes },
          ...{ startMs: utcMs(segment, map, start90k), durationS: 0, offset, sizeBytes: 0 },
          isFirstOfFile: own.length === 0,
        };
        own.push(entry);
        ticks = 0;
      }
      ticks += duration90k;
      entry.durationS = ticks / 90_000;
      entry.sizeBytes = offset + sizeBytes - entry.offset;
    }
    if (growing && segment.open && at === pieces.length - 1) own.pop();
    entries.push(...own);
  }
  return entries;
}

export interface MediaPlaylist {
  entries: readonly HlsEntry[];
  /** Ends here; else clients ask for more. */
  ended: boolean;
  /** Of the first entry. */
  sequence: number;
  discontinuities: number;
  /** At least. */
  targetS: number;
  /** Address of a segment's file, as seen from the playlist. */
  address(segment: string): string;
}

export function mediaPlaylist(playlist: MediaPlaylist): string {
  const { entries, ended, sequence, discontinuities, address } = playlist;
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetSeconds(entries, playlist.targetS)}`,
    `#EXT-X-MEDIA-SEQUENCE:${sequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuities}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  if (ended) lines.push('#EXT-X-PLAYLIST-TYPE:VOD');
  let initId = '';
  for (const [at, entry] of entries.entries()) {
    const uri = address(entry.segment);
    if (entry.isFirstOfFile && at > 0) lines.push('#EXT-X-DISCONTINUITY');
    if (entry.initId !== initId) {
      lines.push(`#EXT-X-MAP:URI="${uri}",BYTERANGE="${entry.initBytes}@0"`);
      initId = entry.initId;
    }
    if (entry.isFirstOfFile || at === 0) {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(entry.startMs).toISOString()}`);
    }
    lines.push(`#EXTINF:${entry.durationS.toFixed(5)},`, `#EXT-X-BYTERANGE:${entry.sizeBytes}@${entry.offset}`, uri);
  }
  if (ended) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** No entry, rounded, may be longer. */
export function targetSeconds(entries: readonly HlsEntry[], atLeast = LEAST_TARGET_S): number {
  return entries.reduce(
    (most, { durationS }) => Math.max(most, Math.ceil(durationS)),
    Math.max(atLeast, LEAST_TARGET_S),
  );
}

/** A playlist that leads to one media playlist. */
export function leadingPlaylist(uri: string, bandwidthBps: number, codecs: string): string {
  const facts = `BANDWIDTH=${Math.max(1, Math.round(bandwidthBps))},CODECS="${codecs}"`;
  return ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', `#EXT-X-STREAM-INF:${facts}`, uri, ''].join(
    '\n',
  );
}
