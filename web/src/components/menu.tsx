// A button with a list of things to do or to choose from.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icon.tsx';

export interface MenuItem {
  label: string;
  icon?: IconName;
  /** One of several: says whether this is the one in force. */
  checked?: boolean;
  /** A link instead of something to do; with `download`, the browser keeps what it gets. */
  href?: string;
  download?: boolean;
  onPick?(): void;
}

export interface MenuProps {
  /** Name of the button, also where only an icon is shown. */
  label: string;
  items: readonly MenuItem[];
  /** What the button shows; default: its label. */
  children?: ComponentChildren;
  /** The edge of the button that the list is flush with; default `end`. */
  side?: 'start' | 'end';
  /** The list opens upwards. */
  up?: boolean;
}

export function Menu({ label, items, children, side = 'end', up }: MenuProps) {
  const [open, setOpen] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    element.current?.querySelector<HTMLElement>('.menu-item[aria-checked=true], .menu-item')?.focus();
    const outside = (event: Event) => void (element.current?.contains(event.target as Node) || setOpen(false));
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    element.current?.querySelector('button')?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === 'Escape') close();
    else if (!moveFocus(element.current, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears what its buttons do not use
    <div class="menu" ref={element} onKeyDown={keys}>
      <button
        type="button"
        class="button"
        data-kind="plain"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={children === undefined ? undefined : label}
        title={children === undefined ? undefined : label}
        onClick={() => setOpen(!open)}
      >
        {children ?? (
          <>
            {label}
            <Icon name="down" />
          </>
        )}
      </button>
      {open && (
        <div class="menu-list" role="menu" aria-label={label} data-side={side} data-up={up || undefined}>
          {items.map(item => (
            <Item key={item.label} item={item} done={close} />
          ))}
        </div>
      )}
    </div>
  );
}

function Item({ item, done }: { item: MenuItem; done(): void }) {
  const { label, icon, checked, href, download, onPick } = item;
  const inside = (
    <>
      {icon && <Icon name={icon} />}
      {checked !== undefined && <span class="menu-check">{checked && <Icon name="check" />}</span>}
      <span>{label}</span>
    </>
  );
  const pick = () => {
    done();
    onPick?.();
  };
  if (href !== undefined)
    return (
      <a class="menu-item" role="menuitem" tabIndex={-1} href={href} download={download} onClick={pick}>
        {inside}
      </a>
    );
  const choice = checked === undefined ? {} : { 'aria-checked': checked };
  return (
    <button
      type="button"
      class="menu-item"
      role={checked === undefined ? 'menuitem' : 'menuitemradio'}
      tabIndex={-1}
      onClick={pick}
      {...choice}
    >
      {inside}
    </button>
  );
}

function moveFocus(element: HTMLElement | null, key: string): boolean {
  const items: Element[] = [...(element?.querySelectorAll('.menu-item') ?? [])];
  const at = document.activeElement ? items.indexOf(document.activeElement) : -1;
  const targets: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  const target = targets[key];
  if (target === undefined) return false;
  (items.at(target % items.length) as HTMLElement | undefined)?.focus();
  return true;
}
