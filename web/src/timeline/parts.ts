// Questions about more cameras than the board takes in one are asked in parts.

/** In one request of the timeline or of days. */
const MOST_CAMERAS = 32;

/** Answers in the order of the cameras; at least one. */
export function inParts<T>(cameras: readonly number[], ask: (part: number[]) => Promise<T>): Promise<T[]> {
  const parts = Array.from({ length: Math.max(1, Math.ceil(cameras.length / MOST_CAMERAS)) }, (_, index) =>
    cameras.slice(index * MOST_CAMERAS, (index + 1) * MOST_CAMERAS),
  );
  return Promise.all(parts.map(ask));
}
