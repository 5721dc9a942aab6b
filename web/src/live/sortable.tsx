// A list whose order is changed by drag, or by buttons.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '../components/icon.tsx';

export interface SortableItem {
  key: number;
  name: string;
  /** Behind the name. */
  children?: ComponentChildren;
}

export interface SortableProps {
  items: readonly SortableItem[];
  /** Names of the buttons. */
  upLabel(name: string): string;
  downLabel(name: string): string;
  /** The keys in their new order. */
  onOrder(keys: number[]): void;
}

export function Sortable({ items, upLabel, downLabel, onOrder }: SortableProps) {
  const [dragged, setDragged] = useState<number>();
  const keys = items.map(({ key }) => key);
  const move = (key: number, to: number) => {
    const rest = keys.filter(other => other !== key);
    rest.splice(to, 0, key);
    if (rest.join() !== keys.join()) onOrder(rest);
  };
  return (
    <ol class="sortable">
      {items.map(({ key, name, children }, index) => (
        <li
          key={key}
          draggable
          data-dragged={dragged === key}
          onDragStart={() => setDragged(key)}
          onDragEnd={() => setDragged(undefined)}
          onDragOver={event => dragged !== undefined && event.preventDefault()}
          onDrop={() => dragged !== undefined && move(dragged, index)}
        >
          <span class="grow">{name}</span>
          {children}
          <button
            type="button"
            class="button"
            data-kind="plain"
            aria-label={upLabel(name)}
            disabled={index === 0}
            onClick={() => move(key, index - 1)}
          >
            <Icon name="up" />
          </button>
          <button
            type="button"
            class="button"
            data-kind="plain"
            aria-label={downLabel(name)}
            disabled={index === items.length - 1}
            onClick={() => move(key, index + 1)}
          >
            <Icon name="down" />
          </button>
        </li>
      ))}
    </ol>
  );
}
