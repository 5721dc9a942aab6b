// The filters of the events page: what stands in the address, and what is asked of the service for it.
import type { EventClass } from '../timeline/classes.ts';

/** Filters as a person sets them; what is left out lets everything pass. */
export interface EventFilters {
  /** Seen ones too; the page opens with the unseen. */
  all: boolean;
  camera?: number;
  label?: string;
  locked?: boolean;
  /** Events that overlap [startMs, endMs): a day. */
  startMs?: number;
  endMs?: number;
}

/** As `GET /api/events` takes it. */
export interface EventQuery {
  camera?: number[];
  label?: string;
  reviewed?: boolean;
  locked?: boolean;
  startMs?: number;
  endMs?: number;
  limit: number;
  cursor?: string;
}

export const PAGE = 30;

/** Labels that the page offers by themselves, by their class. */
export const OFFERED: readonly { label: string; kind: EventClass }[] = [
  { label: 'person', kind: 'person' },
  { label: 'car', kind: 'vehicle' },
  { label: 'dog', kind: 'animal' },
  { label: 'cat', kind: 'animal' },
];

const LONGEST_LABEL = 32;

/** What cannot be read is left out. */
export function parseFilters(query: URLSearchParams): EventFilters {
  const number = (name: string) => {
    const text = query.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const [camera, startMs, endMs] = [number('camera'), number('startMs'), number('endMs')];
  const label = query.get('label')?.slice(0, LONGEST_LABEL);
  return {
    all: query.get('show') === 'all',
    ...(camera ? { camera } : {}),
    ...(label ? { label } : {}),
    ...(query.get('locked') === 'true' ? { locked: true } : {}),
    ...(startMs !== undefined && endMs !== undefined && startMs < endMs ? { startMs, endMs } : {}),
  };
}

/** Begins with `#/events`. */
export function eventsAddress(filters: EventFilters): string {
  const query = new URLSearchParams();
  if (filters.all) query.set('show', 'all');
  if (filters.camera !== undefined) query.set('camera', String(filters.camera));
  if (filters.label !== undefined) query.set('label', filters.label);
  if (filters.locked) query.set('locked', 'true');
  if (filters.startMs !== undefined && filters.endMs !== undefined) {
    query.set('startMs', String(filters.startMs));
    query.set('endMs', String(filters.endMs));
  }
  const text = query.toString();
  return `#/events${text ? `?${text}` : ''}`;
}

export function askedFor({ all, camera, label, locked, startMs, endMs }: EventFilters, cursor?: string): EventQuery {
  return {
    limit: PAGE,
    ...(all ? {} : { reviewed: false }),
    ...(camera === undefined ? {} : { camera: [camera] }),
    ...(label === undefined ? {} : { label }),
    ...(locked ? { locked: true } : {}),
    ...(startMs === undefined || endMs === undefined ? {} : { startMs, endMs }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** How many filters are set, for the button that opens them on a phone. */
export function countOf({ camera, label, locked, startMs }: EventFilters): number {
  return [camera, label, locked, startMs].filter(value => value !== undefined).length;
}

/** Whether an event that just came in belongs into the list. */
export function passes(
  { all, camera, label, locked, startMs, endMs }: EventFilters,
  event: {
    camera: number;
    labels: readonly string[];
    startMs: number;
    endMs?: number;
    locked?: boolean;
    reviewed?: boolean;
  },
): boolean {
  if (!all && event.reviewed) return false;
  if (camera !== undefined && event.camera !== camera) return false;
  if (label !== undefined && !event.labels.includes(label)) return false;
  if (locked && !event.locked) return false;
  return startMs === undefined || endMs === undefined || (event.startMs < endMs && (event.endMs ?? endMs) >= startMs);
}
