// The letters of a week's 168 hours, from Monday 0:00: painting them, and reading them back as spans.

export const LETTERS = ['c', 'e', 'r', '-'] as const;
/** `c` always, `e` events, `r` one event as long as such hours follow each other, `-` off. */
export type Letter = (typeof LETTERS)[number];

export const HOURS = 24;
const DAYS = 7;

/** All hours alike. */
export function plainWeek(letter: Letter): string {
  return letter.repeat(DAYS * HOURS);
}

/** Hours `from` to before `to` of the days that are listed, 0 = Monday. */
export function paint(week: string, days: readonly number[], from: number, to: number, letter: Letter): string {
  return [...week]
    .map((old, index) => {
      const hour = index % HOURS;
      return days.includes(Math.floor(index / HOURS)) && hour >= from && hour < to ? letter : old;
    })
    .join('');
}

/** The rectangle between two cells, whichever corners they are. */
export function paintBetween(week: string, one: number, other: number, letter: Letter): string {
  const [firstDay, lastDay] = sorted(Math.floor(one / HOURS), Math.floor(other / HOURS));
  const [from, last] = sorted(one % HOURS, other % HOURS);
  const days = Array.from({ length: lastDay - firstDay + 1 }, (_, index) => firstDay + index);
  return paint(week, days, from, last + 1, letter);
}

function sorted(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}

/** Hours of a day that are alike, in order. */
export function spansOf(week: string, day: number): { from: number; to: number; letter: Letter }[] {
  const hours = week.slice(day * HOURS, (day + 1) * HOURS);
  return [...hours.matchAll(/(.)\1*/g)].map(({ index, 0: run }) => ({
    from: index,
    to: index + run.length,
    letter: run.charAt(0) as Letter,
  }));
}
