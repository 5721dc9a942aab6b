// A clock that runs faster than the world, so that a test sees a minute of play in seconds.
import { type Clock, sleepOn, systemClock } from '../../src/core/index.ts';

export function fastClock(factor: number): Clock {
  const startUtcMs = systemClock.nowMs();
  const startMs = systemClock.monotonicMs();
  const elapsedMs = () => (systemClock.monotonicMs() - startMs) * factor;
  const after: Clock['after'] = (ms, callback) => systemClock.after(ms / factor, callback);
  return {
    after,
    nowMs: () => startUtcMs + elapsedMs(),
    monotonicMs: () => startMs + elapsedMs(),
    sleep: (ms, signal) => sleepOn({ after }, ms, signal),
  };
}
