// Speaking to a camera for as long as the page of it is open: what goes on, and what ends it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { httpBoard } from '../player/board-http.ts';
import type { TalkState } from '../player/talk.ts';
import { talkers } from '../state.ts';
import { HoldOrTap } from './hold-or-tap.ts';

export interface Talking {
  /** Undefined = nobody talks, and nothing went wrong. */
  state: TalkState | undefined;
  isOn: boolean;
  /** Who talks to it now. */
  by: string | undefined;
  /** 0 to 1. */
  level(): number;
  /** The button goes down, comes up, or lost the hand. */
  down(): void;
  up(): void;
  slip(): void;
  /** On or off, by one press. */
  toggle(): void;
}

interface Running {
  stop(): void;
  level(): number;
}

export function useTalk(camera: number): Talking {
  const [state, setState] = useState<TalkState>();
  const hold = useRef(new HoldOrTap()).current;
  const running = useRef<Running | undefined>(undefined);
  const stop = () => {
    running.current?.stop();
    running.current = undefined;
    setState(undefined);
  };
  const start = async () => {
    const own: Running = { stop: () => undefined, level: () => 0 };
    running.current = own;
    setState({ is: 'asking' });
    const piece = await import('../player/rtc-piece.ts').catch(() => undefined);
    // Let go of meanwhile.
    if (running.current !== own) return;
    if (!piece) return broke();
    const talk = new piece.Talk(httpBoard, camera, next => {
      if (next.is === 'ended') hold.end();
      setState(next);
    });
    running.current = talk;
    void talk.start();
  };
  const broke = () => {
    hold.end();
    setState({ is: 'ended' });
  };
  const follow = (order: 'start' | 'stop' | undefined) => {
    if (order === 'start') void start();
    else if (order === 'stop') stop();
  };
  useEffect(() => {
    const leave = () => follow(hold.end());
    const hidden = () => document.hidden && leave();
    const slip = () => follow(hold.slip());
    addEventListener('blur', slip);
    addEventListener('pagehide', leave);
    document.addEventListener('visibilitychange', hidden);
    return () => {
      removeEventListener('blur', slip);
      removeEventListener('pagehide', leave);
      document.removeEventListener('visibilitychange', hidden);
      leave();
    };
  }, []);
  return {
    ...{ state, by: talkers.value.get(camera), isOn: state !== undefined && state.is !== 'ended' },
    level: () => running.current?.level() ?? 0,
    down: () => follow(hold.down(performance.now())),
    up: () => follow(hold.up(performance.now())),
    slip: () => follow(hold.slip()),
    toggle: () => {
      const order = hold.down(performance.now());
      // As after a tap.
      hold.up(performance.now());
      follow(order);
    },
  };
}
