// Which days have footage or events. Asked by bounds of ours: the board may lack the data of the reader's time zone.
import type { Days } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { addDays, type Day as DayName, dayStart } from '../time.ts';

export type Day = Days['days'][number];

/** Days that one question covers. */
const MOST = 199;

/** Of these days in a row, by their start; empty when they cannot be had. */
export async function daysWith(
  cameras: readonly number[],
  days: readonly DayName[],
  zone: string,
  signal: AbortSignal,
): Promise<readonly Day[]> {
  const last = days.at(-1);
  if (last === undefined) return [];
  const bounds = [...days, addDays(last, 1)].map(day => dayStart(day, zone)).join(',');
  const result = await call('GET /api/days', { query: { camera: [...cameras], bounds } }, { signal });
  return result.is === 'ok' ? result.value.days : [];
}

/** The day with footage that lies nearest, at most half a year before or three weeks behind. */
export async function nearestDay(
  cameras: readonly number[],
  day: DayName,
  zone: string,
  signal: AbortSignal,
): Promise<Day | undefined> {
  const days = Array.from({ length: MOST }, (_, index) => addDays(day, index - MOST + 21));
  const here = dayStart(day, zone);
  const found = (await daysWith(cameras, days, zone, signal)).filter(one => one.hasFootage);
  return [...found].sort((a, b) => Math.abs(a.startMs - here) - Math.abs(b.startMs - here))[0];
}
