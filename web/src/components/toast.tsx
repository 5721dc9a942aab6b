// Short words at the lower edge about what was just done, with a way to undo it.
import { signal } from '@preact/signals';
import { shellWords } from '../shell/shell-words.ts';
import { Icon } from './icon.tsx';

export interface ToastOptions {
  /** Shows a button that calls it. */
  onUndo?(): void;
  tone?: 'ok' | 'warn' | 'danger';
  /** Default 6 s, 10 s with `onUndo`. */
  forMs?: number;
}

interface Shown extends ToastOptions {
  id: number;
  text: string;
}

const MOST = 3;
const shown = signal<readonly Shown[]>([]);
let ids = 0;

/** Says it once, to everybody; call what it returns to take it away. */
export function toast(text: string, options: ToastOptions = {}): () => void {
  const id = ++ids;
  shown.value = [...shown.value, { ...options, id, text }].slice(-MOST);
  window.setTimeout(() => dismiss(id), options.forMs ?? (options.onUndo ? 10_000 : 6000));
  return () => dismiss(id);
}

function dismiss(id: number): void {
  shown.value = shown.value.filter(toast => toast.id !== id);
}

/** Their place; once on the page. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.value.map(({ id, text, tone, onUndo }) => (
        <div class="toast" key={id}>
          <span data-tone={tone}>{text}</span>
          {onUndo && (
            <button
              type="button"
              class="button"
              onClick={() => {
                dismiss(id);
                onUndo();
              }}
            >
              {shellWords('undo')}
            </button>
          )}
          <button
            type="button"
            class="button"
            data-kind="plain"
            aria-label={shellWords('close')}
            onClick={() => dismiss(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
