// The cards, day by day. Of a long list only what is near the screen is there; the rest is room of the same height.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { dateWords, dayOf } from '../time.ts';
import { now } from '../zone.ts';

/** Cards that come and go together. */
const CHUNK = 15;
/** What is nearer than this to the screen is there. */
const NEAR = '600px';
/** Of a card that was not shown yet. */
const CARD_PX = 116;

export interface EventListProps {
  events: readonly Event[];
  zone: string;
  /** Event whose card must be there, wherever the list stands. */
  open: string | undefined;
  card(event: Event): ComponentChildren;
}

export function EventList({ events, zone, open, card }: EventListProps) {
  const chunks: Event[][] = [];
  for (let at = 0; at < events.length; at += CHUNK) chunks.push(events.slice(at, at + CHUNK));
  return (
    <div class="ev-list">
      {chunks.map((chunk, index) => (
        <Chunk
          key={index}
          events={chunk}
          before={chunks[index - 1]?.at(-1)}
          zone={zone}
          keep={index === 0 || chunk.some(event => event.id === open)}
          card={card}
        />
      ))}
    </div>
  );
}

interface ChunkProps extends Pick<EventListProps, 'zone' | 'card'> {
  events: readonly Event[];
  /** The last one of the chunk before. */
  before: Event | undefined;
  keep: boolean;
}

function Chunk({ events, before, zone, keep, card }: ChunkProps) {
  const element = useRef<HTMLDivElement>(null);
  const isNear = useSignal(keep);
  const height = useSignal(events.length * CARD_PX);
  useEffect(() => {
    if (!element.current) return;
    const seen = new IntersectionObserver(
      ([entry]) => {
        if (!entry) return;
        if (!entry.isIntersecting && isNear.value) height.value = entry.boundingClientRect.height;
        isNear.value = entry.isIntersecting;
      },
      { rootMargin: NEAR },
    );
    seen.observe(element.current);
    return () => seen.disconnect();
  }, []);
  const isThere = keep || isNear.value;
  return (
    <div ref={element} class="ev-chunk" style={isThere ? {} : { blockSize: `${Math.round(height.value)}px` }}>
      {isThere &&
        daysOf(events, before, zone).map(({ day, startMs, isNew, list }) => (
          <section key={day}>
            {isNew && <h2 class="ev-day">{dateWords(startMs, zone, now())}</h2>}
            <ul>{list.map(card)}</ul>
          </section>
        ))}
    </div>
  );
}

interface DayOfEvents {
  day: string;
  startMs: number;
  /** Its heading does not stand above the chunk before. */
  isNew: boolean;
  list: Event[];
}

function daysOf(events: readonly Event[], before: Event | undefined, zone: string): DayOfEvents[] {
  const days: DayOfEvents[] = [];
  let last = before ? dayOf(before.startMs, zone) : '';
  for (const event of events) {
    const day = dayOf(event.startMs, zone);
    const known = days.at(-1);
    if (known?.day === day) known.list.push(event);
    else days.push({ day, startMs: event.startMs, isNew: day !== last, list: [event] });
    last = day;
  }
  return days;
}
