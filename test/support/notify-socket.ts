// What systemd would hear: a datagram socket of the Unix kind, which Node lacks, held by Python.
import { join } from 'node:path';
import { Child } from './child.ts';
import { tempDir } from './temp.ts';

const PROGRAM = `
import socket, sys
name = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\\0" + name[1:] if name[0] == "@" else name)
print("listening", flush=True)
while True: print(listener.recv(4096).decode(), flush=True)
`;

/** One listening socket; its messages in the order of their arrival. */
export class NotifySocket {
  /** As NOTIFY_SOCKET has it. */
  readonly path: string;
  readonly #child: Child;

  private constructor(path: string, child: Child) {
    this.path = path;
    this.#child = child;
  }

  static async listen(kind: 'path' | 'abstract'): Promise<NotifySocket> {
    const path = kind === 'path' ? join(tempDir('notify'), 'socket') : `@thimble-test-${process.pid}`;
    const child = new Child('/usr/bin/python3', ['-c', PROGRAM, path]);
    await child.line(line => line === 'listening' || undefined);
    return new NotifySocket(path, child);
  }

  get messages(): string[] {
    return this.#child.stdout.slice(1);
  }

  /** Resolves when such a message is there. */
  async heard(message: string, timeoutMs = 10_000): Promise<void> {
    await this.#child.line(line => line === message || undefined, timeoutMs);
  }

  async close(): Promise<void> {
    await this.#child.stop();
  }
}
