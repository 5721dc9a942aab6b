// Names of go2rtc's streams for browsers: one for each session, as go2rtc forgets none and cannot be told to let a browser go.
import type { CameraId, Clock } from '../core/index.ts';
import type { PeerKind } from './offer.ts';

/** The first has no number. */
export type PeerStreamName = `th-${number}-${PeerKind}` | `th-${number}-${PeerKind}-${number}`;

/** go2rtc's list of who takes what is asked for each 5 s: this much after a session its entry tells about the time since. */
const SETTLED_MS = 7000;
/** More are never in use at once; what is beyond has browsers that do not go. */
const MOST_PER_CAMERA = 32;

interface Left {
  atMonotonicMs: number;
}

/**
 * A name that was used is given out again when nobody is left behind it: whoever still holds on to an ended session would get the next one's
 * pictures, or speak in its place.
 */
export class StreamNames {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #used = new Set<PeerStreamName>();
  readonly #left = new Map<PeerStreamName, Left>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** `takers`: how many take a stream. Undefined when all names of the camera are taken. */
  take(camera: CameraId, kind: PeerKind, takers: (name: PeerStreamName) => number): PeerStreamName | undefined {
    for (let number = 1; number <= MOST_PER_CAMERA; number++) {
      const name: PeerStreamName = number === 1 ? `th-${camera}-${kind}` : `th-${camera}-${kind}-${number}`;
      if (this.#used.has(name)) continue;
      const left = this.#left.get(name);
      if (left && !(this.#hasSettled(left) && takers(name) === 0)) continue;
      this.#left.delete(name);
      this.#used.add(name);
      return name;
    }
    return undefined;
  }

  leave(name: PeerStreamName): void {
    if (this.#used.delete(name)) this.#left.set(name, { atMonotonicMs: this.#clock.monotonicMs() });
  }

  /** Those that were left, and that somebody holds on to all the same. */
  heldOn(kind: PeerKind, takers: (name: PeerStreamName) => number): PeerStreamName[] {
    return [...this.#left]
      .filter(([name, left]) => name.includes(`-${kind}`) && this.#hasSettled(left) && takers(name) > 0)
      .map(([name]) => name);
  }

  /** The process behind them is gone: so is everybody who held on. */
  forget(): void {
    this.#left.clear();
  }

  #hasSettled({ atMonotonicMs }: Left): boolean {
    return this.#clock.monotonicMs() - atMonotonicMs >= SETTLED_MS;
  }
}
