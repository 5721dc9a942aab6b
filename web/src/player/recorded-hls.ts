// Recorded pictures where the browser has no Media Source Extensions but plays HLS by itself (older iPhones): the same to a group as
// `RecordedPlayer`, with what such a player cannot do done as well as it can.
import { type Signal, signal } from '@preact/signals';
import { below } from '../api.ts';
import type { Board } from './board.ts';
import type { Hole } from './footage-index.ts';
import { mediaOf, type Run, runsOf, wallOf } from './hls-playlist.ts';
import type { PlayState, WayInfo } from './play-state.ts';
import type { GroupMember } from './playback-group.ts';
import type { StreamName } from './wire.ts';

const BEFORE_MS = 20_000;
const BEHIND_MS = 600_000;
/** One picture of most cameras; how long theirs really are such a player does not tell. */
const STEP_S = 0.04;
const SEEK_MS = 8000;
/** Drags are followed at most that often: each is a seek of the player's own. */
const SCRUB_MS = 200;
const TYPE = 'application/vnd.apple.mpegurl';

/** False where neither way of recorded pictures works. */
export function playsHls(video: HTMLVideoElement): boolean {
  return video.canPlayType(TYPE) !== '';
}

export class RecordedHls implements GroupMember {
  readonly state: Signal<PlayState> = signal({ is: 'idle' });
  readonly info: Signal<WayInfo | undefined>;
  readonly camera: number;
  readonly #board: Board;
  readonly #video: HTMLVideoElement;
  readonly #stream: StreamName;
  #runs: Run[] = [];
  #abort = new AbortController();
  #targetMs: number | undefined;
  #playing = false;
  #hole: Hole | undefined;
  #scrubbedMs = 0;

  constructor(board: Board, video: HTMLVideoElement, camera: number, stream: StreamName) {
    this.#board = board;
    this.#video = video;
    this.camera = camera;
    this.#stream = stream;
    this.info = signal({ way: 'hls', stream, why: 'no-mse' });
    video.addEventListener('ended', this.#ended);
    video.addEventListener('error', this.#broke);
  }

  get hole(): Hole | undefined {
    return this.#hole;
  }

  get moves(): boolean {
    return this.#playing && !this.#hole && this.#targetMs === undefined && !this.#video.paused;
  }

  wallMs(): number | undefined {
    return this.#targetMs ?? wallOf(this.#runs, this.#video.currentTime);
  }

  async seek(ms: number): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#targetMs = ms;
    this.#hole = undefined;
    if (mediaOf(this.#runs, ms) === undefined && !(await this.#load(ms, signal))) return;
    const mediaS = mediaOf(this.#runs, ms);
    if (mediaS === undefined) {
      const next = this.#runs.find(({ startMs }) => startMs > ms);
      this.#enterHole({ startMs: ms, ...(next ? { endMs: next.startMs } : {}) });
      return;
    }
    await this.#moveTo(mediaS, signal);
    if (signal.aborted) return;
    this.#targetMs = undefined;
    this.#video.dataset.shown = '';
    if (this.#playing) this.play();
    else this.#say({ is: 'paused' });
  }

  play(): void {
    this.#playing = true;
    if (this.#hole || this.#targetMs !== undefined) return;
    this.#say({ is: 'playing' });
    this.#video.play().catch((error: { name?: string }) => {
      if (error.name === 'NotAllowedError') this.#say({ is: 'blocked' });
    });
  }

  pause(): void {
    this.#playing = false;
    this.#video.pause();
    if (!this.#hole && this.#targetMs === undefined) this.#say({ is: 'paused' });
  }

  setRate(rate: number): void {
    // It buffers anew at each change, so it is not made to keep together with others.
    if (Math.abs(rate - this.#video.playbackRate) >= 0.1 * rate) this.#video.playbackRate = rate;
  }

  /** Sound comes with the pictures; the element is muted or not. */
  setSound(): void {}

  scrub(ms: number): void {
    this.#targetMs = ms;
    this.#say({ is: 'scrubbing' });
    const mediaS = mediaOf(this.#runs, ms);
    const nowMs = this.#board.nowMs();
    if (mediaS === undefined || nowMs - this.#scrubbedMs < SCRUB_MS) return;
    this.#scrubbedMs = nowMs;
    this.#video.currentTime = mediaS;
  }

  async step(direction: 1 | -1): Promise<boolean> {
    this.pause();
    await this.#moveTo(this.#video.currentTime + direction * STEP_S, this.#abort.signal);
    return true;
  }

  deleted(untilMs: number): void {
    this.#runs = this.#runs.filter(({ endMs }) => endMs > untilMs);
  }

  close(): void {
    this.#abort.abort();
    this.#video.removeEventListener('ended', this.#ended);
    this.#video.removeEventListener('error', this.#broke);
    delete this.#video.dataset.shown;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  /** The playlist around a moment. False when there is none, or something else is wanted by now. */
  async #load(ms: number, signal: AbortSignal): Promise<boolean> {
    this.#say({ is: 'opening' });
    const startMs = Math.max(0, Math.floor(ms - BEFORE_MS));
    const endMs = Math.ceil(Math.min(ms + BEHIND_MS, this.#board.utcMs()));
    const query = `stream=${this.#stream}&startMs=${startMs}&endMs=${Math.max(endMs, startMs + 1)}`;
    const path = `/api/cameras/${this.camera}/playback.m3u8?${query}`;
    const got = await this.#board.get(path, { lane: 'player', signal });
    if (got.is === 'aborted' || signal.aborted) return false;
    if (got.is === 'error') {
      if (got.status === 404) this.#enterHole({ startMs: ms });
      else this.#say({ is: 'failed', reason: 'gone' });
      return false;
    }
    this.#runs = runsOf(new TextDecoder().decode(got.bytes));
    this.#video.src = below(path);
    return true;
  }

  #moveTo(mediaS: number, signal: AbortSignal): Promise<void> {
    const video = this.#video;
    return new Promise(resolve => {
      const timer = setTimeout(resolve, SEEK_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      video.addEventListener('seeked', done, { once: true, signal });
      signal.addEventListener('abort', done, { once: true });
      const go = () => {
        video.currentTime = mediaS;
      };
      if (video.readyState > 0) go();
      else video.addEventListener('loadedmetadata', go, { once: true, signal });
    });
  }

  #enterHole(hole: Hole): void {
    this.#video.pause();
    this.#hole = hole;
    this.#say({ is: 'gap', startMs: hole.startMs, ...(hole.endMs === undefined ? {} : { untilMs: hole.endMs }) });
  }

  readonly #ended = (): void => {
    const endMs = this.#runs.at(-1)?.endMs;
    if (endMs !== undefined) void this.seek(endMs + 1);
  };

  readonly #broke = (): void => {
    if (this.#video.hasAttribute('src')) this.#say({ is: 'unsupported', codec: '', offer: 'download' });
  };

  #say(state: PlayState): void {
    this.state.value = state;
  }
}
