// Days as they are in a time zone: some have 23 or 25 hours, and where clocks change at midnight some begin at one.

const MINUTE_MS = 60_000;
/** No zone lies further from UTC. */
const MOST_OFFSET_MS = 15 * 3_600_000;
const DAY_MS = 86_400_000;

export interface ZoneDay {
  startMs: number;
  endMs: number;
  /** YYYY-MM-DD */
  date: string;
}

export class ZoneDays {
  readonly #format: Intl.DateTimeFormat;
  /** From UTC, of the day that was looked at last: that of most others too. */
  #offsetMs = 0;

  /** Throws a RangeError for a zone that this machine does not know; undefined = the zone of the machine. */
  constructor(timeZone: string | undefined) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', calendar: 'gregory', numberingSystem: 'latn' },
      ...(timeZone === undefined ? {} : { timeZone }),
    });
  }

  /** The day that a moment lies in. */
  of(timeMs: number): ZoneDay {
    const day = this.#dayOf(timeMs);
    return {
      startMs: this.#firstOf(day),
      endMs: this.#firstOf(day + 1),
      date: new Date(day * DAY_MS).toISOString().slice(0, 10),
    };
  }

  /** Its number, counted from 1970-01-01. */
  #dayOf(timeMs: number): number {
    const parts = new Map(this.#format.formatToParts(timeMs).map(({ type, value }) => [type as string, Number(value)]));
    return Date.UTC(parts.get('year') ?? 0, (parts.get('month') ?? 1) - 1, parts.get('day') ?? 1) / DAY_MS;
  }

  /** The first minute of that day or, where it was left out, of a later one. */
  #firstOf(day: number): number {
    const usual = day * DAY_MS + this.#offsetMs;
    if (this.#dayOf(usual) === day && this.#dayOf(usual - MINUTE_MS) < day) return usual;
    let low = (day * DAY_MS - MOST_OFFSET_MS) / MINUTE_MS;
    let high = (day * DAY_MS + MOST_OFFSET_MS) / MINUTE_MS;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#dayOf(middle * MINUTE_MS) >= day) high = middle;
      else low = middle;
    }
    this.#offsetMs = high * MINUTE_MS - day * DAY_MS;
    return high * MINUTE_MS;
  }
}
