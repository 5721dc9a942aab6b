// What every way of live pictures offers to the player that chooses between them: WebSocket with MSE, stills, WebRTC.
import type { Way, WayInfo } from './play-state.ts';

/** Why a source ended by itself. */
export type SourceEnd =
  /** The browser cannot show it. */
  | { why: 'codec'; codecs: string }
  /** The browser said it could, and then gave up. */
  | { why: 'decoder'; codecs: string }
  /** WebRTC gave no picture; `message`: of the board. */
  | { why: 'rtc'; message?: string | undefined }
  /** Codes of RFC 6455 and of the live socket. */
  | { why: 'closed'; code: number; reason: string };

/** What a source tells. */
export interface SourceEvents {
  info(info: WayInfo): void;
  /** The first picture of this source is shown; `wallMs`: when it was taken. */
  shown(wallMs: number | undefined): void;
  /** A gesture is needed before it plays. */
  blocked(): void;
  /** Nothing to show for the moment (true), or again something (false). */
  starved(empty: boolean): void;
  ended(end: SourceEnd): void;
}

export interface LiveSource {
  readonly way: Way;
  start(): void;
  /** Frees sockets and decoders; the last picture stays. Idempotent; nothing is told afterwards. */
  stop(): void;
  /** Bytes that arrived and pictures that were shown since the start. */
  readonly bytes: number;
  readonly frames: number;
  /** When the picture that is shown was taken. */
  wallMs(): number | undefined;
  /** Once a second. */
  look(): void;
}
