// Moving a camera while something is held: says so again each half second, and says when it ends, however it ends.
import type { PtzCommand } from '../../../src/api/contract.ts';

export interface Velocity {
  /** Each -1 to 1: to the right, upwards, inwards. */
  pan: number;
  tilt: number;
  zoom: number;
}

/** The board stops a camera of which nothing more is said for 0.8 s. */
export const EACH_MS = 500;

export interface PtzHoldOptions {
  /** False = refused: then it does not go on. Never rejects. */
  send(command: PtzCommand): Promise<boolean>;
  /** As `setInterval`; call what it returns to end it. */
  each(ms: number, action: () => void): () => void;
}

export class PtzHold {
  readonly #options: PtzHoldOptions;
  #velocity: Velocity | undefined;
  #endEach: () => void = () => undefined;
  /** One move at a time is on its way: on a slow way they would pile up, and arrive after the stop. */
  #isSending = false;

  constructor(options: PtzHoldOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    return this.#velocity !== undefined;
  }

  /** From now on this way; another one takes its place at once. */
  hold(velocity: Velocity): void {
    const wasHeld = this.isHeld;
    this.#velocity = velocity;
    void this.#move();
    if (!wasHeld) this.#endEach = this.#options.each(EACH_MS, () => void this.#move());
  }

  /** Nothing is said when nothing was held. */
  release(): void {
    if (!this.isHeld) return;
    this.#velocity = undefined;
    this.#endEach();
    void this.#options.send({ action: 'stop' });
  }

  async #move(): Promise<void> {
    const velocity = this.#velocity;
    if (this.#isSending || !velocity) return;
    this.#isSending = true;
    const isTaken = await this.#options.send({ action: 'move', ...velocity });
    this.#isSending = false;
    // The stop may have overtaken it.
    if (!this.isHeld) void this.#options.send({ action: 'stop' });
    else if (!isTaken) this.release();
    else if (this.#velocity !== velocity) void this.#move();
  }
}

/** What arrows and signs mean that are held together. */
export function velocityOf(keys: ReadonlySet<string>, speed: number): Velocity {
  const way = (more: readonly string[], less: readonly string[]) =>
    speed * (Number(more.some(key => keys.has(key))) - Number(less.some(key => keys.has(key))));
  return {
    pan: way(['ArrowRight'], ['ArrowLeft']),
    tilt: way(['ArrowUp'], ['ArrowDown']),
    zoom: way(['+', '='], ['-']),
  };
}

/** Of the whole way, for cameras that only go by steps. */
const STEP = 0.1;

/** One step that way. What does not move is not named: cameras without zoom refuse the whole. */
export function stepOf(velocity: Velocity): Partial<Velocity> {
  const moving = Object.entries(velocity).filter(([, speed]) => speed !== 0);
  return Object.fromEntries(moving.map(([way, speed]) => [way, speed * STEP]));
}
