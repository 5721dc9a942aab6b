// Fingers, mouse and wheel on the lanes, turned into panning, scrubbing, zooming and ranges.
import { fineness, fling, Trail } from './gesture.ts';
import type { TimelineModel } from './model.ts';
import { selected } from './selection.ts';
import { timeAt } from './view.ts';

export interface TrackParts {
  /** Takes all pointers; wide and high as what they may touch. */
  track: HTMLElement;
  /** As wide as the lanes: its left edge is the left edge of the view. */
  stage: HTMLElement;
  ruler: HTMLElement;
}

type Mode = 'pan' | 'scrub' | 'range' | 'in' | 'out' | 'pinch';

/** A pointer that moved less than this tapped. */
const TAP_PX = 5;
/** A notch of a usual wheel is 100: about a third nearer or wider. */
const WHEEL_ZOOM = 0.003;

/** Listens until what it returns is called. `hover` is told the time under a resting mouse. */
export function followPointers(
  parts: TrackParts,
  model: TimelineModel,
  hover: (at: { timeMs: number; x: number } | undefined) => void,
): () => void {
  const pointers = new TrackPointers(parts, model, hover);
  const { track } = parts;
  const stop = new AbortController();
  const { signal } = stop;
  track.addEventListener('pointerdown', event => pointers.down(event), { signal });
  track.addEventListener('pointermove', event => pointers.move(event), { signal });
  track.addEventListener('pointerup', event => pointers.up(event, false), { signal });
  track.addEventListener('pointercancel', event => pointers.up(event, true), { signal });
  track.addEventListener('pointerleave', () => hover(undefined), { signal });
  track.addEventListener('wheel', event => pointers.wheel(event), { signal, passive: false });
  return () => {
    stop.abort();
    pointers.rest();
  };
}

class TrackPointers {
  readonly #parts: TrackParts;
  readonly #model: TimelineModel;
  readonly #hover: (at: { timeMs: number; x: number } | undefined) => void;
  readonly #held = new Map<number, { x: number; y: number }>();
  #mode: Mode | undefined;
  /** False until the pointer has moved further than a tap. */
  #active = false;
  #begin = { x: 0, y: 0, timeMs: 0 };
  #pinch = { distance: 1, spanMs: 1, anchorMs: 0 };
  #trail = new Trail();
  #flight = 0;

  constructor(parts: TrackParts, model: TimelineModel, hover: (at: { timeMs: number; x: number } | undefined) => void) {
    this.#parts = parts;
    this.#model = model;
    this.#hover = hover;
  }

  down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const target = event.target as Element;
    const handle = target.closest<HTMLElement>('[data-handle]')?.dataset.handle as 'in' | 'out' | 'needle' | undefined;
    if (!handle && target.closest('button, a, input')) return;
    this.rest();
    this.#hover(undefined);
    this.#held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#held.size === 2) {
      this.#beginPinch();
      return;
    }
    this.#active = false;
    this.#trail = new Trail();
    this.#begin = { x: event.clientX, y: event.clientY, timeMs: this.#timeOf(event.clientX) };
    const onRuler = this.#parts.ruler.contains(target);
    if (handle === 'in' || handle === 'out') this.#mode = handle;
    else if (handle === 'needle' && !this.#model.isNarrow.value) this.#mode = 'scrub';
    else if (event.shiftKey) this.#mode = 'range';
    else this.#mode = onRuler && event.pointerType === 'mouse' && !this.#model.isNarrow.value ? 'scrub' : 'pan';
  }

  move(event: PointerEvent): void {
    const before = this.#held.get(event.pointerId);
    if (!before) {
      if (event.pointerType === 'mouse') this.#hoverAt(event);
      return;
    }
    const [x, y] = [event.clientX, event.clientY];
    if (!this.#active && this.#mode !== 'pinch') {
      if (Math.hypot(x - this.#begin.x, y - this.#begin.y) < TAP_PX) return;
      this.#active = true;
      this.#parts.track.setPointerCapture(event.pointerId);
    }
    this.#held.set(event.pointerId, { x, y });
    this.#drag(x - before.x, x, y, event.timeStamp);
  }

  up(event: PointerEvent, cancelled: boolean): void {
    if (!this.#held.delete(event.pointerId)) return;
    const mode = this.#mode;
    if (mode === 'pinch' && this.#held.size > 0) {
      // The finger that stays goes on panning.
      const [rest] = this.#held.values();
      this.#mode = 'pan';
      this.#active = true;
      this.#trail = new Trail();
      if (rest) this.#begin = { ...rest, timeMs: this.#timeOf(rest.x) };
      return;
    }
    this.#mode = undefined;
    if (!this.#active) {
      if (!cancelled && mode === 'pan') this.#model.seek(this.#timeOf(event.clientX), 'commit');
      else if (!cancelled && mode === 'scrub') this.#model.seek(this.#begin.timeMs, 'commit');
      return;
    }
    const speed =
      mode === 'pan' && event.pointerType === 'touch' && !cancelled ? this.#trail.speed(event.timeStamp) : 0;
    if (speed !== 0 && !matchMedia('(prefers-reduced-motion: reduce)').matches) this.#fly(speed, event.timeStamp);
    else this.#settle();
  }

  wheel(event: WheelEvent): void {
    event.preventDefault();
    this.rest();
    const factor = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.#model.pan(sideways * factor * this.#msPerPx(), 'commit');
      return;
    }
    const { spanMs } = this.#model.view.value;
    this.#model.zoom(spanMs * Math.exp(event.deltaY * factor * WHEEL_ZOOM), this.#timeOf(event.clientX));
  }

  /** Ends a fling. */
  rest(): void {
    if (this.#flight === 0) return;
    cancelAnimationFrame(this.#flight);
    this.#flight = 0;
    this.#settle();
  }

  #drag(dx: number, x: number, y: number, atMs: number): void {
    const model = this.#model;
    switch (this.#mode) {
      case 'pinch':
        this.#dragPinch();
        break;
      case 'in':
      case 'out':
        // Handles that crossed have changed their names.
        this.#mode = model.mark(this.#mode, this.#timeOf(x));
        break;
      case 'range':
        model.selection.value = selected(this.#begin.timeMs, Math.min(this.#timeOf(x), model.now()));
        break;
      case 'scrub':
        model.seek(this.#timeOf(x), 'scrub');
        break;
      case 'pan': {
        const box = this.#parts.track.getBoundingClientRect();
        const away = Math.max(0, box.top - y, y - box.bottom);
        const way = dx / (model.isNarrow.value ? fineness(away) : 1);
        this.#trail.add(x, atMs);
        model.pan(-way * this.#msPerPx());
        break;
      }
    }
  }

  #beginPinch(): void {
    const [one, two] = [...this.#held.values()];
    if (!one || !two) return;
    if (this.#model.isScrubbing.value) this.#settle();
    this.#mode = 'pinch';
    this.#active = true;
    this.#pinch = {
      distance: Math.max(10, Math.abs(one.x - two.x)),
      spanMs: this.#model.view.value.spanMs,
      anchorMs: this.#timeOf((one.x + two.x) / 2),
    };
  }

  #dragPinch(): void {
    const [one, two] = [...this.#held.values()];
    if (!one || !two) return;
    const { distance, spanMs, anchorMs } = this.#pinch;
    const model = this.#model;
    model.zoom(spanMs * (distance / Math.max(10, Math.abs(one.x - two.x))), anchorMs);
    if (!model.isNarrow.value) model.pan(anchorMs - this.#timeOf((one.x + two.x) / 2));
  }

  #fly(speed: number, beginMs: number): void {
    let way = 0;
    const step = (nowMs: number) => {
      const { wayPx, ended } = fling(speed, Math.max(0, nowMs - beginMs));
      this.#model.pan(-(wayPx - way) * this.#msPerPx());
      way = wayPx;
      if (ended) {
        this.#flight = 0;
        this.#settle();
      } else this.#flight = requestAnimationFrame(step);
    };
    this.#flight = requestAnimationFrame(step);
  }

  /** What was scrubbed to is where playback goes on. */
  #settle(): void {
    const model = this.#model;
    if (model.isScrubbing.value) model.seek(model.needleMs.value, 'commit');
  }

  #hoverAt(event: PointerEvent): void {
    const { left, width } = this.#parts.stage.getBoundingClientRect();
    const x = event.clientX - left;
    this.#hover(x >= 0 && x <= width ? { timeMs: this.#timeOf(event.clientX), x } : undefined);
  }

  #timeOf(clientX: number): number {
    const { left, width } = this.#parts.stage.getBoundingClientRect();
    return timeAt(this.#model.view.value, width, clientX - left);
  }

  #msPerPx(): number {
    return this.#model.view.value.spanMs / Math.max(1, this.#parts.stage.clientWidth);
  }
}
