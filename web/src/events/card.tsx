// One event in the list: its picture, what it was, when and where, how much of before it is kept, and what can be done with it.

import { useRef } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { address } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { cameraName } from '../state.ts';
import { clock } from '../time.ts';
import { classOf } from '../timeline/classes.ts';
import { labelIcon } from '../timeline/labels.ts';
import { kindOf, lengthOf, preRollWords, t, titleOf } from './words.ts';

export interface EventCardProps {
  event: Event;
  zone: string;
  isOpen: boolean;
  isSelected: boolean;
  /** Some are selected: a tap selects more. */
  isSelecting: boolean;
  /** Locking needs a role. */
  mayLock: boolean;
  onOpen(): void;
  onSelect(range: boolean): void;
  onSeen(reviewed: boolean): void;
  onLock(locked: boolean): void;
}

const LONG_PRESS_MS = 500;
const SWIPE_PX = 80;

export function EventCard(props: EventCardProps) {
  const { event, zone, isOpen, isSelected, isSelecting, mayLock, onOpen, onSelect, onSeen, onLock } = props;
  const touch = useTouch(props);
  const title = titleOf(event);
  const place = [cameraName(event.camera), ...event.zones].join(' · ');
  const time = clock(event.startMs, zone, false);
  const open = (pressed: MouseEvent) => {
    if (touch.consumed()) return;
    if (isSelecting || pressed.shiftKey) onSelect(pressed.shiftKey);
    else onOpen();
  };
  return (
    <li
      class="ev-card"
      data-event={event.id}
      data-open={isOpen}
      data-selected={isSelected}
      data-seen={event.reviewed}
      {...touch.handlers}
    >
      <input
        type="checkbox"
        class="ev-check"
        checked={isSelected}
        aria-label={t('select', { what: `${title}, ${cameraName(event.camera)}, ${time}` })}
        onClick={clicked => onSelect(clicked.shiftKey)}
      />
      <button type="button" class="ev-main" aria-expanded={isOpen} onClick={open}>
        {event.picture ? (
          <img
            class="ev-picture"
            alt=""
            loading="lazy"
            width={event.picture.width}
            height={event.picture.height}
            src={address('GET /api/events/{id}/picture.jpg', { params: { id: event.id } })}
          />
        ) : (
          <span class="ev-picture ev-none label quiet">{t('no-picture')}</span>
        )}
        <span class="ev-words">
          <span class="ev-title" data-class={classOf(kindOf(event))}>
            <Icon name={labelIcon(kindOf(event))} />
            <strong>{title}</strong>
            {event.score !== undefined && (
              <span class="quiet figure">{t('score', { percent: Math.round(event.score * 100) })}</span>
            )}
            {!event.reviewed && <span class="ev-dot">{t('is-unseen')}</span>}
          </span>
          <span class="ev-place">{place}</span>
          <span class="quiet dense figure">
            {time} · {lengthOf(event)}
          </span>
          <span class="quiet label">{preRollWords(event.preRoll)}</span>
        </span>
      </button>
      <span class="ev-actions">
        <Button
          icon={event.reviewed ? 'eye' : 'check'}
          label={t(event.reviewed ? 'mark-unseen' : 'mark-seen')}
          kind="plain"
          pressed={event.reviewed}
          onClick={() => onSeen(!event.reviewed)}
        />
        {mayLock && (
          <Button
            icon={event.locked ? 'lock' : 'unlock'}
            label={t(event.locked ? 'unlock' : 'lock')}
            kind="plain"
            pressed={event.locked}
            onClick={() => onLock(!event.locked)}
          />
        )}
      </span>
    </li>
  );
}

/** A long press selects, a swipe to the right marks as seen, to the left locks; all of it has buttons too. */
function useTouch({ event, mayLock, onSelect, onSeen, onLock }: EventCardProps) {
  const state = useRef({ x: 0, y: 0, timer: 0, used: false });
  const { current } = state;
  const begin = (pressed: PointerEvent) => {
    current.used = false;
    if (pressed.pointerType === 'mouse') return;
    [current.x, current.y] = [pressed.clientX, pressed.clientY];
    current.timer = window.setTimeout(() => {
      current.used = true;
      onSelect(false);
    }, LONG_PRESS_MS);
  };
  const move = (moved: PointerEvent) => {
    if (Math.hypot(moved.clientX - current.x, moved.clientY - current.y) > 10) clearTimeout(current.timer);
  };
  const end = (lifted: PointerEvent) => {
    clearTimeout(current.timer);
    if (lifted.pointerType === 'mouse' || current.used) return;
    const [dx, dy] = [lifted.clientX - current.x, lifted.clientY - current.y];
    if (Math.abs(dx) < SWIPE_PX || Math.abs(dx) < 2 * Math.abs(dy)) return;
    current.used = true;
    if (dx > 0) onSeen(true);
    else if (mayLock) onLock(!event.locked);
  };
  return {
    handlers: {
      onPointerDown: begin,
      onPointerMove: move,
      onPointerUp: end,
      onPointerCancel: () => clearTimeout(current.timer),
    },
    /** Whether the click behind a gesture is to be left alone. */
    consumed() {
      const { used } = current;
      current.used = false;
      return used;
    },
  };
}
