// What components around a live picture need of its player, and a clock that ticks only while somebody reads it.
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { LivePlayer } from '../player/live-player.ts';
import type { PlayState, WayInfo } from '../player/play-state.ts';

export interface Watched {
  player: LivePlayer | undefined;
  play: PlayState;
  info: WayInfo | undefined;
  stillFromMs: number | undefined;
  setPlayer(player: LivePlayer | undefined): void;
}

const IDLE: PlayState = { is: 'idle' };

/** Subscribes the component to its player's signals. */
export function useLivePlayer(): Watched {
  const player = useSignal<LivePlayer | undefined>(undefined);
  const { value } = player;
  return {
    player: value,
    play: value?.state.value ?? IDLE,
    info: value?.info.value,
    stillFromMs: value?.stillFromMs.value,
    setPlayer: made => {
      player.value = made;
    },
  };
}

/** UTC by this device, each second while `ticks`. */
export function useSeconds(ticks: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!ticks) return;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [ticks]);
  return now;
}
