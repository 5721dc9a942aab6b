// Which moment stands where in a recorded HLS playlist: players collapse the gaps in it, and not all of them say what was left out.

/** A run of footage; seconds on the player's time line, UTC in milliseconds. */
export interface Run {
  mediaS: number;
  startMs: number;
  endMs: number;
}

/** Longer playlists than the service makes are not read to their end. */
const MOST_LINES = 50_000;

export function runsOf(playlist: string): Run[] {
  const runs: Run[] = [];
  let mediaS = 0;
  let run: Run | undefined;
  for (const line of playlist.split('\n', MOST_LINES)) {
    const [, name, value = ''] = /^#(EXTINF|EXT-X-PROGRAM-DATE-TIME):(.*)$/.exec(line) ?? [];
    if (name === 'EXTINF') {
      const seconds = Number.parseFloat(value);
      if (!run || !(seconds >= 0)) continue;
      run.endMs += seconds * 1000;
      mediaS += seconds;
    } else if (name) {
      const startMs = Date.parse(value);
      if (!Number.isFinite(startMs)) continue;
      run = { mediaS, startMs, endMs: startMs };
      runs.push(run);
    }
  }
  return runs.filter(({ startMs, endMs }) => endMs > startMs);
}

export function wallOf(runs: readonly Run[], mediaS: number): number | undefined {
  const run = runs.findLast(one => one.mediaS <= mediaS);
  return run && Math.min(run.startMs + (mediaS - run.mediaS) * 1000, run.endMs);
}

/** Undefined where there is no footage. */
export function mediaOf(runs: readonly Run[], ms: number): number | undefined {
  const run = runs.find(({ startMs, endMs }) => startMs <= ms && ms < endMs);
  return run && run.mediaS + (ms - run.startMs) / 1000;
}
