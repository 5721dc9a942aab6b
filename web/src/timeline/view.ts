// The stretch of time on the screen: its nine named zooms, and the sums between times and pixels.

/** Left edge and length of what is seen; the right edge is not part of it. */
export interface View {
  readonly startMs: number;
  readonly spanMs: number;
}

/** Named zooms, widest first; the name stands in addresses. */
export const LEVELS: readonly { readonly name: string; readonly spanMs: number }[] = [
  { name: '24h', spanMs: 86_400_000 },
  { name: '12h', spanMs: 43_200_000 },
  { name: '6h', spanMs: 21_600_000 },
  { name: '2h', spanMs: 7_200_000 },
  { name: '1h', spanMs: 3_600_000 },
  { name: '30m', spanMs: 1_800_000 },
  { name: '10m', spanMs: 600_000 },
  { name: '5m', spanMs: 300_000 },
  { name: '1m', spanMs: 60_000 },
];

export const WIDEST_MS = 86_400_000;
export const NARROWEST_MS = 60_000;

/** The last time that the service takes, in 9999. */
const LAST_MS = 253_402_300_799_999;

export function endOf(view: View): number {
  return view.startMs + view.spanMs;
}

export function middleOf(view: View): number {
  return view.startMs + view.spanMs / 2;
}

export function xOf(view: View, width: number, timeMs: number): number {
  return ((timeMs - view.startMs) / view.spanMs) * width;
}

export function timeAt(view: View, width: number, x: number): number {
  return view.startMs + (width > 0 ? x / width : 0) * view.spanMs;
}

export function clampSpan(spanMs: number): number {
  return Math.min(WIDEST_MS, Math.max(NARROWEST_MS, spanMs));
}

export function clampTime(timeMs: number): number {
  return Math.min(LAST_MS, Math.max(0, timeMs));
}

/** Another zoom with `anchorMs` at the same place of the screen. */
export function zoomAt(view: View, anchorMs: number, spanMs: number): View {
  const wanted = clampSpan(spanMs);
  return { startMs: anchorMs - (anchorMs - view.startMs) * (wanted / view.spanMs), spanMs: wanted };
}

export function centredOn(timeMs: number, spanMs: number): View {
  return { startMs: timeMs - spanMs / 2, spanMs };
}

/** The view moved by as little as shows `timeMs` with a tenth of the width beside it; the same view when it is shown already. */
export function showing(view: View, timeMs: number): View {
  if (timeMs >= view.startMs && timeMs < endOf(view)) return view;
  const margin = view.spanMs / 10;
  const startMs = timeMs < view.startMs ? timeMs - margin : timeMs + margin - view.spanMs;
  return { ...view, startMs };
}

/** Index of the named zoom that comes nearest. */
export function levelOf(spanMs: number): number {
  let best = 0;
  for (const [index, level] of LEVELS.entries()) {
    const known = LEVELS[best]?.spanMs ?? WIDEST_MS;
    if (Math.abs(Math.log(spanMs / level.spanMs)) < Math.abs(Math.log(spanMs / known))) best = index;
  }
  return best;
}

/** The next named zoom: nearer (+1) or wider (-1). */
export function stepSpan(spanMs: number, direction: 1 | -1): number {
  const spans = LEVELS.map(level => level.spanMs);
  if (direction > 0) return spans.find(span => span < spanMs - 1) ?? NARROWEST_MS;
  return spans.reverse().find(span => span > spanMs + 1) ?? WIDEST_MS;
}

/** `2h`, or seconds for what lies between the named zooms: `4830s`. */
export function spanName(spanMs: number): string {
  return LEVELS.find(level => Math.abs(level.spanMs - spanMs) < 500)?.name ?? `${Math.round(spanMs / 1000)}s`;
}

export function parseSpan(name: string | undefined): number | undefined {
  const level = LEVELS.find(one => one.name === name);
  if (level) return level.spanMs;
  const match = /^(\d{2,5})s$/.exec(name ?? '');
  return match ? clampSpan(Number(match[1]) * 1000) : undefined;
}
