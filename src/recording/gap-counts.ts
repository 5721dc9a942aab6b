// How many gaps began in this run, by camera and reason.
import type { CameraId, EventBus, GapReason } from '../core/index.ts';

export interface GapCount {
  camera: CameraId;
  reason: GapReason;
  count: number;
}

export class GapCounts {
  readonly #counts = new Map<CameraId, Map<GapReason, number>>();

  /** Counts from now on, as long as the bus lives. */
  constructor(bus: EventBus) {
    bus.on('gap.opened', ({ camera, reason }) => {
      const reasons = this.#counts.get(camera) ?? new Map<GapReason, number>();
      this.#counts.set(camera, reasons.set(reason, (reasons.get(reason) ?? 0) + 1));
    });
    bus.on('camera.removed', ({ camera }) => this.#counts.delete(camera));
  }

  list(): GapCount[] {
    return [...this.#counts].flatMap(([camera, reasons]) =>
      [...reasons].map(([reason, count]) => ({ camera, reason, count })),
    );
  }
}
