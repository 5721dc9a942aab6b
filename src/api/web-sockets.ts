// The open WebSockets of a server: how many, whether anybody is still there, and their end with the service.
import type { Clock } from '../core/index.ts';
import { CLOSE } from './web-socket-frames.ts';

/** After so long without a byte from a client it is asked; after twice that it is gone. */
const PING_MS = 30_000;
/** As often is looked. */
const LOOK_MS = 15_000;

export interface WatchedSocket {
  /** Asks a silent client whether it is there, and lets go of one that has not answered for `goneMs`. Absent: it does so itself. */
  check?(silentMs: number, goneMs: number): void;
  close(code: number, reason?: string): void;
}

export class WebSockets {
  readonly #open = new Set<WatchedSocket>();
  readonly #clock: Clock;
  readonly #most: number;
  #pending = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Room for one that is being decided on; false when there is none. */
  reserve(): boolean {
    if (this.#open.size + this.#pending >= this.#most) return false;
    this.#pending++;
    return true;
  }

  /** Gives back what `reserve` took: the decision has been made. */
  release(): void {
    this.#pending--;
  }

  add(socket: WatchedSocket): void {
    this.#open.add(socket);
    if (socket.check) this.#cancel ??= this.#clock.after(LOOK_MS, () => this.#look());
  }

  remove(socket: WatchedSocket): void {
    this.#open.delete(socket);
    if (this.#open.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  closeAll(): void {
    for (const socket of [...this.#open]) socket.close(CLOSE.goingAway, 'the service is stopping');
  }

  #look(): void {
    this.#cancel = undefined;
    for (const socket of [...this.#open]) socket.check?.(PING_MS, 2 * PING_MS);
    if (this.#open.size > 0) this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
  }
}
