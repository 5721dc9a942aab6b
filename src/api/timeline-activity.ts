// How much happened in each part of a stretch of time, told by what is known without looking at a picture: bytes and events.

/** What there is of a stream. */
export type SizedFootage = readonly [startMs: number, endMs: number, sizeBytes: number];
type Range = readonly [startMs: number, endMs: number];

export const LEVELS = 16;
/** Up to here levels tell of bytes, beyond of events. */
const MOST_OF_BYTES = 7;
/** So much more than usual a doubling of the rate is. */
const STEPS_PER_DOUBLING = 3;

export interface ActivityInput {
  startMs: number;
  endMs: number;
  buckets: number;
  /** By their start. */
  sizes: readonly SizedFootage[];
  /** Where events were; sorted, apart from each other. */
  events: readonly Range[];
  /** Where there is footage; sorted, apart from each other. */
  footage: readonly Range[];
}

/**
 * A level from 0 to 15 for each bucket. 0 = no footage; 1 to 7: bytes per second, from what is usual in this range (the median) or less to
 * four times that; 8 to 15: an event, by how much of the bucket it takes.
 */
export function activity({ startMs, endMs, buckets, sizes, events, footage }: ActivityInput): Uint8Array {
  const bucketMs = (endMs - startMs) / buckets;
  const present = shares(footage, startMs, bucketMs, buckets);
  const eventful = shares(events, startMs, bucketMs, buckets);
  const levels = levelsOfBytes(sizes, startMs, bucketMs, buckets);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const ofEvents = eventful[bucket] as number;
    if (present[bucket] === 0) levels[bucket] = 0;
    else if (ofEvents > 0) levels[bucket] = MOST_OF_BYTES + 1 + Math.round(ofEvents * (LEVELS - 2 - MOST_OF_BYTES));
    else if (levels[bucket] === 0) levels[bucket] = 1;
  }
  return levels;
}

/** From 1 to 7. */
export function levelOfRate(rate: number, usual: number): number {
  if (usual <= 0 || rate <= usual) return 1;
  return Math.min(MOST_OF_BYTES, 1 + Math.round(Math.log2(rate / usual) * STEPS_PER_DOUBLING));
}

/** Of each bucket, the part that ranges take, 0 to 1. */
function shares(ranges: readonly Range[], startMs: number, bucketMs: number, buckets: number): Float64Array {
  const taken = new Float64Array(buckets);
  for (const [from, to] of ranges) {
    const first = Math.max(0, Math.floor((from - startMs) / bucketMs));
    const end = Math.min(buckets, Math.ceil((to - startMs) / bucketMs));
    if (first >= end) continue;
    // All between the first and the last are full.
    taken.fill(1, first + 1, Math.max(first + 1, end - 1));
    for (const bucket of end - 1 > first ? [first, end - 1] : [first]) {
      const bucketStart = startMs + bucket * bucketMs;
      const ms = Math.min(to, bucketStart + bucketMs) - Math.max(from, bucketStart);
      taken[bucket] = Math.min(1, (taken[bucket] as number) + ms / bucketMs);
    }
  }
  return taken;
}

/** Of each bucket, the highest level of what lies in it; 0 where nothing does. */
function levelsOfBytes(sizes: readonly SizedFootage[], startMs: number, bucketMs: number, buckets: number): Uint8Array {
  const levels = new Uint8Array(buckets);
  const usual = median(sizes.map(([from, to, bytes]) => bytes / Math.max(1, to - from)));
  for (const [from, to, bytes] of sizes) {
    const level = levelOfRate(bytes / Math.max(1, to - from), usual);
    const end = Math.min(buckets, Math.ceil((to - startMs) / bucketMs));
    for (let bucket = Math.max(0, Math.floor((from - startMs) / bucketMs)); bucket < end; bucket++) {
      if ((levels[bucket] as number) < level) levels[bucket] = level;
    }
  }
  return levels;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
