// Months as a calendar shows them: whole weeks from Monday on, and their names.
import { addDays, type Day } from '../time.ts';

/** `2026-10` */
export type Month = string;

export function monthOf(day: Day): Month {
  return day.slice(0, 7);
}

/** The days of the weeks that a month touches: 28 to 42. */
export function weeksOf(month: Month): Day[] {
  const first: Day = `${month}-01`;
  // Sunday is 0.
  const weekday = (new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7;
  const days: Day[] = [];
  for (let day = addDays(first, -weekday); monthOf(day) <= month || days.length % 7 !== 0; day = addDays(day, 1))
    days.push(day);
  return days;
}

function language(): string {
  return typeof document === 'undefined' ? 'en' : document.documentElement.lang || 'en';
}

/** `October 2026` */
export function monthWords(month: Month): string {
  const format = new Intl.DateTimeFormat(language(), { timeZone: 'UTC', month: 'long', year: 'numeric' });
  return format.format(new Date(`${month}-15T12:00:00Z`));
}

/** From Monday on, in short. */
export function weekdayNames(): string[] {
  const format = new Intl.DateTimeFormat(language(), { timeZone: 'UTC', weekday: 'short' });
  // 5 January 1970 was a Monday.
  return [5, 6, 7, 8, 9, 10, 11].map(day => format.format(Date.UTC(1970, 0, day)));
}
