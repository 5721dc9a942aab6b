// Bytes that are sent for as long as whoever gets them may have them: motion JPEG goes on for days.
import type { Clock } from '../core/index.ts';
import type { ByteSource } from './server.ts';

/** From the loss of a right to the end of the bytes, at most, while bytes flow. */
const LOOK_MS = 4000;

/** Ends early once `isStillGood` says no; servers cut off a reply that is shorter than it says. */
export function watchedSource(
  source: ByteSource,
  isStillGood: () => boolean,
  clock: Pick<Clock, 'monotonicMs'>,
): ByteSource {
  let lookedMs = clock.monotonicMs();
  return {
    sizeBytes: source.sizeBytes,
    async next() {
      const nowMs = clock.monotonicMs();
      if (nowMs - lookedMs >= LOOK_MS) {
        if (!isStillGood()) return undefined;
        lookedMs = nowMs;
      }
      return source.next();
    },
    close: () => source.close(),
  };
}
