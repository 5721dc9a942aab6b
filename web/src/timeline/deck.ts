// What the timeline's buttons and keys need of whatever plays: one clock for all pictures.
import type { ReadonlySignal } from '@preact/signals';

export interface Deck {
  readonly isPlaying: ReadonlySignal<boolean>;
  /** 1 = as it was. */
  readonly rate: ReadonlySignal<number>;
  play(): void;
  pause(): void;
  setRate(rate: number): void;
  /** One frame on or back; pauses. */
  step(direction: 1 | -1): void;
}
