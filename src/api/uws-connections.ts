// Connections of uWebSockets.js from their first to their last moment. The library shows a connection only while a request is answered,
// but keeps what has come of the next one: all that rest are known here, so that they are few and give way to others.
import { firstOfMost, plainAddress } from './remote-address.ts';
import type { UwsResponse } from './uws-binary.ts';

/** What a connection does with the request that it has at present. */
export interface ConnectionUser {
  take(connection: UwsConnection): void;
  received(chunk: ArrayBuffer, isLast: boolean): void;
  aborted(): void;
  cut(): void;
}

export interface ConnectionBounds {
  /** Without a request under way. What half-sent headers can take follows from it: 25 KiB for each. */
  mostResting: number;
  mostPerAddress: number;
  /** Addresses that the last bound does not hold for. */
  proxies: ReadonlySet<string>;
  /** Requests and WebSockets under way for an address. */
  busy(address: string): number;
}

/** A request whose connection is found out within the library's same call. */
interface Arrival {
  exchange: ConnectionUser;
  begin(): void;
}

export class UwsConnections {
  readonly #bounds: ConnectionBounds;
  /** Those without a request; what has rested for longest comes first. */
  readonly #resting = new Set<UwsConnection>();
  #arrival: Arrival | undefined;
  #closes = 0;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** `socket`: the library's object of the connection itself, as its filter has it. */
  opened(socket: UwsResponse): void {
    this.#cutStray();
    const address = plainAddress(Buffer.from(socket.getRemoteAddressAsText()).toString());
    const { mostPerAddress, proxies, busy } = this.#bounds;
    const own = [...this.#resting].filter(one => one.address === address);
    if (own.length + busy(address) >= mostPerAddress && !proxies.has(address)) own[0]?.close();
    const connection = new UwsConnection(this, socket, address);
    connection.arm();
    this.rests(connection);
  }

  /** One of the connections has closed; the library does not say which. */
  closed(): void {
    this.#closes++;
  }

  get closes(): number {
    return this.#closes;
  }

  /**
   * A request has come, on a connection that tells of itself right after the library's call for the request, with what there is of the
   * body, or when it is closed before.
   */
  arrived(exchange: ConnectionUser, begin: () => void): void {
    this.#cutStray();
    this.#arrival = { exchange, begin };
  }

  takeArrival(): Arrival | undefined {
    const arrival = this.#arrival;
    this.#arrival = undefined;
    return arrival;
  }

  /** Of the address that holds most connections without asking for anything, the one that has rested for longest gives way. */
  rests(connection: UwsConnection): void {
    if (this.#resting.size >= this.#bounds.mostResting) firstOfMost(this.#resting)?.close();
    this.#resting.add(connection);
  }

  /** One that rests now. */
  get resting(): UwsConnection | undefined {
    const [oldest] = this.#resting;
    return oldest;
  }

  restsNoMore(connection: UwsConnection): void {
    this.#resting.delete(connection);
  }

  /** A request whose connection did not tell of itself could never end. */
  #cutStray(): void {
    this.#arrival?.exchange.cut();
    this.#arrival = undefined;
  }
}

export class UwsConnection {
  readonly address: string;
  readonly #table: UwsConnections;
  /** Undefined once it has closed or become a WebSocket: then the library must not be given it any more. */
  #socket: UwsResponse | undefined;
  #exchange: ConnectionUser | undefined;

  constructor(table: UwsConnections, socket: UwsResponse, address: string) {
    this.#table = table;
    this.#socket = socket;
    this.address = address;
  }

  /** From now on it tells of its end and of what comes; to be repeated after each answer. Not within such a call. */
  arm(): void {
    this.#socket?.onAborted(() => this.#gone());
    this.#socket?.onData((chunk, isLast) => this.#received(chunk, isLast));
  }

  close(): void {
    this.#socket?.close();
  }

  /** Calls what may complete the answer, and returns whether it did. */
  answering(call: () => boolean): void {
    const before = this.#table.closes;
    const isComplete = call();
    // With the answer complete the library does not tell of the end.
    if (this.#table.closes !== before) this.#gone();
    else if (isComplete && this.#socket) {
      this.#exchange = undefined;
      this.arm();
      this.#table.rests(this);
    }
  }

  /**
   * Lets `call` make a WebSocket of it. After a call that was corked on the connection itself the library looks, where the memory
   * stayed in its place, for a wish to close in what is no request any more, and ends some (mended in uWebSockets in 2026). It warns
   * of calls that are not corked at all, so another connection is, to which nothing is written.
   */
  upgrade(call: () => void): void {
    this.release();
    const other = this.#table.resting;
    if (other) other.#socket?.cork(call);
    else call();
  }

  /** It is no connection of ours any more. */
  release(): void {
    this.#socket = undefined;
    this.#exchange = undefined;
    this.#table.restsNoMore(this);
  }

  #received(chunk: ArrayBuffer, isLast: boolean): void {
    const arrival = this.#exchange ? undefined : this.#table.takeArrival();
    if (arrival) {
      this.#exchange = arrival.exchange;
      this.#table.restsNoMore(this);
      arrival.exchange.take(this);
      // Not within the library's call: it forgets who listens at its end, and goes on with a second request if the first is answered.
      setImmediate(arrival.begin);
    }
    this.#exchange?.received(chunk, isLast);
  }

  #gone(): void {
    if (!this.#socket) return;
    const exchange = this.#exchange ?? this.#table.takeArrival()?.exchange;
    this.release();
    exchange?.aborted();
  }
}
