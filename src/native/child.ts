// A child process that cannot outlive this one. Hides descriptors and the numbers of signals.
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Addon, NativeChild } from './addon.ts';

export interface ChildOptions {
  /** Absolute. */
  path: string;
  args: readonly string[];
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  /** It works in. */
  folder: string;
  /** Most files that it may have open, 16 to 2^20. */
  openFiles: number;
}

/** One of the two is set; `signal` is its number. */
export interface ChildExit {
  code?: number;
  signal?: number;
}

/** What is left in the pipe when it has ended is at most this: pipes hold 64 KiB. */
const MOST_LEFT_BYTES = 128 * 1024;

/**
 * Throws an error with `code` when it cannot be started. It gets nothing of our environment and none of our files, no right that we
 * do not have, a session of its own, and SIGKILL when this process ends.
 */
export function startChild(addon: Pick<Addon, 'Child'>, options: ChildOptions): ChildProcess {
  return new ChildProcess(addon, options);
}

export class ChildProcess {
  readonly pid: number;
  /** Resolves when it is gone, with what it had started in its own process group, and all of its output was delivered. */
  readonly exited: Promise<ChildExit>;
  readonly #native: NativeChild;
  readonly #output: Socket;
  readonly #early: Buffer[] = [];
  #listener: ((piece: Buffer) => void) | undefined;

  constructor(addon: Pick<Addon, 'Child'>, { path, args, env, folder, openFiles }: ChildOptions) {
    let end: (exit: ChildExit) => void = () => undefined;
    this.exited = new Promise(resolve => {
      end = resolve;
    });
    const native = new addon.Child(
      { path, args: [...args], env: Object.entries(env).map(([name, value]) => `${name}=${value}`), folder, openFiles },
      exit => {
        this.#drain();
        end(exit);
      },
    );
    this.#native = native;
    this.pid = native.pid;
    this.#output = new Socket({ fd: native.output, readable: true, writable: false });
    this.#output.on('data', piece => this.#deliver(piece));
    // A pipe that cannot be read is one that tells nothing.
    this.#output.on('error', () => undefined);
  }

  /** What it writes to its standard output and error, as it comes, from the beginning. One listener. */
  onOutput(listener: (piece: Buffer) => void): void {
    this.#listener = listener;
    for (const piece of this.#early.splice(0)) listener(piece);
  }

  /** Also to what it has started itself. Nothing happens when it is gone. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#native.kill(constants.signals[signal]);
  }

  #deliver(piece: Buffer): void {
    if (this.#listener) this.#listener(piece);
    else if (this.#early.length < 16) this.#early.push(piece);
  }

  /** Its last words; somebody whom it left behind may hold the other end of the pipe, so nobody waits for that. */
  #drain(): void {
    const buffer = Buffer.allocUnsafe(MOST_LEFT_BYTES);
    try {
      for (let left = MOST_LEFT_BYTES; left > 0 && !this.#output.destroyed && !this.#output.readableEnded; ) {
        const size = readSync(this.#native.output, buffer, 0, left, null);
        if (size === 0) break;
        left -= size;
        this.#deliver(Buffer.from(buffer.subarray(0, size)));
      }
    } catch {
      // EAGAIN: there is nothing more.
    }
    this.#output.destroy();
  }
}
