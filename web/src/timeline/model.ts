// The state of the timeline page: what is seen, where the needle stands, what is chosen. Hides how a wide screen differs from a
// phone, where the needle stays in the middle and the track moves under it.
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { TimelineAddress } from './address.ts';
import type { EventClass } from './classes.ts';
import { LaneStore, type LoadLanes } from './lane-store.ts';
import { moved, type Selection, selected } from './selection.ts';
import { centredOn, clampSpan, clampTime, middleOf, showing, stepSpan, type View, zoomAt } from './view.ts';

/** `scrub`: more of them will come at once. `commit`: playback goes on from there. */
export type SeekKind = 'scrub' | 'commit';

const DEFAULT_SPAN_MS = 6 * 3_600_000;
/** A range begins with this length around the needle. */
const FIRST_RANGE_MS = 60_000;
/** Steps in which a narrow view follows its needle: several to a pixel. */
const STEPS = 4096;

export interface ModelOptions {
  address: TimelineAddress;
  /** The board's clock, UTC ms. */
  now: () => number;
  load: LoadLanes;
  /** How many pictures there is room for. */
  most: number;
  /** The needle stays in the middle. */
  isNarrow: boolean;
}

export class TimelineModel {
  readonly now: () => number;
  readonly store: LaneStore;
  /** Rises whenever there is something new to draw. */
  readonly news: Signal<number> = signal(0);
  readonly needleMs: Signal<number>;
  /** It follows the present: pictures are live. Only `goLive` turns it on. */
  readonly isLive: Signal<boolean>;
  readonly isNarrow: Signal<boolean>;
  /** Cameras shown as pictures, the leading one first. */
  readonly chosen: Signal<readonly number[]>;
  /** Undefined: all. */
  readonly classes: Signal<ReadonlySet<EventClass> | undefined> = signal(undefined);
  readonly selection: Signal<Selection | undefined>;
  readonly isList: Signal<boolean> = signal(false);
  /** A finger or mouse moves the needle now. */
  readonly isScrubbing: Signal<boolean> = signal(false);
  readonly view: ReadonlySignal<View>;
  /** Called for every seek that a person makes. */
  onSeek: (timeMs: number, kind: SeekKind) => void = () => {};
  readonly #free: Signal<View>;
  readonly #most: number;

  constructor({ address, now, load, most, isNarrow }: ModelOptions) {
    this.now = now;
    this.#most = most;
    this.store = new LaneStore(load, now, () => this.news.value++);
    const startMs = address.timeMs ?? address.selection?.inMs;
    this.needleMs = signal(Math.min(startMs ?? now(), now()));
    this.isLive = signal(startMs === undefined);
    this.isNarrow = signal(isNarrow);
    this.chosen = signal(address.cameras.slice(0, most));
    this.selection = signal(address.selection);
    this.#free = signal(centredOn(this.needleMs.value, address.spanMs ?? DEFAULT_SPAN_MS));
    let last = this.#free.peek();
    this.view = computed(() => {
      const free = this.#free.value;
      if (!this.isNarrow.value) return free;
      const { spanMs } = free;
      // In steps that nobody sees, so that playing does not draw everything anew for each picture.
      const stepMs = spanMs / STEPS;
      const next = centredOn(Math.round(this.needleMs.value / stepMs) * stepMs, spanMs);
      if (next.startMs !== last.startMs || next.spanMs !== last.spanMs) last = next;
      return last;
    });
  }

  /** A person puts the needle somewhere. Zoom and play state stay as they are. */
  seek(timeMs: number, kind: SeekKind): void {
    const toMs = Math.min(clampTime(timeMs), this.now());
    this.isLive.value = false;
    this.isScrubbing.value = kind === 'scrub';
    this.needleMs.value = toMs;
    if (kind === 'commit') this.#reveal();
    this.onSeek(toMs, kind);
  }

  /** Playback, or the present, moved on. Follows it over the edge, but not back from where a person looks. */
  advance(timeMs: number): void {
    if (this.isScrubbing.value) return;
    const before = this.needleMs.value;
    this.needleMs.value = timeMs;
    const { startMs, spanMs } = this.#free.value;
    const wasSeen = before >= startMs && before < startMs + spanMs;
    if (wasSeen && timeMs >= startMs + spanMs)
      this.#free.value = { startMs: timeMs - spanMs / (this.isLive.value ? 2 : 10), spanMs };
  }

  goLive(): void {
    this.isScrubbing.value = false;
    this.isLive.value = true;
    this.needleMs.value = this.now();
    this.#reveal();
  }

  /** Moves what is seen. Where the needle stays in the middle that is scrubbing. */
  pan(deltaMs: number, kind: SeekKind = 'scrub'): void {
    if (this.isNarrow.value) {
      this.seek(this.needleMs.value + deltaMs, kind);
      return;
    }
    const { startMs, spanMs } = this.#free.value;
    this.#free.value = { startMs: Math.max(0, Math.min(startMs + deltaMs, this.now() - spanMs / 4)), spanMs };
  }

  /** Zooms with `anchorMs` staying at its place: the needle's where that is the middle, or where no pointer says otherwise. */
  zoom(spanMs: number, anchorMs?: number): void {
    const view = this.view.value;
    const isSeen = this.needleMs.value >= view.startMs && this.needleMs.value < view.startMs + view.spanMs;
    const atMs = this.isNarrow.value || (anchorMs === undefined && isSeen) ? this.needleMs.value : anchorMs;
    this.#free.value = zoomAt(view, atMs ?? middleOf(view), clampSpan(spanMs));
  }

  stepZoom(direction: 1 | -1, anchorMs?: number): void {
    this.zoom(stepSpan(this.#free.value.spanMs, direction), anchorMs);
  }

  /** Brings a camera into the pictures, as the leading one when there is no room. */
  choose(camera: number): void {
    if (this.chosen.value.includes(camera)) return;
    const room = this.chosen.value.length < this.#most;
    this.chosen.value = room ? [...this.chosen.value, camera] : [camera, ...this.chosen.value.slice(1)];
  }

  /** Takes a camera out of the pictures, but never the last one. */
  drop(camera: number): void {
    if (this.chosen.value.length > 1) this.chosen.value = this.chosen.value.filter(id => id !== camera);
  }

  /** In or Out at the needle; the first of the two makes a range of a minute. Returns which of them is there then. */
  mark(handle: 'in' | 'out', timeMs: number = this.needleMs.value): 'in' | 'out' {
    const range = this.selection.value;
    if (range) {
      const after = moved(range, handle, timeMs);
      this.selection.value = after.range;
      return after.handle;
    }
    if (handle === 'in') this.selection.value = selected(timeMs, Math.min(timeMs + FIRST_RANGE_MS, this.now()));
    else this.selection.value = selected(timeMs - FIRST_RANGE_MS, timeMs);
    return handle;
  }

  #reveal(): void {
    this.#free.value = showing(this.#free.value, this.needleMs.value);
  }
}
