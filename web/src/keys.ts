// Single keys that do something, while nobody is typing and the reader has not switched them off.
import { useEffect, useRef } from 'preact/hooks';
import { preferences } from './preferences.ts';

/** Key, with `Shift+`, `Ctrl+`, `Alt+` before it where those are held -> what it does. `false` = not now: others may have it. */
export type KeyTable = Readonly<Record<string, (event: KeyboardEvent) => unknown>>;

const tables: (() => KeyTable)[] = [];

/** While the component is there. The newest table is asked first, so a page's keys go before the shell's. */
export function useKeys(table: KeyTable): void {
  const current = useRef(table);
  current.current = table;
  useEffect(() => {
    const entry = () => current.current;
    tables.unshift(entry);
    return () => void tables.splice(tables.indexOf(entry), 1);
  }, []);
}

/** `Shift+ArrowLeft`; letters and signs as typed, in lower case. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey'>): string {
  const { key } = event;
  const isSign = key.length === 1;
  const held = [
    (event.ctrlKey || event.metaKey) && 'Ctrl',
    event.altKey && 'Alt',
    // What a sign is already says whether Shift was held.
    event.shiftKey && !isSign && 'Shift',
    isSign ? key.toLowerCase() : key,
  ];
  return held.filter(Boolean).join('+');
}

/** Listens for good. */
export function followKeys(): void {
  addEventListener('keydown', event => {
    if (event.defaultPrevented || isTyping(event.target) || document.querySelector('dialog[open]')) return;
    // Escape and the arrows are what any widget does; single signs can be switched off.
    if (!preferences.value.shortcuts && event.key.length === 1) return;
    const name = keyName(event);
    for (const table of tables) {
      const action = table()[name];
      if (!action || action(event) === false) continue;
      event.preventDefault();
      return;
    }
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches('textarea, select')) return true;
  return target instanceof HTMLInputElement && !/^(checkbox|radio|button|range)$/.test(target.type);
}
