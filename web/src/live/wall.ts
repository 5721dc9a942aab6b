// A display on the wall: nothing but pictures, a screen that stays on where the browser lets it, and a way back for who comes near.
import { useEffect, useState } from 'preact/hooks';
import { toast } from '../components/toast.tsx';
import { liveWords } from './live-words.ts';

const STIRRED_MS = 4000;

/** True for a moment after somebody moved something: the way out is shown then. */
export function useWall(on: boolean): boolean {
  const [stirred, setStirred] = useState(false);
  useEffect(() => {
    if (!on) return;
    if (!('wakeLock' in navigator)) {
      toast(liveWords('noWakeLock'), { forMs: 15_000 });
      return;
    }
    let lock: WakeLockSentinel | undefined;
    let left = false;
    // The system takes the lock back whenever the page is hidden.
    const take = async () => {
      if (document.hidden) return;
      lock = await navigator.wakeLock.request('screen').catch(() => undefined);
      if (left) void lock?.release();
    };
    const back = () => void take();
    void take();
    document.addEventListener('visibilitychange', back);
    return () => {
      left = true;
      document.removeEventListener('visibilitychange', back);
      void lock?.release();
    };
  }, [on]);
  useEffect(() => {
    if (!on) return;
    let timer = 0;
    const still = () => setStirred(false);
    const stir = () => {
      clearTimeout(timer);
      timer = window.setTimeout(still, STIRRED_MS);
      setStirred(true);
    };
    addEventListener('pointermove', stir);
    addEventListener('pointerdown', stir);
    return () => {
      removeEventListener('pointermove', stir);
      removeEventListener('pointerdown', stir);
      clearTimeout(timer);
      still();
    };
  }, [on]);
  return stirred;
}
