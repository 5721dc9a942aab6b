// One camera's live picture: chooses the way, falls back, reconnects, rests while nobody looks, and says in one value what it is doing.
import { type Signal, signal } from '@preact/signals';
import { type Board, retryDelayMs } from './board.ts';
import { LiveMse } from './live-mse.ts';
import type { LiveRtc } from './live-rtc.ts';
import type { LiveSource, SourceEnd, SourceEvents } from './live-source.ts';
import { drawStill, LiveStill } from './live-still.ts';
import { forgiveRefused, hasMediaSource, type MediaElement, refuse } from './media-element.ts';
import type { PlayState, StreamName, WaitReason, WayInfo, WayReason } from './play-state.ts';
import { type Advice, Watchdog } from './watchdog.ts';
import type { CameraState } from './wire.ts';

export interface LiveWish {
  camera: number;
  stream: StreamName;
  /** `still`: one picture each `stillMs`; `off`: what was shown stays. */
  mode: 'live' | 'still' | 'off';
  stillMs: number;
  /** Of the camera, as the service last said; undefined = not known yet. */
  state: CameraState | undefined;
  hasSub: boolean;
  /** Whether WebRTC is asked for, or only there for browsers that can do nothing else; undefined = the camera has none. */
  rtc?: 'first' | 'last' | undefined;
  /** With sound, where there is some. */
  sound: boolean;
}

const LOOK_MS = 1000;
const STILL_MS = 1000;
/** After the page was asked for. */
const PUT_TOGETHER_MS = 2000;
const STARVED_MS = 600;
/** What failed may have been a busy moment: the first way is tried again after so long, then twice as long, and so on. */
const HEAL_MS = 30_000;
const MOST_HEAL_MS = 600_000;
/** A failure so long after the last one is a new story. */
const OLD_FAILURE_MS = 3_600_000;
/** A page behind another may come back at once. */
const HIDDEN_MS = 10_000;

interface Choice {
  way: 'mse' | 'rtc' | 'still';
  stream: StreamName;
  why?: WayReason | undefined;
  note?: string | undefined;
}

interface Failure {
  way: 'mse' | 'rtc';
  stream: StreamName;
  why: WayReason;
  note?: string | undefined;
}

export class LivePlayer {
  readonly state: Signal<PlayState> = signal({ is: 'idle' });
  readonly info: Signal<WayInfo | undefined> = signal(undefined);
  /** When the picture was taken that stands still; undefined while it moves, and while there is none. */
  readonly stillFromMs: Signal<number | undefined> = signal(undefined);
  readonly #board: Board;
  readonly #element: MediaElement;
  readonly #watchdog = new Watchdog();
  #wish: LiveWish | undefined;
  #source: LiveSource | undefined;
  /** Ways that failed for this camera and stream, with why. */
  #failed: Failure[] = [];
  /** What the source was asked for. */
  #stream: StreamName = 'main';
  /** Its piece of the program is loaded when it is wanted for the first time. */
  #Rtc: typeof LiveRtc | undefined;
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #lookTimer: ReturnType<typeof setInterval> | undefined;
  #starveTimer: ReturnType<typeof setTimeout> | undefined;
  #hideTimer: ReturnType<typeof setTimeout> | undefined;
  #healTimer: ReturnType<typeof setTimeout> | undefined;
  /** How often the first way was tried again by itself. */
  #heals = 0;
  #failedMs = Number.NEGATIVE_INFINITY;
  #firstStill: AbortController | undefined;
  /** Whether what moves waits for it. */
  #stillFirst: 'not-yet' | 'waits' | 'done' = 'not-yet';
  #soundRefused = false;
  #closed = false;

  constructor(board: Board, element: MediaElement) {
    this.#board = board;
    this.#element = element;
    document.addEventListener('visibilitychange', this.#visibility);
    addEventListener('pagehide', this.#leave);
    addEventListener('pageshow', this.#comeBack);
  }

  /** What is to be shown from now on; the same wish changes nothing. */
  wish(wish: LiveWish): void {
    const before = this.#wish;
    this.#wish = wish;
    const other = before?.camera !== wish.camera;
    if (other) {
      this.#failed = [];
      this.#firstStill?.abort();
      this.#firstStill = undefined;
      this.#stopSource();
      if (before) this.#element.clear();
    }
    const changed = before?.stream !== wish.stream || before?.mode !== wish.mode || before?.stillMs !== wish.stillMs;
    const heard = before?.sound !== wish.sound && wish.sound;
    const hurried = (before?.rtc === 'first') !== (wish.rtc === 'first');
    if (hurried) this.#failed = this.#failed.filter(({ way }) => way !== 'rtc');
    if (other || changed || heard || hurried) this.#restart();
    else if (isLive(before?.state) !== isLive(wish.state)) this.#cameraChanged();
  }

  /** Tries the first way again, whatever failed before. */
  retry(): void {
    forgiveRefused();
    this.#failed = [];
    this.#failures = 0;
    this.#heals = 0;
    this.#restart();
  }

  /** After a gesture. */
  play(): void {
    this.#element.video.play().then(
      () => this.#say({ is: 'playing' }),
      () => {},
    );
  }

  /** When the picture that is shown was taken. */
  wallMs(): number | undefined {
    return this.#source?.wallMs() ?? this.stillFromMs.peek();
  }

  close(): void {
    this.#closed = true;
    document.removeEventListener('visibilitychange', this.#visibility);
    removeEventListener('pagehide', this.#leave);
    removeEventListener('pageshow', this.#comeBack);
    clearTimeout(this.#hideTimer);
    this.#firstStill?.abort();
    this.#stopSource();
    this.#element.clear();
  }

  #restart(): void {
    this.#stopSource();
    this.#start();
  }

  #start(): void {
    const wish = this.#wish;
    if (!wish || this.#closed || this.#source || this.#resting()) return;
    if (this.stillFromMs.peek() === undefined && this.#element.video.dataset.shown === undefined) this.#drawFirst(wish);
    if (wish.mode === 'off') {
      this.#say({ is: 'idle' });
      return;
    }
    if (wish.state && !isLive(wish.state)) {
      this.#wait('camera');
      return;
    }
    if (this.#stillGoesFirst(wish)) return;
    const choice = this.#choose(wish);
    if (this.state.peek().is !== 'waiting') this.#say({ is: 'opening' });
    this.#stream = choice.stream;
    this.#source = this.#make(choice, wish);
    if (!this.#source) return;
    this.#watchdog.begin(this.#board.nowMs());
    this.#lookTimer = setInterval(() => this.#look(), LOOK_MS);
    if (choice.why === 'slow-start' || choice.why === 'decoder') this.#healLater();
    this.#source.start();
  }

  /** While the page itself is being put together, what moves waits for the picture that does not, once: that is there sooner. */
  #stillGoesFirst({ mode }: LiveWish): boolean {
    const leftMs = PUT_TOGETHER_MS - this.#board.nowMs();
    const isFirst = this.#stillFirst === 'not-yet';
    if (mode === 'live') this.#stillFirst = 'done';
    if (!isFirst || !this.#firstStill || mode !== 'live' || leftMs <= 0) return false;
    this.#stillFirst = 'waits';
    this.#say({ is: 'opening' });
    this.#retryTimer = setTimeout(() => this.#start(), leftMs);
    return true;
  }

  #choose({ mode, stream, hasSub, rtc }: LiveWish): Choice {
    if (mode === 'still') return { way: 'still', stream, why: 'saver' };
    const failure = (way: string, of: StreamName) => this.#failed.find(one => one.way === way && one.stream === of);
    const failedRtc = this.#failed.find(({ way }) => way === 'rtc');
    const mayRtc = rtc !== undefined && typeof RTCPeerConnection !== 'undefined' && !failedRtc;
    if (mayRtc && rtc === 'first') return { way: 'rtc', stream, why: 'asked' };
    if (!hasMediaSource()) return { way: mayRtc ? 'rtc' : 'still', stream, why: 'no-mse' };
    const first = failure('mse', stream);
    if (!first) return { way: 'mse', stream, ...(rtc === 'first' ? { why: 'no-rtc', note: failedRtc?.note } : {}) };
    const other = stream === 'main' ? 'sub' : 'main';
    // A sub stream that the browser cannot show may have a main stream that it can.
    if ((other === 'main' || hasSub) && !failure('mse', other)) return { way: 'mse', stream: other, why: first.why };
    return { way: mayRtc ? 'rtc' : 'still', stream, why: first.why };
  }

  /** Undefined while what it takes is loaded. */
  #make(choice: Choice, { camera, sound, stillMs, mode }: LiveWish): LiveSource | undefined {
    const { way, stream, why } = choice;
    const events = this.#events(choice.note);
    if (way === 'rtc') {
      if (this.#Rtc)
        return new this.#Rtc(this.#board, this.#element, events, { camera, stream, sound, why: why ?? 'asked' });
      this.#loadRtc();
      return undefined;
    }
    if (way === 'still') {
      const periodMs = mode === 'still' ? stillMs : STILL_MS;
      return new LiveStill(this.#board, this.#element, camera, events, periodMs, stream, why);
    }
    const audio = sound && !this.#soundRefused ? 1 : 0;
    const path = `/api/cameras/${camera}/live?stream=${stream}&audio=${audio}`;
    return new LiveMse(this.#board, this.#element, path, events, why);
  }

  #loadRtc(): void {
    import('./rtc-piece.ts').then(
      ({ LiveRtc }) => {
        this.#Rtc = LiveRtc;
        this.#start();
      },
      () => {
        this.#fail('rtc', this.#stream, 'no-rtc');
        this.#start();
      },
    );
  }

  #events(note: string | undefined): SourceEvents {
    return {
      info: info => {
        this.info.value = note === undefined ? info : { ...info, note };
      },
      shown: wallMs => {
        this.#failures = 0;
        this.stillFromMs.value = this.#source?.way === 'still' ? wallMs : undefined;
        this.#say({ is: 'playing' });
      },
      blocked: () => this.#say({ is: 'blocked' }),
      starved: empty => this.#starved(empty),
      ended: end => this.#ended(end),
    };
  }

  /** A short pause is not worth a word. */
  #starved(empty: boolean): void {
    clearTimeout(this.#starveTimer);
    const { is } = this.state.peek();
    if (empty && (is === 'playing' || is === 'opening'))
      this.#starveTimer = setTimeout(() => {
        if (this.state.peek().is === is) this.#wait('data');
      }, STARVED_MS);
    else if (!empty && is === 'waiting' && this.#element.video.dataset.shown !== undefined)
      this.#say({ is: 'playing' });
  }

  #ended(end: SourceEnd): void {
    const stream = this.#stream;
    this.stillFromMs.value = this.#source?.wallMs() ?? this.stillFromMs.peek();
    this.#dropSource();
    if (end.why === 'codec') {
      // With sound it may be the sound that cannot be played: the picture is never lost for it.
      if (end.codecs.includes(',') && !this.#soundRefused) this.#soundRefused = true;
      else this.#fail('mse', stream, 'codec');
      this.#start();
    } else if (end.why === 'rtc') {
      this.#fail('rtc', stream, 'no-rtc', end.message);
      this.#start();
    } else if (end.why === 'decoder') {
      const advice = this.#watchdog.broken(this.#board.nowMs());
      if (advice === 'next-way') refuse(end.codecs);
      this.#follow(advice, 'mse', 'decoder', stream);
    } else this.#closedBy(end.code, end.reason);
  }

  #closedBy(code: number, message: string): void {
    if (code === 4000 || code === 4001) {
      this.#say({ is: 'failed', reason: code === 4000 ? 'gone' : 'refused', message });
      return;
    }
    this.#later(code === 1013 ? 'busy' : 'board');
  }

  #look(): void {
    const source = this.#source;
    if (!source) return;
    source.look();
    // The first picture over WebRTC has a time limit of its own.
    if (source.way === 'still' || (source.way === 'rtc' && source.frames === 0)) return;
    if (document.hidden) {
      this.#watchdog.excuse(this.#board.nowMs());
      return;
    }
    const seen = { bytes: source.bytes, frames: source.frames, cameraLive: isLive(this.#wish?.state) };
    const advice = this.#watchdog.look(seen, this.#board.nowMs());
    if (advice) {
      this.#stopSource();
      this.#follow(
        advice,
        source.way === 'rtc' ? 'rtc' : 'mse',
        seen.frames === 0 ? 'slow-start' : 'decoder',
        this.#stream,
      );
    }
  }

  #follow(advice: Advice, way: Failure['way'], why: WayReason, stream: StreamName): void {
    if (advice === 'next-way') this.#fail(way, stream, why);
    if (advice === 'reconnect') this.#later('board');
    else this.#start();
  }

  #fail(way: Failure['way'], stream: StreamName, why: WayReason, note?: string): void {
    const nowMs = this.#board.nowMs();
    if (nowMs - this.#failedMs > OLD_FAILURE_MS) this.#heals = 0;
    this.#failedMs = nowMs;
    this.#failed.push({ way, stream, why, note });
  }

  /** Ends with the source: where another way is taken, it begins anew. */
  #healLater(): void {
    this.#healTimer = setTimeout(
      () => {
        this.#heals++;
        forgiveRefused();
        this.#forgive();
        this.#restart();
      },
      Math.min(HEAL_MS * 2 ** this.#heals, MOST_HEAL_MS),
    );
  }

  /** The same again after a while. */
  #later(reason: WaitReason): void {
    const delayMs = retryDelayMs(this.#failures++);
    this.#wait(reason, Date.now() + delayMs);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#start(), delayMs);
  }

  #cameraChanged(): void {
    this.#failures = 0;
    this.#forgive();
    if (isLive(this.#wish?.state)) this.#restart();
    else if (this.#wish?.mode !== 'off') {
      this.#stopSource();
      this.#wait('camera');
    }
  }

  #wait(reason: WaitReason, retryAtMs?: number): void {
    const now = this.state.peek();
    const sinceMs = now.is === 'waiting' ? now.sinceMs : Date.now();
    this.#say({ is: 'waiting', reason, sinceMs, ...(retryAtMs === undefined ? {} : { retryAtMs }) });
  }

  #say(state: PlayState): void {
    if (!this.#closed) this.state.value = state;
  }

  #drawFirst({ camera }: LiveWish): void {
    // Another way of showing the same camera begins with the same picture.
    if (this.#firstStill) return;
    const stop = new AbortController();
    this.#firstStill = stop;
    void drawStill(this.#board, this.#element, camera, stop.signal).then(still => {
      if (this.#firstStill !== stop) return;
      this.#firstStill = undefined;
      if (still && this.#element.video.dataset.shown === undefined) this.stillFromMs.value = still.wallMs;
      if (this.#stillFirst === 'waits') this.#start();
    });
  }

  #stopSource(): void {
    clearTimeout(this.#retryTimer);
    const wallMs = this.#source?.wallMs();
    this.#source?.stop();
    if (this.#source && wallMs !== undefined) this.stillFromMs.value = wallMs;
    this.#dropSource();
  }

  #dropSource(): void {
    clearTimeout(this.#starveTimer);
    clearInterval(this.#lookTimer);
    clearTimeout(this.#healTimer);
    this.#source = undefined;
  }

  /** Hidden, and neither heard nor in a window of its own. */
  #resting(): boolean {
    return document.hidden && document.pictureInPictureElement !== this.#element.video && this.#element.video.muted;
  }

  readonly #visibility = (): void => {
    clearTimeout(this.#hideTimer);
    if (document.hidden) this.#hideTimer = setTimeout(this.#leave, HIDDEN_MS);
    else this.#comeBack();
  };

  readonly #leave = (): void => {
    if (this.#resting()) this.#stopSource();
  };

  readonly #comeBack = (): void => {
    if (this.#source) return;
    this.#forgive();
    this.#start();
  };

  /** What failed by chance may work now; what the browser cannot show it still cannot. */
  #forgive(): void {
    this.#failed = this.#failed.filter(({ why }) => why === 'codec');
  }
}

/** Pictures come, or may at any moment: a stall shows soon enough by itself. */
function isLive(state: CameraState | undefined): boolean {
  return state === undefined || state.name === 'live' || state.name === 'stalled';
}
