// What of all events is listed: unseen or all, camera, kind, day, locked ones. One sheet on phones, whose button counts the filters.

import { useState } from 'preact/hooks';
import { Button } from '../components/button.tsx';
import { Sheet } from '../components/dialog.tsx';
import { Check, Choices, SelectField } from '../components/field.tsx';
import { allCameras, unseenEvents } from '../state.ts';
import { dayOf, daySpan } from '../time.ts';
import { labelWords } from '../timeline/labels.ts';
import { now } from '../zone.ts';
import { countOf, type EventFilters, OFFERED } from './query.ts';
import { t } from './words.ts';

export interface FiltersProps {
  value: EventFilters;
  zone: string;
  /** Labels seen in the list, offered beside the usual ones. */
  labels: readonly string[];
  onChange(value: EventFilters): void;
}

export function FilterBar(props: FiltersProps) {
  const { value, onChange } = props;
  const [open, setOpen] = useState(false);
  const count = countOf(value);
  const unseen = unseenEvents.value ?? 0;
  return (
    <div class="ev-filters row">
      <Choices
        label={t('title')}
        value={value.all ? 'all' : 'unseen'}
        options={[
          {
            value: 'unseen',
            label: unseen > 0 ? t('unseen-count', { count: unseen > 99 ? '99+' : unseen }) : t('unseen'),
          },
          { value: 'all', label: t('all') },
        ]}
        onPick={picked => onChange({ ...value, all: picked === 'all' })}
      />
      <Button
        icon="filter"
        text={count > 0 ? t('filters-count', { count }) : t('filters')}
        extra="ev-filter-button"
        onClick={() => setOpen(true)}
      />
      <div class="ev-filter-fields row">
        <Fields {...props} />
      </div>
      {open && (
        <Sheet title={t('filters')} onClose={() => setOpen(false)}>
          <div class="stack">
            <Fields {...props} />
            <Button
              text={t('clear-filters')}
              onClick={() => {
                onChange({ all: value.all });
                setOpen(false);
              }}
            />
          </div>
        </Sheet>
      )}
    </div>
  );
}

function Fields({ value, zone, labels, onChange }: FiltersProps) {
  const { camera, label, locked = false, startMs } = value;
  const set = (change: Change) => onChange(without({ ...value, ...change }));
  const offered = [...new Set([...OFFERED.map(one => one.label), ...labels, ...(label === undefined ? [] : [label])])];
  const day = startMs === undefined ? '' : dayOf(startMs, zone);
  return (
    <>
      <SelectField
        label={t('camera')}
        value={camera === undefined ? '' : String(camera)}
        options={[
          { value: '', label: t('any-camera') },
          ...allCameras().map(({ id, name }) => ({ value: String(id), label: name })),
        ]}
        onPick={picked => set({ camera: picked === '' ? undefined : Number(picked) })}
      />
      <SelectField
        label={t('kind')}
        value={label ?? ''}
        options={[{ value: '', label: t('any-kind') }, ...offered.map(one => ({ value: one, label: labelWords(one) }))]}
        onPick={picked => set({ label: picked === '' ? undefined : picked })}
      />
      <label class="field">
        <span>{t('day')}</span>
        <input
          class="input"
          type="date"
          value={day}
          max={dayOf(now(), zone)}
          onChange={picked => {
            const chosen = picked.currentTarget.value;
            const span = /^\d{4}-\d\d-\d\d$/.test(chosen) ? daySpan(chosen, zone) : undefined;
            set({ startMs: span?.startMs, endMs: span?.endMs });
          }}
        />
      </label>
      <Check
        label={t('locked-only')}
        checked={locked}
        onChange={checked => set({ locked: checked ? true : undefined })}
      />
    </>
  );
}

type Change = { [K in keyof EventFilters]?: EventFilters[K] | undefined };

/** Filters that are not set are absent. */
function without(filters: Change): EventFilters {
  return Object.fromEntries(
    Object.entries(filters).filter(([, value]) => value !== undefined),
  ) as unknown as EventFilters;
}
