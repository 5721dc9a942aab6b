// One HTTP request over a Unix socket, bounded in time and bytes.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type Clock, NvrError } from '../core/index.ts';

export interface SocketRequest {
  socketPath: string;
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body?: string;
  timeoutMs: number;
  mostBytes: number;
  clock: Pick<Clock, 'after'>;
}

export interface SocketAnswer {
  status: number;
  contentType: string;
  body: Buffer;
}

/** It took the question and gave no answer in time. */
export class SilentPeer extends NvrError {
  constructor() {
    super('unavailable', 'go2rtc did not answer in time', { cure: 'Try again.' });
  }
}

/** Its answer has more bytes than it may have. */
export class LongAnswer extends NvrError {
  constructor() {
    super('unavailable', 'go2rtc answered at too great a length', { cure: 'Try again.' });
  }
}

/** Rejects with `unavailable`, and never with anything else: SilentPeer, LongAnswer, or the code of the socket stands in the message. */
export function askSocket(options: SocketRequest): Promise<SocketAnswer> {
  const { socketPath, method, path, headers, body = '', timeoutMs, mostBytes, clock } = options;
  return new Promise((resolve, reject) => {
    let isDone = false;
    const fail = (error: NvrError) => {
      if (isDone) return;
      isDone = true;
      cancel();
      request.destroy();
      reject(error);
    };
    const broken = (why: string, cause: Error) =>
      fail(new NvrError('unavailable', `go2rtc did not answer: ${why}`, { cause, cure: 'Try again.' }));
    const length = Buffer.byteLength(body);
    const request = httpRequest({
      ...{ socketPath, method, path, agent: false, maxHeaderSize: 16 * 1024 },
      headers: { ...headers, Host: 'go2rtc', ...(length > 0 && { 'Content-Length': String(length) }) },
    });
    // After a time in which we did nothing ourselves, an answer that is there already still counts.
    const cancel = clock.after(timeoutMs, () => setImmediate(() => setImmediate(() => fail(new SilentPeer()))));
    request.on('error', (error: NodeJS.ErrnoException) => broken(error.code ?? 'failed', error));
    request.on('response', response => {
      collect(response, mostBytes).then(
        answer => {
          if (isDone) return;
          isDone = true;
          cancel();
          resolve(answer);
        },
        (error: Error) => (error instanceof LongAnswer ? fail(error) : broken(error.message, error)),
      );
    });
    request.end(body);
  });
}

async function collect(response: IncomingMessage, mostBytes: number): Promise<SocketAnswer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > mostBytes) throw new LongAnswer();
    pieces.push(piece);
  }
  const contentType = response.headers['content-type'] ?? '';
  return { status: response.statusCode ?? 0, contentType, body: Buffer.concat(pieces) };
}
