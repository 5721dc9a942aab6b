// The weekly schedule: hours painted by dragging over them, or set from-to by the keyboard; each day also in words.
import { useRef, useState } from 'preact/hooks';
import { Button } from '../components/button.tsx';
import { Check, Choices, SelectField } from '../components/field.tsx';
import { cameraNames, cameraWords } from './camera-words.ts';
import { HOURS, LETTERS, type Letter, paint, paintBetween, plainWeek, spansOf } from './week.ts';

const DAYS = [0, 1, 2, 3, 4, 5, 6];
const DAY_SETS: Readonly<Record<string, readonly number[]>> = {
  everyDay: DAYS,
  workdays: DAYS.slice(0, 5),
  weekend: DAYS.slice(5),
};

export interface WeekEditorProps {
  /** 168 letters; undefined = the camera's mode holds at all hours. */
  week: string | undefined;
  onChange(week: string | undefined): void;
}

export function WeekEditor({ week, onChange }: WeekEditorProps) {
  const [brush, setBrush] = useState<Letter>('e');
  return (
    <div class="stack">
      <Check
        label={cameraWords('weekUse')}
        checked={week !== undefined}
        onChange={on => onChange(on ? plainWeek('c') : undefined)}
      />
      {week !== undefined && (
        <>
          <p class="quiet dense">{cameraWords('weekHint')}</p>
          <Choices<Letter>
            label={cameraWords('brush')}
            value={brush}
            options={LETTERS.map(value => ({ value, label: cameraNames(value) }))}
            onPick={setBrush}
          />
          <Hours week={week} brush={brush} onChange={onChange} />
          <FromTo onSet={(days, from, to) => onChange(paint(week, days, from, to, brush))} brush={brush} />
          <ul class="dense">
            {DAYS.map(day => (
              <li key={day}>
                {dayName(day)}:{' '}
                {spansOf(week, day)
                  .map(({ from, to, letter }) => `${from}–${to} ${cameraNames(letter)}`)
                  .join(', ')}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** 1 January 2024 was a Monday. */
function dayName(day: number): string {
  return new Date(Date.UTC(2024, 0, 1 + day)).toLocaleDateString(document.documentElement.lang, {
    weekday: 'short',
    timeZone: 'UTC',
  });
}

interface HoursProps {
  week: string;
  brush: Letter;
  onChange(week: string): void;
}

/** For the pointer alone: the fields and words below say and do the same. */
function Hours({ week, brush, onChange }: HoursProps) {
  const start = useRef<{ week: string; cell: number } | undefined>(undefined);
  const draw = ({ clientX, clientY }: PointerEvent) => {
    const cell = document.elementFromPoint(clientX, clientY)?.getAttribute('data-cell');
    if (cell == null) return;
    start.current ??= { week, cell: Number(cell) };
    onChange(paintBetween(start.current.week, start.current.cell, Number(cell), brush));
  };
  const end = () => {
    start.current = undefined;
  };
  return (
    <div
      class="week"
      aria-hidden="true"
      onPointerDown={event => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        draw(event);
      }}
      onPointerMove={event => start.current && draw(event)}
      onPointerUp={end}
      onPointerCancel={end}
    >
      {DAYS.map(day => (
        <div key={day}>
          <span class="label">{dayName(day)}</span>
          {[...week.slice(day * HOURS, (day + 1) * HOURS)].map((letter, hour) => (
            <i key={hour} data-cell={day * HOURS + hour} data-letter={letter} />
          ))}
        </div>
      ))}
    </div>
  );
}

interface FromToProps {
  brush: Letter;
  onSet(days: readonly number[], from: number, to: number): void;
}

function FromTo({ brush, onSet }: FromToProps) {
  const [days, setDays] = useState('workdays');
  const [from, setFrom] = useState('8');
  const [to, setTo] = useState('18');
  const sets = (['everyDay', 'workdays', 'weekend'] as const).map(value => ({ value, label: cameraNames(value) }));
  const options = [...sets, ...DAYS.map(day => ({ value: String(day), label: dayName(day) }))];
  const hours = (first: number) =>
    Array.from({ length: HOURS }, (_, index) => ({ value: String(index + first), label: `${index + first}:00` }));
  return (
    <div class="row cam-span">
      <SelectField<string> label={cameraWords('days')} value={days} options={options} onPick={setDays} />
      <SelectField<string> label={cameraWords('from')} value={from} options={hours(0)} onPick={setFrom} />
      <SelectField<string> label={cameraWords('to')} value={to} options={hours(1)} onPick={setTo} />
      <Button
        text={`${cameraWords('set')}: ${cameraNames(brush)}`}
        disabled={Number(to) <= Number(from)}
        onClick={() => onSet(DAY_SETS[days] ?? [Number(days)], Number(from), Number(to))}
      />
    </div>
  );
}
