// The sheet with a month of days and the hours of one of them: day, hour, done. And the field for a typed time of day.

import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Timeline } from '../../../src/api/contract.ts';
import { call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Sheet } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import {
  addDays,
  clock,
  type Day,
  dateWords,
  dayOf,
  daySpan,
  dayStart,
  hoursOf,
  instantOf,
  parseClock,
} from '../time.ts';
import { type Day as DayFound, daysWith } from './days.ts';
import { monthOf, monthWords, weekdayNames, weeksOf } from './month.ts';
import { inParts } from './parts.ts';
import { t } from './words.ts';

export interface CalendarProps {
  valueMs: number;
  zone: string;
  nowMs: number;
  /** Whose footage the days are to tell of. */
  cameras: readonly number[];
  onPick(timeMs: number): void;
  onClose(): void;
}

export function Calendar({ valueMs, zone, nowMs, cameras, onPick, onClose }: CalendarProps) {
  const [month, setMonth] = useState(() => monthOf(dayOf(valueMs, zone)));
  const [day, setDay] = useState<Day>(() => dayOf(valueMs, zone));
  const known = useDays(month, zone, cameras);
  const today = dayOf(nowMs, zone);
  return (
    <Sheet title={t('calendar')} onClose={onClose}>
      <div class="stack">
        <div class="row spread">
          <Button
            icon="back"
            label={t('previous-month')}
            kind="plain"
            onClick={() => setMonth(monthOf(addDays(`${month}-01`, -1)))}
          />
          <strong aria-live="polite">{monthWords(month)}</strong>
          <Button
            icon="forward"
            label={t('next-month')}
            kind="plain"
            disabled={month >= monthOf(today)}
            onClick={() => setMonth(monthOf(addDays(`${month}-28`, 5)))}
          />
        </div>
        <div class="cal-grid">
          {weekdayNames().map(name => (
            <span key={name} class="quiet label" aria-hidden="true">
              {name}
            </span>
          ))}
          {weeksOf(month).map(one => {
            const found = known.get(one);
            const says = [
              dateWords(dayStart(one, zone) + 12 * 3_600_000, zone, nowMs, true),
              found?.hasFootage ? t('day-footage') : t('day-empty'),
              ...(found?.hasEvents ? [t('day-events')] : []),
            ];
            return (
              <button
                key={one}
                type="button"
                class="cal-day"
                data-footage={found?.hasFootage ?? false}
                data-events={found?.hasEvents ?? false}
                data-beside={monthOf(one) !== month}
                aria-current={one === today ? 'date' : undefined}
                aria-pressed={one === day}
                aria-label={says.join(', ')}
                disabled={one > today}
                onClick={() => setDay(one)}
              >
                {Number(one.slice(8))}
              </button>
            );
          })}
        </div>
        <Hours day={day} zone={zone} nowMs={nowMs} cameras={cameras} onPick={onPick} />
        <TimeField
          valueMs={instantOf(day, timeOfDay(valueMs, zone), zone)}
          zone={zone}
          label={t('time')}
          onPick={timeMs => onPick(Math.min(timeMs, nowMs))}
        />
      </div>
    </Sheet>
  );
}

function timeOfDay(timeMs: number, zone: string): number {
  return parseClock(clock(timeMs, zone)) ?? 0;
}

interface HoursProps extends Pick<CalendarProps, 'zone' | 'nowMs' | 'cameras' | 'onPick'> {
  day: Day;
}

/** As many cells as the day has hours. */
function Hours({ day, zone, nowMs, cameras, onPick }: HoursProps) {
  const hours = useMemo(() => hoursOf(day, zone), [day, zone]);
  const levels = useHourLevels(day, zone, cameras);
  return (
    <fieldset class="cal-hours" aria-label={t('hours-of', { day: dateWords(dayStart(day, zone), zone, nowMs, true) })}>
      {hours.map(({ startMs, label }, index) => {
        const level = levels?.[index] ?? -1;
        const says = t(level < 0 ? 'hour-none' : level < 0.15 ? 'hour-quiet' : level < 0.5 ? 'hour-some' : 'hour-much');
        return (
          <button
            key={startMs}
            type="button"
            class="cal-hour"
            data-empty={level < 0}
            style={{ '--level': `${Math.round(Math.max(0, level) * 100)}%` }}
            aria-label={`${label}, ${says}`}
            disabled={startMs > nowMs}
            onClick={() => onPick(startMs)}
          >
            {label.length > 5 ? label : Number(label.slice(0, 2))}
          </button>
        );
      })}
    </fieldset>
  );
}

export interface TimeFieldProps {
  /** The day that the typed time belongs to is the one of this moment. */
  valueMs: number;
  zone: string;
  label: string;
  onPick(timeMs: number): void;
}

/** Takes what people type: 14:05:20, 1405, 2 pm. Takes effect on Enter and when it is left. */
export function TimeField({ valueMs, zone, label, onPick }: TimeFieldProps) {
  const shown = clock(valueMs, zone);
  const [typed, setTyped] = useState<string>();
  const text = typed ?? shown;
  const parsed = parseClock(text);
  const take = (isMeant: boolean) => {
    if (parsed === undefined || (typed === undefined && !isMeant)) return;
    setTyped(undefined);
    // Of a time that comes twice, the one that is nearer to where we are.
    const picks = [false, true].map(later => instantOf(dayOf(valueMs, zone), parsed, zone, later));
    const [near = valueMs] = picks.sort((a, b) => Math.abs(a - valueMs) - Math.abs(b - valueMs));
    if (isMeant || clock(near, zone) !== shown) onPick(near);
  };
  return (
    <Field label={label} error={parsed === undefined ? t('bad-time') : undefined}>
      {({ id, describedBy, invalid }) => (
        <input
          class="input tl-time-input"
          id={id}
          inputMode="numeric"
          autoComplete="off"
          value={text}
          aria-describedby={describedBy}
          aria-invalid={invalid}
          onInput={event => setTyped(event.currentTarget.value)}
          onBlur={() => take(false)}
          onKeyDown={event => {
            if (event.key === 'Enter') take(true);
            if (event.key === 'Escape') setTyped(undefined);
          }}
        />
      )}
    </Field>
  );
}

function useDays(month: string, zone: string, cameras: readonly number[]): ReadonlyMap<Day, DayFound> {
  const days = useSignal<ReadonlyMap<Day, DayFound>>(new Map());
  useEffect(() => {
    const stop = new AbortController();
    void daysWith(cameras, weeksOf(month), zone, stop.signal).then(found => {
      days.value = new Map(found.map(day => [dayOf(day.startMs, zone), day]));
    });
    return () => stop.abort();
  }, [month, zone, cameras.join()]);
  return days.value;
}

/** For each hour of a day how much happened, 0 to 1; -1 without footage. */
function useHourLevels(day: Day, zone: string, cameras: readonly number[]): readonly number[] | undefined {
  const levels = useSignal<readonly number[] | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    const { startMs, endMs } = daySpan(day, zone);
    // Ten minutes: every zone's hours begin at one.
    const buckets = Math.round((endMs - startMs) / 600_000);
    const query = { startMs, endMs, buckets, levels: 16 as const };
    levels.value = undefined;
    void inParts(cameras, camera =>
      call('GET /api/timeline', { query: { ...query, camera } }, { signal: stop.signal }),
    ).then(answers => {
      const lanes = answers.flatMap(answer => (answer.is === 'ok' ? answer.value.cameras : []));
      if (answers.every(({ is }) => is === 'ok'))
        levels.value = hoursOf(day, zone).map(hour => levelOfHour(lanes, hour, startMs));
    });
    return () => stop.abort();
  }, [day, zone, cameras.join()]);
  return levels.value;
}

function levelOfHour(lanes: Timeline['cameras'], hour: { startMs: number; endMs: number }, startMs: number): number {
  const first = Math.floor((hour.startMs - startMs) / 600_000);
  const last = Math.ceil((hour.endMs - startMs) / 600_000);
  let most = 0;
  for (const { activity } of lanes) {
    for (let index = first; index < last; index++) {
      const digit = typeof activity === 'string' ? Number.parseInt(activity[index] ?? '0', 16) : 0;
      most = Math.max(most, digit || 0);
    }
  }
  return most === 0 ? -1 : (most - 1) / 14;
}
