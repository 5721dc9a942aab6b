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
export function activity({ startMs, endMs, buckets, sizes, events, footage }: ActivityInput): number[] {
  const bucketMs = (endMs - startMs) / buckets;
  const present = shares(footage, startMs, bucketMs, buckets);
  const eventful = shares(events, startMs, bucketMs, buckets);
  const rates = highestRates(sizes, startMs, bucketMs, buckets);
  const usual = median(sizes.map(([from, to, bytes]) => bytes / Math.max(1, to - from)));
  return present.map((share, bucket) => {
    if (share === 0) return 0;
    const ofEvents = eventful[bucket] as number;
    if (ofEvents > 0) return MOST_OF_BYTES + 1 + Math.round(ofEvents * (LEVELS - 2 - MOST_OF_BYTES));
    return levelOfRate(rates[bucket] as number, usual);
  });
}

/** From 1 to 7. */
export function levelOfRate(rate: number, usual: number): number {
  if (usual <= 0 || rate <= usual) return 1;
  return Math.min(MOST_OF_BYTES, 1 + Math.round(Math.log2(rate / usual) * STEPS_PER_DOUBLING));
}

/** Of each bucket, the part that ranges take, 0 to 1. */
function shares(ranges: readonly Range[], startMs: number, bucketMs: number, buckets: number): number[] {
  const taken = new Array<number>(buckets).fill(0);
  for (const [from, to] of ranges) {
    eachBucket(from, to, startMs, bucketMs, buckets, (bucket, ms) => {
      taken[bucket] = Math.min(1, (taken[bucket] as number) + ms / bucketMs);
    });
  }
  return taken;
}

/** Of each bucket, the highest rate of what lies in it. */
function highestRates(sizes: readonly SizedFootage[], startMs: number, bucketMs: number, buckets: number): number[] {
  const rates = new Array<number>(buckets).fill(0);
  for (const [from, to, bytes] of sizes) {
    const rate = bytes / Math.max(1, to - from);
    eachBucket(from, to, startMs, bucketMs, buckets, bucket => {
      rates[bucket] = Math.max(rates[bucket] as number, rate);
    });
  }
  return rates;
}

function eachBucket(
  fromMs: number,
  toMs: number,
  startMs: number,
  bucketMs: number,
  buckets: number,
  visit: (bucket: number, ms: number) => void,
): void {
  const first = Math.max(0, Math.floor((fromMs - startMs) / bucketMs));
  for (let bucket = first; bucket < buckets; bucket++) {
    const bucketStart = startMs + bucket * bucketMs;
    if (bucketStart >= toMs) return;
    const ms = Math.min(toMs, bucketStart + bucketMs) - Math.max(fromMs, bucketStart);
    if (ms > 0) visit(bucket, ms);
  }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
