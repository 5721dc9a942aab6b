// The socket on which the board tells what changes. Hides reconnecting, and what a hidden page does without.
import { signal } from '@preact/signals';
import type { Update } from '../../src/api/contract.ts';
import { socketAddress } from './api.ts';
import { takeEarlySocket } from './early.ts';
import { isKnown, takeIn } from './state.ts';

/** `lost` since the socket closed, until it is back. */
export type Connection = 'idle' | 'connecting' | 'live' | 'lost';

export const connection = signal<Connection>('idle');
/** UTC by this device's clock since when the board is not heard; undefined while it is. */
export const lostSinceMs = signal<number | undefined>(undefined);

const SILENCE_MS = 20_000;
/** With the time between two looks and the banner's patience, a pulled cable is told of within 30 s. */
const DEAD_MS = 26_000;
const LOOK_MS = 2000;
const HIDDEN_MS = 60_000;
const RETRY_MS = { first: 500, most: 8000 };
/** Of messages that wait to be applied; beyond, the socket is opened anew for a fresh `hello`. */
const MOST_WAITING = 2000;

export interface BusOptions {
  /** Asked before each attempt behind a failed one; false = nobody is logged in. */
  mayConnect(): Promise<boolean>;
}

/** One for the page. `start` after logging in, `stop` after logging out. */
export class Bus {
  readonly #options: BusOptions;
  #socket: WebSocket | undefined;
  #waiting: Update[] = [];
  #heardMs = 0;
  #pings = 0;
  #delayMs = RETRY_MS.first;
  #retry = 0;
  #watch = 0;
  #hide = 0;
  #frame = false;
  #isOn = false;

  constructor(options: BusOptions) {
    this.#options = options;
    document.addEventListener('visibilitychange', () => this.#visibility());
    addEventListener('online', () => this.#hurry());
    addEventListener('pageshow', event => void (event.persisted && this.#hurry()));
  }

  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#delayMs = RETRY_MS.first;
    this.#connect();
  }

  stop(): void {
    this.#isOn = false;
    this.#drop();
    connection.value = 'idle';
    lostSinceMs.value = undefined;
  }

  #connect(): void {
    clearTimeout(this.#retry);
    if (!this.#isOn || this.#socket) return;
    if (connection.value === 'idle') connection.value = 'connecting';
    const early = takeEarlySocket();
    const socket = early?.socket ?? new WebSocket(socketAddress('api/updates'));
    this.#socket = socket;
    this.#heardMs = performance.now();
    this.#watch = window.setInterval(() => this.#look(), LOOK_MS);
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = () => void (socket === this.#socket && this.#lost());
    for (const data of early?.heard ?? []) this.#heard(data);
  }

  #heard(data: unknown): void {
    this.#heardMs = performance.now();
    const update = parsed(data);
    if (!update) return;
    if (connection.value !== 'live') {
      connection.value = 'live';
      lostSinceMs.value = undefined;
      this.#delayMs = RETRY_MS.first;
    }
    if ('type' in update && update.type === 'hello') this.#waiting = [];
    this.#waiting.push(update);
    if (this.#waiting.length > MOST_WAITING) this.#reopen();
    else this.#apply();
  }

  /** Once a frame; at once where a page waits for the first of all, and while it is hidden and draws none. */
  #apply(): void {
    if (document.hidden || !isKnown.peek()) this.#flush();
    else if (!this.#frame) {
      this.#frame = true;
      requestAnimationFrame(() => {
        this.#frame = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    const updates = this.#waiting;
    this.#waiting = [];
    for (const update of updates) takeIn(update);
  }

  /** A pulled cable closes no socket: who is silent is asked, who does not answer is dead. */
  #look(): void {
    const silentMs = performance.now() - this.#heardMs;
    if (silentMs > DEAD_MS) this.#reopen();
    else if (silentMs > SILENCE_MS && this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(JSON.stringify({ ping: ++this.#pings }));
  }

  #reopen(): void {
    this.#drop();
    this.#lost();
  }

  #lost(): void {
    this.#drop();
    if (!this.#isOn) return;
    connection.value = 'lost';
    lostSinceMs.value ??= Date.now();
    if (document.hidden) return;
    const delayMs = this.#delayMs * (0.75 + Math.random() / 2);
    this.#delayMs = Math.min(this.#delayMs * 2, RETRY_MS.most);
    this.#retry = window.setTimeout(() => void this.#again(), delayMs);
  }

  async #again(): Promise<void> {
    if (await this.#options.mayConnect()) this.#connect();
    else if (this.#isOn && !this.#socket) this.#lost();
  }

  /** The network or the page is back: no waiting. */
  #hurry(): void {
    if (!this.#isOn || this.#socket) return;
    this.#delayMs = RETRY_MS.first;
    clearTimeout(this.#retry);
    void this.#again();
  }

  #visibility(): void {
    clearTimeout(this.#hide);
    if (!document.hidden) {
      this.#hurry();
      return;
    }
    this.#hide = window.setTimeout(() => {
      this.#drop();
      // Not a loss: it was we who left.
      if (this.#isOn) connection.value = 'connecting';
    }, HIDDEN_MS);
  }

  #drop(): void {
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#waiting = [];
    socket?.close();
  }
}

function parsed(data: unknown): Update | undefined {
  try {
    return JSON.parse(String(data)) as Update;
  } catch {
    return undefined;
  }
}
