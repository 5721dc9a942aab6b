// The next and the previous event of some cameras, however far away; the service lists events from the newest back only.

/** What of an event is needed here. */
export interface Listed {
  id: string;
  camera: number;
  startMs: number;
  labels: readonly string[];
}

export interface ListQuery {
  camera: number[];
  startMs: number;
  endMs: number;
  limit: number;
  cursor?: string;
}

/** Events that overlap [startMs, endMs), newest first; undefined when they cannot be had. */
export type ListEvents = (query: ListQuery) => Promise<{ events: readonly Listed[]; cursor?: string } | undefined>;

export interface Jump {
  cameras: readonly number[];
  fromMs: number;
  nowMs: number;
  /** Whether an event counts. */
  passes: (event: Listed) => boolean;
}

/** Nearer than this an event is the one that we stand at. */
const HERE_MS = 500;
const LIMIT = 100;
const MOST_ASKED = 24;
const FIRST_SPAN_MS = 3 * 3_600_000;
const LEAST_SPAN_MS = 60_000;

/** The event that began last before; undefined when there is none, or it cannot be had. */
export async function eventBefore(list: ListEvents, { cameras, fromMs, passes }: Jump): Promise<Listed | undefined> {
  let cursor: string | undefined;
  for (let asked = 0; asked < MOST_ASKED; asked++) {
    const query = { camera: [...cameras], startMs: 0, endMs: Math.max(1, Math.round(fromMs)), limit: LIMIT };
    const page = await list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    const found = page?.events.find(event => event.startMs < fromMs - HERE_MS && passes(event));
    if (found || page?.cursor === undefined) return found;
    cursor = page.cursor;
  }
  return undefined;
}

/** The event that begins next. Looks at ever longer stretches, and at shorter ones where there is much. */
export async function eventAfter(list: ListEvents, jump: Jump): Promise<Listed | undefined> {
  const { cameras, fromMs, nowMs, passes } = jump;
  let startMs = Math.round(fromMs + HERE_MS);
  let spanMs = FIRST_SPAN_MS;
  for (let asked = 0; asked < MOST_ASKED && startMs <= nowMs; asked++) {
    const endMs = startMs + spanMs;
    const page = await list({ camera: [...cameras], startMs, endMs, limit: LIMIT });
    if (!page) return undefined;
    if (page.cursor !== undefined && spanMs > LEAST_SPAN_MS) {
      spanMs = Math.max(LEAST_SPAN_MS, spanMs / 8);
      continue;
    }
    const found = page.events.filter(event => event.startMs >= startMs && passes(event));
    if (found.length > 0) return found.reduce((a, b) => (a.startMs <= b.startMs ? a : b));
    startMs = endMs;
    spanMs *= 4;
  }
  return undefined;
}
