// The head of a page: its heading, which gets the focus when the page opens, its title in the tab, and its controls.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface PageHeadProps {
  /** Heading and first part of the tab's title. */
  title: string;
  /** Further parts of the tab's title, as in "Timeline". */
  section?: string;
  /** Controls beside the heading. */
  children?: ComponentChildren;
  /** The heading is said, not seen: pictures first. */
  unseen?: boolean;
}

export function PageHead({ title, section, children, unseen }: PageHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    document.title = [title, section, 'Thimble'].filter(Boolean).join(' · ');
  }, [title, section]);
  return (
    <div class="page-head">
      <h1 ref={heading} tabIndex={-1} class={unseen ? 'unseen' : undefined}>
        {title}
      </h1>
      {children}
    </div>
  );
}
