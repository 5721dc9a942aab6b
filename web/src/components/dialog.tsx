// Windows over the page: a dialog in the middle, and the sheet that a phone shows from below instead.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { shellWords } from '../shell/shell-words.ts';
import { Icon } from './icon.tsx';

export interface DialogProps {
  title: string;
  /** Esc, the cross, a click beside it. Not called for those when `firm`. */
  onClose(): void;
  children: ComponentChildren;
  /** As wide as tables need. */
  wide?: boolean;
  /** It is answered by its own buttons only. */
  firm?: boolean;
}

/** Is open as long as it is rendered; the focus returns to where it was. */
export function Dialog(props: DialogProps) {
  return <Window {...props} sheet={false} />;
}

/** A dialog that is a sheet at the lower edge on phones. */
export function Sheet(props: DialogProps) {
  return <Window {...props} sheet={true} />;
}

function Window({ title, onClose, children, wide, firm, sheet }: DialogProps & { sheet: boolean }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    // Where there is a keyboard one types at once; elsewhere its own would cover the half of the window.
    if (matchMedia('(hover: hover)').matches) element.current?.querySelector<HTMLElement>('form input')?.focus();
    return () => void (before instanceof HTMLElement && before.isConnected && before.focus());
  }, []);
  const cancelled = (event: Event) => {
    event.preventDefault();
    if (!firm) onClose();
  };
  // Browsers let a second Esc through whatever the page says.
  const closed = () => (firm ? element.current?.showModal() : onClose());
  const beside = (event: MouseEvent) => {
    if (event.target === element.current && !firm) onClose();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc does the same
    <dialog
      ref={element}
      class="dialog"
      aria-labelledby={id}
      data-wide={wide || undefined}
      data-sheet={sheet || undefined}
      onCancel={cancelled}
      onClose={closed}
      onClick={beside}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        {!firm && (
          <button type="button" class="button" data-kind="plain" aria-label={shellWords('close')} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
      {children}
    </dialog>
  );
}

export interface ConfirmProps {
  title: string;
  /** What will be lost, by name. */
  children: ComponentChildren;
  /** What the button does, as in "Delete 3 events". */
  action: string;
  onConfirm(): void;
  onClose(): void;
}

/** For what cannot be undone, and nothing else. */
export function Confirm({ title, children, action, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack">
        <div>{children}</div>
        <div class="row">
          <button type="button" class="button" data-kind="danger" onClick={onConfirm}>
            {action}
          </button>
          <button type="button" class="button" onClick={onClose}>
            {shellWords('cancel')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
