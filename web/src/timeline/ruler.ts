// The marks of the ruler: round times of the zone's clocks, with the zone's name where clocks show a time twice.
import { dateWords, HOUR_MS, MINUTE_MS, offsetMs, SECOND_MS, zoneName } from '../time.ts';
import { endOf, type View } from './view.ts';

export interface Tick {
  timeMs: number;
  label: string;
  /** The first of a day. */
  midnight: boolean;
}

const STEPS: readonly number[] = [
  ...[5, 10, 15, 30].map(count => count * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map(count => count * MINUTE_MS),
  ...[1, 2, 3, 6, 12, 24].map(count => count * HOUR_MS),
];
const DAY_MS = 24 * HOUR_MS;

/** A stretch in which clocks of the zone run on. */
interface Stretch {
  startMs: number;
  endMs: number;
  offsetMs: number;
}

/** Marks of a view that is `width` pixels wide, at least `roomPx` from each other. */
export function ticksOf(view: View, width: number, zone: string, nowMs: number, roomPx = 72): Tick[] {
  const leastMs = (view.spanMs / Math.max(1, width)) * roomPx;
  const stepMs = STEPS.find(step => step >= leastMs) ?? DAY_MS;
  const stretches = stretchesOf(view, zone);
  const ticks: Tick[] = [];
  for (const [index, { startMs, endMs, offsetMs: offset }] of stretches.entries()) {
    const first = Math.ceil((startMs + offset) / stepMs) * stepMs;
    for (let local = first; local < endMs + offset; local += stepMs) {
      const timeMs = local - offset;
      const midnight = local % DAY_MS === 0;
      const plain = midnight ? dateWords(timeMs, zone, nowMs) : clockOf(local, stepMs < MINUTE_MS);
      ticks.push({
        timeMs,
        label: isTwice(local, stretches, index) ? `${plain} ${zoneName(timeMs, zone)}` : plain,
        midnight,
      });
    }
  }
  return ticks;
}

/** The view, cut where clocks are changed; at most once in a day. */
function stretchesOf(view: View, zone: string): Stretch[] {
  const { startMs } = view;
  const endMs = endOf(view);
  const [before, after] = [offsetMs(startMs, zone), offsetMs(endMs, zone)];
  if (before === after) return [{ startMs, endMs, offsetMs: before }];
  let [low, high] = [Math.floor(startMs / MINUTE_MS), Math.ceil(endMs / MINUTE_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle * MINUTE_MS, zone) === before) low = middle;
    else high = middle;
  }
  const changeMs = high * MINUTE_MS;
  return [
    { startMs, endMs: changeMs, offsetMs: before },
    { startMs: changeMs, endMs, offsetMs: after },
  ];
}

/** Whether clocks show this time in the other stretch too. */
function isTwice(local: number, stretches: readonly Stretch[], own: number): boolean {
  const [before, after] = stretches;
  if (!before || !after) return false;
  const changeMs = after.startMs;
  return own === 0 ? local >= changeMs + after.offsetMs : local < changeMs + before.offsetMs;
}

function clockOf(local: number, seconds: boolean): string {
  const ofDay = ((local % DAY_MS) + DAY_MS) % DAY_MS;
  const parts = [ofDay / HOUR_MS, (ofDay / MINUTE_MS) % 60, ...(seconds ? [(ofDay / SECOND_MS) % 60] : [])];
  return parts.map(part => String(Math.floor(part)).padStart(2, '0')).join(':');
}
