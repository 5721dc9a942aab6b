// How many answers of bytes may be on their way at once for one login: who leaves footage unread keeps what answers others need.
import { NvrError } from '../core/index.ts';
import type { ByteSource } from './server.ts';

/** A quarter of all places; a browser has six connections, and no program needs more pictures at once than may be watched. */
const MOST_OF_USER = 64;

export class DownloadsUnderWay {
  readonly #counts = new Map<number, number>();

  /**
   * The source, counted until it is closed; `user` as in `Caller`. Rejects with `resource-exhausted`, with the source closed, when too
   * many of the same login are under way.
   */
  async counted(user: number, source: ByteSource): Promise<ByteSource> {
    const count = this.#counts.get(user) ?? 0;
    if (count >= MOST_OF_USER) {
      await source.close();
      const cure = 'Read or end others first.';
      throw new NvrError('resource-exhausted', `this login is sent ${MOST_OF_USER} files and streams already`, {
        retryAfterS: 1,
        cure,
      });
    }
    this.#counts.set(user, count + 1);
    let isCounted = true;
    return {
      sizeBytes: source.sizeBytes,
      next: () => source.next(),
      close: () => {
        if (!isCounted) return source.close();
        isCounted = false;
        const left = (this.#counts.get(user) ?? 1) - 1;
        if (left > 0) this.#counts.set(user, left);
        else this.#counts.delete(user);
        return source.close();
      },
    };
  }
}
