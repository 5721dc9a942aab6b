// Whether the sub stream of one camera is recorded. With `auto` that depends on both codecs, so the sub stream may have to be looked at first.
import type { Camera } from '../cameras/index.ts';
import type { Clock } from '../core/index.ts';
import type { EngineEvent } from '../native/index.ts';

export type Parameters = Extract<EngineEvent, { type: 'parameters' }>;

/** `look`: connect it to learn its codec. */
export type Choice = 'no' | 'look' | 'record';

/** A camera that changes its pictures all the time has its sub stream looked at no more often than that. */
const LOOK_AGAIN_MS = 60_000;

export class SubChoice {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** As last described, also by a stream that was given another address since: it is corrected as soon as that one is connected. */
  #main: Parameters['video'] | undefined;
  /** Undefined = to be looked at. */
  #sub: { codec: Parameters['video']['codec']; learntMs: number } | undefined;
  #sources: { sub: string; all: string } = { sub: '', all: '' };

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Takes over what a stream turned out to be; true when the choice may be another one now. */
  note({ stream, video }: Parameters): boolean {
    const { codec, width, height } = video;
    if (stream === 'sub') {
      const changed = this.#sub?.codec !== codec;
      this.#sub = { codec, learntMs: this.#clock.monotonicMs() };
      return changed;
    }
    const before = this.#main;
    this.#main = video;
    if (before?.codec === codec && before.width === width && before.height === height) return false;
    // Somebody has set the camera up anew, perhaps both streams of it.
    if (before && this.#sub && this.#clock.monotonicMs() - this.#sub.learntMs >= LOOK_AGAIN_MS) this.#forgetUseless();
    return true;
  }

  /** For the settings that the camera has now; those that name other sources make for another look. */
  choose({ enabled, main, sub, hub, username, record }: Camera): Choice {
    const sources = { sub: JSON.stringify(sub), all: JSON.stringify([main, sub, hub, username]) };
    if (sources.sub !== this.#sources.sub) this.#sub = undefined;
    else if (sources.all !== this.#sources.all) this.#forgetUseless();
    this.#sources = sources;
    if (!enabled || !sub || record.mode === 'off' || record.streams === 'main') return 'no';
    if (record.streams === 'both') return 'record';
    if (this.#main?.codec !== 'h265') return 'no';
    if (!this.#sub) return 'look';
    return this.#sub.codec === 'h264' ? 'record' : 'no';
  }

  /** One that is recorded need not be looked at: it says itself when it changes. */
  #forgetUseless(): void {
    if (this.#sub?.codec !== 'h264') this.#sub = undefined;
  }
}
