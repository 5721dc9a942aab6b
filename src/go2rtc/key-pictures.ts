// Key pictures of streams, one at a time each: whoever gives up waiting in go2rtc leaves a consumer there that holds the camera.
import { background, type Logger, NvrError } from '../core/index.ts';
import { SilentPeer } from './socket-request.ts';
import type { StreamName, StreamState } from './state.ts';
import { faultWords } from './words.ts';

type Kind = 'mp4' | 'jpeg';

export class KeyPictures {
  readonly #log: Logger;
  readonly #underWay = new Map<StreamName, { kind: Kind; made: Promise<Buffer> }>();
  /** Those whose last picture never came: the next would leave one more consumer behind. */
  readonly #leaked = new Set<StreamName>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * What is under way goes on although nobody waits for it, and whoever asks next gets its result. Rejects with `resource-exhausted` while
   * one of another kind is made, `unavailable` while a consumer of one that never came is still there, and as `make`.
   */
  get({ name, consumers, moving }: StreamState, kind: Kind, make: () => Promise<Buffer>): Promise<Buffer> {
    const known = this.#underWay.get(name);
    if (known && known.kind !== kind) {
      throw new NvrError('resource-exhausted', 'another picture of this camera is being made', { retryAfterS: 2 });
    }
    if (known) return known.made;
    if (this.#leaked.has(name) && consumers > 0 && !moving) {
      const { message, cure } = faultWords('timeout');
      throw new NvrError('unavailable', message, { cure });
    }
    this.#leaked.delete(name);
    const made = make();
    this.#underWay.set(name, { kind, made });
    const done = () => this.#underWay.delete(name);
    const failed = (error: unknown) => {
      done();
      if (error instanceof SilentPeer) this.#leaked.add(name);
    };
    background(made.then(done, failed), 'picture of go2rtc', this.#log);
    return made;
  }
}
