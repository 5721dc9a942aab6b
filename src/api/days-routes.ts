// Days with footage over HTTP, for calendars.
import * as v from 'valibot';
import { seesCamera } from '../accounts/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import type { Day, Days } from './contract.ts';
import { MAX_TIME_MS } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import { type OpenSegment, openSegments } from './segment-routes.ts';
import type { ApiServices } from './services.ts';
import { camerasOfQuery } from './timeline-routes.ts';
import { ZoneDays } from './zone-days.ts';

/** Days of a time zone in one answer, the oldest. */
const MAX_DAYS = 400;
const MAX_BOUNDS = 200;
const BOUNDS_CURE = `Write 2 to ${MAX_BOUNDS} ascending times, as bounds=ms,ms,ms.`;
const ZONE_CURE = 'Use a name like Europe/Berlin.';

const daysQuery = v.strictObject({
  camera: v.optional(camerasOfQuery),
  timeZone: v.optional(v.pipe(v.string(ZONE_CURE), v.maxLength(64, ZONE_CURE))),
  bounds: v.optional(
    v.pipe(v.string(BOUNDS_CURE), v.maxLength(16 * MAX_BOUNDS, BOUNDS_CURE), v.check(isBounds, BOUNDS_CURE)),
  ),
});

export function daysRoutes(services: ApiServices) {
  return [
    route('GET', '/api/days', {
      identity: 'viewer',
      summary: 'Days with footage or events.',
      query: daysQuery,
      // All days that there are are looked at one by one.
      rateOf: ({ bounds }) => (bounds === undefined ? 'heavy' : undefined),
      cameras: ({ query }) => query.camera ?? [],
      handle: ({ query: { camera, timeZone, bounds }, caller }) => {
        const cameras = camera ?? services.cameras.list().flatMap(({ id }) => (seesCamera(caller, id) ? [id] : []));
        const look = new Look(services, [...new Set(cameras)]);
        const days = bounds === undefined ? ofZone(look, timeZone) : between(look, bounds.split(',').map(Number));
        return jsonReply(200, { days } satisfies Days);
      },
    }),
  ];
}

function isBounds(text: string): boolean {
  if (!/^\d{1,15}(,\d{1,15})+$/.test(text)) return false;
  const times = text.split(',').map(Number);
  return times.length <= MAX_BOUNDS && times.every((time, at) => time <= MAX_TIME_MS && time > (times[at - 1] ?? -1));
}

function between(look: Look, bounds: readonly number[]): Day[] {
  return bounds.slice(1).flatMap((endMs, at) => {
    const day = look.at(bounds[at] as number, endMs);
    return day.hasFootage || day.hasEvents ? [day] : [];
  });
}

/** From one day with footage to the next. */
function ofZone(look: Look, timeZone: string | undefined): Day[] {
  const zone = zoneDays(timeZone);
  const days: Day[] = [];
  let fromMs = look.firstFrom(0);
  while (fromMs !== undefined && days.length < MAX_DAYS) {
    const { startMs, endMs, date } = zone.of(fromMs);
    days.push({ ...look.at(startMs, endMs), date });
    fromMs = look.firstFrom(endMs);
  }
  return days;
}

function zoneDays(timeZone: string | undefined): ZoneDays {
  try {
    return new ZoneDays(timeZone);
  } catch {
    throw new NvrError('invalid-argument', '"timeZone" is not known here', {
      field: 'timeZone',
      cure: `${ZONE_CURE} Or give the days as "bounds".`,
    });
  }
}

/** What some cameras have. */
class Look {
  readonly #services: ApiServices;
  readonly #cameras: readonly CameraId[];
  readonly #open: OpenSegment['segment'][];

  constructor(services: ApiServices, cameras: readonly CameraId[]) {
    this.#services = services;
    this.#cameras = cameras;
    this.#open = openSegments(services)
      .map(({ segment }) => segment)
      .filter(({ camera }) => cameras.includes(camera));
  }

  at(startMs: number, endMs: number): Day {
    const { segments, events } = this.#services;
    const has = (camera: CameraId) => segments.list({ camera, startMs, endMs, limit: 1 }).segments.length > 0;
    const isWritten = this.#open.some(open => open.startMs < endMs && open.endMs > startMs);
    return {
      ...{ startMs, endMs },
      hasFootage: isWritten || this.#cameras.some(has),
      hasEvents:
        this.#cameras.length > 0 &&
        events.list({ cameras: [...this.#cameras], startMs, endMs, limit: 1 }).events.length > 0,
    };
  }

  /** The first moment with footage at or after one. */
  firstFrom(fromMs: number): number | undefined {
    const { segments } = this.#services;
    const closed = this.#cameras.flatMap(
      camera => segments.list({ camera, startMs: fromMs, endMs: MAX_TIME_MS, limit: 1 }).segments,
    );
    const starts = [...closed, ...this.#open]
      .filter(({ endMs }) => endMs > fromMs)
      .map(({ startMs }) => Math.max(startMs, fromMs));
    return starts.length > 0 ? Math.min(...starts) : undefined;
  }
}
