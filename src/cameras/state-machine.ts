// The state of one camera as its owner sees it, derived from what the engine reports about the link.
import type { CameraStateName, Clock } from '../core/index.ts';
import type { EngineEvent } from '../native/index.ts';
import type { CameraProblem } from './camera.ts';
import type { Explanation, NoRoute } from './hub.ts';
import { isLasting } from './problem-words.ts';

export type LinkEvent = Extract<EngineEvent, { type: 'link' }>;

export interface MachineState {
  name: CameraStateName;
  reason?: CameraProblem;
  /** A sentence about this very case, in place of the usual one for the reason. */
  detail?: string;
  /** The same for the cure. */
  cure?: string;
  sinceMs: number;
  retryAtMs?: number;
}

/** `stalled` is shown at least this long, so that nobody who watches states misses it. */
const STALLED_VISIBLE_MS = 1000;

export interface MachineOptions {
  clock: Clock;
  onChange: (state: MachineState) => void;
}

export class StateMachine {
  readonly #clock: Clock;
  readonly #onChange: (state: MachineState) => void;
  #state: MachineState;
  #stalledAtMs = 0;
  #wasLive = false;
  #cancelHeld: (() => void) | undefined;

  constructor(options: MachineOptions) {
    this.#clock = options.clock;
    this.#onChange = options.onChange;
    this.#state = { name: 'starting', sinceMs: this.#clock.nowMs() };
  }

  get state(): MachineState {
    return this.#state;
  }

  /** The camera is being connected for the first time, or anew with other settings. */
  starting(): void {
    this.#wasLive = false;
    this.#set({ name: 'starting' });
  }

  disabled(reason?: CameraProblem): void {
    this.#set(reason ? { name: 'disabled', reason } : { name: 'disabled' });
  }

  /** There is no way to it at present, and one is being made. */
  waiting(reason: CameraProblem, { message, cure, passing }: NoRoute): void {
    const name = this.#state.name === 'starting' && passing === 'begins' ? 'starting' : 'reconnecting';
    this.#set({ name, reason, detail: message, cure });
  }

  /** It is not even tried. */
  failed(reason: CameraProblem, words?: { message: string; cure: string }): void {
    this.#set({ name: 'failed', reason, ...(words ? { detail: words.message, cure: words.cure } : {}) });
  }

  /** Takes over what the engine says, and what the hub knows of the cause. */
  link(event: LinkEvent, known?: Explanation): void {
    if (this.#state.name === 'disabled') return;
    const waitMs =
      this.#state.name === 'stalled' ? this.#stalledAtMs + STALLED_VISIBLE_MS - this.#clock.monotonicMs() : 0;
    this.#cancelHeld?.();
    this.#cancelHeld = undefined;
    if (waitMs > 0 && (event.state === 'connecting' || event.state === 'waiting')) {
      this.#cancelHeld = this.#clock.after(waitMs, () => this.#apply(event, known));
    } else this.#apply(event, known);
  }

  /** Drops a change that is held back. */
  stop(): void {
    this.#cancelHeld?.();
    this.#cancelHeld = undefined;
  }

  #apply(event: LinkEvent, known: Explanation | undefined): void {
    const { state } = event;
    const problem = known?.problem ?? event.problem;
    const own = event.message ? { detail: event.message } : {};
    const detail = known ? { detail: known.message, cure: known.cure } : own;
    if (state === 'live') {
      this.#wasLive = true;
      this.#set({ name: 'live' });
    } else if (state === 'stalled') {
      this.#stalledAtMs = this.#clock.monotonicMs();
      this.#set({ name: 'stalled', reason: problem ?? 'stalled', ...detail });
    } else if (state === 'waiting') {
      const reason = problem ?? 'closed';
      const retry = event.retryAtMs === undefined ? {} : { retryAtMs: event.retryAtMs };
      this.#set({ name: this.#isFailure(reason) ? 'failed' : 'reconnecting', reason, ...detail, ...retry });
    } else {
      this.#connecting();
    }
  }

  /** A new attempt says nothing new: why the last one failed stays to be read. */
  #connecting(): void {
    const { retryAtMs: _, ...state } = this.#state;
    if (state.name === 'live' || state.name === 'stalled') this.#set({ ...state, name: 'reconnecting' });
    else this.#set(state);
  }

  /** A name that never led anywhere is misspelt; one that did is a fault of the network. */
  #isFailure(problem: CameraProblem): boolean {
    return isLasting(problem) || (problem === 'unknown-host' && !this.#wasLive);
  }

  #set(next: Omit<MachineState, 'sinceMs'>): void {
    this.stop();
    const before = this.#state;
    const same = before.name === next.name && before.reason === next.reason;
    this.#state = { ...next, sinceMs: before.name === next.name ? before.sinceMs : this.#clock.nowMs() };
    if (!same) this.#onChange(this.#state);
  }
}
