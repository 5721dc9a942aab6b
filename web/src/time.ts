// Time zones, days and how times are written. Days come from the zone's own rules: they have 23, 24 or 25 hours.

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

/** `2026-10-25` */
export type Day = string;

export interface Span {
  startMs: number;
  /** First millisecond that does not belong to it. */
  endMs: number;
}

/** IANA name of the zone that this device is in. */
export function viewerZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC';
}

/** Whether this browser knows the zone. */
export function isZone(zone: string): boolean {
  try {
    formatter('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making one takes a browser half a millisecond. */
function formatter(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = formatters.get(key);
  if (!made) formatters.set(key, (made = new Intl.DateTimeFormat(language, options)));
  return made;
}

function shown(ms: number, zone: string, options: Intl.DateTimeFormatOptions): string {
  return formatter(pageLanguage(), { timeZone: zone, ...options }).format(ms);
}

/** Words for dates follow the texts around them. */
function pageLanguage(): string {
  const language = typeof document === 'undefined' ? 'en' : document.documentElement.lang || 'en';
  // Day before month, as in British texts.
  return language === 'en' ? 'en-GB' : language;
}

interface WallTime {
  day: Day;
  hour: number;
  minute: number;
  second: number;
}

/** What clocks of the zone show. */
export function wallTime(ms: number, zone: string): WallTime {
  const parts: Record<string, string> = {};
  const exact = formatter('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  for (const { type, value } of exact.formatToParts(ms)) parts[type] = value;
  const { year = '', month = '', day = '', hour, minute, second } = parts;
  return {
    day: `${year.padStart(4, '0')}-${month}-${day}`,
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
}

/** How far clocks of the zone are ahead of UTC. */
export function offsetMs(ms: number, zone: string): number {
  const { day, hour, minute, second } = wallTime(ms, zone);
  const wholeMs = Math.floor(ms / SECOND_MS) * SECOND_MS;
  return utcMidnight(day) + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS - wholeMs;
}

export function dayOf(ms: number, zone: string): Day {
  return wallTime(ms, zone).day;
}

export function addDays(day: Day, count: number): Day {
  return new Date(utcMidnight(day) + count * 24 * HOUR_MS).toISOString().slice(0, 10);
}

/** From its first instant to that of the next day. */
export function daySpan(day: Day, zone: string): Span {
  return { startMs: dayStart(day, zone), endMs: dayStart(addDays(day, 1), zone) };
}

const starts = new Map<string, number>();

/** The first instant of a day; some zones have none at 0:00, because their clocks are put forward then. */
export function dayStart(day: Day, zone: string): number {
  const key = `${day} ${zone}`;
  let start = starts.get(key);
  if (start === undefined) {
    if (starts.size > 1000) starts.clear();
    starts.set(key, (start = searchedStart(day, zone)));
  }
  return start;
}

function searchedStart(day: Day, zone: string): number {
  // No zone is further than 15 hours from UTC, and all change at whole minutes.
  let before = utcMidnight(day) / MINUTE_MS - 15 * 60;
  let after = before + 30 * 60;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dayOf(middle * MINUTE_MS, zone) >= day) after = middle;
    else before = middle;
  }
  return after * MINUTE_MS;
}

function utcMidnight(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export interface HourSpan extends Span {
  /** `02:00`, with the zone's name where the hour comes twice. */
  label: string;
}

/** The hours of a day, 23 to 25 of them; where clocks change by half an hour one is shorter. */
export function hoursOf(day: Day, zone: string): HourSpan[] {
  const { startMs, endMs } = daySpan(day, zone);
  const bounds = [startMs];
  for (let ms = startMs; ms < endMs; ) {
    const { minute, second } = wallTime(ms, zone);
    ms += HOUR_MS - minute * MINUTE_MS - second * SECOND_MS;
    bounds.push(Math.min(ms, endMs));
  }
  const plain = bounds.slice(0, -1).map(ms => clock(ms, zone, false));
  return plain.map((label, index) => {
    const [from = startMs, to = endMs] = bounds.slice(index);
    const twice = plain.indexOf(label) !== plain.lastIndexOf(label);
    return { startMs: from, endMs: to, label: twice ? `${label} ${zoneName(from, zone)}` : label };
  });
}

/**
 * The instant at which clocks of the zone show this on this day: the first one where it comes twice (the second with `later`), the
 * instant of the change where it is left out.
 */
export function instantOf(day: Day, timeMs: number, zone: string, later = false): number {
  const wanted = utcMidnight(day) + timeMs;
  const candidates = [-24 * HOUR_MS, 24 * HOUR_MS].map(shift => wanted - offsetMs(wanted + shift, zone));
  const hits = candidates.filter(ms => ms + offsetMs(ms, zone) === wanted).sort((a, b) => a - b);
  const hit = later ? hits.at(-1) : hits[0];
  if (hit !== undefined) return hit;
  // Left out: clocks jump over it between the two.
  let [before, after] = [Math.min(...candidates), Math.max(...candidates)] as [number, number];
  const old = offsetMs(before, zone);
  while (after - before > MINUTE_MS) {
    const middle = Math.floor((before + after) / 2 / MINUTE_MS) * MINUTE_MS;
    if (middle <= before) break;
    if (offsetMs(middle, zone) === old) before = middle;
    else after = middle;
  }
  return after;
}

/** Milliseconds since midnight of `14:05:20`, `14:05`, `1405`, `14.05`, `2 pm`; undefined when it is no time. */
export function parseClock(text: string): number | undefined {
  const match = /^\s*(\d{1,2})(?:[:.]?(\d{2}))?(?:[:.]?(\d{2}))?\s*([ap])?\.?m?\.?\s*$/i.exec(text);
  if (!match) return undefined;
  let hour = Number(match[1]);
  const [minute, second] = [Number(match[2] ?? 0), Number(match[3] ?? 0)];
  const half = match[4]?.toLowerCase();
  if (half && (hour < 1 || hour > 12)) return undefined;
  if (half) hour = (hour % 12) + (half === 'p' ? 12 : 0);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
}

/** `14:05:20`, without seconds `14:05`. */
export function clock(ms: number, zone: string, seconds = true): string {
  const { hour, minute, second } = wallTime(ms, zone);
  return [hour, minute, ...(seconds ? [second] : [])].map(two).join(':');
}

/** `14:05:20.4` */
export function clockTenths(ms: number, zone: string): string {
  return `${clock(ms, zone)}.${Math.floor((((ms % SECOND_MS) + SECOND_MS) % SECOND_MS) / 100)}`;
}

/** `Tue 14 Oct`, with `long` `Tuesday 14 October`; the year when it is not the one of `nowMs`. */
export function dateWords(ms: number, zone: string, nowMs: number, long = false): string {
  const width = long ? 'long' : 'short';
  const year = dayOf(ms, zone).slice(0, 4) === dayOf(nowMs, zone).slice(0, 4) ? {} : { year: 'numeric' as const };
  return shown(ms, zone, { weekday: width, day: 'numeric', month: width, ...year }).replace(',', '');
}

/** `14:05` of today, else with the date. */
export function moment(ms: number, zone: string, nowMs: number): string {
  const time = clock(ms, zone, false);
  return dayOf(ms, zone) === dayOf(nowMs, zone) ? time : `${dateWords(ms, zone, nowMs)}, ${time}`;
}

/** `CEST`, or `GMT+2` where the zone has no such name. */
export function zoneName(ms: number, zone: string): string {
  const parts = formatter('en-GB', { timeZone: zone, timeZoneName: 'short' }).formatToParts(ms);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** `UTC+2`, `UTC-3:30` */
export function offsetWords(ms: number, zone: string): string {
  const minutes = Math.round(offsetMs(ms, zone) / MINUTE_MS);
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest ? `:${two(rest)}` : ''}`;
}

/** `18 s`, `12 min`, `3 h 5 min`, `4 days`: the two largest units at most. */
export function lengthWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND_MS));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 600 && seconds % 60) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

/** `0:41`, `12:05`, `1:02:05`: for what counts. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
