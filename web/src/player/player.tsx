// A picture, live or recorded, for whoever does not need more than its state and its clock.
import { useEffect, useState } from 'preact/hooks';
import type { LivePlayer } from './live-player.ts';
import { LiveView } from './live-view.tsx';
import type { LiveRef, PlayState } from './play-state.ts';
import type { GroupMember } from './playback-group.ts';
import { type RecordedRef, RecordedView } from './recorded-view.tsx';

export interface PlayerProps {
  source: LiveRef | RecordedRef;
  /** Default true. */
  muted?: boolean;
  /** 0 to 1. */
  volume?: number;
  /** Default `contain`. */
  fit?: 'contain' | 'cover';
  onState?(state: PlayState): void;
  /** UTC of the picture that is shown, four times a second while it moves. */
  onTime?(ms: number): void;
  onVideo?(video: HTMLVideoElement | undefined): void;
}

const CLOCK_MS = 250;

export function Player({ source, onState, onTime, ...view }: PlayerProps) {
  const [player, setPlayer] = useState<LivePlayer | GroupMember | undefined>(undefined);
  useEffect(() => player?.state.subscribe(state => onState?.(state)), [player, onState]);
  useEffect(() => {
    if (!player || !onTime) return;
    const timer = setInterval(() => {
      const ms = player.state.peek().is === 'playing' ? player.wallMs() : undefined;
      if (ms !== undefined) onTime(ms);
    }, CLOCK_MS);
    return () => clearInterval(timer);
  }, [player, onTime]);
  return source.is === 'live' ? (
    <LiveView source={source} onPlayer={setPlayer} {...view} />
  ) : (
    <RecordedView source={source} onPlayer={setPlayer} {...view} />
  );
}
