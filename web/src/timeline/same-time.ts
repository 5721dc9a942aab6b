// The same time of day on another day.
import { addDays, clock, dayOf, instantOf, parseClock } from '../time.ts';

/** Some days away, however long the days in between are. */
export function sameTime(timeMs: number, days: number, zone: string): number {
  const ofDay = parseClock(clock(timeMs, zone)) ?? 0;
  return instantOf(addDays(dayOf(timeMs, zone), days), ofDay, zone) + (timeMs % 1000);
}
