// Tells of events in the shape that automations for Frigate read: `new`, `update` and `end` with what was before and what is now. Our own
// words stand beside it.
import type { Camera } from '../cameras/index.ts';
import type { EventView } from '../events/index.ts';

/** One side of a message. Times are seconds since 1970, boxes pixels of the main stream as [left, top, right, bottom]. */
type Side = Record<string, unknown>;

interface Told {
  side: Side;
  /** Monotonic. */
  atMs: number;
  /** What is worth telling at once when it changes. */
  mark: string;
}

/** Growth that nobody waits for is told after this. */
const UPDATE_MS = 5000;
/** Events that go on: one of each camera, and a few that end just now. */
const MAX_TOLD = 256;

export class EventFeed {
  readonly #told = new Map<string, Told>();

  /** The message about an event as it is now; undefined when there is nothing to tell yet. */
  message(event: EventView, camera: Pick<Camera, 'name' | 'state'> | undefined, nowMs: number): string | undefined {
    const known = this.#told.get(event.id);
    const isOver = event.endMs !== undefined;
    const mark = JSON.stringify([event.labels, event.zones, event.picture !== undefined, event.locked]);
    if (known && !isOver && mark === known.mark && nowMs - known.atMs < UPDATE_MS) return undefined;
    const after = sideOf(event, camera);
    if (isOver) this.#told.delete(event.id);
    else {
      const oldest = this.#told.size >= MAX_TOLD && !known ? this.#told.keys().next().value : undefined;
      if (oldest !== undefined) this.#told.delete(oldest);
      this.#told.set(event.id, { side: after, atMs: nowMs, mark });
    }
    const type = isOver ? 'end' : known ? 'update' : 'new';
    return JSON.stringify({ type, before: known?.side ?? after, after });
  }

  /** It is no more. */
  forget(id: string): void {
    this.#told.delete(id);
  }
}

function sideOf(event: EventView, camera: Pick<Camera, 'name' | 'state'> | undefined): Side {
  const { id, startMs, endMs, labels, zones, sources, score, boxes, picture, preRoll, locked } = event;
  const best = boxes.reduce<(typeof boxes)[number] | undefined>(
    (found, one) => (found && (found.score ?? 0) >= (one.score ?? 0) ? found : one),
    undefined,
  );
  const { width = 0, height = 0 } = camera?.state.main ?? {};
  const box = best ? pixels(best.box, width, height) : null;
  const area = box ? (box[2] - box[0]) * (box[3] - box[1]) : 0;
  const frame_time = seconds(best?.atMs ?? startMs);
  const value = score ?? best?.score ?? null;
  return {
    id,
    camera: camera?.name ?? String(event.camera),
    camera_id: event.camera,
    frame_time,
    snapshot: picture
      ? { frame_time: seconds(picture.atMs), box, area, region: null, score: value, attributes: [] }
      : null,
    label: best?.label ?? labels[0] ?? sources[0] ?? '',
    sub_label: null,
    top_score: value,
    score: value,
    false_positive: false,
    start_time: seconds(startMs),
    end_time: endMs === undefined ? null : seconds(endMs),
    box,
    area,
    ratio: box && box[3] > box[1] ? Math.round(((box[2] - box[0]) / (box[3] - box[1])) * 100) / 100 : 0,
    region: null,
    current_zones: endMs === undefined ? zones : [],
    entered_zones: zones,
    thumbnail: null,
    has_snapshot: picture !== undefined,
    has_clip: preRoll.deliveredMs > 0 || endMs !== undefined,
    active: endMs === undefined,
    stationary: false,
    motionless_count: 0,
    position_changes: 0,
    attributes: {},
    current_attributes: [],
    labels,
    sources,
    locked,
  };
}

function pixels([left, top, width, height]: readonly [number, number, number, number], across: number, down: number) {
  const right = Math.round((left + width) * across);
  const bottom = Math.round((top + height) * down);
  return [Math.round(left * across), Math.round(top * down), right, bottom] as [number, number, number, number];
}

function seconds(ms: number): number {
  return ms / 1000;
}
