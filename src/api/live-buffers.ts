// Copies of fragments for sockets that take their time, in memory that is used again: V8 collects buffers of each fragment so late that
// they would take 32 MiB.

/** A copy that several sockets may be sending. */
export class HeldBytes {
  readonly bytes: Buffer;
  readonly #giveBack: () => void;
  #holders = 0;

  constructor(bytes: Buffer, giveBack: () => void) {
    this.bytes = bytes;
    this.#giveBack = giveBack;
  }

  hold(): void {
    this.#holders++;
  }

  /** By whoever knows that its socket has sent it all. Those who do not know never call it, and the memory is left to V8. */
  release(): void {
    if (--this.#holders === 0) this.#giveBack();
  }
}

const LEAST_BYTES = 4096;
/** What is larger is rare. */
const MOST_BYTES = 512 * 1024;
/** Of what nobody uses at the moment. */
const MOST_IDLE_BYTES = 2 * 1024 * 1024;

export class LiveBuffers {
  /** By their size, a power of two. */
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;

  copy(source: Buffer): HeldBytes {
    if (source.length > MOST_BYTES) return new HeldBytes(Buffer.from(source), () => undefined);
    const size = Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(source.length)));
    const buffer = this.#idle.get(size)?.pop();
    if (buffer) this.#idleBytes -= size;
    const whole = buffer ?? Buffer.allocUnsafeSlow(size);
    source.copy(whole);
    return new HeldBytes(whole.subarray(0, source.length), () => this.#takeBack(whole));
  }

  /** Nobody watches any more. */
  clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }

  #takeBack(buffer: Buffer): void {
    if (this.#idleBytes + buffer.length > MOST_IDLE_BYTES) return;
    this.#idleBytes += buffer.length;
    const same = this.#idle.get(buffer.length);
    if (same) same.push(buffer);
    else this.#idle.set(buffer.length, [buffer]);
  }
}
