// The bar above the pictures: day, its neighbours, cameras, whose clock, and the list.

import { useComputed } from '@preact/signals';
import { useState } from 'preact/hooks';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Menu } from '../components/menu.tsx';
import { prefer, preferences } from '../preferences.ts';
import { allCameras, cameraName, me } from '../state.ts';
import { dateWords, dayOf, dayStart, isZone, offsetMs, offsetWords, viewerZone } from '../time.ts';
import { Calendar } from './calendar.tsx';
import type { TimelineModel } from './model.ts';
import { sameTime } from './same-time.ts';
import { t } from './words.ts';

export function DayBar({ model, zone }: { model: TimelineModel; zone: string }) {
  const [open, setOpen] = useState(false);
  const nowMs = model.now();
  // The bar changes with the day, not with each picture.
  const dayMs = useComputed(() => dayStart(dayOf(model.needleMs.value, zone), zone)).value;
  const day = dateWords(dayMs, zone, nowMs);
  const shift = (count: number) => model.seek(sameTime(model.needleMs.peek(), count, zone), 'commit');
  return (
    <div class="tl-bar">
      <Button icon="back" label={t('previous-day')} kind="plain" onClick={() => shift(-1)} />
      <Button icon="calendar" text={day} label={t('pick-day', { day })} extra="tl-day" onClick={() => setOpen(true)} />
      <Button
        icon="forward"
        label={t('next-day')}
        kind="plain"
        disabled={dayMs >= dayStart(dayOf(nowMs, zone), zone)}
        onClick={() => shift(1)}
      />
      <Pictures model={model} />
      <ZoneChoice atMs={dayMs} zone={zone} />
      <Button
        icon="list"
        text={t('list')}
        label={t('list')}
        extra="tl-list-button"
        pressed={model.isList.value}
        onClick={() => (model.isList.value = !model.isList.value)}
      />
      {open && (
        <Calendar
          valueMs={model.needleMs.peek()}
          zone={zone}
          nowMs={nowMs}
          cameras={model.chosen.value}
          onPick={timeMs => {
            setOpen(false);
            model.seek(timeMs, 'commit');
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </div>
  );
}

function Pictures({ model }: { model: TimelineModel }) {
  const chosen = model.chosen.value;
  const others = allCameras().filter(({ id }) => !chosen.includes(id));
  return (
    <>
      <ul class="tl-chips">
        {chosen.map(id => (
          <li key={id} class="tag">
            {cameraName(id)}
            {chosen.length > 1 && (
              <button
                type="button"
                aria-label={t('remove-picture', { camera: cameraName(id) })}
                onClick={() => model.drop(id)}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <Menu
          label={t('add-picture')}
          side="start"
          items={others.map(({ id, name }) => ({ label: name, onPick: () => model.choose(id) }))}
        >
          <Icon name="plus" />
        </Menu>
      )}
    </>
  );
}

/** Shown only where the two clocks differ. */
function ZoneChoice({ atMs, zone }: { atMs: number; zone: string }) {
  const board = me.value?.timeZone;
  const viewer = viewerZone();
  if (!board || !isZone(board) || offsetMs(atMs, board) === offsetMs(atMs, viewer))
    return <span class="quiet label tl-zone">{offsetWords(atMs, zone)}</span>;
  const choice = preferences.value.zone;
  const items = (['viewer', 'board'] as const).map(one => ({
    label: `${t(one === 'board' ? 'board-zone' : 'viewer-zone')} (${offsetWords(atMs, one === 'board' ? board : viewer)})`,
    checked: one === choice,
    onPick: () => prefer({ zone: one }),
  }));
  return (
    <span class="tl-zone">
      <Menu
        label={`${t(choice === 'board' ? 'board-zone' : 'viewer-zone')} (${offsetWords(atMs, zone)})`}
        items={items}
      />
    </span>
  );
}
