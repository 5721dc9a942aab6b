// What keys do on every page, and the windows that they open.
import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { useKeys } from '../keys.ts';
import { go, href } from '../router.ts';
import { navigationItems } from './navigation.tsx';

export interface WindowProps {
  onClose(): void;
}

export function GlobalKeys() {
  const [Open, setOpen] = useState<ComponentType<WindowProps>>();
  const openPage = (index: number) => () => {
    const item = navigationItems()[index];
    if (item) go(href(item.path));
  };
  useKeys({
    '?': () => void open('HelpWindow'),
    g: () => void open('GoToTimeWindow'),
    f: toggleFullscreen,
    ...Object.fromEntries([0, 1, 2, 3, 4].map(index => [String(index + 1), openPage(index)])),
  });
  const open = async (name: 'HelpWindow' | 'GoToTimeWindow') => {
    const { [name]: Window } = await import('../viewer-pages.ts');
    setOpen(() => Window);
  };
  return Open ? <Open onClose={() => setOpen(undefined)} /> : null;
}

/** Of the whole page; pages with something better to fill the screen have the key for themselves. */
export function toggleFullscreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen?.().catch(() => undefined);
}
