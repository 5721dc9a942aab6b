// Our side of a WebSocket whose other side takes what the test lets it take.
import type { WebSocketPeer } from '../../src/api/server.ts';

export class FakePeer implements WebSocketPeer {
  /** All messages in order: texts as they are, of bytes the first eight characters. */
  readonly sent: string[] = [];
  /** The buffers as they were given. */
  readonly buffers: Buffer[] = [];
  closed: { code: number; reason: string | undefined } | undefined;
  /** While false, what is sent stays in the queue. */
  takes = true;
  bufferedBytes = 0;

  send(message: string | Buffer): void {
    if (typeof message === 'string') this.sent.push(message);
    else {
      this.sent.push(message.toString('latin1', 0, 8));
      this.buffers.push(message);
    }
    if (!this.takes) this.bufferedBytes += message.length;
  }

  close(code: number, reason?: string): void {
    this.closed ??= { code, reason };
  }

  /** Since the last call. */
  take(): string[] {
    return this.sent.splice(0);
  }
}
