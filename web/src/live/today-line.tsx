// The newest events of a camera today, each a link.
import { useEffect, useState } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { Icon } from '../components/icon.tsx';
import { href } from '../router.ts';
import { onUpdate } from '../state.ts';
import { clock, dayOf, daySpan } from '../time.ts';
import { labelIcon, labelWords } from '../timeline/labels.ts';
import { now, zone } from '../zone.ts';
import { pictureWords } from './picture-words.ts';

const MOST = 4;

export function TodayLine({ camera }: { camera: number }) {
  const events = useToday(camera);
  if (!events) return <p class="today" />;
  return (
    <p class="today">
      <span>{pictureWords('today')}</span>
      {events.length === 0 && <span class="quiet">{pictureWords('noneToday')}</span>}
      {events.map(event => {
        const label = event.labels[0] ?? event.sources[0] ?? '';
        return (
          <a key={event.id} class="tag" href={href(`event/${event.id}`)}>
            <Icon name={labelIcon(label)} />
            {labelWords(label)} <time>{clock(event.startMs, zone(), false)}</time>
          </a>
        );
      })}
      <a class="today-all" href={href('events', { show: 'all', camera })}>
        {pictureWords('all')}
      </a>
    </p>
  );
}

function useToday(camera: number): readonly Event[] | undefined {
  const [events, setEvents] = useState<readonly Event[]>();
  useEffect(() => {
    const stop = new AbortController();
    const { startMs } = daySpan(dayOf(now(), zone()), zone());
    const query = { camera: [camera], startMs, limit: MOST };
    void call('GET /api/events', { query }, { signal: stop.signal }).then(answer => {
      if (answer.is === 'ok') setEvents(answer.value.events);
    });
    const stopListening = onUpdate(update => {
      if (!('type' in update) || update.type !== 'event') return;
      if ('event' in update && update.event.camera === camera && update.event.startMs >= startMs)
        setEvents((list = []) =>
          [update.event, ...list.filter(({ id }) => id !== update.event.id)]
            .sort((a, b) => b.startMs - a.startMs)
            .slice(0, MOST),
        );
      else if ('removed' in update) setEvents(list => list?.filter(({ id }) => id !== update.id));
    });
    return () => {
      stop.abort();
      stopListening();
    };
  }, [camera]);
  return events;
}
