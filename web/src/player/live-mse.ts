// Live pictures through the service's WebSocket and MSE: headers, init segments and fragments in, a video element that stays close to now.
import type { LiveHeader } from '../../../src/api/contract.ts';
import type { Board, LiveSocket } from './board.ts';
import { LiveDelay } from './live-delay.ts';
import type { LiveSource, SourceEvents } from './live-source.ts';
import { canPlay, dislikesRates, type MediaElement, mimeOf, wantsData } from './media-element.ts';
import { fragmentTimes, type Track, tracksOf } from './mp4-boxes.ts';
import { LIVE_LIMITS, MseSink, type Piece } from './mse-sink.ts';
import type { WayReason } from './play-state.ts';

/** While the decoder is being made. */
const MOST_EARLY_BYTES = 8 << 20;
/** A hole smaller than this is a rounded time stamp. */
const HOLE_S = 0.05;
const HAVE_FUTURE_DATA = 3;

export class LiveMse implements LiveSource {
  readonly way = 'mse';
  readonly #board: Board;
  readonly #element: MediaElement;
  readonly #path: string;
  readonly #why: WayReason | undefined;
  readonly #events: SourceEvents;
  readonly #delay = new LiveDelay(dislikesRates());
  #socket: LiveSocket | undefined;
  #header: LiveHeader | undefined;
  #tracks: Track[] = [];
  #source: MediaSource | undefined;
  #sink: MseSink | undefined;
  /** What came before the decoder was there; undefined once it is. */
  #early: Piece[] | undefined;
  #earlyBytes = 0;
  #initNext = false;
  /** What comes now is not for us. */
  #passing = false;
  #started = false;
  #stopped = false;
  #lastWallMs: number | undefined;
  #framesBefore = 0;
  bytes = 0;

  constructor(board: Board, element: MediaElement, path: string, events: SourceEvents, why?: WayReason | undefined) {
    this.#board = board;
    this.#element = element;
    this.#path = path;
    this.#events = events;
    this.#why = why;
  }

  get frames(): number {
    const quality = this.#element.video.getVideoPlaybackQuality?.();
    return quality && this.#started ? this.#framesBefore + quality.totalVideoFrames - quality.droppedVideoFrames : 0;
  }

  start(): void {
    const socket = this.#board.socket(this.#path);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => this.#message(data);
    socket.onclose = ({ code, reason }) => this.#end({ why: 'closed', code, reason });
    const { video } = this.#element;
    video.addEventListener('waiting', this.#waiting);
    video.addEventListener('playing', this.#playing);
    video.addEventListener('error', this.#broke);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#lastWallMs = this.wallMs();
    this.#stopped = true;
    if (this.#socket) {
      this.#socket.onmessage = null;
      this.#socket.onclose = null;
      this.#socket.close();
    }
    const { video } = this.#element;
    video.removeEventListener('waiting', this.#waiting);
    video.removeEventListener('playing', this.#playing);
    video.removeEventListener('error', this.#broke);
    this.#sink?.close();
    this.#element.close();
  }

  wallMs(): number | undefined {
    if (this.#stopped) return this.#lastWallMs;
    return this.#header && this.#started ? this.#header.zeroMs + this.#element.video.currentTime * 1000 : undefined;
  }

  look(): void {
    this.#sink?.trim();
    this.#steer();
    this.#tell();
  }

  #message(data: unknown): void {
    if (typeof data === 'string') this.#headerCame(data);
    else if (data instanceof ArrayBuffer) this.#bytesCame(new Uint8Array(data));
  }

  #bytesCame(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes += bytes.length;
    if (this.#passing) return;
    if (this.#initNext) {
      this.#initNext = false;
      this.#tracks = tracksOf(bytes) ?? [];
      this.#feed({ bytes });
      return;
    }
    const times = fragmentTimes(bytes, this.#tracks);
    const startS = times?.shownS[0];
    if (!times || startS === undefined) return;
    // Sound alone is never what a decoder starts with, nor what is dropped up to.
    const durationS = times.video ? times.endS - startS : 0;
    if (times.video) this.#delay.fragment(durationS);
    this.#feed({ bytes, startS, durationS, key: times.video && times.key, done: this.#appended });
  }

  #headerCame(text: string): void {
    const header = parseHeader(text);
    if (!header) return;
    const before = this.#header;
    const playable = canPlay(header.codecs);
    // One picture of the large stream until the small one is there: done without where it cannot be shown.
    this.#passing = header.still === true && !playable;
    if (this.#passing) return;
    if (!playable) {
      this.#end({ why: 'codec', codecs: header.codecs });
      return;
    }
    this.#header = header;
    this.#initNext = true;
    this.#tell();
    const count = (codecs: string) => codecs.split(',').length;
    if (before && count(before.codecs) === count(header.codecs)) {
      if (before.codecs === header.codecs || this.#early !== undefined || this.#sink?.changeType(mimeOf(header.codecs)))
        return;
    }
    void this.#open(header.codecs);
  }

  /** With a decoder of its own; on the same socket. */
  async #open(codecs: string): Promise<void> {
    this.#framesBefore = this.frames;
    this.#sink?.close();
    this.#sink = undefined;
    this.#early = [];
    this.#earlyBytes = 0;
    this.#started = false;
    const source = await this.#element.open();
    if (!source || this.#stopped) return;
    try {
      const buffer = source.addSourceBuffer(mimeOf(this.#header?.codecs ?? codecs));
      this.#source = source;
      this.#sink = new MseSink(
        buffer,
        LIVE_LIMITS,
        () => this.#element.video.currentTime,
        () => this.#broke(),
      );
    } catch {
      this.#end({ why: 'codec', codecs });
      return;
    }
    for (const piece of this.#early ?? []) this.#sink.push(piece);
    this.#early = undefined;
  }

  #feed(piece: Piece): void {
    if (this.#early) {
      this.#earlyBytes += piece.bytes.length;
      if (this.#earlyBytes > MOST_EARLY_BYTES) this.#broke();
      else this.#early.push(piece);
      return;
    }
    // A managed source that wants nothing (its page is in the background) gets init segments only.
    if (piece.startS !== undefined && this.#source && !wantsData(this.#source)) return;
    this.#sink?.push(piece);
  }

  readonly #appended = (appended: boolean): void => {
    if (!appended || this.#stopped) return;
    if (this.#started) this.#steer();
    else this.#begin();
  };

  #begin(): void {
    const { video } = this.#element;
    if (video.buffered.length === 0) return;
    this.#started = true;
    this.#element.onFrame(() => {
      if (!this.#stopped) this.#events.shown(this.wallMs());
    });
    video.currentTime = video.buffered.start(0);
    video.play().catch((error: { name?: string }) => {
      if (!this.#stopped && error.name === 'NotAllowedError') this.#events.blocked();
    });
  }

  /** Speed and jumps; over holes too. */
  #steer(): void {
    const { video } = this.#element;
    if (!this.#sink || !this.#started || video.seeking || this.#header?.still) return;
    const position = video.currentTime;
    const endS = this.#sink.bufferedEndS(position);
    const nextS = this.#sink.nextStartS(position);
    // A picture is not shown before the one behind it is there: browsers stop that much before a hole.
    const isStuck = endS === undefined || endS - position < HOLE_S || video.readyState < HAVE_FUTURE_DATA;
    if (nextS !== undefined && isStuck) {
      video.currentTime = nextS;
      return;
    }
    if (endS === undefined) return;
    const order = this.#delay.look(position, endS, this.#board.nowMs());
    if (order.jumpToS !== undefined) video.currentTime = Math.max(order.jumpToS, position);
    if (video.playbackRate !== order.rate) video.playbackRate = order.rate;
  }

  #tell(): void {
    if (!this.#header) return;
    const { codecs, width, height, stream } = this.#header;
    const { video } = this.#element;
    const endS = this.#started ? this.#sink?.bufferedEndS(video.currentTime) : undefined;
    this.#events.info({
      way: 'mse',
      stream,
      codecs,
      width,
      height,
      ...(this.#why ? { why: this.#why } : {}),
      ...(endS === undefined ? {} : { delayMs: Math.round((endS - video.currentTime) * 1000) }),
    });
  }

  readonly #waiting = (): void => {
    if (!this.#started) return;
    this.#delay.starved(this.#board.nowMs());
    this.#steer();
    this.#events.starved(true);
  };

  readonly #playing = (): void => this.#events.starved(false);

  readonly #broke = (): void => this.#end({ why: 'decoder', codecs: this.#header?.codecs ?? '' });

  #end(end: Parameters<SourceEvents['ended']>[0]): void {
    if (this.#stopped) return;
    this.stop();
    this.#events.ended(end);
  }
}

/** Undefined for what is no header. */
function parseHeader(text: string): LiveHeader | undefined {
  try {
    const header = JSON.parse(text) as LiveHeader;
    return typeof header.codecs === 'string' && typeof header.zeroMs === 'number' ? header : undefined;
  } catch {
    return undefined;
  }
}
