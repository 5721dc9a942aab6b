// Sentences about how things are: a note, an error of the board, a page with nothing on it, a line of figures.
import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';
import { Icon, type IconName } from './icon.tsx';

export type Tone = 'ok' | 'warn' | 'danger';

const ICONS: Readonly<Record<Tone, IconName>> = { ok: 'check', warn: 'warn', danger: 'warn' };

export interface NoteProps {
  /** Absent = it only tells. */
  tone?: Tone;
  children: ComponentChildren;
  /** It appears because of something the reader did: said at once. */
  alert?: boolean;
}

export function Note({ tone, children, alert }: NoteProps) {
  return (
    <div class="note" data-tone={tone} role={alert ? 'alert' : undefined}>
      <Icon name={tone ? ICONS[tone] : 'info'} />
      <div class="grow">{children}</div>
    </div>
  );
}

/** What the board refused, and what to do about it. */
export function ErrorNote({ error, children }: { error: ApiError; children?: ComponentChildren }) {
  return (
    <Note tone="danger" alert>
      <p>{sentence(error.message)}</p>
      {error.cure && <p class="quiet">{error.cure}</p>}
      {children}
    </Note>
  );
}

/** The board's messages begin in lower case where they follow a name. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? '' : '.');
}

export interface EmptyProps {
  icon: IconName;
  title: string;
  /** Why there is nothing, and what to do. */
  children?: ComponentChildren;
}

export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export interface SparkProps {
  /** Oldest first; the line spans from 0 to the largest. */
  values: readonly number[];
  /** Said instead of it, as in "frames per second in the last hour, 9 to 15". */
  label: string;
}

export function Spark({ values, label }: SparkProps) {
  const most = Math.max(1e-9, ...values);
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(23 - (22 * value) / most).toFixed(1)}`);
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}
