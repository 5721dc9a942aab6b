// How many bodies may be on their way at once from one address: who sends them slowly keeps what answers others need.
import { NvrError } from '../core/index.ts';
import type { HttpRequest } from './server.ts';

/** A page sends a few changes at once; programs wait for their answers. */
const MOST_PER_ADDRESS = 16;

export class BodiesUnderWay {
  readonly #counts = new Map<string, number>();

  /** The request, of which the body is refused with `resource-exhausted` when too many of its sender are under way. */
  counted(request: HttpRequest): HttpRequest {
    return { ...request, body: mostBytes => this.#read(request, mostBytes) };
  }

  async #read(request: HttpRequest, mostBytes: number | undefined): Promise<Buffer> {
    const { remoteAddress } = request;
    const count = this.#counts.get(remoteAddress) ?? 0;
    if (count >= MOST_PER_ADDRESS) {
      const cure = 'Wait until others have been answered.';
      throw new NvrError('resource-exhausted', 'too much is being sent at once', { retryAfterS: 1, cure });
    }
    this.#counts.set(remoteAddress, count + 1);
    try {
      return await request.body(mostBytes);
    } finally {
      const left = (this.#counts.get(remoteAddress) ?? 1) - 1;
      if (left > 0) this.#counts.set(remoteAddress, left);
      else this.#counts.delete(remoteAddress);
    }
  }
}
