// A display on the wall: nothing but pictures, and a screen that stays on where the browser lets it.
import { useEffect } from 'preact/hooks';
import { toast } from '../components/toast.tsx';
import { liveWords } from './live-words.ts';

export function useWall(on: boolean): void {
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
}
