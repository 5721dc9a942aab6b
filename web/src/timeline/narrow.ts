// Whether the screen is one of a phone: no room for things side by side.
import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

const QUERY = '(max-width: 899px)';

export function isNarrowNow(): boolean {
  return matchMedia(QUERY).matches;
}

/** Follows the window. */
export function useNarrow(): ReadonlySignal<boolean> {
  const narrow = useMemo(() => signal(isNarrowNow()), []);
  useEffect(() => {
    const list = matchMedia(QUERY);
    const follow = () => {
      narrow.value = list.matches;
    };
    list.addEventListener('change', follow);
    return () => list.removeEventListener('change', follow);
  }, []);
  return narrow;
}
