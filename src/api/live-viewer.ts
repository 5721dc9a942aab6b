// One live WebSocket: what it gets, what is left out for it when it is slow, and when it ends.
import type { CameraId, Clock, StreamName } from '../core/index.ts';
import type { LiveFragment, LiveHeaderFacts } from '../native/index.ts';
import type { LiveHeader } from './contract.ts';
import type { HeldBytes } from './live-buffers.ts';
import type { Delivery, LiveFeeds } from './live-feeds.ts';
import type { WebSocketHandler, WebSocketPeer } from './server.ts';

export interface LiveViewerOptions {
  feeds: LiveFeeds;
  camera: CameraId;
  stream: StreamName;
  sound: boolean;
  /** Who watches. */
  user: number;
  clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** Whether main's key picture is to be shown at first. */
  wantsStill(): boolean;
  /** Why it cannot be watched; undefined when it can. */
  refusal(): string | undefined;
  /** It begins to watch; what is given back is called once it does so no more. */
  onWatching(): () => void;
}

/** What may wait for one viewer. Half of it is what others of the same board may need too. */
const MOST_QUEUED_BYTES = 1024 * 1024;
/** A fragment that is larger is for no socket's queue: no real camera has such pictures. */
const MOST_FRAGMENT_BYTES = 3.5 * 1024 * 1024;
/** So much may be sent without a look at what waits for others. */
const SMALL_BYTES = 64 * 1024;
/** Between two begins: each copies a GOP. */
const BEGIN_MS = 500;
/** For so long something may always be waiting. */
const MOST_LATE_MS = 2000;
/** Who takes nothing at all for so long is not there. */
const GONE_MS = 20_000;
const GONE = 4000;
const TOO_SLOW = 1013;

export class LiveViewer implements WebSocketHandler {
  readonly camera: CameraId;
  readonly stream: StreamName;
  readonly sound: boolean;
  readonly user: number;
  number = 0;
  skipped = 0;
  isEnding = false;
  readonly #options: LiveViewerOptions;
  #peer: WebSocketPeer | undefined;
  #paused = false;
  #release: (() => void) | undefined;
  #cancelJoin: (() => void) | undefined;
  #joinedMs = 0;
  /** A header came since it joined. */
  #hasBegun = false;
  #awaitsKey = true;
  /** Of the init segment that it has. */
  #known = '';
  /** When nothing waited for it the last time, monotonic. */
  #emptyMs = 0;
  /** What waited for it when it was looked at, or sent something, the last time. */
  #lastQueued = 0;
  #progressMs = 0;
  /** What its socket still needs; left to V8 when it ends before it has sent it. */
  #held: HeldBytes[] = [];
  /** What is sent leaves at once, as far as is known. */
  #isPrompt = true;

  constructor(options: LiveViewerOptions) {
    this.#options = options;
    this.camera = options.camera;
    this.stream = options.stream;
    this.sound = options.sound;
    this.user = options.user;
  }

  get queuedBytes(): number {
    return this.#peer?.bufferedBytes ?? 0;
  }

  opened(peer: WebSocketPeer): void {
    this.#peer = peer;
    const { feeds } = this.#options;
    const refusal = this.#options.refusal();
    if (refusal !== undefined) {
      this.close(GONE, refusal);
      return;
    }
    const full = feeds.refusal(this.user);
    if (full !== undefined) {
      this.close(TOO_SLOW, full);
      return;
    }
    this.number = feeds.enter(this);
    this.#emptyMs = this.#progressMs = this.#options.clock.monotonicMs();
    this.#release = this.#options.onWatching();
    if (this.#options.wantsStill()) feeds.showKey(this.camera, 'main', this);
    this.#join();
  }

  message(text: string): void {
    const pause = readPause(text);
    if (pause === undefined || pause === this.#paused || this.number === 0) return;
    this.#paused = pause;
    this.#cancelJoin?.();
    this.#cancelJoin = undefined;
    if (pause) {
      this.#options.feeds.part(this);
      return;
    }
    this.#hasBegun = false;
    this.#awaitsKey = true;
    const { clock } = this.#options;
    const waitMs = this.#joinedMs + BEGIN_MS - clock.monotonicMs();
    if (waitMs > 0) this.#cancelJoin = clock.after(waitMs, () => this.#join());
    else this.#join();
  }

  closed(): void {
    this.#peer = undefined;
    this.#held = [];
    if (this.number === 0) return;
    this.#cancelJoin?.();
    this.#options.feeds.part(this);
    this.#options.feeds.leave(this);
    this.number = 0;
    this.#release?.();
  }

  close(code: number, reason: string): void {
    this.isEnding = true;
    this.#peer?.close(code, reason);
  }

  end(): void {
    this.close(TOO_SLOW, 'the pictures are not taken');
  }

  /** The camera changed: ends when it cannot be watched any more. */
  check(): void {
    const refusal = this.#options.refusal();
    if (refusal !== undefined) this.close(GONE, refusal);
  }

  header(event: LiveHeaderFacts, instance: number): void {
    const peer = this.#peer;
    if (this.#paused || !peer) return;
    const isStill = event.stream !== this.stream;
    if (isStill && this.#hasBegun) return;
    if (!isStill) this.#hasBegun = true;
    this.#awaitsKey = true;
    const known = isStill ? 'still' : `${instance} ${event.generation}`;
    if (known === this.#known) return;
    this.#known = known;
    const { codecs, width, height, fps, startMs, zeroMs, stream } = event;
    const header: LiveHeader = {
      codecs,
      width,
      height,
      fps,
      startMs,
      zeroMs,
      stream,
      ...(isStill ? { still: true } : {}),
    };
    peer.send(JSON.stringify(header));
    // It may have been closed by that.
    peer.send(event.init);
  }

  fragment(event: LiveFragment, delivery: Delivery): void {
    const peer = this.#peer;
    const isStill = event.stream !== this.stream;
    if (!peer || this.#paused || isStill === this.#hasBegun) return;
    const queued = peer.bufferedBytes;
    if ((this.#awaitsKey && !event.key) || !this.#hasRoom(queued, event.sizeBytes)) {
      this.skipped++;
      this.#awaitsKey = true;
      return;
    }
    this.#awaitsKey = !event.goesOn;
    if (this.#isPrompt && queued === 0) {
      peer.send(delivery.bytes);
      this.#isPrompt = peer.bufferedBytes === 0;
      if (!this.#isPrompt) delivery.isKept = true;
    } else {
      const { copy } = delivery;
      copy.hold();
      this.#held.push(copy);
      peer.send(copy.bytes);
      this.#isPrompt = peer.bufferedBytes === 0;
      if (this.#isPrompt) this.drained();
    }
    this.#lastQueued = peer.bufferedBytes;
  }

  drained(): void {
    for (const copy of this.#held.splice(0)) copy.release();
  }

  #join(): void {
    this.#joinedMs = this.#options.clock.monotonicMs();
    this.#options.feeds.join(this);
  }

  /** Looks at how it takes what it is sent; ends it when it takes nothing. */
  #hasRoom(queued: number, sizeBytes: number): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (queued === 0) {
      this.#emptyMs = nowMs;
      this.drained();
    }
    if (queued === 0 || queued < this.#lastQueued) this.#progressMs = nowMs;
    this.#lastQueued = queued;
    const { feeds } = this.#options;
    if (sizeBytes > MOST_FRAGMENT_BYTES || this.isEnding) return false;
    if (queued === 0) return sizeBytes <= SMALL_BYTES || feeds.hasRoom(sizeBytes, this);
    if (nowMs - this.#progressMs > GONE_MS) {
      this.end();
      return false;
    }
    // Once it has fallen behind it goes on when all of it is through.
    if (this.#awaitsKey || queued + sizeBytes > MOST_QUEUED_BYTES || nowMs - this.#emptyMs > MOST_LATE_MS) return false;
    return !feeds.isOverfull();
  }
}

function readPause(text: string): boolean | undefined {
  try {
    const { pause } = JSON.parse(text) as { pause?: unknown };
    return typeof pause === 'boolean' ? pause : undefined;
  } catch {
    return undefined;
  }
}
