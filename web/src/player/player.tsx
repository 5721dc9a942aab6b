// A recorded picture, for whoever does not need more than its state.
import { useEffect, useState } from 'preact/hooks';
import type { PlayState } from './play-state.ts';
import type { GroupMember } from './playback-group.ts';
import { type RecordedRef, RecordedView } from './recorded-view.tsx';

export interface PlayerProps {
  source: RecordedRef;
  /** Default true. */
  muted?: boolean;
  /** 0 to 1. */
  volume?: number;
  /** Default `contain`. */
  fit?: 'contain' | 'cover';
  onState?(state: PlayState): void;
  onVideo?(video: HTMLVideoElement | undefined): void;
}

export function Player({ source, onState, ...view }: PlayerProps) {
  const [player, setPlayer] = useState<GroupMember | undefined>(undefined);
  useEffect(() => player?.state.subscribe(state => onState?.(state)), [player, onState]);
  return <RecordedView source={source} onPlayer={setPlayer} {...view} />;
}
