// The part of the timeline that stands in the address: pictures, time, zoom and the range to export.
import { parsePlace } from '../router.ts';
import { type Selection, selected } from './selection.ts';
import { clampTime, parseSpan, spanName } from './view.ts';

export interface TimelineAddress {
  /** Cameras that are shown as pictures, the leading one first. */
  cameras: number[];
  timeMs?: number;
  spanMs?: number;
  selection?: Selection;
}

/** What cannot be read is left out. */
export function parseAddress(query: URLSearchParams): TimelineAddress {
  const cameras = (query.get('c') ?? '').split(',').map(Number);
  const timeMs = parseTime(query.get('t'));
  const spanMs = parseSpan(query.get('z') ?? undefined);
  const [inMs, outMs] = [parseTime(query.get('in')), parseTime(query.get('out'))];
  return {
    cameras: [...new Set(cameras.filter(id => Number.isSafeInteger(id) && id > 0))].slice(0, 4),
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(spanMs === undefined ? {} : { spanMs }),
    ...(inMs === undefined || outMs === undefined ? {} : { selection: selected(inMs, outMs) }),
  };
}

/** Begins with `#/time`. */
export function timelineAddress({ cameras, timeMs, spanMs, selection }: TimelineAddress): string {
  const parts: string[] = [];
  if (cameras.length > 0) parts.push(`c=${cameras.join(',')}`);
  if (timeMs !== undefined) parts.push(`t=${Math.round(timeMs)}`);
  if (spanMs !== undefined) parts.push(`z=${spanName(spanMs)}`);
  if (selection) parts.push(`in=${selection.inMs}`, `out=${selection.outMs}`);
  return `#/time${parts.length > 0 ? `?${parts.join('&')}` : ''}`;
}

/** Whether an address leads to where the reader is; commas are plain in the one and coded in the other. */
export function isAt(address: string, query: URLSearchParams): boolean {
  return String(parsePlace(address).query) === String(query);
}

function parseTime(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? clampTime(Number(text)) : undefined;
}
