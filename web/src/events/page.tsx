// The page of events: what happened, newest first, with the clip beside the list or in place of the card.

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { address } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { toast } from '../components/toast.tsx';
import { useKeys } from '../keys.ts';
import { amend } from '../router.ts';
import { isAtLeast, type PageProps } from '../routes.ts';
import { me } from '../state.ts';
import { useNarrow } from '../timeline/narrow.ts';
import { zone as currentZone } from '../zone.ts';
import { EventCard } from './card.tsx';
import { EventDetail } from './detail.tsx';
import { EventList } from './event-list.tsx';
import { FilterBar } from './filter-bar.tsx';
import { EventsState } from './list-state.ts';
import { countOf, type EventFilters, eventsAddress, parseFilters } from './query.ts';
import { t } from './words.ts';

export default function EventsPage({ query }: PageProps) {
  const asked = query.toString();
  const filters = useMemo(() => parseFilters(query), [asked]);
  const state = useMemo(() => new EventsState(filters), []);
  const known = useRef(filters);
  const isNarrow = useNarrow().value;
  const zone = currentZone();
  useEffect(() => () => state.close(), []);
  useEffect(() => {
    if (eventsAddress(known.current) === eventsAddress(filters)) return;
    known.current = filters;
    state.filter(filters);
  }, [filters]);
  const open = state.open.value === undefined ? undefined : state.get(state.open.value);
  const rights = useRights();
  useEventKeys(state, rights);

  const detail = (event: Event) => (
    <EventDetail
      event={event}
      zone={zone}
      autoPlay
      {...rights}
      onSeen={reviewed => state.mark([event.id], { reviewed })}
      onLock={locked => state.mark([event.id], { locked })}
      onDelete={() => state.remove([event.id])}
      onStep={direction => step(state, direction)}
    />
  );
  const events = state.events.value;
  return (
    <div class="page ev-page">
      <PageHead title={t('title')}>
        {events.some(event => !event.reviewed) && (
          <Button icon="check" text={t('mark-all')} onClick={() => markAll(state)} />
        )}
      </PageHead>
      <FilterBar
        value={filters}
        zone={zone}
        labels={[...new Set(events.flatMap(event => event.labels))].slice(0, 20)}
        onChange={changed => amend(eventsAddress(changed))}
      />
      {state.arrived.value > 0 && (
        <Button
          icon="up"
          text={t('new', { count: state.arrived.value })}
          label={t('new-say', { count: state.arrived.value })}
          kind="primary"
          extra="ev-pill"
          onClick={() => {
            state.reload();
            scrollTo(0, 0);
          }}
        />
      )}
      <SelectionBar state={state} {...rights} />
      <div class="ev-columns">
        <div>
          <EventList
            events={events}
            zone={zone}
            open={state.open.value}
            card={event => (
              <>
                <EventCard
                  key={event.id}
                  event={event}
                  zone={zone}
                  isOpen={event.id === open?.id}
                  isSelected={state.selected.value.has(event.id)}
                  isSelecting={state.selected.value.size > 0}
                  mayLock={rights.mayLock}
                  onOpen={() => (state.open.value = state.open.value === event.id ? undefined : event.id)}
                  onSelect={range => select(state, event.id, range)}
                  onSeen={reviewed => state.mark([event.id], { reviewed })}
                  onLock={locked => state.mark([event.id], { locked })}
                />
                {isNarrow && event.id === open?.id && (
                  <li key={`${event.id}-detail`} class="ev-in-place">
                    {detail(event)}
                  </li>
                )}
              </>
            )}
          />
          <Tail state={state} filters={filters} />
        </div>
        {!isNarrow && (
          <aside class="ev-side" aria-label={open ? undefined : t('choose-one')}>
            {open ? detail(open) : events.length > 0 && <p class="quiet">{t('choose-one')}</p>}
          </aside>
        )}
      </div>
    </div>
  );
}

export interface Rights {
  mayLock: boolean;
  mayDelete: boolean;
}

export function useRights(): Rights {
  return {
    mayLock: isAtLeast(me.value?.role, 'operator'),
    mayDelete: me.value?.rights.includes('delete') ?? false,
  };
}

function markAll(state: EventsState): void {
  const ids = state.events.value.filter(event => !event.reviewed).map(event => event.id);
  state.mark(ids, { reviewed: true });
  toast(t('marked-all', { count: ids.length }), { onUndo: () => state.mark(ids, { reviewed: false }) });
}

/** With Shift, everything from the one selected last. */
function select(state: EventsState, id: string, range: boolean): void {
  const next = new Set(state.selected.value);
  const last = [...next].at(-1);
  if (range && last !== undefined && last !== id) {
    const ids = state.events.value.map(event => event.id);
    const [from = 0, to = 0] = [ids.indexOf(last), ids.indexOf(id)].sort((a, b) => a - b);
    for (const one of ids.slice(Math.max(0, from), to + 1)) next.add(one);
  } else if (!next.delete(id)) next.add(id);
  state.selected.value = next;
}

function SelectionBar({ state, mayLock, mayDelete }: { state: EventsState } & Rights) {
  const ids = [...state.selected.value];
  if (ids.length === 0) return null;
  const done = () => (state.selected.value = new Set());
  const mark = (change: { reviewed?: boolean; locked?: boolean }) => {
    state.mark(ids, change);
    done();
  };
  return (
    <div class="ev-selection card row" role="toolbar" aria-label={t('selecting', { count: ids.length })}>
      <strong class="grow">{t('selecting', { count: ids.length })}</strong>
      <Button icon="check" text={t('seen')} onClick={() => mark({ reviewed: true })} />
      {mayLock && <Button icon="lock" text={t('lock')} onClick={() => mark({ locked: true })} />}
      {me.value?.rights.includes('export') && (
        <Button icon="download" text={t('clips')} onClick={() => downloadAll(ids)} />
      )}
      {mayDelete && <Button icon="trash" text={t('delete')} kind="danger" onClick={() => state.remove(ids)} />}
      <Button text={t('select-none')} kind="plain" onClick={done} />
    </div>
  );
}

/** One after the other: browsers drop what comes at once. */
const BETWEEN_MS = 400;

function downloadAll(ids: readonly string[]): void {
  for (const [index, id] of ids.entries()) {
    setTimeout(() => {
      const link = document.createElement('a');
      link.href = address('GET /api/events/{id}/clip.mp4', { params: { id } });
      link.download = '';
      link.click();
    }, index * BETWEEN_MS);
  }
}

/** What stands below the last card: more of them, why there are none, or why they do not come. */
function Tail({ state, filters }: { state: EventsState; filters: EventFilters }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return;
    const seen = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting && state.hasMore.value && state.loading.value === 'idle') state.more();
      },
      { rootMargin: '800px' },
    );
    seen.observe(element.current);
    return () => seen.disconnect();
  }, [state.events.value.length]);
  const loading = state.loading.value;
  const isEmpty = state.events.value.length === 0;
  return (
    <div ref={element} class="ev-tail">
      {loading === 'first' && isEmpty && [1, 2, 3, 4, 5, 6].map(row => <div key={row} class="skeleton ev-skeleton" />)}
      {loading === 'failed' && (
        <p role="alert">
          {t('could-not-load')} <Button text={t('retry')} onClick={() => state.more()} />
        </p>
      )}
      {loading === 'idle' && isEmpty && <Nothing filters={filters} />}
      {loading === 'idle' && state.hasMore.value && <Button text={t('load-more')} onClick={() => state.more()} />}
    </div>
  );
}

function Nothing({ filters }: { filters: EventFilters }) {
  const isFiltered = countOf(filters) > 0;
  const title = t(isFiltered ? 'empty-filtered' : filters.all ? 'empty-all' : 'empty-unseen');
  return (
    <Empty icon="events" title={title}>
      {!isFiltered && <p>{t(filters.all ? 'empty-all-text' : 'empty-unseen-text')}</p>}
      {(isFiltered || !filters.all) && (
        <Button text={t('show-all')} onClick={() => amend(eventsAddress({ all: true }))} />
      )}
    </Empty>
  );
}

/** Opens the neighbour of the open event, or the first of the list. */
function step(state: EventsState, direction: 1 | -1): void {
  const { value: events } = state.events;
  const at = events.findIndex(event => event.id === state.open.value);
  const next = events[at < 0 ? 0 : at + direction];
  if (!next) return;
  state.open.value = next.id;
  requestAnimationFrame(() =>
    document.querySelector(`[data-event="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: 'nearest' }),
  );
}

function useEventKeys(state: EventsState, { mayLock }: Rights): void {
  const open = () => (state.open.value === undefined ? undefined : state.get(state.open.value));
  const mark = (change: (event: Event) => { reviewed?: boolean; locked?: boolean }) => {
    const event = open();
    if (!event) return false;
    state.mark([event.id], change(event));
    return true;
  };
  useKeys({
    j: () => step(state, 1),
    k: () => step(state, -1),
    r: () => mark(event => ({ reviewed: !event.reviewed })),
    l: () => mayLock && mark(event => ({ locked: !event.locked })),
    Enter: pressed => {
      if ((pressed.target as Element).closest('button, a, input')) return false;
      const button = document.querySelector<HTMLElement>('.ev-play');
      button?.click();
      return button !== null;
    },
    Escape: () => {
      if (state.open.value === undefined && state.selected.value.size === 0) return false;
      state.open.value = undefined;
      state.selected.value = new Set();
      return true;
    },
  });
}
