// A button that is held while something goes on, or tapped so that it stays on: tells which of both a press was when it ends.

/** A shorter press is a tap. */
const TAP_MS = 350;

export class HoldOrTap {
  #downMs: number | undefined;
  #isOn = false;

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The button goes down. */
  down(nowMs: number): 'start' | 'stop' | undefined {
    if (this.#downMs !== undefined) return undefined;
    if (this.#isOn) return this.end();
    this.#downMs = nowMs;
    this.#isOn = true;
    return 'start';
  }

  /** It comes up: what was tapped stays on. */
  up(nowMs: number): 'stop' | undefined {
    const downMs = this.#downMs;
    this.#downMs = undefined;
    return downMs !== undefined && nowMs - downMs >= TAP_MS ? this.end() : undefined;
  }

  /** The hand was taken from it by something else: what is held ends, what stays on does not. */
  slip(): 'stop' | undefined {
    return this.#downMs === undefined ? undefined : this.end();
  }

  /** Whichever way it was on. */
  end(): 'stop' | undefined {
    const wasOn = this.#isOn;
    this.#downMs = undefined;
    this.#isOn = false;
    return wasOn ? 'stop' : undefined;
  }
}
