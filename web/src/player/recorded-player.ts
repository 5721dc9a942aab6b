// One camera's recorded picture: seeks, plays over borders of segments, stops at gaps, steps picture by picture. What several
// cameras do together is decided by `playback-group.ts`.
import { type Signal, signal } from '@preact/signals';
import type { Board } from './board.ts';
import type { Hole, Piece } from './footage-index.ts';
import { FootageLoader, type Loaded } from './footage-loader.ts';
import { dislikesRates, hasMediaSource, INTO_S, type MediaElement } from './media-element.ts';
import type { PlayState, WayInfo } from './play-state.ts';
import type { GroupMember } from './playback-group.ts';
import { ReadAhead } from './read-ahead.ts';
import { RecordedFeed } from './recorded-feed.ts';
import { Scrubber } from './scrubber.ts';
import type { StreamName } from './wire.ts';

const TICK_MS = 200;
/** A waiting that is shorter is not told of. */
const PATIENCE_MS = 400;
/** Until when a picture has to be there that the buffer holds. */
const SHOW_MS = 3000;
/** Of pictures that are left to show, at the end of what is buffered. */
const END_S = 0.08;
const LONGEST_PICTURE_S = 2;
const HAVE_FUTURE_DATA = 3;
/** A hole in the buffer that is jumped over. */
const HOLE_S = 0.6;
/** Two runs of pictures this close are one. */
const JOIN_S = 0.05;
/** Further away it is not worth keeping what is there. */
const FAR_S = 60;
const TWICE_MS = 30_000;
/** So much later the service has told of all footage. */
const LATE_MS = 60_000;
const ASK_AGAIN_MS = 1000;

export class RecordedPlayer implements GroupMember {
  readonly state: Signal<PlayState> = signal({ is: 'idle' });
  readonly info: Signal<WayInfo | undefined> = signal(undefined);
  readonly camera: number;
  readonly #board: Board;
  readonly #element: MediaElement;
  readonly #feed: RecordedFeed;
  readonly #loader: FootageLoader;
  readonly #ahead: ReadAhead;
  readonly #scrubber: Scrubber;
  #abort = new AbortController();
  /** What was asked for and is not shown yet; in a gap, the moment in it. */
  #targetMs: number | undefined;
  #playing = false;
  #rate = 1;
  #hole: Hole | undefined;
  /** What stays until something else is wanted. */
  #verdict: PlayState | undefined;
  #isScrubbing = false;
  #waitingSince: number | undefined;
  #brokenMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(board: Board, element: MediaElement, camera: number, stream: StreamName) {
    this.#board = board;
    this.#element = element;
    this.camera = camera;
    this.#feed = new RecordedFeed(element, codecs => this.#broke(codecs));
    this.#loader = new FootageLoader(board, this.#feed, camera, stream, codecs => {
      this.info.value = { way: 'mse', stream, codecs };
    });
    this.#ahead = new ReadAhead(board, this.#loader, () => element.video.currentTime);
    this.#scrubber = new Scrubber(this.#loader, element, outcome => {
      if (!this.#isScrubbing) return;
      this.#hole = 'hole' in outcome ? outcome.hole : undefined;
      this.#tell();
    });
    element.video.addEventListener('waiting', this.#tick);
    element.video.addEventListener('error', this.#elementBroke);
    document.addEventListener('visibilitychange', this.#tick);
  }

  /** Requests under way, and key pictures shown, for measuring. */
  get figures(): { busy: number; keyPictures: number; heldBytes: number } {
    return { busy: this.#loader.source.busy, keyPictures: this.#scrubber.shown, heldBytes: this.#feed.heldBytes };
  }

  get hole(): Hole | undefined {
    return this.#hole;
  }

  /** When what is shown was recorded; in a gap and during a seek, the moment that was asked for. */
  wallMs(): number | undefined {
    const { line } = this.#feed;
    if (this.#targetMs !== undefined || !line) return this.#targetMs;
    return line.wallMs(this.#element.video.currentTime);
  }

  /** Pictures follow each other, or would if the data were there. */
  get moves(): boolean {
    return this.#playing && !this.#hole && this.#targetMs === undefined && !this.#element.video.paused;
  }

  /** Resolves when the picture is shown, or that there is none is known; at once when another seek takes over. */
  async seek(ms: number): Promise<void> {
    const signal = this.#begin(ms);
    if (!hasMediaSource()) {
      this.#judge({ is: 'unsupported', codec: '', offer: 'download' });
      return;
    }
    const found = await this.#loader.source.locate(ms, signal);
    if (signal.aborted) return;
    if (found.is === 'hole') this.#enterHole(found.hole);
    else if (found.is === 'piece') await this.#show(found.piece, ms, signal);
    else if (found.is === 'failed') this.#judge({ is: 'failed', reason: 'gone' });
  }

  play(): void {
    this.#playing = true;
    this.#startTimer();
    if (this.#verdict?.is === 'blocked') this.#verdict = undefined;
    if (!this.#hole && this.#targetMs === undefined) this.#resume();
    this.#tell();
  }

  pause(): void {
    this.#playing = false;
    this.#element.video.pause();
    this.#tell();
  }

  /** 0.25 to 4; a group adds a little to keep cameras together. */
  setRate(rate: number): void {
    const small = Math.abs(rate - this.#rate) < 0.1 * this.#rate;
    if (rate === this.#rate || (small && dislikesRates())) return;
    this.#rate = rate;
    this.#element.video.playbackRate = rate;
  }

  /** With sound or without: what is silent is asked for without. Takes effect at once, the picture stays meanwhile. */
  setSound(sound: boolean): void {
    const ms = this.wallMs();
    if (this.#loader.setSound(sound) && ms !== undefined && !this.#isScrubbing) void this.seek(ms);
  }

  /** The key picture at or before a moment, as soon as may be; the newest wish wins. `seek` ends it. */
  scrub(ms: number): void {
    if (!this.#isScrubbing) {
      this.#scrubber.begin(this.#begin(ms));
      this.#isScrubbing = true;
      this.#element.video.pause();
    }
    this.#targetMs = ms;
    this.#scrubber.want(ms);
    this.#tell();
  }

  /** One picture on or back. Resolves with whether there was one. */
  async step(direction: 1 | -1): Promise<boolean> {
    this.pause();
    const { line, frames } = this.#feed;
    if (!line || this.#hole || this.#targetMs !== undefined) return false;
    const { signal } = this.#abort;
    const positionS = this.#element.video.currentTime;
    let next = this.#stepped(positionS, direction);
    if (next === undefined) {
      const shownMs = line.wallMs(frames.at(positionS) ?? positionS);
      const found = await this.#beside(shownMs, direction, signal);
      if (!found || (await this.#loader.load(found, signal)).is !== 'ok') return false;
      next = this.#stepped(positionS, direction);
    }
    if (next === undefined) return false;
    await this.#element.moveTo(next + INTO_S, SHOW_MS);
    return true;
  }

  /** The picture beside the one that is shown, if all that lies between is buffered. */
  #stepped(positionS: number, direction: 1 | -1): number | undefined {
    const { frames } = this.#feed;
    const next = frames.step(positionS, direction);
    if (next === undefined) return undefined;
    const [fromS, toS] = direction > 0 ? [positionS, next] : [next, positionS];
    const endS = this.#feed.bufferedEndS(fromS);
    return endS !== undefined && endS > toS - JOIN_S ? next : undefined;
  }

  /** Footage up to then is gone. */
  deleted(untilMs: number): void {
    this.#loader.source.index.deleted(untilMs);
  }

  close(): void {
    this.#closed = true;
    this.#abort.abort();
    this.#ahead.stop();
    this.#stopTimer();
    this.#element.video.removeEventListener('waiting', this.#tick);
    this.#element.video.removeEventListener('error', this.#elementBroke);
    document.removeEventListener('visibilitychange', this.#tick);
    this.#feed.close();
  }

  #begin(ms: number): AbortSignal {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#ahead.stop();
    this.#targetMs = ms;
    this.#isScrubbing = false;
    this.#hole = undefined;
    this.#verdict = undefined;
    this.#waitingSince = this.#board.nowMs();
    this.#startTimer();
    const { is } = this.state.peek();
    if (is !== 'playing' && is !== 'paused' && is !== 'scrubbing') this.#say({ is: 'opening' });
    return this.#abort.signal;
  }

  async #show(piece: Piece, ms: number, signal: AbortSignal): Promise<void> {
    const { video } = this.#element;
    const { line } = this.#feed;
    if (line?.contains(ms)) {
      const targetS = line.mediaS(ms) + INTO_S;
      if (!this.#feed.has(piece) && Math.abs(targetS - video.currentTime) > FAR_S) this.#feed.clear();
      // At once: the element then shows the picture as soon as its data are there.
      video.currentTime = targetS;
    }
    const loaded = await this.#loader.load(piece, signal);
    if (signal.aborted || !this.#isLoaded(loaded)) return;
    // Decoders may give a picture only when they have those behind it.
    this.#ahead.begin(piece, signal);
    void this.#ahead.pump(this.#playing, this.#rate);
    await this.#moveTo(ms);
    if (signal.aborted) return;
    this.#targetMs = undefined;
    this.#waitingSince = undefined;
    if (this.#playing) this.#resume();
    this.#tell();
  }

  #isLoaded(loaded: Loaded): boolean {
    if (loaded.is === 'unsupported') this.#judge({ is: 'unsupported', codec: loaded.codecs, offer: 'download' });
    else if (loaded.is === 'failed') this.#judge({ is: 'failed', reason: 'gone' });
    return loaded.is === 'ok';
  }

  async #moveTo(ms: number): Promise<void> {
    const { line, frames } = this.#feed;
    if (!line) return;
    const wantedS = line.mediaS(ms) + INTO_S;
    // The first picture of a segment may be dated a little later than its fragment.
    const hasPicture = frames.at(wantedS) !== undefined && this.#feed.bufferedEndS(wantedS) !== undefined;
    const nextS = hasPicture ? undefined : this.#feed.nextStartS(wantedS);
    await this.#element.moveTo(nextS === undefined ? wantedS : nextS + INTO_S, SHOW_MS);
  }

  /** The fragment in which the picture behind or before the one of `shownMs` stands. */
  async #beside(shownMs: number, direction: 1 | -1, signal: AbortSignal): Promise<Piece | undefined> {
    const { source } = this.#loader;
    const here = await source.locate(shownMs + 2, signal);
    if (here.is !== 'piece') return undefined;
    const there = direction > 0 ? source.index.after(here.piece) : await source.locate(here.piece.startMs - 20, signal);
    return there.is === 'piece' ? there.piece : undefined;
  }

  readonly #tick = (): void => {
    if (this.#closed || this.#isScrubbing) return;
    this.#overHoles();
    this.#tell();
    void this.#ahead.pump(this.#playing, this.#rate);
    if (!this.#playing && this.#waitingSince === undefined) this.#stopTimer();
  };

  /** At the end of what is buffered: on to what follows, or a stop. */
  #overHoles(): void {
    const { video } = this.#element;
    if (this.#targetMs !== undefined || !this.#feed.line || !this.#playing || video.seeking) return;
    const { runEnd } = this.#ahead;
    const endS = this.#feed.bufferedEndS(video.currentTime);
    const leftS = endS === undefined ? 0 : endS - video.currentTime;
    // A picture is not shown before the one behind it is there: browsers stop that much before the end.
    const isOver = leftS < END_S || (leftS < LONGEST_PICTURE_S && video.readyState < HAVE_FUTURE_DATA);
    this.#waitingSince = isOver ? (this.#waitingSince ?? this.#board.nowMs()) : undefined;
    if (!isOver) return;
    const nextS = this.#feed.nextStartS(video.currentTime);
    if (nextS !== undefined && nextS - video.currentTime < HOLE_S) video.currentTime = nextS + INTO_S;
    else if (runEnd?.is === 'hole') this.#enterHole(runEnd.hole);
    else if (runEnd?.is === 'rebuild') void this.seek(runEnd.atMs);
  }

  #enterHole(hole: Hole): void {
    this.#element.video.pause();
    this.#hole = hole;
    this.#targetMs ??= hole.startMs;
    this.#waitingSince = undefined;
    this.#tell();
    if (hole.endMs === undefined) void this.#askHoleEnd(hole, this.#abort.signal);
  }

  /** One without a reason may only be footage that the service has not told of yet. */
  async #askHoleEnd(hole: Hole, signal: AbortSignal): Promise<void> {
    const atMs = this.#targetMs ?? hole.startMs;
    const endMs = await this.#loader.source.nextFootageMs(atMs, signal);
    if (this.#hole !== hole) return;
    if (endMs !== undefined && endMs > atMs) {
      this.#hole = { ...hole, endMs };
      this.#tell();
      return;
    }
    if (hole.reason || this.#board.utcMs() - atMs > LATE_MS) return;
    await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS));
    if (this.#hole !== hole || this.#closed) return;
    if (endMs === undefined) void this.#askHoleEnd(hole, signal);
    else void this.seek(atMs);
  }

  #resume(): void {
    const { video } = this.#element;
    video.playbackRate = this.#rate;
    video.play().catch((error: { name?: string }) => {
      if (error.name === 'NotAllowedError') this.#judge({ is: 'blocked' });
    });
  }

  readonly #elementBroke = (): void => this.#broke(this.info.peek()?.codecs ?? '');

  /** Built anew once; what breaks again at once is damaged. */
  #broke(codecs: string): void {
    const ms = this.wallMs();
    if (this.#closed || ms === undefined) return;
    const nowMs = this.#board.nowMs();
    const again = nowMs - this.#brokenMs < TWICE_MS;
    this.#brokenMs = nowMs;
    this.#feed.reset();
    this.#abort.abort();
    if (again) this.#judge({ is: 'failed', reason: 'decoder', message: codecs });
    else void this.seek(ms);
  }

  #judge(verdict: PlayState): void {
    this.#verdict = verdict;
    this.#waitingSince = undefined;
    this.#tell();
  }

  /** The state that follows from everything else. */
  #tell(): void {
    if (this.#verdict) this.#say(this.#verdict);
    else if (this.#hole) this.#say(gapState(this.#hole));
    else if (this.#isScrubbing) this.#say({ is: 'scrubbing' });
    else if (this.#waitingSince !== undefined) this.#tellWaiting(this.#waitingSince);
    else this.#say({ is: this.#playing ? 'playing' : 'paused' });
  }

  #tellWaiting(sinceMs: number): void {
    const told = this.state.peek();
    const waitedMs = this.#board.nowMs() - sinceMs;
    const reason = this.#ahead.runEnd?.is === 'tail' ? 'end' : 'data';
    if (told.is === 'opening' || waitedMs < PATIENCE_MS || (told.is === 'waiting' && told.reason === reason)) return;
    this.#say({ is: 'waiting', reason, sinceMs: Date.now() - waitedMs });
  }

  #say(state: PlayState): void {
    if (!this.#closed && JSON.stringify(this.state.peek()) !== JSON.stringify(state)) this.state.value = state;
  }

  #startTimer(): void {
    this.#timer ??= setInterval(this.#tick, TICK_MS);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function gapState({ startMs, endMs, reason }: Hole): PlayState {
  return { is: 'gap', startMs, ...(endMs === undefined ? {} : { untilMs: endMs }), ...(reason ? { reason } : {}) };
}
