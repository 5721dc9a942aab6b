// Who watches which stream live: one feed of the engine for all viewers of a stream, none for a stream that nobody watches.
import type { CameraId, StreamName } from '../core/index.ts';
import type { Live, LiveFragment, LiveHeaderFacts } from '../native/index.ts';
import { type HeldBytes, LiveBuffers } from './live-buffers.ts';

/** Who watches one stream of one camera. */
export interface LiveReceiver {
  readonly camera: CameraId;
  readonly stream: StreamName;
  readonly sound: boolean;
  /** Whose it is; 0 = nobody's. */
  readonly user: number;
  /** As `enter` gave it. */
  readonly number: number;
  /** Fragments that it did not get. */
  readonly skipped: number;
  /** What waits for it. */
  readonly queuedBytes: number;
  /** It was told to end. */
  readonly isEnding: boolean;
  /** It takes too little. */
  end(): void;
  /** `instance`: of the feed; generations count within one only. */
  header(event: LiveHeaderFacts, instance: number): void;
  fragment(event: LiveFragment, delivery: Delivery): void;
  /** The camera changed. */
  check(): void;
}

export interface LiveFigures {
  viewers: number;
  /** Streams of which fragments are made; with sound and without counts twice. */
  feeds: number;
  /** What waits for slow viewers. */
  queuedBytes: number;
  /** Fragments that slow viewers did not get. */
  skipped: number;
}

/** Two screens of sixteen cameras for three households; beyond it somebody only wears the board out. */
export const MOST_VIEWERS = 96;
/** Of one user: two screens of sixteen, and those of one of them again that a lost network has not closed yet. Nobody takes all places. */
export const MOST_OF_USER = 48;
/** What may wait for all viewers together; twice as much with those that are being ended. */
const MOST_QUEUED_BYTES = 24 * 1024 * 1024;
const MOST_NUMBER = 0xffff_ffff;

interface Feed {
  /** Counts all feeds there ever were: generations of headers mean something within one only. */
  instance: number;
  viewers: Set<LiveReceiver>;
}

export class LiveFeeds {
  readonly #live: Live;
  readonly #viewers = new Map<number, LiveReceiver>();
  readonly #feeds = new Map<string, Feed>();
  readonly #buffers = new LiveBuffers();
  #lastNumber = 0;
  #lastInstance = 0;
  #skippedBefore = 0;

  constructor(live: Live) {
    this.#live = live;
    live.listen({
      header: event => this.#header(event),
      fragment: (event, bytes) => this.#fragment(event, bytes),
    });
  }

  figures(): LiveFigures {
    let skipped = this.#skippedBefore;
    for (const viewer of this.#viewers.values()) skipped += viewer.skipped;
    return { viewers: this.#viewers.size, feeds: this.#feeds.size, queuedBytes: this.#queuedBytes(), skipped };
  }

  /** Why nobody more of a user can be taken in; undefined when there is room. */
  refusal(user: number): string | undefined {
    if (this.#viewers.size >= MOST_VIEWERS) return 'too many watch live';
    let own = 0;
    for (const viewer of this.#viewers.values()) if (viewer.user === user) own++;
    return own >= MOST_OF_USER ? `this login watches ${MOST_OF_USER} pictures already` : undefined;
  }

  viewers(): Iterable<LiveReceiver> {
    return this.#viewers.values();
  }

  /** Takes a viewer in; returns its number. */
  enter(viewer: LiveReceiver): number {
    do this.#lastNumber = (this.#lastNumber % MOST_NUMBER) + 1;
    while (this.#viewers.has(this.#lastNumber));
    this.#viewers.set(this.#lastNumber, viewer);
    return this.#lastNumber;
  }

  leave(viewer: LiveReceiver): void {
    if (!this.#viewers.delete(viewer.number)) return;
    this.#skippedBefore += viewer.skipped;
    if (this.#viewers.size === 0) this.#buffers.clear();
  }

  /** From now on the viewer gets what comes, from the newest keyframe on. */
  join(viewer: LiveReceiver): void {
    const { camera, stream, sound } = viewer;
    const key = keyOf(viewer);
    const feed = this.#feeds.get(key);
    if (feed) {
      feed.viewers.add(viewer);
      this.#live.begin(camera, stream, sound, viewer.number);
    } else {
      this.#feeds.set(key, { instance: ++this.#lastInstance, viewers: new Set([viewer]) });
      this.#live.watch(camera, stream, sound, viewer.number);
    }
  }

  part(viewer: LiveReceiver): void {
    const key = keyOf(viewer);
    const feed = this.#feeds.get(key);
    if (!feed?.viewers.delete(viewer) || feed.viewers.size > 0) return;
    this.#feeds.delete(key);
    this.#live.end(viewer.camera, viewer.stream, viewer.sound);
  }

  /** The newest key picture of a stream, for one viewer. */
  showKey(camera: CameraId, stream: StreamName, viewer: LiveReceiver): void {
    this.#live.showKey(camera, stream, viewer.number);
  }

  /** More waits for all viewers together than memory is meant for. */
  isOverfull(): boolean {
    return this.#queuedBytes() > MOST_QUEUED_BYTES;
  }

  /**
   * Whether so much may be queued for a viewer that has nothing queued. Where much waits for others, the slowest of them makes room:
   * who keeps up is not to suffer.
   */
  hasRoom(sizeBytes: number, viewer: LiveReceiver): boolean {
    const bytes = this.#queuedBytes() + sizeBytes;
    if (bytes <= MOST_QUEUED_BYTES) return true;
    let slowest: LiveReceiver | undefined;
    for (const one of this.#viewers.values()) {
      if (one !== viewer && !one.isEnding && one.queuedBytes > (slowest?.queuedBytes ?? 0)) slowest = one;
    }
    slowest?.end();
    // Its memory is free when it has ended.
    return bytes <= 2 * MOST_QUEUED_BYTES;
  }

  #queuedBytes(): number {
    let sum = 0;
    for (const viewer of this.#viewers.values()) sum += viewer.queuedBytes;
    return sum;
  }

  #header(event: LiveHeaderFacts): void {
    const feed = this.#feeds.get(keyOf(event));
    if (event.viewer === 0) for (const viewer of feed?.viewers ?? []) viewer.header(event, feed?.instance ?? 0);
    else this.#viewers.get(event.viewer)?.header(event, feed?.instance ?? 0);
  }

  #fragment(event: LiveFragment, bytes: Buffer): boolean {
    const delivery = new Delivery(bytes, this.#buffers);
    if (event.viewer === 0)
      for (const viewer of this.#feeds.get(keyOf(event))?.viewers ?? []) viewer.fragment(event, delivery);
    else this.#viewers.get(event.viewer)?.fragment(event, delivery);
    delivery.end();
    return delivery.isKept;
  }
}

/** The bytes of one fragment for all its viewers. */
export class Delivery {
  readonly bytes: Buffer;
  /** Somebody still needs `bytes` when the call is over. */
  isKept = false;
  readonly #buffers: LiveBuffers;
  #copy: HeldBytes | undefined;

  constructor(bytes: Buffer, buffers: LiveBuffers) {
    this.bytes = bytes;
    this.#buffers = buffers;
  }

  /** The same for those whose sockets are not ready: one for all of them. */
  get copy(): HeldBytes {
    if (!this.#copy) {
      this.#copy = this.#buffers.copy(this.bytes);
      // Whoever comes first may have sent it before the next one looks.
      this.#copy.hold();
    }
    return this.#copy;
  }

  /** All viewers had their turn. */
  end(): void {
    this.#copy?.release();
  }
}

function keyOf({ camera, stream, sound }: { camera: CameraId; stream: StreamName; sound: boolean }): string {
  return `${camera} ${stream} ${sound}`;
}
