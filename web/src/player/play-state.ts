// What a player is doing and how, as values: what everything around a picture shows in words.
import type { GapReason, StreamName } from './wire.ts';

export type { StreamName };

/** Why nothing moves although it should. `camera`: its own state says why; `board`: no connection to the service; `end`: footage ends here for now. */
export type WaitReason = 'camera' | 'board' | 'data' | 'end' | 'busy';

/** What can be had instead of what this browser cannot show. */
export type Offer = 'other-stream' | 'still' | 'download';

export type PlayState =
  | { is: 'idle' }
  | { is: 'opening' }
  | { is: 'playing' }
  | { is: 'paused' }
  | { is: 'scrubbing' }
  /** `sinceMs` on the clock of this device. */
  | { is: 'waiting'; reason: WaitReason; sinceMs: number; retryAtMs?: number }
  /** No footage at this time. `reason` is absent where the board has none; `untilMs` while it lasts. */
  | { is: 'gap'; reason?: GapReason; startMs: number; untilMs?: number }
  /** `codec` as in RFC 6381. */
  | { is: 'unsupported'; codec: string; offer: Offer }
  /** The browser plays only after a gesture. */
  | { is: 'blocked' }
  | { is: 'failed'; reason: 'decoder' | 'refused' | 'gone'; message?: string; retryAtMs?: number };

/** How pictures come. */
export type Way = 'mse' | 'rtc' | 'still' | 'hls';

/** Why it is not the first choice. `asked`: somebody wants the least delay; `no-rtc`: and does not get it. */
export type WayReason = 'codec' | 'decoder' | 'slow-start' | 'no-mse' | 'saver' | 'asked' | 'no-rtc';

/** What stands under the "i" of a picture. */
export interface WayInfo {
  way: Way;
  stream: StreamName;
  why?: WayReason;
  /** The board's words to `why`. */
  note?: string;
  /** There is sound, and this way leaves it out. */
  isMute?: boolean;
  codecs?: string;
  width?: number;
  height?: number;
  /** Of the picture behind the newest that arrived. */
  delayMs?: number;
}

/** One camera now. */
export interface LiveRef {
  is: 'live';
  camera: number;
  stream: StreamName;
}
