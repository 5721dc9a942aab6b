// How the timeline's data is cut into requests: for each zoom the length of a bucket and of what one request covers.
import { endOf, type View } from './view.ts';

export interface Grain {
  readonly bucketMs: number;
  /** What one request covers; requests begin at whole multiples of it in UTC, so that they are the same for everybody. */
  readonly windowMs: number;
}

const GRAINS: readonly (Grain & { overMs: number })[] = [
  { overMs: 6 * 3_600_000, bucketMs: 120_000, windowMs: 24 * 3_600_000 },
  { overMs: 2 * 3_600_000, bucketMs: 30_000, windowMs: 6 * 3_600_000 },
  { overMs: 30 * 60_000, bucketMs: 10_000, windowMs: 2 * 3_600_000 },
  { overMs: 5 * 60_000, bucketMs: 2000, windowMs: 24 * 60_000 },
];
const FINEST: Grain = { bucketMs: 1000, windowMs: 12 * 60_000 };

export function grainOf(spanMs: number): Grain {
  return GRAINS.find(grain => spanMs > grain.overMs) ?? FINEST;
}

/** Starts of the requests that a view needs: at most three, the one around its middle first. */
export function windowsOf(view: View): number[] {
  const { windowMs } = grainOf(view.spanMs);
  const first = Math.floor(Math.max(0, view.startMs) / windowMs) * windowMs;
  const starts: number[] = [];
  for (let startMs = first; startMs < endOf(view); startMs += windowMs) starts.push(startMs);
  const middleMs = view.startMs + view.spanMs / 2;
  const away = (startMs: number) => Math.abs(startMs + windowMs / 2 - middleMs);
  return starts.sort((a, b) => away(a) - away(b));
}
