// A live view over its WebSocket: keeps headers, init segments and fragments apart, and tells what lies in them.
import type { LiveHeader } from '../../src/api/contract.ts';
import type { Service } from './service.ts';
import { WebSocketClient } from './web-socket-client.ts';

export interface LivePart {
  header: LiveHeader;
  init: Buffer;
  fragments: Buffer[];
}

export class LiveClient {
  readonly socket: WebSocketClient;
  /** One for each header that came. */
  readonly parts: LivePart[] = [];
  /** What was not as it should be. */
  problem = '';

  private constructor(socket: WebSocketClient) {
    this.socket = socket;
    const before = socket.frames.splice(0);
    socket.onFrame = ({ opcode, payload }) => this.#take(opcode, payload);
    for (const { opcode, payload } of before) this.#take(opcode, payload);
  }

  /** `query`: with its `?`, or nothing. */
  static async open(service: Service, camera: number, query = ''): Promise<LiveClient> {
    const url = `${service.ready.url}/api/cameras/${camera}/live${query}`;
    const socket = await WebSocketClient.open(url, service.headers);
    if (socket.status !== 101) throw new Error(`no live view: ${socket.head} ${socket.body}`);
    return new LiveClient(socket);
  }

  get last(): LivePart | undefined {
    return this.parts.at(-1);
  }

  /** Of all parts. */
  get fragments(): number {
    return this.parts.reduce((sum, part) => sum + part.fragments.length, 0);
  }

  until(condition: () => boolean, limitMs = 15_000): Promise<void> {
    return this.socket.until(() => this.problem !== '' || condition(), limitMs);
  }

  #take(opcode: number, payload: Buffer): void {
    const part = this.last;
    if (opcode === 1) {
      this.parts.push({ header: JSON.parse(payload.toString('utf8')), init: Buffer.alloc(0), fragments: [] });
    } else if (opcode === 8) {
      this.closed = { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
    } else if (opcode === 2) {
      const type = payload.toString('latin1', 4, 8);
      if (!part || (part.init.length === 0) !== (type === 'ftyp')) this.problem = `${type} at the wrong place`;
      else if (type === 'ftyp') part.init = Buffer.from(payload);
      else if (type === 'moof') part.fragments.push(Buffer.from(payload));
      else this.problem = `what is ${type}?`;
    }
  }

  closed: { code: number; reason: string } | undefined;
}

/** All that was sent behind one header, as a file. */
export function partFile({ init, fragments }: LivePart): Buffer {
  return Buffer.concat([init, ...fragments]);
}
