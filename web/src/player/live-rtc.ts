// Live pictures over WebRTC: the least delay, for whoever asks for it, and for browsers that can do nothing better.
import type { Board } from './board.ts';
import type { LiveSource, SourceEvents } from './live-source.ts';
import type { MediaElement } from './media-element.ts';
import { Peer } from './peer.ts';
import type { StreamName, WayReason } from './play-state.ts';
import { delayMsOf, figuresOf, type RtcFigures } from './rtc-figures.ts';

/** By then a picture is there, or another way is taken. */
const FIRST_PICTURE_MS = 4000;

export interface RtcWish {
  camera: number;
  stream: StreamName;
  sound: boolean;
  why: WayReason;
}

export class LiveRtc implements LiveSource {
  readonly way = 'rtc';
  readonly #board: Board;
  readonly #element: MediaElement;
  readonly #events: SourceEvents;
  readonly #wish: RtcWish;
  readonly #peer: Peer;
  readonly #received = new MediaStream();
  #figures: RtcFigures | undefined;
  #delayMs = 0;
  #isShown = false;
  #hasSound = true;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastWallMs: number | undefined;

  constructor(board: Board, element: MediaElement, events: SourceEvents, wish: RtcWish) {
    this.#board = board;
    this.#element = element;
    this.#events = events;
    this.#wish = wish;
    const failed = (message?: string) => this.#fail(message);
    this.#peer = new Peer(board, 'webrtc', wish.camera, { connected: () => this.look(), failed });
  }

  get bytes(): number {
    return this.#figures?.bytes ?? 0;
  }

  /** None before the first one is shown: until then there is a time limit of our own. */
  get frames(): number {
    return this.#isShown ? (this.#figures?.frames ?? 0) : 0;
  }

  start(): void {
    const { sound, stream } = this.#wish;
    const { connection } = this.#peer;
    this.#limit();
    connection.ontrack = ({ track, receiver }) => {
      this.#received.addTrack(track);
      // As soon as it can be shown: uneven networks still get what they need.
      if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
      if (track.kind === 'video') this.#show();
    };
    for (const kind of sound ? ['video', 'audio'] : ['video'])
      connection.addTransceiver(kind, { direction: 'recvonly' });
    this.#tell();
    void this.#peer.open(FIRST_PICTURE_MS, stream).then(hasSound => {
      this.#hasSound = hasSound;
    });
  }

  stop(): void {
    if (this.#stopped) return;
    this.#lastWallMs = this.wallMs();
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#peer.close();
    this.#element.close();
  }

  /** Nothing in it says when a picture was taken: it is as old as it was under way. */
  wallMs(): number | undefined {
    if (this.#stopped) return this.#lastWallMs;
    return this.#isShown ? this.#board.utcMs() - this.#delayMs : undefined;
  }

  look(): void {
    void this.#peer.connection.getStats().then(report => {
      if (!this.#stopped) this.#counted(figuresOf(report));
    });
  }

  /** Of a page that nobody sees browsers show no picture. */
  #limit(): void {
    this.#timer = setTimeout(() => (document.hidden ? this.#limit() : this.#fail()), FIRST_PICTURE_MS);
  }

  #counted(figures: RtcFigures | undefined): void {
    const before = this.#figures;
    if (!figures) return;
    this.#figures = figures;
    this.#delayMs = delayMsOf(before, figures) ?? this.#delayMs;
    if (this.#isShown && before) this.#events.starved(figures.frames === before.frames);
    this.#tell();
  }

  #show(): void {
    const { video } = this.#element;
    this.#element.attach(this.#received);
    this.#element.onFrame(() => {
      if (this.#stopped) return;
      clearTimeout(this.#timer);
      this.#isShown = true;
      this.#events.shown(this.wallMs());
      this.look();
    });
    video.play().catch((error: { name?: string }) => {
      if (this.#stopped || error.name !== 'NotAllowedError') return;
      clearTimeout(this.#timer);
      this.#events.blocked();
    });
  }

  #tell(): void {
    const { sound, stream, why } = this.#wish;
    const { videoWidth: width, videoHeight: height } = this.#element.video;
    const codecs = this.#figures?.codec;
    const isMute = this.#isShown && sound && !this.#hasSound;
    this.#events.info({
      ...{ way: 'rtc', stream, why },
      ...(this.#isShown ? { width, height, delayMs: this.#delayMs } : {}),
      ...(codecs === undefined ? {} : { codecs }),
      ...(isMute ? { isMute } : {}),
    });
  }

  /** What worked is tried again; what never did is not. */
  #fail(message?: string): void {
    if (this.#stopped) return;
    const end = this.#isShown
      ? ({ why: 'closed', code: 1006, reason: '' } as const)
      : ({ why: 'rtc', message } as const);
    this.stop();
    this.#events.ended(end);
  }
}
