// Which days have footage or events. Asked by bounds of ours: the board may lack the data of the reader's time zone.
import type { Days } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { addDays, type Day as DayName, dayOf, dayStart } from '../time.ts';
import { inParts } from './parts.ts';

export type Day = Days['days'][number];

/** Days that one question covers. */
const MOST = 199;
const TO_COME_MS = 10_000;

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
  const found = new Map<number, Day>();
  const answers = await inParts(cameras, camera => call('GET /api/days', { query: { camera, bounds } }, { signal }));
  for (const day of answers.flatMap(answer => (answer.is === 'ok' ? answer.value.days : []))) {
    const { hasFootage = false, hasEvents = false } = found.get(day.startMs) ?? {};
    found.set(day.startMs, {
      ...day,
      hasFootage: hasFootage || day.hasFootage,
      hasEvents: hasEvents || day.hasEvents,
    });
  }
  return [...found.values()].sort((a, b) => a.startMs - b.startMs);
}

/** A moment with footage on the nearest day that has some, at most half a year before or three weeks behind. */
export async function nearestFootage(
  cameras: readonly number[],
  aroundMs: number,
  zone: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const here = dayOf(aroundMs, zone);
  const days = Array.from({ length: MOST }, (_, index) => addDays(here, index - MOST + 21));
  const found = (await daysWith(cameras, days, zone, signal)).filter(one => one.hasFootage);
  const far = ({ startMs, endMs }: Day) => Math.max(startMs - aroundMs, aroundMs - endMs);
  const [nearest] = found.sort((a, b) => far(a) - far(b));
  if (!nearest) return undefined;
  const { startMs, endMs } = nearest;
  const answers = await inParts(cameras, camera =>
    call('GET /api/timeline', { query: { camera, startMs, endMs } }, { signal }),
  );
  const lanes = answers.flatMap(answer => (answer.is === 'ok' ? answer.value.cameras : []));
  return nearestMoment(
    lanes.flatMap(({ footage }) => footage),
    aroundMs,
  );
}

/** Within a run of footage, and with a few seconds of it to come. */
export function nearestMoment(
  runs: readonly (readonly [startMs: number, endMs: number])[],
  aroundMs: number,
): number | undefined {
  const moments = runs.map(([startMs, endMs]) => Math.max(startMs, Math.min(aroundMs, endMs - TO_COME_MS)));
  return moments.sort((a, b) => Math.abs(a - aroundMs) - Math.abs(b - aroundMs))[0];
}
