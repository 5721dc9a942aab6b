// One request and its reply in terms of uWebSockets.js, whose objects end the process or throw when they are used at the wrong time:
// everything of the request is copied while it is valid, and nothing touches the response after it was aborted or is complete.
import { type Clock, NvrError } from '../core/index.ts';
import { bodyTooLong } from './body-too-long.ts';
import { clientOf, plainAddress } from './remote-address.ts';
import type { ByteSource, HttpReply, HttpRequest, Limits } from './server.ts';
import { statusLine } from './status-line.ts';
import type { UwsRequest, UwsResponse } from './uws-binary.ts';
import type { ConnectionUser, UwsConnection } from './uws-connections.ts';
import { type Refusal, refusalOf } from './uws-refusal.ts';

/** A client that goes on sending a body that is too long is listened to so much longer, so that it sees the answer. */
const PATIENCE_BYTES = 1024 * 1024;

/** What the library collects before it writes. */
const COLLECTED_BYTES = 16 * 1024;

export interface ExchangeOptions {
  limits: Limits;
  proxies: ReadonlySet<string>;
  clock: Clock;
}

export class UwsExchange implements ConnectionUser {
  readonly #options: ExchangeOptions;
  /** Undefined when nothing may be done with it any more: the library would touch memory that it has given back. */
  #current: UwsResponse | undefined;
  /** There once the connection is known. */
  #connection: UwsConnection | undefined;
  /** Of the connection's other end, which may be a proxy. */
  readonly address: string;
  /** As sent. */
  readonly method: string;
  readonly request: HttpRequest;
  /** Why it has to be refused within the handler's call. */
  readonly refusal: Refusal | undefined;
  /** Resolves when the client has gone before its answer was complete. */
  readonly gone: Promise<'gone'>;
  #isOver = false;
  #isUpgraded = false;
  #onGone: () => void = () => undefined;
  #onCutOff: () => void = () => undefined;
  #body: Promise<Buffer> | undefined;
  #statedBytes = 0;
  #isBodyPending = false;
  #onPiece: (chunk: ArrayBuffer, isLast: boolean) => void = () => undefined;
  /** Undefined as long as nothing had to wait. */
  #proceed: ((offset: number) => boolean) | undefined;

  /** To be made in the handler's own call. */
  constructor(response: UwsResponse, request: UwsRequest, options: ExchangeOptions) {
    this.#current = response;
    this.#options = options;
    this.gone = new Promise(resolve => {
      this.#onGone = () => resolve('gone');
    });
    this.address = plainAddress(Buffer.from(response.getRemoteAddressAsText()).toString());
    this.method = request.getCaseSensitiveMethod();
    const headers = new Map<string, string>();
    const lengths: string[] = [];
    request.forEach((name, value) => {
      if (name === 'content-length') lengths.push(value);
      const before = headers.get(name);
      // Several lines of one name count as one list, so that no check sees only the first.
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    });
    this.refusal = refusalOf(this.method, lengths, headers.get('transfer-encoding'));
    if (lengths.length > 0 && lengths[0] !== '0' && !this.refusal) {
      this.#statedBytes = Number(lengths[0]);
      this.#body = this.#collect(this.#statedBytes);
    }
    this.request = this.#toRequest(request, headers);
  }

  #toRequest(request: UwsRequest, headers: ReadonlyMap<string, string>): HttpRequest {
    const header = (name: string) => headers.get(name);
    return {
      method: this.method === 'HEAD' ? 'GET' : this.method,
      path: request.getUrl(),
      query: request.getQuery() ?? '',
      ...clientOf({ remoteAddress: this.address, secure: false }, header, this.#options.proxies),
      header,
      body: async (mostBytes = this.#options.limits.bodyBytes) => {
        if (this.#statedBytes > mostBytes) throw bodyTooLong(mostBytes);
        return this.#body ?? Buffer.alloc(0);
      },
      isGone: () => this.#isOver,
    };
  }

  /** True once nothing may be done with the response any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isUpgraded(): boolean {
    return this.#isUpgraded;
  }

  get #response(): UwsResponse {
    if (this.#current) return this.#current;
    throw new NvrError('internal', 'an answer is used after its end');
  }

  /** Before anything is sent. */
  take(connection: UwsConnection): void {
    this.#connection = connection;
  }

  /** Ends the connection without a word. */
  cut(): void {
    if (!this.#isOver) this.#response.close();
  }

  /**
   * Answers and ends the connection at once: what has arrived of a next request, as the library sees it, would otherwise be handed
   * over right after this call. The answer's body has no proper end, so that nothing can be taken to belong to it.
   */
  refuse({ status, message }: Refusal): void {
    this.#response.cork(() => {
      this.#response.writeStatus(statusLine(status));
      this.#response.writeHeader('Content-Type', 'application/json; charset=utf-8');
      this.#response.writeHeader('Connection', 'close');
      this.#response.write(Buffer.from(JSON.stringify({ error: { kind: 'invalid-argument', message } })));
      // The library collects what is written within a call, and drops it with the connection; what is more than it holds goes out.
      this.#response.write(Buffer.alloc(COLLECTED_BYTES + 1, ' '));
    });
    this.cut();
  }

  /** Accepts the WebSocket that was asked for. */
  upgrade(data: unknown, context: unknown): void {
    const key = this.request.header('sec-websocket-key') ?? '';
    const response = this.#response;
    this.#isOver = true;
    this.#isUpgraded = true;
    this.#current = undefined;
    const upgrade = () => response.upgrade(data, key, '', '', context);
    if (this.#connection) this.#connection.upgrade(upgrade);
    else upgrade();
  }

  /** `last`: the connection ends with this reply. Closes the reply's source in any case; rejects when that fails. */
  async send(reply: HttpReply, last: boolean): Promise<void> {
    const { body } = reply;
    const source = body && !Buffer.isBuffer(body) ? body : undefined;
    try {
      if (this.#isOver) return;
      checkHeaders(reply.headers);
      if (source && this.method !== 'HEAD' && source.sizeBytes !== 0) await this.#sendSource(reply, source);
      else if (Buffer.isBuffer(body) && this.method !== 'HEAD') await this.#sendBuffer(reply, body, last);
      else this.#sendHead(reply, last);
    } catch (error) {
      this.cut();
      throw error;
    } finally {
      // Whatever ended it: nobody waits for the rest of a body any more.
      if (this.#isOver) this.#onCutOff();
      await source?.close();
    }
  }

  #sendHead(reply: HttpReply, last: boolean): void {
    const { status, body } = reply;
    const hasLength = status >= 200 && status !== 204 && status !== 304;
    const sizeBytes = Buffer.isBuffer(body) ? body.length : body ? body.sizeBytes : 0;
    this.#end(() => {
      this.#writeHead(reply);
      if (hasLength && sizeBytes === 0) this.#response.endWithoutBody(0, last || this.#isBodyPending);
      else {
        // Given to the library, a length would be waited for, and an undefined one would be 2^63.
        if (hasLength && sizeBytes !== undefined) this.#response.writeHeader('Content-Length', String(sizeBytes));
        this.#response.endWithoutBody();
      }
    });
  }

  async #sendBuffer(reply: HttpReply, body: Buffer, last: boolean): Promise<void> {
    // A short one is in the system's hands at once; of a long one nothing is to wait in memory a second time.
    if (body.length > this.#options.limits.bodyBytes && !last && !this.#isBodyPending) {
      const pieces = [body];
      await this.#sendSource(reply, {
        sizeBytes: body.length,
        next: async () => pieces.pop(),
        close: async () => undefined,
      });
      return;
    }
    this.#end(() => {
      this.#writeHead(reply);
      this.#response.end(body, last || this.#isBodyPending);
    });
  }

  #writeHead(reply: HttpReply): void {
    this.#response.writeStatus(statusLine(reply.status));
    for (const [name, value] of Object.entries(reply.headers ?? {})) this.#response.writeHeader(name, value);
  }

  /** One piece at a time: the next is read when the system has taken the last. */
  async #sendSource(reply: HttpReply, source: ByteSource): Promise<void> {
    let isFirst = true;
    for (;;) {
      const pending = source.next();
      const piece = await Promise.race([pending, this.gone]);
      if (piece === 'gone') {
        pending.catch(() => undefined);
        return;
      }
      if (!piece) break;
      const writeFirst = isFirst ? () => this.#writeHead(reply) : undefined;
      isFirst = false;
      const taken =
        source.sizeBytes === undefined
          ? this.#write(piece, writeFirst)
          : this.#tryEnd(piece, source.sizeBytes, writeFirst);
      if ((await Promise.race([taken, this.gone])) === 'gone' || this.#isOver) return;
    }
    if (source.sizeBytes !== undefined) {
      // The length is promised: only the end of the connection can say that it was not kept.
      this.cut();
      return;
    }
    this.#end(() => {
      if (isFirst) this.#writeHead(reply);
      this.#response.end();
    });
  }

  /** Resolves when all of the piece was taken. */
  async #tryEnd(piece: Buffer, totalBytes: number, writeFirst: (() => void) | undefined): Promise<void> {
    const response = this.#response;
    const startBytes = response.getWriteOffset();
    if (startBytes + piece.length > totalBytes) throw new NvrError('internal', 'a source gave more than it promised');
    let isTaken = false;
    let isComplete = false;
    this.#answering(() => {
      response.cork(() => {
        writeFirst?.();
        [isTaken, isComplete] = response.tryEnd(piece, totalBytes);
      });
      return isComplete;
    });
    if (isTaken || this.#isOver) return;
    await this.#untilWritable(offset => {
      this.#answering(() => {
        [isTaken, isComplete] = response.tryEnd(piece.subarray(offset - startBytes), totalBytes);
        return isComplete;
      });
      return isTaken || this.#isOver;
    });
  }

  /**
   * Calls `proceed` with the offset of what is to come each time that the connection takes more, until it returns true. The library
   * is given one handler for all of it: one that is registered while another runs would be lost.
   */
  #untilWritable(proceed: (offset: number) => boolean): Promise<void> {
    if (!this.#proceed) {
      this.#response.onWritable(offset => this.#proceed?.(offset) !== false);
    }
    return new Promise(resolve => {
      this.#proceed = offset => {
        if (this.#isOver || !proceed(offset)) return this.#isOver;
        this.#proceed = () => true;
        resolve();
        return true;
      };
    });
  }

  async #write(piece: Buffer, writeFirst: (() => void) | undefined): Promise<void> {
    const response = this.#response;
    let isTaken = false;
    response.cork(() => {
      writeFirst?.();
      isTaken = response.write(piece);
    });
    if (isTaken) return;
    await this.#untilWritable(() => true);
  }

  /** The body, of which no more comes than was stated. */
  #collect(statedBytes: number): Promise<Buffer> {
    const { limits, clock } = this.#options;
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    this.#isBodyPending = true;
    const body = new Promise<Buffer>((resolve, reject) => {
      const cancel = clock.after(limits.requestTimeMs, () => this.cut());
      this.#onCutOff = () => {
        cancel();
        reject(new NvrError('invalid-argument', 'the request was cut off'));
      };
      // What follows from a piece happens after the library's call, in which nothing may be answered.
      this.#onPiece = (chunk, isLast) => {
        sizeBytes += chunk.byteLength;
        if (statedBytes <= limits.largeBodyBytes) pieces.push(Buffer.from(new Uint8Array(chunk)));
        if (isLast) {
          this.#isBodyPending = false;
          cancel();
          setImmediate(() => resolve(Buffer.concat(pieces)));
        } else if (sizeBytes > limits.largeBodyBytes + PATIENCE_BYTES) this.cut();
      };
    });
    // Nobody may ask for it.
    body.catch(() => undefined);
    return body;
  }

  /** What comes of the body, an empty last piece where there is none. Nothing is answered within the call. */
  received(chunk: ArrayBuffer, isLast: boolean): void {
    if (!this.#isOver) this.#onPiece(chunk, isLast);
  }

  /** Calls what completes the answer: what is still to come of the request is of no interest. */
  #end(write: () => void): void {
    const response = this.#response;
    this.#answering(() => {
      response.cork(write);
      return true;
    });
  }

  /** `call` says whether it has completed the answer. */
  #answering(call: () => boolean): void {
    let isComplete = false;
    const noted = () => {
      isComplete = call();
      return isComplete;
    };
    if (this.#connection) this.#connection.answering(noted);
    else noted();
    if (!isComplete || this.#isOver) return;
    this.#current = undefined;
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#onCutOff();
  }

  /** The client has gone. */
  aborted(): void {
    this.#current = undefined;
    this.#finish();
    this.#onGone();
  }
}

/** The library writes what it is given, line ends too. */
function checkHeaders(headers: Record<string, string> | undefined): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    const isBad = /[^\t\x20-\x7e\x80-\xff]/.test(value) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name);
    if (isBad) throw new NvrError('internal', `the header ${name} cannot be sent`);
  }
}
