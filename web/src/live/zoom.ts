// Looking closer at a picture: where it lies in its frame for a scale, and what fingers, wheel and keys make of that.

/** The picture's left upper corner, in widths and heights of the frame, and how much larger than the frame it is. */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

/** In widths and heights of the frame. */
export interface Point {
  x: number;
  y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
export const MOST_SCALE = 8;
/** Of one press of a button or key. */
export const STEP = 1.5;
/** From here on the large stream shows more. */
export const SHARP_SCALE = 1.5;
/** A scale so near to the whole picture is meant to be it. */
const NEARLY_WHOLE = 1.05;

/** The point stays where it is. */
export function zoomTo({ scale, x, y }: Zoom, wanted: number, at: Point): Zoom {
  const next = Math.min(Math.max(wanted, 1), MOST_SCALE);
  if (next < NEARLY_WHOLE) return WHOLE;
  const ratio = next / scale;
  return inside({ scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio });
}

export function pan(zoom: Zoom, byX: number, byY: number): Zoom {
  return inside({ scale: zoom.scale, x: zoom.x + byX, y: zoom.y + byY });
}

/** Twice as large there; once more, the whole picture. */
export function doubleTap(zoom: Zoom, at: Point): Zoom {
  return zoom.scale > 1 ? WHOLE : zoomTo(zoom, 2, at);
}

/** The frame stays filled. */
function inside({ scale, x, y }: Zoom): Zoom {
  const clamped = (value: number) => Math.min(0, Math.max(1 - scale, value));
  return { scale, x: clamped(x), y: clamped(y) };
}

const SWIPE = 0.18;
const TAP_MS = 300;
const TAP_SLIP = 0.04;

interface Finger extends Point {
  downX: number;
  downY: number;
  downMs: number;
}

/** Follows pointers of one frame; positions in widths and heights of it. */
export class Fingers {
  readonly #fingers = new Map<number, Finger>();
  #tapMs = Number.NEGATIVE_INFINITY;
  #tap: Point = { x: 0, y: 0 };
  #many = false;

  get count(): number {
    return this.#fingers.size;
  }

  down(id: number, at: Point, nowMs: number): void {
    this.#fingers.set(id, { ...at, downX: at.x, downY: at.y, downMs: nowMs });
    if (this.#fingers.size > 1) this.#many = true;
  }

  move(id: number, at: Point, zoom: Zoom): Zoom {
    const finger = this.#fingers.get(id);
    if (!finger) return zoom;
    const [byX, byY] = [at.x - finger.x, at.y - finger.y];
    const before = this.#spread();
    Object.assign(finger, at);
    const after = this.#spread();
    if (!before || !after) return zoom.scale > 1 ? pan(zoom, byX, byY) : zoom;
    const moved = pan(zoom, after.middle.x - before.middle.x, after.middle.y - before.middle.y);
    return before.width > 0 ? zoomTo(moved, (zoom.scale * after.width) / before.width, after.middle) : moved;
  }

  /** `tapped`: for the second of two taps, where. */
  up(id: number, zoom: Zoom, nowMs: number): { swipe?: 'next' | 'previous'; tapped?: Point } {
    const finger = this.#fingers.get(id);
    this.#fingers.delete(id);
    if (!finger) return {};
    const many = this.#many;
    if (this.#fingers.size === 0) this.#many = false;
    if (many) return {};
    const [byX, byY] = [finger.x - finger.downX, finger.y - finger.downY];
    if (zoom.scale === 1 && Math.abs(byX) > SWIPE && Math.abs(byX) > 2 * Math.abs(byY))
      return { swipe: byX < 0 ? 'next' : 'previous' };
    if (Math.hypot(byX, byY) > TAP_SLIP || nowMs - finger.downMs > TAP_MS) return {};
    const second =
      nowMs - this.#tapMs < TAP_MS && Math.hypot(finger.x - this.#tap.x, finger.y - this.#tap.y) < 2 * TAP_SLIP;
    this.#tapMs = second ? Number.NEGATIVE_INFINITY : nowMs;
    this.#tap = finger;
    return second ? { tapped: { x: finger.x, y: finger.y } } : {};
  }

  /** The system took them over. */
  cancel(id: number): void {
    this.#fingers.delete(id);
    if (this.#fingers.size === 0) this.#many = false;
  }

  #spread(): { middle: Point; width: number } | undefined {
    const [a, b] = [...this.#fingers.values()];
    if (!a || !b) return undefined;
    return { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, width: Math.hypot(a.x - b.x, a.y - b.y) };
  }
}
