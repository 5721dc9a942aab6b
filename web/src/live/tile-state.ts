// What a tile or the camera page says about a live picture: what is going on, since when, and what helps.
import type { Camera, Gap } from '../../../src/api/contract.ts';
import { sentence } from '../components/notes.tsx';
import { reasonWords } from '../components/reasons.ts';
import type { PlayState, WayInfo } from '../player/play-state.ts';
import { boardAheadMs } from '../zone.ts';
import { pictureNames, pictureWords } from './picture-words.ts';

export interface Trouble {
  text: string;
  /** UTC by this device; a timer counts from there. */
  sinceMs?: number;
  /** What the owner can do. */
  cure?: string;
  /** What the reader can do here. */
  offer?: 'retry' | 'play' | 'health';
}

/** Why the picture does not move; undefined while it does. */
export function troubleOf({ state }: Camera, play: PlayState): Trouble | undefined {
  if (state.name !== 'live') {
    const text = sentence(reasonWords(state.reason ?? state.name));
    const cure = state.cure ? { cure: state.cure } : {};
    const offer = state.name === 'disabled' || state.name === 'starting' ? {} : ({ offer: 'health' } as const);
    return { text, sinceMs: state.sinceMs - boardAheadMs.value, ...cure, ...offer };
  }
  switch (play.is) {
    case 'waiting':
      if (play.reason === 'camera' || play.reason === 'end') return undefined;
      return { text: pictureNames(play.reason), sinceMs: play.sinceMs };
    case 'blocked':
      return { text: pictureWords('blocked'), offer: 'play' };
    case 'failed':
      return { text: pictureWords('gone', { why: play.message || pictureWords('goneWhy') }), offer: 'retry' };
    default:
      return undefined;
  }
}

/** Why the picture comes another way than the best; undefined when it does not. */
export function detourOf(asked: 'main' | 'sub', info: WayInfo | undefined, camera: Camera): string | undefined {
  if (info?.isMute) return pictureWords('rtcMute');
  if (!info?.why || info.why === 'saver' || info.why === 'asked') return undefined;
  if (info.why === 'no-rtc') return pictureWords('noRtc', { why: info.note ? sentence(info.note) : '' }).trim();
  const codec = codecName(camera, asked);
  if (info.why === 'no-mse') return pictureWords('noMse');
  if (info.why === 'codec') {
    if (info.way === 'still') return pictureWords('codecStill', { codec });
    return pictureWords(info.stream === 'sub' ? 'codecSub' : 'codecMain', { codec });
  }
  return pictureWords(info.way === 'still' ? 'slowStill' : 'slowSub');
}

/** It can be tried again at once: nothing but chance was in the way. */
export function isWorthRetrying(info: WayInfo | undefined): boolean {
  return info?.why === 'decoder' || info?.why === 'slow-start' || info?.why === 'no-rtc';
}

/** Whether what comes now is written. */
export function isRecording({ state, record }: Camera, gap: Gap | undefined): boolean {
  return state.name === 'live' && record.mode !== 'off' && gap === undefined;
}

function codecName(camera: Camera, stream: 'main' | 'sub'): string {
  const codec = camera.state[stream]?.codec;
  return codec === 'h265' ? pictureWords('h265') : pictureWords('thisCodec');
}
