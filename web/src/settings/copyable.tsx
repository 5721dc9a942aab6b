// A text to take away: one button copies it where the browser allows that, and selects it where it does not.
import { useRef } from 'preact/hooks';
import { Icon } from '../components/icon.tsx';
import { toast } from '../components/toast.tsx';
import { settingsWords } from './settings-words.ts';

export function Copyable({ text }: { text: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(settingsWords('copied'));
    } catch {
      // Pages without encryption may not.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      toast(settingsWords('copyFailed'), { tone: 'warn' });
    }
  };
  return (
    <div class="stack">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <pre class="set-report" ref={shown} tabIndex={0}>
        {text}
      </pre>
      <div class="row">
        <button type="button" class="button" onClick={() => void copy()}>
          <Icon name="copy" />
          {settingsWords('copy')}
        </button>
      </div>
    </div>
  );
}
