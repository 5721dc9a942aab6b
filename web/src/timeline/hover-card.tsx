// What a resting mouse is told: the time under it, and the picture of an event that is there.
import type { ReadonlySignal } from '@preact/signals';
import { address } from '../api.ts';
import { clock } from '../time.ts';
import { eventAt } from './found.ts';
import type { TimelineModel } from './model.ts';
import { momentWords } from './moment-words.ts';

export interface HoverCardProps {
  model: TimelineModel;
  at: ReadonlySignal<{ timeMs: number; x: number } | undefined>;
  width: ReadonlySignal<number>;
  zone: string;
}

/** Half of its width, so that it stays within the track. */
const HALF_PX = 80;

export function HoverCard({ model, at, width, zone }: HoverCardProps) {
  const hovered = at.value;
  if (!hovered || hovered.timeMs > model.now()) return null;
  const lead = model.chosen.value[0];
  const event = lead === undefined ? undefined : eventAt(model.store.pieces(lead, model.view.value), hovered.timeMs);
  const x = Math.min(Math.max(hovered.x, HALF_PX), Math.max(HALF_PX, width.value - HALF_PX));
  return (
    <>
      <div class="tl-hover-line" style={{ '--x': `${hovered.x.toFixed(1)}px` }} />
      <div class="tl-hover" aria-hidden="true" style={{ '--x': `${x.toFixed(1)}px` }}>
        {event?.picture && (
          <img key={event.id} alt="" src={address('GET /api/events/{id}/picture.jpg', { params: { id: event.id } })} />
        )}
        <span class="figure">{clock(hovered.timeMs, zone)}</span>
        {lead !== undefined && <span class="quiet label">{momentWords(model, lead, hovered.timeMs)}</span>}
      </div>
    </>
  );
}
